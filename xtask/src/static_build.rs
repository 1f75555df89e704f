//! Builds the program as the image does, and runs it where there is nothing else: no library, no shell, no `/proc`. Running it needs root, for `chroot`.

use std::fs;
use std::time::Duration;

use crate::repo::Repo;
use crate::{Fault, process};

/// The longest that building may take.
const BUILD_LIMIT: Duration = Duration::from_secs(60 * 60);
/// The longest that the program may take to tell its version.
const RUN_LIMIT: Duration = Duration::from_secs(60);
/// The folder that is the program's whole file system.
const ROOT: &str = "target/xtask/static-root";

/// Builds and checks. `profile` is `dist` for what the image holds, `dev` for a quick look.
pub(crate) fn check(repo: &Repo, profile: &str) -> Result<(), Fault> {
    let target = host(repo)?;
    let mut build = repo.command("cargo");
    build
        .env("RUSTFLAGS", "-C target-feature=+crt-static")
        .args(["build", "--locked", "--profile", profile, "--package", "voxgate"])
        // A target is named so that procedural macros, which are libraries, are built without the flag.
        .args(["--target", &target]);
    process::run(&mut build, BUILD_LIMIT)?;
    let folder = if profile == "dev" { "debug" } else { profile };
    let program = repo.path(&format!("target/{target}/{folder}/voxgate"));
    needs_no_library(&fs::read(&program).map_err(|error| format!("{}: {error}", program.display()))?)?;

    let root = repo.path(ROOT);
    drop(fs::remove_dir_all(&root));
    fs::create_dir_all(&root).map_err(|error| format!("{}: {error}", root.display()))?;
    fs::copy(&program, root.join("voxgate")).map_err(|error| format!("{}: {error}", program.display()))?;
    process::run(repo.command("chroot").arg(&root).args(["/voxgate", "version"]), RUN_LIMIT)?;
    println!("{} runs in an empty root: it needs nothing of the machine", program.display());
    Ok(())
}

fn host(repo: &Repo) -> Result<String, Fault> {
    let version = process::capture(repo.command("rustc").arg("-vV"))?;
    let host = version.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(str::to_owned).ok_or_else(|| "rustc doesn't say which machine this is".to_owned())
}

/// Looks for a program header that names an interpreter: a program that has one is loaded by the machine's.
fn needs_no_library(elf: &[u8]) -> Result<(), Fault> {
    const INTERPRETER: u32 = 3;
    let number = |at: usize, bytes: usize| -> Option<u64> {
        let field = elf.get(at..at.checked_add(bytes)?)?;
        Some(field.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte)))
    };
    let headers = || -> Option<Vec<u64>> {
        let (begin, size, count) = (number(32, 8)?, number(54, 2)?, number(56, 2)?);
        (0..count).map(|index| number(usize::try_from(begin + index * size).ok()?, 4)).collect()
    };
    let is_elf = elf.starts_with(b"\x7fELF\x02\x01");
    let kinds = headers().filter(|_| is_elf).ok_or("what was built is no 64-bit program of this machine")?;
    if kinds.contains(&u64::from(INTERPRETER)) {
        return Err("what was built is loaded by the machine's own loader: it isn't static".to_owned());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A program that needs the machine's loader is told from one that needs nothing.
    #[test]
    fn programs_with_an_interpreter_are_found() {
        // This test itself is linked in the usual way.
        let this = fs::read("/proc/self/exe").unwrap();
        assert!(needs_no_library(&this).unwrap_err().contains("static"));
        assert!(needs_no_library(b"#!/bin/sh").is_err());
        let mut plain = this;
        let begin = usize::try_from(u64::from_le_bytes(plain[32..40].try_into().unwrap())).unwrap();
        let count = u16::from_le_bytes(plain[56..58].try_into().unwrap());
        for index in 0..usize::from(count) {
            let at = begin + index * 56;
            if plain[at..at + 4] == [3, 0, 0, 0] {
                plain[at] = 4;
            }
        }
        assert_eq!(needs_no_library(&plain), Ok(()));
    }
}
