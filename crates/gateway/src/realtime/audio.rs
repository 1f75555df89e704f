//! How much audio a client has sent. Raw audio: the bytes of its binary messages, over the rate that its first text message
//! (`StartRecognition`) declares. Audio in file formats: how far the engine's timestamps have come. Audio itself is never
//! read, nor any other text of the client; the engine's texts only where they are what tells.

use std::borrow::Cow;

use serde::Deserialize;

use super::frame::{self, Header, Opcode};
use super::guard::TEXT_BYTES_MAX;

/// Microseconds of a second.
const SECOND_MICROS: f64 = 1e6;
/// The rates that are believed, in Hz.
const SAMPLE_RATE_MAX: u32 = 384_000;

/// Measures one client's audio.
#[derive(Debug, Default)]
pub(crate) struct AudioMeter {
    start: Start,
    audio_bytes: u64,
    told_millis: u64,
    /// How far the engine's timestamps have come.
    heard_micros: u64,
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
    /// A file format, or nothing that says; and what came of a text message of the engine that isn't whole.
    Unknown(Vec<u8>),
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

    /// Whether the engine's timestamps tell how much audio there is.
    pub(crate) const fn is_timed(&self) -> bool {
        matches!(self.start, Start::Unknown(_))
    }

    /// How far the engine's timestamps have come, in microseconds.
    pub(crate) const fn heard_micros(&self) -> u64 {
        self.heard_micros
    }

    /// Takes payload of the engine, where its timestamps tell.
    pub(crate) fn hear(&mut self, header: &Header, offset: u64, payload: &[u8]) {
        let Start::Unknown(heard) = &mut self.start else { return };
        if header.message != Opcode::Text {
            return;
        }
        let is_last = header.last && offset + payload.len() as u64 == header.payload_bytes;
        if is_last && heard.is_empty() {
            self.heard_micros = self.heard_micros.max(end_micros(payload));
            return;
        }
        // Of a message that is too long nothing is learnt: what is kept of it is no JSON.
        if heard.len() + payload.len() <= TEXT_BYTES_MAX {
            heard.extend_from_slice(payload);
        }
        if is_last {
            let text = std::mem::take(heard);
            self.heard_micros = self.heard_micros.max(end_micros(&text));
        }
    }

    /// The audio since the last call, in whole milliseconds; the rest is kept for the next.
    pub(crate) fn new_millis(&mut self) -> u64 {
        let millis = match self.start {
            Start::Raw { bytes_per_second } => {
                let millis = u128::from(self.audio_bytes) * 1000 / u128::from(bytes_per_second);
                u64::try_from(millis).unwrap_or(u64::MAX)
            }
            Start::Unknown(_) => self.heard_micros / 1000,
            Start::Awaited | Start::Partial(_) => 0,
        };
        let new = millis.saturating_sub(self.told_millis);
        self.told_millis = millis;
        new
    }

    fn take_text(&mut self, header: &Header, offset: u64, payload: &[u8]) {
        let mut text = match &mut self.start {
            Start::Awaited => Vec::new(),
            Start::Partial(text) => std::mem::take(text),
            Start::Raw { .. } | Start::Unknown(_) => return,
        };
        if text.len() + payload.len() > TEXT_BYTES_MAX {
            self.start = Start::Unknown(Vec::new());
            return;
        }
        let from = text.len();
        text.extend_from_slice(payload);
        frame::unmask(&mut text[from..], header.mask.unwrap_or_default(), offset);
        let whole = header.last && offset + payload.len() as u64 == header.payload_bytes;
        self.start = match (whole, bytes_per_second(&text)) {
            (false, _) => Start::Partial(text),
            (true, Some(bytes_per_second)) => Start::Raw { bytes_per_second },
            (true, None) => Start::Unknown(Vec::new()),
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
    raw_bytes_per_second(&format.kind, &format.encoding, format.sample_rate)
}

/// The rate of raw audio; none for anything else.
pub(super) fn raw_bytes_per_second(kind: &str, encoding: &str, sample_rate: u32) -> Option<u32> {
    let sample_bytes = match encoding {
        "pcm_f32le" => 4,
        "pcm_s16le" => 2,
        "mulaw" => 1,
        _ => return None,
    };
    let believable = kind == "raw" && (1..=SAMPLE_RATE_MAX).contains(&sample_rate);
    believable.then(|| sample_rate * sample_bytes)
}

/// What an engine says of the audio that a message of its is about.
#[derive(Deserialize)]
struct Heard {
    metadata: Span,
}

#[derive(Deserialize)]
struct Span {
    end_time: f64,
}

/// The end of what a message is about, in microseconds since the beginning of the audio; 0 where it says nothing of it.
fn end_micros(text: &[u8]) -> u64 {
    // A cast of a number out of range gives the nearest one that fits.
    serde_json::from_slice::<Heard>(text).map_or(0, |heard| (heard.metadata.end_time * SECOND_MICROS) as u64)
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
            &START.replace("}", &" ".repeat(TEXT_BYTES_MAX)),
        ] {
            assert_eq!(measure(&session(odd, 48_000), 999), 0, "{odd:.60}");
        }
    }

    /// Audio in a file is as long as the engine's timestamps say, whatever the order, the splits and the length of what it
    /// says; raw audio is not.
    #[test]
    fn files_are_measured_by_the_engine() {
        let transcript = |end: &str| {
            let filler = "x".repeat(200);
            format!(
                r#"{{"message":"AddTranscript","metadata":{{"start_time":0.5,"end_time":{end},"transcript":"{filler}"}},"results":[]}}"#
            )
        };
        let texts = [
            transcript("1.5"),
            r#"{"message":"AudioAdded","seq_no":1}"#.to_owned(),
            transcript("3.25"),
            transcript("2"),
            transcript("-7"),
            "no json".to_owned(),
        ];
        let frames: Vec<u8> =
            texts.iter().flat_map(|text| build(Opcode::Text, text.as_bytes(), None)).collect();
        for (start, millis) in [(START.replace("raw", "file"), 3250), (START.to_owned(), 0)] {
            for part in [1, 13, 100, usize::MAX] {
                let mut meter = AudioMeter::default();
                let header = |opcode, length| Header {
                    opcode,
                    message: opcode,
                    last: true,
                    payload_bytes: length,
                    mask: None,
                    header_bytes: 2,
                };
                meter.take(&header(Opcode::Text, start.len() as u64), 0, start.as_bytes());
                let mut follower = Follower::new(Sender::Engine);
                let mut heard = 0;
                for bytes in frames.chunks(part.min(frames.len())) {
                    let mut at = 0;
                    while at < bytes.len() {
                        let step = follower.step(&bytes[at..]).unwrap();
                        if let Event::Payload { header, offset } = step.event {
                            meter.hear(&header, offset, &bytes[at..at + step.taken]);
                        }
                        at += step.taken;
                    }
                    heard += meter.new_millis();
                }
                assert_eq!(heard, millis, "{part}");
                assert!(
                    !matches!(meter.start, Start::Unknown(kept) if kept.capacity() > 0),
                    "nothing is kept"
                );
            }
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
