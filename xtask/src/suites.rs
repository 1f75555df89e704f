//! The suites of `cargo xtask test`: what each needs, where it runs, and how.

use std::process::Command;
use std::time::Duration;

use clap::ValueEnum;

use crate::needs::{NODE_FOLDER, Need, VENV_PYTHON};
use crate::repo::Repo;
use crate::{Fault, fuzz, layers, process, tidy};

/// The longest that one suite may take.
const SUITE_LIMIT: Duration = Duration::from_secs(40 * 60);
/// The longest that one test of Node's runner may take.
const NODE_TEST_MILLISECONDS_MAX: u32 = 120_000;

/// One suite.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub(crate) enum Suite {
    /// Edges between crates
    Layers,
    /// Shape of the repository
    Tidy,
    /// Every Rust test, by nextest
    Rust,
    /// Examples in the Rust documentation
    Doc,
    /// Speechmatics' Python libraries against `voxgate dev`
    ClientsPython,
    /// Speechmatics' JavaScript libraries in Node
    ClientsNode,
    /// Speechmatics' JavaScript libraries in Chromium
    ClientsBrowser,
    /// A recorded human voice, recognised
    Voice,
    /// Every fuzz target, for some seconds
    Fuzz,
}

/// Suites of different lanes run side by side, those of one lane one after the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lane {
    /// Keeps a processor busy; writes where we write, as it goes.
    Busy,
    /// Waits most of its time; writes into a log, which is shown in one piece at its end.
    Waiting,
}

/// What has to be built before a suite.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Build {
    /// Nothing: it builds what it needs itself, or needs nothing.
    Nothing,
    /// The program `voxgate`.
    Program,
    /// All crates with all their targets.
    Workspace,
}

impl Suite {
    /// The name that `--only` takes.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Layers => "layers",
            Self::Tidy => "tidy",
            Self::Rust => "rust",
            Self::Doc => "doc",
            Self::ClientsPython => "clients-python",
            Self::ClientsNode => "clients-node",
            Self::ClientsBrowser => "clients-browser",
            Self::Voice => "voice",
            Self::Fuzz => "fuzz",
        }
    }

    /// Where it runs.
    pub(crate) fn lane(self) -> Lane {
        match self {
            Self::Layers | Self::Tidy | Self::Rust | Self::Doc | Self::Fuzz => Lane::Busy,
            Self::ClientsPython | Self::ClientsNode | Self::ClientsBrowser | Self::Voice => Lane::Waiting,
        }
    }

    /// What has to be built first.
    pub(crate) fn build(self) -> Build {
        match self {
            Self::Layers | Self::Tidy | Self::Fuzz => Build::Nothing,
            Self::ClientsPython | Self::ClientsNode | Self::ClientsBrowser | Self::Voice => Build::Program,
            Self::Rust | Self::Doc => Build::Workspace,
        }
    }

    /// What has to be on the machine.
    pub(crate) fn needs(self) -> &'static [Need] {
        match self {
            Self::Layers | Self::Tidy | Self::Doc => &[],
            Self::Rust => &[Need::Nextest],
            Self::ClientsPython | Self::Voice => &[Need::Python, Need::PythonPackages],
            Self::ClientsNode => &[Need::Node, Need::NodePackages],
            Self::ClientsBrowser => &[Need::Node, Need::NodePackages, Need::Chromium],
            Self::Fuzz => &[Need::CxxCompiler, Need::CargoFuzz],
        }
    }

    /// Runs it.
    pub(crate) fn run(self, repo: &Repo) -> Result<(), Fault> {
        match self {
            Self::Layers => layers::check(repo),
            Self::Tidy => tidy::check(repo),
            Self::Rust => {
                process::run(repo.command("cargo").args(["nextest", "run", "--workspace"]), SUITE_LIMIT)
            }
            Self::Doc => {
                process::run(repo.command("cargo").args(["test", "--doc", "--workspace"]), SUITE_LIMIT)
            }
            Self::ClientsPython => self.logged(repo, pytest(repo, "clients/python")),
            Self::Voice => self.logged(repo, pytest(repo, "clients/voice")),
            Self::ClientsNode => self.logged(repo, node(repo, "node")?),
            Self::ClientsBrowser => self.logged(repo, node(repo, "browser")?),
            Self::Fuzz => fuzz::run(repo, fuzz::SECONDS_DEFAULT, &[]),
        }
    }

    /// Runs a program with its output in a log, then shows the log in one piece.
    fn logged(self, repo: &Repo, mut command: Command) -> Result<(), Fault> {
        let log = repo.path(&format!("target/xtask/{}.log", self.name()));
        println!("==> {} runs; its output follows when it ends, and is in {}", self.name(), log.display());
        let outcome = process::run_into(&mut command, &log, SUITE_LIMIT);
        let said = std::fs::read(&log).unwrap_or_default();
        println!("==> {}\n{}", self.name(), String::from_utf8_lossy(&said).trim_end());
        outcome
    }
}

fn pytest(repo: &Repo, folder: &str) -> Command {
    let mut python = repo.own_command(VENV_PYTHON);
    python.args(["-m", "pytest", "--config-file", "clients/pytest.ini", folder]);
    python
}

fn node(repo: &Repo, folder: &str) -> Result<Command, Fault> {
    let folder = format!("{NODE_FOLDER}/{folder}");
    let mut tests: Vec<String> = repo
        .files()?
        .into_iter()
        .filter(|file| file.starts_with(&folder) && file.ends_with(".test.mjs"))
        .collect();
    if tests.is_empty() {
        return Err(format!("{folder} holds no *.test.mjs"));
    }
    tests.sort();
    let mut node = repo.command("node");
    node.args(["--test", "--test-reporter=spec"])
        .arg(format!("--test-timeout={NODE_TEST_MILLISECONDS_MAX}"))
        .args(tests);
    Ok(node)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `--only` takes the names that the table shows.
    #[test]
    fn names_are_those_of_the_command_line() {
        for suite in Suite::value_variants() {
            assert_eq!(Suite::from_str(suite.name(), false), Ok(*suite));
        }
    }

    /// What prints as it goes runs in one lane, so that two runners never write into each other's lines.
    #[test]
    fn only_the_busy_lane_writes_directly() {
        for suite in Suite::value_variants() {
            let builds = suite.build() != Build::Program;
            assert_eq!(suite.lane() == Lane::Busy, builds, "{}", suite.name());
        }
    }
}
