//! Content-Length and Transfer-Encoding, each wrong by itself and both together, on every kind of route and in both versions.

use super::{Due, control, smuggled, try_bytes, usual};
use crate::Fault;
use crate::arena::Arena;
use crate::trial::Trial;

/// Fields that no request may have, alone or together.
const WRONG: &[&str] = &[
    "content-length: +5",
    "content-length: -5",
    "content-length: 5, 5",
    "content-length: 5,6",
    "content-length: 0x5",
    "content-length: 5.0",
    "content-length: 5e0",
    "content-length:",
    "content-length: ",
    "content-length: five",
    "content-length: 5 5",
    "content-length: \"5\"",
    "content-length: 5;",
    "content-length: 99999999999999999999",
    "content-length: 18446744073709551616",
    "content-length: 18446744073709551621",
    "content-length: \u{ff15}",
    "content-length: 5\u{b}",
    "content-length: 5_0",
    "content-length: 1 ,5",
    "content-length: 5\r\ncontent-length: 5",
    "content-length: 5\r\ncontent-length: 6",
    "content-length: 0\r\ncontent-length: 5",
    "content-length: 5\r\nContent-Length: 0",
    "content-length : 5",
    "content-length\t: 5",
    " content-length: 5",
    "transfer-encoding: identity",
    "transfer-encoding: gzip",
    "transfer-encoding: gzip, chunked",
    "transfer-encoding: chunked, identity",
    "transfer-encoding: chunked, chunked",
    "transfer-encoding: xchunked",
    "transfer-encoding: chunked;q=1",
    "transfer-encoding: \"chunked\"",
    "transfer-encoding: chunked\u{b}",
    "transfer-encoding: ,chunked",
    "transfer-encoding: chunked,",
    "transfer-encoding:",
    "transfer-encoding: cow",
    "transfer-encoding: chunked identity",
    "transfer-encoding: chunkedd",
    "transfer-encoding: chunke",
    "transfer-encoding: ch\u{fc}nked",
    "transfer-encoding : chunked",
    "transfer-encoding\t: chunked",
    " transfer-encoding: chunked",
    "transfer-encoding: chunked\r\ntransfer-encoding: chunked",
    "transfer-encoding: chunked\r\ntransfer-encoding: identity",
    "transfer-encoding: identity\r\ntransfer-encoding: chunked",
    "transfer-encoding: chunked\r\ntransfer-encoding: cow",
    "transfer-encoding:\r\n chunked",
    "transfer-encoding: chunked\r\n , identity",
    "transfer-encoding: \u{0}chunked",
    "transfer-encoding: chunked\u{0}",
    "content-length: 5\r\ntransfer-encoding: chunked",
    "transfer-encoding: chunked\r\ncontent-length: 5",
    "content-length: 0\r\ntransfer-encoding: chunked",
    "transfer-encoding: chunked\r\ncontent-length: 0",
    "content-length: 5\r\ntransfer-encoding: identity",
    "content-length: 5\r\ntransfer-encoding: cow",
    "content-length: 5\r\ntransfer-encoding: chunked\r\ncontent-length: 5",
    "transfer-encoding: chunked\r\ncontent-length: 5\r\ntransfer-encoding: chunked",
    "content-length: 5\r\nTRANSFER-ENCODING: CHUNKED",
];

pub(super) async fn run(arena: &Arena, trial: &mut Trial) -> Result<(), Fault> {
    let routes = [
        ("create", "POST /v2/jobs".to_owned()),
        ("read", format!("GET /v2/jobs/{}/transcript", arena.mine.job)),
        ("mint", "POST /v1/api_keys?type=rt".to_owned()),
    ];
    for (route, line) in &routes {
        for (index, field) in WRONG.iter().enumerate() {
            let case = format!("framing {route} {index}: {field:?}");
            let head = format!("{line} HTTP/1.1\r\n{}{field}\r\n\r\n", usual(arena, &case));
            let bytes = format!("{head}0\r\n\r\n{}", smuggled(arena, &case));
            try_bytes(arena, trial, &case, bytes.as_bytes(), Due::Refused).await;
        }
    }
    // The older version knows no chunks at all, whatever else stands there.
    for (index, field) in WRONG
        .iter()
        .chain(&[
            "transfer-encoding: chunked",
            "Transfer-Encoding: Chunked",
            "transfer-encoding: chunked\r\nconnection: keep-alive",
        ])
        .enumerate()
    {
        let case = format!("framing HTTP/1.0 {index}: {field:?}");
        let head = format!(
            "POST /v2/jobs HTTP/1.0\r\n{}connection: keep-alive\r\n{field}\r\n\r\n",
            usual(arena, &case)
        );
        let bytes = format!("{head}0\r\n\r\n{}", smuggled(arena, &case));
        try_bytes(arena, trial, &case, bytes.as_bytes(), Due::Refused).await;
    }
    let key = usual(arena, "control");
    for (name, bytes, expected) in [
        (
            "a body of known length",
            format!("POST /v2/jobs HTTP/1.1\r\n{key}content-length: 5\r\n\r\nhello"),
            &[201][..],
        ),
        (
            "white space around a length",
            format!("POST /v2/jobs HTTP/1.1\r\n{key}content-length: \t5 \r\n\r\nhello"),
            &[201],
        ),
        (
            "chunks",
            format!(
                "POST /v2/jobs HTTP/1.1\r\n{key}transfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"
            ),
            &[201],
        ),
        (
            "chunks, in capitals",
            format!(
                "POST /v2/jobs HTTP/1.1\r\n{key}TRANSFER-ENCODING: CHUNKED\r\n\r\n5\r\nhello\r\n0\r\n\r\n"
            ),
            &[201],
        ),
        (
            "the older version with a length",
            format!("POST /v2/jobs HTTP/1.0\r\n{key}content-length: 5\r\n\r\nhello"),
            &[201],
        ),
        ("no body at all", format!("GET /v2/jobs HTTP/1.1\r\n{key}\r\n"), &[200]),
        (
            "three requests in one piece",
            format!(
                "GET /v2/jobs HTTP/1.1\r\n{key}\r\nPOST /v2/jobs HTTP/1.1\r\n{key}content-length: 5\r\n\r\nhelloGET /v2/jobs HTTP/1.1\r\n{key}\r\n"
            ),
            &[200, 201, 200],
        ),
    ] {
        control(arena, trial, name, bytes.as_bytes(), expected).await;
    }
    Ok(())
}

/// The wrong fields once more, on a create, with another engine behind.
pub(super) async fn through(arena: &Arena, trial: &mut Trial, name: &str) {
    for (index, field) in WRONG.iter().enumerate() {
        let case = format!("{name} field {index}");
        let head = format!("POST /v2/jobs HTTP/1.1\r\n{}{field}\r\n\r\n", usual(arena, &case));
        let bytes = format!("{head}0\r\n\r\n{}", smuggled(arena, &case));
        try_bytes(arena, trial, &case, bytes.as_bytes(), Due::Refused).await;
    }
}
