//! Webhooks: what is told, signed how, and that nothing is lost on the way.

use std::sync::atomic::{AtomicU16, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use control::{Control, ControlConfig, CreateWebhookError, KeyChange, NewKey, WebhookError, WebhookReach};
use domain::link::{FromGateway, SessionEnd, SessionEvent, ToGateway};
use domain::{
    ApiKeyId, ClientRef, ManualClock, MessageState, Plan, Product, Region, SessionId, SystemRng,
    WebhookEvent, WebhookEvents, WebhookMessage, Workspace,
};
use serde_json::Value;
use tempfile::TempDir;
use tokio::sync::Semaphore;

use crate::support::{ACTOR, Instance, start_time};

/// What no step of a test takes, unless something is broken.
const PATIENCE: Duration = Duration::from_secs(20);

/// Somebody's server that is told.
#[derive(Clone)]
struct Listener {
    url: String,
    answers: Arc<AtomicU16>,
    heard: Arc<Mutex<Vec<(HeaderMap, String)>>>,
}

impl Listener {
    async fn start() -> Self {
        let socket = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let this = Self {
            url: format!("http://{}/hook", socket.local_addr().unwrap()),
            answers: Arc::new(AtomicU16::new(204)),
            heard: Arc::default(),
        };
        let routes = Router::new().route("/hook", post(hear)).route("/other", post(hear));
        let routes = routes.with_state(this.clone());
        tokio::spawn(async move { axum::serve(socket, routes).await });
        this
    }

    /// Everything that came, once it is so many.
    async fn heard(&self, count: usize) -> Vec<(HeaderMap, Value)> {
        let all = soon(async || {
            let heard = self.heard.lock().unwrap().clone();
            (heard.len() >= count).then_some(heard)
        });
        let all = all.await;
        assert_eq!(all.len(), count);
        all.into_iter().map(|(headers, body)| (headers, serde_json::from_str(&body).unwrap())).collect()
    }

    /// Whether the last message is signed with this secret, and how many signatures it has.
    fn last_is_signed_with(&self, secret: &str) -> (bool, usize) {
        let (headers, body) = self.heard.lock().unwrap().last().unwrap().clone();
        let text = |name: &str| headers[name].to_str().unwrap().to_owned();
        let key = BASE64_STANDARD.decode(secret.strip_prefix("whsec_").unwrap()).unwrap();
        assert_eq!(key.len(), 32);
        let signed = format!("{}.{}.{body}", text("webhook-id"), text("webhook-timestamp"));
        let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, &key);
        let signature = BASE64_STANDARD.encode(aws_lc_rs::hmac::sign(&key, signed.as_bytes()));
        let signatures = text("webhook-signature");
        let all: Vec<&str> = signatures.split(' ').collect();
        (all.contains(&format!("v1,{signature}").as_str()), all.len())
    }
}

async fn hear(State(listener): State<Listener>, headers: HeaderMap, body: String) -> Response {
    listener.heard.lock().unwrap().push((headers, body));
    let status = StatusCode::from_u16(listener.answers.load(Ordering::SeqCst)).unwrap();
    (status, [(header::LOCATION, "/other")]).into_response()
}

async fn soon<T>(mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let waited = async {
        loop {
            if let Some(found) = look().await {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(PATIENCE, waited).await.expect("this must happen soon")
}

async fn open(folder: &TempDir, clock: &Arc<ManualClock>) -> Arc<Control> {
    let reach = WebhookReach { loopback: true, ..WebhookReach::default() };
    let config = ControlConfig { webhooks: reach, ..ControlConfig::in_folder(folder.path()) };
    Control::open(config, Arc::clone(clock) as _, Arc::new(SystemRng)).await.unwrap()
}

async fn instance() -> Instance {
    let folder = tempfile::tempdir().unwrap();
    let clock = Arc::new(ManualClock::new(start_time()));
    let control = open(&folder, &clock).await;
    Instance { folder, clock, control }
}

/// As after SIGKILL.
async fn killed(instance: Instance) -> Instance {
    let Instance { folder, clock, control } = instance;
    drop(control);
    let control = open(&folder, &clock).await;
    Instance { folder, clock, control }
}

async fn hook(instance: &Instance, workspace: &Workspace, url: &str) -> control::CreatedWebhook {
    instance.control.create_webhook(&ACTOR, workspace.id, url, WebhookEvents::all()).await.unwrap()
}

async fn log(instance: &Instance, hook: &control::CreatedWebhook) -> Vec<WebhookMessage> {
    let (workspace, id) = (hook.webhook.workspace_id, hook.webhook.id);
    instance.control.webhook_messages(workspace, id, None, 100).await.unwrap()
}

/// Each event of a key is told once, signed, to the webhooks of its own workspace that want it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_of_keys_are_told() {
    let instance = instance().await;
    let (listener, narrow, stranger) =
        (Listener::start().await, Listener::start().await, Listener::start().await);
    let (workspace, project) = instance.workspace(Plan::Pro).await;
    let (other, _) = instance.workspace(Plan::Pro).await;
    let made = hook(&instance, &workspace, &listener.url).await;
    hook(&instance, &other, &stranger.url).await;
    let only = WebhookEvents::EMPTY.with(WebhookEvent::ApiKeyLeaked);
    instance.control.create_webhook(&ACTOR, workspace.id, &narrow.url, only).await.unwrap();
    let control = &instance.control;
    // The beginning of looking for expired keys.
    tokio::time::sleep(Duration::from_millis(100)).await;

    let key = instance.key(&workspace, NewKey::named(project.id, "k")).await.key;
    let (headers, body) = listener.heard(1).await.pop().unwrap();
    assert_eq!(body["type"], "api_key.created");
    assert_eq!(body["data"]["apikey_id"], key.id.to_string());
    assert_eq!(body["data"]["project_id"], project.id.get());
    assert_eq!(headers["content-type"], "application/json");
    assert_eq!(listener.last_is_signed_with(made.secret.expose()), (true, 1));
    assert_eq!(log(&instance, &made).await[0].id.to_string(), headers["webhook-id"].to_str().unwrap());

    let rotated = control.rotate_key(&ACTOR, workspace.id, key.id, 60).await.unwrap();
    let body = listener.heard(2).await.pop().unwrap().1;
    assert_eq!(body["type"], "api_key.rotated");
    assert_eq!(body["data"]["apikey_id"], key.id.to_string());
    assert_eq!(body["data"]["successor"]["apikey_id"], rotated.key.id.to_string());
    instance.clock.advance_seconds(61);
    let body = listener.heard(3).await.pop().unwrap().1;
    assert_eq!(
        (&body["type"], &body["data"]["apikey_id"]),
        (&"api_key.expired".into(), &key.id.to_string().into())
    );
    control.change_key(&ACTOR, workspace.id, rotated.key.id, KeyChange::default()).await.unwrap();
    control.revoke_leaked_key(&ACTOR, workspace.id, rotated.key.id).await.unwrap();
    assert_eq!(listener.heard(4).await.pop().unwrap().1["type"], "api_key.leaked");
    assert_eq!(narrow.heard(1).await[0].1["type"], "api_key.leaked");
    let third = instance.key(&workspace, NewKey::named(project.id, "k")).await.key;
    // What is due at once may come in any order.
    listener.heard(5).await;
    control.revoke_key(&ACTOR, workspace.id, third.id).await.unwrap();
    assert_eq!(listener.heard(6).await.pop().unwrap().1["type"], "api_key.revoked");
    assert!(stranger.heard.lock().unwrap().is_empty());
    soon(async || {
        let told = log(&instance, &made).await;
        assert_eq!(told.len(), 6);
        let is_done =
            |message: &WebhookMessage| message.state == MessageState::Delivered && message.attempts == 1;
        told.iter().all(is_done).then_some(())
    })
    .await;
}

/// What a webhook doesn't take is tried again, later each time, under the same id; the log says how often, what it answered, and when
/// it is tried next. A redirect isn't followed. Sent again by hand, it goes out at once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn failures_are_tried_again() {
    let instance = instance().await;
    let listener = Listener::start().await;
    let (workspace, project) = instance.workspace(Plan::Pro).await;
    let made = hook(&instance, &workspace, &listener.url).await;
    listener.answers.store(307, Ordering::SeqCst);
    instance.key(&workspace, NewKey::named(project.id, "k")).await;
    let tried = async |count: u32| {
        soon(async || {
            let message = log(&instance, &made).await.remove(0);
            (message.attempts == count).then_some(message)
        })
        .await
    };
    let message = tried(1).await;
    assert_eq!((message.state, message.status), (MessageState::Waiting, Some(307)));
    assert!(message.problem.unwrap().contains("redirect"));
    let wait = message.next_try_at.unwrap().micros_since(start_time());
    assert!((4_000_000..=6_000_000).contains(&wait), "{wait}");
    assert_eq!(listener.heard(1).await.len(), 1, "the other place was not asked");

    listener.answers.store(500, Ordering::SeqCst);
    instance.clock.advance_seconds(6);
    assert_eq!(tried(2).await.status, Some(500));
    listener.answers.store(204, Ordering::SeqCst);
    instance.clock.advance_seconds(72);
    let message = tried(3).await;
    assert_eq!((message.state, message.next_try_at), (MessageState::Delivered, None));
    let ids: std::collections::BTreeSet<_> = listener
        .heard(3)
        .await
        .iter()
        .map(|(headers, _)| headers["webhook-id"].to_str().unwrap().to_owned())
        .collect();
    assert_eq!(ids.len(), 1);

    let control = &instance.control;
    let (other, _) = instance.workspace(Plan::Pro).await;
    let resent = control.resend_webhook_message(&ACTOR, other.id, made.webhook.id, message.id).await;
    assert!(matches!(resent, Err(WebhookError::NotFound)));
    control.resend_webhook_message(&ACTOR, workspace.id, made.webhook.id, message.id).await.unwrap();
    listener.heard(4).await;
    listener.answers.store(410, Ordering::SeqCst);
    instance.key(&workspace, NewKey::named(project.id, "gone")).await;
    listener.heard(5).await;
    let last = soon(async || {
        let message = log(&instance, &made).await.remove(0);
        (message.state == MessageState::Failed).then_some(message)
    });
    assert_eq!(last.await.next_try_at, None, "nobody is there any more");
    control.remove_webhook(&ACTOR, workspace.id, made.webhook.id).await.unwrap();
    assert!(control.webhook_messages(workspace.id, made.webhook.id, None, 9).await.is_err());
}

/// A server that takes messages and keeps those who bring them waiting.
#[derive(Clone)]
struct Stalling {
    url: String,
    came: Arc<AtomicUsize>,
    answers: Arc<Semaphore>,
}

impl Stalling {
    async fn start() -> Self {
        let socket = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let this = Self {
            url: format!("http://{}/hook", socket.local_addr().unwrap()),
            came: Arc::default(),
            answers: Arc::new(Semaphore::new(0)),
        };
        let routes = Router::new().route("/hook", post(stall)).with_state(this.clone());
        tokio::spawn(async move { axum::serve(socket, routes).await });
        this
    }

    /// Waits until so many came.
    async fn took(&self, count: usize) {
        soon(async || (self.came.load(Ordering::SeqCst) >= count).then_some(())).await;
    }

    /// A workspace with webhooks here, and so many messages for each of them.
    async fn flood(&self, instance: &Instance, hooks: usize, messages: usize) {
        let (workspace, project) = instance.workspace(Plan::Pro).await;
        for _ in 0..hooks {
            hook(instance, &workspace, &self.url).await;
        }
        for _ in 0..messages {
            instance.key(&workspace, NewKey::named(project.id, "k")).await;
        }
    }
}

async fn stall(State(server): State<Stalling>) -> StatusCode {
    server.came.fetch_add(1, Ordering::SeqCst);
    server.answers.acquire().await.unwrap().forget();
    StatusCode::NO_CONTENT
}

/// Receivers of a workspace that never answer hold up nobody else: another's messages arrive while those hang, though they came
/// later. What waits behind them is sent once they answer.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_workspace_is_not_held_up() {
    let instance = instance().await;
    let (stalling, listener) = (Stalling::start().await, Listener::start().await);
    stalling.flood(&instance, 20, 5).await;
    stalling.took(16).await;
    instance.clock.advance_seconds(1);
    let (workspace, project) = instance.workspace(Plan::Pro).await;
    hook(&instance, &workspace, &listener.url).await;
    for count in 1..=3 {
        instance.key(&workspace, NewKey::named(project.id, "k")).await;
        listener.heard(count).await;
    }
    assert!(stalling.came.load(Ordering::SeqCst) < 64, "a share of the places alone is held");
    stalling.answers.add_permits(100);
    stalling.took(100).await;
}

/// A webhook that never answers holds up no other of its workspace.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_webhook_is_not_held_up() {
    let instance = instance().await;
    let (stalling, listener) = (Stalling::start().await, Listener::start().await);
    let (workspace, project) = instance.workspace(Plan::Pro).await;
    hook(&instance, &workspace, &stalling.url).await;
    hook(&instance, &workspace, &listener.url).await;
    for _ in 0..50 {
        instance.key(&workspace, NewKey::named(project.id, "k")).await;
    }
    listener.heard(50).await;
}

/// Where so many workspaces have such receivers that no place is left, the next place that comes free is given to a workspace
/// that holds none.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_free_place_goes_to_who_holds_none() {
    let instance = instance().await;
    let (stalling, listener) = (Stalling::start().await, Listener::start().await);
    for _ in 0..4 {
        stalling.flood(&instance, 5, 20).await;
    }
    stalling.took(64).await;
    instance.clock.advance_seconds(1);
    let (workspace, project) = instance.workspace(Plan::Pro).await;
    hook(&instance, &workspace, &listener.url).await;
    instance.key(&workspace, NewKey::named(project.id, "k")).await;
    stalling.answers.add_permits(1);
    listener.heard(1).await;
}

/// Nothing that was committed is lost: not by a kill before it was sent, nor by one while it is, nor while nobody listens.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kills_lose_no_message() {
    let mut instance = instance().await;
    let listener = Listener::start().await;
    let (workspace, project) = instance.workspace(Plan::Pro).await;
    let made = hook(&instance, &workspace, &listener.url).await;
    for round in 0..10 {
        listener.answers.store(if round % 2 == 0 { 503 } else { 204 }, Ordering::SeqCst);
        for _ in 0..3 {
            instance.key(&workspace, NewKey::named(project.id, "k")).await;
        }
        tokio::time::sleep(Duration::from_millis(round * 3)).await;
        instance = killed(instance).await;
    }
    listener.answers.store(204, Ordering::SeqCst);
    soon(async || {
        instance.clock.advance_seconds(400);
        let told = log(&instance, &made).await;
        assert_eq!(told.len(), 30);
        told.iter().all(|message| message.state == MessageState::Delivered).then_some(())
    })
    .await;
    let ids: std::collections::BTreeSet<_> = {
        let heard = listener.heard.lock().unwrap();
        heard.iter().map(|(headers, _)| headers["webhook-id"].to_str().unwrap().to_owned()).collect()
    };
    assert_eq!(ids.len(), 30);
}

/// While a secret is rotated, both sign; afterwards the new one alone. Another master key changes nothing of it, and no secret is in
/// the database.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn secrets_are_rotated_and_sealed() {
    let instance = instance().await;
    let listener = Listener::start().await;
    let (workspace, project) = instance.workspace(Plan::Pro).await;
    let first = hook(&instance, &workspace, &listener.url).await;
    let control = &instance.control;
    let id = first.webhook.id;
    let second = control.rotate_webhook(&ACTOR, workspace.id, id, 3600).await.unwrap();
    let (first, second) = (first.secret.expose(), second.secret.expose());
    assert_ne!(first, second);
    instance.key(&workspace, NewKey::named(project.id, "k")).await;
    listener.heard(1).await;
    assert_eq!(listener.last_is_signed_with(first), (true, 2));
    assert_eq!(listener.last_is_signed_with(second), (true, 2));
    control.rewrap(&ACTOR, None).await.unwrap();
    instance.key(&workspace, NewKey::named(project.id, "k")).await;
    listener.heard(2).await;
    assert_eq!(listener.last_is_signed_with(first), (true, 2));
    instance.clock.advance_seconds(3600);
    instance.key(&workspace, NewKey::named(project.id, "k")).await;
    listener.heard(3).await;
    assert_eq!(listener.last_is_signed_with(second), (true, 1));
    let third = control.rotate_webhook(&ACTOR, workspace.id, id, 0).await.unwrap();
    instance.key(&workspace, NewKey::named(project.id, "k")).await;
    listener.heard(4).await;
    assert_eq!(listener.last_is_signed_with(third.secret.expose()), (true, 1));
    for file in std::fs::read_dir(instance.folder.path()).unwrap() {
        let path = file.unwrap().path();
        let bytes = if path.is_file() { std::fs::read(&path).unwrap() } else { Vec::new() };
        let key = BASE64_STANDARD.decode(second.strip_prefix("whsec_").unwrap()).unwrap();
        for secret in [second.as_bytes(), &key] {
            assert!(!bytes.windows(secret.len()).any(|window| window == secret), "{}", path.display());
        }
    }
}

/// Nobody makes this server call what isn't on the public internet, unless it is configured to call itself.
#[tokio::test]
async fn private_addresses_are_refused() {
    let instance = Instance::new().await;
    let (workspace, _) = instance.workspace(Plan::Pro).await;
    for url in ["http://127.0.0.1:1/", "https://localhost/", "https://10.0.0.1/", "http://example.org/"] {
        let made = instance.control.create_webhook(&ACTOR, workspace.id, url, WebhookEvents::all()).await;
        assert!(matches!(made, Err(CreateWebhookError::Address)), "{url}");
    }
    let good = "https://example.org/hook";
    let none = instance.control.create_webhook(&ACTOR, workspace.id, good, WebhookEvents::EMPTY).await;
    assert!(matches!(none, Err(CreateWebhookError::NoEvents)));
    instance.control.create_webhook(&ACTOR, workspace.id, good, WebhookEvents::all()).await.unwrap();
}

/// Sessions that a gateway tells of are told once, however often the gateway tells them: when they began, how they ended, and why.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sessions_are_told_once() {
    let instance = instance().await;
    let listener = Listener::start().await;
    let (workspace, project) = instance.workspace(Plan::Pro).await;
    hook(&instance, &workspace, &listener.url).await;
    let control::GatewayPort { mut incoming, outgoing } = instance.control.gateways().attach("eu1/a");
    let (counted, mut counts) = tokio::sync::mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Some(message) = incoming.recv().await {
            if let ToGateway::UsageCounted { number } = message {
                counted.send(number).unwrap();
            }
        }
    });
    let began = SessionEvent {
        at: start_time(),
        session_id: SessionId::generate(start_time(), &SystemRng),
        workspace_id: workspace.id,
        project_id: project.id,
        api_key_id: ApiKeyId::from_u128(1),
        temporary_key_id: None,
        client_ref: Some(ClientRef::new("ann").unwrap()),
        region: Region::Eu1,
        product: Product::Rt,
        end: None,
    };
    let end = SessionEnd {
        kind: String::from("timelimit_exceeded"),
        close_code: Some(4006),
        reason: Some(String::from("spent")),
        seconds: Some(7),
        audio_millis: Some(1500),
    };
    let ended = SessionEvent { end: Some(end), ..began.clone() };
    for number in [1, 1, 2] {
        let events = vec![if number == 1 { began.clone() } else { ended.clone() }];
        outgoing.send(FromGateway::SessionEvents { number, events }).await.unwrap();
        assert_eq!(counts.recv().await, Some(number));
    }
    let mut heard = listener.heard(2).await;
    heard.sort_by_key(|(_, body)| body["type"].to_string());
    let (first, last) = (&heard[1].1, &heard[0].1);
    assert_eq!((&first["type"], &first["data"]["client_ref"]), (&"session.started".into(), &"ann".into()));
    assert_eq!(last["type"], "session.ended");
    assert_eq!(
        (&last["data"]["ended"], &last["data"]["close_code"]),
        (&"timelimit_exceeded".into(), &4006.into())
    );
    assert_eq!((&last["data"]["reason"], &last["data"]["audio_seconds"]), (&"spent".into(), &1.5.into()));
}
