//! Mutation testing: the code that decides who gets in is changed in every way that cargo-mutants knows, and tests must notice.

use std::collections::BTreeSet;
use std::time::Duration;

use clap::ValueEnum;

use crate::needs::{self, Need};
use crate::repo::Repo;
use crate::{Fault, process};

/// The longest that one part may take.
const LIMIT: Duration = Duration::from_secs(4 * 60 * 60);
/// How many of 100 must be noticed.
const NOTICED_PERCENT_MIN: usize = 95;
/// How many changes are built and tested at the same time, each in a tree of its own.
const JOBS: &str = "2";
/// Nobody looks at a stack here, one test that notices is enough, and a change that only the thousandth random case notices isn't
/// noticed.
const QUICKLY: [(&str, &str); 4] = [
    ("CARGO_PROFILE_DEV_DEBUG", "0"),
    ("CARGO_PROFILE_TEST_DEBUG", "0"),
    ("NEXTEST_PROFILE", "mutants"),
    ("VOXGATE_LEASH_CASES", "50"),
];
/// Where reports go.
const REPORTS: &str = "target/mutants";

/// What is changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Part {
    /// Keys, tokens, what is sealed
    Credentials,
    /// The verdict on a credential
    Verify,
    /// Where the gateway decides what a request may do
    Gateway,
}

impl Part {
    const fn name(self) -> &'static str {
        match self {
            Self::Credentials => "credentials",
            Self::Verify => "verify",
            Self::Gateway => "gateway",
        }
    }

    /// Whether all its tests take so long that unit tests had better go first, and what these miss be left to the others.
    const fn is_slow(self) -> bool {
        matches!(self, Self::Gateway)
    }

    /// The files that are changed; the whole package where none is named.
    const fn files(self) -> &'static [&'static str] {
        match self {
            Self::Credentials | Self::Verify => &[],
            Self::Gateway => &[
                "crates/gateway/src/policy/*.rs",
                "crates/gateway/src/realtime/credential.rs",
                "crates/gateway/src/realtime/lock.rs",
                "crates/gateway/src/realtime/strict.rs",
                "crates/gateway/src/concerned.rs",
            ],
        }
    }
}

/// Runs each part, or those asked for.
pub(crate) fn run(repo: &Repo, only: &[Part]) -> Result<(), Fault> {
    let needs = [Need::Mutants, Need::Nextest];
    if let Some(fault) = needs::install(repo, &BTreeSet::from(needs)).blocks(&needs) {
        return Err(fault);
    }
    let parts = if only.is_empty() { Part::value_variants() } else { only };
    let mut found = Vec::new();
    for part in parts {
        found.push((part.name(), one(repo, *part)?));
    }
    println!(
        "{:<12} {:>8} {:>8} {:>8} {:>9} {:>8}",
        "part", "changes", "noticed", "missed", "unviable", "percent"
    );
    for (name, counts) in &found {
        let Counts { noticed, hung, missed, unviable } = counts;
        let (changes, noticed) = (counts.tested() + unviable, noticed + hung);
        println!("{name:<12} {changes:>8} {noticed:>8} {missed:>8} {unviable:>9} {:>8}", counts.percent());
    }
    let weak = found.iter().filter(|(_, counts)| counts.percent() < NOTICED_PERCENT_MIN);
    let weak: Vec<_> = weak.map(|(name, _)| format!("{REPORTS}/{name}/mutants.out/missed.txt")).collect();
    if weak.is_empty() { Ok(()) } else { Err(format!("too much goes unnoticed: {}", weak.join(", "))) }
}

fn one(repo: &Repo, part: Part) -> Result<Counts, Fault> {
    let report = format!("{REPORTS}/{}", part.name());
    let folder = repo.path(&report);
    std::fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    if !part.is_slow() {
        return changed(repo, part, &report, None);
    }
    let by_units = changed(repo, part, &report, Some("--cargo-arg=--lib"))?;
    let left = by_units.missed + by_units.hung;
    if left == 0 {
        return Ok(by_units);
    }
    println!("{}: {left} changes are left to all tests of the package", part.name());
    // What was noticed is left out, and so is what doesn't build.
    let by_all = changed(repo, part, &report, Some("--iterate"))?;
    Ok(Counts { noticed: by_units.noticed + by_all.noticed, unviable: by_units.unviable, ..by_all })
}

fn changed(repo: &Repo, part: Part, report: &str, how: Option<&str>) -> Result<Counts, Fault> {
    let mut cargo = repo.command("cargo");
    cargo.args(["mutants", "--package", part.name(), "--test-tool", "nextest", "--output", report]);
    cargo.args(how);
    cargo.args(["--jobs", JOBS]).envs(QUICKLY);
    for file in part.files() {
        cargo.args(["--file", file]);
    }
    // It exits with 2 where something was missed and with 3 where a test hung: both are counted below.
    let ran = process::run(&mut cargo, LIMIT);
    let read = |name: &str| repo.read(&format!("{report}/mutants.out/{name}.txt"));
    let count = |name: &str| read(name).map(|text| text.lines().count());
    let counts = Counts {
        noticed: count("caught")?,
        hung: count("timeout")?,
        missed: count("missed")?,
        unviable: count("unviable")?,
    };
    if counts.tested() == 0 {
        return Err(ran.err().unwrap_or_else(|| format!("{}: nothing was changed", part.name())));
    }
    Ok(counts)
}

/// What became of the changes of one part.
#[derive(Debug, Clone, Copy)]
struct Counts {
    noticed: usize,
    /// A test that hangs has noticed, too.
    hung: usize,
    missed: usize,
    /// Those that don't build.
    unviable: usize,
}

impl Counts {
    const fn tested(self) -> usize {
        self.noticed + self.hung + self.missed
    }

    fn percent(self) -> usize {
        (self.noticed + self.hung) * 100 / self.tested().max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What doesn't build counts neither way, and a percentage is never rounded up.
    #[test]
    fn percentages_are_of_what_was_tested() {
        let percent = |noticed, hung, missed| Counts { noticed, hung, missed, unviable: 50 }.percent();
        let all = [percent(90, 5, 5), percent(949, 0, 51), percent(1, 0, 0), percent(0, 0, 3)];
        assert_eq!(all, [95, 94, 100, 0]);
    }
}
