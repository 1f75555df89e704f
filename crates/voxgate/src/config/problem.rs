//! What is wrong with a configuration file, and where.

use std::fmt;

/// One mistake.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// The line, counted from 1.
    pub line: usize,
    /// Which setting, with the sections that it stands in.
    pub setting: String,
    /// What is wrong, what was expected, what to do.
    pub message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: ", self.line)?;
        if !self.setting.is_empty() {
            write!(f, "{}: ", self.setting)?;
        }
        f.write_str(&self.message)
    }
}

/// Collects the mistakes of one file.
#[derive(Debug)]
pub(crate) struct Report {
    /// Where each line begins, in bytes.
    line_starts: Vec<usize>,
    problems: Vec<Problem>,
    /// Each setting that was asked for and what it takes, where that is what somebody wants to know.
    record: Option<Vec<(String, String)>>,
}

impl Report {
    pub(crate) fn new(text: &str) -> Self {
        let after_breaks =
            text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(index, _)| index + 1);
        Self {
            line_starts: std::iter::once(0).chain(after_breaks).collect(),
            problems: Vec::new(),
            record: None,
        }
    }

    /// One that notes what is asked for, in place of reading it.
    pub(crate) fn recording() -> Self {
        Self { record: Some(Vec::new()), ..Self::new("") }
    }

    pub(crate) const fn records(&self) -> bool {
        self.record.is_some()
    }

    pub(crate) fn record(&mut self, setting: String, takes: String) {
        self.record.get_or_insert_default().push((setting, takes));
    }

    /// What was noted, in the order in which it was asked for.
    pub(crate) fn into_record(self) -> Vec<(String, String)> {
        self.record.unwrap_or_default()
    }

    /// The line of a byte, counted from 1.
    pub(crate) fn line(&self, byte: usize) -> usize {
        self.line_starts.partition_point(|start| *start <= byte).max(1)
    }

    pub(crate) fn add(&mut self, line: usize, setting: impl Into<String>, message: impl Into<String>) {
        self.problems.push(Problem { line, setting: setting.into(), message: message.into() });
    }

    /// All mistakes, in the order of the file.
    pub(crate) fn into_problems(mut self) -> Vec<Problem> {
        self.problems.sort();
        self.problems.dedup();
        self.problems
    }
}
