//! The real router over a real control plane, and browsers that are signed in to it.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use control::{Actor, Control, ControlConfig, CreatedKey, NewKey, NewWorkspace, SignIn};
use domain::{
    AccountId, Area, ManualClock, Plan, PortalSessionState, Project, Role, SignInMethod, SystemRng,
    Timestamp, Workspace,
};
use http::{HeaderMap, Request};
use http_body_util::BodyExt as _;
use portal::{Endpoints, Mails, PortalConfig};
use tower::ServiceExt as _;

pub(crate) const ACTOR: Actor = Actor::OPERATOR;
pub(crate) const PEER: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 7));
const PASSWORD: &str = "correct horse battery staple";

/// An instance with two workspaces and those who belong to them.
pub(crate) struct World {
    pub(crate) control: Arc<Control>,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) router: Router,
    pub(crate) workspace: Workspace,
    pub(crate) project: Project,
    pub(crate) other_workspace: Workspace,
    pub(crate) other_project: Project,
    _folder: tempfile::TempDir,
}

/// A browser; nobody's until it has a cookie.
#[derive(Debug, Clone)]
pub(crate) struct Browser {
    router: Router,
    cookie: Option<String>,
    pub(crate) account: Option<AccountId>,
}

/// What came back.
#[derive(Debug, Clone)]
pub(crate) struct Shown {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

pub(crate) fn portal_config() -> PortalConfig {
    PortalConfig {
        base_url: "http://localhost:8080".to_owned(),
        providers: Vec::new(),
        endpoints: Endpoints {
            management_url: "http://localhost:8080".to_owned(),
            batch_url: "http://localhost:8080/v2".to_owned(),
            realtime_url: Some("ws://localhost:8080/v2".to_owned()),
            global_realtime_url: None,
            regions: Vec::new(),
        },
        is_dev: false,
        docs_url: None,
        support_contact: Some("help@<voxgate>.example".to_owned()),
    }
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::on_plan(Plan::Pro).await
    }

    pub(crate) async fn on_plan(plan: Plan) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(ManualClock::new(Timestamp::from_seconds(1_800_000_000)));
        let config = ControlConfig::in_folder(folder.path());
        let control = Control::open(config, Arc::clone(&clock) as _, Arc::new(SystemRng)).await.unwrap();
        let workspace = async |name: &str| {
            let new = NewWorkspace { name: name.to_owned(), plan, home_area: Area::Eu };
            control.create_workspace(&ACTOR, new).await.unwrap()
        };
        let (mine, other) = (workspace("Mine").await, workspace("Other").await);
        Self {
            router: router_of(&control),
            control,
            clock,
            workspace: mine.workspace,
            project: mine.default_project,
            other_workspace: other.workspace,
            other_project: other.default_project,
            _folder: folder,
        }
    }

    pub(crate) fn anonymous(&self) -> Browser {
        Browser { router: self.router.clone(), cookie: None, account: None }
    }

    pub(crate) async fn admin(&self) -> Browser {
        self.person("admin@example.org", &self.workspace, Role::Admin).await
    }

    pub(crate) async fn member(&self) -> Browser {
        self.person("member@example.org", &self.workspace, Role::Member).await
    }

    /// The admin of another workspace.
    pub(crate) async fn stranger(&self) -> Browser {
        self.person("stranger@example.org", &self.other_workspace, Role::Admin).await
    }

    async fn person(&self, email: &str, workspace: &Workspace, role: Role) -> Browser {
        let browser = sign_in(&self.control, &self.router, email).await;
        self.control.add_member(&ACTOR, workspace.id, browser.account.unwrap(), role).await.unwrap();
        browser
    }

    pub(crate) async fn key(&self, name: &str) -> CreatedKey {
        self.control
            .create_key(&ACTOR, self.workspace.id, NewKey::named(self.project.id, name))
            .await
            .unwrap()
    }
}

pub(crate) fn router_of(control: &Arc<Control>) -> Router {
    portal::router(Arc::clone(control), portal_config(), Arc::new(SystemRng), Mails::none())
}

/// A browser that has just signed in, of a new account.
pub(crate) async fn sign_in(control: &Control, router: &Router, email: &str) -> Browser {
    let account_id = control.create_account(&ACTOR, email, PASSWORD).await.unwrap().id;
    let sign_in = SignIn {
        account_id,
        method: SignInMethod::Password,
        state: PortalSessionState::Open,
        browser: "a test",
        from: Some(PEER),
    };
    let begun = control.begin_portal_session(sign_in).await.unwrap();
    let cookie = format!("__Host-voxgate-session={}", begun.secret.expose());
    Browser { router: router.clone(), cookie: Some(cookie), account: Some(account_id) }
}

impl Browser {
    pub(crate) async fn get(&self, path: &str) -> Shown {
        self.send(self.request("GET", path).body(Body::empty()).unwrap()).await
    }

    /// Sends a form as a browser does: with the token that a page of theirs holds.
    pub(crate) async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Shown {
        let token = self.token().await;
        let mut all = vec![("form_token", token.as_str())];
        all.extend_from_slice(fields);
        self.post_raw(path, &all, &[("sec-fetch-site", "same-origin"), ("origin", "http://localhost:8080")])
            .await
    }

    /// Sends exactly these fields and headers.
    pub(crate) async fn post_raw(
        &self,
        path: &str,
        fields: &[(&str, &str)],
        headers: &[(&'static str, &str)],
    ) -> Shown {
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let mut request =
            self.request("POST", path).header("content-type", "application/x-www-form-urlencoded");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.send(request.body(Body::from(body)).unwrap()).await
    }

    /// The token of this browser's forms; a page that everybody may see has one.
    pub(crate) async fn token(&self) -> String {
        let page = self.get("/settings/api-keys/find").await;
        page.field("form_token").unwrap_or_default()
    }

    fn request(&self, method: &str, path: &str) -> http::request::Builder {
        let mut request = Request::builder().method(method).uri(path).header("host", "localhost:8080");
        if let Some(cookie) = &self.cookie {
            request = request.header("cookie", cookie);
        }
        request
    }

    async fn send(&self, mut request: Request<Body>) -> Shown {
        request.extensions_mut().insert(ConnectInfo(SocketAddr::from((PEER, 1))));
        let (head, body) = self.router.clone().oneshot(request).await.unwrap().into_parts();
        let text = String::from_utf8(body.collect().await.unwrap().to_bytes().to_vec()).unwrap();
        Shown { status: head.status.as_u16(), headers: head.headers, text }
    }
}

impl Shown {
    /// The value of a hidden or visible field, where the page has it.
    pub(crate) fn field(&self, name: &str) -> Option<String> {
        let (_, rest) = self.text.split_once(&format!(" name=\"{name}\" value=\""))?;
        Some(rest.split_once('"')?.0.to_owned())
    }

    pub(crate) fn location(&self) -> &str {
        self.headers.get("location").map_or("", |value| value.to_str().unwrap())
    }

    /// The credential that the page shows, if it does.
    pub(crate) fn secret(&self) -> Option<String> {
        let (_, rest) = self.text.split_once("<code id=\"secret\">")?;
        Some(rest.split_once('<')?.0.to_owned())
    }

    #[track_caller]
    pub(crate) fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{} {}", self.location(), self.text);
        self
    }

    #[track_caller]
    pub(crate) fn has(&self, text: &str) {
        assert!(self.text.contains(text), "{text} is missing in {}", self.text);
    }

    #[track_caller]
    pub(crate) fn lacks(&self, text: &str) {
        assert!(!self.text.contains(text), "{text} stands in {}", self.text);
    }
}
