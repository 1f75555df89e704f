//! WebSockets over TLS, with clients and with engines: nothing is held back, nothing piles up, and every refusal and every end is
//! heard as it is without TLS.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use domain::Region;
use futures_util::SinkExt as _;
use gateway::{
    Body, CertificateFiles, ClientHeader, EngineTls, EngineTlsFiles, Listener, ServerTls, Site,
    TrustedProxies, Upstream,
};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::{TlsAcceptor, TlsConnector};
use tokio_tungstenite::tungstenite::{Error, Message};

use crate::authority::Authority;
use crate::world::{Session, World, closed, connect, error_then_close, next, soon};

/// Who engines say they are.
const ENGINE_NAME: &str = "localhost";
const GATEWAY_NAME: &str = "eu.rt.example.org";

/// Accepts TLS and speaks plainly with `to`: an engine that has TLS.
async fn decrypting(to: SocketAddr, authority: &Authority) -> SocketAddr {
    let (certificate, key) = authority.sign(&[ENGINE_NAME]);
    let certificate = CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap();
    let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder =
        rustls::ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let config = builder.with_no_client_auth().with_single_cert(vec![certificate], key).unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let Ok(mut front) = acceptor.accept(stream).await else { return };
                let mut back = TcpStream::connect(to).await.unwrap();
                drop(copy_bidirectional(&mut front, &mut back).await);
            });
        }
    });
    address
}

/// Accepts plainly and speaks TLS with `to`: clients that have TLS.
async fn encrypting(to: SocketAddr, authority: &Authority) -> SocketAddr {
    let connector = TlsConnector::from(authority.client_config(&["http/1.1"]));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut front, _)) = listener.accept().await {
            let connector = connector.clone();
            tokio::spawn(async move {
                let stream = TcpStream::connect(to).await.unwrap();
                let name = ServerName::try_from(GATEWAY_NAME).unwrap();
                let mut back = connector.connect(name, stream).await.unwrap();
                drop(copy_bidirectional(&mut front, &mut back).await);
            });
        }
    });
    address
}

fn engine_tls(folder: &Path, authority: &Authority) -> EngineTls {
    std::fs::write(folder.join("ca.pem"), authority.pem()).unwrap();
    EngineTls::load(&EngineTlsFiles { authorities: Some(folder.join("ca.pem")), client: None }).unwrap()
}

/// A world with TLS on both sides, and where plain clients may connect to it.
struct Secure {
    world: World,
    clients: SocketAddr,
    _folder: tempfile::TempDir,
}

impl Secure {
    /// `believed` is the authority that engines are verified by; they are signed by another one where it says so.
    async fn start(is_engine_good: bool) -> Self {
        let (folder, authority) = (tempfile::tempdir().unwrap(), Authority::new());
        let engines = if is_engine_good { &authority } else { &Authority::new() };
        let world = World::with_upstream(async |engine| {
            let front = decrypting(engine, engines).await;
            let upstream = Upstream::parse(&format!("wss://{ENGINE_NAME}:{}/v2", front.port())).unwrap();
            upstream.verified_by(&engine_tls(folder.path(), &authority))
        })
        .await;
        authority.write(folder.path(), "gateway", &[GATEWAY_NAME]);
        let files = CertificateFiles {
            certificate: folder.path().join("gateway.pem"),
            key: folder.path().join("gateway.key"),
        };
        let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = socket.local_addr().unwrap();
        let mut listener = Listener::from(socket);
        listener.rules.tls = Some(ServerTls::load(vec![files]).unwrap());
        let other: gateway::Other = Arc::new(|_, _| Box::pin(async { http::Response::new(Body::empty()) }));
        let (site, shutdown) = (Site::Region(Region::Eu1), world.shutdown.clone());
        tokio::spawn(world.gateway.clone().serve(listener, site, other, shutdown));
        let clients = encrypting(address, &authority).await;
        Self { world, clients, _folder: folder }
    }

    async fn open(&self, credential: &str) -> Session {
        let authorization = format!("Bearer {credential}");
        self.world.open_at(&format!("ws://{}/v2", self.clients), &[("authorization", &authorization)]).await
    }
}

/// Messages of any length pass both ways as soon as they are sent: a short one is never kept until the next one pushes it on.
#[tokio::test]
async fn messages_pass_at_once() {
    let secure = Secure::start(true).await;
    let mut session = secure.open(secure.world.api_key().await.secret.expose()).await;
    for bytes in [0, 1, 125, 126, 4096, 16_384, 16_385, 65_535, 65_536, 1 << 20] {
        let message = Message::binary(vec![7; bytes]);
        for down in [true, false] {
            let (from, to) = match down {
                true => (&mut session.engine, &mut session.client),
                false => (&mut session.client, &mut session.engine),
            };
            let (sent, received) = tokio::join!(from.send(message.clone()), next(to));
            sent.unwrap();
            assert_eq!(received, message);
        }
        session.passes().await;
    }
    session.client.close(None).await.unwrap();
    assert!(matches!(next(&mut session.engine).await, Message::Close(_)));
}

/// A side that doesn't read slows the other one down, and nothing is lost or stuck when it reads again.
#[tokio::test]
async fn a_slow_reader_slows_its_sender_down() {
    const MESSAGE_BYTES: usize = 64 * 1024;
    const MESSAGES: u64 = 2048;
    let secure = Secure::start(true).await;
    let mut session = secure.open(secure.world.api_key().await.secret.expose()).await;
    for down in [true, false] {
        let (mut from, mut to) =
            if down { (session.engine, session.client) } else { (session.client, session.engine) };
        let sent = Arc::new(AtomicU64::new(0));
        let counter = sent.clone();
        let sender = tokio::spawn(async move {
            for index in 0..MESSAGES {
                let mut message = vec![0; MESSAGE_BYTES];
                message[..8].copy_from_slice(&index.to_be_bytes());
                from.send(Message::binary(message)).await.unwrap();
                counter.fetch_add(1, Ordering::SeqCst);
            }
            from
        });
        // Sockets take what they take; then nothing moves. If it only pauses here, the assertion holds all the more.
        let mut before = u64::MAX;
        while before != sent.load(Ordering::SeqCst) {
            before = sent.load(Ordering::SeqCst);
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
        assert!(before < MESSAGES / 2, "{before} of {MESSAGES} messages went into buffers");
        for index in 0..MESSAGES {
            let message = next(&mut to).await.into_data();
            assert_eq!((message.len(), &message[..8]), (MESSAGE_BYTES, &index.to_be_bytes()[..]));
        }
        let from = soon(sender).await.unwrap();
        (session.engine, session.client) = if down { (from, to) } else { (to, from) };
    }
}

/// A revoked key's session ends over TLS as it does without, and the client hears why.
#[tokio::test]
async fn revocation_is_heard() {
    let secure = Secure::start(true).await;
    let key = secure.world.api_key().await;
    let mut session = secure.open(key.secret.expose()).await;
    session.passes().await;
    secure.world.revoke(&key).await;
    let (kind, _, code) = error_then_close(&mut session.client).await;
    assert_eq!((kind.as_str(), code), ("not_authorised", 4001));
}

/// An engine that isn't who it should be is as good as down: by HTTP 503, in-band by 1011, and it is told nothing.
#[tokio::test]
async fn an_engine_of_another_authority_is_down() {
    let secure = Secure::start(false).await;
    let key = secure.world.api_key().await;
    let authorization = format!("Bearer {}", key.secret.expose());
    let url = format!("ws://{}/v2", secure.clients);
    let refused = connect(&url, &[("authorization", &authorization)]).await.expect_err("there is no engine");
    let Error::Http(response) = refused else { panic!("an answer by HTTP: {refused}") };
    assert_eq!(response.status().as_u16(), 503);
    let body = String::from_utf8(response.body().clone().unwrap()).unwrap();
    assert!(body.contains("engine_down") && !body.to_lowercase().contains("certificate"), "{body}");
    let token = secure.world.sign(&secure.world.claims(&key));
    let (mut client, _) = connect(&format!("{url}?jwt={token}"), &[]).await.expect("told in-band");
    client.send(Message::text(crate::world::START)).await.unwrap();
    let (_, _, code) = error_then_close(&mut client).await;
    assert_eq!(code, 1011);
    assert!(!secure.world.engine.was_asked().await);
}

/// The end of the gateway is heard over TLS.
#[tokio::test]
async fn the_end_is_heard() {
    let secure = Secure::start(true).await;
    let mut session = secure.open(secure.world.api_key().await.secret.expose()).await;
    session.passes().await;
    let gateway = secure.world.gateway.clone();
    let stopping = tokio::spawn(async move { gateway.stop().await });
    let error = crate::world::next_json(&mut session.client).await;
    assert_eq!(error["message"], "Error");
    assert_eq!(closed(&mut session.client).await.0, 1001);
    soon(stopping).await.unwrap();
}

/// A session is listed with the client that a trusted proxy tells, not with the proxy.
#[tokio::test]
async fn a_session_tells_the_client_of_a_trusted_proxy() {
    use tokio::io::AsyncWriteExt as _;
    use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
    let world = World::new().await;
    let key = world.api_key().await;
    let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = socket.local_addr().unwrap();
    let mut listener = Listener::from(socket);
    listener.rules.proxy_protocol = true;
    listener.rules.trusted_proxies =
        TrustedProxies::new(&["127.0.0.0/8".parse().unwrap()], ClientHeader::default());
    let other: gateway::Other = Arc::new(|_, _| Box::pin(async { http::Response::new(Body::empty()) }));
    let (site, shutdown) = (Site::Region(Region::Eu1), world.shutdown.clone());
    tokio::spawn(world.gateway.clone().serve(listener, site, other, shutdown));
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(b"PROXY TCP6 ::ffff:198.51.100.7 ::1 52000 443\r\n").await.unwrap();
    let mut request = format!("ws://{address}/v2").into_client_request().unwrap();
    let authorization = format!("Bearer {}", key.secret.expose());
    request.headers_mut().insert("authorization", authorization.parse().unwrap());
    let opening = tokio_tungstenite::client_async(request, stream);
    let (client, _engine) = tokio::join!(soon(opening), world.engine.accept());
    let _client = client.unwrap();
    let sessions = world.sessions().await;
    assert_eq!(sessions[0].peer.to_string(), "198.51.100.7");
}
