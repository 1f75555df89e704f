//! Job objects: what the ledger wants to know of them, and the few places where the gateway's word counts more than the engine's.

use std::borrow::Cow;

use bytes::{BufMut as _, Bytes, BytesMut};
use domain::Timestamp;
use ledger::{Job, JobState, Seen};
use serde::Deserialize;
use serde_json::value::RawValue;

/// The longest object that the ledger remembers whole, in bytes.
const KEPT_OBJECT_BYTES_MAX: usize = 16 * 1024;

/// `{"job": …}`, as engines answer.
#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow)]
    job: &'a RawValue,
}

/// The members that are looked at.
#[derive(Deserialize)]
struct Members<'a> {
    #[serde(borrow, default, deserialize_with = "present")]
    created_at: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    status: Option<&'a RawValue>,
    #[serde(borrow)]
    duration: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    errors: Option<&'a RawValue>,
    #[serde(borrow)]
    config: Option<&'a RawValue>,
    #[serde(borrow, rename = "type")]
    kind: Option<&'a RawValue>,
    #[serde(borrow)]
    transcription_config: Option<&'a RawValue>,
}

/// A member that is there, whatever it holds: `null` is something to write over, not nothing.
fn present<'de: 'a, 'a, D: serde::Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<&'a RawValue>, D::Error> {
    <&RawValue>::deserialize(deserializer).map(Some)
}

/// What is looked at inside a job's configuration.
#[derive(Deserialize)]
struct Config<'a> {
    #[serde(borrow, rename = "type")]
    kind: Option<Cow<'a, str>>,
    transcription_config: Option<Transcription<'a>>,
    alignment_config: Option<Transcription<'a>>,
}

#[derive(Deserialize)]
struct Transcription<'a> {
    #[serde(borrow)]
    language: Option<Cow<'a, str>>,
    #[serde(borrow)]
    model: Option<Cow<'a, str>>,
    #[serde(borrow)]
    operating_point: Option<Cow<'a, str>>,
}

/// A job object whose JSON is sound.
pub(super) struct JobObject<'a> {
    text: &'a str,
    members: Members<'a>,
    status: Cow<'a, str>,
}

impl<'a> JobObject<'a> {
    /// Reads `{"job": …}`.
    pub(super) fn in_answer(body: &'a [u8]) -> Option<Self> {
        let envelope: Envelope<'a> = serde_json::from_slice(body).ok()?;
        Self::read(envelope.job.get())
    }

    /// Reads an object by itself.
    pub(super) fn read(text: &'a str) -> Option<Self> {
        let text = text.trim();
        let members: Members<'a> = serde_json::from_str(text).ok()?;
        let status = match members.status {
            Some(raw) => string(raw)?,
            None => Cow::Borrowed("running"),
        };
        Some(Self { text, members, status })
    }

    /// The engine's status.
    pub(super) fn status(&self) -> &str {
        &self.status
    }

    /// Whether nothing about it changes any more.
    pub(super) fn is_final(&self) -> bool {
        is_final(&self.status)
    }

    /// What the ledger keeps of it.
    pub(super) fn seen(&self) -> Seen {
        let config = self.members.config.and_then(|raw| serde_json::from_str::<Config<'_>>(raw.get()).ok());
        let flat = self
            .members
            .transcription_config
            .and_then(|raw| serde_json::from_str::<Transcription<'_>>(raw.get()).ok());
        let (config_kind, nested) = match config {
            Some(config) => (config.kind, config.transcription_config.or(config.alignment_config)),
            None => (None, None),
        };
        let transcription = nested.or(flat);
        let kind = self.members.kind.and_then(string).or(config_kind);
        let own = |text: Cow<'_, str>| text.into_owned();
        let (language, model) = match transcription {
            Some(one) => (one.language.map(own), one.model.or(one.operating_point).map(own)),
            None => (None, None),
        };
        Seen {
            status: self.status.to_string(),
            settled: self.is_final(),
            object: self.kept(),
            duration_seconds: self.members.duration.and_then(|raw| serde_json::from_str(raw.get()).ok()),
            kind: kind.map(own),
            language,
            model,
        }
    }

    /// What is remembered of the object: all of it, or its plain members where its configuration makes it long.
    fn kept(&self) -> String {
        if self.text.len() <= KEPT_OBJECT_BYTES_MAX {
            return self.text.to_owned();
        }
        let mut members: serde_json::Map<String, serde_json::Value> =
            serde_json::from_str(self.text).unwrap_or_default();
        members.retain(|name, _| {
            ["id", "created_at", "data_name", "duration", "status"].contains(&name.as_str())
        });
        let short = serde_json::Value::Object(members).to_string();
        if short.len() <= KEPT_OBJECT_BYTES_MAX {
            short
        } else {
            serde_json::json!({"status": self.status}).to_string()
        }
    }

    /// Writes the object with the ledger's time, and with another status if one is given. All else stays as the engine wrote it.
    pub(super) fn write(&self, out: &mut BytesMut, created_at: Timestamp, told: Told) {
        let mut changes: Vec<(usize, usize, String)> = Vec::new();
        let mut added = String::new();
        let mut put = |place: Option<&RawValue>, name: &str, value: String| match place {
            Some(raw) => {
                let start = offset(self.text, raw.get());
                changes.push((start, start + raw.get().len(), value));
            }
            None => added.push_str(&format!("{name:?}:{value},")),
        };
        put(self.members.created_at, "created_at", format!("\"{}\"", created_at.to_rfc3339()));
        if let Some(status) = told.status() {
            put(self.members.status, "status", format!("{status:?}"));
        }
        if told == Told::Lost && self.members.errors.is_none() {
            let message = "The engine does not know this job any more.";
            let error = format!(r#"[{{"timestamp":"{}","message":"{message}"}}]"#, created_at.to_rfc3339());
            put(None, "errors", error);
        }
        changes.sort_unstable_by_key(|(start, ..)| *start);
        let mut at = 0;
        if !added.is_empty() {
            let is_empty = self.text[1..].trim_start().starts_with('}');
            out.put_u8(b'{');
            out.put_slice(if is_empty { added.trim_end_matches(',') } else { &added }.as_bytes());
            at = 1;
        }
        for (start, end, value) in changes {
            out.put_slice(&self.text.as_bytes()[at..start]);
            out.put_slice(value.as_bytes());
            at = end;
        }
        out.put_slice(&self.text.as_bytes()[at..]);
    }
}

/// Where a part of a text begins in it.
fn offset(text: &str, part: &str) -> usize {
    (part.as_ptr() as usize).saturating_sub(text.as_ptr() as usize)
}

fn string(raw: &RawValue) -> Option<Cow<'_, str>> {
    #[derive(Deserialize)]
    struct Text<'a>(#[serde(borrow)] Cow<'a, str>);
    serde_json::from_str::<Text<'_>>(raw.get()).ok().map(|text| text.0)
}

/// Whether a status is final.
pub(super) fn is_final(status: &str) -> bool {
    matches!(status, "done" | "rejected" | "deleted" | "expired")
}

/// Which status is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Told {
    /// The engine's.
    AsSeen,
    /// `deleted`.
    Deleted,
    /// `rejected`, with the reason: the engine lost it before it was done.
    Lost,
}

impl Told {
    const fn status(self) -> Option<&'static str> {
        match self {
            Self::AsSeen => None,
            Self::Deleted => Some("deleted"),
            Self::Lost => Some("rejected"),
        }
    }

    /// What to tell of a job that is answered from memory.
    pub(super) fn of(job: &Job) -> Self {
        match job.facts.state {
            // Clients can't parse `expired`.
            JobState::Deleted | JobState::Expired => Self::Deleted,
            JobState::Lost if !job.facts.status.as_deref().is_some_and(is_final) => Self::Lost,
            JobState::Live | JobState::Lost => Self::AsSeen,
        }
    }
}

/// Writes a job from memory.
pub(super) fn write_remembered(job: &Job, told: Told, out: &mut BytesMut) {
    let minimal;
    let text = match &job.object {
        Some(object) => object.as_str(),
        None => {
            minimal =
                format!(r#"{{"created_at":"","data_name":"","id":"{}","status":"running"}}"#, job.facts.id);
            &minimal
        }
    };
    match JobObject::read(text) {
        Some(object) => object.write(out, job.facts.created_at, told),
        // The ledger keeps only objects that were read before.
        None => out.put_slice(b"{}"),
    }
}

/// `{"job": …}` around what `write` writes.
pub(super) fn envelope(write: impl FnOnce(&mut BytesMut)) -> Bytes {
    const USUAL_BYTES: usize = 512;
    let mut out = BytesMut::with_capacity(USUAL_BYTES);
    out.put_slice(b"{\"job\":");
    write(&mut out);
    out.put_u8(b'}');
    out.freeze()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(text: &str, told: Told) -> String {
        let mut out = BytesMut::new();
        JobObject::read(text).unwrap().write(&mut out, Timestamp::from_seconds(1_700_000_000), told);
        let text = String::from_utf8(out.to_vec()).unwrap();
        serde_json::from_str::<serde_json::Value>(&text).expect("what is written is JSON");
        text
    }

    /// The time is the ledger's, everything else is as the engine wrote it, down to spaces and order.
    #[test]
    fn only_the_time_changes() {
        let time = "2023-11-14T22:13:20.000000Z";
        assert_eq!(
            written(r#"{ "id":"a", "created_at" : "x", "n": 1.50, "status":"done"}"#, Told::AsSeen),
            format!(r#"{{ "id":"a", "created_at" : "{time}", "n": 1.50, "status":"done"}}"#)
        );
        assert_eq!(written(r#"{"id":"a"}"#, Told::AsSeen), format!(r#"{{"created_at":"{time}","id":"a"}}"#));
        assert_eq!(written("{}", Told::AsSeen), format!(r#"{{"created_at":"{time}"}}"#));
        assert_eq!(
            written(
                r#"{"status":"done","created_at":null,"x":{"status":"y","created_at":"z"}}"#,
                Told::Deleted
            ),
            format!(r#"{{"status":"deleted","created_at":"{time}","x":{{"status":"y","created_at":"z"}}}}"#)
        );
        assert!(written(r#"{"status":"running"}"#, Told::Lost).contains("does not know"));
    }

    /// What the ledger keeps is found in both forms that engines have.
    #[test]
    fn seen_in_both_forms() {
        let new = r#"{"status":"done","duration":244,"config":{"type":"transcription","transcription_config":{"language":"de","operating_point":"enhanced"}}}"#;
        let old = r#"{"status":"done","duration":244,"type":"transcription","transcription_config":{"language":"de","model":"enhanced"}}"#;
        for text in [new, old] {
            let seen = JobObject::read(text).unwrap().seen();
            assert_eq!(
                (seen.status.as_str(), seen.settled, seen.duration_seconds),
                ("done", true, Some(244.0))
            );
            assert_eq!(seen.kind.as_deref(), Some("transcription"));
            assert_eq!((seen.language.as_deref(), seen.model.as_deref()), (Some("de"), Some("enhanced")));
        }
        let odd = JobObject::read(r#"{"status":"running","duration":"long","config":[1]}"#).unwrap().seen();
        assert_eq!((odd.settled, odd.duration_seconds, odd.language), (false, None, None));
    }

    /// A long object is remembered without its configuration; one at the limit is remembered whole.
    #[test]
    fn long_objects_are_cut_by_members() {
        let object = |bytes: usize| {
            let start = r#"{"id":"a","status":"done","duration":3,"config":{"x":""}}"#;
            start.replace(r#""x":"""#, &format!(r#""x":"{}""#, "y".repeat(bytes - start.len())))
        };
        let whole = object(KEPT_OBJECT_BYTES_MAX);
        assert_eq!(JobObject::read(&whole).unwrap().seen().object, whole);
        let seen = JobObject::read(&object(KEPT_OBJECT_BYTES_MAX + 1)).unwrap().seen();
        assert_eq!(seen.object, r#"{"duration":3,"id":"a","status":"done"}"#);
    }

    /// However long the rest is and whatever an engine calls a status, what is kept is JSON, tells that status, and can be told to
    /// the client once the engine has lost the job.
    #[test]
    fn long_objects_keep_odd_states() {
        for status in ["done", "\u{1}\u{7f}", "\u{e0001}\u{1f600}", "a\"b\\c\n", "\u{ad}\u{200b}"] {
            let name = "y".repeat(KEPT_OBJECT_BYTES_MAX);
            let object = serde_json::json!({"id": "a", "data_name": name, "status": status}).to_string();
            let kept = JobObject::read(&object).unwrap().seen().object;
            assert!(kept.len() < KEPT_OBJECT_BYTES_MAX, "{status:?}: it was cut");
            let told: serde_json::Value = serde_json::from_str(&written(&kept, Told::AsSeen)).unwrap();
            assert_eq!(told["status"], status);
            assert!(told["created_at"].is_string());
        }
    }

    /// What is no job object is none, whatever it is; nothing panics.
    #[test]
    fn unsound_answers_are_none() {
        for body in [
            "",
            "{",
            "[]",
            "null",
            "{}",
            r#"{"job":null}"#,
            r#"{"job":[]}"#,
            r#"{"job":{"status":1}}"#,
            r#"{"job":{"status":"a","status":"b"}}"#,
            "<html>",
        ] {
            assert!(JobObject::in_answer(body.as_bytes()).is_none(), "{body}");
        }
        assert!(JobObject::in_answer(br#"{"job":{"status":"done"}}"#).is_some());
    }
}
