//! HTTP/2 without a library that would refuse to send what a case wants to send.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

pub(crate) const DATA: u8 = 0x0;
pub(crate) const HEADERS: u8 = 0x1;
pub(crate) const RST_STREAM: u8 = 0x3;
pub(crate) const SETTINGS: u8 = 0x4;
pub(crate) const GOAWAY: u8 = 0x7;
pub(crate) const CONTINUATION: u8 = 0x9;

pub(crate) const END_STREAM: u8 = 0x1;
pub(crate) const END_HEADERS: u8 = 0x4;

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const PATIENCE_SECONDS: u64 = 10;

/// What came of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ended {
    /// It was answered with this status.
    Answered(u16),
    /// Its stream was reset.
    Reset,
    /// The whole connection was ended.
    Over,
    /// Nothing came.
    Silence,
}

/// A frame as it goes over the wire.
pub(crate) fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap_or(u32::MAX).to_be_bytes();
    let mut bytes = length[1..].to_vec();
    bytes.extend([kind, flags]);
    bytes.extend(stream.to_be_bytes());
    bytes.extend(payload);
    bytes
}

/// A header block that needs no table: every field is written out (RFC 7541, 6.2.2).
pub(crate) fn block(fields: &[(&[u8], &[u8])]) -> Vec<u8> {
    let mut block = Vec::new();
    for (name, value) in fields {
        block.push(0);
        for text in [name, value] {
            length(&mut block, text.len());
            block.extend_from_slice(text);
        }
    }
    block
}

fn length(block: &mut Vec<u8>, mut length: usize) {
    const PREFIX_MAX: usize = 127;
    if length < PREFIX_MAX {
        return block.push(length as u8);
    }
    block.push(127);
    length -= PREFIX_MAX;
    while length >= 128 {
        block.push((length % 128 + 128) as u8);
        length /= 128;
    }
    block.push(length as u8);
}

/// A connection that speaks HTTP/2 from its first byte on.
#[derive(Debug)]
pub(crate) struct Http2 {
    pub(crate) stream: TcpStream,
    received: Vec<u8>,
}

impl Http2 {
    /// Connects and says hello.
    pub(crate) async fn connect(address: SocketAddr) -> std::io::Result<Self> {
        let mut stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let hello = [PREFACE, &frame(SETTINGS, 0, 0, &[])].concat();
        stream.write_all(&hello).await?;
        Ok(Self { stream, received: Vec::new() })
    }

    /// Sends bytes; false where the other end is gone.
    pub(crate) async fn send(&mut self, bytes: &[u8]) -> bool {
        self.stream.write_all(bytes).await.is_ok()
    }

    /// What becomes of a stream.
    pub(crate) async fn ended(&mut self, wanted: u32) -> Ended {
        let listening = async {
            loop {
                let Some((kind, stream, payload)) = self.next().await else { return Ended::Over };
                match kind {
                    HEADERS if stream == wanted => return Ended::Answered(status(&payload)),
                    RST_STREAM if stream == wanted => return Ended::Reset,
                    GOAWAY => return Ended::Over,
                    _ => {}
                }
            }
        };
        tokio::time::timeout(Duration::from_secs(PATIENCE_SECONDS), listening).await.unwrap_or(Ended::Silence)
    }

    /// The next frame.
    pub(crate) async fn next(&mut self) -> Option<(u8, u32, Vec<u8>)> {
        loop {
            if let Some(head) = self.received.get(..9) {
                let length = usize::from(head[0]) << 16 | usize::from(head[1]) << 8 | usize::from(head[2]);
                let stream = u32::from_be_bytes([head[5] & 0x7f, head[6], head[7], head[8]]);
                let (kind, flags) = (head[3], head[4]);
                if self.received.len() >= 9 + length {
                    let payload = self.received[9..9 + length].to_vec();
                    self.received.drain(..9 + length);
                    if kind == SETTINGS && flags & 1 == 0 {
                        let _ = self.stream.write_all(&frame(SETTINGS, 1, 0, &[])).await;
                    }
                    return Some((kind, stream, payload));
                }
            }
            let mut buffer = [0; 4 * 1024];
            match self.stream.read(&mut buffer).await {
                Ok(count @ 1..) => self.received.extend_from_slice(&buffer[..count]),
                Ok(_) | Err(_) => return None,
            }
        }
    }
}

/// The status at the beginning of a header block: indexed, or three digits in plain or in Huffman's code (RFC 7541, appendix B).
fn status(block: &[u8]) -> u16 {
    const INDEXED: [u16; 7] = [200, 204, 206, 304, 400, 404, 500];
    // A change of the table's size may come first.
    let block = if block.first().is_some_and(|byte| byte & 0xe0 == 0x20) { &block[1..] } else { block };
    let (Some(first), second) = (block.first(), block.get(1).copied().unwrap_or_default()) else { return 0 };
    if let Some(status) = first.checked_sub(0x88).and_then(|index| INDEXED.get(usize::from(index))) {
        return *status;
    }
    let value = block.get(2..2 + usize::from(second & 0x7f)).unwrap_or_default();
    if second & 0x80 == 0 {
        return std::str::from_utf8(value).ok().and_then(|text| text.parse().ok()).unwrap_or_default();
    }
    let bits: Vec<u8> = value.iter().flat_map(|byte| (0..8).rev().map(move |bit| byte >> bit & 1)).collect();
    let read = |at: usize, count: usize| {
        bits.get(at..at + count).map(|bits| bits.iter().fold(0_u16, |sum, bit| sum << 1 | u16::from(*bit)))
    };
    let (mut at, mut status) = (0, 0);
    for _ in 0..3 {
        let digit = match read(at, 5) {
            Some(short @ 0..=2) => {
                at += 5;
                short
            }
            _ => {
                let long = read(at, 6).unwrap_or_default();
                at += 6;
                long.saturating_sub(0b01_0110)
            }
        };
        status = status * 10 + digit;
    }
    status
}
