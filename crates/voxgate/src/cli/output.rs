//! What comes out: tables for people, JSON for programs.

use std::io::{self, Write as _};

use serde_json::Value;

use super::Failure;

/// A line on standard output. Whoever reads it may be gone; then there is nobody to tell.
pub(super) fn say(text: &str) {
    let mut out = io::stdout().lock();
    drop(writeln!(out, "{text}").and_then(|()| out.flush()));
}

/// A failure on standard error.
pub(super) fn complain(text: &str) {
    drop(writeln!(io::stderr().lock(), "voxgate: {text}"));
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

/// A list as a table with these columns.
pub(super) fn say_table(rows: &Value, columns: &[&str]) {
    let header: Vec<String> = columns.iter().map(|column| column.to_uppercase().replace('_', " ")).collect();
    let mut lines = vec![header];
    for row in rows.as_array().into_iter().flatten() {
        lines.push(columns.iter().map(|column| cell(&row[*column])).collect());
    }
    let widths: Vec<usize> = (0..columns.len())
        .map(|index| lines.iter().map(|line| line[index].chars().count()).max().unwrap_or(0))
        .collect();
    for line in lines {
        let cells: Vec<String> =
            line.iter().zip(&widths).map(|(text, width)| format!("{text:width$}", width = *width)).collect();
        say(cells.join("  ").trim_end());
    }
}

/// One value in a line, with nothing in it that a terminal would obey.
pub(super) fn cell(value: &Value) -> String {
    let text = match value {
        Value::Null => "-".to_owned(),
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(cell).collect::<Vec<_>>().join(","),
        other => other.to_string(),
    };
    let text: String =
        text.chars().map(|letter| if letter.is_control() { '\u{fffd}' } else { letter }).collect();
    if text.is_empty() { "-".to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// Names come from strangers: no escape sequence of theirs reaches a terminal.
    #[test]
    fn cells_are_harmless() {
        assert_eq!(cell(&json!("a\u{1b}[31mb\n")), "a\u{fffd}[31mb\u{fffd}");
        assert_eq!(cell(&json!(["eu", "au"])), "eu,au");
        assert_eq!(cell(&json!(null)), "-");
        assert_eq!(cell(&json!([])), "-");
    }
}
