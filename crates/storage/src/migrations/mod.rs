//! Migrations, oldest first. A migration that was released is never edited; another one follows it.

mod m0001_first;
mod m0002_accounts;
mod m0003_key_life;

use sea_orm_migration::prelude::*;
use sql::Schema;

/// All migrations.
#[derive(Debug)]
pub(crate) struct Migrations;

#[async_trait::async_trait]
impl MigratorTrait for Migrations {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(m0001_first::First),
            Box::new(m0002_accounts::Accounts),
            Box::new(m0003_key_life::KeyLife),
        ]
    }
}

impl Schema for Migrations {
    const MIN_READER: usize = 1;
}
