//! WAV files, read as a stream that may be cut at any byte.

use super::sample::{Encoding, Format};
use crate::limits::{
    CHANNELS_MAX, SAMPLE_RATE_HZ_MAX, SAMPLE_RATE_HZ_MIN, WAV_FORMAT_BYTES_MAX, WAV_PREAMBLE_BYTES_MAX,
};

/// What the sandbox can read; part of every refusal.
pub(crate) const READABLE: &str =
    "the sandbox reads WAV files with PCM of 8, 16, 24 or 32 bits, floats, mu-law or A-law";

/// Sizes from here on are what writers put that can't know the length.
const UNKNOWN_BYTES_MIN: u32 = 0xffff_ff00;

/// Why bytes are no WAV file that the sandbox reads.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum WavError {
    #[error("this is {0}, not a WAV file: {READABLE}")]
    OtherContainer(&'static str),
    #[error("this is not a WAV file (it doesn't start with RIFF and WAVE): {READABLE}")]
    NotWav,
    #[error("the WAV file ends before its audio starts")]
    Truncated,
    #[error("the WAV file has its audio before its fmt chunk")]
    AudioBeforeFormat,
    #[error("the WAV file's fmt chunk has {0} bytes, expected 16 to {WAV_FORMAT_BYTES_MAX}")]
    FormatSize(u32),
    #[error("WAV format {tag:#06x} with {bits} bits: {READABLE}")]
    Encoding { tag: u16, bits: u16 },
    #[error("the WAV file has {0} channels, expected 1 to {CHANNELS_MAX}")]
    Channels(u16),
    #[error("the WAV file has {0} samples a second, expected {SAMPLE_RATE_HZ_MIN} to {SAMPLE_RATE_HZ_MAX}")]
    Rate(u32),
    #[error("the WAV file's block align is {found}, expected {expected}")]
    BlockAlign { found: u16, expected: usize },
    #[error("the WAV file has more than {WAV_PREAMBLE_BYTES_MAX} bytes before its audio")]
    Preamble,
}

#[derive(Debug)]
enum State {
    Riff,
    ChunkHead,
    Format(u32),
    Sizes64(u32),
    Skip(u64),
    Audio(Option<u64>),
    Done,
}

/// A WAV file that arrives in pieces. Each [`WavReader::push`] gives back the audio within the piece.
#[derive(Debug)]
pub(crate) struct WavReader {
    state: State,
    /// Bytes of a head that is not complete yet; never more than a fmt chunk.
    pending: Vec<u8>,
    position: u64,
    riff_bytes: u32,
    audio_bytes_64: Option<u64>,
    format: Option<Format>,
}

impl WavReader {
    pub(crate) fn new() -> WavReader {
        WavReader {
            state: State::Riff,
            pending: Vec::new(),
            position: 0,
            riff_bytes: 0,
            audio_bytes_64: None,
            format: None,
        }
    }

    /// The format, as soon as audio may follow.
    pub(crate) fn format(&self) -> Option<Format> {
        self.format.filter(|_| matches!(self.state, State::Audio(_) | State::Done))
    }

    /// Takes the next bytes of the file; gives back the part of them that is audio.
    pub(crate) fn push<'a>(&mut self, mut bytes: &'a [u8]) -> Result<&'a [u8], WavError> {
        loop {
            match self.state {
                State::Riff => match self.gather(&mut bytes, 12) {
                    Some(head) => self.riff(&head)?,
                    None => return self.wait(),
                },
                State::ChunkHead => match self.gather(&mut bytes, 8) {
                    Some(head) => self.chunk(&head)?,
                    None => return self.wait(),
                },
                State::Format(size) => match self.gather(&mut bytes, size as usize) {
                    Some(body) => {
                        self.format = Some(parse_format(&body)?);
                        self.state = State::Skip(u64::from(size % 2));
                    }
                    None => return self.wait(),
                },
                State::Sizes64(size) => match self.gather(&mut bytes, 16) {
                    Some(body) => {
                        self.audio_bytes_64 = Some(u64_at(&body, 8));
                        self.state = State::Skip(u64::from(size - 16 + size % 2));
                    }
                    None => return self.wait(),
                },
                State::Skip(left) => {
                    let step = left.min(bytes.len() as u64);
                    bytes = &bytes[step as usize..];
                    self.position += step;
                    if left > step {
                        self.state = State::Skip(left - step);
                        return self.wait();
                    }
                    self.state = State::ChunkHead;
                }
                State::Audio(None) => return Ok(bytes),
                State::Audio(Some(left)) => {
                    let step = left.min(bytes.len() as u64);
                    self.state = if left == step { State::Done } else { State::Audio(Some(left - step)) };
                    return Ok(&bytes[..step as usize]);
                }
                State::Done => return Ok(&[]),
            }
        }
    }

    /// Says whether the file, now at its end, was one.
    pub(crate) fn finish(&self) -> Result<Format, WavError> {
        if let Some(format) = self.format() {
            return Ok(format);
        }
        if self.position == 0 {
            return Err(sniff(&self.pending));
        }
        Err(WavError::Truncated)
    }

    /// More bytes are needed, if there can be more.
    fn wait(&self) -> Result<&'static [u8], WavError> {
        if self.position > WAV_PREAMBLE_BYTES_MAX {
            return Err(WavError::Preamble);
        }
        Ok(&[])
    }

    /// Moves bytes into `pending` until it holds `wanted` of them.
    fn gather(&mut self, bytes: &mut &[u8], wanted: usize) -> Option<Vec<u8>> {
        let step = (wanted - self.pending.len()).min(bytes.len());
        let (head, rest) = bytes.split_at(step);
        self.pending.extend_from_slice(head);
        *bytes = rest;
        if self.pending.len() < wanted {
            return None;
        }
        self.position += wanted as u64;
        Some(std::mem::take(&mut self.pending))
    }

    fn riff(&mut self, head: &[u8]) -> Result<(), WavError> {
        let magic = matches!(&head[..4], b"RIFF" | b"RF64" | b"BW64");
        if !magic || &head[8..12] != b"WAVE" {
            return Err(sniff(head));
        }
        self.riff_bytes = u32_at(head, 4);
        self.state = State::ChunkHead;
        Ok(())
    }

    fn chunk(&mut self, head: &[u8]) -> Result<(), WavError> {
        let size = u32_at(head, 4);
        self.state = match &head[..4] {
            b"fmt " if self.format.is_none() => {
                if !(16..=WAV_FORMAT_BYTES_MAX).contains(&size) {
                    return Err(WavError::FormatSize(size));
                }
                State::Format(size)
            }
            b"ds64" if size >= 16 => State::Sizes64(size),
            b"data" => {
                if self.format.is_none() {
                    return Err(WavError::AudioBeforeFormat);
                }
                State::Audio(self.audio_bytes(size))
            }
            _ => State::Skip(u64::from(size) + u64::from(size % 2)),
        };
        if let State::Skip(left) = self.state
            && self.position + left > WAV_PREAMBLE_BYTES_MAX
        {
            return Err(WavError::Preamble);
        }
        Ok(())
    }

    /// How much audio follows; `None` means all that comes. Writers that stream leave 0 or a huge number behind.
    fn audio_bytes(&self, size: u32) -> Option<u64> {
        if size >= UNKNOWN_BYTES_MIN {
            return self.audio_bytes_64.filter(|&bytes| bytes > 0);
        }
        if size > 0 {
            return Some(u64::from(size));
        }
        // An empty data chunk is believed only if the file says that other chunks follow it.
        let others_follow =
            self.riff_bytes < UNKNOWN_BYTES_MIN && u64::from(self.riff_bytes) + 8 > self.position;
        others_follow.then_some(0)
    }
}

fn parse_format(body: &[u8]) -> Result<Format, WavError> {
    let (mut tag, channels, rate_hz) = (u16_at(body, 0), u16_at(body, 2), u32_at(body, 4));
    let (block_align, bits) = (u16_at(body, 12), u16_at(body, 14));
    // The extensible format hides the real tag in the first bytes of a GUID.
    if tag == 0xfffe && body.len() >= 26 {
        tag = u16_at(body, 24);
    }
    let encoding = match (tag, bits) {
        (1, 8) => Encoding::U8,
        (1, 16) => Encoding::S16,
        (1, 24) => Encoding::S24,
        (1, 32) => Encoding::S32,
        (3, 32) => Encoding::F32,
        (3, 64) => Encoding::F64,
        (6, 8) => Encoding::ALaw,
        (7, 8) => Encoding::MuLaw,
        _ => return Err(WavError::Encoding { tag, bits }),
    };
    if !(1..=CHANNELS_MAX).contains(&channels) {
        return Err(WavError::Channels(channels));
    }
    if !(SAMPLE_RATE_HZ_MIN..=SAMPLE_RATE_HZ_MAX).contains(&rate_hz) {
        return Err(WavError::Rate(rate_hz));
    }
    let expected = encoding.bytes() * usize::from(channels);
    if usize::from(block_align) != expected && block_align != 0 {
        return Err(WavError::BlockAlign { found: block_align, expected });
    }
    Ok(Format { encoding, channels, rate_hz })
}

/// Names the container, where its first bytes tell.
fn sniff(head: &[u8]) -> WavError {
    let name = match head {
        [0x49, 0x44, 0x33, ..] => "an MP3 file",
        [0xff, second, ..] if second & 0xe0 == 0xe0 => "an MP3 or AAC file",
        [b'f', b'L', b'a', b'C', ..] => "a FLAC file",
        [b'O', b'g', b'g', b'S', ..] => "an Ogg file",
        [b'F', b'O', b'R', b'M', ..] => "an AIFF file",
        [b'#', b'!', b'A', b'M', b'R', ..] => "an AMR file",
        [0x1a, 0x45, 0xdf, 0xa3, ..] => "a Matroska or WebM file",
        [_, _, _, _, b'f', b't', b'y', b'p', ..] => "an MP4 file",
        [] => "an empty file",
        _ => return WavError::NotWav,
    };
    WavError::OtherContainer(name)
}

/// The 44 bytes in front of `audio_bytes` of mono 16 bit samples.
pub(crate) fn header_s16_mono(rate_hz: u32, audio_bytes: u32) -> Vec<u8> {
    let mut header = Vec::with_capacity(44);
    header.extend_from_slice(b"RIFF");
    header.extend_from_slice(&audio_bytes.saturating_add(36).to_le_bytes());
    header.extend_from_slice(b"WAVEfmt ");
    header.extend_from_slice(&16_u32.to_le_bytes());
    header.extend_from_slice(&1_u16.to_le_bytes());
    header.extend_from_slice(&1_u16.to_le_bytes());
    header.extend_from_slice(&rate_hz.to_le_bytes());
    header.extend_from_slice(&(rate_hz * 2).to_le_bytes());
    header.extend_from_slice(&2_u16.to_le_bytes());
    header.extend_from_slice(&16_u16.to_le_bytes());
    header.extend_from_slice(b"data");
    header.extend_from_slice(&audio_bytes.to_le_bytes());
    header
}

fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([bytes[at], bytes[at + 1]])
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from(u16_at(bytes, at)) | u32::from(u16_at(bytes, at + 2)) << 16
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from(u32_at(bytes, at)) | u64::from(u32_at(bytes, at + 4)) << 32
}

#[cfg(test)]
#[path = "wav_tests.rs"]
mod tests;
