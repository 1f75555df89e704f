//! The suites of `cargo xtask test`: what each needs, where it runs, and how.

use std::process::Command;
use std::time::Duration;

use clap::ValueEnum;

use crate::needs::{Need, PORTAL_FOLDER, VENV_PYTHON};
use crate::repo::Repo;
use crate::{Fault, attack, fuzz, layers, postgres, process, supply_chain, tidy};

/// The longest that one suite may take.
const SUITE_LIMIT: Duration = Duration::from_secs(40 * 60);
/// Leaves out the tests that say themselves which database they run on, and those of commands that find an instance by its
/// data folder alone, where a PostgreSQL can't be: they have run already.
const NOT_ON_BOTH: &str = "not test(on_sqlite) and not test(on_postgres) \
     and not test(/^(admin|cli|config|doctor|import|master_key|operate|reference|signing_rotation)/)";
/// The longest that one file of tests of Node's runner may take.
const NODE_FILE_MILLISECONDS_MAX: u32 = 600_000;
/// Files of tests that Node's runner has open at once.
const NODE_FILES_AT_ONCE: u32 = 2;

/// One suite.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub(crate) enum Suite {
    /// Edges between crates
    Layers,
    /// Shape of the repository
    Tidy,
    /// Licences, bans, sources and versions of others' code
    SupplyChain,
    /// Every Rust test, by nextest
    Rust,
    /// The tests of the whole once more, with everything on PostgreSQL
    WirePostgres,
    /// Examples in the Rust documentation
    Doc,
    /// Speechmatics' Python libraries against `voxgate dev`
    ClientsPython,
    /// Speechmatics' JavaScript libraries in Node
    ClientsNode,
    /// Speechmatics' JavaScript libraries in Chromium
    ClientsBrowser,
    /// The portal in Chromium: every page and flow, by name, and attacks on them
    Portal,
    /// Speechmatics' Python libraries, with everything on PostgreSQL
    ClientsPythonPostgres,
    /// Speechmatics' JavaScript libraries in Node, with everything on PostgreSQL
    ClientsNodePostgres,
    /// A recorded human voice, recognised
    Voice,
    /// The management API against its own document, by Schemathesis
    Schemathesis,
    /// Every attack but the floods, at a running instance
    Attack,
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
            Self::SupplyChain => "supply-chain",
            Self::Rust => "rust",
            Self::WirePostgres => "wire-postgres",
            Self::Doc => "doc",
            Self::ClientsPython => "clients-python",
            Self::ClientsNode => "clients-node",
            Self::ClientsBrowser => "clients-browser",
            Self::Portal => "portal",
            Self::ClientsPythonPostgres => "clients-python-postgres",
            Self::ClientsNodePostgres => "clients-node-postgres",
            Self::Voice => "voice",
            Self::Schemathesis => "schemathesis",
            Self::Attack => "attack",
            Self::Fuzz => "fuzz",
        }
    }

    /// Where it runs.
    pub(crate) fn lane(self) -> Lane {
        match self {
            Self::Layers
            | Self::Tidy
            | Self::SupplyChain
            | Self::Rust
            | Self::WirePostgres
            | Self::Doc
            | Self::Attack
            | Self::Fuzz => Lane::Busy,
            Self::ClientsPython
            | Self::ClientsNode
            | Self::ClientsBrowser
            | Self::Portal
            | Self::ClientsPythonPostgres
            | Self::ClientsNodePostgres
            | Self::Voice
            | Self::Schemathesis => Lane::Waiting,
        }
    }

    /// What has to be built first.
    pub(crate) fn build(self) -> Build {
        match self {
            Self::Layers | Self::Tidy | Self::SupplyChain | Self::Fuzz => Build::Nothing,
            Self::ClientsPython
            | Self::ClientsNode
            | Self::ClientsBrowser
            | Self::Portal
            | Self::ClientsPythonPostgres
            | Self::ClientsNodePostgres
            | Self::Voice
            | Self::Schemathesis => Build::Program,
            Self::Rust | Self::WirePostgres | Self::Doc | Self::Attack => Build::Workspace,
        }
    }

    /// What has to be on the machine.
    pub(crate) fn needs(self) -> &'static [Need] {
        match self {
            Self::Layers | Self::Tidy | Self::Doc => &[],
            Self::Rust => &[Need::Nextest, Need::Postgres, Need::SystemdAnalyze],
            Self::WirePostgres => &[Need::Nextest, Need::Postgres],
            Self::ClientsPythonPostgres => &[Need::Python, Need::PythonPackages, Need::Postgres],
            Self::ClientsNodePostgres => &[Need::Node, Need::NodePackages, Need::Postgres],
            Self::ClientsPython | Self::Voice | Self::Schemathesis => &[Need::Python, Need::PythonPackages],
            Self::ClientsNode => &[Need::Node, Need::NodePackages],
            Self::ClientsBrowser => &[Need::Node, Need::NodePackages, Need::Chromium],
            Self::Portal => &[Need::Node, Need::PortalPackages, Need::Chromium],
            Self::SupplyChain => &[Need::CargoDeny],
            Self::Attack => attack::NEEDS,
            Self::Fuzz => &[Need::CxxCompiler, Need::CargoFuzz],
        }
    }

    /// Runs it.
    pub(crate) fn run(self, repo: &Repo, more: &Extras) -> Result<(), Fault> {
        match self {
            Self::Layers => layers::check(repo),
            Self::Tidy => tidy::check(repo),
            Self::SupplyChain => supply_chain::check(repo),
            Self::Rust => {
                let mut nextest = repo.command("cargo");
                nextest.args(["nextest", "run", "--workspace"]);
                process::run(more.give(&mut nextest), SUITE_LIMIT)
            }
            Self::WirePostgres => {
                let mut nextest = repo.command("cargo");
                nextest.args(["nextest", "run", "--package", "voxgate", "--test", "it", "-E", NOT_ON_BOTH]);
                nextest.env("VOXGATE_TEST_ENGINE", "postgres");
                process::run(more.give(&mut nextest), SUITE_LIMIT)
            }
            Self::Doc => {
                process::run(repo.command("cargo").args(["test", "--doc", "--workspace"]), SUITE_LIMIT)
            }
            Self::ClientsPython => self.logged(repo, pytest(repo, "clients/python")),
            Self::Voice => self.logged(repo, pytest(repo, "clients/voice")),
            Self::Schemathesis => self.logged(repo, pytest(repo, "clients/schemathesis")),
            Self::ClientsNode => self.logged(repo, node(repo, "clients/js/node")?),
            Self::ClientsPythonPostgres => {
                self.logged(repo, on_postgres(repo, more, pytest(repo, "clients/python")))
            }
            Self::ClientsNodePostgres => {
                self.logged(repo, on_postgres(repo, more, node(repo, "clients/js/node")?))
            }
            Self::ClientsBrowser => self.logged(repo, node(repo, "clients/js/browser")?),
            Self::Portal => self.logged(repo, node(repo, PORTAL_FOLDER)?),
            Self::Attack => attack::classes(repo, &[], SUITE_LIMIT),
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

/// What a run has for all its suites.
#[derive(Debug, Default)]
pub(crate) struct Extras {
    /// The URL of the tests' PostgreSQL, where one runs.
    pub(crate) postgres_url: Option<String>,
    /// Whether tests that can go on for longer do.
    pub(crate) soak: bool,
}

impl Extras {
    /// Tells a program of them.
    fn give<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        if let Some(url) = &self.postgres_url {
            command.env(postgres::VARIABLE, url);
        }
        if self.soak {
            command.env("VOXGATE_TEST_SOAK", "1");
        }
        command
    }
}

/// The clients' tests start this program; it gives each instance a database of its own.
fn on_postgres(repo: &Repo, more: &Extras, mut command: Command) -> Command {
    more.give(&mut command).env("VOXGATE_PROGRAM", repo.path("clients/support/on-postgres.sh"));
    command
}

fn pytest(repo: &Repo, folder: &str) -> Command {
    let mut python = repo.own_command(VENV_PYTHON);
    python.args(["-m", "pytest", "--config-file", "clients/pytest.ini", folder]);
    python
}

fn node(repo: &Repo, folder: &str) -> Result<Command, Fault> {
    let mut tests: Vec<String> = repo
        .files()?
        .into_iter()
        .filter(|file| file.starts_with(&format!("{folder}/")) && file.ends_with(".test.mjs"))
        .collect();
    if tests.is_empty() {
        return Err(format!("{folder} holds no *.test.mjs"));
    }
    tests.sort();
    let mut node = repo.command("node");
    node.args(["--test", "--test-reporter=spec"])
        .arg(format!("--test-concurrency={NODE_FILES_AT_ONCE}"))
        .arg(format!("--test-timeout={NODE_FILE_MILLISECONDS_MAX}"))
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
