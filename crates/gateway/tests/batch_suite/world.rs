//! A gateway with five regions, one workspace with two projects, and the control plane's end of the link.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use credentials::{PlainSecret, SecretKind, SigningKey};
use domain::link::{Change, FromGateway, KeyRecord, Revision, Snapshot, ToGateway};
use domain::token::Claims;
use domain::{
    Algorithm, ApiKeyId, Area, AreaSet, ClientRef, Clock as _, InstanceId, Leash, ManualClock, Networks,
    Plan, PlanLimits, Product, ProductSet, ProjectId, Region, RequestId, SystemRng, TemporaryKeyId,
    Timestamp, WorkspaceId,
};
use gateway::{
    Body, EngineCapabilities, EngineToken, Gateway, GatewayConfig, GatewayLimits, GatewayLink, HostMap,
    HostTarget, Listener, Other, Place, RefusalStyle, RegionConfig, Site, Upstream, UserIdKey,
};
use ledger::{DbPlace, Ledger, NewIntent};
use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::engine::Engine;

/// What no step of a test takes, unless something is broken.
pub const PATIENCE: Duration = Duration::from_secs(20);
pub const PROJECT: ProjectId = ProjectId::new(7);
pub const OTHER_PROJECT: ProjectId = ProjectId::new(8);
/// When the clock stands still, until it is moved.
pub const START: i64 = 1_773_144_000; // 2026-03-10T12:00:00Z

/// What every answer forbids browsers and caches.
pub const FORBIDDING: [(&str, &str); 3] = [
    ("x-content-type-options", "nosniff"),
    ("cache-control", "no-store"),
    (
        "content-security-policy",
        "default-src 'none'; frame-ancestors 'none'; object-src 'none'; base-uri 'none'",
    ),
];

/// Waits for what must happen.
pub async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future).await.expect("this must happen soon")
}

pub struct Setup {
    pub capabilities: EngineCapabilities,
    pub limits: PlanLimits,
    pub gateway_limits: GatewayLimits,
    pub engine_base: &'static str,
    /// Another engine than the recording one.
    pub upstream: Option<Upstream>,
    /// Another ledger of eu1 than the one in the folder.
    pub ledger: Option<DbPlace>,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            capabilities: EngineCapabilities::default(),
            limits: PlanLimits {
                creates_per_second_max: 100_000,
                reads_per_second_max: 100_000,
                ..Plan::Enterprise.default_limits()
            },
            gateway_limits: GatewayLimits { drain_seconds_max: 1, ..GatewayLimits::default() },
            engine_base: "",
            upstream: None,
            ledger: None,
        }
    }
}

/// What outlives a gateway: the folder, the engine, the keys.
pub struct World {
    pub engine: Engine,
    pub clock: Arc<ManualClock>,
    pub workspace: WorkspaceId,
    setup: Setup,
    signer: SigningKey,
    instance: InstanceId,
    changes: Mutex<Vec<(Revision, Change)>>,
    revision: AtomicU64,
    folder: tempfile::TempDir,
    pub client: reqwest::Client,
    running: Mutex<Option<Running>>,
}

#[derive(Clone)]
pub struct Running {
    pub gateway: Arc<Gateway>,
    pub ledger: Arc<Ledger>,
    pub ports: HashMap<Region, SocketAddr>,
    pub home: SocketAddr,
    pub by_host: SocketAddr,
    pub messages: Arc<Mutex<Vec<FromGateway>>>,
    to_gateway: Arc<Mutex<Option<mpsc::Sender<ToGateway>>>>,
    shutdown: CancellationToken,
}

#[derive(Clone)]
pub struct Key {
    pub record: KeyRecord,
    pub secret: PlainSecret,
}

impl Key {
    pub fn bearer(&self) -> &str {
        self.secret.expose()
    }

    pub fn revoked(&self, now: Timestamp) -> Change {
        Change::Key(KeyRecord { revoked_at: Some(now), ..self.record.clone() })
    }

    /// What a create by this key is written down as before it is forwarded.
    pub fn intent(&self) -> NewIntent {
        NewIntent {
            project_id: PROJECT,
            client_ref: None,
            api_key_id: self.record.id,
            request_id: RequestId::from_u128(1),
        }
    }
}

impl Running {
    /// Asks it to end, and doesn't wait.
    pub fn begin_shutdown(&self) {
        self.shutdown.cancel();
    }

    /// Serves everything of eu1 at one more listener. What isn't the gateway's is answered with where the request came from.
    pub fn serve_at(&self, listener: impl Into<Listener>) {
        let other: Other = Arc::new(|request, arrival| {
            Box::pin(async move {
                let claims: Vec<&str> = request.headers().keys().map(http::HeaderName::as_str).collect();
                let text = format!("{} {} {}", arrival.client.ip(), arrival.is_secure, claims.join(","));
                http::Response::new(Body::full(text))
            })
        });
        let (gateway, shutdown) = (self.gateway.clone(), self.shutdown.clone());
        tokio::spawn(gateway.serve(listener.into(), Site::Home(Region::Eu1), other, shutdown));
    }
}

impl World {
    pub async fn new() -> Self {
        Self::with(Setup::default()).await
    }

    pub async fn with(setup: Setup) -> Self {
        let world = Self {
            engine: Engine::listen().await,
            clock: Arc::new(ManualClock::new(Timestamp::from_seconds(START))),
            workspace: WorkspaceId::from_u128(3),
            signer: SigningKey::generate(Algorithm::EdDsa, &SystemRng),
            instance: InstanceId::from_u128(1),
            changes: Mutex::default(),
            revision: AtomicU64::new(0),
            folder: tempfile::tempdir().unwrap(),
            client: reqwest::Client::builder().no_proxy().build().unwrap(),
            running: Mutex::default(),
            setup,
        };
        world.note(Change::Instance { id: world.instance });
        world.note(Change::Workspace { id: world.workspace, limits: world.setup.limits });
        for id in [PROJECT, OTHER_PROJECT] {
            world.note(Change::Project { id, workspace_id: world.workspace });
        }
        world.note(Change::SigningKey(world.signer.verifying_key()));
        world.start().await;
        world
    }

    fn note(&self, change: Change) -> Revision {
        let revision = Revision(self.revision.fetch_add(1, Ordering::SeqCst) + 1);
        self.changes.lock().unwrap().push((revision, change));
        revision
    }

    pub fn ledger_path(&self, region: Region) -> PathBuf {
        self.folder.path().join(region.as_str())
    }

    pub fn config(&self) -> GatewayConfig {
        let recording =
            Upstream::parse(&format!("http://{}{}", self.engine.address, self.setup.engine_base)).unwrap();
        let upstream = self.setup.upstream.clone().unwrap_or(recording);
        let region = |region: Region| RegionConfig {
            region,
            batch_url: format!("https://{region}.asr.example.org/v2"),
            realtime_url: None,
            batch_upstream: Some(upstream.clone()),
            realtime_upstream: None,
            tts_upstream: (region == Region::Eu1).then(|| upstream.clone()),
            engine_token: Some(EngineToken::new("engine-token").unwrap()),
            capabilities: self.setup.capabilities,
        };
        GatewayConfig {
            regions: Region::ALL.iter().copied().map(region).collect(),
            user_id_key: UserIdKey([7; 32]),
            refusal_style: RefusalStyle::default(),
            limits: self.setup.gateway_limits,
            session_times: gateway::realtime::SessionTimes::default(),
            tracing: None,
        }
    }

    /// Starts a gateway on the world's folder.
    pub async fn start(&self) {
        let mut ledgers = HashMap::new();
        for region in Region::ALL.iter().copied() {
            let shared = self.setup.ledger.clone().filter(|_| region == Region::Eu1);
            let place = shared.unwrap_or_else(|| DbPlace::File(self.ledger_path(region)));
            let ledger = Ledger::open_at(&place, region).await.unwrap();
            ledgers.insert(region, Arc::new(ledger));
        }
        let ledger = ledgers[&Region::Eu1].clone();
        let (to_gateway, incoming) = mpsc::channel(64);
        let (outgoing, mut from_gateway) = mpsc::channel(1024);
        let tables = Arc::new(verify::Tables::new());
        let link = GatewayLink { incoming, outgoing };
        let clock = self.clock.clone();
        let gateway =
            Gateway::start(self.config(), tables, ledgers, clock, Arc::new(SystemRng), link).await.unwrap();
        let messages: Arc<Mutex<Vec<FromGateway>>> = Arc::default();
        let heard = messages.clone();
        tokio::spawn(async move {
            while let Some(message) = from_gateway.recv().await {
                heard.lock().unwrap().push(message);
            }
        });
        let shutdown = CancellationToken::new();
        let mut ports = HashMap::new();
        for region in Region::ALL.iter().copied() {
            ports.insert(region, serve(&gateway, Site::Region(region), &shutdown).await);
        }
        let mut hosts = HostMap::default();
        hosts.insert("eu1.asr.example.org", HostTarget::Batch(Region::Eu1));
        hosts.insert("us1.asr.example.org", HostTarget::Batch(Region::Us1));
        hosts.insert("eu.rt.example.org", HostTarget::Realtime(Place::Region(Region::Eu1)));
        hosts.insert("portal.example.org", HostTarget::Other);
        let running = Running {
            home: serve(&gateway, Site::Home(Region::Eu1), &shutdown).await,
            by_host: serve(&gateway, Site::ByHost(Arc::new(hosts)), &shutdown).await,
            gateway,
            ledger,
            ports,
            messages,
            to_gateway: Arc::new(Mutex::new(Some(to_gateway))),
            shutdown,
        };
        *self.running.lock().unwrap() = Some(running);
        let changes = self.changes.lock().unwrap().clone();
        let revision = changes.last().unwrap().0;
        self.send(ToGateway::Snapshot(Arc::new(Snapshot { revision, changes }))).await;
        self.applied(revision).await;
    }

    /// Ends the gateway in an orderly way.
    pub async fn stop(&self) {
        let running = self.running.lock().unwrap().take().expect("it runs");
        running.shutdown.cancel();
        soon(running.gateway.stop()).await;
    }

    pub fn running(&self) -> Running {
        self.running.lock().unwrap().clone().expect("it runs")
    }

    pub async fn send(&self, message: ToGateway) {
        let link = self.running().to_gateway.lock().unwrap().clone().expect("the link stands");
        link.send(message).await.unwrap();
    }

    /// Ends the link, as a control plane that goes away.
    pub fn forget_control(&self) {
        self.running().to_gateway.lock().unwrap().take();
    }

    /// Waits until a message has come for which `wanted` gives something.
    pub async fn hear<T>(&self, wanted: impl Fn(&FromGateway) -> Option<T>) -> T {
        let messages = self.running().messages;
        soon(async {
            loop {
                if let Some(found) = messages.lock().unwrap().iter().find_map(&wanted) {
                    return found;
                }
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        })
        .await
    }

    async fn applied(&self, wanted: Revision) {
        self.hear(|message| match message {
            FromGateway::Applied { revision } if *revision >= wanted => Some(()),
            _ => None,
        })
        .await;
    }

    pub async fn change(&self, change: Change) {
        let revision = self.note(change.clone());
        self.send(ToGateway::Change { revision, changes: Arc::new([change]) }).await;
        self.applied(revision).await;
    }

    /// An API key of the project, area eu.
    pub async fn key(&self) -> Key {
        self.key_with(|_| {}).await
    }

    pub async fn key_with(&self, edit: impl FnOnce(&mut KeyRecord)) -> Key {
        let secret = SecretKind::ApiKey.generate(&SystemRng);
        let mut record = KeyRecord {
            id: ApiKeyId::generate(self.clock.now(), &SystemRng),
            hash: secret.hash(),
            project_id: PROJECT,
            areas: [Area::Eu].into_iter().collect(),
            products: ProductSet::all(),
            expires_at: None,
            networks: Networks::default(),
            client_ref: None,
            revoked_at: None,
        };
        edit(&mut record);
        self.change(Change::Key(record.clone())).await;
        Key { record, secret }
    }

    pub async fn key_of_areas(&self, areas: &[Area]) -> Key {
        let areas: AreaSet = areas.iter().copied().collect();
        self.key_with(|record| record.areas = areas).await
    }

    /// A temporary key for batch, maybe with a client_ref.
    pub fn temporary(&self, parent: &Key, client_ref: Option<&str>) -> String {
        self.temporary_with(parent, |claims| {
            claims.client_ref = client_ref.map(|text| ClientRef::new(text).unwrap());
        })
    }

    pub fn temporary_with(&self, parent: &Key, edit: impl FnOnce(&mut Claims)) -> String {
        let now = Timestamp::from_seconds(self.clock.now().as_seconds());
        let mut claims = Claims {
            issuer: self.instance.to_string(),
            areas: parent.record.areas,
            issued_at: now,
            not_before: now,
            expires_at: now.plus_seconds(600),
            id: TemporaryKeyId::generate(parent.record.id, &SystemRng),
            revision: Revision(self.revision.load(Ordering::SeqCst)),
            project_id: parent.record.project_id,
            workspace_id: self.workspace,
            api_key_id: parent.record.id,
            product: Product::Batch,
            client_ref: None,
            leash: Leash::default(),
        };
        edit(&mut claims);
        self.signer.sign(&claims).unwrap()
    }

    pub fn port(&self, region: Region) -> SocketAddr {
        self.running().ports[&region]
    }

    /// A request to eu1.
    pub fn request(&self, method: Method, path: &str, bearer: &str) -> RequestBuilder {
        self.request_at(Region::Eu1, method, path, bearer)
    }

    pub fn request_at(&self, region: Region, method: Method, path: &str, bearer: &str) -> RequestBuilder {
        self.client.request(method, format!("http://{}{path}", self.port(region))).bearer_auth(bearer)
    }

    pub async fn get(&self, path: &str, bearer: &str) -> Answer {
        Answer::of(self.request(Method::GET, path, bearer)).await
    }

    pub async fn delete(&self, path: &str, bearer: &str) -> Answer {
        Answer::of(self.request(Method::DELETE, path, bearer)).await
    }

    /// Creates a job and gives its id.
    pub async fn create(&self, bearer: &str) -> String {
        self.create_at(Region::Eu1, bearer).await
    }

    pub async fn create_at(&self, region: Region, bearer: &str) -> String {
        let form = reqwest::multipart::Form::new().text("config", r#"{"type":"transcription"}"#);
        let request = self.request_at(region, Method::POST, "/v2/jobs", bearer).multipart(form);
        let answer = Answer::of(request).await;
        assert_eq!(answer.status, 201, "{answer:?}");
        answer.json()["id"].as_str().unwrap().to_owned()
    }

    /// The ids that a list shows.
    pub async fn listed(&self, query: &str, bearer: &str) -> Vec<String> {
        let answer = self.get(&format!("/v2/jobs{query}"), bearer).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        let jobs = answer.json()["jobs"].as_array().unwrap().clone();
        jobs.iter().map(|job| job["id"].as_str().unwrap().to_owned()).collect()
    }
}

impl Drop for World {
    fn drop(&mut self) {
        if let Some(running) = self.running.lock().unwrap().take() {
            running.shutdown.cancel();
        }
    }
}

async fn serve(gateway: &Arc<Gateway>, site: Site, shutdown: &CancellationToken) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let other: Other = Arc::new(|request, _| {
        Box::pin(async move { http::Response::new(Body::full(format!("other {}", request.uri().path()))) })
    });
    tokio::spawn(gateway.clone().serve(listener, site, other, shutdown.clone()));
    address
}

/// A whole answer.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: http::HeaderMap,
    pub body: Vec<u8>,
}

impl Answer {
    pub async fn of(request: RequestBuilder) -> Self {
        let response = soon(request.send()).await.expect("the gateway answers");
        let (status, headers) = (response.status(), response.headers().clone());
        let body = soon(response.bytes()).await.expect("the answer is whole").to_vec();
        Self { status, headers, body }
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("JSON: {self:?}"))
    }

    pub fn text(&self) -> String {
        String::from_utf8(self.body.clone()).unwrap()
    }

    pub fn reason(&self) -> String {
        self.json()["reason"].as_str().unwrap_or_default().to_owned()
    }

    /// Status, error and reason of a refusal, after checking what every refusal has.
    pub fn refusal(&self) -> (u16, String, String) {
        let body = self.json();
        assert_eq!(body["code"], self.status.as_u16());
        assert!(self.headers.contains_key("request-id"), "{self:?}");
        assert_eq!(self.headers["access-control-allow-origin"], "*");
        assert_eq!(self.headers.contains_key("www-authenticate"), self.status == 401);
        (self.status.as_u16(), body["error"].as_str().unwrap().to_owned(), self.reason())
    }
}

pub fn refused(status: u16, error: &str, reason: &str) -> (u16, String, String) {
    (status, error.to_owned(), reason.to_owned())
}
