//! `voxgate serve`: one listener, everything told apart by host.

use std::net::SocketAddr;
use std::path::Path;

use reqwest::Method;
use serde_json::json;
use testkit::{Answer, Api, Caller};
use tokio_util::sync::CancellationToken;
use voxgate::wire::Instance;

/// A running instance, and where it listens.
struct Served {
    instance: Instance,
    address: SocketAddr,
    engine_stop: CancellationToken,
    _folder: tempfile::TempDir,
}

/// An address that was free a moment ago.
pub(crate) async fn free_address() -> SocketAddr {
    tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap()
}

pub(crate) async fn engine(folder: &Path, stop: &CancellationToken) -> SocketAddr {
    let config = sandbox::SandboxConfig {
        data_dir: folder.join("engine"),
        recognizer: None,
        engine_name: "eu1".to_owned(),
    };
    let engine = sandbox::Sandbox::open(config).await.unwrap();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(engine.serve(listener, stop.clone()));
    address
}

async fn start(more: &str) -> Served {
    let folder = tempfile::tempdir().unwrap();
    let engine_stop = CancellationToken::new();
    let engine = engine(folder.path(), &engine_stop).await;
    let address = free_address().await;
    let text = format!(
        "data_dir = \"{}\"\ndomain = \"voice.example\"\n{more}\n[[listener]]\naddress = \"{address}\"\n\
         [regions.eu1]\nbatch_upstream = \"http://{engine}\"\nrealtime_upstream = \"ws://{engine}\"\n\
         [admin]\naddress = \"\"\n",
        folder.path().join("data").display()
    );
    let settings = voxgate::config::load(&text).unwrap_or_else(|problems| panic!("{problems:?}")).settings;
    let instance = voxgate::serve::start(&settings, &|_| None).await.unwrap();
    Served { instance, address, engine_stop, _folder: folder }
}

impl Served {
    async fn get(&self, host: &str, path: &str, caller: &Caller) -> Answer {
        let api = Api::new(&format!("http://{}", self.address));
        let mut request = api.request(Method::GET, path).header("host", host);
        for value in caller.header_values() {
            request = request.header("authorization", value);
        }
        api.ask(request).await
    }

    async fn end(self) {
        self.instance.shutdown().await;
        self.engine_stop.cancel();
    }

    /// An API key of a new workspace, as the operator makes it.
    async fn key(&self) -> Caller {
        key_of(&self.instance).await
    }
}

/// An API key of a new workspace, as the operator makes it.
pub(crate) async fn key_of(instance: &Instance) -> Caller {
    let control = instance.control();
    let new =
        control::NewWorkspace { name: "w".to_owned(), plan: domain::Plan::Pro, home_area: domain::Area::Eu };
    let made = control.create_workspace(&control::Actor::OPERATOR, new).await.unwrap();
    let key = control::NewKey::named(made.default_project.id, "k");
    let created = control.create_key(&control::Actor::OPERATOR, made.workspace.id, key).await.unwrap();
    Caller::api_key(created.secret.expose())
}

/// Each host shows its own part and no other, in whatever case it is written; an unknown host shows nothing.
#[tokio::test]
async fn hosts_show_their_part() {
    let served = start("").await;
    let key = served.key().await;
    let anon = Caller::anon();
    for host in ["eu1.asr.voice.example", "EU1.ASR.Voice.Example", "eu1.asr.voice.example:8080"] {
        served.get(host, "/v2/jobs", &key).await.expect(200);
        served.get(host, "/v1/projects", &key).await.expect(404);
        served.get(host, "/", &anon).await.expect(404);
    }
    served.get("mp.voice.example", "/.well-known/jwks.json", &anon).await.expect(200);
    served.get("MP.voice.example", "/v1/projects", &anon).await.expect_refusal(401, "credential_missing");
    served.get("mp.voice.example", "/v2/jobs", &key).await.expect(404);
    served.get("portal.voice.example", "/", &anon).await.expect(200);
    served.get("eu.rt.voice.example", "/v2/jobs", &key).await.expect(404);
    for host in ["evil.example", "eu1.asr.voice.example.evil.example", "127.0.0.1"] {
        for path in ["/v2/jobs", "/v1/projects", "/", "/.well-known/jwks.json"] {
            served.get(host, path, &key).await.expect(404);
        }
    }
    served.end().await;
}

/// Behind a proxy that speaks TLS, every host tells browsers to stay with it, refusals too; without one, none does.
#[tokio::test]
async fn browsers_stay_with_the_tls_of_a_proxy() {
    for (setting, told) in [
        (
            "behind_tls_proxy = true\ntrusted_proxies = [\"127.0.0.0/8\"]",
            "max-age=31536000; includeSubDomains",
        ),
        ("behind_tls_proxy = false", ""),
    ] {
        let served = start(setting).await;
        let key = served.key().await;
        for (host, path, status) in [
            ("eu1.asr.voice.example", "/v2/jobs", 200),
            ("eu1.asr.voice.example", "/nothing", 404),
            ("eu.rt.voice.example", "/v2/jobs", 404),
            ("mp.voice.example", "/.well-known/jwks.json", 200),
            ("mp.voice.example", "/v1/projects", 401),
            ("portal.voice.example", "/", 200),
            ("evil.example", "/", 404),
        ] {
            let answer = served.get(host, path, &key).await.expect(status);
            assert_eq!(answer.header("strict-transport-security"), told, "{host}{path}");
        }
        served.end().await;
    }
}

/// A region without an engine answers 503 to those who may use it, and 401 to everybody else.
#[tokio::test]
async fn a_region_without_an_engine_is_down() {
    let served = start("").await;
    let control = served.instance.control();
    let new = control::NewWorkspace {
        name: "us".to_owned(),
        plan: domain::Plan::Pro,
        home_area: domain::Area::Usa,
    };
    let made = control.create_workspace(&control::Actor::OPERATOR, new).await.unwrap();
    let created = control
        .create_key(
            &control::Actor::OPERATOR,
            made.workspace.id,
            control::NewKey::named(made.default_project.id, "k"),
        )
        .await
        .unwrap();
    let key = Caller::api_key(created.secret.expose());
    served.get("us1.asr.voice.example", "/v2/jobs/0123456789/transcript", &Caller::anon()).await.expect(401);
    let api = Api::new(&format!("http://{}", served.address));
    let request = api.request(Method::POST, "/v2/jobs").header("host", "us1.asr.voice.example");
    let form = reqwest::multipart::Form::new().text("config", testkit::JOB_CONFIG);
    let request = request.multipart(form).header("authorization", key.header_values().remove(0));
    api.ask(request).await.expect_refusal(503, "engine_down");
    served.end().await;
}

/// The configured ranges and limits are the ones that hold.
#[tokio::test]
async fn settings_hold() {
    let served = start("ttl_seconds = { batch = { min = 10, max = 20 } }").await;
    let key = served.key().await;
    let api = Api::new(&format!("http://{}", served.address));
    for (ttl, status) in [(9, 422), (10, 201), (20, 201), (21, 422)] {
        let request = api.request(Method::POST, "/v1/api_keys").header("host", "mp.voice.example");
        let request =
            request.json(&json!({"ttl": ttl})).header("authorization", key.header_values().remove(0));
        api.ask(request).await.expect(status);
    }
    served.end().await;
}

/// A secret whose variable isn't set stops the start with its name; set, the instance starts with it and with no other.
#[tokio::test]
async fn a_master_key_comes_from_the_environment() {
    let folder = tempfile::tempdir().unwrap();
    let text = format!(
        "data_dir = \"{}\"\n[master_key]\nenv = \"KEY\"\n[[listener]]\naddress = \"127.0.0.1:0\"\n\
         [admin]\naddress = \"\"\n",
        folder.path().join("data").display()
    );
    let settings = voxgate::config::load(&text).unwrap().settings;
    let error = voxgate::serve::start(&settings, &|_| None).await.expect_err("there is no key").to_string();
    assert!(error.contains("KEY"), "{error}");
    let key = |digit: &str| digit.repeat(64);
    let with = |digit: &'static str| move |name: &str| (name == "KEY").then(|| key(digit));
    voxgate::serve::start(&settings, &with("a")).await.unwrap().shutdown().await;
    assert!(!folder.path().join("data/master.key").exists(), "the key stays in the environment");
    let error = voxgate::serve::start(&settings, &with("b")).await.expect_err("another key").to_string();
    assert!(error.contains("master key"), "{error}");
    voxgate::serve::start(&settings, &with("a")).await.unwrap().shutdown().await;
}
