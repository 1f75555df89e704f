//! Running a call.

mod accounts;
mod audit;
mod client_refs;
mod keys;
mod projects;
mod quotas;
mod sessions;
mod signing_keys;
mod temporary_keys;
mod tokens;
mod usage;
mod webhooks;
mod workspaces;

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use control::{Control, MintRequest};
use domain::link::Revision;
use domain::{ProjectId, Workspace, WorkspaceId};
use gateway::Gateway;
use ledger::Owner;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::{Call, CallError};

/// What a key is called that nobody named.
const UNNAMED: &str = "made by the operator";

/// Who runs calls: the control plane, and the gateway where one runs in this process.
#[derive(Debug, Clone)]
pub struct Operator {
    control: Arc<Control>,
    gateway: Option<Arc<Gateway>>,
    /// Begins the server's end.
    shutdown: Option<CancellationToken>,
    /// Where browsers reach the portal, where a server runs.
    portal_url: Option<String>,
}

fn failed<E: std::error::Error>(error: E) -> CallError {
    CallError::from_error(&error)
}

impl Operator {
    /// An operator of these.
    pub const fn new(control: Arc<Control>, gateway: Option<Arc<Gateway>>) -> Self {
        Self { control, gateway, shutdown: None, portal_url: None }
    }

    /// The same one, in a server that ends when this is cancelled.
    #[must_use]
    pub fn ending(self, shutdown: CancellationToken) -> Self {
        Self { shutdown: Some(shutdown), ..self }
    }

    /// The same one, in a server whose portal is reached at this address.
    #[must_use]
    pub fn with_portal(self, url: String) -> Self {
        Self { portal_url: Some(url), ..self }
    }

    /// Runs one call.
    ///
    /// # Errors
    /// With a sentence for whoever called.
    pub async fn execute(&self, call: Call) -> Result<Value, CallError> {
        match call {
            Call::Workspaces(call) => self.workspaces(call).await,
            Call::Accounts(call) => self.accounts(call).await,
            Call::Audit(call) => self.audit(call).await,
            Call::Gateways => self.gateways().await,
            Call::Drain => self.drain(),
            Call::Projects(call) => self.projects(call).await,
            Call::Keys(call) => self.keys(call).await,
            Call::Tokens(call) => self.tokens(call).await,
            Call::SigningKeys(call) => self.signing_keys(call).await,
            Call::TemporaryKeys(call) => self.temporary_keys(call).await,
            Call::Sessions(call) => self.sessions(call).await,
            Call::Usage(call) => self.usage(call).await,
            Call::Quotas(call) => self.quotas(call).await,
            Call::Webhooks(call) => self.webhooks(call).await,
            Call::Forget(call) => self.forget(call).await,
            Call::Rewrap(call) => self.rewrap(call).await,
            Call::Mint { api_key, product, ttl_seconds, area, client_ref, leash } => {
                let request = MintRequest { product, ttl_seconds, area, client_ref, leash };
                self.mint(&api_key, &request)
            }
            Call::AdoptJobs { region, workspace, project, client_ref } => {
                let workspace = self.workspace(workspace).await?;
                let project_id = self.project(workspace.id, Some(project)).await?;
                let gateway = self.gateway.as_ref().ok_or_else(|| {
                    CallError(
                        "jobs are adopted by the server that talks to the engine, and none runs on this data folder: \
                         start it with voxgate serve, then try again"
                            .to_owned(),
                    )
                })?;
                let owner = Owner { project_id, client_ref };
                let adopted = gateway.adopt_jobs(region, &owner).await.map_err(failed)?;
                Ok(json!({"region": region, "adopted": adopted.taken, "owned_before": adopted.known}))
            }
        }
    }

    /// Begins the server's end. The answer still goes out: whatever is under way is finished.
    fn drain(&self) -> Result<Value, CallError> {
        let (Some(shutdown), Some(gateway)) = (&self.shutdown, &self.gateway) else {
            return Err(CallError(
                "no server runs on this data folder: there is nothing to drain".to_owned(),
            ));
        };
        let sessions = gateway.sessions().count();
        tracing::info!(sessions, "asked to drain");
        shutdown.cancel();
        Ok(json!({"draining": true, "sessions": sessions}))
    }

    /// An answer with the revision that it came with, and which gateways enforce it; without a server there are none.
    async fn enforced(&self, mut answer: Value, revision: Revision) -> Value {
        let enforced = self.control.gateways().wait_enforced(revision).await;
        answer["revision"] = json!(revision);
        answer["enforced"] = json!(enforced.enforced);
        answer["pending"] = json!(enforced.pending);
        answer
    }

    /// The workspace that is named, or the only one.
    async fn workspace(&self, given: Option<WorkspaceId>) -> Result<Workspace, CallError> {
        if let Some(id) = given {
            let found = self.control.find_workspace(id).await.map_err(failed)?;
            return found.ok_or_else(|| {
                CallError(format!("there is no workspace {id}: voxgate workspaces list shows those that are"))
            });
        }
        let mut workspaces = self.control.list_workspaces().await.map_err(failed)?;
        match (workspaces.pop(), workspaces.is_empty()) {
            (Some(only), true) => Ok(only),
            (Some(_), false) => Err(CallError(
                "this instance has several workspaces: say which with --workspace; voxgate workspaces list shows them"
                    .to_owned(),
            )),
            (None, _) => Err(CallError(
                "this instance has no workspace yet: make one with voxgate workspaces create --name NAME".to_owned(),
            )),
        }
    }

    /// The project that is named, if it is the workspace's, or the workspace's default one.
    async fn project(
        &self,
        workspace: WorkspaceId,
        given: Option<ProjectId>,
    ) -> Result<ProjectId, CallError> {
        let projects = self.control.list_projects(workspace).await.map_err(failed)?;
        let found = projects.iter().find(|project| given.map_or(project.is_default, |id| project.id == id));
        found.map(|project| project.id).ok_or_else(|| {
            CallError(
                "there is no such project in this workspace: voxgate projects list shows those that are"
                    .to_owned(),
            )
        })
    }

    fn mint(&self, api_key: &str, request: &MintRequest) -> Result<Value, CallError> {
        let range = self.control.ttl_seconds().of(request.product);
        if !range.contains(request.ttl_seconds) {
            return Err(CallError(format!(
                "a temporary key for {} lives {} to {} seconds, not {}: choose --ttl within that",
                request.product, range.min_seconds, range.max_seconds, request.ttl_seconds
            )));
        }
        let parent = self.control.tables().mint_rights(api_key, LOCAL, self.control.now()).map_err(failed)?;
        let minted = self.control.mint(&parent, request).map_err(failed)?;
        Ok(json!({
            "key_value": minted.key_value.as_str(),
            "temporary_key_id": minted.id,
            "expires_at": minted.expires_at.to_rfc3339(),
        }))
    }
}

/// Calls come from this machine.
const LOCAL: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
