//! Why the control plane doesn't open.

use std::path::PathBuf;

use credentials::KeyError;
use storage::StoreError;

use crate::KeyCommandError;

/// Why the control plane doesn't open, or an instance can't be made ready.
#[derive(Debug, thiserror::Error)]
pub enum ControlError {
    /// The data folder can't be used.
    #[error("the data folder {path} can't be used: it must be a folder that this user may write to")]
    DataFolder {
        /// Which folder.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// The file of the master key can't be read or written.
    #[error("the master key's file {path} can't be used: it must be a file that this user may read")]
    MasterKeyFile {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// The instance exists, its master key doesn't.
    #[error(
        "the master key {path} is missing, though the instance was made with one: put the original file back; a new key \
         can't open the signing keys"
    )]
    MasterKeyMissing {
        /// Where it should be.
        path: PathBuf,
    },
    /// The text is no master key.
    #[error(
        "the master key in {place} can't be used: expected 32 bytes as 64 hexadecimal digits or as base64"
    )]
    MasterKeyMalformed {
        /// Which file, or where else it came from.
        place: String,
    },
    /// The command that prints the master key gave none.
    #[error("the master key's command gave no key")]
    MasterKeyCommand(#[from] KeyCommandError),
    /// The master key is another one than the instance was made with.
    #[error(
        "this is not the instance's master key: another one can't open the signing keys. Put back the key that it was made \
         with or, if it was re-wrapped since, the one that it was re-wrapped to"
    )]
    WrongMasterKey,
    /// A stored signing key is not what it was when it was sealed.
    #[error(
        "the stored signing key {kid} can't be opened: the database was altered or damaged; restore a backup"
    )]
    SigningKeyDamaged {
        /// Which key.
        kid: String,
        /// What is wrong with it, if it could be unsealed.
        #[source]
        source: Option<KeyError>,
    },
    /// The instance's own keys are not what they were when they were sealed.
    #[error("the instance's own keys can't be opened: the database was altered or damaged; restore a backup")]
    InstanceKeysDamaged,
    /// No key signs, though the instance was made with one.
    #[error("no signing key is in use: the database was altered or damaged; restore a backup")]
    NoSigningKey,
    /// The record of what ended can't be read or written.
    #[error(
        "the record of what ended, {path}, can't be used: it must be a file that this user may read and write"
    )]
    EndedRecord {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// There is no instance in what was restored.
    #[error("the backup holds no instance: it was made before the first start was complete")]
    NoInstance,
    /// The store failed.
    #[error("the store failed")]
    Store(#[from] StoreError),
    /// Passwords can't be hashed here.
    #[error("passwords can't be hashed: {0}")]
    Password(String),
    /// The dev instance could not be made ready.
    #[error("the dev instance could not be made ready: {what}")]
    Dev {
        /// What could not be made.
        what: &'static str,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}
