//! Tables that fit a terminal of 80 columns.

use domain::Timestamp;
use serde_json::Value;

use super::output::cell;

/// The width that a table keeps to.
const COLUMNS_MAX: usize = 80;
/// A text is cut no shorter than this.
const CUT_CHARACTERS_MIN: usize = 8;
/// Between two cells.
const GAP: usize = 2;

/// The lines of a table: the header, then one for each row. Ids are never cut, since people copy them; texts are cut with
/// an ellipsis, longest first; where that isn't enough the rightmost columns go. JSON has everything.
pub(super) fn lines(rows: &Value, columns: &[&str]) -> Vec<String> {
    let header: Vec<String> = columns.iter().map(|column| title(column)).collect();
    let body = rows.as_array().into_iter().flatten();
    let cells = body.map(|row| columns.iter().map(|column| shown(column, &row[*column])).collect());
    let table: Vec<Vec<String>> = std::iter::once(header).chain(cells).collect();
    let widths = widths(&table, columns);
    table.iter().map(|line| join(line, &widths)).collect()
}

/// A column's title.
pub(super) fn title(column: &str) -> String {
    column.strip_suffix("_at").unwrap_or(column).to_uppercase().replace('_', " ")
}

/// A value of a column: times to the minute, everything else as it is.
pub(super) fn shown(column: &str, value: &Value) -> String {
    let time = if column == "at" || column.ends_with("_at") {
        value.as_str().and_then(Timestamp::parse_rfc3339)
    } else {
        None
    };
    match time {
        Some(time) => minute(time),
        None => cell(value),
    }
}

fn minute(time: Timestamp) -> String {
    let text = time.to_rfc3339();
    text.get(..16).map_or_else(|| text.clone(), |cut| cut.replace('T', " "))
}

/// Whether a column's texts lose their use when they are cut.
fn is_whole(column: &str) -> bool {
    column.ends_with("_id")
        || column.ends_with("_at")
        || matches!(column, "at" | "hint" | "state" | "kid" | "email" | "sequence" | "lag")
}

/// How wide each column is; fewer than there are columns where not all fit.
fn widths(table: &[Vec<String>], columns: &[&str]) -> Vec<usize> {
    let natural = |index: usize| table.iter().map(|line| line[index].chars().count()).max().unwrap_or(0);
    let mut widths: Vec<usize> = (0..columns.len()).map(natural).collect();
    while total(&widths) > COLUMNS_MAX {
        let can_shrink = |index: &usize| !is_whole(columns[*index]) && widths[*index] > CUT_CHARACTERS_MIN;
        match (0..widths.len()).filter(can_shrink).max_by_key(|index| widths[*index]) {
            Some(widest) => widths[widest] -= 1,
            // The first column stays whatever it takes.
            None if widths.len() > 1 => {
                widths.pop();
                // With one column fewer the others may have their room back.
                for (index, width) in widths.iter_mut().enumerate() {
                    *width = natural(index);
                }
            }
            None => break,
        }
    }
    widths
}

fn total(widths: &[usize]) -> usize {
    widths.iter().sum::<usize>() + GAP * widths.len().saturating_sub(1)
}

fn join(line: &[String], widths: &[usize]) -> String {
    let cells: Vec<String> = line
        .iter()
        .zip(widths)
        .map(|(text, width)| format!("{:width$}", cut(text, *width), width = *width))
        .collect();
    cells.join(&" ".repeat(GAP)).trim_end().to_owned()
}

fn cut(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    let kept: String = text.chars().take(width.saturating_sub(1)).collect();
    format!("{kept}…")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    /// Ids are whole so that they can be copied, texts are cut, and what doesn't fit at all goes from the right.
    #[test]
    fn a_table_fits() {
        let id = format!("key_{}", "0".repeat(26));
        let row = json!({
            "apikey_id": id, "name": "a name of some length that somebody gave", "hint": "vgk_…abcd", "state": "active",
            "areas": ["eu", "usa", "au"], "created_at": "2026-11-25T03:31:34.000000Z",
        });
        let lines = lines(&json!([row]), &["apikey_id", "name", "hint", "state", "areas", "created_at"]);
        assert!(lines.iter().all(|line| line.chars().count() <= COLUMNS_MAX), "{lines:?}");
        assert!(lines[1].contains(&id) && lines[1].contains('…') && lines[1].contains("active"), "{lines:?}");
        let narrow = super::lines(
            &json!([{"name": "x", "created_at": "2026-11-25T03:31:34.000000Z"}]),
            &["name", "created_at"],
        );
        assert_eq!(narrow, ["NAME  CREATED", "x     2026-11-25 03:31"]);
        assert_eq!(super::lines(&json!([]), &["name"]), ["NAME"]);
    }

    proptest! {
        /// Whatever people call their things, no line is wider than the terminal and none takes two lines.
        #[test]
        fn any_names_fit(names in proptest::collection::vec(any::<String>(), 0..5)) {
            let rows: Vec<Value> = names.iter().map(|name| json!({"project_id": 1, "name": name, "description": name})).collect();
            for line in lines(&json!(rows), &["project_id", "name", "description"]) {
                prop_assert!(line.chars().count() <= COLUMNS_MAX);
                prop_assert!(!line.chars().any(char::is_control));
            }
        }
    }
}
