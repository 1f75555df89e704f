//! An instance behind the router, and calls to it.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use control::{
    Actor, Control, ControlConfig, CreatedWorkspace, DevSecrets, GatewayPort, NewKey, NewWorkspace,
};
use domain::link::{FromGateway, SessionInfo, ToGateway};
use domain::{
    ApiKeyId, Area, ManualClock, Permission, Plan, Product, ProjectId, Region, SessionId, SystemRng,
    Timestamp, WorkspaceId,
};
use http::{HeaderMap, Request, StatusCode};
use http_body_util::BodyExt as _;
use management::{ManagementConfig, ManagementLimits};
use serde_json::Value;
use tower::ServiceExt as _;

pub(crate) struct World {
    pub(crate) router: Router,
    pub(crate) secrets: DevSecrets,
    pub(crate) control: Arc<Control>,
    pub(crate) clock: Arc<ManualClock>,
    _folder: tempfile::TempDir,
}

/// What came back.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.body.clone()).unwrap()
    }

    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("{} {}", self.status, self.text()))
    }

    #[track_caller]
    pub(crate) fn expect(self, status: u16) -> Self {
        assert_eq!(self.status.as_u16(), status, "{}", self.text());
        self
    }

    #[track_caller]
    pub(crate) fn refused(self, status: u16, reason: &str) -> Self {
        assert_eq!(
            (self.status.as_u16(), &self.json()["reason"]),
            (status, &reason.into()),
            "{}",
            self.text()
        );
        self
    }
}

/// So fast that no test meets a limit that it isn't about.
pub(crate) const NO_LIMITS: ManagementLimits = ManagementLimits {
    credential_calls_per_second_max: 1_000_000,
    network_calls_per_second_max: 1_000_000,
    network_failures_per_second_max: 1_000_000,
};

impl World {
    pub(crate) async fn new() -> Self {
        Self::with_limits(NO_LIMITS).await
    }

    pub(crate) async fn with_limits(limits: ManagementLimits) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(ManualClock::new(Timestamp::from_seconds(1_800_000_000)));
        let config = ControlConfig::in_folder(folder.path());
        let control = Control::open(config, Arc::clone(&clock) as _, Arc::new(SystemRng)).await.unwrap();
        let secrets = control.bootstrap_dev(None).await.unwrap();
        let config = ManagementConfig {
            limits,
            ..ManagementConfig::new(Arc::new(SystemRng), "http://localhost:8080", "http://localhost:8080")
        };
        let router = management::router(Arc::clone(&control), config);
        Self { router, secrets, control, clock, _folder: folder }
    }

    pub(crate) async fn ask(&self, method: &str, path: &str, credential: &str, body: &str) -> Answer {
        self.ask_from(IpAddr::from([127, 0, 0, 1]), method, path, credential, body).await
    }

    pub(crate) async fn ask_from(
        &self,
        peer: IpAddr,
        method: &str,
        path: &str,
        credential: &str,
        body: &str,
    ) -> Answer {
        let mut request = Request::builder().method(method).uri(path);
        if !credential.is_empty() {
            request = request.header("authorization", format!("Bearer {credential}"));
        }
        let mut request = request.body(Body::from(body.to_owned())).unwrap();
        request.extensions_mut().insert(ConnectInfo(SocketAddr::from((peer, 1))));
        self.send(request).await
    }

    pub(crate) async fn answer(&self, request: Request<Body>) -> http::Response<Body> {
        self.router.clone().oneshot(request).await.unwrap()
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        let (head, body) = self.answer(request).await.into_parts();
        let body = body.collect().await.unwrap().to_bytes().to_vec();
        Answer { status: head.status, headers: head.headers, body }
    }

    pub(crate) async fn body(&self, method: &str, path: &str, credential: &str, body: &str) -> String {
        self.ask(method, path, credential, body).await.text()
    }

    /// A call of the operator, whose token has every permission.
    pub(crate) async fn operate(&self, method: &str, path: &str, body: Value) -> Answer {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        self.ask(method, path, self.secrets.management_token.expose(), &body).await
    }

    /// The API's own document.
    pub(crate) async fn document(&self) -> Value {
        self.ask("GET", "/openapi.json", "", "").await.expect(200).json()
    }

    /// A token of a workspace.
    pub(crate) async fn token(&self, workspace: WorkspaceId, permissions: &[Permission]) -> String {
        let permissions = permissions.iter().copied().collect();
        let made = self.control.create_management_token(&Actor::OPERATOR, workspace, "test", permissions);
        made.await.unwrap().secret.expose().to_owned()
    }

    /// A gateway on which these sessions are open; it enforces what it is told.
    pub(crate) fn gateway(&self, mut sessions: Vec<SessionInfo>) {
        let GatewayPort { mut incoming, outgoing } = self.control.gateways().attach("local/a");
        tokio::spawn(async move {
            while let Some(message) = incoming.recv().await {
                let answer = match message {
                    ToGateway::Snapshot(snapshot) => FromGateway::Applied { revision: snapshot.revision },
                    ToGateway::Change { revision, .. } => FromGateway::Applied { revision },
                    ToGateway::ListSessions { request, filter } => {
                        let asked = |session: &&SessionInfo| {
                            filter.workspace_id == Some(session.workspace_id)
                                && filter.region.is_none_or(|region| region == session.region)
                        };
                        let sessions = sessions.iter().filter(asked).cloned().collect();
                        FromGateway::Sessions { request, sessions }
                    }
                    ToGateway::EndSession { session_id, .. } => {
                        sessions.retain(|session| session.session_id != session_id);
                        continue;
                    }
                    ToGateway::Heartbeat { .. } | ToGateway::UsageCounted { .. } => continue,
                };
                if outgoing.send(answer).await.is_err() {
                    return;
                }
            }
        });
    }

    /// A session of a workspace.
    pub(crate) fn session(&self, workspace_id: WorkspaceId, project_id: ProjectId) -> SessionInfo {
        let now = self.control.now();
        SessionInfo {
            session_id: SessionId::generate(now, &SystemRng),
            workspace_id,
            project_id,
            api_key_id: ApiKeyId::generate(now, &SystemRng),
            temporary_key_id: None,
            client_ref: None,
            region: Region::Eu1,
            product: Product::Rt,
            started_at: now,
            audio_seconds: 1.5,
            received_bytes: 48_000,
            peer: IpAddr::from([127, 0, 0, 1]),
        }
    }

    /// Another workspace.
    pub(crate) async fn workspace(&self, name: &str) -> CreatedWorkspace {
        let new = NewWorkspace { name: name.to_owned(), plan: Plan::Pro, home_area: Area::Eu };
        self.control.create_workspace(&Actor::OPERATOR, new).await.unwrap()
    }

    /// An API key of a workspace's default project.
    pub(crate) async fn key(&self, workspace: &CreatedWorkspace, name: &str) -> control::CreatedKey {
        let new = NewKey::named(workspace.default_project.id, name);
        self.control.create_key(&Actor::OPERATOR, workspace.workspace.id, new).await.unwrap()
    }
}
