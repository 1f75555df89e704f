//! The data folder: only its owner may look in, and only one process at a time uses it.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

/// Mode of folders that hold secrets.
const FOLDER_MODE: u32 = 0o700;
/// Mode of files that hold secrets.
const FILE_MODE: u32 = 0o600;
/// The lock's file.
pub(crate) const LOCK_FILE: &str = "voxgate.lock";

/// Why a data folder can't be used.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// Another process uses it.
    #[error(
        "the data folder {0} is in use by another Voxgate: two at once would contradict each other. Stop that one, or \
         choose another folder"
    )]
    InUse(PathBuf),
    /// It can't be made, read or written.
    #[error("{path} can't be used: {source}. It must be a place that this user may write to")]
    Io {
        /// Which path.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

impl FolderError {
    fn at(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { path, source }
    }
}

/// A data folder that this process alone uses, until this is dropped.
#[derive(Debug)]
pub struct DataFolder {
    path: PathBuf,
    /// The system frees the lock when the file is closed, however the process ends.
    _lock: File,
}

impl DataFolder {
    /// Makes the folder if it is missing, and takes its lock.
    ///
    /// # Errors
    /// When another process holds the lock, or the folder can't be used.
    pub fn open(path: &Path) -> Result<Self, FolderError> {
        make_private(path)?;
        let lock_path = path.join(LOCK_FILE);
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(FILE_MODE)
            .open(&lock_path)
            .map_err(FolderError::at(&lock_path))?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { path: path.to_owned(), _lock: lock }),
            Err(TryLockError::WouldBlock) => Err(FolderError::InUse(path.to_owned())),
            Err(TryLockError::Error(source)) => Err(FolderError::at(&lock_path)(source)),
        }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// Makes a folder that only its owner may look into. One that exists is left as it is: its mode is its owner's choice.
///
/// # Errors
/// When it can't be made.
pub fn make_private(path: &Path) -> Result<(), FolderError> {
    DirBuilder::new().recursive(true).mode(FOLDER_MODE).create(path).map_err(FolderError::at(path))
}

/// Replaces a file that only its owner may read. A crash leaves the old one or the new one, never half of it.
///
/// # Errors
/// When it can't be written.
pub fn write_private(path: &Path, bytes: &[u8]) -> Result<(), FolderError> {
    let beside = path.with_extension("new");
    let mut file = OpenOptions::new()
        .create(true)
        .truncate(true)
        .write(true)
        .mode(FILE_MODE)
        .open(&beside)
        .map_err(FolderError::at(&beside))?;
    // A file left over from before may have another mode.
    file.set_permissions(std::fs::Permissions::from_mode(FILE_MODE)).map_err(FolderError::at(&beside))?;
    file.write_all(bytes).and_then(|()| file.sync_all()).map_err(FolderError::at(&beside))?;
    std::fs::rename(&beside, path).map_err(FolderError::at(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two processes never use one folder: the second is told so, and may come in once the first is gone.
    #[test]
    fn a_folder_has_one_user() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("data");
        let first = DataFolder::open(&path).unwrap();
        assert!(matches!(DataFolder::open(&path), Err(FolderError::InUse(_))));
        drop(first);
        assert!(DataFolder::open(&path).is_ok());
    }

    /// What holds secrets is readable by its owner alone, also when the file existed with another mode.
    #[test]
    fn secrets_are_private() {
        let place = tempfile::tempdir().unwrap();
        let folder = place.path().join("data");
        make_private(&folder).unwrap();
        assert_eq!(std::fs::metadata(&folder).unwrap().permissions().mode() & 0o777, FOLDER_MODE);
        let file = folder.join("secret.json");
        for content in ["one", "two"] {
            write_private(&file, content.as_bytes()).unwrap();
            assert_eq!(std::fs::read_to_string(&file).unwrap(), content);
            assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, FILE_MODE);
        }
    }
}
