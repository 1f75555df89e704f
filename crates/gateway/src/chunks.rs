//! Chunked framing (RFC 9112, section 7.1), followed byte by byte: what is data, what is framing, where it ends. Stricter than
//! the RFC asks: what some parsers read in one way and some in another is broken.

use crate::limits::{CHUNK_LINE_BYTES_MAX, TRAILER_BYTES_MAX};

/// Hexadecimal digits of a chunk's size.
const DIGITS_MAX: u8 = 15;

/// Follows one chunked body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chunks {
    state: State,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum State {
    /// At the beginning of, or inside, the line that tells a chunk's size.
    Size { value: u64, digits: u8, extension: bool, bytes: usize, cr: bool },
    /// Inside a chunk's bytes.
    Data(u64),
    /// The CRLF after a chunk; whether the CR was seen.
    DataEnd { cr: bool },
    /// The lines after the last chunk.
    Trailer { bytes: usize, line_bytes: usize, cr: bool },
    /// Behind the last line.
    Done,
}

/// What the next bytes are; the number says how many of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Piece {
    /// Between chunks: lines that tell sizes, trailers.
    Framing(usize),
    /// Bytes of the body.
    Data(usize),
    /// The rest of the framing: the body ends behind it.
    End(usize),
}

/// The framing is broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Broken {
    /// How many of the bytes are good.
    pub good: usize,
}

impl Default for Chunks {
    fn default() -> Self {
        Self { state: State::size() }
    }
}

impl State {
    const fn size() -> Self {
        Self::Size { value: 0, digits: 0, extension: false, bytes: 0, cr: false }
    }
}

impl Chunks {
    /// Tells the bytes apart, from the front. Of bytes that aren't empty at least one is taken, until the end.
    ///
    /// # Errors
    /// When the framing is broken.
    pub fn next(&mut self, bytes: &[u8]) -> Result<Piece, Broken> {
        if let State::Data(left) = &mut self.state {
            let taken = bytes.len().min(usize::try_from(*left).unwrap_or(usize::MAX));
            *left -= taken as u64;
            if *left == 0 {
                self.state = State::DataEnd { cr: false };
            }
            return Ok(Piece::Data(taken));
        }
        for (index, byte) in bytes.iter().copied().enumerate() {
            if matches!(self.state, State::Data(_)) {
                return Ok(Piece::Framing(index));
            }
            self.framing_byte(byte).ok_or(Broken { good: index })?;
            if self.state == State::Done {
                return Ok(Piece::End(index + 1));
            }
        }
        Ok(Piece::Framing(bytes.len()))
    }

    /// Takes in one byte between chunks; `None` where it is broken.
    fn framing_byte(&mut self, byte: u8) -> Option<()> {
        match &mut self.state {
            State::Size { value, digits, extension, bytes, cr } => {
                *bytes += 1;
                if *bytes > CHUNK_LINE_BYTES_MAX {
                    return None;
                }
                match byte {
                    b'\n' if *cr && *digits > 0 => {
                        self.state = match *value {
                            0 => State::Trailer { bytes: 0, line_bytes: 0, cr: false },
                            size => State::Data(size),
                        };
                    }
                    _ if *cr => return None,
                    b'\r' => *cr = true,
                    b';' if *digits > 0 => *extension = true,
                    _ if *extension && is_text(byte) => {}
                    _ if *extension => return None,
                    _ => {
                        let digit = char::from(byte).to_digit(16)?;
                        *digits += 1;
                        if *digits > DIGITS_MAX {
                            return None;
                        }
                        *value = *value << 4 | u64::from(digit);
                    }
                }
            }
            State::DataEnd { cr } => match (*cr, byte) {
                (false, b'\r') => *cr = true,
                (true, b'\n') => self.state = State::size(),
                _ => return None,
            },
            State::Trailer { bytes, line_bytes, cr } => {
                *bytes += 1;
                if *bytes > TRAILER_BYTES_MAX {
                    return None;
                }
                match (byte, *cr) {
                    (b'\n', true) if *line_bytes == 0 => self.state = State::Done,
                    (b'\n', true) => (*line_bytes, *cr) = (0, false),
                    (b'\n', false) | (_, true) => return None,
                    (b'\r', false) => *cr = true,
                    (_, false) if !is_text(byte) => return None,
                    (b' ' | b'\t', false) if *line_bytes == 0 => return None,
                    (_, false) => *line_bytes += 1,
                }
            }
            State::Data(_) | State::Done => {}
        }
        Some(())
    }
}

/// What may stand in extensions and trailers.
const fn is_text(byte: u8) -> bool {
    byte == b'\t' || (byte >= b' ' && byte != 0x7f)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The data of a body, however it is cut; `None` where its framing is broken or doesn't end with the bytes.
    fn data(bytes: &[u8], piece: usize) -> Option<Vec<u8>> {
        let mut chunks = Chunks::default();
        let mut data = Vec::new();
        let mut at = 0;
        while at < bytes.len() {
            let shown = &bytes[at..bytes.len().min(at + piece)];
            match chunks.next(shown).ok()? {
                Piece::Framing(taken) => at += taken,
                Piece::Data(taken) => {
                    data.extend_from_slice(&shown[..taken]);
                    at += taken;
                }
                Piece::End(taken) => return (at + taken == bytes.len()).then_some(data),
            }
        }
        None
    }

    /// Data comes out whole, without extensions and trailers; what is broken gives nothing.
    #[test]
    fn data_and_framing_are_told_apart() {
        assert_eq!(data(b"4\r\nwiki\r\n5;a=\"b\"\r\npedia\r\n0\r\n\r\n", 64), Some(b"wikipedia".to_vec()));
        assert_eq!(data(b"0\r\nvoxgate-project: 9\r\n\r\n", 64), Some(Vec::new()));
        for broken in [
            "4\nwiki\r\n0\r\n\r\n",
            "4\r\nwikipedia\r\n0\r\n\r\n",
            "-4\r\nwiki\r\n",
            " 4\r\n",
            "0\r\n folded\r\n\r\n",
            "4\r\nwiki\r\n0\r\n\r\nx",
        ] {
            assert_eq!(data(broken.as_bytes(), 64), None, "{broken:?}");
        }
    }

    proptest! {
        /// A body that was cut into chunks and sent in pieces of any size comes out as it was.
        #[test]
        fn what_was_chunked_comes_out_whole(
            chunks in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 1..300), 0..6),
            piece in 1_usize..400,
        ) {
            let mut framed = Vec::new();
            for chunk in &chunks {
                framed.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
                framed.extend_from_slice(chunk);
                framed.extend_from_slice(b"\r\n");
            }
            framed.extend_from_slice(b"0\r\n\r\n");
            prop_assert_eq!(data(&framed, piece), Some(chunks.concat()));
        }
    }
}
