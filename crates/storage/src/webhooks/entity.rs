//! The tables of webhooks as SeaORM sees them.

#![expect(unreachable_pub, reason = "SeaORM's derives need public models")]

/// Webhooks; their secrets sealed under the master key.
pub(crate) mod webhook {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "webhooks")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: String,
        pub workspace_id: String,
        pub url: String,
        pub events: String,
        pub sealed_secret: Vec<u8>,
        pub sealed_former_secret: Option<Vec<u8>>,
        pub former_until: Option<i64>,
        pub created_at: i64,
    }

    #[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// Messages for webhooks.
pub(crate) mod message {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "webhook_messages")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: String,
        pub webhook_id: String,
        pub event: String,
        pub body: String,
        pub created_at: i64,
        pub state: String,
        pub attempts: i64,
        pub next_try_at: Option<i64>,
        pub tried_at: Option<i64>,
        pub status: Option<i64>,
        pub problem: Option<String>,
    }

    #[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// The one row that says up to when the expiry of API keys was told of.
pub(crate) mod expiry {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "webhook_expiries")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub singleton: i32,
        pub told_until: i64,
    }

    #[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}
