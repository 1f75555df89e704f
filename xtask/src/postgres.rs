//! A PostgreSQL of the tests' own: made in a temporary folder, reached by a Unix socket alone, gone at the end.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::repo::Repo;
use crate::{Fault, process};

/// The variable that tells tests where it is; `testdb` reads it.
pub(crate) const VARIABLE: &str = "VOXGATE_TEST_POSTGRES";
/// Where Debian has the programs of each version.
const PROGRAMS: &str = "/usr/lib/postgresql";
/// The oldest version that Voxgate works with.
const VERSION_MIN: u32 = 15;
/// The longest that making or ending it may take.
const LIMIT: Duration = Duration::from_secs(120);
/// How often it is asked whether it is ready.
const LOOK_MILLISECONDS: u64 = 50;
/// The user who runs it where we are root, whom it refuses.
const USER: &str = "postgres";
/// Nothing of it outlives the tests, so it needn't wait for the disk. Its locale isn't "C", so that tests see whether order
/// depends on it.
const SETTINGS: [&str; 8] = [
    "listen_addresses=",
    "fsync=off",
    "synchronous_commit=off",
    "full_page_writes=off",
    "max_connections=400",
    "shared_buffers=128MB",
    "autovacuum=off",
    "log_min_messages=error",
];

/// A running server; ended when this is dropped.
#[derive(Debug)]
pub(crate) struct Postgres {
    server: Child,
    folder: PathBuf,
    programs: PathBuf,
    is_root: bool,
}

/// The folder with the newest programs that will do, if there is one.
pub(crate) fn programs() -> Option<PathBuf> {
    let versions = std::fs::read_dir(PROGRAMS).into_iter().flatten().flatten();
    let mut found: Vec<(u32, PathBuf)> = versions
        .filter_map(|version| Some((version.file_name().to_str()?.parse().ok()?, version.path().join("bin"))))
        .filter(|(version, bin)| *version >= VERSION_MIN && bin.join("initdb").exists())
        .collect();
    found.sort();
    found.pop().map(|(_, bin)| bin)
}

impl Postgres {
    /// Makes a server and waits until it answers.
    pub(crate) fn start(repo: &Repo) -> Result<Self, Fault> {
        let programs = programs().ok_or(format!(
            "there is no PostgreSQL {VERSION_MIN} or later. Get it with: apt-get install postgresql"
        ))?;
        let is_root = process::capture(repo.command("id").arg("-u"))?.trim() == "0";
        let mut mktemp = as_user(is_root, Path::new("mktemp"));
        mktemp.args(["--directory", "--tmpdir=/tmp", "voxgate-postgres-XXXXXX"]);
        let folder = PathBuf::from(process::capture(&mut mktemp)?.trim());
        let data = folder.join("data");
        let mut initdb = as_user(is_root, &programs.join("initdb"));
        initdb.arg("--pgdata").arg(&data).args(["--auth=trust", "--no-sync", "--encoding=UTF8"]);
        initdb.args([&format!("--username={USER}"), "--locale=C.UTF-8"]);
        initdb.args(["--locale-provider=icu", "--icu-locale=en-US"]);
        let log = repo.path("target/xtask/postgres.log");
        process::run_into(&mut initdb, &log, LIMIT)?;
        let mut server = as_user(is_root, &programs.join("postgres"));
        server.arg("-D").arg(&data).arg("-k").arg(&folder);
        for setting in SETTINGS {
            server.arg("-c").arg(setting);
        }
        server.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let server = server.spawn().map_err(|error| format!("PostgreSQL can't be started: {error}"))?;
        let mut started = Self { server, folder, programs, is_root };
        started.wait_until_ready()?;
        println!("==> a PostgreSQL for the tests runs in {}", started.folder.display());
        Ok(started)
    }

    /// Where it is: what [`VARIABLE`] holds for tests.
    pub(crate) fn url(&self) -> String {
        format!("postgres://{USER}@localhost/postgres?host={}", self.folder.display())
    }

    fn wait_until_ready(&mut self) -> Result<(), Fault> {
        let started = Instant::now();
        let folder = self.folder.display().to_string();
        while !process::works(self.programs.join("pg_isready"), &["--quiet", "--host", &folder]) {
            if let Ok(Some(status)) = self.server.try_wait() {
                return Err(format!("PostgreSQL ended while it started ({status})"));
            }
            if started.elapsed() > LIMIT {
                return Err("PostgreSQL doesn't answer".to_owned());
            }
            thread::sleep(Duration::from_millis(LOOK_MILLISECONDS));
        }
        Ok(())
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        let mut stop = as_user(self.is_root, &self.programs.join("pg_ctl"));
        stop.args(["stop", "--silent", "--mode=immediate", "--pgdata"]).arg(self.folder.join("data"));
        let _ = stop.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
        let _ = self.server.wait();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// A program, run by somebody whom PostgreSQL accepts.
fn as_user(is_root: bool, program: &Path) -> Command {
    let mut command = if is_root {
        let mut runuser = Command::new("runuser");
        runuser.args(["-u", USER, "--"]).arg(program);
        runuser
    } else {
        Command::new(program)
    };
    // The folder we are in may be closed to that user.
    command.current_dir("/tmp");
    command
}

/// Runs a command that finds a PostgreSQL by the variable.
pub(crate) fn with_command(repo: &Repo, words: &[String]) -> Result<(), Fault> {
    let (program, arguments) =
        words.split_first().ok_or("expected a command, as in: cargo xtask postgres cargo nextest run")?;
    let postgres = Postgres::start(repo)?;
    let mut command = repo.command(program);
    command.args(arguments).env(VARIABLE, postgres.url());
    process::run(&mut command, Duration::from_secs(4 * 60 * 60))
}
