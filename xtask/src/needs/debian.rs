//! Installing Debian's packages.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;
use std::time::Duration;

use super::{Need, is_met};
use crate::repo::Repo;
use crate::{Fault, process};

/// The longest that apt-get may take.
const APT_LIMIT: Duration = Duration::from_secs(15 * 60);

/// The packages that meet a need; none if Debian has nothing to do with it.
fn packages(need: Need) -> &'static [&'static str] {
    match need {
        Need::Python => &["python3", "python3-venv"],
        Need::Node => &["nodejs", "npm"],
        Need::Chromium => &["chromium-headless-shell"],
        Need::Postgres => &["postgresql"],
        Need::Nginx => &["nginx-light"],
        Need::Apache => &["apache2-bin"],
        Need::Haproxy => &["haproxy"],
        Need::Wrk => &["wrk"],
        Need::CxxCompiler => &["g++"],
        Need::SystemdAnalyze => &["systemd"],
        Need::PythonPackages
        | Need::NodePackages
        | Need::PortalPackages
        | Need::Nextest
        | Need::CargoFuzz
        | Need::CargoDeny
        | Need::Mutants => &[],
    }
}

/// Installs what is missing, in one go, and notes what is missing still.
pub(super) fn install(repo: &Repo, needs: &BTreeSet<Need>, missing: &mut BTreeMap<Need, Fault>) {
    let lacking: Vec<Need> = needs.iter().copied().filter(|need| !is_met(*need)).collect();
    if lacking.is_empty() {
        return;
    }
    let names: Vec<&str> = lacking.iter().flat_map(|need| packages(*need)).copied().collect();
    println!("installs Debian's {}", names.join(", "));
    let outcome = apt_get(repo, &names);
    for need in lacking.into_iter().filter(|need| !is_met(*need)) {
        missing.insert(need, still_missing(need, outcome.as_ref().err()));
    }
}

fn apt_get(repo: &Repo, names: &[&str]) -> Result<(), Fault> {
    if !process::works("apt-get", &["--version"]) {
        return Err("this machine has no apt-get".to_owned());
    }
    let log = repo.path("target/xtask/apt-get.log");
    process::run_into(as_root(repo)?.args(["apt-get", "update"]), &log, APT_LIMIT)?;
    let mut apt = as_root(repo)?;
    apt.args([
        "env",
        "DEBIAN_FRONTEND=noninteractive",
        "apt-get",
        "install",
        "--yes",
        "--no-install-recommends",
    ])
    .args(names);
    process::run_into(&mut apt, &log, APT_LIMIT)
}

/// A command that starts the command in its arguments as root.
fn as_root(repo: &Repo) -> Result<Command, Fault> {
    let user = process::capture(repo.command("id").arg("-u"))?;
    if user.trim() == "0" {
        return Ok(repo.command("env"));
    }
    if process::works("sudo", &["-n", "true"]) {
        let mut sudo = repo.command("sudo");
        sudo.arg("-n");
        return Ok(sudo);
    }
    Err("installing Debian's packages needs root, or sudo without a password".to_owned())
}

fn still_missing(need: Need, why: Option<&Fault>) -> Fault {
    let names = packages(need).join(" ");
    let why = why.map_or("the packages installed, but the program isn't there", String::as_str);
    format!("{names}: missing ({why}). Get it with: apt-get install {names}; log: target/xtask/apt-get.log")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The message alone is enough to get the tool.
    #[test]
    fn what_is_missing_is_said_with_how_to_get_it() {
        let said = still_missing(Need::Chromium, Some(&"no apt-get".to_owned()));
        assert!(
            said.contains("apt-get install chromium-headless-shell") && said.contains("no apt-get"),
            "{said}"
        );
    }
}
