//! The key of the `user_id` that engines see: derived from the master key, so that it outlives restarts and says
//! nothing to whoever reads the database.

use std::path::Path;

use control::MasterKeySource;
use credentials::MasterKey;
use gateway::config::UserIdKey;

use super::StartError;

/// Where control makes the master key when it is told no other place.
const FILE_NAME: &str = "master.key";

/// The key, once control has opened and the master key surely exists.
pub(super) fn user_id_key(source: &MasterKeySource, data_dir: &Path) -> Result<UserIdKey, StartError> {
    let master = match source {
        MasterKeySource::Text(text) => MasterKey::from_text(text),
        MasterKeySource::Folder => read(&data_dir.join(FILE_NAME))?,
        MasterKeySource::File(path) => read(path)?,
    }
    .map_err(|_| StartError::MasterKey)?;
    Ok(UserIdKey(*master.derive("user_id")))
}

fn read(path: &Path) -> Result<Result<MasterKey, credentials::WrapError>, StartError> {
    let text =
        std::fs::read_to_string(path).map(zeroize::Zeroizing::new).map_err(|_| StartError::MasterKey)?;
    Ok(MasterKey::from_text(&text))
}
