//! Installing from PyPI, npm and crates.io: into the repository's own ignored folders, but for cargo's tools.

use std::path::Path;
use std::time::Duration;

use super::VENV_PYTHON;
use crate::repo::Repo;
use crate::{Fault, lines, process};

/// The longest that one installer may take.
const INSTALL_LIMIT: Duration = Duration::from_secs(20 * 60);
/// Every Python package, pinned.
const REQUIREMENTS: &str = "clients/requirements.txt";
/// The installed requirements, beside the environment that has them.
const PYTHON_STAMP: &str = ".tools/venv/installed-requirements.txt";

/// A virtual environment with exactly the pinned packages.
pub(super) fn python(repo: &Repo) -> Result<(), Fault> {
    let wanted = repo.read(REQUIREMENTS)?;
    let python = repo.path(VENV_PYTHON);
    if is_stamped(&repo.path(PYTHON_STAMP), &wanted) && process::works(&python, &["-c", "import pytest"]) {
        return Ok(());
    }
    println!("installs {} from PyPI into .tools/venv", lines::count(pinned(&wanted), "package"));
    let log = repo.path("target/xtask/pip.log");
    let how = |fault: Fault| format!("Python packages: {fault}; log: target/xtask/pip.log");
    let mut venv = repo.command("python3");
    venv.args(["-m", "venv", "--clear", ".tools/venv"]);
    process::run_into(&mut venv, &log, INSTALL_LIMIT).map_err(how)?;
    let mut pip = repo.own_command(VENV_PYTHON);
    pip.args([
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "--requirement",
        REQUIREMENTS,
    ]);
    process::run_into(&mut pip, &log, INSTALL_LIMIT).map_err(how)?;
    stamp(&repo.path(PYTHON_STAMP), &wanted)
}

/// `node_modules` with exactly the locked packages. No package's own scripts are run.
pub(super) fn node(repo: &Repo, folder: &str) -> Result<(), Fault> {
    let wanted = repo.read(&format!("{folder}/package-lock.json"))?;
    let installed = repo.path(&format!("{folder}/node_modules/installed-package-lock.json"));
    if is_stamped(&installed, &wanted) {
        return Ok(());
    }
    println!("installs the packages of {folder}/package-lock.json from npm into {folder}/node_modules");
    let log = repo.path(&format!("target/xtask/npm-{}.log", folder.replace('/', "-")));
    let mut npm = repo.command("npm");
    npm.args(["--prefix", folder, "ci", "--ignore-scripts", "--no-audit", "--no-fund"]);
    process::run_into(&mut npm, &log, INSTALL_LIMIT)
        .map_err(|fault| format!("npm packages: {fault}; log: {}", log.display()))?;
    stamp(&installed, &wanted)
}

/// A tool of cargo's, for all of this user's projects.
pub(super) fn cargo(repo: &Repo, name: &str, probe: &[&str]) -> Result<(), Fault> {
    if process::works("cargo", probe) {
        return Ok(());
    }
    println!("installs {name} from crates.io into cargo's own folder");
    let log = repo.path(&format!("target/xtask/{name}.log"));
    process::run_into(repo.command("cargo").args(["install", "--locked", name]), &log, INSTALL_LIMIT)
        .map_err(|fault| {
            format!("{name}: {fault}. Get it with: cargo install --locked {name}; log: {}", log.display())
        })?;
    if process::works("cargo", probe) {
        Ok(())
    } else {
        Err(format!("{name} is installed, but cargo doesn't find it"))
    }
}

fn pinned(requirements: &str) -> usize {
    requirements.lines().filter(|line| line.contains("==")).count()
}

fn is_stamped(stamp: &Path, wanted: &str) -> bool {
    std::fs::read_to_string(stamp).is_ok_and(|installed| installed == wanted)
}

fn stamp(stamp: &Path, wanted: &str) -> Result<(), Fault> {
    std::fs::write(stamp, wanted).map_err(|error| format!("{} can't be written: {error}", stamp.display()))
}

#[cfg(test)]
mod tests {
    use super::super::{NODE_FOLDER, PORTAL_FOLDER};
    use super::*;

    /// Every Python package has one exact version, so that two runs test the same libraries.
    #[test]
    fn python_packages_are_pinned() {
        let requirements = Repo::here().read(REQUIREMENTS).unwrap();
        for line in requirements.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
            assert!(line.contains("=="), "{line}");
        }
        assert!(pinned(&requirements) > 0);
    }

    /// The lock files name no registry, so that they work behind any mirror.
    #[test]
    fn the_npm_lock_files_name_no_host() {
        for folder in [NODE_FOLDER, PORTAL_FOLDER] {
            let lock = Repo::here().read(&format!("{folder}/package-lock.json")).unwrap();
            let lock: serde_json::Value = serde_json::from_str(&lock).unwrap();
            let packages = lock["packages"].as_object().unwrap();
            assert!(packages.len() > 1);
            for (name, package) in packages {
                assert!(package.get("resolved").is_none(), "{name} names where it came from");
                assert!(name.is_empty() || package.get("integrity").is_some(), "{name} has no checksum");
            }
        }
    }
}
