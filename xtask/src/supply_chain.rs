//! What others' code we take in: licences, bans and sources by cargo-deny, versions that advisories are about, no `unsafe` of ours,
//! and the bill of materials.

mod own;
mod sbom;
mod versions;

use std::time::Duration;

pub(crate) use sbom::write as write_sbom;

use crate::repo::Repo;
use crate::{Fault, lines, process};

/// The longest that one check may take.
const LIMIT: Duration = Duration::from_secs(10 * 60);

/// Runs every check that works without the advisories' database, and that one where the database can be had.
pub(crate) fn check(repo: &Repo) -> Result<(), Fault> {
    let mut deny = repo.command("cargo");
    deny.args(["deny", "--log-level", "error", "check", "licenses", "bans", "sources"]);
    process::run(&mut deny, LIMIT)?;
    let mut found = Vec::new();
    versions::old(&repo.read("Cargo.lock")?, &mut found)?;
    own::unsafe_is_forbidden(repo, &mut found)?;
    lines::verdict(
        "supply chain",
        "no version that an advisory of our list is about, and no unsafe of ours",
        &found,
    )?;
    advisories(repo)
}

/// The advisories' database lies in a repository that not every machine reaches; where it doesn't, that is said, and the list
/// of our own stands alone.
fn advisories(repo: &Repo) -> Result<(), Fault> {
    let fetched = process::works("cargo", &["deny", "--log-level", "off", "fetch", "db"]);
    if !fetched {
        println!(
            "supply chain: the advisories' database can't be reached from here; the list of our own has been checked"
        );
        return Ok(());
    }
    let mut deny = repo.command("cargo");
    deny.args(["deny", "--log-level", "error", "check", "advisories"]);
    process::run(&mut deny, LIMIT)
}
