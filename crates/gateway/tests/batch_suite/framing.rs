//! Bytes on the wire: what could be read in two ways is refused, and its connection ends; the good request beside it passes.

use domain::Region;
use gateway::limits::{HEAD_BYTES_MAX, URL_BYTES_MAX};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::world::{FORBIDDING, World, soon};

/// Sends bytes and gives all that comes back until the gateway ends the connection.
async fn exchange(world: &World, bytes: &[u8]) -> String {
    let mut client = TcpStream::connect(world.port(Region::Eu1)).await.unwrap();
    client.write_all(bytes).await.unwrap();
    let mut answer = Vec::new();
    soon(client.read_to_end(&mut answer)).await.expect("no reset");
    String::from_utf8(answer).unwrap()
}

/// Whether a head forbids browsers and caches what every answer does.
fn forbids(answer: &str) -> bool {
    FORBIDDING.iter().all(|(name, value)| answer.contains(&format!("\r\n{name}: {value}\r\n")))
}

fn statuses(answer: &str) -> Vec<u16> {
    answer.match_indices("HTTP/1.1 ").map(|(at, _)| answer[at + 9..at + 12].parse().unwrap()).collect()
}

/// A refused head ends the connection with one answer in the documented form; what was pipelined behind it is never answered and
/// never reaches the engine.
#[tokio::test]
async fn ambiguous_requests_end_their_connection() {
    let world = World::new().await;
    let key = world.key().await;
    let job = world.create(key.bearer()).await;
    let smuggled = format!(
        "GET /v2/jobs/{job} HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {}\r\nconnection: close\r\n\r\n",
        key.bearer()
    );
    assert_eq!(statuses(&exchange(&world, smuggled.as_bytes()).await), [200]);
    let before = world.engine.recorded().len();
    for field in [
        "content-length: 5\r\ntransfer-encoding: chunked",
        "transfer-encoding: chunked\r\ncontent-length: 5",
        "content-length: 5\r\ncontent-length: 5",
        "content-length: 5\r\ncontent-length: 6",
        "transfer-encoding: chunked\r\ntransfer-encoding: chunked",
        "transfer-encoding: chunked, identity",
        "transfer-encoding: gzip",
        "transfer-encoding : chunked",
        "content-length: +5",
        "content-length : 5",
        "x: a\r\n b",
        "host: b",
        "x: a\0",
        "x: a\nb: c",
        "x y: z",
    ] {
        let request = format!(
            "POST /v2/jobs HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {}\r\n{field}\r\n\r\n0\r\n\r\n{smuggled}",
            key.bearer()
        );
        let answer = exchange(&world, request.as_bytes()).await;
        assert_eq!(statuses(&answer), [400], "{field:?}: {answer}");
        assert!(
            answer.contains(r#""reason":"malformed_request""#) && answer.contains("request-id: req_"),
            "{answer}"
        );
        assert!(forbids(&answer), "{answer}");
    }
    for head in [
        "GET /v2/jobs HTTP/1.1\r\n\r\n",
        "GET http://b/v2/jobs HTTP/1.1\r\nhost: a\r\n\r\n",
        "GET http:///v2/jobs HTTP/1.1\r\nhost:\r\n\r\n",
        "GET http://a:b:c/v2/jobs HTTP/1.1\r\nhost: a:b:c\r\n\r\n",
        "GET http://[::1/v2/jobs HTTP/1.1\r\nhost: [::1\r\n\r\n",
        "POST /v2/jobs HTTP/1.0\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        "GET /v2/jobs HTTP/3.0\r\nhost: a\r\n\r\n",
        "GET  /v2/jobs HTTP/1.1\r\nhost: a\r\n\r\n",
        "CONNECT a:443 HTTP/1.1\r\nhost: a:443\r\n\r\n",
        "GET /v2/jobs#x HTTP/1.1\r\nhost: a\r\n\r\n",
        "GET /v2/jobs\\x HTTP/1.1\r\nhost: a\r\n\r\n",
        "\0\0\0\0",
        "hello\r\n\r\n",
    ] {
        let answer = exchange(&world, format!("{head}{smuggled}").as_bytes()).await;
        assert_eq!(statuses(&answer), [400], "{head:?}");
        assert!(forbids(&answer), "{head:?}: {answer}");
    }
    assert_eq!(world.engine.recorded().len(), before);
}

/// Several good requests on one connection are answered in order, in both versions and in pieces of any size.
#[tokio::test]
async fn good_requests_share_a_connection() {
    let world = World::new().await;
    let key = world.key().await;
    let auth = format!("host: a\r\nauthorization: Bearer {}\r\n", key.bearer());
    let requests = format!(
        "GET /v2/jobs HTTP/1.1\r\n{auth}\r\nPOST /v2/jobs HTTP/1.1\r\n{auth}transfer-encoding: chunked\r\n\r\n4;x=y\r\nbody\r\n0\r\nvoxgate-project: 9\r\nauthorization: x\r\n\r\nGET http://a/v2/jobs/job1 HTTP/1.1\r\n{auth}\r\nGET /v2/jobs HTTP/1.1\r\n{auth}connection: close\r\n\r\n"
    );
    for piece in [1, 7, 1000, usize::MAX] {
        let mut client = TcpStream::connect(world.port(Region::Eu1)).await.unwrap();
        client.set_nodelay(true).unwrap();
        let bytes = requests.as_bytes();
        for part in bytes.chunks(piece.min(bytes.len())) {
            client.write_all(part).await.unwrap();
        }
        let mut answer = Vec::new();
        soon(client.read_to_end(&mut answer)).await.unwrap();
        assert_eq!(statuses(&String::from_utf8(answer).unwrap()), [200, 201, 200, 200], "{piece}");
    }
    let create = world.engine.recorded().into_iter().find(|one| one.method == "POST").unwrap();
    assert_eq!(create.body, b"body");
    assert!(!create.trailers, "trailers end at the gateway");
    assert_eq!(create.headers["voxgate-project"], "7");
    let old = format!("GET /v2/jobs HTTP/1.0\r\nauthorization: Bearer {}\r\n\r\n", key.bearer());
    let answer = exchange(&world, old.as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.0 200") || answer.starts_with("HTTP/1.1 200"), "{answer}");
}

/// Paths that a server could read as another path are 400 before anything else; a spelling that is only unknown is 404; the plain one
/// passes.
#[tokio::test]
async fn spellings_of_paths() {
    let world = World::new().await;
    let key = world.key().await;
    let (mine, foreign) = (world.create(key.bearer()).await, "job999");
    let before = world.engine.recorded().len();
    for (path, expected) in [
        (format!("/v2/jobs/{foreign}%2F..%2F{mine}"), 400),
        (format!("/v2/jobs/{foreign}%2f../{mine}"), 400),
        (format!("/v2/jobs/{foreign}/../{mine}"), 400),
        (format!("/v2/jobs/{foreign}/%2e%2e/{mine}"), 400),
        (format!("/v2/jobs/./{mine}"), 400),
        (format!("/v2/jobs//{mine}"), 400),
        (format!("//v2/jobs/{mine}"), 400),
        (format!("/v2/jobs/{mine};a=b"), 400),
        (format!("/v2/jobs/{mine}%00"), 400),
        (format!("/v2/jobs/{mine}%5Cx"), 400),
        (format!("/v2/jobs/{mine}%"), 400),
        (format!("/v2/jobs/{mine}%20"), 400),
        (String::from("/v2/jobs/%6aob1"), 404),
        (format!("/V2/jobs/{mine}"), 404),
        (format!("/v2/JOBS/{mine}"), 404),
        (format!("/v2/jobs/{mine}/transcripts"), 404),
        (format!("/v2/jobs/{mine}.json"), 404),
    ] {
        let request = format!(
            "GET {path} HTTP/1.1\r\nhost: a\r\nconnection: close\r\nauthorization: Bearer {}\r\n\r\n",
            key.bearer()
        );
        assert_eq!(statuses(&exchange(&world, request.as_bytes()).await), [expected], "{path}");
    }
    assert_eq!(world.engine.recorded().len(), before);
    assert_eq!(world.get(&format!("/v2/jobs/{mine}/"), key.bearer()).await.status, 200);
    assert_eq!(world.engine.last().target, format!("/v2/jobs/{mine}"));
}

/// The limits of a head hold on both sides, with the documented answers.
#[tokio::test]
async fn limits_of_a_head() {
    let world = World::new().await;
    let key = world.key().await;
    let head = |path: &str, rest: &str| {
        format!(
            "GET {path} HTTP/1.1\r\nhost: a\r\nconnection: close\r\nauthorization: Bearer {}\r\n{rest}\r\n",
            key.bearer()
        )
    };
    let url = |bytes: usize| format!("/v2/jobs?x={}", "y".repeat(bytes - "/v2/jobs?x=".len()));
    let padded = |bytes: usize| {
        let start = head("/v2/jobs", "x: \r\n").len();
        head("/v2/jobs", &format!("x: {}\r\n", "y".repeat(bytes - start)))
    };
    let fields = |count: usize| head("/v2/jobs", &"x: y\r\n".repeat(count - 3));
    for (request, expected) in [
        (head(&url(URL_BYTES_MAX), ""), 200),
        (head(&url(URL_BYTES_MAX + 1), ""), 414),
        (padded(HEAD_BYTES_MAX), 200),
        (padded(HEAD_BYTES_MAX + 1), 431),
        (fields(100), 200),
        (fields(101), 431),
    ] {
        let answer = exchange(&world, request.as_bytes()).await;
        assert_eq!(statuses(&answer), [expected], "{} bytes: {answer}", request.len());
        if expected != 200 {
            assert!(
                answer.contains(r#""reason":"too_large""#) && answer.contains("connection: close"),
                "{answer}"
            );
        }
    }
}

/// A request for a WebSocket where there is none ends its connection: nothing behind it is taken for a request.
#[tokio::test]
async fn nothing_follows_a_refused_upgrade() {
    let world = World::new().await;
    let key = world.key().await;
    let job = world.create(key.bearer()).await;
    let before = world.engine.recorded().len();
    let smuggled =
        format!("GET /v2/jobs/{job} HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {}\r\n\r\n", key.bearer());
    for path in ["/v2/nowhere/x", "/v2", "/v2/jobs"] {
        let request = format!(
            "GET {path} HTTP/1.1\r\nhost: a\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n{smuggled}"
        );
        let answer = exchange(&world, request.as_bytes()).await;
        assert_eq!(statuses(&answer).len(), 1, "{answer}");
        assert!(answer.contains("connection: close"), "{answer}");
    }
    assert_eq!(world.engine.recorded().len(), before);
}
