//! Follows the frames of one direction of a WebSocket (RFC 6455) without decoding what is in them.
//!
//! Sans-I/O: bytes go in, events come out, nothing is buffered but a header that has not arrived whole.
//! However the bytes are split, the events are the same.

/// The longest frame header.
pub const HEADER_BYTES_MAX: usize = 14;
/// The payload of one frame.
pub const FRAME_BYTES_MAX: u64 = 16 << 20;
/// The payload of one message, over all its frames.
pub const MESSAGE_BYTES_MAX: u64 = 64 << 20;
/// The payload of a control frame (RFC 6455, section 5.5).
pub const CONTROL_BYTES_MAX: u64 = 125;

/// Who sends the frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sender {
    /// A client: its frames must be masked.
    Client,
    /// An engine: its frames must not be masked.
    Engine,
}

/// What a frame is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Opcode {
    /// Goes on with the message.
    Continuation,
    /// Begins a text message.
    Text,
    /// Begins a binary message.
    Binary,
    /// Closes.
    Close,
    /// Asks for a pong.
    Ping,
    /// Answers a ping.
    Pong,
}

impl Opcode {
    const fn from_bits(bits: u8) -> Option<Self> {
        match bits {
            0 => Some(Self::Continuation),
            1 => Some(Self::Text),
            2 => Some(Self::Binary),
            8 => Some(Self::Close),
            9 => Some(Self::Ping),
            10 => Some(Self::Pong),
            _ => None,
        }
    }

    const fn bits(self) -> u8 {
        match self {
            Self::Continuation => 0,
            Self::Text => 1,
            Self::Binary => 2,
            Self::Close => 8,
            Self::Ping => 9,
            Self::Pong => 10,
        }
    }

    /// Whether it may stand between the frames of a message.
    pub const fn is_control(self) -> bool {
        matches!(self, Self::Close | Self::Ping | Self::Pong)
    }
}

/// The header of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// What the frame is.
    pub opcode: Opcode,
    /// What the message is that the frame belongs to; for a control frame, its own opcode.
    pub message: Opcode,
    /// Whether the message ends with this frame.
    pub last: bool,
    /// The length of the payload.
    pub payload_bytes: u64,
    /// What the payload is masked with.
    pub mask: Option<[u8; 4]>,
    /// The length of the header itself.
    pub header_bytes: u8,
}

/// What the next bytes were.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// A part of a header; more is needed to say anything.
    Partial,
    /// A header is complete. A frame without payload ends with it.
    Begin(Header),
    /// Payload of the current frame.
    Payload {
        /// The frame's header.
        header: Header,
        /// Where in the frame's payload it lies.
        offset: u64,
    },
}

/// One step: how many bytes were taken, and what they were.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    /// How many bytes of the input the event covers; at least one, unless the input was empty.
    pub taken: usize,
    /// What they were.
    pub event: Event,
}

/// Bytes that are no valid frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Violation {
    /// A reserved bit without an extension that gives it a meaning.
    #[error("a reserved bit of a frame is set, and no extension was negotiated")]
    ReservedBits,
    /// An opcode that RFC 6455 reserves.
    #[error("a frame has an unknown opcode")]
    UnknownOpcode,
    /// A control frame in several parts.
    #[error("a control frame is fragmented")]
    FragmentedControl,
    /// A control frame with too much in it.
    #[error("a control frame is longer than {CONTROL_BYTES_MAX} bytes")]
    LongControl,
    /// A close frame whose payload can't be a code and a reason.
    #[error("the payload of a close frame is one byte long, which is no close code")]
    ShortClose,
    /// A client's frame without mask.
    #[error("a frame of the client is not masked")]
    Unmasked,
    /// An engine's frame with a mask.
    #[error("a frame of the engine is masked")]
    Masked,
    /// A continuation with nothing to go on with.
    #[error("a continuation frame comes outside a message")]
    StrayContinuation,
    /// A message inside another.
    #[error("a message begins before the one before it has ended")]
    NestedMessage,
    /// A length in a longer form than needed, or beyond 63 bits.
    #[error("the length of a frame is not in its shortest form")]
    BadLength,
    /// A frame beyond [`FRAME_BYTES_MAX`].
    #[error("a frame is longer than {FRAME_BYTES_MAX} bytes")]
    LongFrame,
    /// A message beyond [`MESSAGE_BYTES_MAX`].
    #[error("a message is longer than {MESSAGE_BYTES_MAX} bytes")]
    LongMessage,
    /// Bytes after the close frame.
    #[error("something follows the close frame")]
    AfterClose,
}

impl Violation {
    /// The close code that tells it (RFC 6455, section 7.4.1).
    pub const fn close_code(self) -> u16 {
        match self {
            Self::LongFrame | Self::LongMessage => 1009,
            _ => 1002,
        }
    }
}

/// Follows one direction of a WebSocket.
#[derive(Debug, Clone)]
pub struct Follower {
    sender: Sender,
    /// The bytes of a header that has not arrived whole.
    partial: [u8; HEADER_BYTES_MAX],
    partial_bytes: u8,
    /// The frame whose payload is not over, and how much of it is to come.
    frame: Option<Header>,
    remaining: u64,
    /// The unfinished message: what it is, and how long it is so far.
    message: Option<Opcode>,
    message_bytes: u64,
    closed: bool,
}

impl Follower {
    /// Follows from the first byte after the handshake.
    pub const fn new(sender: Sender) -> Self {
        Self {
            sender,
            partial: [0; HEADER_BYTES_MAX],
            partial_bytes: 0,
            frame: None,
            remaining: 0,
            message: None,
            message_bytes: 0,
            closed: false,
        }
    }

    /// Whether every frame that began has ended: a control frame may be put in here.
    pub const fn is_between_frames(&self) -> bool {
        self.partial_bytes == 0 && self.frame.is_none()
    }

    /// Whether every message that began has ended: a message may be put in here.
    pub const fn is_between_messages(&self) -> bool {
        self.is_between_frames() && self.message.is_none()
    }

    /// Whether a close frame has passed whole. Nothing may follow it.
    pub const fn is_closed(&self) -> bool {
        self.closed && self.is_between_frames()
    }

    /// The frame whose payload comes next, and how many bytes of it are to come.
    pub const fn payload_to_come(&self) -> Option<(Header, u64)> {
        match self.frame {
            Some(header) => Some((header, self.remaining)),
            None => None,
        }
    }

    /// Takes the next event out of `input`. Call it until the input is used up.
    ///
    /// # Errors
    /// When the bytes are no valid frame; the follower must not be used any more then.
    pub fn step(&mut self, input: &[u8]) -> Result<Step, Violation> {
        if let Some(header) = self.frame {
            return Ok(self.take_payload(header, input));
        }
        if input.is_empty() {
            return Ok(Step { taken: 0, event: Event::Partial });
        }
        if self.closed {
            return Err(Violation::AfterClose);
        }
        let mut taken = 0;
        loop {
            let have = usize::from(self.partial_bytes);
            let needed = self.header_bytes_needed()?;
            if have == needed {
                let header = self.read_header(needed)?;
                self.begin(header);
                return Ok(Step { taken, event: Event::Begin(header) });
            }
            let part = (needed - have).min(input.len() - taken);
            if part == 0 {
                return Ok(Step { taken, event: Event::Partial });
            }
            self.partial[have..have + part].copy_from_slice(&input[taken..taken + part]);
            self.partial_bytes += part as u8;
            taken += part;
        }
    }

    /// How many of `bytes` to let through so that afterwards every frame has ended; none if it doesn't end
    /// within them. `bytes` must be what follows, and valid.
    pub fn bytes_to_frame_end(&self, bytes: &[u8]) -> Option<usize> {
        self.bytes_until(bytes, Self::is_between_frames)
    }

    /// How many of `bytes` to let through so that afterwards every message has ended.
    pub fn bytes_to_message_end(&self, bytes: &[u8]) -> Option<usize> {
        self.bytes_until(bytes, Self::is_between_messages)
    }

    /// Takes bytes that another follower has found valid.
    ///
    /// # Errors
    /// When they are not.
    pub fn follow(&mut self, bytes: &[u8]) -> Result<(), Violation> {
        let mut at = 0;
        while at < bytes.len() {
            at += self.step(&bytes[at..])?.taken;
        }
        Ok(())
    }

    fn bytes_until(&self, bytes: &[u8], there: impl Fn(&Self) -> bool) -> Option<usize> {
        let mut ahead = self.clone();
        let mut at = 0;
        while !there(&ahead) {
            if at == bytes.len() {
                return None;
            }
            at += ahead.step(&bytes[at..]).ok()?.taken;
        }
        Some(at)
    }

    fn take_payload(&mut self, header: Header, input: &[u8]) -> Step {
        let taken = usize::try_from(self.remaining).map_or(input.len(), |rest| rest.min(input.len()));
        let offset = header.payload_bytes - self.remaining;
        self.remaining -= taken as u64;
        if self.remaining == 0 {
            self.end(header);
        }
        Step { taken, event: Event::Payload { header, offset } }
    }

    /// The length of the header as far as its first two bytes tell, once they are valid.
    fn header_bytes_needed(&self) -> Result<usize, Violation> {
        if self.partial_bytes < 2 {
            return Ok(2);
        }
        let [first, second, ..] = self.partial;
        if first & 0x70 != 0 {
            return Err(Violation::ReservedBits);
        }
        let opcode = Opcode::from_bits(first & 0x0f).ok_or(Violation::UnknownOpcode)?;
        let last = first & 0x80 != 0;
        match opcode {
            Opcode::Close | Opcode::Ping | Opcode::Pong if !last => return Err(Violation::FragmentedControl),
            Opcode::Continuation if self.message.is_none() => return Err(Violation::StrayContinuation),
            Opcode::Text | Opcode::Binary if self.message.is_some() => return Err(Violation::NestedMessage),
            _ => {}
        }
        let masked = second & 0x80 != 0;
        match self.sender {
            Sender::Client if !masked => return Err(Violation::Unmasked),
            Sender::Engine if masked => return Err(Violation::Masked),
            Sender::Client | Sender::Engine => {}
        }
        let short = second & 0x7f;
        if opcode.is_control() && u64::from(short) > CONTROL_BYTES_MAX {
            return Err(Violation::LongControl);
        }
        if opcode == Opcode::Close && short == 1 {
            return Err(Violation::ShortClose);
        }
        let length_bytes = match short {
            126 => 2,
            127 => 8,
            _ => 0,
        };
        Ok(2 + length_bytes + if masked { 4 } else { 0 })
    }

    /// Reads the header, which is whole and whose first two bytes are valid.
    fn read_header(&self, header_bytes: usize) -> Result<Header, Violation> {
        let [first, second, ..] = self.partial;
        let opcode = Opcode::from_bits(first & 0x0f).ok_or(Violation::UnknownOpcode)?;
        let payload_bytes = self.read_length(second & 0x7f)?;
        let message = match opcode {
            Opcode::Continuation => self.message.ok_or(Violation::StrayContinuation)?,
            other => other,
        };
        if payload_bytes > FRAME_BYTES_MAX {
            return Err(Violation::LongFrame);
        }
        if !opcode.is_control() && self.message_bytes + payload_bytes > MESSAGE_BYTES_MAX {
            return Err(Violation::LongMessage);
        }
        let mask = (second & 0x80 != 0).then(|| {
            let mut mask = [0; 4];
            mask.copy_from_slice(&self.partial[header_bytes - 4..header_bytes]);
            mask
        });
        Ok(Header {
            opcode,
            message,
            last: first & 0x80 != 0,
            payload_bytes,
            mask,
            header_bytes: header_bytes as u8,
        })
    }

    fn read_length(&self, short: u8) -> Result<u64, Violation> {
        match short {
            126 => {
                let length = u64::from(u16::from_be_bytes([self.partial[2], self.partial[3]]));
                if length < 126 { Err(Violation::BadLength) } else { Ok(length) }
            }
            127 => {
                let mut bytes = [0; 8];
                bytes.copy_from_slice(&self.partial[2..10]);
                let length = u64::from_be_bytes(bytes);
                if length <= u64::from(u16::MAX) || length >> 63 != 0 {
                    Err(Violation::BadLength)
                } else {
                    Ok(length)
                }
            }
            short => Ok(u64::from(short)),
        }
    }

    fn begin(&mut self, header: Header) {
        self.partial_bytes = 0;
        if !header.opcode.is_control() {
            self.message = Some(header.message);
            self.message_bytes += header.payload_bytes;
        }
        self.closed = header.opcode == Opcode::Close;
        if header.payload_bytes == 0 {
            self.end(header);
        } else {
            self.frame = Some(header);
            self.remaining = header.payload_bytes;
        }
    }

    fn end(&mut self, header: Header) {
        self.frame = None;
        if header.last && !header.opcode.is_control() {
            self.message = None;
            self.message_bytes = 0;
        }
    }
}

/// Takes the mask off payload that lies at `offset` of its frame.
pub fn unmask(bytes: &mut [u8], mask: [u8; 4], offset: u64) {
    for (index, byte) in bytes.iter_mut().enumerate() {
        *byte ^= mask[(offset as usize).wrapping_add(index) % 4];
    }
}

/// A whole frame of ours: unmasked to a client, masked to an engine.
pub fn build(opcode: Opcode, payload: &[u8], mask: Option<[u8; 4]>) -> Vec<u8> {
    let mut frame = Vec::with_capacity(HEADER_BYTES_MAX + payload.len());
    frame.push(0x80 | opcode.bits());
    let masked = if mask.is_some() { 0x80 } else { 0 };
    match payload.len() {
        length @ 0..=125 => frame.push(masked | length as u8),
        length @ 126..=0xffff => {
            frame.push(masked | 126);
            frame.extend_from_slice(&(length as u16).to_be_bytes());
        }
        length => {
            frame.push(masked | 127);
            frame.extend_from_slice(&(length as u64).to_be_bytes());
        }
    }
    frame.extend_from_slice(&mask.unwrap_or_default()[..if mask.is_some() { 4 } else { 0 }]);
    let body = frame.len();
    frame.extend_from_slice(payload);
    if let Some(mask) = mask {
        unmask(&mut frame[body..], mask, 0);
    }
    frame
}

/// A text frame to a client.
pub fn text(payload: &str) -> Vec<u8> {
    build(Opcode::Text, payload.as_bytes(), None)
}

/// A close frame; a reason beyond what fits is cut at a character.
pub fn close(code: u16, reason: &str, mask: Option<[u8; 4]>) -> Vec<u8> {
    let room = CONTROL_BYTES_MAX as usize - 2;
    let mut end = reason.len().min(room);
    while !reason.is_char_boundary(end) {
        end -= 1;
    }
    let mut payload = Vec::with_capacity(2 + end);
    payload.extend_from_slice(&code.to_be_bytes());
    payload.extend_from_slice(&reason.as_bytes()[..end]);
    build(Opcode::Close, &payload, mask)
}

#[cfg(test)]
#[path = "frame_tests.rs"]
mod tests;
