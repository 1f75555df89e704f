//! The ready credentials of a dev instance, kept in a file of mode 0600 so that each start prints the same ones.

use std::path::{Path, PathBuf};

use control::{DevAccount, DevSecrets};
use credentials::PlainSecret;
use domain::{ProjectId, WorkspaceId};
use serde::{Deserialize, Serialize};

use crate::folder::{FolderError, write_private};

/// The file's name in the data folder.
pub(super) const FILE_NAME: &str = "dev-credentials.json";

#[derive(Serialize, Deserialize)]
struct Stored {
    email: String,
    password: String,
    workspace_id: WorkspaceId,
    project_id: ProjectId,
    api_key: String,
    management_token: String,
}

fn path(data_dir: &Path) -> PathBuf {
    data_dir.join(FILE_NAME)
}

/// What an earlier start kept; a file that can't be read counts as none, and is replaced.
pub(super) fn load(data_dir: &Path) -> Option<DevSecrets> {
    let text = zeroize::Zeroizing::new(std::fs::read_to_string(path(data_dir)).ok()?);
    let stored: Stored = serde_json::from_str(&text).ok()?;
    Some(DevSecrets {
        account: DevAccount { email: stored.email, password: PlainSecret::new(stored.password) },
        workspace_id: stored.workspace_id,
        project_id: stored.project_id,
        api_key: PlainSecret::new(stored.api_key),
        management_token: PlainSecret::new(stored.management_token),
    })
}

/// Keeps the credentials for the next start.
pub(super) fn save(data_dir: &Path, secrets: &DevSecrets) -> Result<(), FolderError> {
    let stored = Stored {
        email: secrets.account.email.clone(),
        password: secrets.account.password.expose().to_owned(),
        workspace_id: secrets.workspace_id,
        project_id: secrets.project_id,
        api_key: secrets.api_key.expose().to_owned(),
        management_token: secrets.management_token.expose().to_owned(),
    };
    let text = serde_json::to_string_pretty(&stored).expect("plain texts and numbers always are JSON");
    write_private(&path(data_dir), text.as_bytes())
}

/// The ready API key of a data folder, if a dev instance made one there.
pub fn kept_api_key(data_dir: &Path) -> Option<String> {
    load(data_dir).map(|secrets| secrets.api_key.expose().to_owned())
}
