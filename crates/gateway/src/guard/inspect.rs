//! Follows one client's bytes: where a head ends, how long its body is, where the next head begins.

use super::head::{Framing, HeadLines, Refused};
use crate::limits::{CHUNK_LINE_BYTES_MAX, HEAD_BYTES_MAX, TRAILER_BYTES_MAX, URL_BYTES_MAX};

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
    /// At the beginning of, or inside, the line that tells a chunk's size.
    ChunkSize { value: u64, digits: u8, extension: bool, bytes: usize, cr: bool },
    /// Inside a chunk's bytes.
    ChunkData(u64),
    /// The CRLF after a chunk; whether the CR was seen.
    ChunkEnd { cr: bool },
    /// The lines after the last chunk.
    Trailer { bytes: usize, line_bytes: usize, cr: bool },
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

    const fn chunk_size() -> Self {
        Self::ChunkSize { value: 0, digits: 0, extension: false, bytes: 0, cr: false }
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
                State::Length(left) | State::ChunkData(left) => {
                    let taken = rest.len().min(usize::try_from(*left).unwrap_or(usize::MAX));
                    *left -= taken as u64;
                    taken
                }
                State::ChunkSize { .. } | State::ChunkEnd { .. } | State::Trailer { .. } => {
                    match self.chunk_framing(rest) {
                        Ok(taken) => taken,
                        Err(good) => return Step { pass: pass + good, next: Next::Broken },
                    }
                }
            };
            pass += taken;
            self.settle();
        }
        Step { pass, next: Next::More }
    }

    /// Leaves the states in which nothing is left to wait for.
    fn settle(&mut self) {
        match self.state {
            State::Length(0) => self.state = State::head(),
            State::ChunkData(0) => self.state = State::ChunkEnd { cr: false },
            _ => {}
        }
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
                    Framing::Chunked => State::chunk_size(),
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

    /// Takes in the bytes between chunks; how many, or how many are good before one that is broken.
    fn chunk_framing(&mut self, bytes: &[u8]) -> Result<usize, usize> {
        for (index, byte) in bytes.iter().copied().enumerate() {
            if self.chunk_byte(byte).ok_or(index)? {
                return Ok(index + 1);
            }
        }
        Ok(bytes.len())
    }

    /// Takes in one byte between chunks; says whether the state changed to one that isn't between chunks.
    fn chunk_byte(&mut self, byte: u8) -> Option<bool> {
        match &mut self.state {
            State::ChunkSize { value, digits, extension, bytes, cr } => {
                *bytes += 1;
                if *bytes > CHUNK_LINE_BYTES_MAX {
                    return None;
                }
                match byte {
                    b'\n' if *cr && *digits > 0 => {
                        let size = *value;
                        self.state = if size == 0 {
                            State::Trailer { bytes: 0, line_bytes: 0, cr: false }
                        } else {
                            State::ChunkData(size)
                        };
                        return Some(true);
                    }
                    _ if *cr => return None,
                    b'\r' => *cr = true,
                    b';' if *digits > 0 => *extension = true,
                    _ if *extension => {
                        if byte != b'\t' && (byte < b' ' || byte == 0x7f) {
                            return None;
                        }
                    }
                    _ => {
                        const DIGITS_MAX: u8 = 15;
                        let digit = char::from(byte).to_digit(16)?;
                        *digits += 1;
                        if *digits > DIGITS_MAX {
                            return None;
                        }
                        *value = *value << 4 | u64::from(digit);
                    }
                }
                Some(false)
            }
            State::ChunkEnd { cr } => match (*cr, byte) {
                (false, b'\r') => {
                    *cr = true;
                    Some(false)
                }
                (true, b'\n') => {
                    self.state = State::chunk_size();
                    Some(true)
                }
                _ => None,
            },
            State::Trailer { bytes, line_bytes, cr } => {
                *bytes += 1;
                if *bytes > TRAILER_BYTES_MAX {
                    return None;
                }
                match (byte, *cr) {
                    (b'\n', true) if *line_bytes == 0 => {
                        self.state = State::head();
                        return Some(true);
                    }
                    (b'\n', true) => (*line_bytes, *cr) = (0, false),
                    (b'\n', false) | (_, true) => return None,
                    (b'\r', false) => *cr = true,
                    (_, false) if byte != b'\t' && (byte < b' ' || byte == 0x7f) => return None,
                    (b' ' | b'\t', false) if *line_bytes == 0 => return None,
                    (_, false) => *line_bytes += 1,
                }
                Some(false)
            }
            State::Head { .. } | State::Length(_) | State::ChunkData(_) | State::Tunnel => Some(true),
        }
    }
}

/// What a request line has beside its target: a method, two spaces and a version, with room to spare.
const REQUEST_LINE_REST_BYTES: usize = 64;

fn too_large(lines: &HeadLines) -> Refused {
    if lines.at_start() { Refused::UrlTooLong } else { Refused::HeadTooLarge }
}

#[cfg(test)]
mod tests;
