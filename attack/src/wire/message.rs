//! Requests as an engine must be able to read them: strictly, with every oddity noted.

use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;

/// A head that is longer than this is no gateway's.
const HEAD_BYTES_MAX: usize = 64 * 1024;
const HEADERS_COUNT_MAX: usize = 128;

/// A request's head, byte by byte as it came.
#[derive(Debug, Clone, Default)]
pub(crate) struct Head {
    pub(crate) method: String,
    pub(crate) target: String,
    /// The fields in their order; values that aren't UTF-8 show what they are.
    pub(crate) fields: Vec<(String, String)>,
    pub(crate) raw: Vec<u8>,
}

/// A body, and what is wrong with it.
#[derive(Debug, Default)]
pub(crate) struct Body {
    pub(crate) bytes: Vec<u8>,
    pub(crate) fault: Option<String>,
}

/// A request that was listened in to.
#[derive(Debug)]
pub(crate) struct Parsed {
    pub(crate) head: Head,
    pub(crate) body: Vec<u8>,
    pub(crate) fault: Option<String>,
}

impl Head {
    /// What stands for bytes that are no head.
    pub(crate) fn unreadable(bytes: &[u8]) -> Self {
        Self { raw: bytes.to_vec(), target: String::from_utf8_lossy(bytes).into_owned(), ..Self::default() }
    }

    /// All values of a header.
    pub(crate) fn values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.fields
            .iter()
            .filter(move |(other, _)| other.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// The first value of a header.
    pub(crate) fn first<'a>(&'a self, name: &'a str) -> Option<&'a str> {
        self.values(name).next()
    }

    /// Why no gateway may send this head, if so.
    pub(crate) fn fault(&self) -> Option<String> {
        for name in ["host", "content-length", "transfer-encoding", "authorization", "connection"] {
            if self.values(name).count() > 1 {
                return Some(format!("{name} stands there twice"));
            }
        }
        if self.first("content-length").is_some() && self.first("transfer-encoding").is_some() {
            return Some("both Content-Length and Transfer-Encoding".to_owned());
        }
        if self.first("host").is_none() {
            return Some("no Host".to_owned());
        }
        if self.first("voxgate-request-id").is_none() || self.first("voxgate-region").is_none() {
            return Some("the gateway's own headers are missing: it is nobody's request".to_owned());
        }
        if self.raw.split(|byte| *byte == b'\n').any(|line| !line.is_empty() && !line.ends_with(b"\r")) {
            return Some("a bare LF".to_owned());
        }
        let odd = |byte: &u8| !matches!(byte, b'\r' | b'\n' | b'\t' | 0x20..=0x7e | 0x80..);
        self.raw.iter().any(odd).then(|| "a control character".to_owned())
    }
}

/// Reads a head; what is behind it stays in `buffer`. `None` where the connection ended between requests.
pub(crate) async fn read_head(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Result<Option<Head>, String> {
    loop {
        if let Some((head, length)) = parse_head(buffer)? {
            buffer.drain(..length);
            return Ok(Some(head));
        }
        if !more(stream, buffer).await {
            return if buffer.is_empty() { Ok(None) } else { Err("it ends within a head".to_owned()) };
        }
    }
}

fn parse_head(bytes: &[u8]) -> Result<Option<(Head, usize)>, String> {
    let mut fields = [httparse::EMPTY_HEADER; HEADERS_COUNT_MAX];
    let mut request = httparse::Request::new(&mut fields);
    match request.parse(bytes) {
        Ok(httparse::Status::Complete(length)) => {
            let fields = request
                .headers
                .iter()
                .map(|field| (field.name.to_owned(), String::from_utf8_lossy(field.value).into_owned()));
            Ok(Some((
                Head {
                    method: request.method.unwrap_or_default().to_owned(),
                    target: request.path.unwrap_or_default().to_owned(),
                    fields: fields.collect(),
                    raw: bytes[..length].to_vec(),
                },
                length,
            )))
        }
        Ok(httparse::Status::Partial) if bytes.len() < HEAD_BYTES_MAX => Ok(None),
        Ok(httparse::Status::Partial) => Err("an endless head".to_owned()),
        Err(error) => Err(format!("no head: {error}")),
    }
}

/// Reads the body that a head announces.
pub(crate) async fn read_body(
    stream: &mut TcpStream,
    buffer: &mut Vec<u8>,
    head: &Head,
) -> Result<Body, String> {
    loop {
        if let Some((body, length)) = parse_body(buffer, head) {
            buffer.drain(..length);
            return Ok(body);
        }
        if !more(stream, buffer).await {
            return Err("it ends within a body".to_owned());
        }
    }
}

/// The body at the beginning of these bytes, once it is whole, and how long it is on the wire.
fn parse_body(bytes: &[u8], head: &Head) -> Option<(Body, usize)> {
    let Some(coding) = head.first("transfer-encoding") else {
        let Ok(length) = head.first("content-length").unwrap_or("0").parse::<usize>() else {
            return Some((
                Body { bytes: Vec::new(), fault: Some("Content-Length is no number".to_owned()) },
                0,
            ));
        };
        return Some((Body { bytes: bytes.get(..length)?.to_vec(), fault: None }, length));
    };
    if coding != "chunked" {
        return Some((Body { bytes: Vec::new(), fault: Some(format!("Transfer-Encoding: {coding}")) }, 0));
    }
    let mut body = Body::default();
    let mut at = 0;
    loop {
        let end = bytes[at..].windows(2).position(|pair| pair == b"\r\n")? + at;
        let line = String::from_utf8_lossy(&bytes[at..end]).into_owned();
        at = end + 2;
        let Ok(length) = usize::from_str_radix(&line, 16) else {
            body.fault = Some(format!("a chunk's size is {line:?}"));
            return Some((body, at));
        };
        if length == 0 {
            if bytes.get(at..at + 2)? != b"\r\n" {
                body.fault = Some("trailers".to_owned());
            }
            return Some((body, at + 2));
        }
        body.bytes.extend_from_slice(bytes.get(at..at + length)?);
        if bytes.get(at + length..at + length + 2)? != b"\r\n" {
            body.fault = Some("a chunk that doesn't end with CRLF".to_owned());
        }
        at += length + 2;
    }
}

/// The head at the beginning of these bytes, if it is whole and good.
pub(crate) fn whole_head(bytes: &[u8]) -> Option<Head> {
    parse_head(bytes).ok().flatten().map(|(head, _)| head)
}

/// How many of these bytes are the body of this head, once it is whole.
pub(crate) fn body_length(bytes: &[u8], head: &Head) -> Option<usize> {
    parse_body(bytes, head).map(|(_, length)| length)
}

/// Takes every whole request off the beginning of these bytes.
pub(crate) fn parse_all(heard: &mut Vec<u8>) -> Vec<Parsed> {
    let mut found = Vec::new();
    loop {
        let (head, length) = match parse_head(heard) {
            Ok(Some(parsed)) => parsed,
            Ok(None) => return found,
            Err(fault) => {
                found.push(Parsed { head: Head::unreadable(heard), body: Vec::new(), fault: Some(fault) });
                heard.clear();
                return found;
            }
        };
        let Some((body, body_length)) = parse_body(&heard[length..], &head) else { return found };
        let fault = body.fault.or_else(|| head.fault());
        heard.drain(..length + body_length);
        found.push(Parsed { head, body: body.bytes, fault });
    }
}

async fn more(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> bool {
    let mut read = [0; 4 * 1024];
    match stream.read(&mut read).await {
        Ok(0) | Err(_) => false,
        Ok(count) => {
            buffer.extend_from_slice(&read[..count]);
            true
        }
    }
}
