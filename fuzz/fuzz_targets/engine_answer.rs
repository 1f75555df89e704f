//! Any bytes of an engine, in any split: the reader of answers neither panics nor stalls, tells the same as in one piece, and takes
//! nothing beyond the end of an answer.

#![no_main]

// The files instead of their crate: they need nothing of the rest, which would take minutes to build.
#[path = "../../crates/gateway/src/chunks.rs"]
mod chunks;
#[expect(dead_code, reason = "only answers are read here")]
#[path = "../../crates/gateway/src/upstream/head.rs"]
mod head;
#[expect(dead_code, reason = "only what concerns heads and chunks is used here")]
#[path = "../../crates/gateway/src/limits.rs"]
mod limits;

use bytes::BytesMut;
use head::{AnswerHead, Framing, Part, read_answer};
use http::Method;
use libfuzzer_sys::fuzz_target;

/// What an answer said, and how many bytes were left behind it.
#[derive(Debug, PartialEq)]
enum Told {
    Unfinished,
    Broken,
    Whole { status: u16, body: Vec<u8>, keeps: bool, left: usize },
}

fn tell(parts: &mut dyn Iterator<Item = &[u8]>) -> Told {
    let mut buffer = BytesMut::new();
    let mut answer: Option<AnswerHead> = None;
    let mut body = Vec::new();
    let mut whole = None;
    for part in parts {
        buffer.extend_from_slice(part);
        if whole.is_some() {
            continue;
        }
        let head = match &mut answer {
            Some(head) => head,
            None => match read_answer(&mut buffer, &Method::GET) {
                Ok(Some(head)) => answer.insert(head),
                Ok(None) => continue,
                Err(_) => return Told::Broken,
            },
        };
        loop {
            match head.framing.take(&mut buffer) {
                Part::Data(data) => {
                    assert!(!data.is_empty(), "every part makes progress");
                    body.extend_from_slice(&data);
                }
                Part::More => break,
                Part::End => {
                    assert!(head.framing.is_done());
                    whole = Some((head.status.as_u16(), head.keeps));
                    break;
                }
                Part::Broken => return Told::Broken,
            }
        }
    }
    match (whole, answer) {
        (Some((status, keeps)), _) => Told::Whole { status, body, keeps, left: buffer.len() },
        (None, Some(head)) if head.framing == Framing::UntilClose => {
            Told::Whole { status: head.status.as_u16(), body, keeps: head.keeps, left: 0 }
        }
        (None, _) => Told::Unfinished,
    }
}

fuzz_target!(|input: (u8, u8, &[u8])| {
    let begin: &[u8] = match input.0 % 4 {
        0 => b"",
        1 => b"HTTP/1.1 200 OK\r\n",
        2 => b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n",
        _ => b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 3\r\n",
    };
    let bytes = [begin, input.2].concat();
    let whole = tell(&mut std::iter::once(&bytes[..]));
    let parts = tell(&mut bytes.chunks(usize::from(input.1) + 1));
    // Nothing at all is no part.
    if !bytes.is_empty() {
        assert_eq!(whole, parts);
    }
});
