//! The benchmarks: builds the benchmark program as packages are built, and runs it.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::needs::{self, Need};
use crate::repo::Repo;
use crate::{Fault, process};

/// The longest that building, and then one benchmark, may take.
const LIMIT: Duration = Duration::from_secs(2 * 60 * 60);
/// What runs when nothing is asked for.
const ALL: [&str; 4] = ["micro", "load", "idle", "portal"];

/// Installs what to compare with and what to load with, builds with the profile `dist`, and measures.
pub(crate) fn run(repo: &Repo, arguments: &[String]) -> Result<(), Fault> {
    let needs = [Need::Nginx, Need::Wrk];
    if let Some(fault) = needs::install(repo, &BTreeSet::from(needs)).blocks(&needs) {
        return Err(fault);
    }
    let mut build = repo.command("cargo");
    build.args(["build", "--profile", "dist", "--package", "voxgate", "--package", "bench"]);
    process::run(&mut build, LIMIT)?;
    if !arguments.is_empty() {
        return bench(repo, arguments);
    }
    ALL.iter().try_for_each(|name| bench(repo, &[(*name).to_owned()]))
}

fn bench(repo: &Repo, arguments: &[String]) -> Result<(), Fault> {
    println!("==> bench {}", arguments.join(" "));
    process::run(repo.own_command("target/dist/bench").args(arguments), LIMIT)
}
