//! Backups: the control plane's database and the ledgers in one file, whichever databases they are in.
//!
//! The file is text: a line that names the format, a line of JSON that says what is in it, one line of JSON for each row, and
//! the SHA-256 of all that. It is read and written row by row, so its size doesn't matter. The master key is never in it: a
//! backup alone opens no signing key. It holds what the database holds, hashes of passwords and of keys among it, so only its
//! owner may read it.

mod cells;
mod error;
mod fill;
mod format;
mod make;
mod restore;

pub use error::BackupError;
pub use format::{Header, Part, PartTable};
pub use make::{Made, Sources, make};
pub use restore::{Backup, Former, Restored, Target, restore};

/// Who is told how far a backup or a restore is, in rows.
pub struct Watch<'a> {
    /// How many rows there are.
    pub total: &'a (dyn Fn(u64) + Sync),
    /// So many more are done.
    pub advance: &'a (dyn Fn(u64) + Sync),
}

impl std::fmt::Debug for Watch<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Watch")
    }
}

impl Watch<'_> {
    /// Nobody is told.
    pub const NOBODY: Watch<'static> = Watch { total: &|_| {}, advance: &|_| {} };
}
