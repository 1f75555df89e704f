//! What a session was started with, and what may change while it runs.

use super::error::{ErrorKind, SessionError};
use crate::audio::level::FRAMES_PER_SECOND;
use crate::audio::sample::{Encoding, Format};
use crate::audio::segment::{Pace, SILENCE_FRAMES};
use crate::limits::{SAMPLE_RATE_HZ_MAX, SAMPLE_RATE_HZ_MIN, SEGMENT_SECONDS_MAX, SESSION_CHANNELS_MAX};
use crate::speech::language::Language;
use crate::speech::results::Style;
use crate::speech::words::FRAMES_PER_WORD;
use serde_json::Value;

/// Today's documents allow up to 4 s; the older official clients send up to 20.
const MAX_DELAY_SECONDS: std::ops::RangeInclusive<f64> = 0.7..=20.0;
const MAX_DELAY_DEFAULT_SECONDS: f64 = 4.0;
const UTTERANCE_SECONDS: std::ops::RangeInclusive<f64> = 0.0..=2.0;
const TRANSLATIONS_MAX: usize = 5;
const SILENCE_FRAMES_MIN: u64 = 5;

const MODELS: [&str; 4] = ["standard", "enhanced", "melia-1", "linden-1"];
const DIARIZATIONS: [&str; 4] = ["none", "speaker", "channel", "channel_and_speaker"];

/// How the audio of a session is packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AudioFormat {
    Raw(Format),
    /// A WAV file, header and all.
    File,
}

/// What may change while a session runs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Pacing {
    pub(crate) max_delay_seconds: f64,
    pub(crate) partials: bool,
    /// Silence that ends an utterance; 0 for none.
    pub(crate) utterance_seconds: f64,
}

impl Pacing {
    fn parse(transcription: &Value) -> Result<Pacing, SessionError> {
        one_of(transcription, "max_delay_mode", &["fixed", "flexible"])?;
        let conversation = &transcription["conversation_config"];
        Ok(Pacing {
            max_delay_seconds: number(
                transcription,
                "max_delay",
                MAX_DELAY_SECONDS,
                MAX_DELAY_DEFAULT_SECONDS,
            )?,
            partials: flag(transcription, "enable_partials")?,
            utterance_seconds: number(
                conversation,
                "end_of_utterance_silence_trigger",
                UTTERANCE_SECONDS,
                0.0,
            )?,
        })
    }

    /// When segments end. A recogniser needs whole phrases; placeholders can be given as they come.
    pub(crate) fn pace(&self, recognizer: bool) -> Pace {
        let frames = |seconds: f64| (seconds * FRAMES_PER_SECOND as f64) as u64;
        let mut silence_frames = SILENCE_FRAMES.min(frames(self.max_delay_seconds));
        if self.utterance_seconds > 0.0 {
            silence_frames = silence_frames.min(frames(self.utterance_seconds));
        }
        let words = (frames(self.max_delay_seconds) / FRAMES_PER_WORD).max(1);
        let longest =
            if recognizer { SEGMENT_SECONDS_MAX * FRAMES_PER_SECOND } else { words * FRAMES_PER_WORD };
        Pace { silence_frames: silence_frames.max(SILENCE_FRAMES_MIN), segment_frames_max: Some(longest) }
    }

    /// The silence after a segment's end at which the utterance is over too, counted from the last speech.
    pub(crate) fn utterance_frames(&self) -> Option<u64> {
        (self.utterance_seconds > 0.0)
            .then(|| (self.utterance_seconds * FRAMES_PER_SECOND as f64).ceil() as u64)
    }
}

/// A session's configuration, from `StartRecognition`.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    pub(crate) format: AudioFormat,
    pub(crate) style: Style,
    /// The declared channels of a multi-channel session.
    pub(crate) channels: Vec<String>,
    pub(crate) pacing: Pacing,
    pub(crate) speakers_at_end: bool,
    pub(crate) translations: Vec<String>,
    /// As the client sent it.
    transcription: Value,
}

impl Settings {
    /// Checks a `StartRecognition`.
    pub(crate) fn parse(message: &Value) -> Result<Settings, SessionError> {
        let format = audio_format(&message["audio_format"])?;
        let transcription = &message["transcription_config"];
        if !transcription.is_object() {
            return Err(config("transcription_config is required"));
        }
        for field in ["model", "operating_point"] {
            model(&transcription[field])?;
        }
        one_of(transcription, "diarization", &DIARIZATIONS)?;
        let language = language(&transcription["language"])?;
        let diarization = transcription["diarization"].as_str().unwrap_or("none");
        let asks_speakers = matches!(diarization, "speaker" | "channel_and_speaker");
        Ok(Settings {
            format,
            style: Style {
                language,
                language_code: language.code.to_owned(),
                speaker: asks_speakers.then(|| "UU".to_owned()),
                channel: None,
            },
            channels: channels(transcription, diarization)?,
            pacing: Pacing::parse(transcription)?,
            speakers_at_end: flag(&transcription["speaker_diarization_config"], "get_speakers")?,
            translations: translations(&message["translation_config"])?,
            transcription: transcription.clone(),
        })
    }

    /// Takes a `SetRecognitionConfig`: the documented fields may change, the others must stay as they were.
    pub(crate) fn change(&mut self, changes: &Value) -> Result<(), SessionError> {
        const CHANGEABLE: [&str; 5] = [
            "max_delay",
            "max_delay_mode",
            "enable_partials",
            "conversation_config",
            "audio_filtering_config",
        ];
        let changes = changes.as_object().ok_or_else(|| config("transcription_config is required"))?;
        let mut transcription = self.transcription.clone();
        for (name, value) in changes {
            if CHANGEABLE.contains(&name.as_str()) {
                transcription[name] = value.clone();
            } else if transcription[name] != *value {
                return Err(config(format!("{name} can't be changed while a session runs")));
            }
        }
        self.pacing = Pacing::parse(&transcription)?;
        self.transcription = transcription;
        Ok(())
    }
}

fn audio_format(format: &Value) -> Result<AudioFormat, SessionError> {
    let wrong = |reason: String| SessionError::new(ErrorKind::InvalidAudioType, reason);
    match format["type"].as_str() {
        Some("file") => return Ok(AudioFormat::File),
        Some("raw") => (),
        Some(other) => return Err(wrong(format!("type in audio_format is {other:?}, expected raw or file"))),
        None => return Err(wrong("type in audio_format is required: raw or file".to_owned())),
    }
    let encoding = match format["encoding"].as_str() {
        Some("pcm_s16le") => Encoding::S16,
        Some("pcm_f32le") => Encoding::F32,
        Some("mulaw") => Encoding::MuLaw,
        _ => {
            let found = &format["encoding"];
            return Err(wrong(format!(
                "encoding in audio_format is {found}, expected pcm_s16le, pcm_f32le or mulaw"
            )));
        }
    };
    let rates = SAMPLE_RATE_HZ_MIN..=SAMPLE_RATE_HZ_MAX;
    let rate_hz = format["sample_rate"].as_u64().and_then(|rate| u32::try_from(rate).ok());
    let rate_hz = rate_hz.filter(|rate| rates.contains(rate)).ok_or_else(|| {
        let found = &format["sample_rate"];
        wrong(format!(
            "sample_rate in audio_format is {found}, expected {SAMPLE_RATE_HZ_MIN} to {SAMPLE_RATE_HZ_MAX}"
        ))
    })?;
    Ok(AudioFormat::Raw(Format { encoding, channels: 1, rate_hz }))
}

fn language(language: &Value) -> Result<Language, SessionError> {
    let Value::String(code) = language else {
        return Err(config("language in transcription_config is required, for example \"en\""));
    };
    Language::find(code).ok_or_else(|| {
        let reason = format!("language {code:?} is not known, expected a code such as \"en\"");
        SessionError::new(ErrorKind::InvalidLanguage, reason)
    })
}

fn model(model: &Value) -> Result<(), SessionError> {
    match model {
        Value::Null => Ok(()),
        Value::String(name) if MODELS.contains(&name.as_str()) => Ok(()),
        other => {
            let reason = format!("model {other} is not known, expected one of {}", MODELS.join(", "));
            Err(SessionError::new(ErrorKind::InvalidModel, reason))
        }
    }
}

fn channels(transcription: &Value, diarization: &str) -> Result<Vec<String>, SessionError> {
    let labels = &transcription["channel_diarization_labels"];
    if labels.is_null() || !diarization.starts_with("channel") {
        return Ok(Vec::new());
    }
    let wrong = || {
        config(format!(
            "channel_diarization_labels is a list of 1 to {SESSION_CHANNELS_MAX} different labels"
        ))
    };
    let labels = strings(labels).ok_or_else(wrong)?;
    let distinct: std::collections::HashSet<&String> = labels.iter().collect();
    let right_count = (1..=SESSION_CHANNELS_MAX).contains(&labels.len()) && distinct.len() == labels.len();
    let right_labels = labels.iter().all(|label| (1..=64).contains(&label.len()));
    if right_count && right_labels { Ok(labels) } else { Err(wrong()) }
}

fn translations(translation: &Value) -> Result<Vec<String>, SessionError> {
    if translation.is_null() {
        return Ok(Vec::new());
    }
    let languages = strings(&translation["target_languages"]).filter(|list| list.len() <= TRANSLATIONS_MAX);
    languages
        .ok_or_else(|| config(format!("target_languages is a list of at most {TRANSLATIONS_MAX} languages")))
}

fn strings(list: &Value) -> Option<Vec<String>> {
    list.as_array()?.iter().map(|item| item.as_str().map(str::to_owned)).collect()
}

fn one_of(object: &Value, name: &str, allowed: &[&str]) -> Result<(), SessionError> {
    match &object[name] {
        Value::Null => Ok(()),
        Value::String(value) if allowed.contains(&value.as_str()) => Ok(()),
        other => Err(config(format!("{name} is {other}, expected one of {}", allowed.join(", ")))),
    }
}

fn flag(object: &Value, name: &str) -> Result<bool, SessionError> {
    match &object[name] {
        Value::Null => Ok(false),
        Value::Bool(flag) => Ok(*flag),
        other => Err(config(format!("{name} is {other}, expected true or false"))),
    }
}

fn number(
    object: &Value,
    name: &str,
    range: std::ops::RangeInclusive<f64>,
    default: f64,
) -> Result<f64, SessionError> {
    match &object[name] {
        Value::Null => Ok(default),
        value => value.as_f64().filter(|number| range.contains(number)).ok_or_else(|| {
            config(format!("{name} is {value}, expected {} to {}", range.start(), range.end()))
        }),
    }
}

fn config(reason: impl Into<String>) -> SessionError {
    SessionError::new(ErrorKind::InvalidConfig, reason)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn start() -> Value {
        json!({
            "message": "StartRecognition",
            "audio_format": {"type": "raw", "encoding": "pcm_s16le", "sample_rate": 16_000},
            "transcription_config": {"language": "en"},
        })
    }

    fn with(pointer: &str, value: Value) -> Value {
        let mut message = start();
        let (parent, field) = pointer.rsplit_once('/').unwrap();
        message.pointer_mut(parent).unwrap()[field] = value;
        message
    }

    /// Each wrong field is refused with its own type; the control passes.
    #[test]
    fn wrong_fields_are_refused_by_type() {
        assert!(Settings::parse(&start()).is_ok());
        let refusals = [
            ("/audio_format", Value::Null, "invalid_audio_type"),
            ("/audio_format/type", json!("mp3"), "invalid_audio_type"),
            ("/audio_format/encoding", json!("pcm_s8"), "invalid_audio_type"),
            ("/audio_format/sample_rate", json!(3_999), "invalid_audio_type"),
            ("/audio_format/sample_rate", json!(192_001), "invalid_audio_type"),
            ("/audio_format/sample_rate", json!("16000"), "invalid_audio_type"),
            ("/transcription_config", Value::Null, "invalid_config"),
            ("/transcription_config", json!([]), "invalid_config"),
            ("/transcription_config/language", Value::Null, "invalid_config"),
            ("/transcription_config/language", json!("xx"), "invalid_language"),
            ("/transcription_config/language", json!(""), "invalid_language"),
            ("/transcription_config/model", json!("huge"), "invalid_model"),
            ("/transcription_config/operating_point", json!(1), "invalid_model"),
            ("/transcription_config/max_delay", json!(0.6), "invalid_config"),
            ("/transcription_config/max_delay", json!(20.1), "invalid_config"),
            ("/transcription_config/max_delay_mode", json!("later"), "invalid_config"),
            ("/transcription_config/enable_partials", json!("yes"), "invalid_config"),
            ("/transcription_config/diarization", json!("all"), "invalid_config"),
            (
                "/transcription_config/conversation_config",
                json!({"end_of_utterance_silence_trigger": 2.1}),
                "invalid_config",
            ),
            (
                "/translation_config",
                json!({"target_languages": ["a", "b", "c", "d", "e", "f"]}),
                "invalid_config",
            ),
        ];
        for (pointer, value, kind) in refusals {
            let error =
                Settings::parse(&with(pointer, value.clone())).expect_err(&format!("{pointer} {value}"));
            assert_eq!(error.kind.as_str(), kind, "{pointer} {value}");
        }
        for (pointer, value) in [
            ("/audio_format", json!({"type": "file"})),
            ("/audio_format/sample_rate", json!(4_000)),
            ("/audio_format/sample_rate", json!(192_000)),
            ("/transcription_config/max_delay", json!(0.7)),
            ("/transcription_config/model", json!("enhanced")),
            ("/transcription_config/unknown_field", json!("ignored")),
        ] {
            assert!(Settings::parse(&with(pointer, value.clone())).is_ok(), "{pointer} {value}");
        }
    }

    /// Channels are those that were declared, each once.
    #[test]
    fn channels_are_declared() {
        let channels = |labels: Value, diarization: &str| {
            let config =
                json!({"language": "en", "diarization": diarization, "channel_diarization_labels": labels});
            Settings::parse(&with("/transcription_config", config)).map(|settings| settings.channels)
        };
        assert_eq!(channels(json!(["a", "b"]), "channel").unwrap(), ["a", "b"]);
        assert_eq!(channels(json!(["a", "b"]), "none").unwrap(), Vec::<String>::new());
        for wrong in [json!([]), json!(["a", "a"]), json!([""]), json!([1]), json!("a"), json!(vec!["x"; 9])]
        {
            assert!(channels(wrong.clone(), "channel").is_err(), "{wrong}");
        }
    }

    /// Only the documented fields change; the same value for another field is no change.
    #[test]
    fn only_documented_fields_change() {
        let mut settings = Settings::parse(&start()).unwrap();
        settings.change(&json!({"language": "en", "enable_partials": true, "max_delay": 1})).unwrap();
        assert_eq!((settings.pacing.partials, settings.pacing.max_delay_seconds), (true, 1.0));
        for wrong in
            [json!({"language": "de"}), json!({"model": "enhanced"}), json!({"max_delay": 99}), json!(null)]
        {
            assert_eq!(settings.change(&wrong).unwrap_err().kind, ErrorKind::InvalidConfig, "{wrong}");
        }
        assert_eq!(settings.pacing.max_delay_seconds, 1.0);
    }
}
