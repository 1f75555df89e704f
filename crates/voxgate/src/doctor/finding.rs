//! What was found.

use serde_json::{Value, json};

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// As it should be.
    Ok,
    /// Worth a look; it works.
    Warning,
    /// It doesn't work, or isn't safe.
    Failed,
}

impl Level {
    /// Its word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Failed => "failed",
        }
    }
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Which part it is about: `clock`, `files`, `database`, …
    pub about: &'static str,
    /// How bad it is.
    pub level: Level,
    /// What was found.
    pub says: String,
    /// What to do, unless all is well.
    pub remedy: Option<String>,
}

/// Everything that was found.
#[derive(Debug, Default)]
pub struct Report {
    findings: Vec<Finding>,
}

impl Report {
    /// All is well.
    pub fn ok(&mut self, about: &'static str, says: impl Into<String>) {
        self.findings.push(Finding { about, level: Level::Ok, says: says.into(), remedy: None });
    }

    /// It works, and something should be done.
    pub fn warn(&mut self, about: &'static str, says: impl Into<String>, remedy: impl Into<String>) {
        let remedy = Some(remedy.into());
        self.findings.push(Finding { about, level: Level::Warning, says: says.into(), remedy });
    }

    /// It doesn't work, or isn't safe.
    pub fn fail(&mut self, about: &'static str, says: impl Into<String>, remedy: impl Into<String>) {
        let remedy = Some(remedy.into());
        self.findings.push(Finding { about, level: Level::Failed, says: says.into(), remedy });
    }

    /// The findings, in the order in which things were looked at.
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// How many findings are of a level.
    pub fn count(&self, level: Level) -> usize {
        self.findings.iter().filter(|finding| finding.level == level).count()
    }

    /// Everything, for programs.
    pub fn to_json(&self) -> Value {
        let finding = |finding: &Finding| {
            json!({
                "about": finding.about,
                "level": finding.level.as_str(),
                "says": finding.says,
                "remedy": finding.remedy,
            })
        };
        json!({
            "healthy": self.count(Level::Failed) == 0,
            "warnings": self.count(Level::Warning),
            "failures": self.count(Level::Failed),
            "findings": self.findings.iter().map(finding).collect::<Vec<_>>(),
        })
    }
}
