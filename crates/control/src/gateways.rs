//! The feed's sending end: what control calls to reach the gateways.

use domain::link::{FromGateway, Revision, SessionFilter, SessionInfo, ToGateway};
use domain::{Region, SessionId, WorkspaceId};
use tokio::sync::mpsc;

/// One gateway's end of the link, in one process.
#[derive(Debug)]
pub struct GatewayPort {
    /// What control says. The first message is a snapshot.
    pub incoming: mpsc::Receiver<ToGateway>,
    /// What the gateway says.
    pub outgoing: mpsc::Sender<FromGateway>,
}

/// Which gateways enforce a revision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Enforced {
    /// Those that do.
    pub enforced: Vec<String>,
    /// Those that didn't say so in time.
    pub pending: Vec<String>,
}

/// What is known of one gateway.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GatewayHealth {
    /// Its name.
    pub name: String,
    /// The newest revision that it enforces.
    pub enforced: Revision,
    /// Its regions and whether their engines answer.
    pub engines: Vec<(Region, bool)>,
}

/// The connected gateways.
#[derive(Debug)]
pub struct Gateways {}

impl Gateways {
    /// Connects a gateway of this process. Its name should be like `eu1/a`, and is made unique if it isn't.
    pub fn attach(&self, name: &str) -> GatewayPort {
        todo!("{name}")
    }

    /// Waits until every connected gateway enforces a revision, 10 s at most.
    pub async fn wait_enforced(&self, revision: Revision) -> Enforced {
        todo!("{revision}")
    }

    /// What is known of each connected gateway.
    pub fn health(&self) -> Vec<GatewayHealth> {
        todo!()
    }

    /// The open sessions of a workspace, from every connected gateway that answers in time.
    pub async fn list_sessions(&self, workspace_id: WorkspaceId, filter: SessionFilter) -> Vec<SessionInfo> {
        todo!("{workspace_id} {filter:?}")
    }

    /// Ends a session of a workspace; another's session is unknown. Says whether there was one.
    pub async fn end_session(&self, workspace_id: WorkspaceId, session_id: SessionId, reason: &str) -> bool {
        todo!("{workspace_id} {session_id} {reason}")
    }
}
