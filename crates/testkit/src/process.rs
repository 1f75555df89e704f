//! The built program as a child.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio::task::JoinHandle;
use voxgate::dev::DevReport;

use crate::{Api, Caller, database, within};

/// The variable in which a child finds its database.
const DATABASE_VARIABLE: &str = "VOXGATE_DEV_DATABASE_URL";

/// `voxgate dev --json` as a child, on free ports.
#[derive(Debug)]
pub struct Process {
    child: Child,
    report: DevReport,
    /// What it printed: the line, and whatever came after it.
    stdout: JoinHandle<String>,
    stderr: JoinHandle<String>,
}

impl Process {
    /// Starts the program at `binary` on a data folder, and on the database of this run.
    ///
    /// # Panics
    /// When it doesn't get ready; with what it said.
    pub async fn start(binary: &Path, data_dir: &Path, more: &[&str]) -> Self {
        Self::start_on(binary, data_dir, database::url_for(data_dir).as_deref(), more).await
    }

    /// Starts the program at `binary` on a data folder and, if there is one, on a PostgreSQL.
    ///
    /// # Panics
    /// When it doesn't get ready; with what it said.
    pub async fn start_on(binary: &Path, data_dir: &Path, database_url: Option<&str>, more: &[&str]) -> Self {
        let mut command = Command::new(binary);
        command.args(["dev", "--json", "--port", "0", "--data-dir"]).arg(data_dir).args(more);
        if let Some(url) = database_url {
            command.args(["--database-env", DATABASE_VARIABLE]).env(DATABASE_VARIABLE, url);
        }
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap_or_else(|error| panic!("{} doesn't run: {error}", binary.display()));
        let mut errors = child.stderr.take().expect("standard error is piped");
        let stderr = tokio::spawn(async move {
            let mut text = Vec::new();
            drop(errors.read_to_end(&mut text).await);
            String::from_utf8_lossy(&text).into_owned()
        });
        let mut lines = BufReader::new(child.stdout.take().expect("standard output is piped"));
        let mut line = String::new();
        within("the ready line", lines.read_line(&mut line)).await.expect("standard output is text");
        let Ok(report) = serde_json::from_str(&line) else {
            drop(child.wait().await);
            panic!("not ready: {line}{}", stderr.await.unwrap_or_default());
        };
        let stdout = tokio::spawn(async move {
            drop(lines.read_to_string(&mut line).await);
            line
        });
        Self { child, report, stdout, stderr }
    }

    /// Where everything is.
    pub const fn report(&self) -> &DevReport {
        &self.report
    }

    /// A client of the port that routes by path.
    pub fn home(&self) -> Api {
        Api::new(&self.report.management_url)
    }

    /// The holder of the ready API key.
    pub fn key(&self) -> Caller {
        Caller::api_key(&self.report.api_key)
    }

    /// The holder of the ready management token.
    pub fn manager(&self) -> Caller {
        Caller::management_token(&self.report.management_token)
    }

    /// Ends it at once, as a power cut would: SIGKILL.
    ///
    /// # Panics
    /// When it can't be killed.
    pub async fn kill(mut self) {
        self.child.kill().await.expect("a child can be killed");
    }

    /// Asks it to end, and doesn't wait.
    ///
    /// # Panics
    /// When it can't be asked.
    pub async fn ask_to_end(&self) {
        let id = self.child.id().expect("the child runs").to_string();
        let asked =
            Command::new("kill").args(["-TERM", &id]).status().await.expect("there is a kill command");
        assert!(asked.success());
    }

    /// Asks it to end, and tells whether it ended well and what it wrote to standard output and standard error.
    ///
    /// # Panics
    /// When it doesn't end.
    pub async fn terminate(self) -> (bool, String, String) {
        self.ask_to_end().await;
        self.ended().await
    }

    /// Waits for its end, and tells whether it ended well and what it wrote to standard output and standard error.
    ///
    /// # Panics
    /// When it doesn't end.
    pub async fn ended(mut self) -> (bool, String, String) {
        let status = within("the end", self.child.wait()).await.expect("a child can be waited for");
        (status.success(), self.stdout.await.unwrap_or_default(), self.stderr.await.unwrap_or_default())
    }

    /// Every file below a data folder, with its content.
    pub fn files_of(data_dir: &Path) -> Vec<(PathBuf, Vec<u8>)> {
        files(data_dir)
            .into_iter()
            .filter_map(|path| std::fs::read(&path).ok().map(|bytes| (path, bytes)))
            .collect()
    }
}

/// Every file below a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(&next).into_iter().flatten().flatten() {
            let path = entry.path();
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => folders.push(path),
                Ok(kind) if kind.is_file() => found.push(path),
                Ok(_) | Err(_) => {}
            }
        }
    }
    found
}
