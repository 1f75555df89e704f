//! An HTTP/2 client that sends whatever frames a test wants.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};

use crate::world::soon;

pub const DATA: u8 = 0x0;
pub const HEADERS: u8 = 0x1;
pub const PRIORITY: u8 = 0x2;
pub const RST_STREAM: u8 = 0x3;
pub const SETTINGS: u8 = 0x4;
pub const PING: u8 = 0x6;
pub const GOAWAY: u8 = 0x7;
pub const WINDOW_UPDATE: u8 = 0x8;
pub const CONTINUATION: u8 = 0x9;

pub const END_STREAM: u8 = 0x1;
pub const ACK: u8 = 0x1;
pub const END_HEADERS: u8 = 0x4;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    pub kind: u8,
    pub flags: u8,
    pub stream: u32,
    pub payload: Vec<u8>,
}

/// A frame as it goes over the wire.
pub fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let mut bytes = u32::try_from(payload.len()).unwrap().to_be_bytes()[1..].to_vec();
    bytes.extend([kind, flags]);
    bytes.extend(stream.to_be_bytes());
    bytes.extend(payload);
    bytes
}

/// A header block that needs no table: every field is written out (RFC 7541, 6.2.2).
pub fn block(fields: &[(&str, &str)]) -> Vec<u8> {
    let mut block = Vec::new();
    for (name, value) in fields {
        block.push(0);
        for text in [name, value] {
            length(&mut block, text.len());
            block.extend(text.as_bytes());
        }
    }
    block
}

fn length(block: &mut Vec<u8>, mut length: usize) {
    const PREFIX_MAX: usize = 127;
    if length < PREFIX_MAX {
        return block.push(u8::try_from(length).unwrap());
    }
    block.push(127);
    length -= PREFIX_MAX;
    while length >= 128 {
        block.push(u8::try_from(length % 128 + 128).unwrap());
        length /= 128;
    }
    block.push(u8::try_from(length).unwrap());
}

/// The fields of a request.
pub fn request<'a>(method: &'a str, path: &'a str, authorization: &'a str) -> Vec<(&'a str, &'a str)> {
    vec![
        (":method", method),
        (":scheme", "http"),
        (":authority", "a"),
        (":path", path),
        ("authorization", authorization),
    ]
}

pub struct RawHttp2 {
    read: OwnedReadHalf,
    write: OwnedWriteHalf,
}

impl RawHttp2 {
    /// Connects and says hello.
    pub async fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        let (read, write) = stream.into_split();
        let mut client = Self { read, write };
        client.send(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await;
        client.send(&frame(SETTINGS, 0, 0, &[])).await;
        client
    }

    pub async fn send(&mut self, bytes: &[u8]) {
        soon(self.write.write_all(bytes)).await.unwrap();
    }

    /// The next frame; none where the connection is over.
    pub async fn next(&mut self) -> Option<Frame> {
        soon(next(&mut self.read)).await
    }

    /// The next frame that `wanted` wants; others are skipped.
    pub async fn until(&mut self, wanted: impl Fn(&Frame) -> bool) -> Frame {
        loop {
            let frame = self.next().await.expect("the connection is still there");
            if wanted(&frame) {
                return frame;
            }
        }
    }

    /// Asks whether the other end is there.
    pub async fn ping(&mut self) -> bool {
        if soon(self.write.write_all(&frame(PING, 0, 0, b"are you?"))).await.is_err() {
            return false;
        }
        loop {
            match self.next().await {
                Some(answer) if answer.kind == PING && answer.flags & ACK != 0 => return true,
                Some(_) => {}
                None => return false,
            }
        }
    }

    /// Sends the same bytes again and again, and reads all the while, until the other end has had enough. Returns what it said
    /// last: the error code of its GOAWAY, if it sent one. None where all was taken.
    pub async fn flood(self, count: usize, mut bytes: impl FnMut(usize) -> Vec<u8>) -> Option<Option<u32>> {
        let Self { mut read, mut write } = self;
        let reading = tokio::spawn(async move {
            let mut code = None;
            while let Some(frame) = next(&mut read).await {
                if frame.kind == GOAWAY {
                    code = Some(u32::from_be_bytes(frame.payload[4..8].try_into().unwrap()));
                }
            }
            code
        });
        for number in 0..count {
            if soon(write.write_all(&bytes(number))).await.is_err() {
                return Some(soon(reading).await.unwrap());
            }
        }
        // All was sent. Whoever has had enough hangs up; whoever hasn't, goes on when the flood is over.
        drop(soon(write.write_all(&frame(PING, 0, 0, b"the last"))).await);
        match tokio::time::timeout(std::time::Duration::from_secs(2), reading).await {
            Ok(code) => Some(code.unwrap()),
            Err(_) => None,
        }
    }
}

async fn next(read: &mut OwnedReadHalf) -> Option<Frame> {
    let mut header = [0; 9];
    read.read_exact(&mut header).await.ok()?;
    let length = u32::from_be_bytes([0, header[0], header[1], header[2]]);
    let mut payload = vec![0; usize::try_from(length).unwrap()];
    read.read_exact(&mut payload).await.ok()?;
    let stream = u32::from_be_bytes(header[5..9].try_into().unwrap()) & 0x7fff_ffff;
    Some(Frame { kind: header[3], flags: header[4], stream, payload })
}
