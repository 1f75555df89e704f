//! A gateway with one workspace, an engine, and the control plane's end of the link.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use credentials::{PlainSecret, SecretKind, SigningKey};
use domain::link::{
    Change, FromGateway, KeyRecord, Revision, SessionFilter, SessionInfo, Snapshot, ToGateway,
};
use domain::token::Claims;
use domain::{
    Algorithm, ApiKeyId, Area, Clock, InstanceId, Leash, Networks, Plan, PlanLimits, Product, ProductSet,
    ProjectId, Region, SystemClock, SystemRng, TemporaryKeyId, Timestamp, WorkspaceId,
};
use futures_util::{SinkExt as _, StreamExt as _};
use gateway::config::UserIdKey;
use gateway::realtime::SessionTimes;
use gateway::{
    Body, EngineCapabilities, EngineToken, Gateway, GatewayConfig, GatewayLimits, GatewayLink, HostMap,
    HostTarget, Place, RefusalStyle, RegionConfig, Site, Upstream,
};
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Mutex, mpsc};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::handshake::server;
use tokio_tungstenite::tungstenite::protocol::frame::CloseFrame;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_util::sync::CancellationToken;

pub(crate) type Ws = WebSocketStream<TcpStream>;

/// What no step of a test takes, unless something is broken.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);
pub(crate) const PROJECT: ProjectId = ProjectId::new(7);
pub(crate) const START: &str = r#"{"message":"StartRecognition","audio_format":{"type":"raw","encoding":"pcm_s16le","sample_rate":16000},"transcription_config":{"language":"en"}}"#;

/// Waits for what must happen.
pub(crate) async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future).await.expect("this must happen soon")
}

pub(crate) struct Setup {
    pub(crate) times: SessionTimes,
    pub(crate) style: RefusalStyle,
    pub(crate) concurrent_sessions_max: u32,
    pub(crate) starts_per_second_max: u32,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) limits: GatewayLimits,
    pub(crate) engine_base: &'static str,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            times: SessionTimes::default(),
            style: RefusalStyle::default(),
            concurrent_sessions_max: 100,
            starts_per_second_max: 100_000,
            clock: Arc::new(SystemClock),
            limits: GatewayLimits { drain_seconds_max: 0, ..GatewayLimits::default() },
            engine_base: "",
        }
    }
}

pub(crate) struct World {
    pub(crate) gateway: Arc<Gateway>,
    pub(crate) engine: Engine,
    pub(crate) workspace: WorkspaceId,
    pub(crate) eu1: SocketAddr,
    pub(crate) us1: SocketAddr,
    pub(crate) au1: SocketAddr,
    pub(crate) eu2: SocketAddr,
    pub(crate) by_host: SocketAddr,
    signer: SigningKey,
    instance: InstanceId,
    to_gateway: mpsc::Sender<ToGateway>,
    from_gateway: Mutex<mpsc::Receiver<FromGateway>>,
    revision: AtomicU64,
    pub(crate) shutdown: CancellationToken,
    ledgers: tempfile::TempDir,
}

/// An API key, and its secret.
#[derive(Clone)]
pub(crate) struct Key {
    pub(crate) record: KeyRecord,
    pub(crate) secret: PlainSecret,
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::with(Setup::default()).await
    }

    pub(crate) async fn with(setup: Setup) -> Self {
        let engine = Engine::listen().await;
        let url = format!("ws://{}{}", engine.address, setup.engine_base);
        Self::made(setup, engine, Upstream::parse(&url).unwrap()).await
    }

    /// A world whose engine is reached in another way than by its own address.
    pub(crate) async fn with_upstream(make: impl AsyncFnOnce(SocketAddr) -> Upstream) -> Self {
        let engine = Engine::listen().await;
        let upstream = make(engine.address).await;
        Self::made(Setup::default(), engine, upstream).await
    }

    /// A world whose engine nobody has to play, since it is said to be elsewhere.
    pub(crate) async fn with_engine_at(address: SocketAddr) -> Self {
        let upstream = Upstream::parse(&format!("ws://{address}")).unwrap();
        Self::made(Setup::default(), Engine::listen().await, upstream).await
    }

    async fn made(setup: Setup, engine: Engine, upstream: Upstream) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut ledgers = HashMap::new();
        let mut regions = Vec::new();
        for region in Region::ALL.iter().copied() {
            let ledger = ledger::Ledger::open(&dir.path().join(region.as_str()), region).await.unwrap();
            ledgers.insert(region, Arc::new(ledger));
            regions.push(RegionConfig {
                region,
                batch_url: String::new(),
                realtime_url: None,
                batch_upstream: None,
                // The regions without realtime have an engine too, so that it is not its absence that refuses.
                realtime_upstream: Some(upstream.clone()),
                tts_upstream: None,
                engine_token: Some(EngineToken::new("engine-token").unwrap()),
                capabilities: EngineCapabilities::default(),
            });
        }
        let config = GatewayConfig {
            regions,
            user_id_key: UserIdKey([7; 32]),
            refusal_style: setup.style,
            limits: setup.limits,
            session_times: setup.times,
            tracing: None,
        };
        let (to_gateway, incoming) = mpsc::channel(64);
        let (outgoing, from_gateway) = mpsc::channel(1024);
        let gateway = Gateway::start(
            config,
            Arc::new(verify::Tables::new()),
            ledgers,
            setup.clock,
            Arc::new(SystemRng),
            GatewayLink { incoming, outgoing },
        );
        let gateway = gateway.await.unwrap();
        let shutdown = CancellationToken::new();
        let mut hosts = HostMap::default();
        hosts.insert("global.rt.example.org", HostTarget::Realtime(Place::Global));
        hosts.insert("eu.rt.example.org", HostTarget::Realtime(Place::Region(Region::Eu1)));
        let world = Self {
            eu1: serve(&gateway, Site::Region(Region::Eu1), &shutdown).await,
            us1: serve(&gateway, Site::Region(Region::Us1), &shutdown).await,
            au1: serve(&gateway, Site::Region(Region::Au1), &shutdown).await,
            eu2: serve(&gateway, Site::Region(Region::Eu2), &shutdown).await,
            by_host: serve(&gateway, Site::ByHost(Arc::new(hosts)), &shutdown).await,
            gateway,
            engine,
            workspace: WorkspaceId::from_u128(3),
            signer: SigningKey::generate(Algorithm::EdDsa, &SystemRng),
            instance: InstanceId::from_u128(1),
            to_gateway,
            from_gateway: Mutex::new(from_gateway),
            revision: AtomicU64::new(0),
            shutdown,
            ledgers: dir,
        };
        world.begin(setup.concurrent_sessions_max, setup.starts_per_second_max).await;
        world
    }

    async fn begin(&self, concurrent_sessions_max: u32, starts_per_second_max: u32) {
        let limits = PlanLimits {
            concurrent_sessions_max,
            creates_per_second_max: starts_per_second_max,
            ..Plan::Enterprise.default_limits()
        };
        let changes = [
            Change::Instance { id: self.instance },
            Change::Workspace { id: self.workspace, limits },
            Change::Project { id: PROJECT, workspace_id: self.workspace },
            Change::SigningKey(self.signer.verifying_key()),
        ];
        let revision = self.next_revision();
        let changes = changes.into_iter().map(|change| (revision, change)).collect();
        let snapshot = ToGateway::Snapshot(Arc::new(Snapshot { revision, changes }));
        self.to_gateway.send(snapshot).await.unwrap();
        self.applied(revision).await;
    }

    /// Changes the schema of a region's ledger behind the gateway's back.
    pub(crate) async fn alter_ledger(&self, region: Region, statement: &str) {
        use sea_orm::ConnectionTrait as _;
        let path = self.ledgers.path().join(region.as_str());
        let db = sea_orm::Database::connect(format!("sqlite://{}", path.display())).await.unwrap();
        db.execute_unprepared(statement).await.unwrap();
        db.close().await.unwrap();
    }

    fn next_revision(&self) -> Revision {
        Revision(self.revision.fetch_add(1, Ordering::SeqCst) + 1)
    }

    async fn applied(&self, wanted: Revision) {
        let mut from_gateway = self.from_gateway.lock().await;
        loop {
            match soon(from_gateway.recv()).await.expect("the gateway lives") {
                FromGateway::Applied { revision } if revision >= wanted => return,
                _ => {}
            }
        }
    }

    /// The next message of the gateway that `wanted` takes.
    pub(crate) async fn hear<T>(&self, wanted: impl Fn(FromGateway) -> Option<T>) -> T {
        let mut from_gateway = self.from_gateway.lock().await;
        loop {
            if let Some(found) = wanted(soon(from_gateway.recv()).await.expect("the gateway lives")) {
                return found;
            }
        }
    }

    /// Changes state; returns when the gateway says that it is enforced.
    pub(crate) async fn change(&self, change: Change) -> Revision {
        let revision = self.next_revision();
        self.to_gateway.send(ToGateway::Change { revision, changes: Arc::new([change]) }).await.unwrap();
        self.applied(revision).await;
        revision
    }

    pub(crate) async fn tell(&self, message: ToGateway) {
        self.to_gateway.send(message).await.unwrap();
    }

    /// The open sessions.
    pub(crate) async fn sessions(&self) -> Vec<SessionInfo> {
        self.tell(ToGateway::ListSessions { request: 1, filter: SessionFilter::default() }).await;
        self.hear(|message| match message {
            FromGateway::Sessions { sessions, .. } => Some(sessions),
            _ => None,
        })
        .await
    }

    pub(crate) async fn api_key(&self) -> Key {
        self.api_key_with(|_| {}).await
    }

    pub(crate) async fn api_key_with(&self, edit: impl FnOnce(&mut KeyRecord)) -> Key {
        let secret = SecretKind::ApiKey.generate(&SystemRng);
        let mut record = KeyRecord {
            id: ApiKeyId::generate(SystemClock.now(), &SystemRng),
            hash: secret.hash(),
            project_id: PROJECT,
            areas: [Area::Eu].into_iter().collect(),
            products: ProductSet::default_for_keys(),
            expires_at: None,
            networks: Networks::default(),
            client_ref: None,
            revoked_at: None,
        };
        edit(&mut record);
        self.change(Change::Key(record.clone())).await;
        Key { record, secret }
    }

    pub(crate) async fn revoke(&self, key: &Key) {
        let record = KeyRecord { revoked_at: Some(SystemClock.now()), ..key.record.clone() };
        self.change(Change::Key(record)).await;
    }

    pub(crate) fn claims(&self, key: &Key) -> Claims {
        let now = Timestamp::from_seconds(SystemClock.now().as_seconds());
        Claims {
            issuer: self.instance.to_string(),
            areas: key.record.areas,
            issued_at: now,
            not_before: now,
            expires_at: now.plus_seconds(600),
            id: TemporaryKeyId::generate(key.record.id, &SystemRng),
            revision: Revision(self.revision.load(Ordering::SeqCst)),
            project_id: PROJECT,
            workspace_id: self.workspace,
            api_key_id: key.record.id,
            product: Product::Rt,
            client_ref: None,
            leash: Leash::default(),
        }
    }

    pub(crate) fn sign(&self, claims: &Claims) -> String {
        self.signer.sign(claims).unwrap()
    }

    /// A temporary key for realtime.
    pub(crate) fn temporary_key(&self, key: &Key) -> String {
        self.sign(&self.claims(key))
    }

    /// Opens a session with a credential in the header, and takes the first `Info` off.
    pub(crate) async fn open(&self, credential: &str) -> Session {
        self.open_at(&self.url(""), &[("authorization", &format!("Bearer {credential}"))]).await
    }

    pub(crate) async fn open_at(&self, url: &str, headers: &[(&str, &str)]) -> Session {
        let (client, engine) = tokio::join!(connect(url, headers), self.engine.accept());
        let (mut client, response) = client.expect("the session opens");
        let (engine, request) = engine;
        let info = next_json(&mut client).await;
        assert_eq!(
            (info["message"].as_str(), info["type"].as_str()),
            (Some("Info"), Some("concurrent_session_usage"))
        );
        Session { client, engine, request, response, info }
    }

    /// The URL of eu1, with `rest` behind `/v2`.
    pub(crate) fn url(&self, rest: &str) -> String {
        format!("ws://{}/v2{rest}", self.eu1)
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.shutdown.cancel();
    }
}

async fn serve(gateway: &Arc<Gateway>, site: Site, shutdown: &CancellationToken) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let other: gateway::Other = Arc::new(|_, _| Box::pin(async { http::Response::new(Body::empty()) }));
    tokio::spawn(gateway.clone().serve(listener, site, other, shutdown.clone()));
    address
}

/// Both ends of an open session, as each test plays them.
pub(crate) struct Session {
    pub(crate) client: Ws,
    pub(crate) engine: Ws,
    /// What the engine was asked.
    pub(crate) request: http::Request<()>,
    /// What the client was answered.
    pub(crate) response: http::Response<Option<Vec<u8>>>,
    pub(crate) info: Value,
}

impl Session {
    /// Passes a message each way, to know that the session lives.
    pub(crate) async fn passes(&mut self) {
        self.client.send(Message::binary(vec![1, 2, 3])).await.unwrap();
        assert_eq!(next(&mut self.engine).await, Message::binary(vec![1, 2, 3]));
        self.engine.send(Message::text("heard")).await.unwrap();
        assert_eq!(next(&mut self.client).await, Message::text("heard"));
    }
}

/// An engine's listener. Connections wait until a test takes them.
pub(crate) struct Engine {
    pub(crate) address: SocketAddr,
    incoming: Mutex<mpsc::UnboundedReceiver<TcpStream>>,
}

impl Engine {
    async fn listen() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (sender, incoming) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                if sender.send(stream).is_err() {
                    return;
                }
            }
        });
        Self { address, incoming: Mutex::new(incoming) }
    }

    /// The next connection, as it came.
    pub(crate) async fn raw(&self) -> TcpStream {
        soon(self.incoming.lock().await.recv()).await.unwrap()
    }

    /// The next connection, opened as a WebSocket.
    pub(crate) async fn accept(&self) -> (Ws, http::Request<()>) {
        accept(self.raw().await).await
    }

    /// The same for as long as it takes.
    pub(crate) async fn accept_when_it_comes(&self) -> (Ws, http::Request<()>) {
        let stream = self.incoming.lock().await.recv().await.unwrap();
        accept(stream).await
    }

    /// Whether the gateway has connected since the last connection was taken.
    pub(crate) async fn was_asked(&self) -> bool {
        self.incoming.lock().await.try_recv().is_ok()
    }
}

#[expect(clippy::result_large_err, reason = "the signature is tungstenite's")]
pub(crate) async fn accept(stream: TcpStream) -> (Ws, http::Request<()>) {
    let mut asked = None;
    let callback = |request: &server::Request, response: server::Response| {
        asked = Some(request.clone());
        Ok(response)
    };
    let ws = soon(tokio_tungstenite::accept_hdr_async(stream, callback)).await.unwrap();
    (ws, asked.unwrap())
}

/// Opens a WebSocket with these headers.
pub(crate) async fn connect(
    url: &str,
    headers: &[(&str, &str)],
) -> Result<(Ws, http::Response<Option<Vec<u8>>>), Error> {
    let mut request = url.into_client_request().unwrap();
    for (name, value) in headers {
        let name: http::HeaderName = name.parse().unwrap();
        request.headers_mut().remove(&name);
        request.headers_mut().append(name, value.parse().unwrap());
    }
    let authority = url.strip_prefix("ws://").unwrap().split(['/', '?']).next().unwrap();
    let stream = TcpStream::connect(authority).await.unwrap();
    soon(tokio_tungstenite::client_async(request, stream)).await
}

/// The next message; pings and pongs are messages too.
pub(crate) async fn next(ws: &mut Ws) -> Message {
    soon(ws.next()).await.expect("the connection is open").expect("the frames are valid")
}

pub(crate) async fn next_json(ws: &mut Ws) -> Value {
    let message = next(ws).await;
    serde_json::from_str(message.to_text().unwrap()).unwrap_or_else(|_| panic!("{message:?} is no JSON"))
}

/// The close frame, and the end of the connection after it.
pub(crate) async fn closed(ws: &mut Ws) -> (u16, String) {
    let Message::Close(Some(CloseFrame { code, reason })) = next(ws).await else {
        panic!("a close frame with a code")
    };
    while let Some(Ok(_)) = soon(ws.next()).await {}
    (code.into(), reason.to_string())
}

/// An `Error` and the close after it: type, sentence, code. The reason of the close frame must be the type.
pub(crate) async fn error_then_close(ws: &mut Ws) -> (String, String, u16) {
    let error = next_json(ws).await;
    assert_eq!(error["message"], "Error", "{error}");
    let (code, close_reason) = closed(ws).await;
    assert_eq!(error["type"], close_reason);
    (close_reason, error["reason"].as_str().unwrap().to_owned(), code)
}

/// The answer to an upgrade that is refused by HTTP.
pub(crate) struct Refused {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: Value,
}

/// A WebSocket upgrade, written out.
pub(crate) fn upgrade_request(target: &str, headers: &[(&str, &str)]) -> String {
    let mut request = format!(
        "GET {target} HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    );
    for (name, value) in headers {
        request.push_str(&format!("{name}: {value}\r\n"));
    }
    request + "\r\n"
}

/// Sends a request and reads until the connection ends.
pub(crate) async fn refused(address: SocketAddr, request: &str) -> Refused {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let head = read_head(&mut stream).await;
    let length = head.to_ascii_lowercase();
    let length = length.split("content-length: ").nth(1).and_then(|rest| rest.split("\r\n").next());
    let mut body = vec![0; length.map_or(0, |length| length.parse().unwrap())];
    soon(stream.read_exact(&mut body)).await.unwrap();
    let status = head[9..12].parse().unwrap();
    Refused { status, body: serde_json::from_slice(&body).unwrap_or_default(), head }
}

/// Reads exactly the head of an answer.
pub(crate) async fn read_head(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(soon(stream.read_u8()).await.expect("an answer"));
    }
    String::from_utf8(head).unwrap()
}
