//! TLS with clients and with engines: who is believed, what is agreed upon, and what a wrong certificate does.

use std::net::SocketAddr;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use domain::Region;
use gateway::guard::{ClientIo, ClientTimes};
use gateway::stream::Stream;
use gateway::{
    CertificateFiles, EngineTls, EngineTlsFiles, GatewayLimits, Listener, ServerTls, TlsError, Upstream,
};
use reqwest::{Client, Method};
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead as _, AsyncReadExt as _, AsyncWrite as _, AsyncWriteExt as _, ReadBuf};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio_rustls::client::TlsStream;
use tokio_rustls::{TlsAcceptor, TlsConnector};

use crate::authority::Authority;
use crate::engine::Engine;
use crate::streaming::{GROWTH_KIB_MAX, peak_kib, upload};
use crate::world::{Answer, Setup, World, soon};

fn files(folder: &Path, name: &str) -> CertificateFiles {
    CertificateFiles {
        certificate: folder.join(format!("{name}.pem")),
        key: folder.join(format!("{name}.key")),
    }
}

/// One more listener of a world, with TLS.
async fn listen(world: &World, tls: Arc<ServerTls>) -> SocketAddr {
    let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = socket.local_addr().unwrap();
    let mut listener = Listener::from(socket);
    listener.rules.tls = Some(tls);
    world.running().serve_at(listener);
    address
}

fn http_client(authority: &Authority, host: &str, address: SocketAddr) -> Client {
    let config = authority.client_config(&["h2", "http/1.1"]);
    let client = Client::builder().no_proxy().tls_backend_preconfigured((*config).clone());
    client.resolve(host, address).build().unwrap()
}

async fn connect(
    authority: &Authority,
    address: SocketAddr,
    name: &str,
    protocols: &[&str],
) -> std::io::Result<TlsStream<TcpStream>> {
    let stream = TcpStream::connect(address).await.unwrap();
    let name = ServerName::try_from(name.to_owned()).unwrap();
    soon(TlsConnector::from(authority.client_config(protocols)).connect(name, stream)).await
}

/// The serial number of the certificate that a server shows for a name: which certificate it is.
async fn certificate_for(authority: &Authority, address: SocketAddr, name: &str) -> Vec<u8> {
    let stream = connect(authority, address, name, &[]).await.unwrap();
    stream.get_ref().1.peer_certificates().unwrap()[0].to_vec()
}

/// The Jobs API over TLS, HTTP/2 and HTTP/1.1: answered, streamed in constant memory, and pages are told to stay with TLS.
#[tokio::test]
async fn the_jobs_api_over_tls() {
    let (world, folder, authority) = (World::new().await, tempfile::tempdir().unwrap(), Authority::new());
    authority.write(folder.path(), "a", &["eu1.example.org"]);
    let key = world.key().await;
    let address = listen(&world, ServerTls::load(vec![files(folder.path(), "a")]).unwrap()).await;
    let client = http_client(&authority, "eu1.example.org", address);
    let url = format!("https://eu1.example.org:{}/v2/jobs", address.port());
    let before = peak_kib();
    const BYTES: u64 = 64 << 20;
    let created = client.post(&url).bearer_auth(key.bearer()).body(upload(BYTES)).send().await.unwrap();
    assert_eq!((created.status().as_u16(), created.version()), (201, http::Version::HTTP_2));
    assert_eq!(world.engine.last().body_bytes, BYTES);
    let growth = peak_kib() - before;
    assert!(growth < GROWTH_KIB_MAX, "{growth} KiB");
    for (bearer, expected) in [(key.bearer(), 200), ("nonsense", 401)] {
        let answer = Answer::of(client.get(&url).bearer_auth(bearer)).await;
        assert_eq!(answer.status, expected);
        assert_eq!(answer.headers["strict-transport-security"], "max-age=31536000; includeSubDomains");
    }
    let mut one = connect(&authority, address, "eu1.example.org", &["http/1.1"]).await.unwrap();
    let request = format!(
        "GET /v2/jobs HTTP/1.1\r\nhost: a\r\nconnection: close\r\nauthorization: Bearer {}\r\n\r\n",
        key.bearer()
    );
    one.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    soon(one.read_to_string(&mut answer)).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    let plain = world.get("/v2/jobs", key.bearer()).await;
    assert!(!plain.headers.contains_key("strict-transport-security"), "nobody speaks TLS here");
}

/// Where the operator says that a proxy in front speaks TLS, every answer tells browsers to stay with it, what is passed on, refused
/// and malformed too; what a client says of its connection decides nothing, here or where nobody speaks TLS.
#[tokio::test]
async fn pages_stay_with_the_tls_of_a_proxy() {
    let world = World::new().await;
    let key = world.key().await;
    for behind_tls_proxy in [true, false] {
        let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = socket.local_addr().unwrap();
        let mut listener = Listener::from(socket);
        listener.rules.behind_tls_proxy = behind_tls_proxy;
        world.running().serve_at(listener);
        for (path, bearer, status) in [
            ("/v2/jobs", key.bearer(), 200),
            ("/v2/jobs", "nonsense", 401),
            ("/v2//jobs", "", 400),
            ("/of-the-portal", "", 200),
        ] {
            for claim in ["http", "https"] {
                let request = world.client.get(format!("http://{address}{path}")).bearer_auth(bearer);
                let answer = Answer::of(request.header("x-forwarded-proto", claim)).await;
                assert_eq!(answer.status, status, "{path}");
                let told: Vec<_> = answer.headers.get_all("strict-transport-security").iter().collect();
                let expected: &[&str] =
                    if behind_tls_proxy { &["max-age=31536000; includeSubDomains"] } else { &[] };
                assert_eq!(told, expected, "{path}");
            }
        }
    }
}

/// A client gets the protocol that it asks for, is held to it, and finds no plain HTTP where TLS is spoken.
#[tokio::test]
async fn protocols_are_agreed_upon() {
    let (world, folder, authority) = (World::new().await, tempfile::tempdir().unwrap(), Authority::new());
    authority.write(folder.path(), "a", &["a.example"]);
    let address = listen(&world, ServerTls::load(vec![files(folder.path(), "a")]).unwrap()).await;
    for (offered, expected) in [
        (&["h2", "http/1.1"][..], Some("h2")),
        (&["http/1.1", "h2"], Some("h2")),
        (&["http/1.1"], Some("http/1.1")),
        (&[], None),
    ] {
        let stream = connect(&authority, address, "a.example", offered).await.unwrap();
        let agreed = stream.get_ref().1.alpn_protocol().map(|name| std::str::from_utf8(name).unwrap());
        assert_eq!(agreed, expected, "{offered:?}");
    }
    assert!(connect(&authority, address, "a.example", &["spdy/3"]).await.is_err());
    const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
    for (protocol, said, expected) in
        [("http/1.1", PREFACE, "HTTP/1.1 400"), ("h2", b"GET / HTTP/1.1\r\nhost: a\r\n\r\n".as_slice(), "")]
    {
        let mut stream = connect(&authority, address, "a.example", &[protocol]).await.unwrap();
        stream.write_all(said).await.unwrap();
        let mut answer = Vec::new();
        drop(soon(stream.read_to_end(&mut answer)).await);
        let answer = String::from_utf8_lossy(&answer).into_owned();
        assert!(answer.starts_with(expected) && !answer.contains("200 OK"), "{protocol}: {answer}");
    }
    let mut plain = TcpStream::connect(address).await.unwrap();
    plain.write_all(b"GET /who HTTP/1.1\r\nhost: a\r\n\r\n").await.unwrap();
    let mut answer = Vec::new();
    drop(soon(plain.read_to_end(&mut answer)).await);
    assert!(!answer.starts_with(b"HTTP"), "no HTTP without TLS");
}

/// TLS 1.3 and 1.2 are spoken; a session is resumed by its ticket.
#[tokio::test]
async fn versions_and_tickets() {
    let (world, folder, authority) = (World::new().await, tempfile::tempdir().unwrap(), Authority::new());
    authority.write(folder.path(), "a", &["a.example"]);
    let address = listen(&world, ServerTls::load(vec![files(folder.path(), "a")]).unwrap()).await;
    for version in [&rustls::version::TLS13, &rustls::version::TLS12] {
        let mut roots = rustls::RootCertStore::empty();
        let pem = authority.pem();
        use rustls::pki_types::pem::PemObject as _;
        roots.add(rustls::pki_types::CertificateDer::from_pem_slice(pem.as_bytes()).unwrap()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = rustls::ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[version])
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let connector = TlsConnector::from(Arc::new(config));
        let mut kinds = Vec::new();
        for _ in 0..2 {
            let stream = TcpStream::connect(address).await.unwrap();
            let name = ServerName::try_from("a.example").unwrap();
            let mut stream = soon(connector.connect(name, stream)).await.unwrap();
            assert_eq!(stream.get_ref().1.protocol_version(), Some(version.version));
            kinds.push(stream.get_ref().1.handshake_kind().unwrap());
            stream.write_all(b"GET /who HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n").await.unwrap();
            let mut answer = String::new();
            soon(stream.read_to_string(&mut answer)).await.unwrap();
            assert!(answer.contains(" true host"), "{answer}");
        }
        assert_eq!(kinds[1], rustls::HandshakeKind::Resumed, "{version:?}");
    }
}

/// Clients get the certificate that stands for the name that they ask for, wildcards too, and the first one otherwise.
#[tokio::test]
async fn certificates_are_told_apart_by_name() {
    let (world, folder, authority) = (World::new().await, tempfile::tempdir().unwrap(), Authority::new());
    authority.write(folder.path(), "first", &["a.example", "127.0.0.1", "other.example"]);
    authority.write(folder.path(), "second", &["b.example"]);
    authority.write(folder.path(), "wild", &["*.wild.example"]);
    let pairs = ["first", "second", "wild"].map(|name| files(folder.path(), name)).to_vec();
    let tls = ServerTls::load(pairs).unwrap();
    let names: Vec<Vec<String>> = tls.certificates().into_iter().map(|info| info.names).collect();
    assert_eq!(
        names,
        [vec!["a.example", "127.0.0.1", "other.example"], vec!["b.example"], vec!["*.wild.example"]]
    );
    let address = listen(&world, tls).await;
    let first = certificate_for(&authority, address, "a.example").await;
    assert_eq!(certificate_for(&authority, address, "127.0.0.1").await, first, "no name at all");
    assert_ne!(certificate_for(&authority, address, "b.example").await, first);
    assert_ne!(certificate_for(&authority, address, "x.wild.example").await, first);
    assert!(connect(&authority, address, "wild.example", &[]).await.is_err());
    assert!(connect(&authority, address, "c.example", &[]).await.is_err());
    assert!(connect(&Authority::new(), address, "a.example", &[]).await.is_err(), "another authority");
}

/// New certificates are used from the next handshake on, while connections that are open go on; broken ones change nothing.
#[tokio::test]
async fn certificates_are_replaced_while_they_are_used() {
    let (world, folder, authority) = (World::new().await, tempfile::tempdir().unwrap(), Authority::new());
    authority.write(folder.path(), "a", &["a.example"]);
    let tls = ServerTls::load(vec![files(folder.path(), "a")]).unwrap();
    let address = listen(&world, tls.clone()).await;
    let mut open = connect(&authority, address, "a.example", &["http/1.1"]).await.unwrap();
    let old = certificate_for(&authority, address, "a.example").await;
    let (certificate, key) = authority.sign(&["a.example"]);
    let other_key = authority.sign(&["a.example"]).1;
    let CertificateFiles { certificate: certificate_file, key: key_file } = files(folder.path(), "a");
    for (certificate, key) in [
        (certificate.as_str(), other_key.as_str()),
        (&certificate, ""),
        ("", &key),
        (&certificate[..certificate.len() / 2], &key),
        (&key, &certificate),
    ] {
        std::fs::write(&certificate_file, certificate).unwrap();
        std::fs::write(&key_file, key).unwrap();
        assert!(tls.reload().is_err());
        assert_eq!(certificate_for(&authority, address, "a.example").await, old, "the old one goes on");
    }
    std::fs::remove_file(&key_file).unwrap();
    assert!(matches!(tls.reload(), Err(TlsError::File { .. })));
    std::fs::write(&certificate_file, &certificate).unwrap();
    std::fs::write(&key_file, &key).unwrap();
    tls.reload().unwrap();
    assert_ne!(certificate_for(&authority, address, "a.example").await, old, "the new one is used");
    open.write_all(b"GET /who HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n").await.unwrap();
    let mut answer = String::new();
    soon(open.read_to_string(&mut answer)).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

/// Files that change are noticed without anybody's asking.
#[tokio::test]
async fn changed_files_are_noticed() {
    let (folder, authority) = (tempfile::tempdir().unwrap(), Authority::new());
    authority.write(folder.path(), "a", &["old.example"]);
    let tls = ServerTls::load(vec![files(folder.path(), "a")]).unwrap();
    let shutdown = tokio_util::sync::CancellationToken::new();
    let watching = tokio::spawn(tls.clone().watch(shutdown.clone()));
    assert_eq!(tls.certificates()[0].names, ["old.example"]);
    authority.write(folder.path(), "a", &["new.example"]);
    soon(async {
        while tls.certificates()[0].names != ["new.example"] {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    })
    .await;
    shutdown.cancel();
    watching.await.unwrap();
}

/// A client that doesn't finish its handshake in time is hung up, and keeps nobody out meanwhile: not even one place for
/// handshakes is taken by who says nothing.
#[tokio::test]
async fn handshakes_have_limits() {
    let limits = GatewayLimits {
        handshake_seconds_max: 1,
        handshakes_max: 1,
        drain_seconds_max: 1,
        ..GatewayLimits::default()
    };
    let world = World::with(Setup { gateway_limits: limits, ..Setup::default() }).await;
    let (folder, authority) = (tempfile::tempdir().unwrap(), Authority::new());
    authority.write(folder.path(), "a", &["a.example"]);
    let address = listen(&world, ServerTls::load(vec![files(folder.path(), "a")]).unwrap()).await;
    let mut silent = TcpStream::connect(address).await.unwrap();
    connect(&authority, address, "a.example", &[]).await.expect("who says nothing takes no place");
    let mut slow = TcpStream::connect(address).await.unwrap();
    slow.write_all(b"\x16\x03\x01").await.unwrap();
    for stream in [&mut silent, &mut slow] {
        assert_eq!(soon(stream.read(&mut [0; 8])).await.unwrap_or_default(), 0, "it is hung up");
    }
    connect(&authority, address, "a.example", &[]).await.expect("the place is free again");
}

/// What a client doesn't take and TLS still holds is waited for so long and no longer, when it is flushed and when the connection is
/// to end; a client that takes it gets all.
#[tokio::test]
async fn what_tls_holds_is_not_waited_for_without_end() {
    const BYTES: usize = 4 << 20;
    let authority = Authority::new();
    let acceptor = TlsAcceptor::from(Arc::new(server_config(&authority, &["a.example"], None)));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let open = async |stall_seconds_max| {
        let accepting = async { acceptor.accept(listener.accept().await.unwrap().0).await.unwrap() };
        let connecting = connect(&authority, listener.local_addr().unwrap(), "a.example", &[]);
        let (server, client) = tokio::join!(accepting, connecting);
        let times = ClientTimes::from(&GatewayLimits { stall_seconds_max, ..GatewayLimits::default() });
        (ClientIo::new(Stream::Tls(Box::new(server.into())), times), client.unwrap())
    };
    let (mut io, mut client) = open(20).await;
    let reading = tokio::spawn(async move {
        let mut all = Vec::new();
        client.read_to_end(&mut all).await.map(|_| all.len())
    });
    soon(io.write_all(&vec![7; BYTES])).await.unwrap();
    soon(io.flush()).await.unwrap();
    soon(io.shutdown()).await.unwrap();
    assert_eq!(soon(reading).await.unwrap().unwrap(), BYTES);

    let (mut io, _client) = open(1).await;
    // Flushed each time, so that never more waits than TLS takes in.
    let error = loop {
        soon(io.write_all(&[7; 8192])).await.unwrap();
        if let Err(error) = soon(io.flush()).await {
            break error;
        }
    };
    assert_eq!(error.kind(), std::io::ErrorKind::TimedOut);
    assert_eq!(soon(io.shutdown()).await.unwrap_err().kind(), std::io::ErrorKind::TimedOut);
}

/// A client that takes what TLS holds slowly, but takes it, isn't cut: its time begins anew whenever some of it goes. One that stops
/// is.
#[tokio::test]
async fn what_tls_holds_may_be_taken_slowly() {
    const STALL_SECONDS_MAX: u64 = 30;
    const SMALL_BYTES: u32 = 4096;
    // More than is on the way, and less than half of what TLS holds.
    const ROUND_BYTES: usize = 24 * 1024;
    let authority = Authority::new();
    let acceptor = TlsAcceptor::from(Arc::new(server_config(&authority, &["a.example"], None)));
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_send_buffer_size(SMALL_BYTES).unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = socket.listen(1).unwrap();
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(SMALL_BYTES).unwrap();
    let stream = soon(socket.connect(listener.local_addr().unwrap())).await.unwrap();
    let connector = TlsConnector::from(authority.client_config(&[]));
    let (server, client) = tokio::join!(
        async { acceptor.accept(listener.accept().await.unwrap().0).await.unwrap() },
        connector.connect(ServerName::try_from("a.example").unwrap(), stream),
    );
    let limits = GatewayLimits { stall_seconds_max: STALL_SECONDS_MAX, ..GatewayLimits::default() };
    let stream = Stream::Tls(Box::new(server.into()));
    let (mut io, mut client) = (ClientIo::new(stream, ClientTimes::from(&limits)), client.unwrap());
    // From now on only this test turns the clock.
    tokio::time::pause();
    let mut nobody = Context::from_waker(Waker::noop());
    let mut full = 0;
    while full < 100 {
        let written = Pin::new(&mut io).poll_write(&mut nobody, &[7; 8192]);
        full = if written.is_pending() { full + 1 } else { 0 };
        tokio::task::yield_now().await;
    }
    for _ in 0..2 {
        tokio::time::advance(Duration::from_secs(STALL_SECONDS_MAX * 2 / 3)).await;
        let mut received = 0;
        while received < ROUND_BYTES {
            assert!(Pin::new(&mut io).poll_flush(&mut nobody).is_pending(), "it waits on");
            let mut bytes = [0; 1024];
            let mut bytes = ReadBuf::new(&mut bytes);
            if let Poll::Ready(read) = Pin::new(&mut client).poll_read(&mut nobody, &mut bytes) {
                read.unwrap();
                received += bytes.filled().len();
            }
            tokio::task::yield_now().await;
        }
    }
    tokio::time::advance(Duration::from_secs(STALL_SECONDS_MAX + 1)).await;
    let Poll::Ready(Err(error)) = Pin::new(&mut io).poll_flush(&mut nobody) else { panic!("it waits on") };
    assert_eq!(error.kind(), std::io::ErrorKind::TimedOut);
}

/// An engine over TLS: a front that decrypts, before the engine that records.
struct SecureEngine {
    address: SocketAddr,
    engine: Engine,
}

impl SecureEngine {
    async fn listen(config: rustls::ServerConfig) -> Self {
        let (engine, listener) = (Engine::listen().await, TcpListener::bind("127.0.0.1:0").await.unwrap());
        let address = listener.local_addr().unwrap();
        let (acceptor, behind) = (TlsAcceptor::from(Arc::new(config)), engine.address);
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let acceptor = acceptor.clone();
                tokio::spawn(async move {
                    let Ok(mut front) = acceptor.accept(stream).await else { return };
                    let mut back = TcpStream::connect(behind).await.unwrap();
                    drop(tokio::io::copy_bidirectional(&mut front, &mut back).await);
                });
            }
        });
        Self { address, engine }
    }
}

fn server_config(authority: &Authority, names: &[&str], clients: Option<&Authority>) -> rustls::ServerConfig {
    use rustls::pki_types::pem::PemObject as _;
    let (certificate, key) = authority.sign(names);
    let certificate = rustls::pki_types::CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap();
    let key = rustls::pki_types::PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = rustls::ServerConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .unwrap();
    let builder = match clients {
        None => builder.with_no_client_auth(),
        Some(authority) => {
            let mut roots = rustls::RootCertStore::empty();
            let pem = authority.pem();
            roots.add(rustls::pki_types::CertificateDer::from_pem_slice(pem.as_bytes()).unwrap()).unwrap();
            let verifier =
                rustls::server::WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
            builder.with_client_cert_verifier(verifier.build().unwrap())
        }
    };
    builder.with_single_cert(vec![certificate], key).unwrap()
}

/// A world whose engine is at `https://HOST:PORT`, verified by the authorities in a file.
async fn world_with(engine: &SecureEngine, host: &str, tls: &EngineTlsFiles) -> World {
    let url = format!("https://{host}:{}/v2", engine.address.port());
    let upstream = Upstream::parse(&url).unwrap().verified_by(&EngineTls::load(tls).unwrap());
    World::with(Setup { upstream: Some(upstream), ..Setup::default() }).await
}

fn trust(folder: &Path, authority: &Authority) -> EngineTlsFiles {
    std::fs::write(folder.join("ca.pem"), authority.pem()).unwrap();
    EngineTlsFiles { authorities: Some(folder.join("ca.pem")), client: None }
}

/// An engine whose certificate is good is used over TLS, connections kept and bodies streamed; one whose certificate is for
/// another host, or by another authority, is as good as down, and hears nothing.
#[tokio::test]
async fn engines_are_verified() {
    let (folder, authority) = (tempfile::tempdir().unwrap(), Authority::new());
    let engine = SecureEngine::listen(server_config(&authority, &["localhost"], None)).await;
    let world = world_with(&engine, "localhost", &trust(folder.path(), &authority)).await;
    let key = world.key().await;
    let job = world.create(key.bearer()).await;
    for _ in 0..10 {
        assert_eq!(world.get(&format!("/v2/jobs/{job}"), key.bearer()).await.status, 200);
    }
    let big = world.request(Method::POST, "/v2/jobs", key.bearer()).body(upload(16 << 20));
    assert_eq!(Answer::of(big).await.status, 201);
    assert_eq!(engine.engine.last().body_bytes, 16 << 20);
    let heard = engine.engine.recorded().len();
    for (host, authority) in [("127.0.0.1", &authority), ("localhost", &Authority::new())] {
        let world = world_with(&engine, host, &trust(folder.path(), authority)).await;
        let key = world.key().await;
        let answer =
            Answer::of(world.request_at(Region::Eu1, Method::POST, "/v2/jobs", key.bearer()).body("x")).await;
        assert_eq!((answer.status.as_u16(), answer.reason().as_str()), (503, "engine_down"), "{host}");
        assert!(!answer.text().to_lowercase().contains("certificate"), "why is the operator's matter");
    }
    assert_eq!(engine.engine.recorded().len(), heard, "nothing was said to it");
}

/// An engine that wants to know its client gets the gateway's certificate; without one it is down.
#[tokio::test]
async fn engines_may_verify_the_gateway() {
    let (folder, authority, ours) = (tempfile::tempdir().unwrap(), Authority::new(), Authority::new());
    let engine = SecureEngine::listen(server_config(&authority, &["localhost"], Some(&ours))).await;
    ours.write(folder.path(), "gateway", &["gateway.example"]);
    let without = trust(folder.path(), &authority);
    let with = EngineTlsFiles { client: Some(files(folder.path(), "gateway")), ..without.clone() };
    for (tls, expected) in [(with, 201), (without, 503)] {
        let world = world_with(&engine, "localhost", &tls).await;
        let key = world.key().await;
        let answer = Answer::of(world.request(Method::POST, "/v2/jobs", key.bearer()).body("x")).await;
        assert_eq!(answer.status.as_u16(), expected);
    }
}

/// A plain engine behind an `https://` URL, and one that hangs up, are down; nothing is ever said to them in the open.
#[tokio::test]
async fn there_is_no_way_back_to_plain() {
    let (folder, authority) = (tempfile::tempdir().unwrap(), Authority::new());
    let tls = trust(folder.path(), &authority);
    let plain = Engine::listen().await;
    let url = format!("https://localhost:{}", plain.address.port());
    let upstream = Upstream::parse(&url).unwrap().verified_by(&EngineTls::load(&tls).unwrap());
    for upstream in [upstream, Upstream::parse(&url).unwrap()] {
        let world = World::with(Setup { upstream: Some(upstream), ..Setup::default() }).await;
        let key = world.key().await;
        let answer = Answer::of(world.request(Method::POST, "/v2/jobs", key.bearer()).body("x")).await;
        assert_eq!((answer.status.as_u16(), answer.reason().as_str()), (503, "engine_down"));
    }
    assert!(plain.recorded().is_empty());
}
