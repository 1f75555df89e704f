//! The transcript of a job, in its three formats.

use super::config::JobConfig;
use super::job::{Job, JobRecord};
use crate::speech::results::{self, RecognitionResult};
use crate::speech::subtitles;
use domain::Timestamp;
use serde_json::{Value, json};

/// The version of the json-v2 format that is written.
pub(crate) const FORMAT_VERSION: &str = "2.9";

/// The formats that a transcript comes in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TranscriptFormat {
    JsonV2,
    Txt,
    Srt,
}

impl TranscriptFormat {
    pub(crate) fn parse(text: &str) -> Option<TranscriptFormat> {
        match text {
            "json-v2" => Some(TranscriptFormat::JsonV2),
            "txt" => Some(TranscriptFormat::Txt),
            "srt" => Some(TranscriptFormat::Srt),
            _ => None,
        }
    }
}

/// What a json-v2 transcript is made of.
pub(crate) struct Parts<'a> {
    pub(crate) record: &'a JobRecord,
    pub(crate) config: &'a JobConfig,
    pub(crate) duration: u64,
    pub(crate) results: &'a [RecognitionResult],
    pub(crate) engine_name: &'a str,
    pub(crate) now: Timestamp,
}

/// A transcript as json-v2.
pub(crate) fn json_v2(parts: &Parts<'_>) -> Value {
    let config = &parts.record.config;
    let mut metadata = json!({
        "created_at": parts.now.to_rfc3339(),
        "type": "transcription",
        "transcription_config": config["transcription_config"],
        "language_pack_info": parts.config.style.language.pack_info(parts.engine_name),
        "orchestrator_version": crate::version::VERSION,
    });
    if let Some(output) = config.get("output_config") {
        metadata["output_config"] = output.clone();
    }
    for (feature, errors, kind) in UNSUPPORTED {
        if config.get(feature).is_some() {
            let message = format!("{feature} is not supported by the Voxgate sandbox");
            metadata[errors] = json!([{ "type": kind, "message": message }]);
        }
    }
    json!({
        "format": FORMAT_VERSION,
        "job": job_info(&parts.record.job, parts.duration, config),
        "metadata": metadata,
        "results": parts.results,
    })
}

/// What may be asked for beside a transcript, where its failure is told, and as what.
const UNSUPPORTED: [(&str, &str, &str); 5] = [
    ("translation_config", "translation_errors", "translation_failed"),
    ("summarization_config", "summarization_errors", "summarization_failed"),
    ("sentiment_analysis_config", "sentiment_analysis_errors", "sentiment_analysis_failed"),
    ("topic_detection_config", "topic_detection_errors", "topic_detection_failed"),
    ("auto_chapters_config", "auto_chapters_errors", "auto_chapters_failed"),
];

fn job_info(job: &Job, duration: u64, config: &Value) -> Value {
    let mut info = json!({
        "id": job.id,
        "created_at": job.created_at.to_rfc3339(),
        "data_name": job.data_name,
        "duration": duration,
    });
    if let Some(tracking) = config.get("tracking") {
        info["tracking"] = tracking.clone();
    }
    info
}

/// A json-v2 transcript in one of the text formats.
pub(crate) fn as_text(
    json: &[u8],
    config: &JobConfig,
    format: TranscriptFormat,
) -> serde_json::Result<String> {
    #[derive(serde::Deserialize)]
    struct Stored {
        results: Vec<RecognitionResult>,
    }
    let stored: Stored = serde_json::from_slice(json)?;
    let delimiter = config.style.language.delimiter();
    Ok(match format {
        TranscriptFormat::Srt => subtitles::srt(&stored.results, delimiter, config.subtitles),
        TranscriptFormat::Txt => subtitles::txt(&stored.results, delimiter),
        TranscriptFormat::JsonV2 => results::text(&stored.results, delimiter),
    })
}
