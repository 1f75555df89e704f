//! What comes out: tables for people, JSON for programs.

use std::io::{self, Write as _};

use domain::Timestamp;
use serde_json::Value;

use super::Failure;
use super::style::{Painter, Tone};
use super::table;

/// A line on standard output. Whoever reads it may be gone; then there is nobody to tell.
pub(super) fn say(text: &str) {
    let mut out = io::stdout().lock();
    drop(writeln!(out, "{text}").and_then(|()| out.flush()));
}

/// A failure on standard error.
pub(super) fn complain(text: &str) {
    let mark = Painter::for_stderr().paint("voxgate:", Tone::Bad);
    drop(writeln!(io::stderr().lock(), "{mark} {text}"));
}

/// A remark on standard error.
pub(super) fn remark(text: &str) {
    drop(writeln!(io::stderr().lock(), "{text}"));
}

/// Says that something was ended, and which gateways haven't heard of it yet.
pub(super) fn say_ended(text: &str, answer: &Value) {
    say(text);
    if answer["pending"].as_array().is_some_and(|pending| !pending.is_empty()) {
        remark(&format!(
            "these gateways don't enforce it yet: {}; voxgate gateways shows when they do",
            cell(&answer["pending"])
        ));
    }
}

/// A value as JSON.
pub(super) fn say_json(value: &Value) -> Result<(), Failure> {
    let text = serde_json::to_string_pretty(value).map_err(|error| Failure::from_error(&error))?;
    say(&text);
    Ok(())
}

/// A list as a table with these columns, no wider than a terminal.
pub(super) fn say_table(rows: &Value, columns: &[&str]) {
    let mut lines = table::lines(rows, columns).into_iter();
    if let Some(header) = lines.next() {
        say(&Painter::for_stdout().paint(&header, Tone::Strong));
    }
    lines.for_each(|line| say(&line));
}

/// A list of keys or tokens with their state in a word: `active`, `expired`, `revoked`.
pub(super) fn with_states(rows: &Value, now: Timestamp) -> Value {
    let with_state = |row: &Value| {
        let expires_at = row["expires_at"].as_str().and_then(Timestamp::parse_rfc3339);
        let state = match (row["revoked_at"].is_null(), expires_at) {
            (false, _) => "revoked",
            (true, Some(at)) if at <= now => "expired",
            (true, _) => "active",
        };
        let mut row = row.clone();
        row["state"] = Value::from(state);
        row
    };
    rows.as_array().into_iter().flatten().map(with_state).collect()
}

/// One thing as a list of its fields.
pub(super) fn say_fields(value: &Value, fields: &[&str]) {
    let width = fields.iter().map(|field| field.len()).max().unwrap_or(0);
    for field in fields {
        say(&format!("{:width$}  {}", table::title(field).to_lowercase(), shown(field, &value[*field])));
    }
}

/// A field's value as people read it.
pub(super) fn shown(field: &str, value: &Value) -> String {
    table::shown(field, value)
}

/// One value in a line, with nothing in it that a terminal would obey.
pub(super) fn cell(value: &Value) -> String {
    let text = match value {
        Value::Null => "-".to_owned(),
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(cell).collect::<Vec<_>>().join(","),
        other => other.to_string(),
    };
    let text = harmless(&text);
    if text.is_empty() { "-".to_owned() } else { text }
}

/// A text with nothing in it that a terminal would obey.
pub(super) fn harmless(text: &str) -> String {
    text.chars().map(|letter| if letter.is_control() { '\u{fffd}' } else { letter }).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// Whoever looks at a list sees which keys are no longer good.
    #[test]
    fn states_are_told() {
        let now = Timestamp::parse_rfc3339("2026-11-25T00:00:00Z").unwrap();
        let rows = json!([
            {"expires_at": null, "revoked_at": null},
            {"expires_at": "2026-11-25T00:00:00Z", "revoked_at": null},
            {"expires_at": "2026-11-25T00:00:01Z", "revoked_at": null},
            {"expires_at": null, "revoked_at": "2026-11-24T00:00:00Z"},
        ]);
        let states: Vec<Value> =
            with_states(&rows, now).as_array().unwrap().iter().map(|row| row["state"].clone()).collect();
        assert_eq!(states, ["active", "expired", "active", "revoked"]);
    }

    /// Names come from strangers: no escape sequence of theirs reaches a terminal.
    #[test]
    fn cells_are_harmless() {
        assert_eq!(cell(&json!("a\u{1b}[31mb\n")), "a\u{fffd}[31mb\u{fffd}");
        assert_eq!(cell(&json!("a\u{9b}31mb")), "a\u{fffd}31mb");
        assert_eq!(cell(&json!(["eu", "au"])), "eu,au");
        assert_eq!(cell(&json!(null)), "-");
        assert_eq!(cell(&json!([])), "-");
    }
}
