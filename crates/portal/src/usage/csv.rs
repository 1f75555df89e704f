//! Usage as a file for spreadsheets.

use std::collections::BTreeMap;

use control::Refusals;
use domain::usage::{UsageCounts, UsageGroups, UsageKey};

use super::view::Names;

/// The first line.
const HEAD: [&str; 14] = [
    "day",
    "project_id",
    "project",
    "api_key_id",
    "api_key",
    "client_ref",
    "region",
    "mode",
    "audio_seconds",
    "sessions",
    "requests",
    "refusals",
    "reasons",
    "received_bytes",
];

/// What a file tells apart: everything.
pub(crate) fn groups() -> UsageGroups {
    UsageGroups::all()
}

/// The file: RFC 4180, UTF-8.
///
/// # Errors
/// When it can't be written, which memory never says.
pub(crate) fn file(
    rows: &[(UsageKey, UsageCounts)],
    refusals: &BTreeMap<UsageKey, Refusals>,
    names: &Names,
) -> Result<Vec<u8>, csv::Error> {
    let mut file = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
    file.write_record(HEAD)?;
    for (key, counts) in rows {
        let text = |value: Option<String>| value.unwrap_or_default();
        file.write_record([
            text(key.day.map(|day| day.to_string())),
            text(key.project_id.map(|id| id.to_string())),
            harmless(&text(key.project_id.map(|id| names.project(id)))),
            text(key.api_key_id.map(|id| id.to_string())),
            harmless(&text(key.api_key_id.map(|id| names.key(id)))),
            harmless(key.client_ref.as_ref().and_then(Option::as_ref).map_or("", |text| text.as_str())),
            text(key.region.map(|region| region.to_string())),
            text(key.mode.map(|mode| mode.to_string())),
            format!("{:.3}", counts.audio_seconds()),
            counts.sessions.to_string(),
            counts.requests.to_string(),
            counts.refusals.to_string(),
            refusals.get(key).map(reasons).unwrap_or_default(),
            counts.received_bytes.to_string(),
        ])?;
    }
    file.into_inner().map_err(|error| csv::Error::from(error.into_error()))
}

/// Refusals by their reasons: `quota_reached 3; rate_limited 1`.
fn reasons(refusals: &Refusals) -> String {
    let all: Vec<String> = refusals.iter().map(|(reason, count)| format!("{reason} {count}")).collect();
    all.join("; ")
}

/// A text that a spreadsheet takes for a text. One that begins like a formula gets an apostrophe before it, as spreadsheets have it;
/// spaces and the like before the formula don't hide it.
fn harmless(text: &str) -> String {
    let begins = |character: char| {
        matches!(character, '=' | '+' | '-' | '@' | '\t' | '\r' | '\n' | '＝' | '＋' | '－' | '＠')
    };
    let is_formula = text.starts_with(begins) || text.trim_start().starts_with(begins);
    if is_formula { format!("'{text}") } else { text.to_owned() }
}
