//! The benchmarks: builds the benchmark program as packages are built, and runs it.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::needs::{self, Need};
use crate::repo::Repo;
use crate::{Fault, process};

/// The longest that building, and then measuring, may take.
const LIMIT: Duration = Duration::from_secs(2 * 60 * 60);

/// Installs nginx if it is missing, builds with the profile `dist`, and measures.
pub(crate) fn run(repo: &Repo, arguments: &[String]) -> Result<(), Fault> {
    let needs = [Need::Nginx];
    if let Some(fault) = needs::install(repo, &BTreeSet::from(needs)).blocks(&needs) {
        return Err(fault);
    }
    let mut build = repo.command("cargo");
    build.args(["build", "--profile", "dist", "--package", "voxgate", "--package", "bench"]);
    process::run(&mut build, LIMIT)?;
    process::run(repo.own_command("target/dist/bench").args(arguments), LIMIT)
}
