//! The real router over a real control plane, and browsers that keep cookies.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use control::{Control, ControlConfig, ProviderConfig, Registration, RegistrationPolicy, SecondFactorPolicy};
use credentials::PlainSecret;
use domain::{Account, ManualClock, SystemRng, Timestamp};
use http::{HeaderMap, Request};
use http_body_util::BodyExt as _;
use portal::{Endpoints, Mails, Outbox, PortalConfig};
use tower::ServiceExt as _;

use super::PEER;
use super::people::{PASSWORD, person};

pub(crate) const ORIGIN: &str = "http://localhost:8080";
pub(crate) const START_SECONDS: i64 = 1_800_000_000;

pub(crate) struct World {
    pub(crate) control: Arc<Control>,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) outbox: Arc<Outbox>,
    router: Router,
    folder: tempfile::TempDir,
}

/// A browser with its cookies.
#[derive(Clone)]
pub(crate) struct Browser {
    router: Router,
    cookies: BTreeMap<String, String>,
}

/// What came back.
pub(crate) struct Shown {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

fn portal_config(providers: Vec<ProviderConfig>) -> PortalConfig {
    PortalConfig {
        base_url: ORIGIN.to_owned(),
        providers,
        endpoints: Endpoints {
            management_url: ORIGIN.to_owned(),
            batch_url: format!("{ORIGIN}/v2"),
            realtime_url: None,
            global_realtime_url: None,
            regions: Vec::new(),
        },
        is_dev: false,
        docs_url: None,
        support_contact: None,
    }
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::with(Vec::new()).await
    }

    pub(crate) async fn with(providers: Vec<ProviderConfig>) -> Self {
        Self::in_folder(tempfile::tempdir().unwrap(), providers, SecondFactorPolicy::Offered).await
    }

    /// An instance that demands a second factor of everybody.
    pub(crate) async fn demanding() -> Self {
        Self::in_folder(tempfile::tempdir().unwrap(), Vec::new(), SecondFactorPolicy::Required).await
    }

    /// The same instance after a start that demands a second factor of everybody.
    pub(crate) async fn begins_to_demand(self) -> Self {
        self.control.close().await;
        Self::in_folder(self.folder, Vec::new(), SecondFactorPolicy::Required).await
    }

    async fn in_folder(
        folder: tempfile::TempDir,
        providers: Vec<ProviderConfig>,
        second_factor: SecondFactorPolicy,
    ) -> Self {
        let clock = Arc::new(ManualClock::new(Timestamp::from_seconds(START_SECONDS)));
        let registration = Registration { policy: RegistrationPolicy::Open, ..Registration::default() };
        let config = ControlConfig { registration, second_factor, ..ControlConfig::in_folder(folder.path()) };
        let control = Control::open(config, Arc::clone(&clock) as _, Arc::new(SystemRng)).await.unwrap();
        let mails = Mails::kept(Arc::clone(&clock) as _);
        let outbox = mails.outbox.clone().unwrap();
        let config = portal_config(providers);
        let router = portal::router(Arc::clone(&control), config, Arc::new(SystemRng), mails);
        Self { control, clock, outbox, router, folder }
    }

    pub(crate) fn browser(&self) -> Browser {
        Browser { router: self.router.clone(), cookies: BTreeMap::new() }
    }

    pub(crate) async fn account(&self, email: &str) -> Account {
        person(&self.control, email).await
    }

    /// A browser that has signed in with a password alone.
    pub(crate) async fn signed_in(&self, email: &str) -> (Account, Browser) {
        let account = self.account(email).await;
        let mut browser = self.browser();
        browser.sign_in(email).await.expect(303);
        (account, browser)
    }
}

impl Browser {
    /// The same browser at another router.
    pub(crate) fn at(&self, world: &World) -> Self {
        Self { router: world.router.clone(), cookies: self.cookies.clone() }
    }

    /// With the cookie of a session.
    pub(crate) fn with_session(mut self, secret: &PlainSecret) -> Self {
        self.cookies.insert("__Host-voxgate-session".to_owned(), secret.expose().to_owned());
        self
    }

    pub(crate) async fn get(&mut self, path: &str) -> Shown {
        let request = self.request("GET", path).body(Body::empty()).unwrap();
        self.send(request).await
    }

    /// Opens a page where a link of this kind of site led, as browsers say it.
    pub(crate) async fn led_to(&mut self, path: &str, site: &str) -> Shown {
        let request = self.request("GET", path).header("sec-fetch-site", site).body(Body::empty()).unwrap();
        self.send(request).await
    }

    /// Sends a form that a page holds: its hidden fields, and what is filled in.
    pub(crate) async fn post(&mut self, page: &Shown, path: &str, fields: &[(&str, &str)]) -> Shown {
        let token = page.field("form_token").unwrap_or_default();
        let mut all = vec![("form_token", token.as_str())];
        all.extend_from_slice(fields);
        self.post_raw(path, &all).await
    }

    /// Sends exactly these fields.
    pub(crate) async fn post_raw(&mut self, path: &str, fields: &[(&str, &str)]) -> Shown {
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let request = self
            .request("POST", path)
            .header("content-type", "application/x-www-form-urlencoded")
            .header("sec-fetch-site", "same-origin")
            .header("origin", ORIGIN)
            .body(Body::from(body))
            .unwrap();
        self.send(request).await
    }

    pub(crate) async fn sign_in(&mut self, email: &str) -> Shown {
        let page = self.get("/sign-in?next=/settings/security").await;
        let fields = [("email", email), ("password", PASSWORD), ("next", "/settings/security")];
        self.post(&page, "/sign-in", &fields).await
    }

    /// Whether this browser is let in where only the signed in are.
    pub(crate) async fn is_in(&mut self) -> bool {
        self.get("/settings/security").await.status == 200
    }

    pub(crate) fn cookie(&self, name: &str) -> Option<String> {
        self.cookies.get(name).cloned()
    }

    fn request(&self, method: &str, path: &str) -> http::request::Builder {
        let request = Request::builder().method(method).uri(path).header("host", "localhost:8080");
        let cookies: Vec<String> =
            self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        if cookies.is_empty() { request } else { request.header("cookie", cookies.join("; ")) }
    }

    async fn send(&mut self, mut request: Request<Body>) -> Shown {
        request.extensions_mut().insert(ConnectInfo(SocketAddr::from((PEER, 1))));
        let (head, body) = self.router.clone().oneshot(request).await.unwrap().into_parts();
        for value in head.headers.get_all("set-cookie") {
            let (name, rest) = value.to_str().unwrap().split_once('=').unwrap();
            let value = rest.split(';').next().unwrap();
            if value.is_empty() {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        let text = String::from_utf8(body.collect().await.unwrap().to_bytes().to_vec()).unwrap();
        Shown { status: head.status.as_u16(), headers: head.headers, text }
    }
}

/// What a browser makes of an attribute.
fn unescaped(text: &str) -> String {
    text.replace("&#34;", "\"")
        .replace("&#39;", "'")
        .replace("&#60;", "<")
        .replace("&#62;", ">")
        .replace("&#38;", "&")
}

impl Shown {
    /// The value of a field, where the page has it.
    pub(crate) fn field(&self, name: &str) -> Option<String> {
        let (_, rest) = self.text.split_once(&format!(" name=\"{name}\" value=\""))?;
        Some(unescaped(rest.split_once('"')?.0))
    }

    /// The text of an attribute.
    pub(crate) fn attribute(&self, name: &str) -> String {
        let (_, rest) = self.text.split_once(&format!(" {name}=\"")).unwrap();
        unescaped(rest.split_once('"').unwrap().0)
    }

    pub(crate) fn location(&self) -> &str {
        self.headers.get("location").map_or("", |value| value.to_str().unwrap())
    }

    #[track_caller]
    pub(crate) fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{} {}", self.location(), self.text);
        self
    }
}
