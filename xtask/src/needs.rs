//! What suites need on the machine, and how it gets there.
//!
//! Debian's packages come first, because Python's and Node's need them; then PyPI, npm and cargo side by side. Whatever
//! is installed is said in one line. What is still missing afterwards is a fault of the suites that need it.

mod debian;
mod packages;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::thread;

use crate::repo::Repo;
use crate::{Fault, postgres, process};

/// The Python that has the client libraries, inside the repository.
pub(crate) const VENV_PYTHON: &str = ".tools/venv/bin/python";
/// Where the JavaScript client libraries and their tests are.
pub(crate) const NODE_FOLDER: &str = "clients/js";
/// Where the portal's tests in a browser are.
pub(crate) const PORTAL_FOLDER: &str = "e2e";

/// One thing that a suite needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Need {
    /// Python 3 with `venv` and `pip`
    Python,
    /// Node and npm
    Node,
    /// A browser without a window, and so without the pages that draw its toolbar
    Chromium,
    /// A database server
    Postgres,
    /// A server to compare with
    Nginx,
    /// Another server, with a parser of its own
    Apache,
    /// And another one
    Haproxy,
    /// A program that sends many requests
    Wrk,
    /// A C++ compiler, for libFuzzer
    CxxCompiler,
    /// The packages of `clients/requirements.txt`
    PythonPackages,
    /// The packages of `clients/js/package-lock.json`
    NodePackages,
    /// The packages of `e2e/package-lock.json`
    PortalPackages,
    /// The checker of systemd's units
    SystemdAnalyze,
    /// cargo-nextest
    Nextest,
    /// cargo-fuzz
    CargoFuzz,
    /// cargo-deny
    CargoDeny,
    /// cargo-mutants
    Mutants,
}

/// Which needs could not be met, and why.
#[derive(Debug, Default)]
pub(crate) struct Missing(BTreeMap<Need, Fault>);

impl Missing {
    /// Why a suite with these needs can't run, if it can't.
    pub(crate) fn blocks(&self, needs: &[Need]) -> Option<Fault> {
        let faults: Vec<&str> =
            needs.iter().filter_map(|need| self.0.get(need)).map(String::as_str).collect();
        if faults.is_empty() { None } else { Some(faults.join("; ")) }
    }
}

/// Installs what is missing of these needs.
pub(crate) fn install(repo: &Repo, needs: &BTreeSet<Need>) -> Missing {
    let mut missing = BTreeMap::new();
    debian::install(repo, needs, &mut missing);
    let faults = thread::scope(|scope| {
        let own = [Need::PythonPackages, Need::NodePackages, Need::PortalPackages];
        let threads = own.into_iter().filter(|need| needs.contains(need));
        let threads: Vec<_> = threads.map(|need| scope.spawn(move || (need, bring(repo, need)))).collect();
        let mut faults: Vec<_> = [Need::Nextest, Need::CargoFuzz, Need::CargoDeny, Need::Mutants]
            .into_iter()
            .filter(|need| needs.contains(need))
            .map(|need| (need, bring(repo, need)))
            .collect();
        for (need, thread) in own.into_iter().filter(|need| needs.contains(need)).zip(threads) {
            faults.push(thread.join().unwrap_or_else(|_| (need, Err("the installer panicked".to_owned()))));
        }
        faults
    });
    missing.extend(faults.into_iter().filter_map(|(need, outcome)| Some((need, outcome.err()?))));
    Missing(missing)
}

fn bring(repo: &Repo, need: Need) -> Result<(), Fault> {
    match need {
        Need::PythonPackages => packages::python(repo),
        Need::NodePackages => packages::node(repo, NODE_FOLDER),
        Need::PortalPackages => packages::node(repo, PORTAL_FOLDER),
        Need::Nextest => packages::cargo(repo, "cargo-nextest", &["nextest", "--version"]),
        Need::CargoFuzz => packages::cargo(repo, "cargo-fuzz", &["fuzz", "--version"]),
        Need::CargoDeny => packages::cargo(repo, "cargo-deny", &["deny", "--version"]),
        Need::Mutants => packages::cargo(repo, "cargo-mutants", &["mutants", "--version"]),
        Need::Python
        | Need::Node
        | Need::Chromium
        | Need::Postgres
        | Need::SystemdAnalyze
        | Need::Nginx
        | Need::Apache
        | Need::Haproxy
        | Need::Wrk
        | Need::CxxCompiler => Ok(()),
    }
}

/// Whether a need that Debian's packages meet is met.
fn is_met(need: Need) -> bool {
    match need {
        Need::Python => process::works("python3", &["-c", "import ensurepip, venv"]),
        Need::Node => process::works("node", &["--version"]) && process::works("npm", &["--version"]),
        Need::Chromium => Path::new("/usr/bin/chromium-headless-shell").exists(),
        Need::Postgres => postgres::programs().is_some(),
        Need::SystemdAnalyze => process::works("systemd-analyze", &["--version"]),
        Need::Nginx => process::works("nginx", &["-v"]),
        Need::Apache => Path::new("/usr/sbin/apache2").exists(),
        Need::Haproxy => Path::new("/usr/sbin/haproxy").exists(),
        // It has no argument that ends well: asked for its version, it shows it and fails.
        Need::Wrk => process::starts("wrk", &["--version"]),
        Need::CxxCompiler => process::works("c++", &["--version"]),
        Need::PythonPackages
        | Need::NodePackages
        | Need::PortalPackages
        | Need::Nextest
        | Need::CargoFuzz
        | Need::CargoDeny
        | Need::Mutants => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A suite is blocked by what it needs, and by nothing else.
    #[test]
    fn a_missing_tool_blocks_only_the_suites_that_need_it() {
        let missing = Missing(BTreeMap::from([(Need::Chromium, "no chromium".to_owned())]));
        assert_eq!(missing.blocks(&[Need::Node, Need::Chromium]), Some("no chromium".to_owned()));
        assert_eq!(missing.blocks(&[Need::Node]), None);
        assert_eq!(missing.blocks(&[]), None);
    }
}
