use proptest::prelude::*;

use super::*;
use crate::limits::{CHUNK_LINE_BYTES_MAX, HEADERS_COUNT_MAX, TRAILER_BYTES_MAX};

/// Shows the bytes in pieces, as a socket would, and tells how many passed in all and how it ended.
fn run(bytes: &[u8], piece: usize) -> (usize, Next, Inspector) {
    let mut inspector = Inspector::default();
    let (mut passed, mut shown) = (0, 0);
    while shown < bytes.len() {
        shown = (shown + piece).min(bytes.len());
        let step = inspector.inspect(&bytes[passed..shown]);
        passed += step.pass;
        if step.next != Next::More {
            return (passed, step.next, inspector);
        }
    }
    (passed, Next::More, inspector)
}

fn refused(head: &str) -> Option<Next> {
    let (passed, next, _) = run(head.as_bytes(), usize::MAX);
    (passed == 0 && next != Next::More).then_some(next)
}

const GOOD: &[&str] = &[
    "GET /v2/jobs HTTP/1.1\r\nHost: a\r\n\r\n",
    "GET /v2/jobs?limit=1&x={|}^` HTTP/1.1\r\nHost: a:80\r\nX-Empty:\r\n\r\n",
    "GET / HTTP/1.0\r\n\r\n",
    "POST / HTTP/1.1\r\nhost: [::1]:8080\r\ncontent-length: 3\r\n\r\nabc",
    "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\n\r\n3;x=\"y\"\r\nabc\r\n0\r\n\r\n",
    "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nA\r\n0123456789\r\n0\r\nT: x\r\nU: y\r\n\r\n",
    "GET http://A.example/x HTTP/1.1\r\nHost: a.EXAMPLE\r\n\r\n",
    "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n",
    "POST / HTTP/1.1\r\nHost: a\r\nUpgrade: h2c\r\nContent-Length: 1\r\n\r\nx",
];

/// Good requests pass whole, in pieces of any size and one after another, and leave the inspector between requests.
#[test]
fn good_requests_pass() {
    let all = GOOD.concat();
    for piece in [1, 2, 3, 7, 50, usize::MAX] {
        let (passed, next, inspector) = run(all.as_bytes(), piece);
        assert_eq!((passed, next), (all.len(), Next::More), "pieces of {piece}");
        assert!(inspector.between_requests());
    }
}

/// Whatever has two readings is refused at its head, before hyper sees a byte of it; the good request beside it passes.
#[test]
fn ambiguous_heads_are_refused() {
    let fields = [
        "Content-Length: 1\r\nContent-Length: 1",
        "Content-Length: 1\r\nContent-Length: 2",
        "Content-Length: 1, 1",
        "Content-Length: +1",
        "Content-Length: -1",
        "Content-Length: 0x1",
        "Content-Length:",
        "Content-Length: 1 1",
        "Content-Length: 9999999999999999999",
        "Content-Length: 1\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: chunked\r\nContent-Length: 1",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: chunked, chunked",
        "Transfer-Encoding: gzip, chunked",
        "Transfer-Encoding: identity",
        "Transfer-Encoding: xchunked",
        "Transfer-Encoding: \"chunked\"",
        "Transfer-Encoding:",
        "Transfer-Encoding : chunked",
        "Transfer-Encoding: chunked\x0b",
        "Host: b",
        "X: a\r\n folded",
        "X: a\r\n\tfolded",
        " X: a",
        "X : a",
        "X",
        ": a",
        "X: a\0b",
        "X: a\rb",
        "X: a\nY: b",
        "X: a\x7fb",
        "X(: a",
        "Upgrade: websocket\r\nContent-Length: 1",
        "Upgrade: websocket\r\nTransfer-Encoding: chunked",
    ];
    for field in fields {
        let head = format!("POST / HTTP/1.1\r\nHost: a\r\n{field}\r\n\r\n");
        assert_eq!(refused(&head), Some(Next::Refused(Refused::Malformed)), "{field:?}");
    }
    let heads = [
        "GET / HTTP/1.1\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a@b\r\n\r\n",
        "GET  / HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET /a b HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET / HTTP/1.2\r\nHost: a\r\n\r\n",
        "GET / HTTP/2.0\r\nHost: a\r\n\r\n",
        "GET / http/1.1\r\nHost: a\r\n\r\n",
        "GET /\r\nHost: a\r\n\r\n",
        "GET /a\\b HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET /a?b#c HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET /é HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET jobs HTTP/1.1\r\nHost: a\r\n\r\n",
        "CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n",
        "GET * HTTP/1.1\r\nHost: a\r\n\r\n",
        "G(T / HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET http://b/ HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET http://a:81/ HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET ftp://a/ HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET http://u@a/ HTTP/1.1\r\nHost: a\r\n\r\n",
        "POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n",
        "\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET / HTTP/1.1\nHost: a\n\n",
    ];
    for head in heads {
        assert_eq!(refused(head), Some(Next::Refused(Refused::Malformed)), "{head:?}");
    }
}

/// A body whose chunks are broken ends the connection, wherever the bytes are cut.
#[test]
fn broken_chunks_end_the_connection() {
    let head = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
    let long_extension = format!("1;{}\r\na\r\n0\r\n\r\n", "x".repeat(CHUNK_LINE_BYTES_MAX));
    let long_trailer = format!("0\r\nT: {}\r\n\r\n", "x".repeat(TRAILER_BYTES_MAX));
    let bodies = [
        "\r\n",
        "g\r\n",
        "1\na\r\n",
        "1\r\nab\r\n",
        "1\r\na\n",
        " 1\r\na\r\n",
        "1 \r\na\r\n",
        "-1\r\n",
        "0x1\r\n",
        ";x\r\n",
        "1\rx",
        "1111111111111111\r\n",
        "0\r\nT: x\n\r\n",
        "0\r\n T: x\r\n\r\n",
        "0\r\nT: \0\r\n\r\n",
        &long_extension,
        &long_trailer,
    ];
    for body in bodies {
        for piece in [1, 3, usize::MAX] {
            let bytes = format!("{head}{body}");
            let (_, next, _) = run(bytes.as_bytes(), piece);
            assert_eq!(next, Next::Broken, "{body:?} in pieces of {piece}");
        }
    }
}

/// The limits hold on both sides.
#[test]
fn limits_hold_on_both_sides() {
    let url = |bytes: usize| format!("GET /{} HTTP/1.1\r\nHost: a\r\n\r\n", "x".repeat(bytes - 1));
    assert_eq!(refused(&url(URL_BYTES_MAX)), None);
    assert_eq!(refused(&url(URL_BYTES_MAX + 1)), Some(Next::Refused(Refused::UrlTooLong)));
    assert_eq!(refused(&"x".repeat(HEAD_BYTES_MAX)), Some(Next::Refused(Refused::UrlTooLong)));

    let start = "GET / HTTP/1.1\r\nHost: a\r\nX: ";
    let head = |bytes: usize| format!("{start}{}\r\n\r\n", "x".repeat(bytes - start.len() - 4));
    assert_eq!(refused(&head(HEAD_BYTES_MAX)), None);
    assert_eq!(refused(&head(HEAD_BYTES_MAX + 1)), Some(Next::Refused(Refused::HeadTooLarge)));

    let fields = |count: usize| format!("GET / HTTP/1.1\r\nHost: a\r\n{}\r\n", "X: y\r\n".repeat(count - 1));
    assert_eq!(refused(&fields(HEADERS_COUNT_MAX)), None);
    assert_eq!(refused(&fields(HEADERS_COUNT_MAX + 1)), Some(Next::Refused(Refused::HeadTooLarge)));
}

/// What comes before a refused head passes; nothing of it or after it does.
#[test]
fn a_refused_head_stops_the_connection() {
    let good = GOOD[3];
    let bytes = format!("{good}GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n{good}");
    for piece in [1, 10, usize::MAX] {
        let (passed, next, _) = run(bytes.as_bytes(), piece);
        assert_eq!((passed, next), (good.len(), Next::Refused(Refused::Malformed)));
    }
}

/// After a request for a WebSocket every byte passes, whatever it is.
#[test]
fn a_tunnel_passes_everything() {
    let bytes = b"GET /v2 HTTP/1.1\r\nHost: a\r\nUpgrade: WebSocket\r\n\r\n\x81\x00\n\n\0";
    let (passed, next, inspector) = run(bytes, 5);
    assert_eq!((passed, next), (bytes.len(), Next::More));
    assert!(inspector.is_tunnel());
}

proptest! {
    /// Where the bytes are cut changes nothing: not what passes, not how it ends.
    #[test]
    fn cuts_change_nothing(
        picks in proptest::collection::vec(0..GOOD.len(), 1..4),
        flips in proptest::collection::vec((0_usize..400, any::<u8>()), 0..3),
        piece in 1_usize..40,
    ) {
        let mut bytes: Vec<u8> = picks.iter().flat_map(|pick| GOOD[*pick].bytes()).collect();
        for (at, byte) in flips {
            let index = at % bytes.len();
            bytes[index] = byte;
        }
        let whole = run(&bytes, usize::MAX);
        let cut = run(&bytes, piece);
        prop_assert_eq!(whole.1, cut.1);
        // What stands between chunks passes as it comes; shown at once with a break behind it, it need not.
        if whole.1 == Next::Broken {
            prop_assert!(whole.0 <= cut.0);
        } else {
            prop_assert_eq!(whole.0, cut.0);
        }
    }

    /// Every target that passes can be read by hyper too, which would otherwise answer by itself, without our headers.
    #[test]
    fn hyper_reads_what_passes(
        scheme in "(http://|HTTPS://)?",
        authority in "[a-b0-9.:_\\[\\]-]{0,8}",
        rest in "(/[!-~]{0,12})?",
    ) {
        let target = if scheme.is_empty() { rest.clone() } else { format!("{scheme}{authority}{rest}") };
        let head = format!("GET {target} HTTP/1.1\r\nHost: {authority}\r\n\r\n");
        if refused(&head).is_none() {
            prop_assert!(http::Uri::try_from(&target).is_ok(), "{}", target);
        }
    }

    /// No bytes make the inspector panic or pass more than it was shown.
    #[test]
    fn any_bytes_are_survived(bytes in proptest::collection::vec(any::<u8>(), 0..300), piece in 1_usize..50) {
        prop_assert!(run(&bytes, piece).0 <= bytes.len());
    }
}
