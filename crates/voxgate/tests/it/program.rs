//! `voxgate serve` as a child, with a configuration file of its own.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::{Arc, Mutex};

use serde_json::Value;
use testkit::{Answer, Api, Caller, within};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio::task::JoinHandle;

pub(crate) const BINARY: &str = env!("CARGO_BIN_EXE_voxgate");

/// The host of the first region's Jobs API.
pub(crate) const BATCH_HOST: &str = "eu1.asr.localhost";

/// A running server, its file, and every line that it has logged.
pub(crate) struct Program {
    child: Child,
    pub(crate) address: SocketAddr,
    pub(crate) admin: SocketAddr,
    config: PathBuf,
    text: String,
    lines: Arc<Mutex<Vec<String>>>,
    reader: JoinHandle<()>,
    pub(crate) folder: tempfile::TempDir,
}

impl Program {
    /// Starts it with more settings at the top of the file and below it, and waits until it is ready.
    pub(crate) async fn start(top: &str, sections: &str) -> Self {
        Self::start_under(tempfile::tempdir().unwrap(), &[], top, sections).await
    }

    /// The same in a folder that has something already, and with these environment variables.
    pub(crate) async fn start_under(
        folder: tempfile::TempDir,
        environment: &[(&str, &str)],
        top: &str,
        sections: &str,
    ) -> Self {
        let config = folder.path().join("voxgate.toml");
        let text = format!(
            "data_dir = \"{}\"\n{top}\n[admin]\naddress = \"127.0.0.1:0\"\n[[listener]]\naddress = \"127.0.0.1:0\"\n{sections}\n",
            folder.path().join("data").display()
        );
        std::fs::write(&config, &text).unwrap();
        let mut child = Command::new(BINARY)
            .args(["serve", "--config"])
            .arg(&config)
            .envs(environment.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let lines: Arc<Mutex<Vec<String>>> = Arc::default();
        let mut errors = BufReader::new(child.stderr.take().unwrap()).lines();
        let heard = Arc::clone(&lines);
        let reader = tokio::spawn(async move {
            while let Ok(Some(line)) = errors.next_line().await {
                heard.lock().unwrap().push(line);
            }
        });
        let mut program = Self {
            child,
            address: ([127, 0, 0, 1], 0).into(),
            admin: ([127, 0, 0, 1], 0).into(),
            config,
            text,
            lines,
            reader,
            folder,
        };
        program.line_with("voxgate is ready").await;
        program.address = program.address_in("listening").await;
        program.admin = program.address_in("the administration listener is open").await;
        program
    }

    /// The address that a line tells.
    async fn address_in(&self, message: &str) -> SocketAddr {
        let line = self.line_with(message).await;
        let found = line
            .split(|character: char| !character.is_ascii_digit() && !matches!(character, '.' | ':'))
            .filter_map(|word| word.parse::<SocketAddr>().ok())
            .next_back();
        found.unwrap_or_else(|| panic!("no address in {line}"))
    }

    /// All lines so far.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.lines.lock().unwrap().clone()
    }

    /// Waits for a line that holds this.
    pub(crate) async fn line_with(&self, text: &str) -> String {
        testkit::eventually(text, || async {
            let found = self.lines().into_iter().find(|line| line.contains(text));
            assert!(found.is_some() || !self.reader.is_finished(), "it ended: {:#?}", self.lines());
            found
        })
        .await
    }

    /// Waits for a JSON line that this is true of.
    pub(crate) async fn json_line(&self, what: &str, is_it: impl Fn(&Value) -> bool) -> Value {
        testkit::eventually(what, || async {
            let lines = self.lines();
            lines.iter().filter_map(|line| serde_json::from_str(line).ok()).find(|line| is_it(line))
        })
        .await
    }

    /// Its administration listener.
    pub(crate) fn admin(&self) -> Api {
        Api::new(&format!("http://{}", self.admin))
    }

    /// Asks it at the host of the first region's Jobs API, with more headers.
    pub(crate) async fn get(&self, path: &str, caller: &Caller, headers: &[(&str, &str)]) -> Answer {
        let api = Api::new(&format!("http://{}", self.address));
        let mut request = api.request(reqwest::Method::GET, path).header("host", BATCH_HOST);
        for value in caller.header_values() {
            request = request.header("authorization", value);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        api.ask(request).await
    }

    /// An API key of a new workspace, made by commands.
    pub(crate) async fn key(&self) -> String {
        self.run(&["workspaces", "create", "--name", "w", "--plan", "pro"]).await;
        let made = self.run(&["keys", "create", "--name", "k"]).await;
        let found = made["key_value"].as_str();
        found.unwrap_or_else(|| panic!("no key in {made}")).to_owned()
    }

    /// Runs a command on it, and tells its JSON.
    pub(crate) async fn run(&self, command: &[&str]) -> Value {
        let data = self.folder.path().join("data");
        let mut program = Command::new(BINARY);
        program.args(command).arg("--json").arg("--data-dir").arg(data);
        let output = within("the command", program.output()).await.unwrap();
        assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// Changes its file.
    pub(crate) fn rewrite(&self, from: &str, to: &str) {
        assert!(self.text.contains(from));
        std::fs::write(&self.config, self.text.replace(from, to)).unwrap();
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id().unwrap()
    }

    /// Sends it a signal.
    pub(crate) async fn signal(&self, name: &str) {
        let id = self.id().to_string();
        let asked = Command::new("kill").args([name, &id]).status().await.unwrap();
        assert!(asked.success());
    }

    /// Waits for its end, and tells its exit code and all that it logged.
    pub(crate) async fn ended(mut self) -> (Option<i32>, Vec<String>) {
        let status = within("the end", self.child.wait()).await.unwrap();
        drop(within("the last line", &mut self.reader).await);
        (status.code(), self.lines())
    }

    /// Asks it to end, waits for it, and gives what it leaves behind.
    pub(crate) async fn stop(mut self) -> tempfile::TempDir {
        self.signal("-TERM").await;
        within("the end", self.child.wait()).await.unwrap();
        self.folder
    }

    /// Asks it to end, and waits for it.
    pub(crate) async fn end(self) -> Vec<String> {
        self.signal("-TERM").await;
        let (code, lines) = self.ended().await;
        assert_eq!(code, Some(0), "{lines:#?}");
        lines
    }
}
