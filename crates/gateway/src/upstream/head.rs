//! Heads of HTTP/1.1 as they are spoken with engines (RFC 9112): requests without a body are written, heads of answers read. No I/O.

use std::mem::MaybeUninit;

use bytes::{Buf as _, Bytes, BytesMut};
use http::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_LANGUAGE, CONTENT_LENGTH, CONTENT_RANGE,
    CONTENT_TYPE, ETAG, HeaderName, LAST_MODIFIED, RETRY_AFTER,
};
use http::{HeaderMap, HeaderValue, Method, StatusCode};

use crate::chunks::{Chunks, Piece};
use crate::limits::{ENGINE_HEAD_BYTES_MAX, ENGINE_HEADERS_COUNT_MAX};

/// Headers that an answer usually has.
const HEADERS_USUAL: usize = 8;

/// What clients get to see of an answer's headers. Whether it may be kept, and under which name, isn't the engine's to say.
pub const SHOWN: &[HeaderName] = &[
    CONTENT_TYPE,
    CONTENT_LENGTH,
    CONTENT_ENCODING,
    CONTENT_LANGUAGE,
    CONTENT_RANGE,
    ACCEPT_RANGES,
    ETAG,
    LAST_MODIFIED,
];

/// What the gateway reads for itself. All other headers are the engine's own business.
const OURS: &[HeaderName] = &[RETRY_AFTER, CACHE_CONTROL];

/// Why an answer can't be understood.
#[derive(Debug, thiserror::Error)]
pub enum AnswerError {
    /// It is no HTTP.
    #[error("the engine's answer is no HTTP/1.1")]
    Malformed(#[source] httparse::Error),
    /// Its head is over the limit.
    #[error("the head of the engine's answer is longer than {ENGINE_HEAD_BYTES_MAX} bytes")]
    HeadTooLarge,
    /// Where it ends can be read in more than one way.
    #[error("the engine's answer doesn't say clearly where it ends")]
    Framing,
    /// It speaks something else from here on, which nobody asked for.
    #[error("the engine switched to another protocol")]
    Switched,
    /// It broke off.
    #[error("the engine's connection ended in the middle of its answer")]
    BrokenOff,
    /// Nothing more of it came for too long.
    #[error("the engine stopped in the middle of its answer")]
    Stalled,
}

/// The head of an answer.
#[derive(Debug)]
pub(super) struct AnswerHead {
    pub(super) status: StatusCode,
    /// Those that somebody reads.
    pub(super) headers: HeaderMap,
    pub(super) framing: Framing,
    /// Whether the connection can serve another request behind this answer.
    pub(super) keeps: bool,
}

/// Where a body ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Framing {
    /// After so many bytes more; 0 is the end.
    Length(u64),
    /// With the last chunk.
    Chunked(Chunks),
    /// With the connection.
    UntilClose,
}

/// What there is of a body.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// Bytes of it.
    Data(Bytes),
    /// Nothing before more is read.
    More,
    /// Its end.
    End,
    /// Its framing is broken.
    Broken,
}

/// The head of a request without a body, as it goes over the wire.
#[derive(Debug, Clone)]
pub struct RequestHead {
    method: Method,
    /// Whole at any time: the empty line behind the last header is there.
    bytes: Vec<u8>,
}

/// A target that can't be written into a request line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a path to an engine holds a character that a request line can't: expected visible ASCII")]
pub struct InvalidTarget;

/// Header lines that are made once and sent many times.
#[derive(Debug, Clone, Default)]
pub struct HeaderLines(Vec<u8>);

impl HeaderLines {
    /// Adds a header.
    pub fn field(&mut self, name: &HeaderName, value: &HeaderValue) {
        write_field(&mut self.0, name, value.as_bytes());
    }
}

/// What every line ends with, and what the empty line is.
const LINE_END: &[u8] = b"\r\n";
/// Memory that a head usually takes, in bytes.
const HEAD_BYTES_USUAL: usize = 1024;

impl RequestHead {
    /// A head without headers. The target is `path` below `base`.
    ///
    /// # Errors
    /// When base or path hold a space, a control character or anything beyond ASCII.
    pub fn new(method: &Method, base: &str, path: &str) -> Result<Self, InvalidTarget> {
        if path.is_empty()
            || ![base, path].iter().all(|part| part.bytes().all(|byte| byte.is_ascii_graphic()))
        {
            return Err(InvalidTarget);
        }
        let mut bytes = Vec::with_capacity(HEAD_BYTES_USUAL);
        for part in [method.as_str(), " ", base, path, " HTTP/1.1\r\n\r\n"] {
            bytes.extend_from_slice(part.as_bytes());
        }
        Ok(Self { method: method.clone(), bytes })
    }

    /// Adds a header.
    pub fn field(&mut self, name: &HeaderName, value: &HeaderValue) {
        self.insert(|bytes| write_field(bytes, name, value.as_bytes()));
    }

    /// Adds headers.
    pub fn lines(&mut self, lines: &HeaderLines) {
        self.insert(|bytes| bytes.extend_from_slice(&lines.0));
    }

    /// Writes before the empty line.
    fn insert(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        self.bytes.truncate(self.bytes.len().saturating_sub(LINE_END.len()));
        write(&mut self.bytes);
        self.bytes.extend_from_slice(LINE_END);
    }

    pub(super) const fn method(&self) -> &Method {
        &self.method
    }

    /// The head as it is sent.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

/// Names and values are of types that can hold nothing that ends a line.
fn write_field(bytes: &mut Vec<u8>, name: &HeaderName, value: &[u8]) {
    for part in [name.as_str().as_bytes(), b": ", value, LINE_END] {
        bytes.extend_from_slice(part);
    }
}

/// Reads the head of an answer and takes it off the buffer; `None` before all of it is there. Interim answers are
/// passed over.
pub(super) fn read_answer(buffer: &mut BytesMut, method: &Method) -> Result<Option<AnswerHead>, AnswerError> {
    loop {
        let mut headers = [const { MaybeUninit::uninit() }; ENGINE_HEADERS_COUNT_MAX];
        let mut answer = httparse::Response::new(&mut []);
        let parsed = httparse::ParserConfig::default().parse_response_with_uninit_headers(
            &mut answer,
            buffer,
            &mut headers,
        );
        let length = match parsed {
            Ok(httparse::Status::Complete(length)) if length <= ENGINE_HEAD_BYTES_MAX => length,
            Ok(httparse::Status::Partial) if buffer.len() < ENGINE_HEAD_BYTES_MAX => return Ok(None),
            Ok(_) | Err(httparse::Error::TooManyHeaders) => return Err(AnswerError::HeadTooLarge),
            Err(error) => return Err(AnswerError::Malformed(error)),
        };
        let status =
            answer.code.and_then(|code| StatusCode::from_u16(code).ok()).ok_or(AnswerError::Framing)?;
        if status == StatusCode::SWITCHING_PROTOCOLS {
            return Err(AnswerError::Switched);
        }
        if status.is_informational() {
            buffer.advance(length);
            continue;
        }
        let head = understand(status, answer.version == Some(1), answer.headers, method)?;
        buffer.advance(length);
        return Ok(Some(head));
    }
}

/// What the lines of a head mean.
fn understand(
    status: StatusCode,
    is_1_1: bool,
    lines: &[httparse::Header<'_>],
    method: &Method,
) -> Result<AnswerHead, AnswerError> {
    let mut headers = HeaderMap::with_capacity(HEADERS_USUAL);
    let mut length = None;
    let mut chunked = false;
    let mut closes = !is_1_1;
    for line in lines {
        let is = |name: &str| line.name.eq_ignore_ascii_case(name);
        if is("transfer-encoding") {
            // Beside chunks, engines that were told of no other coding may use none.
            if chunked || !is_1_1 || !line.value.eq_ignore_ascii_case(b"chunked") {
                return Err(AnswerError::Framing);
            }
            chunked = true;
        } else if is("connection") {
            closes |= line
                .value
                .split(|byte| *byte == b',')
                .any(|option| option.trim_ascii().eq_ignore_ascii_case(b"close"));
        } else if let Some(name) = SHOWN.iter().chain(OURS).find(|name| is(name.as_str())) {
            if *name == CONTENT_LENGTH && length.replace(number(line.value)?).is_some() {
                return Err(AnswerError::Framing);
            }
            if let Ok(value) = HeaderValue::from_bytes(line.value) {
                headers.append(name.clone(), value);
            }
        }
    }
    let bodiless =
        *method == Method::HEAD || matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED);
    let framing = match (bodiless, chunked, length) {
        (_, true, Some(_)) => return Err(AnswerError::Framing),
        (true, _, _) => Framing::Length(0),
        (false, true, None) => Framing::Chunked(Chunks::default()),
        (false, false, Some(length)) => Framing::Length(length),
        (false, false, None) => Framing::UntilClose,
    };
    let keeps = !closes && framing != Framing::UntilClose;
    Ok(AnswerHead { status, headers, framing, keeps })
}

/// A `Content-Length`: digits and nothing else.
fn number(value: &[u8]) -> Result<u64, AnswerError> {
    if value.is_empty() || !value.iter().all(u8::is_ascii_digit) {
        return Err(AnswerError::Framing);
    }
    std::str::from_utf8(value).ok().and_then(|text| text.parse().ok()).ok_or(AnswerError::Framing)
}

impl Framing {
    /// Takes the next part of a body off the buffer.
    pub(super) fn take(&mut self, buffer: &mut BytesMut) -> Part {
        match self {
            Self::Length(0) => Part::End,
            _ if buffer.is_empty() => Part::More,
            Self::Length(left) => {
                let taken = buffer.len().min(usize::try_from(*left).unwrap_or(usize::MAX));
                *left -= taken as u64;
                Part::Data(buffer.split_to(taken).freeze())
            }
            Self::UntilClose => Part::Data(buffer.split().freeze()),
            Self::Chunked(chunks) => loop {
                if buffer.is_empty() {
                    return Part::More;
                }
                match chunks.next(buffer) {
                    Ok(Piece::Framing(taken)) => buffer.advance(taken),
                    Ok(Piece::Data(taken)) => return Part::Data(buffer.split_to(taken).freeze()),
                    Ok(Piece::End(taken)) => {
                        buffer.advance(taken);
                        *self = Self::Length(0);
                        return Part::End;
                    }
                    Err(_) => return Part::Broken,
                }
            },
        }
    }

    /// Whether the whole body was taken.
    pub(super) const fn is_done(&self) -> bool {
        matches!(self, Self::Length(0))
    }

    /// How long what is left of the body is, where that is known.
    pub(super) const fn left_bytes(&self) -> Option<u64> {
        match self {
            Self::Length(left) => Some(*left),
            Self::Chunked(_) | Self::UntilClose => None,
        }
    }
}

#[cfg(test)]
mod tests;
