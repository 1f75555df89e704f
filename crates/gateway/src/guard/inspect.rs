//! Follows one client's bytes: where a head ends, how long its body is, where the next head begins.

use super::head::{Framing, HeadLines, Refused};
use crate::chunks::{Broken, Chunks, Piece};
use crate::limits::{HEAD_BYTES_MAX, URL_BYTES_MAX};

/// What to do with the bytes that were shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    /// So many of them are good and may be handed on. The rest must be shown again, with what comes next.
    pub pass: usize,
    /// What comes after those.
    pub next: Next,
}

/// What comes after the bytes that may be handed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// More bytes are needed.
    More,
    /// A head that is refused: the connection ends after its answer.
    Refused(Refused),
    /// A body whose framing is broken: the connection ends.
    Broken,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum State {
    /// Inside a head; `seen` bytes of it were examined, up to the beginning of a line.
    Head { lines: HeadLines, line_start: usize, seen: usize },
    /// Inside a body of known length.
    Length(u64),
    /// Inside a chunked body.
    Chunked(Chunks),
    /// No HTTP/1 any more.
    Tunnel,
}

/// Follows one client's bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inspector {
    state: State,
}

impl Default for Inspector {
    fn default() -> Self {
        Self { state: State::head() }
    }
}

impl State {
    fn head() -> Self {
        Self::Head { lines: HeadLines::default(), line_start: 0, seen: 0 }
    }
}

impl Inspector {
    /// One that passes everything, for HTTP/2.
    pub const fn tunnel() -> Self {
        Self { state: State::Tunnel }
    }

    /// Whether everything passes from here on.
    pub const fn is_tunnel(&self) -> bool {
        matches!(self.state, State::Tunnel)
    }

    /// Whether no request is half received.
    pub const fn between_requests(&self) -> bool {
        matches!(&self.state, State::Head { seen: 0, .. })
    }

    /// Whether a body is being received.
    pub const fn in_body(&self) -> bool {
        !matches!(&self.state, State::Head { .. } | State::Tunnel)
    }

    /// Shows bytes: all that were not passed before, and the new ones after them.
    pub fn inspect(&mut self, bytes: &[u8]) -> Step {
        let mut pass = 0;
        while pass < bytes.len() {
            let rest = &bytes[pass..];
            let taken = match &mut self.state {
                State::Tunnel => rest.len(),
                State::Head { .. } => match self.head(rest) {
                    Ok(Some(length)) => length,
                    Ok(None) => return Step { pass, next: Next::More },
                    Err(refused) => return Step { pass, next: Next::Refused(refused) },
                },
                State::Length(left) => {
                    let taken = rest.len().min(usize::try_from(*left).unwrap_or(usize::MAX));
                    *left -= taken as u64;
                    taken
                }
                State::Chunked(chunks) => match chunks.next(rest) {
                    Ok(Piece::Framing(taken) | Piece::Data(taken)) => taken,
                    Ok(Piece::End(taken)) => {
                        self.state = State::head();
                        taken
                    }
                    Err(Broken { good }) => return Step { pass: pass + good, next: Next::Broken },
                },
            };
            pass += taken;
            if self.state == State::Length(0) {
                self.state = State::head();
            }
        }
        Step { pass, next: Next::More }
    }

    /// Examines a head; its length once it is whole.
    fn head(&mut self, bytes: &[u8]) -> Result<Option<usize>, Refused> {
        let State::Head { lines, line_start, seen } = &mut self.state else { return Ok(None) };
        while let Some(offset) = bytes[*seen..].iter().position(|byte| *byte == b'\n') {
            let end = *seen + offset;
            if end + 1 > HEAD_BYTES_MAX {
                return Err(too_large(lines));
            }
            let line = bytes[*line_start..end].strip_suffix(b"\r").ok_or(Refused::Malformed)?;
            let framing = lines.take(line)?;
            *line_start = end + 1;
            *seen = end + 1;
            if let Some(framing) = framing {
                let length = *seen;
                self.state = match framing {
                    Framing::Length(length) => State::Length(length),
                    Framing::Chunked => State::Chunked(Chunks::default()),
                    Framing::Tunnel => State::Tunnel,
                };
                return Ok(Some(length));
            }
        }
        *seen = bytes.len();
        let line_too_long = lines.at_start() && bytes.len() > URL_BYTES_MAX + REQUEST_LINE_REST_BYTES;
        if line_too_long || bytes.len() >= HEAD_BYTES_MAX {
            return Err(too_large(lines));
        }
        Ok(None)
    }
}

/// What a request line has beside its target: a method, two spaces and a version, with room to spare.
const REQUEST_LINE_REST_BYTES: usize = 64;

fn too_large(lines: &HeadLines) -> Refused {
    if lines.at_start() { Refused::UrlTooLong } else { Refused::HeadTooLarge }
}

#[cfg(test)]
mod tests;
