//! TLS of the whole: from PEM files in the configuration to what clients see.

use std::net::SocketAddr;
use std::path::Path;

use futures_util::{SinkExt as _, StreamExt as _};
use rustls::pki_types::ServerName;
use serde_json::{Value, json};
use testkit::{Authority, Caller, within};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_util::sync::CancellationToken;
use voxgate::config::{Settings, load};
use voxgate::wire::Instance;

use crate::serve::{engine, free_address, key_of};

const HOSTS: [&str; 4] =
    ["mp.voice.example", "portal.voice.example", "eu1.asr.voice.example", "eu.rt.voice.example"];

/// An instance whose only listener speaks TLS, in front of an engine that speaks TLS too.
struct Secure {
    instance: Instance,
    address: SocketAddr,
    authority: Authority,
    stop: CancellationToken,
    _folder: tempfile::TempDir,
}

impl Secure {
    async fn start() -> Self {
        let (folder, stop, authority) =
            (tempfile::tempdir().unwrap(), CancellationToken::new(), Authority::new());
        let engine = engine(folder.path(), &stop).await;
        let address = free_address().await;
        authority.write(folder.path(), "tls", &HOSTS);
        let settings = settings(folder.path(), address, engine);
        let instance = voxgate::serve::start(&settings, &|_| None).await.unwrap();
        Self { instance, address, authority, stop, _folder: folder }
    }

    fn client(&self) -> reqwest::Client {
        let config = self.authority.client_config(&["h2", "http/1.1"]);
        let mut builder = reqwest::Client::builder().no_proxy().tls_backend_preconfigured((*config).clone());
        for host in HOSTS {
            builder = builder.resolve(host, self.address);
        }
        builder.build().unwrap()
    }

    async fn connect(&self, host: &'static str) -> TlsStream<TcpStream> {
        let stream = TcpStream::connect(self.address).await.unwrap();
        let connector = TlsConnector::from(self.authority.client_config(&["http/1.1"]));
        within("a handshake", connector.connect(ServerName::try_from(host).unwrap(), stream)).await.unwrap()
    }
}

fn settings(folder: &Path, address: SocketAddr, engine: SocketAddr) -> Settings {
    let folder = folder.display();
    let text = format!(
        "data_dir = \"{folder}/data\"\ndomain = \"voice.example\"\n[admin]\naddress = \"\"\n\
         [[listener]]\naddress = \"{address}\"\ntls_certificate_file = \"{folder}/tls.pem\"\n\
         tls_key_file = \"{folder}/tls.key\"\n\
         [regions.eu1]\nbatch_upstream = \"http://{engine}\"\nrealtime_upstream = \"ws://{engine}\"\n"
    );
    load(&text).unwrap_or_else(|problems| panic!("{problems:?}")).settings
}

/// Management, portal and Jobs API over TLS by host, each page telling browsers to stay with it; URLs that are told begin with https.
#[tokio::test]
async fn everything_is_served_over_tls() {
    let secure = Secure::start().await;
    let key = key_of(&secure.instance).await;
    let authorization = key.header_values().remove(0);
    let client = secure.client();
    let port = secure.address.port();
    for (host, path, expected) in [
        ("mp.voice.example", "/.well-known/jwks.json", 200),
        ("mp.voice.example", "/v1/projects", 401),
        ("portal.voice.example", "/", 200),
        ("eu1.asr.voice.example", "/v2/jobs", 200),
        ("eu1.asr.voice.example", "/nothing", 404),
    ] {
        let url = format!("https://{host}:{port}{path}");
        let response = client.get(url).header("authorization", &authorization).send().await.unwrap();
        assert_eq!(
            (response.status().as_u16(), response.version()),
            (expected, http::Version::HTTP_2),
            "{host}{path}"
        );
        assert_eq!(response.headers()["strict-transport-security"], "max-age=31536000; includeSubDomains");
        if host.starts_with("portal") {
            let page = response.text().await.unwrap();
            assert!(page.contains("href=\"/sign-in\""), "{page}");
        }
    }
    assert_eq!(secure.instance.certificates()[0].names, HOSTS);
    secure.instance.shutdown().await;
    secure.stop.cancel();
}

/// A realtime session over TLS, opened as browsers and libraries do, from its first message to its last.
#[tokio::test]
async fn a_session_over_tls() {
    let secure = Secure::start().await;
    let key: Caller = key_of(&secure.instance).await;
    let mut request = "wss://eu.rt.voice.example/v2".into_client_request().unwrap();
    request.headers_mut().insert("authorization", key.header_values().remove(0).parse().unwrap());
    let stream = secure.connect("eu.rt.voice.example").await;
    let (mut socket, response) =
        within("an upgrade", tokio_tungstenite::client_async(request, stream)).await.unwrap();
    assert_eq!(response.status().as_u16(), 101);
    let start = json!({"message": "StartRecognition", "audio_format": {"type": "raw", "encoding": "pcm_s16le", "sample_rate": 16000},
        "transcription_config": {"language": "en"}});
    socket.send(Message::text(start.to_string())).await.unwrap();
    let mut heard = Vec::new();
    let mut sent = false;
    while let Some(Ok(message)) = within("a message", socket.next()).await {
        let Ok(text) = message.to_text() else { continue };
        let Ok(value) = serde_json::from_str::<Value>(text) else { continue };
        let kind = value["message"].as_str().unwrap_or_default().to_owned();
        if kind == "RecognitionStarted" && !sent {
            sent = true;
            socket.send(Message::binary(testkit::speech_wav()[44..].to_vec())).await.unwrap();
            socket
                .send(Message::text(json!({"message": "EndOfStream", "last_seq_no": 1}).to_string()))
                .await
                .unwrap();
        }
        let is_last = kind == "EndOfTranscript";
        heard.push(kind);
        if is_last {
            break;
        }
    }
    assert!(
        heard.contains(&"RecognitionStarted".to_owned()) && heard.last().unwrap() == "EndOfTranscript",
        "{heard:?}"
    );
    secure.instance.shutdown().await;
    secure.stop.cancel();
}

/// A certificate that can't be used stops the start, and the message says which file and why.
#[tokio::test]
async fn a_wrong_certificate_stops_the_start() {
    let (folder, authority) = (tempfile::tempdir().unwrap(), Authority::new());
    let address = free_address().await;
    let start = async || {
        let settings = settings(folder.path(), address, address);
        match voxgate::serve::start(&settings, &|_| None).await {
            Ok(instance) => {
                instance.shutdown().await;
                String::new()
            }
            Err(error) => error.to_string(),
        }
    };
    assert!(start().await.contains("tls.pem can't be read"));
    authority.write(folder.path(), "tls", &HOSTS);
    std::fs::write(folder.path().join("tls.key"), authority.sign(&HOSTS).1).unwrap();
    let said = start().await;
    assert!(said.contains("tls.key doesn't fit the certificate in"), "{said}");
    std::fs::write(folder.path().join("tls.pem"), "").unwrap();
    assert!(start().await.contains("holds no certificate"));
    authority.write(folder.path(), "tls", &HOSTS);
    assert_eq!(start().await, "");
}
