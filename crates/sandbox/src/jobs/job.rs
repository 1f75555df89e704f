//! One job.

use domain::{Rng, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::fmt;

/// Characters of a new job's id.
const ID_CHARACTERS: usize = 12;
const ID_CHARACTERS_MAX: usize = 64;
const ID_ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// The id of a job: lower-case letters and digits only, so that it is safe in paths.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) struct JobId(String);

impl JobId {
    /// A new one: 60 random bits.
    pub(crate) fn new(rng: &dyn Rng) -> JobId {
        let mut bytes = [0; ID_CHARACTERS];
        rng.fill(&mut bytes);
        JobId(bytes.iter().map(|byte| char::from(ID_ALPHABET[usize::from(byte % 32)])).collect())
    }

    /// Reads one; `None` for what can't be one.
    pub(crate) fn parse(text: &str) -> Option<JobId> {
        let right_size = (10..=ID_CHARACTERS_MAX).contains(&text.len());
        let right_characters = text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
        (right_size && right_characters).then(|| JobId(text.to_owned()))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for JobId {
    type Error = &'static str;

    fn try_from(text: String) -> Result<JobId, Self::Error> {
        JobId::parse(&text).ok_or("a job id is 10 to 64 lower-case letters and digits")
    }
}

impl From<JobId> for String {
    fn from(id: JobId) -> String {
        id.0
    }
}

/// Where a job stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Status {
    Running,
    Done,
    Rejected,
    Deleted,
}

/// Something that went wrong with a job, as its owner sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct JobError {
    pub(crate) timestamp: String,
    pub(crate) message: String,
}

/// A job without its config: what lists show and memory holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Job {
    pub(crate) id: JobId,
    pub(crate) created_at: Timestamp,
    pub(crate) data_name: String,
    pub(crate) status: Status,
    /// Whole seconds of audio, rounded up, once they are known.
    pub(crate) duration: Option<u64>,
    #[serde(default)]
    pub(crate) errors: Vec<JobError>,
}

impl Job {
    /// The published `JobDetails`, without the config.
    pub(crate) fn details(&self) -> Value {
        let mut details = json!({
            "id": self.id,
            "created_at": self.created_at.to_rfc3339(),
            "data_name": self.data_name,
            "status": self.status,
        });
        if let Some(duration) = self.duration {
            details["duration"] = json!(duration);
        }
        if !self.errors.is_empty() {
            details["errors"] = json!(self.errors);
        }
        details
    }
}

/// A job as it is kept on disk.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct JobRecord {
    #[serde(flatten)]
    pub(crate) job: Job,
    /// As the client sent it.
    pub(crate) config: Value,
}

impl JobRecord {
    /// The published `JobDetails`. The secrets that a config may hold for other servers are left out.
    pub(crate) fn details(&self) -> Value {
        let mut config = self.config.clone();
        if let Some(fetch) = config.get_mut("fetch_data").and_then(Value::as_object_mut) {
            fetch.remove("auth_headers");
        }
        for callback in
            config.get_mut("notification_config").and_then(Value::as_array_mut).into_iter().flatten()
        {
            if let Some(callback) = callback.as_object_mut() {
                callback.remove("auth_headers");
            }
        }
        let mut details = self.job.details();
        details["config"] = config;
        details
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::SystemRng;

    /// Ids are random, readable back, and nothing that could leave a folder.
    #[test]
    fn ids_are_safe_in_paths() {
        let id = JobId::new(&SystemRng);
        assert_eq!(JobId::parse(id.as_str()), Some(id.clone()));
        assert_ne!(id, JobId::new(&SystemRng));
        for wrong in [
            "",
            "..",
            "short",
            "../../etc/passwd",
            "abcdefghi/",
            "ABCDEFGHIJKL",
            "abcdefghijk\0",
            "äbcdefghijkl",
        ] {
            assert_eq!(JobId::parse(wrong), None, "{wrong}");
        }
        assert!(JobId::parse(&"a".repeat(64)).is_some());
        assert!(JobId::parse(&"a".repeat(65)).is_none());
    }

    /// Details have the config, without the headers that open other servers.
    #[test]
    fn details_leave_out_secrets() {
        let job = Job {
            id: JobId::parse("abcdefghij").unwrap(),
            created_at: Timestamp::from_seconds(1),
            data_name: "a.wav".to_owned(),
            status: Status::Done,
            duration: Some(3),
            errors: Vec::new(),
        };
        let config = json!({
            "type": "transcription",
            "fetch_data": {"url": "https://example.org/a", "auth_headers": ["Authorization: secret"]},
            "notification_config": [{"url": "https://example.org/b", "auth_headers": ["secret"]}],
        });
        let details = JobRecord { job, config }.details();
        assert!(!details.to_string().contains("secret"));
        assert_eq!(details["config"]["fetch_data"]["url"], "https://example.org/a");
        assert_eq!(details["created_at"], "1970-01-01T00:00:01.000000Z");
        assert_eq!((&details["duration"], &details["status"]), (&json!(3), &json!("done")));
        assert_eq!(details.get("errors"), None);
    }
}
