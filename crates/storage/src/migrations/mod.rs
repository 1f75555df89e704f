//! Migrations, oldest first. A migration that was released is never edited; another one follows it.

mod m0001_first;

use sea_orm_migration::prelude::*;

/// All migrations.
#[derive(Debug)]
pub(crate) struct Migrations;

#[async_trait::async_trait]
impl MigratorTrait for Migrations {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![Box::new(m0001_first::First)]
    }
}
