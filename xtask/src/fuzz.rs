//! Fuzz targets: all are built, each runs for some seconds, from the inputs that it keeps.
//!
//! Without a sanitizer, because sanitizers need a nightly compiler and the code is safe Rust: what is looked for are panics,
//! overflows and endless loops.

mod kept;

use std::collections::BTreeSet;
use std::time::Duration;

use crate::needs::{self, Need};
use crate::repo::Repo;
use crate::suites::Suite;
use crate::{Fault, lines, process};

/// How long each target runs unless told otherwise.
pub(crate) const SECONDS_DEFAULT: u32 = 5;
/// The longest that building may take.
const BUILD_LIMIT: Duration = Duration::from_secs(30 * 60);
/// The longest that reducing one target's inputs may take.
const REDUCE_LIMIT: Duration = Duration::from_secs(30 * 60);
/// What a run may take beyond its seconds: cargo looks whether anything changed, and may wait for another cargo.
const GRACE_SECONDS: u32 = 300;
const MANIFEST: &str = "fuzz/Cargo.toml";

/// Installs what is missing, then runs; keeps what was found where that is asked for.
pub(crate) fn with_tools(repo: &Repo, seconds: u32, keep: bool, only: &[String]) -> Result<(), Fault> {
    let needs: BTreeSet<Need> = Suite::Fuzz.needs().iter().copied().collect();
    if let Some(fault) = needs::install(repo, &needs).blocks(Suite::Fuzz.needs()) {
        return Err(fault);
    }
    if !keep {
        return run(repo, seconds, only);
    }
    for target in chosen(repo, only)? {
        if kept::is_any(repo, &target) {
            kept::lay_out(repo, &target)?;
        }
        fuzz(repo, &target, seconds)?;
        process::run(cargo_fuzz(repo, "cmin").arg(&target), REDUCE_LIMIT)?;
        println!("fuzz: {target} keeps {}", lines::count(kept::keep(repo, &target)?, "input"));
    }
    Ok(())
}

/// Builds every target, then runs those asked for, or all.
pub(crate) fn run(repo: &Repo, seconds: u32, only: &[String]) -> Result<(), Fault> {
    let chosen = chosen(repo, only)?;
    process::run(&mut cargo_fuzz(repo, "build"), BUILD_LIMIT)?;
    for target in &chosen {
        kept::lay_out(repo, target)?;
        fuzz(repo, target, seconds)?;
    }
    println!("fuzz: {} ran", lines::count(chosen.len(), "target"));
    Ok(())
}

fn fuzz(repo: &Repo, target: &str, seconds: u32) -> Result<(), Fault> {
    println!("fuzz: {target} for {seconds} s");
    let mut run = cargo_fuzz(repo, "run");
    run.arg(target).args(["--", &format!("-max_total_time={seconds}"), "-timeout=10", "-verbosity=0"]);
    let limit = Duration::from_secs(u64::from(seconds.saturating_add(GRACE_SECONDS)));
    process::run(&mut run, limit)
        .map_err(|fault| format!("target {target}: {fault}; see fuzz/artifacts/{target}"))
}

/// The targets asked for, or all.
fn chosen(repo: &Repo, only: &[String]) -> Result<Vec<String>, Fault> {
    let mut targets = targets(&repo.read(MANIFEST)?)?;
    if let Some(unknown) = only.iter().find(|name| !targets.contains(name)) {
        return Err(format!("{MANIFEST} has no target {unknown}; it has {}", targets.join(", ")));
    }
    targets.retain(|name| only.is_empty() || only.contains(name));
    Ok(targets)
}

fn cargo_fuzz(repo: &Repo, verb: &str) -> std::process::Command {
    let mut cargo = repo.command("cargo");
    cargo.args(["fuzz", verb, "--fuzz-dir", "fuzz", "--sanitizer", "none"]);
    cargo
}

fn targets(manifest: &str) -> Result<Vec<String>, Fault> {
    let manifest: toml::Table = toml::from_str(manifest).map_err(|error| format!("{MANIFEST}: {error}"))?;
    let bins = manifest.get("bin").and_then(toml::Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let names: Vec<String> = bins
        .iter()
        .filter_map(|bin| bin.get("name").and_then(toml::Value::as_str))
        .map(String::from)
        .collect();
    if names.is_empty() { Err(format!("{MANIFEST} has no targets")) } else { Ok(names) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every target of the manifest is run.
    #[test]
    fn targets_are_read_from_the_manifest() {
        let manifest = "[package]\nname = \"fuzz\"\n[[bin]]\nname = \"key\"\npath = \"a.rs\"\n[[bin]]\nname = \"token\"\n";
        assert_eq!(targets(manifest), Ok(vec!["key".to_owned(), "token".to_owned()]));
    }

    /// A manifest without targets is a failure, not a success that ran nothing.
    #[test]
    fn no_targets_is_a_fault() {
        assert!(targets("[package]\nname = \"fuzz\"\n").is_err());
        assert!(targets("not toml").is_err());
    }
}
