//! The inputs that each target keeps: one file a target in the repository, one input a line. They are laid into the folder that
//! the fuzzer works in, so that a run of seconds begins where long runs ended.

use std::fs;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

use crate::Fault;
use crate::repo::Repo;

/// Where the fuzzer works; not part of the repository.
const CORPUS: &str = "fuzz/corpus";
/// Where inputs are kept.
const KEPT: &str = "fuzz/kept";
/// Longer inputs are left out: what they show, a shorter one shows too.
const INPUT_BYTES_MAX: usize = 4096;

/// Whether a target keeps any: a new one doesn't.
pub(super) fn is_any(repo: &Repo, target: &str) -> bool {
    repo.path(&kept_file(target)).exists()
}

/// Lays the kept inputs of a target where the fuzzer looks for them.
pub(super) fn lay_out(repo: &Repo, target: &str) -> Result<(), Fault> {
    let file = kept_file(target);
    let text = repo.read(&file).map_err(|fault| {
        format!("{fault}. Each target keeps its inputs: cargo xtask fuzz --seconds 600 --keep {target}")
    })?;
    let folder = corpus(repo, target);
    fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    for (index, input) in
        decode(&text).map_err(|line| format!("{file}:{line}: no base64"))?.iter().enumerate()
    {
        write(&folder.join(format!("kept-{index:05}")), input)?;
    }
    Ok(())
}

/// Keeps what the fuzzer works with now. To be called when it was reduced to what is needed.
pub(super) fn keep(repo: &Repo, target: &str) -> Result<usize, Fault> {
    let folder = corpus(repo, target);
    let mut inputs = Vec::new();
    let entries = fs::read_dir(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    for entry in entries {
        let path = entry.map_err(|error| format!("{}: {error}", folder.display()))?.path();
        inputs.push(fs::read(&path).map_err(|error| format!("{}: {error}", path.display()))?);
    }
    inputs.retain(|input| input.len() <= INPUT_BYTES_MAX);
    fs::create_dir_all(repo.path(KEPT)).map_err(|error| format!("{KEPT}: {error}"))?;
    write(&repo.path(&kept_file(target)), encode(&mut inputs).as_bytes())?;
    Ok(inputs.len())
}

fn kept_file(target: &str) -> String {
    format!("{KEPT}/{target}.txt")
}

fn corpus(repo: &Repo, target: &str) -> PathBuf {
    repo.path(CORPUS).join(target)
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), Fault> {
    fs::write(path, bytes).map_err(|error| format!("{}: {error}", path.display()))
}

/// The short ones first, so that a difference between two versions is easy to read.
fn encode(inputs: &mut Vec<Vec<u8>>) -> String {
    inputs.sort_by(|one, other| one.len().cmp(&other.len()).then_with(|| one.cmp(other)));
    inputs.dedup();
    inputs.iter().map(|input| BASE64_STANDARD.encode(input) + "\n").collect()
}

/// # Errors
/// The number of the line that can't be read.
fn decode(text: &str) -> Result<Vec<Vec<u8>>, usize> {
    let lines = text.lines().enumerate();
    lines.map(|(index, line)| BASE64_STANDARD.decode(line).map_err(|_| index + 1)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is kept comes back, once each, in an order that doesn't depend on how it was found; an empty input too.
    #[test]
    fn what_is_kept_comes_back() {
        let mut inputs = vec![b"\xff\n".to_vec(), vec![], b"a".to_vec(), b"a".to_vec()];
        let text = encode(&mut inputs);
        assert_eq!(decode(&text), Ok(vec![vec![], b"a".to_vec(), b"\xff\n".to_vec()]));
        inputs.reverse();
        assert_eq!(encode(&mut inputs), text);
    }

    /// A line that was damaged is named.
    #[test]
    fn damage_is_named() {
        assert_eq!(decode("YQ==\n*\n"), Err(2));
    }
}
