//! The ready instance of `voxgate dev`.

use std::net::{IpAddr, Ipv4Addr};

use credentials::PlainSecret;
use domain::{
    Account, Area, AreaSet, PermissionSet, Plan, Product, ProductSet, ProjectId, Role, WorkspaceId,
};

use crate::{Actor, AddMemberError, Control, ControlError, NewKey, NewWorkspace, StoreError};

/// The e-mail address of the dev account.
const EMAIL: &str = "dev@localhost";
const ACTOR: Actor = Actor::SYSTEM;

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

fn failed<E>(what: &'static str) -> impl FnOnce(E) -> ControlError
where
    E: std::error::Error + Send + Sync + 'static,
{
    move |source| ControlError::Dev { what, source: Box::new(source) }
}

impl Control {
    /// Makes sure that the dev account, workspace, API key and management token exist, and tells them. What `known`
    /// says and what still works is kept; anything else is made anew.
    ///
    /// # Errors
    /// When something could not be made.
    pub async fn bootstrap_dev(&self, known: Option<DevSecrets>) -> Result<DevSecrets, ControlError> {
        let home = match &known {
            Some(known) => self.known_home(known).await?,
            None => None,
        };
        let (workspace_id, project_id) = match home {
            Some(home) => home,
            None => self.make_home().await?,
        };
        let known = known.filter(|known| known.workspace_id == workspace_id);
        let (password, api_key, management_token) = match known {
            Some(known) => (Some(known.account.password), Some(known.api_key), Some(known.management_token)),
            None => (None, None, None),
        };
        let account = self.dev_account(password).await?;
        self.join(workspace_id, &account.0).await?;
        let api_key = match api_key.filter(|key| self.is_dev_key(key, project_id)) {
            Some(api_key) => api_key,
            None => self.make_dev_key(workspace_id, project_id).await?,
        };
        let management_token = match management_token.filter(|token| self.is_dev_token(token, workspace_id)) {
            Some(token) => token,
            None => self.make_dev_token(workspace_id).await?,
        };
        let account = DevAccount { email: account.0.email, password: account.1 };
        Ok(DevSecrets { account, workspace_id, project_id, api_key, management_token })
    }

    async fn known_home(&self, known: &DevSecrets) -> Result<Option<(WorkspaceId, ProjectId)>, StoreError> {
        if self.find_workspace(known.workspace_id).await?.is_none() {
            return Ok(None);
        }
        let project = self.find_project(known.workspace_id, known.project_id).await?;
        Ok(project.map(|project| (known.workspace_id, project.id)))
    }

    async fn make_home(&self) -> Result<(WorkspaceId, ProjectId), ControlError> {
        let new =
            NewWorkspace { name: String::from("Dev workspace"), plan: Plan::Enterprise, home_area: Area::Eu };
        let made = self.create_workspace(&ACTOR, new).await.map_err(failed("its workspace"))?;
        Ok((made.workspace.id, made.default_project.id))
    }

    /// The account, with a password that works.
    async fn dev_account(&self, known: Option<PlainSecret>) -> Result<(Account, PlainSecret), ControlError> {
        if let Some(password) = &known
            && let Some(account) = self.check_password(EMAIL, password.expose()).await?
        {
            return Ok((account, password.clone()));
        }
        let password = known.unwrap_or_else(|| self.make_password());
        let account = match self.find_account(EMAIL).await? {
            Some(account) => {
                let set = self.set_password(&ACTOR, account.id, password.expose()).await;
                set.map_err(failed("its password"))?;
                account
            }
            None => {
                let made = self.create_account(&ACTOR, EMAIL, password.expose()).await;
                made.map_err(failed("its account"))?
            }
        };
        Ok((account, password))
    }

    async fn join(&self, workspace_id: WorkspaceId, account: &Account) -> Result<(), ControlError> {
        match self.add_member(&ACTOR, workspace_id, account.id, Role::Admin).await {
            Ok(()) | Err(AddMemberError::AlreadyMember) => Ok(()),
            Err(error) => Err(failed("its membership")(error)),
        }
    }

    fn is_dev_key(&self, key: &PlainSecret, project_id: ProjectId) -> bool {
        let rights = self.tables().mint_rights(key.expose(), IpAddr::V4(Ipv4Addr::LOCALHOST), self.now());
        rights.is_ok_and(|principal| {
            principal.project_id() == project_id && principal.areas().contains(Area::Eu)
        })
    }

    async fn make_dev_key(
        &self,
        workspace_id: WorkspaceId,
        project_id: ProjectId,
    ) -> Result<PlainSecret, ControlError> {
        let new = NewKey {
            areas: Some(AreaSet::EMPTY.with(Area::Eu)),
            products: Some(ProductSet::default_for_keys().with(Product::Tts)),
            ..NewKey::named(project_id, "Dev key")
        };
        Ok(self.create_key(&ACTOR, workspace_id, new).await.map_err(failed("its API key"))?.secret)
    }

    fn is_dev_token(&self, token: &PlainSecret, workspace_id: WorkspaceId) -> bool {
        let manager = self.tables().verify_management(token.expose(), self.now());
        manager.is_ok_and(|manager| {
            manager.workspace_id() == workspace_id && manager.permissions() == PermissionSet::all()
        })
    }

    async fn make_dev_token(&self, workspace_id: WorkspaceId) -> Result<PlainSecret, ControlError> {
        let made = self
            .create_management_token(&ACTOR, workspace_id, "Dev token", PermissionSet::all())
            .await
            .map_err(failed("its management token"))?;
        Ok(made.secret)
    }
}
