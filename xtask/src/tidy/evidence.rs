//! The page of evidence names files that exist: a requirement whose test was moved would be a claim without a ground.

use crate::Fault;
use crate::repo::Repo;

/// The page that maps each requirement to what shows it.
const PAGE: &str = "docs/security-asvs.md";
/// How the names of files of code end.
const ENDINGS: [&str; 2] = [".rs", ".mjs"];

/// Every file that the page names is there: from the root, or under `crates/`. A bare name stands beside the one before it.
pub(super) fn files(repo: &Repo, files: &[String], found: &mut Vec<String>) -> Result<(), Fault> {
    let text = repo.read(PAGE)?;
    let is_there =
        |name: &str| files.iter().any(|file| file == name || file.strip_prefix("crates/") == Some(name));
    for (line, name) in named(&text) {
        if !is_there(&name) {
            found.push(format!("{PAGE}:{line}: there is no file {name}"));
        }
    }
    Ok(())
}

/// The files of code between backticks, with their line numbers.
fn named(text: &str) -> Vec<(usize, String)> {
    let mut named = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let mut folder = "";
        for code in line.split('`').skip(1).step_by(2) {
            if !ENDINGS.iter().any(|ending| code.ends_with(ending)) {
                continue;
            }
            let name = match code.rsplit_once('/') {
                Some((before, _)) => {
                    folder = before;
                    code.to_owned()
                }
                None => format!("{folder}/{code}"),
            };
            named.push((number + 1, name));
        }
    }
    named
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Names with and without a folder are found; what is no file of code isn't looked for.
    #[test]
    fn files_are_found() {
        let names: Vec<_> =
            named("| 1 | `a/b.rs`, `c.rs`, `docs/x.md` |\n| `e2e/d.test.mjs`: x | `cargo xtask sbom`");
        let expected = [(1, "a/b.rs"), (1, "a/c.rs"), (2, "e2e/d.test.mjs")];
        assert_eq!(names, expected.map(|(line, name)| (line, name.to_owned())));
    }
}
