//! Rules about single files: how long, how large, and nothing left open.

use crate::Fault;
use crate::repo::Repo;

/// Above this a file has a second subject in it.
const LINES_MAX: usize = 600;
/// Nothing in the repository is a blob.
const FILE_BYTES_MAX: u64 = 1024 * 1024;
/// Marks of unfinished work; put together here so that this file holds none.
const OPEN_ENDS: [&str; 2] = [concat!("TO", "DO"), concat!("FIX", "ME")];
/// Files that people write; others are data.
const WRITTEN: [&str; 12] =
    [".rs", ".py", ".js", ".mjs", ".html", ".css", ".toml", ".sh", ".md", ".yml", ".yaml", ".ci/run"];

/// No file over 1 MiB.
pub(super) fn sizes(repo: &Repo, files: &[String], found: &mut Vec<String>) -> Result<(), Fault> {
    for file in files {
        let metadata = std::fs::metadata(repo.path(file)).map_err(|error| format!("{file}: {error}"))?;
        if metadata.len() > FILE_BYTES_MAX {
            found.push(format!("{file} has {} bytes; at most {FILE_BYTES_MAX} are allowed", metadata.len()));
        }
    }
    Ok(())
}

/// No Rust file over 600 lines.
pub(super) fn lengths(repo: &Repo, files: &[String], found: &mut Vec<String>) -> Result<(), Fault> {
    for file in files.iter().filter(|file| file.ends_with(".rs")) {
        let lines = repo.read(file)?.lines().count();
        if lines > LINES_MAX {
            found.push(format!(
                "{file} has {lines} lines; at most {LINES_MAX} are allowed, so split it by subject"
            ));
        }
    }
    Ok(())
}

/// No note of unfinished work.
pub(super) fn open_ends(repo: &Repo, files: &[String], found: &mut Vec<String>) -> Result<(), Fault> {
    for file in files.iter().filter(|file| WRITTEN.iter().any(|end| file.ends_with(end))) {
        for (number, line) in repo.read(file)?.lines().enumerate() {
            if let Some(mark) = OPEN_ENDS.iter().find(|mark| has_word(line, mark)) {
                found.push(format!(
                    "{file}:{}: {mark}: finish it, or file an issue and remove the note",
                    number + 1
                ));
            }
        }
    }
    Ok(())
}

fn has_word(line: &str, word: &str) -> bool {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    line.match_indices(word).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let after = line[at + word.len()..].chars().next();
        !before.is_some_and(is_part) && !after.is_some_and(is_part)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A mark is found as a word of its own, and not inside other words.
    #[test]
    fn open_ends_are_whole_words() {
        let mark = OPEN_ENDS[0];
        assert!(has_word(&format!("// {mark}: later"), mark));
        assert!(has_word(&format!("{mark}(me)"), mark));
        assert!(!has_word("// todo in lower case is a word like any other", mark));
        assert!(!has_word(&format!("MAS{mark}N"), mark));
        assert!(!has_word(&format!("{mark}_LIST"), mark));
    }
}
