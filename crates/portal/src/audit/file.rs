//! The log as a file: what the filters let through, the newest first, read while it is sent.

use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::response::{IntoResponse as _, Response};
use control::{AuditEvent, AuditFilter, Control, StoreError};
use domain::{Account, WorkspaceId};
use futures_util::stream;
use http::header;
use serde_json::json;

use super::ask::{Address, Wrong};
use crate::web::{Portal, Problem};

/// Events that are read at once.
const EVENTS_PER_PIECE: u64 = 500;
/// The first line of a table.
const HEAD: [&str; 10] = [
    "sequence",
    "at",
    "workspace_id",
    "actor",
    "actor_name",
    "action",
    "subject",
    "subject_name",
    "detail",
    "from",
];

/// What a file is written as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    /// RFC 4180, for spreadsheets.
    Csv,
    /// One array of objects.
    Json,
}

/// Answers with the file.
pub(crate) async fn answer(
    portal: &Portal,
    account: &Account,
    workspace_id: Option<WorkspaceId>,
    address: &Address,
) -> Result<Response, Problem> {
    let (format, content_type, name) = match address.format.as_str() {
        "csv" => (Format::Csv, "text/csv; charset=utf-8", "attachment; filename=\"audit-log.csv\""),
        "json" => (Format::Json, "application/json", "attachment; filename=\"audit-log.json\""),
        _ => return Err(Problem::not_found()),
    };
    let filter = match address.filter(&portal.control, account, workspace_id).await {
        Ok(filter) => filter,
        Err(Wrong::Days(sentence)) => return Err(Problem::bad_form(sentence)),
        Err(Wrong::Problem(problem)) => return Err(problem),
    };
    let reading = Reading { control: Arc::clone(&portal.control), filter, format, step: Step::Head };
    let pieces = stream::try_unfold(reading, |reading| async move { reading.piece().await });
    let headers = [
        (header::CONTENT_TYPE, content_type),
        (header::CONTENT_DISPOSITION, name),
        (header::CACHE_CONTROL, "no-store"),
    ];
    Ok((headers, Body::from_stream(pieces)).into_response())
}

/// A file on its way.
struct Reading {
    control: Arc<Control>,
    filter: AuditFilter,
    format: Format,
    step: Step,
}

/// How far it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    /// Nothing was written.
    Head,
    /// Events before this one follow.
    Before(Option<u64>),
    /// All was written.
    Over,
}

impl Reading {
    async fn piece(mut self) -> Result<Option<(Bytes, Self)>, std::io::Error> {
        let before = match self.step {
            Step::Head => {
                self.step = Step::Before(None);
                return Ok(Some((head(self.format)?, self)));
            }
            Step::Before(before) => before,
            Step::Over => return Ok(None),
        };
        let read = self.control.find_newest_audit_events(&self.filter, before, EVENTS_PER_PIECE).await;
        let events = read.map_err(failed)?;
        self.step = events.last().map_or(Step::Over, |last| Step::Before(Some(last.sequence)));
        let text = match self.format {
            Format::Csv => table(&events)?,
            Format::Json => objects(&events, before.is_none()),
        };
        Ok(Some((text.into(), self)))
    }
}

/// The connection ends without the file's end, so that nobody takes a part for the whole.
fn failed(error: StoreError) -> std::io::Error {
    tracing::error!(error = &error as &dyn std::error::Error, "the log could not be read to its end");
    std::io::Error::other(error)
}

fn writer() -> csv::Writer<Vec<u8>> {
    csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new())
}

fn finished(writer: csv::Writer<Vec<u8>>) -> Result<Vec<u8>, std::io::Error> {
    writer.into_inner().map_err(|error| std::io::Error::other(error.to_string()))
}

fn head(format: Format) -> Result<Bytes, std::io::Error> {
    match format {
        Format::Csv => {
            let mut file = writer();
            file.write_record(HEAD).map_err(std::io::Error::other)?;
            Ok(finished(file)?.into())
        }
        Format::Json => Ok(Bytes::from_static(b"[")),
    }
}

fn table(events: &[AuditEvent]) -> Result<Vec<u8>, std::io::Error> {
    let mut file = writer();
    for event in events {
        let record = [
            event.sequence.to_string(),
            event.at.to_rfc3339(),
            event.workspace_id.map(|id| id.to_string()).unwrap_or_default(),
            event.actor.clone(),
            harmless(event.actor_name.as_deref().unwrap_or_default()),
            event.action.as_str().to_owned(),
            harmless(&event.subject),
            harmless(event.subject_name.as_deref().unwrap_or_default()),
            harmless(&event.detail),
            event.from.map(|address| address.to_string()).unwrap_or_default(),
        ];
        file.write_record(record).map_err(std::io::Error::other)?;
    }
    finished(file)
}

/// A text that a spreadsheet takes for a text, not for a formula: an address may begin like one.
fn harmless(text: &str) -> String {
    let begins =
        |letter: char| matches!(letter, '=' | '+' | '-' | '@' | '\t' | '\r' | '＝' | '＋' | '－' | '＠');
    if text.trim_start().starts_with(begins) { format!("'{text}") } else { text.to_owned() }
}

/// Objects of an array, with what stands before each; after the last piece, which is empty, its end.
fn objects(events: &[AuditEvent], is_first: bool) -> Vec<u8> {
    if events.is_empty() {
        return b"\n]\n".to_vec();
    }
    let mut text = String::new();
    for (place, event) in events.iter().enumerate() {
        text.push_str(if is_first && place == 0 { "\n" } else { ",\n" });
        let object = json!({
            "sequence": event.sequence,
            "at": event.at.to_rfc3339(),
            "workspace_id": event.workspace_id,
            "actor": event.actor,
            "actor_name": event.actor_name,
            "action": event.action,
            "subject": event.subject,
            "subject_name": event.subject_name,
            "detail": event.detail,
            "from": event.from,
        });
        text.push_str(&object.to_string());
    }
    text.into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// No address or name becomes a formula in a spreadsheet; a plain one stays as it is.
    #[test]
    fn no_cell_is_a_formula() {
        for text in ["=HYPERLINK(1)@x", "+1@x", "-1@x", "@x", " =1", "\t=1", "＝1"] {
            assert_eq!(harmless(text), format!("'{text}"));
        }
        for text in ["ada@example.org", "", "who_00", "role admin"] {
            assert_eq!(harmless(text), text);
        }
    }
}
