//! The shape of the repository: rules that a reader would otherwise have to believe.

mod evidence;
mod files;
mod library;
mod links;
mod reasons;

use crate::repo::Repo;
use crate::{Fault, lines};

/// Runs every rule and shows all findings at once.
pub(crate) fn check(repo: &Repo) -> Result<(), Fault> {
    let files = repo.files()?;
    let mut found = Vec::new();
    files::sizes(repo, &files, &mut found)?;
    files::lengths(repo, &files, &mut found)?;
    files::open_ends(repo, &files, &mut found)?;
    library::shapes(repo, &files, &mut found)?;
    library::readmes(&files, &mut found);
    reasons::pages(repo, &files, &mut found)?;
    links::resolve(repo, &files, &mut found)?;
    evidence::files(repo, &files, &mut found)?;
    lines::verdict("tidy", &format!("{} in order", lines::count(files.len(), "file")), &found)
}

/// The crate that a path lies in: `crates/domain/src/lib.rs` is `domain`.
fn crate_of(file: &str) -> Option<&str> {
    file.strip_prefix("crates/")?.split_once('/').map(|(name, _)| name)
}
