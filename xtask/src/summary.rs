//! The table that closes a run.

use crate::Fault;

/// How one suite, or the step before them, ended.
#[derive(Debug)]
pub(crate) struct Row {
    /// What ran.
    pub(crate) name: &'static str,
    /// How long it took.
    pub(crate) seconds: f64,
    /// How it ended.
    pub(crate) outcome: Result<(), Fault>,
}

/// The table, with the reason of each failure below it and the counts as its last line.
pub(crate) fn table(rows: &[Row]) -> String {
    let width = rows.iter().map(|row| row.name.len()).max().unwrap_or_default().max("step".len());
    let mut text = format!("{:width$}  seconds  result\n", "step");
    for row in rows {
        let result = if row.outcome.is_ok() { "passed" } else { "FAILED" };
        text.push_str(&format!("{:width$}  {:7.1}  {result}\n", row.name, row.seconds));
    }
    for row in rows {
        if let Err(fault) = &row.outcome {
            text.push_str(&format!("\n{}: {fault}\n", row.name));
        }
    }
    let failed = failed(rows);
    text.push_str(&format!("\nsteps: {} passed, {failed} failed\n", rows.len() - failed));
    text
}

/// How many didn't pass.
pub(crate) fn failed(rows: &[Row]) -> usize {
    rows.iter().filter(|row| row.outcome.is_err()).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One look tells what failed and why; the last line counts.
    #[test]
    fn the_table_names_failures_and_counts() {
        let rows = [
            Row { name: "layers", seconds: 0.25, outcome: Ok(()) },
            Row { name: "clients-python", seconds: 61.0, outcome: Err("no python".to_owned()) },
        ];
        let text = table(&rows);
        let expected = "step            seconds  result\n\
                        layers              0.2  passed\n\
                        clients-python     61.0  FAILED\n\
                        \n\
                        clients-python: no python\n\
                        \n\
                        steps: 1 passed, 1 failed\n";
        assert_eq!(text, expected);
        assert_eq!(failed(&rows), 1);
    }
}
