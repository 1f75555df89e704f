use proptest::prelude::*;

use super::*;

fn read(bytes: &[u8], method: &Method) -> Result<Option<(AnswerHead, BytesMut)>, AnswerError> {
    let mut buffer = BytesMut::from(bytes);
    Ok(read_answer(&mut buffer, method)?.map(|head| (head, buffer)))
}

fn body(bytes: &[u8]) -> Option<Vec<u8>> {
    let (mut head, mut buffer) = read(bytes, &Method::GET).ok()??;
    let mut body = Vec::new();
    loop {
        match head.framing.take(&mut buffer) {
            Part::Data(data) => body.extend_from_slice(&data),
            Part::End => return Some(body),
            Part::More if head.framing == Framing::UntilClose => return Some(body),
            Part::More | Part::Broken => return None,
        }
    }
}

/// A request is written as it was decided upon: its target, its headers, nothing else.
#[test]
fn a_request_is_written_whole() {
    let mut lines = HeaderLines::default();
    lines.field(&HeaderName::from_static("voxgate-project"), &HeaderValue::from_static("7"));
    let mut head = RequestHead::new(&Method::DELETE, "/base", "/v2/jobs/a1?force=true").unwrap();
    head.field(&http::header::HOST, &HeaderValue::from_static("engine:1"));
    head.lines(&lines);
    assert_eq!(
        std::str::from_utf8(head.bytes()).unwrap(),
        "DELETE /base/v2/jobs/a1?force=true HTTP/1.1\r\nhost: engine:1\r\nvoxgate-project: 7\r\n\r\n"
    );
}

/// No path can end its line and begin another.
#[test]
fn a_target_stays_in_its_line() {
    for path in ["", "/a b", "/a\r\nx: y", "/a\n", "/\u{e9}", "/\0", "/a\t"] {
        assert!(RequestHead::new(&Method::GET, "", path).is_err(), "{path:?}");
        assert!(path.is_empty() || RequestHead::new(&Method::GET, path, "/a").is_err(), "{path:?}");
    }
    assert!(RequestHead::new(&Method::GET, "", "/v2/jobs?x=%0d%0a").is_ok());
}

/// Bodies come out whole, by every kind of framing, and interim answers aren't taken for the answer.
#[test]
fn bodies_are_read_by_every_framing() {
    for (answer, expected) in [
        ("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", "{}"),
        ("HTTP/1.1 200 OK\r\ntransfer-encoding: Chunked\r\n\r\n2;x\r\n{}\r\n0\r\na: b\r\n\r\n", "{}"),
        ("HTTP/1.0 200 OK\r\n\r\n{}", "{}"),
        (
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nlink: x\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}",
            "{}",
        ),
        ("HTTP/1.1 204 No Content\r\n\r\n", ""),
        ("HTTP/1.1 304 Not Modified\r\ncontent-length: 9\r\n\r\n", ""),
    ] {
        assert_eq!(body(answer.as_bytes()).as_deref(), Some(expected.as_bytes()), "{answer:?}");
    }
    let (head, _) = read(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n", &Method::HEAD).unwrap().unwrap();
    assert!(head.framing.is_done());
}

/// An answer that two readers could end at different places is none: what follows would be taken for the next client's.
#[test]
fn unclear_framing_is_refused() {
    for headers in [
        "content-length: 2\r\ntransfer-encoding: chunked",
        "content-length: 2\r\ncontent-length: 2",
        "content-length: 2, 2",
        "content-length: +2",
        "content-length: ",
        "content-length: 99999999999999999999",
        "transfer-encoding: gzip, chunked",
        "transfer-encoding: chunked\r\ntransfer-encoding: chunked",
        "transfer-encoding: identity",
    ] {
        let answer = format!("HTTP/1.1 200 OK\r\n{headers}\r\n\r\n{{}}");
        assert!(matches!(read(answer.as_bytes(), &Method::GET), Err(AnswerError::Framing)), "{headers}");
    }
    assert!(matches!(
        read(b"HTTP/1.0 200 OK\r\ntransfer-encoding: chunked\r\n\r\n", &Method::GET),
        Err(AnswerError::Framing)
    ));
    assert!(matches!(read(b"HTTP/1.1 101 Switching\r\n\r\n", &Method::GET), Err(AnswerError::Switched)));
    for malformed in ["HTTP/2.0 200 OK\r\n\r\n", "SSH-2.0-x\r\n\r\n", "HTTP/1.1 200 OK\r\na b: c\r\n\r\n"] {
        assert!(
            matches!(read(malformed.as_bytes(), &Method::GET), Err(AnswerError::Malformed(_))),
            "{malformed}"
        );
    }
}

/// A connection is used again only where both sides know that the answer is over.
#[test]
fn connections_are_kept_where_the_end_is_known() {
    for (answer, keeps) in [
        ("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n", true),
        ("HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: keep-alive, Close\r\n\r\n", false),
        ("HTTP/1.0 200 OK\r\ncontent-length: 0\r\n\r\n", false),
        ("HTTP/1.1 200 OK\r\n\r\n", false),
    ] {
        assert_eq!(read(answer.as_bytes(), &Method::GET).unwrap().unwrap().0.keeps, keeps, "{answer:?}");
    }
}

/// Heads end somewhere: at the limit they are read, over it they are refused, whether their end came or not.
#[test]
fn limits_hold_on_both_sides() {
    let head = |bytes: usize| {
        let frame = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\na: \r\n\r\n".len();
        format!("HTTP/1.1 200 OK\r\ncontent-length: 0\r\na: {}\r\n\r\n", "x".repeat(bytes - frame))
    };
    assert!(read(head(ENGINE_HEAD_BYTES_MAX).as_bytes(), &Method::GET).unwrap().is_some());
    let longer = head(ENGINE_HEAD_BYTES_MAX + 1);
    for bytes in [longer.as_bytes(), &longer.as_bytes()[..ENGINE_HEAD_BYTES_MAX]] {
        assert!(matches!(read(bytes, &Method::GET), Err(AnswerError::HeadTooLarge)));
    }
    let lines = |count: usize| format!("HTTP/1.1 200 OK\r\n{}\r\n", "a: b\r\n".repeat(count));
    assert!(read(lines(ENGINE_HEADERS_COUNT_MAX).as_bytes(), &Method::GET).unwrap().is_some());
    assert!(matches!(
        read(lines(ENGINE_HEADERS_COUNT_MAX + 1).as_bytes(), &Method::GET),
        Err(AnswerError::HeadTooLarge)
    ));
}

proptest! {
    /// However an answer arrives in pieces, it is the same answer.
    #[test]
    fn cuts_change_nothing(cut in 0_usize..80) {
        let answer = b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n";
        let mut buffer = BytesMut::from(&answer[..cut]);
        let early = read_answer(&mut buffer, &Method::GET).unwrap();
        buffer.extend_from_slice(&answer[cut..]);
        let mut head = match early {
            Some(head) => head,
            None => read_answer(&mut buffer, &Method::GET).unwrap().unwrap(),
        };
        prop_assert_eq!(&head.headers["content-type"], "text/plain");
        prop_assert_eq!(head.framing.take(&mut buffer), Part::Data(Bytes::from_static(b"{}")));
        prop_assert_eq!(head.framing.take(&mut buffer), Part::End);
        prop_assert!(buffer.is_empty() && head.framing.is_done());
    }

    /// Whatever an engine sends, nothing panics, and no more is taken than was sent.
    #[test]
    fn any_bytes_are_survived(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        for prefix in ["", "HTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"] {
            let mut all = prefix.as_bytes().to_vec();
            all.extend_from_slice(&bytes);
            let _ = body(&all);
        }
    }
}
