//! The master key: read from where the configuration says, made at first start in the data folder, and found again
//! wherever a re-wrap was cut off.

use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Read as _, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use credentials::MasterKey;
use domain::Rng;
use storage::Instance;
use zeroize::Zeroizing;

use crate::{ControlConfig, ControlError, MasterKeySource, instance, key_command};

const FILE: &str = "master.key";
/// The key that a re-wrap leads to, until it has happened.
const NEXT_FILE: &str = "master.key.next";
/// A key's file, in bytes: the key and the white space around it.
const FILE_BYTES_MAX: u64 = 1024;

/// Gets the master key that opens the instance; one is made where there is neither a key nor an instance.
///
/// Several places are tried, so that a server starts whatever moment of a re-wrap it was stopped at: the configured one,
/// the data folder's next one, the configured next one. The first key that fits is taken.
pub(crate) async fn get(
    config: &ControlConfig,
    present: Option<&Instance>,
    rng: &dyn Rng,
) -> Result<MasterKey, ControlError> {
    let Some(present) = present else {
        return first(config, rng).await;
    };
    let mut why_not = None;
    for (source, is_folders_next) in places(config) {
        match read(&source, &config.data_dir).await {
            Ok(key) if instance::is_sealed_under(present, &key) => {
                if config.master_key.is_folder() {
                    settle(&config.data_dir, is_folders_next)?;
                }
                return Ok(key);
            }
            Ok(_) => drop(why_not.get_or_insert(ControlError::WrongMasterKey)),
            Err(error) => drop(why_not.get_or_insert(error)),
        }
    }
    Err(why_not.unwrap_or(ControlError::WrongMasterKey))
}

async fn first(config: &ControlConfig, rng: &dyn Rng) -> Result<MasterKey, ControlError> {
    match read(&config.master_key, &config.data_dir).await {
        Err(ControlError::MasterKeyMissing { path }) if config.master_key.is_folder() => {
            let key = MasterKey::generate(rng);
            write(&path, &key)?;
            Ok(key)
        }
        other => other,
    }
}

/// Where to look, and whether that is the data folder's next key.
fn places(config: &ControlConfig) -> Vec<(MasterKeySource, bool)> {
    let mut places = vec![(config.master_key.clone(), false)];
    let next = config.data_dir.join(NEXT_FILE);
    if config.master_key.is_folder() && next.exists() {
        places.push((MasterKeySource::File(next), true));
    }
    places.extend(config.next_master_key.clone().map(|source| (source, false)));
    places
}

/// Ends what a re-wrap has left: its key takes its place if it fits. Otherwise it stays until the next re-wrap: the database may
/// be about to commit what was sealed under it, and then there is no other.
fn settle(data_dir: &Path, next_fits: bool) -> Result<(), ControlError> {
    let next = data_dir.join(NEXT_FILE);
    if next_fits {
        tracing::warn!("a re-wrap was cut off after it had happened: its master key takes its place");
        return promote(data_dir);
    }
    if next.exists() {
        let path = next.display();
        tracing::warn!(%path, "a re-wrap was cut off before it had happened: its master key stays until the next one");
    }
    Ok(())
}

/// The data folder's next key, if there is one there and it may be used.
pub(crate) fn read_next(config: &ControlConfig) -> Result<Option<MasterKey>, ControlError> {
    if !config.master_key.is_folder() {
        return Ok(None);
    }
    match read_file(&config.data_dir.join(NEXT_FILE)) {
        Err(ControlError::MasterKeyMissing { .. } | ControlError::MasterKeyMalformed { .. }) => Ok(None),
        read => read.map(Some),
    }
}

/// Puts the key of a coming re-wrap beside the present one, safe on the disk before anything is sealed under it.
pub(crate) fn prepare(data_dir: &Path, key: &MasterKey) -> Result<(), ControlError> {
    write(&data_dir.join(NEXT_FILE), key)
}

/// Lets the next key take the place of the present one.
pub(crate) fn promote(data_dir: &Path) -> Result<(), ControlError> {
    let (next, path) = (data_dir.join(NEXT_FILE), data_dir.join(FILE));
    fs::rename(&next, &path).and_then(|()| sync_folder(&path)).map_err(|source| file_error(&next, source))
}

/// Drops the next key, where nothing came of a re-wrap.
pub(crate) fn drop_next(data_dir: &Path) {
    drop(fs::remove_file(data_dir.join(NEXT_FILE)));
}

/// Reads a master key from its place; `data_dir` is where [`MasterKeySource::Folder`] looks.
///
/// # Errors
/// When there is none, or what is there is no master key.
pub async fn read(source: &MasterKeySource, data_dir: &Path) -> Result<MasterKey, ControlError> {
    match source {
        MasterKeySource::Text(text) => parse(text, || String::from("the configuration")),
        MasterKeySource::File(path) => read_file(path),
        MasterKeySource::Folder => read_file(&data_dir.join(FILE)),
        MasterKeySource::Command(command) => {
            let text = key_command::run(command).await?;
            parse(&text, || format!("the output of {}", command.first().map_or("", String::as_str)))
        }
    }
}

fn parse(text: &str, place: impl Fn() -> String) -> Result<MasterKey, ControlError> {
    MasterKey::from_text(text).map_err(|_| ControlError::MasterKeyMalformed { place: place() })
}

fn read_file(path: &Path) -> Result<MasterKey, ControlError> {
    let mut text = Zeroizing::new(String::new());
    let opened = File::open(path).and_then(|file| {
        let mode = file.metadata()?.permissions().mode();
        file.take(FILE_BYTES_MAX).read_to_string(&mut text)?;
        Ok(mode)
    });
    let mode = match opened {
        Ok(mode) => mode,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            return Err(ControlError::MasterKeyMissing { path: path.to_owned() });
        }
        Err(error) if error.kind() == ErrorKind::InvalidData => {
            return Err(ControlError::MasterKeyMalformed { place: path.display().to_string() });
        }
        Err(source) => return Err(file_error(path, source)),
    };
    if mode & 0o077 != 0 {
        tracing::warn!(path = %path.display(), "the master key's file can be read by others: set its mode to 0600");
    }
    parse(&text, || path.display().to_string())
}

/// Writes a key and makes sure that it is on the disk before anything is sealed under it.
///
/// # Errors
/// When the file can't be written.
pub fn write(path: &Path, key: &MasterKey) -> Result<(), ControlError> {
    let write = || -> std::io::Result<()> {
        // Under another name first: a crash in between must not leave half a key.
        let unfinished = path.with_added_extension("new");
        let mut file =
            OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&unfinished)?;
        file.write_all(key.to_text().as_bytes())?;
        file.write_all(b"\n")?;
        file.sync_all()?;
        fs::rename(&unfinished, path)?;
        sync_folder(path)
    };
    write().map_err(|source| file_error(path, source))
}

/// Makes a rename in a file's folder outlive a power cut.
fn sync_folder(path: &Path) -> std::io::Result<()> {
    File::open(path.parent().unwrap_or(Path::new(".")))?.sync_all()
}

fn file_error(path: &Path, source: std::io::Error) -> ControlError {
    ControlError::MasterKeyFile { path: PathBuf::from(path), source }
}

#[cfg(test)]
mod tests {
    use domain::{InstanceId, SystemRng, Timestamp};

    use super::*;

    fn config(folder: &Path) -> ControlConfig {
        ControlConfig::in_folder(folder)
    }

    async fn get_text(config: &ControlConfig, present: Option<&Instance>) -> Result<String, ControlError> {
        Ok(get(config, present, &SystemRng).await?.to_text().to_string())
    }

    /// An instance whose values are sealed under this key.
    fn sealed_under(text: &str) -> Instance {
        let id = InstanceId::from_u128(1);
        let sentinel = instance::seal_sentinel(id, &MasterKey::from_text(text).unwrap(), &SystemRng);
        Instance { id, created_at: Timestamp::from_seconds(1), sentinel, sealed_keys: None }
    }

    /// The key is made once, with mode 0600, and is the same at the next start, by whichever way it is read.
    #[tokio::test]
    async fn made_once_and_kept() {
        let folder = tempfile::tempdir().unwrap();
        let mut config = config(folder.path());
        let first = get_text(&config, None).await.unwrap();
        let path = folder.path().join(FILE);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let present = sealed_under(&first);
        for source in [
            MasterKeySource::Folder,
            MasterKeySource::File(path.clone()),
            MasterKeySource::Text(first.clone().into()),
            MasterKeySource::Command(vec![String::from("/bin/cat"), path.display().to_string()]),
        ] {
            config.master_key = source;
            assert_eq!(get_text(&config, Some(&present)).await.unwrap(), first);
        }
    }

    /// Once there is an instance a missing key is an error, never a new key; a file that was named is never made.
    #[tokio::test]
    async fn never_made_anew() {
        let folder = tempfile::tempdir().unwrap();
        let mut config = config(folder.path());
        let present = sealed_under(&MasterKey::generate(&SystemRng).to_text());
        let missing = get_text(&config, Some(&present)).await;
        assert!(matches!(missing, Err(ControlError::MasterKeyMissing { .. })));
        config.master_key = MasterKeySource::File(folder.path().join("other.key"));
        assert!(matches!(get_text(&config, None).await, Err(ControlError::MasterKeyMissing { .. })));
        config.master_key = MasterKeySource::Command(vec![String::from("/bin/false")]);
        assert!(matches!(get_text(&config, None).await, Err(ControlError::MasterKeyCommand(_))));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    /// What is no key is refused, and the message doesn't show it.
    #[tokio::test]
    async fn malformed_keys_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(FILE), "hunter2").unwrap();
        let mut config = config(folder.path());
        for source in [
            MasterKeySource::Folder,
            MasterKeySource::Text(String::from("hunter2").into()),
            MasterKeySource::Command(["/bin/echo", "hunter2"].map(str::to_owned).to_vec()),
        ] {
            config.master_key = source;
            let error = get_text(&config, None).await.unwrap_err();
            assert!(matches!(error, ControlError::MasterKeyMalformed { .. }));
            assert!(!format!("{error} {error:?}").contains("hunter2"));
        }
    }

    /// Whatever moment a re-wrap was cut off at, the key that fits is found, and keeps its place. What doesn't fit stays: a database
    /// may commit late, and then it is the only key of its kind.
    #[tokio::test]
    async fn a_rewrap_that_was_cut_off_is_settled() {
        let [old, new] = [MasterKey::generate(&SystemRng), MasterKey::generate(&SystemRng)];
        for has_happened in [false, true] {
            let folder = tempfile::tempdir().unwrap();
            write(&folder.path().join(FILE), &old).unwrap();
            prepare(folder.path(), &new).unwrap();
            let fitting = if has_happened { new.to_text() } else { old.to_text() };
            let present = sealed_under(&fitting);
            for _ in ["first start", "later start"] {
                assert_eq!(get_text(&config(folder.path()), Some(&present)).await.unwrap(), *fitting);
                assert_eq!(fs::read_to_string(folder.path().join(FILE)).unwrap().trim(), *fitting);
                assert_eq!(folder.path().join(NEXT_FILE).exists(), !has_happened);
            }
            // What was sealed under the new one is committed only now.
            let late = sealed_under(&new.to_text());
            assert_eq!(get_text(&config(folder.path()), Some(&late)).await.unwrap(), *new.to_text());
        }
    }

    /// A configured next key is tried where the first doesn't fit, and a wrong one is an error where neither does.
    #[tokio::test]
    async fn the_configured_next_key_is_tried() {
        let [old, new] = [MasterKey::generate(&SystemRng), MasterKey::generate(&SystemRng)];
        let mut config = config(Path::new("/nowhere"));
        config.master_key = MasterKeySource::Text(old.to_text());
        config.next_master_key = Some(MasterKeySource::Text(new.to_text()));
        for key in [&old, &new] {
            let present = sealed_under(&key.to_text());
            assert_eq!(get_text(&config, Some(&present)).await.unwrap(), *key.to_text());
        }
        let foreign = sealed_under(&MasterKey::generate(&SystemRng).to_text());
        assert!(matches!(get_text(&config, Some(&foreign)).await, Err(ControlError::WrongMasterKey)));
    }
}
