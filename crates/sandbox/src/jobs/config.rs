//! The `config` of a job: checked before the job is taken.

use crate::http::reply::{ErrorName, Refusal};
use crate::limits::FETCH_HEADERS_MAX;
use crate::speech::language::Language;
use crate::speech::results::Style;
use crate::speech::subtitles::SubtitleShape;
use ::http::header::{HeaderName, HeaderValue};
use ::http::uri::{Scheme, Uri};
use serde_json::Value;

/// Longest line and most lines that subtitles may ask for.
const SUBTITLE_CHARACTERS_MAX: u64 = 500;
const SUBTITLE_LINES_MAX: u64 = 20;

/// What the sandbox needs of a job's config.
#[derive(Debug, Clone)]
pub(crate) struct JobConfig {
    pub(crate) style: Style,
    pub(crate) subtitles: SubtitleShape,
    pub(crate) fetch: Option<FetchConfig>,
    /// Callbacks were asked for; the sandbox makes none.
    pub(crate) wants_callbacks: bool,
}

/// Where the audio is fetched from.
#[derive(Clone)]
pub(crate) struct FetchConfig {
    pub(crate) url: Uri,
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
}

impl std::fmt::Debug for FetchConfig {
    /// The headers, and often the query of the URL, are secrets.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FetchConfig").field("host", &self.url.host()).finish_non_exhaustive()
    }
}

/// Reads the `config` part of a request.
pub(crate) fn read(bytes: &[u8]) -> Result<(JobConfig, Value), Refusal> {
    let config: Value = serde_json::from_slice(bytes)
        .map_err(|error| rejected(format!("Job config JSON is invalid: {error}")))?;
    Ok((JobConfig::parse(&config)?, config))
}

impl JobConfig {
    /// Checks a config.
    pub(crate) fn parse(config: &Value) -> Result<JobConfig, Refusal> {
        if !config.is_object() {
            return Err(rejected("Job config JSON is invalid: expected an object"));
        }
        match &config["type"] {
            Value::String(kind) if kind == "transcription" => (),
            Value::Null => return Err(rejected("type in config is required: \"transcription\"")),
            other => return Err(rejected(format!("type in config is {other}, expected \"transcription\""))),
        }
        if config.get("fetch_text").is_some() {
            return Err(rejected("fetch_text in config belongs to alignment, which is not offered"));
        }
        Ok(JobConfig {
            style: style(&config["transcription_config"])?,
            subtitles: subtitles(&config["output_config"]["srt_overrides"])?,
            fetch: config.get("fetch_data").map(fetch).transpose()?,
            wants_callbacks: config["notification_config"].as_array().is_some_and(|list| !list.is_empty()),
        })
    }
}

fn style(transcription: &Value) -> Result<Style, Refusal> {
    let code = match &transcription["language"] {
        Value::String(code) if !code.is_empty() => code,
        _ => {
            return Err(Refusal::new(
                400,
                ErrorName::NoLanguageSelected,
                "language in transcription_config is required, for example \"en\"",
            ));
        }
    };
    let language = Language::find_for_job(code)
        .ok_or_else(|| rejected(format!("language {code:?} is not known, expected a code such as \"en\"")))?;
    let asks_speakers = matches!(transcription["diarization"].as_str(), Some("speaker"));
    Ok(Style {
        language,
        language_code: language.code.to_owned(),
        speaker: asks_speakers.then(|| "UU".to_owned()),
        channel: None,
    })
}

fn subtitles(overrides: &Value) -> Result<SubtitleShape, Refusal> {
    let default = SubtitleShape::default();
    let field = |name: &str, default: usize, max: u64| match &overrides[name] {
        Value::Null => Ok(default),
        value => match value.as_u64().filter(|number| (1..=max).contains(number)) {
            Some(number) => Ok(number as usize),
            None => Err(rejected(format!("{name} in srt_overrides is {value}, expected 1 to {max}"))),
        },
    };
    Ok(SubtitleShape {
        line_characters_max: field("max_line_length", default.line_characters_max, SUBTITLE_CHARACTERS_MAX)?,
        lines_max: field("max_lines", default.lines_max, SUBTITLE_LINES_MAX)?,
    })
}

fn fetch(fetch: &Value) -> Result<FetchConfig, Refusal> {
    let url = fetch["url"].as_str().ok_or_else(|| rejected("url in fetch_data is required"))?;
    let url: Uri = url.parse().map_err(|_| rejected("url in fetch_data is not a URL of http or https"))?;
    let known = url.scheme() == Some(&Scheme::HTTP) || url.scheme() == Some(&Scheme::HTTPS);
    let clean = url.authority().is_some_and(|authority| !authority.as_str().contains('@'));
    if !known || !clean {
        return Err(rejected(
            "url in fetch_data must be a URL of http or https, with a host and no user name",
        ));
    }
    let lines = match &fetch["auth_headers"] {
        Value::Null => &[],
        Value::Array(lines) if lines.len() <= FETCH_HEADERS_MAX => lines.as_slice(),
        _ => return Err(rejected(format!("auth_headers is a list of at most {FETCH_HEADERS_MAX} headers"))),
    };
    let headers = lines.iter().map(header).collect::<Option<Vec<_>>>();
    let headers =
        headers.ok_or_else(|| rejected("each of auth_headers is a string of the form \"Name: value\""))?;
    Ok(FetchConfig { url, headers })
}

fn header(line: &Value) -> Option<(HeaderName, HeaderValue)> {
    let (name, value) = line.as_str()?.split_once(':')?;
    let name = HeaderName::from_bytes(name.trim().as_bytes()).ok()?;
    let mut value = HeaderValue::from_str(value.trim()).ok()?;
    value.set_sensitive(true);
    // These are the connection's own.
    let ours = ["host", "content-length", "transfer-encoding", "connection", "upgrade", "te", "expect"];
    (!ours.contains(&name.as_str())).then_some((name, value))
}

fn rejected(detail: impl Into<String>) -> Refusal {
    Refusal::new(400, ErrorName::JobRejected, detail)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn parse(config: Value) -> Result<JobConfig, Refusal> {
        JobConfig::parse(&config)
    }

    fn with(name: &str, value: Value) -> Value {
        let mut config = json!({"type": "transcription", "transcription_config": {"language": "en"}});
        config[name] = value;
        config
    }

    /// A plain config is taken; each thing that is wrong with one is refused with its own name.
    #[test]
    fn configs_are_taken_or_refused_by_name() {
        assert!(parse(with("tracking", json!({"title": "x"}))).is_ok());
        let refusals = [
            (json!([]), "Job rejected", "expected an object"),
            (
                json!({"transcription_config": {"language": "en"}}),
                "Job rejected",
                "type in config is required",
            ),
            (with("type", json!("alignment")), "Job rejected", "\"alignment\""),
            (json!({"type": "transcription"}), "No language selected", "language"),
            (with("transcription_config", json!({"language": ""})), "No language selected", "language"),
            (with("transcription_config", json!({"language": 3})), "No language selected", "language"),
            (with("transcription_config", json!({"language": "xx"})), "Job rejected", "\"xx\" is not known"),
            (with("output_config", json!({"srt_overrides": {"max_lines": 0}})), "Job rejected", "max_lines"),
            (with("fetch_text", json!({})), "Job rejected", "fetch_text"),
            (with("fetch_data", json!({})), "Job rejected", "url in fetch_data is required"),
            (with("fetch_data", json!({"url": "file:///etc/passwd"})), "Job rejected", "http or https"),
            (with("fetch_data", json!({"url": "/etc/passwd"})), "Job rejected", "http or https"),
            (with("fetch_data", json!({"url": "http://u:p@h/"})), "Job rejected", "no user name"),
            (
                with("fetch_data", json!({"url": "http://h", "auth_headers": ["x"]})),
                "Job rejected",
                "Name: value",
            ),
            (
                with("fetch_data", json!({"url": "http://h", "auth_headers": ["Host: x"]})),
                "Job rejected",
                "Name: value",
            ),
            (
                with("fetch_data", json!({"url": "http://h", "auth_headers": ["A: b\r\nC: d"]})),
                "Job rejected",
                "Name",
            ),
        ];
        for (config, error, detail) in refusals {
            let refusal = parse(config.clone()).map(|_| ()).expect_err(&config.to_string());
            assert_eq!(refusal.error.as_str(), error, "{config}");
            assert!(refusal.detail.contains(detail), "{config}: {}", refusal.detail);
        }
        assert!(read(b"{").unwrap_err().detail.contains("Job config JSON is invalid"));
    }

    /// Fetch and subtitle settings are read; secrets don't show in what is printed for debugging.
    #[test]
    fn settings_are_read() {
        let url = json!({"url": "https://example.org/a?sig=secret", "auth_headers": ["Authorization: Bearer secret"]});
        let config = parse(with("fetch_data", url)).unwrap();
        assert!(!format!("{config:?}").contains("secret"));
        assert_eq!(config.fetch.unwrap().headers[0].0, "authorization");
        let config = parse(with("output_config", json!({"srt_overrides": {"max_line_length": 20}}))).unwrap();
        assert_eq!(config.subtitles, SubtitleShape { line_characters_max: 20, lines_max: 2 });
        let config = json!({"language": "auto", "diarization": "speaker"});
        let config = parse(with("transcription_config", config)).unwrap();
        assert_eq!((&*config.style.language_code, config.style.speaker.as_deref()), ("en", Some("UU")));
    }
}
