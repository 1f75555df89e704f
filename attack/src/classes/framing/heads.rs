//! Lines of a head that some parsers forgive: bare CR and LF, folded lines, NUL, blanks where none belong, wrong first lines.

use std::time::Duration;

use super::{Due, control, judge, smuggled, try_bytes, usual};
use crate::Fault;
use crate::arena::Arena;
use crate::trial::Trial;
use crate::wire::{Listen, exchange_pieces};

/// Lines between the good ones of a head.
const LINES: &[&[u8]] = &[
    b"x: a\r\n b\r\n",
    b"x: a\r\n\tb\r\n",
    b"x: a\n",
    b"x: a\nb: c\r\n",
    b"x: a\rb\r\n",
    b"x: a\r\r\n",
    b"x: a\0\r\n",
    b"x: \0\r\n",
    b"x\0: a\r\n",
    b"x : a\r\n",
    b"x\t: a\r\n",
    b"x\x0b: a\r\n",
    b"x\r: a\r\n",
    b" x: a\r\n",
    b"\tx: a\r\n",
    b": a\r\n",
    b"x\r\n",
    b"x y: a\r\n",
    b"x,y: a\r\n",
    b"x(y): a\r\n",
    b"x[0]: a\r\n",
    b"x{y}: a\r\n",
    b"x\"y: a\r\n",
    b"x/y: a\r\n",
    b"x;y: a\r\n",
    b"x=y: a\r\n",
    b"x@y: a\r\n",
    b"x<y: a\r\n",
    b"x\\y: a\r\n",
    b"x?y: a\r\n",
    b"\xc3\xa9: a\r\n",
    b"x\xff: a\r\n",
    b"x\x7f: a\r\n",
    b"x: a\x7f\r\n",
    b"x: a\x01\r\n",
    b"x: a\x08\r\n",
    b"x: a\x0b\r\n",
    b"x: a\x0c\r\n",
    b"x: a\x1f\r\n",
    b"\r: a\r\n",
    b"\x00\r\n",
    b"host: other\r\n",
    b"Host: localhost\r\n",
    b"x: a\r\n\n",
    b"\nx: a\r\n",
    b"\r\r\n",
    b"content-length: 0\rtransfer-encoding: chunked\r\n",
    b"content-length: 5\nfoo: bar\r\n",
    b"x: a\r\n : b\r\n",
    b"GET / HTTP/1.1\r\n",
    b"\x80: a\r\n",
];

/// First lines.
const FIRST: &[&str] = &[
    "GET  /v2/jobs HTTP/1.1",
    "GET\t/v2/jobs HTTP/1.1",
    " GET /v2/jobs HTTP/1.1",
    "GET /v2/jobs  HTTP/1.1",
    "GET /v2/jobs HTTP/1.1 ",
    "GET /v2/jobs\tHTTP/1.1",
    "GET /v2/jobs http/1.1",
    "GET /v2/jobs HTTP/1.2",
    "GET /v2/jobs HTTP/2.0",
    "GET /v2/jobs HTTP/3.0",
    "GET /v2/jobs HTTP/0.9",
    "GET /v2/jobs HTTP/1",
    "GET /v2/jobs HTTP/1.1.1",
    "GET /v2/jobs HTTP/11",
    "GET /v2/jobs HTTP 1.1",
    "GET /v2/jobs HTTPS/1.1",
    "GET /v2/jobs",
    "GET",
    "",
    "/v2/jobs HTTP/1.1",
    "GET /v2/jobs HTTP/1.1\0",
    "GET /v2/jobs\0 HTTP/1.1",
    "GE\0T /v2/jobs HTTP/1.1",
    "G(T /v2/jobs HTTP/1.1",
    "G\u{e9}T /v2/jobs HTTP/1.1",
    "GET /v2/jobs x HTTP/1.1",
    "GET v2/jobs HTTP/1.1",
    "GET #x HTTP/1.1",
    "GET ?x HTTP/1.1",
    "GET * HTTP/1.1",
    "GET http://other/v2/jobs HTTP/1.1",
    "GET http://localhost:81/v2/jobs HTTP/1.1",
    "GET ftp://localhost/v2/jobs HTTP/1.1",
    "GET localhost/v2/jobs HTTP/1.1",
    "GET localhost:80 HTTP/1.1",
    "CONNECT localhost:80 HTTP/1.1",
    "CONNECT other:443 HTTP/1.1",
    "GET /v2/jobs#x HTTP/1.1",
    "GET /v2/jobs\\x HTTP/1.1",
    "GET /v2/jobs\" HTTP/1.1",
    "GET /v2/jobs<x> HTTP/1.1",
    "GET /v2/j{o}bs HTTP/1.1",
    "GET /v2/jobs\u{7f} HTTP/1.1",
    "GET /v2/jobs\r HTTP/1.1",
    "GET /v2/jobs\u{1} HTTP/1.1",
    "PRI * HTTP/2.0",
    "HTTP/1.1 200 OK",
    "GET /v2/jobs HTTP/1.\u{661}",
    "GET /v2/j\u{f6}bs HTTP/1.1",
    "POST/v2/jobs HTTP/1.1",
    "\u{16}\u{3}\u{1}",
    "GET http:/v2/jobs HTTP/1.1",
    "GET http:// HTTP/1.1",
];

/// Hosts.
const HOSTS: &[&str] = &[
    "",
    "host: a\r\nhost: b\r\n",
    "host: a\r\nHost: a\r\n",
    "host: localhost, other\r\n",
    "host: localhost other\r\n",
    "host: user@localhost\r\n",
    "host: localhost/x\r\n",
    "host: localhost\\x\r\n",
    "host: localhost#x\r\n",
    "host: localhost?x\r\n",
    "host: localhost;x\r\n",
    "host: loc\u{0}alhost\r\n",
    "host : localhost\r\n",
    "host: \"localhost\"\r\n",
    "host: localhost%00\r\n",
    "host: l\u{f6}calhost\r\n",
];

pub(super) async fn run(arena: &Arena, trial: &mut Trial) -> Result<(), Fault> {
    for (index, line) in LINES.iter().enumerate() {
        let case = format!("framing line {index}: {:?}", String::from_utf8_lossy(line));
        let start = format!("GET /v2/jobs HTTP/1.1\r\n{}", usual(arena, &format!("framing line {index}")));
        let bytes = [start.as_bytes(), line, b"\r\n", smuggled(arena, &case).as_bytes()].concat();
        try_bytes(arena, trial, &case, &bytes, Due::Refused).await;
    }
    for (index, first) in FIRST.iter().enumerate() {
        let case = format!("framing first line {index}: {first:?}");
        let bytes = format!(
            "{first}\r\n{}\r\n{}",
            usual(arena, &format!("framing first line {index}")),
            smuggled(arena, &case)
        );
        try_bytes(arena, trial, &case, bytes.as_bytes(), Due::Refused).await;
    }
    for (index, host) in HOSTS.iter().enumerate() {
        let case = format!("framing host {index}: {host:?}");
        let rest = usual(arena, &format!("framing host {index}")).replacen("host: localhost\r\n", host, 1);
        let bytes = format!("GET /v2/jobs HTTP/1.1\r\n{rest}\r\n{}", smuggled(arena, &case));
        try_bytes(arena, trial, &case, bytes.as_bytes(), Due::Refused).await;
    }
    in_pieces(arena, trial).await;
    let key = usual(arena, "control");
    for (name, bytes) in [
        (
            "an absolute target with its own host",
            format!("GET http://localhost/v2/jobs HTTP/1.1\r\n{key}\r\n"),
        ),
        ("values with high bytes", format!("GET /v2/jobs HTTP/1.1\r\n{key}x: \u{e9}\r\n\r\n")),
        ("an empty value", format!("GET /v2/jobs HTTP/1.1\r\n{key}x:\r\n\r\n")),
        ("names of all letters", format!("GET /v2/jobs HTTP/1.1\r\n{key}x!#$%&'*+-.^_`|~9: a\r\n\r\n")),
    ] {
        control(arena, trial, name, bytes.as_bytes(), &[200]).await;
    }
    Ok(())
}

/// The same, sent so that every boundary falls between two reads.
async fn in_pieces(arena: &Arena, trial: &mut Trial) {
    for (index, field) in [
        "content-length: 5\r\ntransfer-encoding: chunked",
        "transfer-encoding: chunked, identity",
        "x: a\r\n b",
        "x : a",
    ]
    .iter()
    .enumerate()
    {
        for size in [1, 2, 3, 7, 64] {
            let case = format!("framing in pieces of {size}: {index}");
            let bytes = format!(
                "POST /v2/jobs HTTP/1.1\r\n{}{field}\r\n\r\n{}",
                usual(arena, &case),
                smuggled(arena, &case)
            );
            // A pause after each would take long; what is sent at once may still come in pieces.
            let pieces: Vec<&[u8]> = bytes.as_bytes().chunks(size).collect();
            let heard = exchange_pieces(arena.home(), &pieces, Duration::ZERO, Listen::ToTheEnd).await;
            trial.attack(&case, judge(arena, &case, &heard, Due::Refused));
        }
    }
    let bytes =
        format!("POST /v2/jobs HTTP/1.1\r\n{}content-length: 5\r\n\r\nhello", usual(arena, "control"));
    let pieces: Vec<&[u8]> = bytes.as_bytes().chunks(1).collect();
    let heard = exchange_pieces(arena.home(), &pieces, Duration::from_micros(200), Listen::For(1)).await;
    let outcome = if heard.statuses() == [201] { Ok(()) } else { Err(format!("{:?}", heard.statuses())) };
    trial.control("byte by byte", outcome);
}
