//! How much audio a client has sent: the bytes of its binary messages, over the rate that its first text message
//! (`StartRecognition`) declares. Audio itself is never read, nor any other text.

use std::borrow::Cow;

use serde::Deserialize;

use super::frame::{self, Header, Opcode};

/// The first text message, as far as it is read, in bytes; from a longer one no rate is learnt.
const START_BYTES_MAX: usize = 64 * 1024;
/// The rates that are believed, in Hz.
const SAMPLE_RATE_MAX: u32 = 384_000;

/// Measures one client's audio.
#[derive(Debug, Default)]
pub(crate) struct AudioMeter {
    start: Start,
    audio_bytes: u64,
    told_millis: u64,
}

/// What is known of the audio's rate.
#[derive(Debug, Default)]
enum Start {
    /// No text message yet.
    #[default]
    Awaited,
    /// In the middle of the first one.
    Partial(Vec<u8>),
    /// Raw audio.
    Raw { bytes_per_second: u32 },
    /// A file format, or nothing that says.
    Unknown,
}

impl AudioMeter {
    /// Takes payload of the client. Returns whether it was audio.
    pub(crate) fn take(&mut self, header: &Header, offset: u64, payload: &[u8]) -> bool {
        match header.message {
            Opcode::Binary => {
                self.audio_bytes += payload.len() as u64;
                true
            }
            Opcode::Text => {
                self.take_text(header, offset, payload);
                false
            }
            _ => false,
        }
    }

    /// The audio since the last call, in whole milliseconds; the rest is kept for the next.
    pub(crate) fn new_millis(&mut self) -> u64 {
        let Start::Raw { bytes_per_second } = self.start else { return 0 };
        let millis = u128::from(self.audio_bytes) * 1000 / u128::from(bytes_per_second);
        let millis = u64::try_from(millis).unwrap_or(u64::MAX);
        let new = millis.saturating_sub(self.told_millis);
        self.told_millis = millis;
        new
    }

    fn take_text(&mut self, header: &Header, offset: u64, payload: &[u8]) {
        let mut text = match &mut self.start {
            Start::Awaited => Vec::new(),
            Start::Partial(text) => std::mem::take(text),
            Start::Raw { .. } | Start::Unknown => return,
        };
        if text.len() + payload.len() > START_BYTES_MAX {
            self.start = Start::Unknown;
            return;
        }
        let from = text.len();
        text.extend_from_slice(payload);
        frame::unmask(&mut text[from..], header.mask.unwrap_or_default(), offset);
        let whole = header.last && offset + payload.len() as u64 == header.payload_bytes;
        self.start = match (whole, bytes_per_second(&text)) {
            (false, _) => Start::Partial(text),
            (true, Some(bytes_per_second)) => Start::Raw { bytes_per_second },
            (true, None) => Start::Unknown,
        };
    }
}

/// What `StartRecognition` says of its audio.
#[derive(Deserialize)]
struct StartRecognition<'a> {
    #[serde(borrow)]
    audio_format: AudioFormat<'a>,
}

#[derive(Deserialize)]
struct AudioFormat<'a> {
    #[serde(borrow, rename = "type")]
    kind: Cow<'a, str>,
    #[serde(borrow, default)]
    encoding: Cow<'a, str>,
    #[serde(default)]
    sample_rate: u32,
}

fn bytes_per_second(text: &[u8]) -> Option<u32> {
    let format = serde_json::from_slice::<StartRecognition<'_>>(text).ok()?.audio_format;
    let sample_bytes = match format.encoding.as_ref() {
        "pcm_f32le" => 4,
        "pcm_s16le" => 2,
        "mulaw" => 1,
        _ => return None,
    };
    let believable = format.kind == "raw" && (1..=SAMPLE_RATE_MAX).contains(&format.sample_rate);
    believable.then(|| format.sample_rate * sample_bytes)
}

#[cfg(test)]
mod tests {
    use super::super::frame::{Event, Follower, Sender, build};
    use super::*;

    const MASK: Option<[u8; 4]> = Some([9, 8, 7, 6]);
    const START: &str = r#"{"message":"StartRecognition","audio_format":{"type":"raw","encoding":"pcm_s16le","sample_rate":16000},"transcription_config":{"language":"en"}}"#;

    fn measure(bytes: &[u8], part: usize) -> u64 {
        let mut follower = Follower::new(Sender::Client);
        let mut meter = AudioMeter::default();
        let mut millis = 0;
        for part in bytes.chunks(part) {
            let mut at = 0;
            while at < part.len() {
                let step = follower.step(&part[at..]).unwrap();
                if let Event::Payload { header, offset } = step.event {
                    meter.take(&header, offset, &part[at..at + step.taken]);
                }
                at += step.taken;
            }
            millis += meter.new_millis();
        }
        millis
    }

    fn session(start: &str, audio_bytes: usize) -> Vec<u8> {
        [build(Opcode::Text, start.as_bytes(), MASK), build(Opcode::Binary, &vec![0; audio_bytes], MASK)]
            .concat()
    }

    /// Raw audio is measured exactly, however it arrives; what declares no rate measures nothing.
    #[test]
    fn raw_audio_is_measured() {
        for part in [1, 7, 4096, usize::MAX] {
            assert_eq!(measure(&session(START, 48_000), part), 1500);
        }
        assert_eq!(measure(&session(&START.replace("pcm_s16le", "pcm_f32le"), 48_000), 999), 750);
        assert_eq!(measure(&session(&START.replace("pcm_s16le", "mulaw"), 48_000), 999), 3000);
        for odd in [
            r#"{"message":"StartRecognition","audio_format":{"type":"file"}}"#,
            r#"{"message":"StartRecognition"}"#,
            "not json",
            "",
            &START.replace("16000", "0"),
            &START.replace("16000", "-1"),
            &START.replace("16000", "4000000000"),
            &START.replace("raw", "file"),
            &START.replace("}", &" ".repeat(START_BYTES_MAX)),
        ] {
            assert_eq!(measure(&session(odd, 48_000), 999), 0, "{odd:.60}");
        }
    }

    /// Only the first text message is read, also when it comes in fragments.
    #[test]
    fn only_the_first_text_is_read() {
        let (left, right) = START.split_at(50);
        let mut first = build(Opcode::Text, left.as_bytes(), MASK);
        first[0] &= 0x7f;
        let last = build(Opcode::Continuation, right.as_bytes(), MASK);
        let other = build(Opcode::Text, START.replace("16000", "8000").as_bytes(), MASK);
        let audio = build(Opcode::Binary, &[0; 32_000], MASK);
        let ping = build(Opcode::Ping, b"{", MASK);
        assert_eq!(measure(&[first, ping, last, other, audio].concat(), 11), 1000);
    }
}
