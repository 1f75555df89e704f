//! The ways in which a database call fails.

use sea_orm::sqlx;
use sea_orm::{DbErr, RuntimeErr, SqlErr};

use crate::InvalidDbUrl;

/// Why a database call failed.
#[derive(Debug, thiserror::Error)]
pub enum SqlError {
    /// The database can't be opened.
    #[error(
        "the database {place} can't be opened: check that it is there and that this user may read and write it"
    )]
    Open {
        /// Which database, without its password.
        place: String,
        /// What the driver said.
        #[source]
        source: DbErr,
    },
    /// The URL can't be read.
    #[error("the URL of the database {place} can't be used")]
    Url {
        /// Which database, without its password.
        place: String,
        /// What is wrong.
        #[source]
        source: InvalidDbUrl,
    },
    /// There is no schema in it.
    #[error("the database {place} is empty: expected one that voxgate serve or voxgate dev made")]
    Empty {
        /// Which database, without its password.
        place: String,
    },
    /// Its schema is another program's, or another part's.
    #[error(
        "the database {place} was made by something else: give each part of an instance its own database"
    )]
    Foreign {
        /// Which database, without its password.
        place: String,
    },
    /// Its schema is older than this build reads.
    #[error(
        "the database {place} was made by an older version: start the server once, which brings it up to date"
    )]
    Older {
        /// Which database, without its password.
        place: String,
    },
    /// Its schema is newer than this build reads.
    #[error(
        "the database {place} was made by a newer version that this one can't read: use the newer version"
    )]
    Newer {
        /// Which database, without its password.
        place: String,
    },
    /// The database isn't empty, though it has to be.
    #[error("the database {place} isn't empty: give an empty one")]
    NotEmpty {
        /// Which database, without its password.
        place: String,
    },
    /// It was opened for reading alone.
    #[error("the database was opened for reading alone")]
    ReadOnly,
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
    /// Those who write before take too long.
    #[error("the database is busy: writers wait too long for each other")]
    Busy,
    /// The database can't do it now: its disk is full, or the server is away. Trying later may help.
    #[error("the database can't be used now: {hint}")]
    Unavailable {
        /// What is likely wrong, for the operator.
        hint: &'static str,
        /// What the driver said.
        #[source]
        source: DbErr,
    },
    /// Anything else.
    #[error("the database failed")]
    Failed(#[source] DbErr),
}

impl From<DbErr> for SqlError {
    fn from(error: DbErr) -> Self {
        if let Some(hint) = unavailable(&error) {
            return Self::Unavailable { hint, source: error };
        }
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

    /// Whether the same call may succeed later, once the disk has room or the server is back.
    pub const fn is_unavailable(&self) -> bool {
        matches!(self, Self::Unavailable { .. } | Self::Busy)
    }
}

const DISK_FULL: &str = "its disk is full: make room";
const AWAY: &str = "its server is away";
const OVERLOADED: &str = "its server is overloaded, or another node holds a lock";

/// What keeps a database from working for now, if that is what an error says.
fn unavailable(error: &DbErr) -> Option<&'static str> {
    match error {
        DbErr::ConnectionAcquire(_) => Some(AWAY),
        DbErr::Conn(RuntimeErr::SqlxError(source))
        | DbErr::Exec(RuntimeErr::SqlxError(source))
        | DbErr::Query(RuntimeErr::SqlxError(source)) => match &**source {
            sqlx::Error::Io(_)
            | sqlx::Error::Tls(_)
            | sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed
            | sqlx::Error::WorkerCrashed => Some(AWAY),
            sqlx::Error::Database(error) => {
                let code = error.code()?;
                let is_sqlite = error.try_downcast_ref::<sqlx::sqlite::SqliteError>().is_some();
                if is_sqlite { sqlite_unavailable(&code) } else { postgres_unavailable(&code) }
            }
            _ => None,
        },
        _ => None,
    }
}

/// By SQLite's result codes; the low byte is the primary one.
fn sqlite_unavailable(code: &str) -> Option<&'static str> {
    match code.parse::<u32>().ok()? & 0xff {
        5 | 6 => Some("another process holds its lock"),
        8 => Some("it can't be written: its disk or its file is read-only"),
        10 => Some("its disk fails, or is full"),
        13 => Some(DISK_FULL),
        14 => Some("its file can't be opened"),
        _ => None,
    }
}

/// By PostgreSQL's classes of states.
fn postgres_unavailable(code: &str) -> Option<&'static str> {
    match code {
        "53100" => Some(DISK_FULL),
        // Deadlocks, serialisation, locks and statements that took too long.
        "40001" | "40P01" | "55P03" | "57014" | "25P03" => Some(OVERLOADED),
        // A server that only reads: a standby, after a failover.
        "25006" => Some("its server only reads: a standby is not the primary"),
        _ if code.starts_with("53") => Some(OVERLOADED),
        _ if code.starts_with("08") || code.starts_with("57P") || code.starts_with("58") => Some(AWAY),
        _ => None,
    }
}
