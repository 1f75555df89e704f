//! The ways in which a database call fails.

use sea_orm::{DbErr, SqlErr};

/// Why a database call failed.
#[derive(Debug, thiserror::Error)]
pub enum SqlError {
    /// The database can't be opened.
    #[error(
        "the database {url} can't be opened: check that its folder exists and that this user may write there"
    )]
    Open {
        /// Which database, without credentials.
        url: String,
        /// What the driver said.
        #[source]
        source: DbErr,
    },
    /// This build doesn't know the kind of database.
    #[error("the database URL must begin with sqlite: (PostgreSQL is not built in), but it is {scheme}:…")]
    UnknownKind {
        /// What the URL begins with.
        scheme: String,
    },
    /// The schema can't be brought up to date.
    #[error("the database's schema can't be brought up to date")]
    Migrate(#[source] DbErr),
    /// A row with this value of a unique column exists.
    #[error("a row with this unique value exists already: {constraint}")]
    Unique {
        /// The constraint, or the columns, as the database names them.
        constraint: String,
        /// What the driver said.
        #[source]
        source: DbErr,
    },
    /// A row that is referred to doesn't exist.
    #[error("a row that this one refers to doesn't exist")]
    ForeignKey(#[source] DbErr),
    /// A statement inside this transaction failed before, so nothing of it is kept.
    #[error("the transaction can't be committed: a statement in it failed before")]
    Poisoned,
    /// Anything else.
    #[error("the database failed")]
    Failed(#[source] DbErr),
}

impl From<DbErr> for SqlError {
    fn from(error: DbErr) -> Self {
        match error.sql_err() {
            Some(SqlErr::UniqueConstraintViolation(constraint)) => Self::Unique { constraint, source: error },
            Some(SqlErr::ForeignKeyConstraintViolation(_)) => Self::ForeignKey(error),
            _ => Self::Failed(error),
        }
    }
}

impl SqlError {
    /// Whether a row with the same unique value existed.
    pub const fn is_unique_violation(&self) -> bool {
        matches!(self, Self::Unique { .. })
    }
}
