//! WebSocket frames, built and read without a library that would refuse to send a wrong one.

pub(crate) const CONTINUATION: u8 = 0x0;
pub(crate) const TEXT: u8 = 0x1;
pub(crate) const BINARY: u8 = 0x2;
pub(crate) const CLOSE: u8 = 0x8;
pub(crate) const PING: u8 = 0x9;
pub(crate) const PONG: u8 = 0xA;

/// A whole frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Frame {
    pub(crate) opcode: u8,
    pub(crate) payload: Vec<u8>,
}

impl Frame {
    /// Takes the first frame of these bytes, if it is whole, and tells how long it is.
    pub(crate) fn take(bytes: &[u8]) -> Option<(Self, usize)> {
        let (first, second) = (*bytes.first()?, *bytes.get(1)?);
        let (length, mut at) = match second & 0x7f {
            126 => (usize::from(u16::from_be_bytes(bytes.get(2..4)?.try_into().ok()?)), 4),
            127 => (usize::try_from(u64::from_be_bytes(bytes.get(2..10)?.try_into().ok()?)).ok()?, 10),
            short => (usize::from(short), 2),
        };
        let mask: [u8; 4] = if second & 0x80 == 0 {
            [0; 4]
        } else {
            at += 4;
            bytes.get(at - 4..at)?.try_into().ok()?
        };
        let masked = bytes.get(at..at.checked_add(length)?)?;
        let payload = masked.iter().enumerate().map(|(index, byte)| byte ^ mask[index % 4]).collect();
        Some((Self { opcode: first & 0x0f, payload }, at + length))
    }

    /// The code of a close frame.
    pub(crate) fn close_code(&self) -> Option<u16> {
        let code = self.payload.get(..2)?;
        (self.opcode == CLOSE).then(|| u16::from_be_bytes([code[0], code[1]]))
    }
}

/// A final frame, masked as clients must, or not.
pub(crate) fn build(opcode: u8, payload: &[u8], mask: Option<[u8; 4]>) -> Vec<u8> {
    raw(0x80 | opcode, payload.len() as u64, payload, mask)
}

/// A frame with any first byte and any declared length.
pub(crate) fn raw(first: u8, declared: u64, payload: &[u8], mask: Option<[u8; 4]>) -> Vec<u8> {
    let masked = if mask.is_some() { 0x80 } else { 0 };
    let mut frame = vec![first];
    match declared {
        0..126 => frame.push(masked | declared as u8),
        126..65536 => {
            frame.push(masked | 126);
            frame.extend((declared as u16).to_be_bytes());
        }
        _ => {
            frame.push(masked | 127);
            frame.extend(declared.to_be_bytes());
        }
    }
    let mask = mask.inspect(|mask| frame.extend(mask)).unwrap_or_default();
    frame.extend(payload.iter().enumerate().map(|(index, byte)| byte ^ mask[index % 4]));
    frame
}
