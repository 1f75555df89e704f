//! The ready instance of `voxgate dev`.

use credentials::PlainSecret;
use domain::{ProjectId, WorkspaceId};

use crate::{Control, ControlError};

/// The account of a dev instance.
#[derive(Debug)]
pub struct DevAccount {
    /// Its e-mail address.
    pub email: String,
    /// Its password.
    pub password: PlainSecret,
}

/// The credentials of a dev instance. The caller keeps them between starts, in a file of mode 0600.
#[derive(Debug)]
pub struct DevSecrets {
    /// The account.
    pub account: DevAccount,
    /// The enterprise workspace.
    pub workspace_id: WorkspaceId,
    /// Its default project.
    pub project_id: ProjectId,
    /// An API key of area `eu`, for `batch`, `rt` and `tts`.
    pub api_key: PlainSecret,
    /// A management token with every permission.
    pub management_token: PlainSecret,
}

impl Control {
    /// Makes sure that the dev account, workspace, API key and management token exist, and tells them. What `known`
    /// says and what still works is kept; anything else is made anew.
    ///
    /// # Errors
    /// When something could not be made.
    pub async fn bootstrap_dev(&self, known: Option<DevSecrets>) -> Result<DevSecrets, ControlError> {
        todo!("{known:?}")
    }
}
