//! The attack suite: builds the program and its attacker, and lets them loose on each other.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::needs::{self, Need};
use crate::postgres::{self, Postgres};
use crate::repo::Repo;
use crate::{Fault, process};

/// The longest that building, and then attacking, may take.
const LIMIT: Duration = Duration::from_secs(60 * 60);

/// The servers that stand behind the gateway in the class `foreign`, and a database to be lost.
pub(crate) const NEEDS: &[Need] = &[
    Need::Nginx,
    Need::Apache,
    Need::Haproxy,
    Need::Node,
    Need::Python,
    Need::PythonPackages,
    Need::Postgres,
];

/// What measures: it is built as a release is, since a debug build has other times.
const MEASURES: [&str; 2] = ["--floods", "--timing"];

/// Installs the servers of others, builds, and attacks.
pub(crate) fn run(repo: &Repo, arguments: &[String]) -> Result<(), Fault> {
    let needs = BTreeSet::from_iter(NEEDS.iter().copied());
    if let Some(fault) = needs::install(repo, &needs).blocks(NEEDS) {
        return Err(fault);
    }
    let mut build = repo.command("cargo");
    build.args(["build", "--package", "voxgate", "--package", "attack"]);
    if !arguments.iter().any(|argument| MEASURES.contains(&argument.as_str())) {
        process::run(&mut build, LIMIT)?;
        return classes(repo, arguments, LIMIT);
    }
    process::run(build.arg("--release"), LIMIT)?;
    process::run(repo.own_command("target/release/attack").args(arguments), LIMIT)
}

/// Runs the classes of what is built already.
pub(crate) fn classes(repo: &Repo, arguments: &[String], limit: Duration) -> Result<(), Fault> {
    // One instance has its database there, and loses it.
    let postgres = Postgres::start(repo)?;
    let mut attacker = repo.own_command("target/debug/attack");
    attacker.args(arguments).env(postgres::VARIABLE, postgres.url());
    process::run(&mut attacker, limit)
}
