//! The table as SeaORM sees it.

#![expect(unreachable_pub, reason = "SeaORM's derives need public models")]

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "invitations")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    pub hash: Vec<u8>,
    pub workspace_id: String,
    pub email: String,
    pub email_key: String,
    pub role: String,
    pub invited_by: Option<String>,
    pub created_at: i64,
    pub sent_at: i64,
    pub expires_at: i64,
    /// When it was accepted or withdrawn.
    pub ended_at: Option<i64>,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
