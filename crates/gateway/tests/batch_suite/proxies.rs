//! Who speaks: trusted proxies are believed, nobody else is; and how many connections one address may have.

use std::net::SocketAddr;

use domain::Networks;
use gateway::{ClientHeader, GatewayLimits, Listener, TrustedProxies};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};

use crate::world::{Key, Setup, World, soon};

const V2_PREFIX: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";

/// This machine is trusted, or a network that nobody here is in.
fn proxies(is_trusted: bool, header: ClientHeader) -> TrustedProxies {
    let network = if is_trusted { "127.0.0.0/8" } else { "192.0.2.0/24" };
    TrustedProxies::new(&[network.parse().unwrap()], header)
}

/// One more listener of a world; where it listens.
async fn listen(world: &World, edit: impl FnOnce(&mut Listener)) -> SocketAddr {
    let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = socket.local_addr().unwrap();
    let mut listener = Listener::from(socket);
    edit(&mut listener);
    world.running().serve_at(listener);
    address
}

pub async fn trusting(world: &World, is_trusted: bool) -> SocketAddr {
    listen(world, |listener| {
        listener.rules.trusted_proxies = proxies(is_trusted, ClientHeader::XForwardedFor)
    })
    .await
}

async fn speaking_proxy_protocol(world: &World, is_trusted: bool) -> SocketAddr {
    listen(world, |listener| {
        listener.rules.trusted_proxies = proxies(is_trusted, ClientHeader::XForwardedFor);
        listener.rules.proxy_protocol = true;
    })
    .await
}

/// Sends bytes and reads until the other end hangs up.
async fn talk(address: SocketAddr, parts: &[&[u8]]) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    for part in parts {
        drop(stream.write_all(part).await);
    }
    let mut answer = Vec::new();
    drop(soon(stream.read_to_end(&mut answer)).await);
    String::from_utf8(answer).unwrap()
}

fn get(path: &str, more: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n{more}\r\n")
}

/// Who the gateway thinks it is that asks.
async fn who(address: SocketAddr, before: &[u8], more: &str) -> String {
    let answer = talk(address, &[before, get("/who", more).as_bytes()]).await;
    answer.rsplit("\r\n\r\n").next().unwrap().to_owned()
}

/// A key that may be used from one network alone.
async fn key_of(world: &World, network: &str) -> Key {
    let networks = Networks(vec![network.parse().unwrap()]);
    world.key_with(|record| record.networks = networks).await
}

async fn status_of(address: SocketAddr, key: &Key, before: &[u8], more: &str) -> u16 {
    let authorization = format!("authorization: Bearer {}\r\n{more}", key.bearer());
    let answer = talk(address, &[before, get("/v2/jobs", &authorization).as_bytes()]).await;
    answer.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or_default()
}

fn v2(version_command: u8, family: u8, rest: &[u8]) -> Vec<u8> {
    let mut header = [V2_PREFIX, &[version_command, family]].concat();
    header.extend(u16::try_from(rest.len()).unwrap().to_be_bytes());
    header.extend(rest);
    header
}

/// A key's networks are about the client that a trusted proxy tells, and about nobody's own claims.
#[tokio::test]
async fn networks_count_the_client_of_a_trusted_proxy() {
    let world = World::new().await;
    let key = key_of(&world, "198.51.100.0/24").await;
    let (trusted, untrusted) = (trusting(&world, true).await, trusting(&world, false).await);
    for (more, by_proxy) in [
        ("x-forwarded-for: 198.51.100.7\r\n", 200),
        ("x-forwarded-for: 203.0.113.9, 198.51.100.7\r\n", 200),
        ("x-forwarded-for: 198.51.100.7, 203.0.113.9\r\n", 403),
        ("x-forwarded-for: 198.51.100.7\r\nx-forwarded-for: 203.0.113.9\r\n", 403),
        ("x-forwarded-for: 198.51.100.7, unknown\r\n", 403),
        ("x_forwarded_for: 198.51.100.7\r\n", 403),
        ("forwarded: for=198.51.100.7\r\n", 403),
        ("x-real-ip: 198.51.100.7\r\n", 403),
        ("x-client-ip: 198.51.100.7\r\n", 403),
        ("true-client-ip: 198.51.100.7\r\n", 403),
        ("cf-connecting-ip: 198.51.100.7\r\n", 403),
        ("", 403),
    ] {
        assert_eq!(status_of(trusted, &key, b"", more).await, by_proxy, "{more}");
        assert_eq!(status_of(untrusted, &key, b"", more).await, 403, "{more} of anybody");
    }
    let loopback = key_of(&world, "127.0.0.1/32").await;
    assert_eq!(status_of(untrusted, &loopback, b"", "x-forwarded-for: 198.51.100.7\r\n").await, 200);
    assert_eq!(status_of(trusted, &loopback, b"", "x-forwarded-for: 127.0.0.1, 198.51.100.7\r\n").await, 403);
}

/// What isn't the gateway's sees the client that counts, and none of the claims that don't, whoever makes them.
#[tokio::test]
async fn claims_end_here() {
    let world = World::new().await;
    let (trusted, untrusted) = (trusting(&world, true).await, trusting(&world, false).await);
    let claims = "x-forwarded-for: 198.51.100.7\r\nx-forwarded-proto: https\r\nx-forwarded-host: b\r\n\
                  x-forwarded-uri: /x\r\nx-forwarded-prefix: /y\r\nx-forwarded-port: 1\r\nforwarded: for=192.0.2.1\r\n\
                  x-real-ip: 192.0.2.1\r\nx-original-url: /z\r\nx-rewrite-url: /z\r\nx-client-ip: 192.0.2.1\r\nx-other: kept\r\n";
    assert_eq!(who(trusted, b"", claims).await, "198.51.100.7 true host,connection,x-other");
    assert_eq!(who(untrusted, b"", claims).await, "127.0.0.1 false host,connection,x-other");
}

/// Where `Forwarded` is the header that counts, the other one doesn't.
#[tokio::test]
async fn the_other_header_may_count() {
    let world = World::new().await;
    let address =
        listen(&world, |listener| listener.rules.trusted_proxies = proxies(true, ClientHeader::Forwarded))
            .await;
    let both = "x-forwarded-for: 192.0.2.1\r\nforwarded: for=\"[2001:db8::7]:80\";proto=https\r\n";
    assert_eq!(who(address, b"", both).await, "2001:db8::7 true host,connection");
}

/// A trusted proxy tells its client once for the whole connection, in either version, and what it adds is ignored.
#[tokio::test]
async fn the_proxy_protocol_tells_the_client() {
    let world = World::new().await;
    let key = key_of(&world, "198.51.100.0/24").await;
    let address = speaking_proxy_protocol(&world, true).await;
    let v4 = [198, 51, 100, 7, 127, 0, 0, 1, 0xcb, 0x20, 1, 0xbb];
    let with_tlvs =
        [&v4[..], &[0x02, 0, 5, b'e', b'v', b'i', b'l', b'!'], &[0x04, 0, 200], &[0; 200]].concat();
    for (header, expected) in [
        (b"PROXY TCP4 198.51.100.7 127.0.0.1 52000 443\r\n".to_vec(), 200),
        (v2(0x21, 0x11, &v4), 200),
        (v2(0x21, 0x11, &with_tlvs), 200),
        (b"PROXY TCP4 203.0.113.9 198.51.100.7 52000 443\r\n".to_vec(), 403),
        (b"PROXY UNKNOWN\r\n".to_vec(), 403),
        (b"PROXY UNKNOWN 198.51.100.7 127.0.0.1 1 2\r\n".to_vec(), 403),
        (v2(0x21, 0x00, &[]), 403),
        (v2(0x20, 0x11, &v4), 403),
    ] {
        // The client's own claims are nobody's: it isn't a trusted proxy.
        let claim = "x-forwarded-for: 198.51.100.7\r\n";
        assert_eq!(status_of(address, &key, &header, "").await, expected, "{header:?}");
        let is_proxy_itself = header[12..].starts_with(&[0x20]);
        let claimed = if is_proxy_itself { 200 } else { expected };
        assert_eq!(status_of(address, &key, &header, claim).await, claimed, "{header:?} with a claim");
    }
}

/// A listener for the PROXY protocol serves nothing without it, and nobody but trusted proxies.
#[tokio::test]
async fn the_proxy_protocol_is_required() {
    let world = World::new().await;
    let key = world.key().await;
    let (trusted, untrusted) =
        (speaking_proxy_protocol(&world, true).await, speaking_proxy_protocol(&world, false).await);
    let header = b"PROXY TCP4 198.51.100.7 127.0.0.1 52000 443\r\n";
    assert_eq!(status_of(trusted, &key, header, "").await, 200);
    assert_eq!(status_of(untrusted, &key, header, "").await, 0, "nobody is believed who isn't trusted");
    let endless = [b"PROXY TCP4 ".as_slice(), &[b'1'; 4000]].concat();
    let too_long = v2(0x21, 0x11, &[0; 2048]);
    for wrong in
        [b"".as_slice(), b"PROXY TCP4 198.51.100.7\r\n", b"\0\0\0\0\0\0\0\0\0\0\0\0", &endless, &too_long]
    {
        assert_eq!(status_of(trusted, &key, wrong, "").await, 0, "{wrong:?}");
    }
    // Where it isn't spoken, a header is no request.
    let plain = trusting(&world, true).await;
    let answer = talk(plain, &[header, get("/who", "").as_bytes()]).await;
    assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
}

/// A header that doesn't come in time ends the connection; one that comes byte by byte in time is read.
#[tokio::test]
async fn the_proxy_protocol_has_its_time() {
    let limits = GatewayLimits { handshake_seconds_max: 1, drain_seconds_max: 1, ..GatewayLimits::default() };
    let world = World::with(Setup { gateway_limits: limits, ..Setup::default() }).await;
    let address = speaking_proxy_protocol(&world, true).await;
    let mut slow = TcpStream::connect(address).await.unwrap();
    slow.write_all(b"PROXY TCP4 198.51").await.unwrap();
    assert_eq!(soon(slow.read(&mut [0; 8])).await.unwrap_or_default(), 0, "it is hung up");
    let mut pieces = TcpStream::connect(address).await.unwrap();
    pieces.set_nodelay(true).unwrap();
    let said =
        [b"PROXY TCP4 198.51.100.7 127.0.0.1 52000 443\r\n".as_slice(), get("/who", "").as_bytes()].concat();
    for byte in said {
        pieces.write_all(&[byte]).await.unwrap();
        tokio::task::yield_now().await;
    }
    let mut answer = String::new();
    soon(pieces.read_to_string(&mut answer)).await.unwrap();
    assert!(answer.ends_with("198.51.100.7 false host,connection"), "{answer}");
}

/// One address has as many connections as it may have, and another one still gets in; a whole /64 of IPv6 is one address.
#[tokio::test]
async fn an_address_has_so_many_connections() {
    const MAX: usize = 3;
    let limits =
        GatewayLimits { connections_per_peer_max: MAX, drain_seconds_max: 1, ..GatewayLimits::default() };
    let world = World::with(Setup { gateway_limits: limits, ..Setup::default() }).await;
    let address = speaking_proxy_protocol(&world, true).await;
    let header = |client: &str| match client.contains(':') {
        true => format!("PROXY TCP6 {client} ::1 1 2\r\n"),
        false => format!("PROXY TCP4 {client} 127.0.0.1 1 2\r\n"),
    };
    for clients in [
        ["198.51.100.7"; MAX + 2],
        ["2001:db8::1", "2001:db8::2", "2001:db8::3:4", "2001:db8::5", "2001:db8:1::5"],
    ] {
        let mut open = Vec::new();
        for client in &clients[..MAX] {
            let mut stream = TcpStream::connect(address).await.unwrap();
            let said = format!("{}GET /who HTTP/1.1\r\nhost: a\r\n\r\n", header(client));
            stream.write_all(said.as_bytes()).await.unwrap();
            assert!(soon(stream.read(&mut [0; 512])).await.unwrap() > 0, "{client} gets in");
            open.push(stream);
        }
        assert_eq!(who(address, header(clients[MAX]).as_bytes(), "").await, "", "one more doesn't");
        assert!(!who(address, header("203.0.113.1").as_bytes(), "").await.is_empty(), "another one does");
        drop(open);
        let again = async {
            while who(address, header(clients[MAX]).as_bytes(), "").await.is_empty() {
                tokio::task::yield_now().await;
            }
        };
        soon(again).await;
    }
    // This machine isn't a stranger.
    let plain = trusting(&world, false).await;
    let mut open = Vec::new();
    for _ in 0..MAX * 3 {
        open.push(TcpStream::connect(plain).await.unwrap());
    }
    assert!(!who(plain, b"", "").await.is_empty());
}

/// Whoever may open a Unix socket is trusted like a proxy, since only its file's permissions say who that is.
#[tokio::test]
async fn a_unix_socket_is_a_proxys() {
    let world = World::new().await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("http.sock");
    world.running().serve_at(UnixListener::bind(&path).unwrap());
    for (more, expected) in [("", "127.0.0.1"), ("x-forwarded-for: 198.51.100.7\r\n", "198.51.100.7")] {
        let mut stream = UnixStream::connect(&path).await.unwrap();
        stream.write_all(get("/who", more).as_bytes()).await.unwrap();
        let mut answer = String::new();
        soon(stream.read_to_string(&mut answer)).await.unwrap();
        assert!(answer.ends_with(&format!("{expected} false host,connection")), "{answer}");
    }
}

/// A head that doesn't come in time ends its connection, as does one that isn't followed by another; in time, both are answered.
#[tokio::test]
async fn heads_and_pauses_have_their_time() {
    let limits = |head_seconds_max, idle_seconds_max| GatewayLimits {
        head_seconds_max,
        idle_seconds_max,
        drain_seconds_max: 1,
        ..GatewayLimits::default()
    };
    for (limits, said) in [(limits(1, 60), "GET /who HTTP/1.1\r\nhost: a\r\n"), (limits(60, 1), "")] {
        let world = World::with(Setup { gateway_limits: limits, ..Setup::default() }).await;
        let address = trusting(&world, false).await;
        let mut stream = TcpStream::connect(address).await.unwrap();
        let whole = b"GET /who HTTP/1.1\r\nhost: a\r\n\r\n";
        for _ in 0..2 {
            stream.write_all(whole).await.unwrap();
            assert!(soon(stream.read(&mut [0; 512])).await.unwrap() > 0, "in time");
        }
        stream.write_all(said.as_bytes()).await.unwrap();
        let mut rest = Vec::new();
        drop(soon(stream.read_to_end(&mut rest)).await);
        assert!(!rest.starts_with(b"HTTP/1.1 200"), "it is hung up");
    }
}

/// As many connections are served as the limit says, over all listeners; one more waits, and is served when another one ends.
#[tokio::test]
async fn connections_have_a_limit() {
    let limits = GatewayLimits { connections_max: 2, drain_seconds_max: 1, ..GatewayLimits::default() };
    let world = World::with(Setup { gateway_limits: limits, ..Setup::default() }).await;
    let (here, there) = (trusting(&world, false).await, trusting(&world, false).await);
    let whole = b"GET /who HTTP/1.1\r\nhost: a\r\n\r\n";
    let mut buffer = [0; 512];
    let mut open = Vec::new();
    for address in [here, there] {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(whole).await.unwrap();
        assert!(soon(stream.read(&mut buffer)).await.unwrap() > 0);
        open.push(stream);
    }
    let mut waiting = TcpStream::connect(here).await.unwrap();
    waiting.write_all(whole).await.unwrap();
    for stream in &mut open {
        stream.write_all(whole).await.unwrap();
        assert!(soon(stream.read(&mut buffer)).await.unwrap() > 0, "those that are in are served");
    }
    let nothing_yet = waiting.try_read(&mut buffer).unwrap_err().kind();
    assert_eq!(nothing_yet, std::io::ErrorKind::WouldBlock);
    drop(open.pop());
    assert!(soon(waiting.read(&mut buffer)).await.unwrap() > 0, "its turn has come");
}
