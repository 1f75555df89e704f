//! `cargo xtask test`: install, build once, run the suites in two lanes, close with a table.

use std::collections::BTreeSet;
use std::thread;
use std::time::{Duration, Instant};

use clap::ValueEnum;

use crate::needs::{self, Need};
use crate::postgres::Postgres;
use crate::repo::Repo;
use crate::suites::{Build, Extras, Lane, Suite};
use crate::summary::{self, Row};
use crate::{Fault, process};

/// The longest that building may take.
const BUILD_LIMIT: Duration = Duration::from_secs(60 * 60);

/// Runs the suites named, or all; with `soak` some of them for longer.
pub(crate) fn test(repo: &Repo, only: &[Suite], soak: bool) -> Result<(), Fault> {
    let chosen = chosen(only);
    let needs: BTreeSet<Need> = chosen.iter().flat_map(|suite| suite.needs()).copied().collect();
    let started = Instant::now();
    let missing = needs::install(repo, &needs);
    let mut rows = vec![Row { name: "install", seconds: started.elapsed().as_secs_f64(), outcome: Ok(()) }];

    let build = chosen.iter().map(|suite| suite.build()).max().unwrap_or(Build::Nothing);
    let built = timed("build", || build_once(repo, build));
    // Ended when this function is left. Where it doesn't start, the suites that need it fail and say why.
    let postgres = needs.contains(&Need::Postgres).then(|| Postgres::start(repo)).transpose();
    let extras = Extras {
        postgres_url: postgres.as_ref().ok().and_then(|postgres| Some(postgres.as_ref()?.url())),
        soak,
    };
    let suite = |suite: Suite| {
        timed(suite.name(), || match missing.blocks(suite.needs()) {
            Some(fault) => Err(fault),
            None if built.outcome.is_err() && suite.build() != Build::Nothing => {
                Err("the build failed".to_owned())
            }
            None => match &postgres {
                Err(fault) if suite.needs().contains(&Need::Postgres) => Err(fault.clone()),
                Ok(_) | Err(_) => suite.run(repo, &extras),
            },
        })
    };
    let lane = |lane: Lane| -> Vec<Row> {
        chosen.iter().copied().filter(|suite| suite.lane() == lane).map(suite).collect()
    };
    let (busy, waiting) = thread::scope(|scope| {
        let waiting = scope.spawn(|| lane(Lane::Waiting));
        let busy = lane(Lane::Busy);
        (busy, waiting.join())
    });
    let waiting = waiting.map_err(|_| "the second lane panicked; its message stands above".to_owned())?;

    rows.push(built);
    rows.extend(busy);
    rows.extend(waiting);
    println!("\n{}", summary::table(&rows));
    match summary::failed(&rows) {
        0 => Ok(()),
        _ => Err("not everything passed; the table above says what and why".to_owned()),
    }
}

/// The suites to run, each once, in the order in which they are declared.
fn chosen(only: &[Suite]) -> Vec<Suite> {
    Suite::value_variants().iter().copied().filter(|suite| only.is_empty() || only.contains(suite)).collect()
}

fn build_once(repo: &Repo, build: Build) -> Result<(), Fault> {
    let mut cargo = repo.command("cargo");
    match build {
        Build::Nothing => return Ok(()),
        Build::Program => cargo.args(["build", "--package", "voxgate"]),
        Build::Workspace => cargo.args(["build", "--workspace", "--all-targets"]),
    };
    process::run(&mut cargo, BUILD_LIMIT)
}

fn timed(name: &'static str, work: impl FnOnce() -> Result<(), Fault>) -> Row {
    let started = Instant::now();
    let outcome = work();
    Row { name, seconds: started.elapsed().as_secs_f64(), outcome }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Without `--only` nothing is left out; with it, nothing else runs and nothing twice.
    #[test]
    fn everything_runs_unless_told_otherwise() {
        assert_eq!(chosen(&[]), Suite::value_variants());
        assert_eq!(chosen(&[Suite::Voice, Suite::Layers, Suite::Voice]), [Suite::Layers, Suite::Voice]);
    }
}
