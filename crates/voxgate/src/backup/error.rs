//! Why a backup or a restore fails.

use std::io;
use std::path::{Path, PathBuf};

use domain::Region;
use sql::DbPlace;

/// Why a backup or a restore fails.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// A file can't be read or written.
    #[error("{path} can't be used: {source}")]
    File {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The file is no backup.
    #[error("{path} is no backup of Voxgate: expected a file that voxgate backup made")]
    NoBackup {
        /// Which file.
        path: PathBuf,
    },
    /// A later version made the file.
    #[error(
        "{path} is a backup of format {format}, which this version can't read: use the version that made it"
    )]
    Newer {
        /// Which file.
        path: PathBuf,
        /// Its format.
        format: u32,
    },
    /// The file isn't what was written.
    #[error("{path} is damaged or incomplete: its checksum is wrong. Use another backup")]
    Damaged {
        /// Which file.
        path: PathBuf,
    },
    /// A line isn't what the file says it is.
    #[error("{path} is damaged: line {line} is no row of the table {table}. Use another backup")]
    Row {
        /// Which file.
        path: PathBuf,
        /// Which line.
        line: u64,
        /// Of which table.
        table: String,
    },
    /// There is nothing to back up.
    #[error("there is no database {0}: give the data folder of the instance, or its configuration file")]
    NoDatabase(DbPlace),
    /// Something is there already.
    #[error(
        "{0} isn't empty: a restore makes a new instance and overwrites nothing. Give another folder, or move this one away"
    )]
    NotEmpty(PathBuf),
    /// The backup knows a region that the instance doesn't.
    #[error("the backup holds {0}, which this version doesn't know")]
    UnknownPart(String),
    /// The former instance is another one.
    #[error(
        "the former database {0} is another instance's than the backup: give the one that the backup was made of"
    )]
    OtherInstance(DbPlace),
    /// What ended since can't be found out.
    #[error(
        "the former data folder {path} has no database that can be read, and its record of what ended doesn't reach back to \
         the backup: keys that were revoked since can't be told from the others. Say what shall become of them with \
         --former-lost"
    )]
    NoRecord {
        /// The former data folder.
        path: PathBuf,
    },
    /// The data folder.
    #[error(transparent)]
    Folder(#[from] crate::folder::FolderError),
    /// The control plane's database.
    #[error(transparent)]
    Store(#[from] storage::StoreError),
    /// A region's ledger.
    #[error("the ledger of region {region}")]
    Ledger {
        /// Which region.
        region: Region,
        /// What happened.
        #[source]
        source: ledger::LedgerError,
    },
    /// The control plane.
    #[error(transparent)]
    Control(#[from] control::ControlError),
    /// A database while its tables were read.
    #[error(transparent)]
    Sql(#[from] sql::SqlError),
}

impl BackupError {
    pub(super) fn file(path: &Path) -> impl Fn(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::File { path: path.clone(), source }
    }

    pub(super) fn ledger(region: Region) -> impl Fn(ledger::LedgerError) -> Self {
        move |source| Self::Ledger { region, source }
    }
}
