//! What the sandbox says to realtime clients.

use super::error::SessionError;
use super::settings::Settings;
use crate::jobs::transcript::FORMAT_VERSION;
use crate::speech::results::{self, RecognitionResult};
use serde_json::{Value, json};

/// From this rate on the quality is called broadcast, below it telephony.
const BROADCAST_RATE_HZ_MIN: u32 = 12_000;

pub(crate) fn error(error: &SessionError) -> Value {
    json!({ "message": "Error", "type": error.kind.as_str(), "reason": error.reason })
}

pub(crate) fn recognition_started(id: &str, settings: &Settings, engine_name: &str) -> Value {
    let mut message = json!({
        "message": "RecognitionStarted",
        "orchestrator_version": crate::version::VERSION,
        "id": id,
        "language_pack_info": settings.style.language.pack_info(engine_name),
    });
    if !settings.channels.is_empty() {
        message["channel_ids"] = json!(settings.channels);
    }
    message
}

pub(crate) fn recognition_quality(rate_hz: u32) -> Value {
    let quality = if rate_hz >= BROADCAST_RATE_HZ_MIN { "broadcast" } else { "telephony" };
    json!({
        "message": "Info",
        "type": "recognition_quality",
        "reason": format!("Running recognition using a {quality} model quality."),
        "quality": quality,
    })
}

pub(crate) fn warning(kind: &str, reason: &str) -> Value {
    json!({ "message": "Warning", "type": kind, "reason": reason })
}

pub(crate) fn audio_added(channel: Option<&str>, seq_no: u64) -> Value {
    match channel {
        None => json!({ "message": "AudioAdded", "seq_no": seq_no }),
        Some(channel) => json!({ "message": "ChannelAudioAdded", "channel": channel, "seq_no": seq_no }),
    }
}

/// A partial or final transcript.
pub(crate) struct Transcript<'a> {
    pub(crate) partial: bool,
    pub(crate) channel: Option<&'a str>,
    pub(crate) start: f64,
    pub(crate) end: f64,
    pub(crate) results: &'a [RecognitionResult],
    pub(crate) delimiter: &'a str,
    pub(crate) forced: bool,
}

pub(crate) fn transcript(transcript: &Transcript<'_>) -> Value {
    let mut text = results::text(transcript.results, transcript.delimiter);
    if !text.is_empty() {
        // So that transcripts can be put one after the other.
        text.push_str(transcript.delimiter);
    }
    let mut message = json!({
        "message": if transcript.partial { "AddPartialTranscript" } else { "AddTranscript" },
        "format": FORMAT_VERSION,
        "metadata": { "start_time": transcript.start, "end_time": transcript.end, "transcript": text },
        "results": transcript.results,
    });
    mark(&mut message, transcript.channel, transcript.forced);
    message
}

pub(crate) fn end_of_utterance(channel: Option<&str>, at: f64, forced: bool) -> Value {
    let mut message =
        json!({ "message": "EndOfUtterance", "metadata": { "start_time": at, "end_time": at } });
    mark(&mut message, channel, forced);
    message
}

/// Always empty: the sandbox doesn't tell speakers apart.
pub(crate) fn speakers_result() -> Value {
    json!({ "message": "SpeakersResult", "speakers": [] })
}

pub(crate) fn end_of_transcript() -> Value {
    json!({ "message": "EndOfTranscript" })
}

fn mark(message: &mut Value, channel: Option<&str>, forced: bool) {
    if let Some(channel) = channel {
        message["channel"] = json!(channel);
    }
    if forced {
        message["forced"] = json!(true);
    }
}

/// An id in the form of a version 4 UUID.
pub(crate) fn uuid(mut bytes: [u8; 16]) -> String {
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Ids have the form of a version 4 UUID.
    #[test]
    fn ids_are_uuids() {
        assert_eq!(uuid([0; 16]), "00000000-0000-4000-8000-000000000000");
        assert_eq!(uuid([0xff; 16]), "ffffffff-ffff-4fff-bfff-ffffffffffff");
    }
}
