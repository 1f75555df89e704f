//! What comes out: tables for people, JSON for programs.

use std::io::{self, Write as _};

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
