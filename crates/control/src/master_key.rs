//! The master key: read from where the configuration says, made at first start in the data folder.

use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use credentials::MasterKey;
use domain::Rng;
use zeroize::Zeroizing;

use crate::{ControlError, MasterKeySource};

const FILE: &str = "master.key";

/// Gets the master key. It is made only where there is neither a key nor an instance.
pub(crate) fn get(
    source: &MasterKeySource,
    data_dir: &Path,
    has_instance: bool,
    rng: &dyn Rng,
) -> Result<MasterKey, ControlError> {
    match source {
        MasterKeySource::Text(text) => parse(text, || String::from("the configuration")),
        MasterKeySource::File(path) => {
            read(path)?.ok_or_else(|| ControlError::MasterKeyMissing { path: path.clone() })
        }
        MasterKeySource::Folder => {
            let path = data_dir.join(FILE);
            match read(&path)? {
                Some(key) => Ok(key),
                None if has_instance => Err(ControlError::MasterKeyMissing { path }),
                None => make(&path, rng),
            }
        }
    }
}

fn parse(text: &str, place: impl Fn() -> String) -> Result<MasterKey, ControlError> {
    MasterKey::from_text(text).map_err(|_| ControlError::MasterKeyMalformed { place: place() })
}

fn read(path: &Path) -> Result<Option<MasterKey>, ControlError> {
    let text = match fs::read_to_string(path) {
        Ok(text) => Zeroizing::new(text),
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) if error.kind() == ErrorKind::InvalidData => {
            return Err(ControlError::MasterKeyMalformed { place: path.display().to_string() });
        }
        Err(source) => return Err(file_error(path, source)),
    };
    let mode = fs::metadata(path).map_err(|source| file_error(path, source))?.permissions().mode();
    if mode & 0o077 != 0 {
        tracing::warn!(path = %path.display(), "the master key's file can be read by others: set its mode to 0600");
    }
    parse(&text, || path.display().to_string()).map(Some)
}

/// Writes a new key and makes sure that it is on the disk before anything is sealed under it.
fn make(path: &Path, rng: &dyn Rng) -> Result<MasterKey, ControlError> {
    let key = MasterKey::generate(rng);
    let write = || -> std::io::Result<()> {
        // Under another name first: a crash in between must not leave half a key.
        let unfinished = path.with_extension("key.new");
        let mut file =
            OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&unfinished)?;
        file.write_all(key.to_text().as_bytes())?;
        file.write_all(b"\n")?;
        file.sync_all()?;
        fs::rename(&unfinished, path)?;
        fs::File::open(path.parent().unwrap_or(Path::new(".")))?.sync_all()
    };
    write().map_err(|source| file_error(path, source))?;
    Ok(key)
}

fn file_error(path: &Path, source: std::io::Error) -> ControlError {
    ControlError::MasterKeyFile { path: PathBuf::from(path), source }
}

#[cfg(test)]
mod tests {
    use domain::SystemRng;

    use super::*;

    /// The key is made once, with mode 0600, and is the same at the next start.
    #[test]
    fn made_once_and_kept() {
        let folder = tempfile::tempdir().unwrap();
        let first = get(&MasterKeySource::Folder, folder.path(), false, &SystemRng).unwrap();
        let path = folder.path().join(FILE);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let again = get(&MasterKeySource::Folder, folder.path(), true, &SystemRng).unwrap();
        assert_eq!(first.to_text(), again.to_text());
        let by_name = get(&MasterKeySource::File(path), Path::new("/nowhere"), true, &SystemRng).unwrap();
        assert_eq!(first.to_text(), by_name.to_text());
        let text = MasterKeySource::Text(first.to_text());
        assert_eq!(get(&text, Path::new("/nowhere"), true, &SystemRng).unwrap().to_text(), first.to_text());
    }

    /// Once there is an instance a missing key is an error, never a new key; a file that was named is never made.
    #[test]
    fn never_made_anew() {
        let folder = tempfile::tempdir().unwrap();
        let missing = get(&MasterKeySource::Folder, folder.path(), true, &SystemRng);
        assert!(matches!(missing, Err(ControlError::MasterKeyMissing { .. })));
        let named = MasterKeySource::File(folder.path().join("other.key"));
        assert!(matches!(
            get(&named, folder.path(), false, &SystemRng),
            Err(ControlError::MasterKeyMissing { .. })
        ));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    /// What is no key is refused, and the message doesn't show it.
    #[test]
    fn malformed_keys_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(FILE), "hunter2").unwrap();
        let error = get(&MasterKeySource::Folder, folder.path(), false, &SystemRng).unwrap_err();
        assert!(matches!(error, ControlError::MasterKeyMalformed { .. }));
        assert!(!format!("{error} {error:?}").contains("hunter2"));
    }
}
