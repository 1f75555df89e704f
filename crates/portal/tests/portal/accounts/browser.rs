//! An instance, its mails, and browsers that keep cookies.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use control::{Actor, Control, ControlConfig, RegistrationPolicy};
use domain::{Account, ManualClock, SystemRng, Timestamp};
use http::{HeaderMap, Request};
use http_body_util::BodyExt as _;
use portal::{Endpoints, Mail, Mails, Outbox, PortalConfig};
use tower::ServiceExt as _;

pub(crate) const ACTOR: Actor = Actor::OPERATOR;
pub(crate) const EMAIL: &str = "ada@example.org";
pub(crate) const PASSWORD: &str = "correct horse battery staple";
pub(crate) const OTHER: &str = "another horse battery staple";
pub(crate) const BASE_URL: &str = "https://portal.example.org";
pub(crate) const SESSION: &str = "__Host-voxgate-session";

pub(crate) struct World {
    pub(crate) control: Arc<Control>,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) router: Router,
    outbox: Arc<Outbox>,
    _folder: tempfile::TempDir,
}

fn portal_config() -> PortalConfig {
    PortalConfig {
        base_url: BASE_URL.to_owned(),
        endpoints: Endpoints {
            management_url: "https://mp.example.org".to_owned(),
            batch_url: "https://eu1.example.org/v2".to_owned(),
            realtime_url: None,
            global_realtime_url: None,
            regions: Vec::new(),
        },
        providers: Vec::new(),
        is_dev: false,
        docs_url: None,
        support_contact: Some("help@example.org".to_owned()),
    }
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::with(RegistrationPolicy::Open).await
    }

    pub(crate) async fn with(policy: RegistrationPolicy) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(ManualClock::new(Timestamp::from_seconds(1_800_000_000)));
        let mut config = ControlConfig::in_folder(folder.path());
        config.registration.policy = policy;
        let control = Control::open(config, Arc::clone(&clock) as _, Arc::new(SystemRng)).await.unwrap();
        let mails = Mails::kept(Arc::clone(&clock) as _);
        let outbox = Arc::clone(mails.outbox.as_ref().unwrap());
        let router = portal::router(Arc::clone(&control), portal_config(), Arc::new(SystemRng), mails);
        Self { control, clock, router, outbox, _folder: folder }
    }

    /// The same portal without a page of mails.
    pub(crate) fn without_outbox(&self) -> Router {
        portal::router(Arc::clone(&self.control), portal_config(), Arc::new(SystemRng), Mails::none())
    }

    pub(crate) fn browser(&self) -> Browser {
        Browser { router: self.router.clone(), cookies: BTreeMap::new(), from: network(1) }
    }

    pub(crate) async fn account(&self, email: &str) -> Account {
        self.control.create_account(&ACTOR, email, PASSWORD).await.unwrap()
    }

    /// A browser that is signed in to an account that there is.
    pub(crate) async fn signed_in(&self, email: &str) -> Browser {
        let mut browser = self.browser();
        browser.sign_in(email, PASSWORD).await.expect(303);
        browser
    }

    /// The mails so far, the newest first.
    pub(crate) fn mails(&self) -> Vec<Mail> {
        self.outbox.mails().into_iter().map(|(_, mail)| mail).collect()
    }

    /// The address of the link in the newest mail, without the portal's own.
    pub(crate) fn link(&self) -> String {
        let mail = self.mails().into_iter().next().unwrap();
        let link = mail.text().lines().find_map(|line| line.strip_prefix(BASE_URL)).unwrap().to_owned();
        assert!(link.contains("?token="), "{link}");
        link
    }
}

pub(crate) fn network(number: u8) -> IpAddr {
    IpAddr::V4(Ipv4Addr::new(192, 0, 2, number))
}

/// A browser: it keeps the cookies that it is given.
#[derive(Debug, Clone)]
pub(crate) struct Browser {
    pub(crate) router: Router,
    pub(crate) cookies: BTreeMap<String, String>,
    pub(crate) from: IpAddr,
}

/// What came back.
#[derive(Debug, Clone)]
pub(crate) struct Shown {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Browser {
    pub(crate) async fn get(&mut self, path: &str) -> Shown {
        let request = self.request("GET", path).body(Body::empty()).unwrap();
        self.send(request).await
    }

    /// Sends a form as the browser does that got it from this portal.
    pub(crate) async fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Shown {
        let token = self.get("/forgot-password").await.field("form_token");
        let mut all = vec![("form_token", token.as_str())];
        all.extend_from_slice(fields);
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(all).finish();
        let request = self
            .request("POST", path)
            .header("content-type", "application/x-www-form-urlencoded")
            .header("sec-fetch-site", "same-origin");
        self.send(request.body(Body::from(body)).unwrap()).await
    }

    pub(crate) async fn sign_in(&mut self, email: &str, password: &str) -> Shown {
        self.post("/sign-in", &[("email", email), ("password", password)]).await
    }

    /// Whether a page of one's own is shown.
    pub(crate) async fn is_in(&mut self) -> bool {
        let shown = self.get("/settings/profile").await;
        match shown.status {
            200 => true,
            303 => {
                assert_eq!(shown.location(), "/sign-in?next=%2Fsettings%2Fprofile");
                false
            }
            other => panic!("{other}"),
        }
    }

    fn request(&self, method: &str, path: &str) -> http::request::Builder {
        // The Host is whatever somebody sends: nothing may be made of it.
        let mut request = Request::builder().method(method).uri(path).header("host", "evil.example");
        request = request.header("user-agent", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Firefox/140.0");
        if !self.cookies.is_empty() {
            let pairs: Vec<String> =
                self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
            request = request.header("cookie", pairs.join("; "));
        }
        request
    }

    async fn send(&mut self, mut request: Request<Body>) -> Shown {
        request.extensions_mut().insert(ConnectInfo(SocketAddr::from((self.from, 1))));
        let (head, body) = self.router.clone().oneshot(request).await.unwrap().into_parts();
        for set in head.headers.get_all("set-cookie") {
            let text = set.to_str().unwrap();
            let (name, value) = text.split(';').next().unwrap().split_once('=').unwrap();
            if text.contains("Max-Age=0") {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        let text = String::from_utf8(body.collect().await.unwrap().to_bytes().to_vec()).unwrap();
        Shown { status: head.status.as_u16(), headers: head.headers, text }
    }
}

impl Shown {
    /// The value of a field that the page has.
    #[track_caller]
    pub(crate) fn field(&self, name: &str) -> String {
        let (_, rest) = self.text.split_once(&format!("name=\"{name}\" value=\"")).unwrap();
        rest.split_once('"').unwrap().0.to_owned()
    }

    pub(crate) fn location(&self) -> &str {
        self.headers.get("location").map_or("", |value| value.to_str().unwrap())
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
