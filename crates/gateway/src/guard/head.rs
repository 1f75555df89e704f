//! The lines of a request head, one at a time.

use crate::limits::{HEADERS_COUNT_MAX, URL_BYTES_MAX};

/// Why a request is refused before it is a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    /// It can be read in more than one way, or in none.
    Malformed,
    /// Its head is over the limit.
    HeadTooLarge,
    /// Its target is over the limit.
    UrlTooLong,
}

/// The method of the request that stands in for a refused one.
const STAND_IN_METHOD: &str = "REFUSED";

impl Refused {
    /// The request that hyper gets to see instead. A client that sends it itself is refused in the same way.
    pub const fn stand_in(self) -> &'static [u8] {
        match self {
            Self::Malformed => b"REFUSED /400 HTTP/1.1\r\nhost: refused\r\nconnection: close\r\n\r\n",
            Self::HeadTooLarge => b"REFUSED /431 HTTP/1.1\r\nhost: refused\r\nconnection: close\r\n\r\n",
            Self::UrlTooLong => b"REFUSED /414 HTTP/1.1\r\nhost: refused\r\nconnection: close\r\n\r\n",
        }
    }

    /// Tells a stand-in from a request.
    pub fn of(method: &str, path: &str) -> Option<Self> {
        if method != STAND_IN_METHOD {
            return None;
        }
        Some(match path {
            "/431" => Self::HeadTooLarge,
            "/414" => Self::UrlTooLong,
            _ => Self::Malformed,
        })
    }
}

/// How the body of a request is delimited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Framing {
    /// By its length; 0 is no body.
    Length(u64),
    /// By chunks.
    Chunked,
    /// The connection stops being HTTP if the gateway agrees, and ends if it doesn't.
    Tunnel,
}

/// What the lines of a head said so far.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct HeadLines {
    lines: usize,
    old_version: bool,
    connects_by_authority: Option<Vec<u8>>,
    host: Option<Vec<u8>>,
    content_length: Option<u64>,
    chunked: bool,
    websocket: bool,
}

impl HeadLines {
    /// Takes in one line without its CRLF; an empty one ends the head.
    pub(super) fn take(&mut self, line: &[u8]) -> Result<Option<Framing>, Refused> {
        if self.lines == 0 {
            self.request_line(line)?;
        } else if line.is_empty() {
            return self.finish().map(Some);
        } else {
            self.field(line)?;
        }
        self.lines += 1;
        Ok(None)
    }

    /// Whether the request line is still to come.
    pub(super) const fn at_start(&self) -> bool {
        self.lines == 0
    }

    fn request_line(&mut self, line: &[u8]) -> Result<(), Refused> {
        let mut parts = line.split(|byte| *byte == b' ');
        let (Some(method), Some(target), Some(version), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(Refused::Malformed);
        };
        if method.is_empty() || !method.iter().all(|byte| is_token(*byte)) {
            return Err(Refused::Malformed);
        }
        self.old_version = match version {
            b"HTTP/1.1" => false,
            b"HTTP/1.0" => true,
            _ => return Err(Refused::Malformed),
        };
        if target.len() > URL_BYTES_MAX {
            return Err(Refused::UrlTooLong);
        }
        self.target(method, target)
    }

    fn target(&mut self, method: &[u8], target: &[u8]) -> Result<(), Refused> {
        if target == b"*" && method == b"OPTIONS" {
            return Ok(());
        }
        let origin_form = if target.first() == Some(&b'/') {
            target
        } else {
            let rest = strip_scheme(target).ok_or(Refused::Malformed)?;
            // Where hyper can't read it, hyper answers by itself, without anything that every answer carries.
            if http::Uri::try_from(target).is_err() {
                return Err(Refused::Malformed);
            }
            let end = rest.iter().position(|byte| matches!(byte, b'/' | b'?')).unwrap_or(rest.len());
            self.connects_by_authority = Some(rest[..end].to_vec());
            &rest[end..]
        };
        let query = origin_form.iter().position(|byte| *byte == b'?').unwrap_or(origin_form.len());
        let plain = all(&origin_form[..query], is_path) && all(&origin_form[query..], is_query);
        if plain { Ok(()) } else { Err(Refused::Malformed) }
    }

    fn field(&mut self, line: &[u8]) -> Result<(), Refused> {
        if self.lines > HEADERS_COUNT_MAX {
            return Err(Refused::HeadTooLarge);
        }
        let colon = line.iter().position(|byte| !is_token(*byte)).ok_or(Refused::Malformed)?;
        // A line that begins with a space would continue the one before; a space before the colon would hide a name.
        if colon == 0 || line[colon] != b':' || !all(&line[colon + 1..], is_value) {
            return Err(Refused::Malformed);
        }
        let (name, value) = (&line[..colon], line[colon + 1..].trim_ascii());
        match name.len() {
            4 if name.eq_ignore_ascii_case(b"host") => self.host(value),
            7 if name.eq_ignore_ascii_case(b"upgrade") => {
                self.websocket |= value.eq_ignore_ascii_case(b"websocket");
                Ok(())
            }
            14 if name.eq_ignore_ascii_case(b"content-length") => self.content_length(value),
            17 if name.eq_ignore_ascii_case(b"transfer-encoding") => self.transfer_encoding(value),
            _ => Ok(()),
        }
    }

    fn host(&mut self, value: &[u8]) -> Result<(), Refused> {
        let plain = value.iter().all(|byte| is_host(*byte));
        if self.host.is_some() || !plain {
            return Err(Refused::Malformed);
        }
        self.host = Some(if self.connects_by_authority.is_some() { value.to_vec() } else { Vec::new() });
        Ok(())
    }

    fn content_length(&mut self, value: &[u8]) -> Result<(), Refused> {
        const DIGITS_MAX: usize = 18;
        let digits = !value.is_empty() && value.len() <= DIGITS_MAX && value.iter().all(u8::is_ascii_digit);
        if self.content_length.is_some() || self.chunked || !digits {
            return Err(Refused::Malformed);
        }
        self.content_length = Some(value.iter().fold(0, |sum, digit| sum * 10 + u64::from(digit - b'0')));
        Ok(())
    }

    fn transfer_encoding(&mut self, value: &[u8]) -> Result<(), Refused> {
        let alone = !self.chunked && self.content_length.is_none() && !self.old_version;
        if !alone || !value.eq_ignore_ascii_case(b"chunked") {
            return Err(Refused::Malformed);
        }
        self.chunked = true;
        Ok(())
    }

    fn finish(&mut self) -> Result<Framing, Refused> {
        if self.host.is_none() && !self.old_version {
            return Err(Refused::Malformed);
        }
        if let Some(authority) = &self.connects_by_authority
            && !self.host.as_ref().is_some_and(|host| host.eq_ignore_ascii_case(authority))
        {
            return Err(Refused::Malformed);
        }
        let framing = match (self.chunked, self.content_length.unwrap_or(0)) {
            (true, _) => Framing::Chunked,
            (false, length) => Framing::Length(length),
        };
        match (self.websocket, framing) {
            (false, framing) => Ok(framing),
            (true, Framing::Length(0)) => Ok(Framing::Tunnel),
            (true, _) => Err(Refused::Malformed),
        }
    }
}

fn strip_scheme(target: &[u8]) -> Option<&[u8]> {
    [b"http://".as_slice(), b"https://"]
        .into_iter()
        .find(|scheme| target.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme)))
        .map(|scheme| &target[scheme.len()..])
}

/// Characters of methods and field names (RFC 9110, 5.6.2).
pub(super) const fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(
            byte,
            b'!' | b'#'
                | b'$'
                | b'%'
                | b'&'
                | b'\''
                | b'*'
                | b'+'
                | b'-'
                | b'.'
                | b'^'
                | b'_'
                | b'`'
                | b'|'
                | b'~'
        )
}

/// Whether all bytes are of a kind. Looks at every one whatever comes, which compilers turn into a look at many at once.
fn all(bytes: &[u8], is: impl Fn(u8) -> bool) -> bool {
    bytes.iter().fold(true, |good, byte| good & is(*byte))
}

const fn is_value(byte: u8) -> bool {
    byte == b'\t' || (byte >= b' ' && byte != 0x7f)
}

const fn is_host(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b':' | b'[' | b']')
}

const fn is_path(byte: u8) -> bool {
    byte.is_ascii_graphic()
        && !matches!(byte, b'"' | b'#' | b'<' | b'>' | b'\\' | b'^' | b'`' | b'{' | b'|' | b'}')
}

const fn is_query(byte: u8) -> bool {
    byte.is_ascii_graphic() && !matches!(byte, b'"' | b'#' | b'<' | b'>')
}
