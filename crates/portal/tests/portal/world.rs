//! The real router over a real control plane, browsers that are signed in to it, and the mails that it sends.

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
use portal::{Endpoints, Mails, Outbox, PortalConfig, RegionEndpoints};
use tower::ServiceExt as _;

pub(crate) const ACTOR: Actor = Actor::OPERATOR;
pub(crate) const PEER: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 7));
pub(crate) const PASSWORD: &str = "correct horse battery staple";
pub(crate) const ORIGIN: &str = "http://localhost:8080";

/// An instance with two workspaces and those who belong to them.
pub(crate) struct World {
    pub(crate) control: Arc<Control>,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) router: Router,
    pub(crate) outbox: Arc<Outbox>,
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
    let region = |region: &str, area: &str| RegionEndpoints {
        region: region.to_owned(),
        area: area.to_owned(),
        batch_url: format!("{ORIGIN}/{region}/v2"),
        realtime_url: None,
        enterprise: false,
    };
    PortalConfig {
        base_url: ORIGIN.to_owned(),
        providers: Vec::new(),
        endpoints: Endpoints {
            management_url: ORIGIN.to_owned(),
            batch_url: format!("{ORIGIN}/v2"),
            realtime_url: Some("ws://localhost:8080/v2".to_owned()),
            global_realtime_url: None,
            regions: vec![region("eu1", "eu"), region("us1", "usa")],
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
        let mails = Mails::kept(Arc::clone(&clock) as _);
        let outbox = mails.outbox.clone().unwrap();
        Self {
            router: portal::router(Arc::clone(&control), portal_config(), Arc::new(SystemRng), mails),
            control,
            clock,
            outbox,
            workspace: mine.workspace,
            project: mine.default_project,
            other_workspace: other.workspace,
            other_project: other.default_project,
            _folder: folder,
        }
    }

    /// The same instance behind another router.
    pub(crate) fn with_mails(&self, mails: Mails) -> Router {
        portal::router(Arc::clone(&self.control), portal_config(), Arc::new(SystemRng), mails)
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

    /// Whoever operates the instance, and belongs to no workspace.
    pub(crate) async fn operator(&self) -> Browser {
        let browser = self.sign_up("operator@example.org").await;
        self.control.set_operator(&ACTOR, browser.account.unwrap(), true).await.unwrap();
        browser
    }

    pub(crate) async fn person(&self, email: &str, workspace: &Workspace, role: Role) -> Browser {
        let browser = self.sign_up(email).await;
        self.control.add_member(&ACTOR, workspace.id, browser.account.unwrap(), role).await.unwrap();
        browser
    }

    pub(crate) async fn key(&self, name: &str) -> CreatedKey {
        self.control
            .create_key(&ACTOR, self.workspace.id, NewKey::named(self.project.id, name))
            .await
            .unwrap()
    }

    /// A browser of a new account that belongs nowhere.
    pub(crate) async fn sign_up(&self, email: &str) -> Browser {
        sign_up(&self.control, &self.router, email).await
    }

    /// A browser that has just signed in.
    pub(crate) async fn sign_in(&self, account_id: AccountId) -> Browser {
        sign_in(&self.control, &self.router, account_id).await
    }

    /// The path in the newest mail to somebody.
    pub(crate) fn mailed_link(&self, to: &str) -> String {
        let mails = self.outbox.mails();
        let (_, mail) = mails.iter().find(|(_, mail)| mail.to() == to).unwrap();
        let line = mail.text().lines().find_map(|line| line.strip_prefix(ORIGIN));
        line.unwrap().to_owned()
    }
}

pub(crate) fn router_of(control: &Arc<Control>) -> Router {
    portal::router(Arc::clone(control), portal_config(), Arc::new(SystemRng), Mails::none())
}

/// A browser that has just signed in, of a new account.
pub(crate) async fn sign_up(control: &Control, router: &Router, email: &str) -> Browser {
    let account_id = control.create_account(&ACTOR, email, PASSWORD).await.unwrap().id;
    sign_in(control, router, account_id).await
}

async fn sign_in(control: &Control, router: &Router, account_id: AccountId) -> Browser {
    let sign_in = SignIn {
        account_id,
        method: SignInMethod::Password,
        password: None,
        state: PortalSessionState::Open,
        browser: "a test",
        from: Some(PEER),
    };
    let begun = control.begin_portal_session(sign_in).await.unwrap();
    let cookie = format!("__Host-voxgate-session={}", begun.secret.expose());
    Browser { router: router.clone(), cookie: Some(cookie), account: Some(account_id) }
}

impl Browser {
    pub(crate) fn on(&self, router: Router) -> Self {
        Self { router, ..self.clone() }
    }

    pub(crate) async fn get(&self, path: &str) -> Shown {
        self.send(self.request("GET", path).body(Body::empty()).unwrap()).await
    }

    /// Sends a form as a browser does: with the token that a page of theirs holds.
    pub(crate) async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Shown {
        let token = self.token().await;
        let mut all = vec![("form_token", token.as_str())];
        all.extend_from_slice(fields);
        self.post_raw(path, &all, &[("sec-fetch-site", "same-origin"), ("origin", ORIGIN)]).await
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

    /// The token of this browser's forms; a page that everybody who is signed in may see has one.
    pub(crate) async fn token(&self) -> String {
        self.get("/workspaces/new").await.field("form_token").unwrap_or_default()
    }

    /// A visitor who keeps the form cookie that a page gave them, and the page.
    pub(crate) async fn visit(&self, path: &str) -> (Self, Shown) {
        let shown = self.get(path).await;
        let set = shown.headers.get("set-cookie").map(|value| value.to_str().unwrap().to_owned());
        let cookie = set.and_then(|set| set.split(';').next().map(str::to_owned)).or(self.cookie.clone());
        (Self { cookie, ..self.clone() }, shown)
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
        let (_, rest) = self.text.split_once(&format!(" name=\"{name}\""))?;
        let (_, value) = rest.split_once('>')?.0.split_once(" value=\"")?;
        Some(value.split_once('"')?.0.to_owned())
    }

    pub(crate) fn location(&self) -> &str {
        self.headers.get("location").map_or("", |value| value.to_str().unwrap())
    }

    /// The credential that the page shows, if it does.
    pub(crate) fn secret(&self) -> Option<String> {
        let (_, rest) = self.text.split_once("<code id=\"secret\">")?;
        Some(rest.split_once('<')?.0.to_owned())
    }

    /// The link of this text.
    pub(crate) fn link(&self, text: &str) -> Option<String> {
        let (before, _) = self.text.split_once(&format!(">{text}</a>"))?;
        let (_, href) = before.rsplit_once("href=\"")?;
        Some(href.split_once('"')?.0.replace("&#38;", "&").replace("&amp;", "&"))
    }

    #[track_caller]
    pub(crate) fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{} {}", self.location(), self.text);
        self
    }

    /// Sent on to a page that says what was done.
    #[track_caller]
    pub(crate) fn done(self, word: &str) -> Self {
        let shown = self.expect(303);
        assert!(shown.location().ends_with(&format!("done={word}")), "{}", shown.location());
        shown
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
