//! The instance under attack: the built program as a child, with a configuration that hides nothing behind limits.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, AsyncRead, BufReader};
use tokio::process::{Child, Command};

use crate::Fault;

/// How long a start, or a command, may take.
const PATIENCE_SECONDS: u64 = 90;
/// What the engine wants of the gateway. A client must never see it, nor be able to set it.
pub(crate) const ENGINE_TOKEN: &str = "engine-token-of-the-attack-suite";

/// Where an instance listens.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Places {
    /// The port that routes by path: region eu1, the management API, the portal.
    pub(crate) home: SocketAddr,
    /// The same instance, told apart by host names.
    pub(crate) hosts: SocketAddr,
    /// Region us1.
    pub(crate) us1: SocketAddr,
    /// Region eu2, whose engine is down.
    pub(crate) eu2: SocketAddr,
    /// Region au1.
    pub(crate) au1: SocketAddr,
    /// The administration listener.
    pub(crate) admin: SocketAddr,
}

/// A running instance.
#[derive(Debug)]
pub(crate) struct Instance {
    child: Child,
    program: PathBuf,
    data_dir: PathBuf,
    lines: Arc<Mutex<Vec<String>>>,
    pub(crate) places: Places,
}

impl Instance {
    /// Writes a configuration into `folder` and starts the program at `program` with it.
    pub(crate) async fn start(
        program: &Path,
        folder: &Path,
        engine: SocketAddr,
        more: &str,
    ) -> Result<Self, Fault> {
        let [home, hosts, us1, eu2, au1, admin] = free_addresses().await?;
        let places = Places { home, hosts, us1, eu2, au1, admin };
        let data_dir = folder.join("data");
        let token_file = folder.join("engine.token");
        std::fs::write(&token_file, ENGINE_TOKEN).map_err(|error| format!("the token file: {error}"))?;
        let config = folder.join("voxgate.toml");
        let text = configuration(&data_dir, &token_file, engine, &places, more);
        std::fs::write(&config, text).map_err(|error| format!("the configuration: {error}"))?;
        let mut child = Command::new(program)
            .args(["serve", "--config"])
            .arg(&config)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| format!("{} doesn't run: {error}", program.display()))?;
        let lines = Arc::new(Mutex::new(Vec::new()));
        follow(child.stdout.take(), &lines);
        follow(child.stderr.take(), &lines);
        let mut instance = Self { child, program: program.to_owned(), data_dir, lines, places };
        instance.ready().await?;
        Ok(instance)
    }

    async fn ready(&mut self) -> Result<(), Fault> {
        for _ in 0..PATIENCE_SECONDS * 20 {
            if self.lines().iter().any(|line| line.contains("voxgate is ready")) {
                return Ok(());
            }
            if let Ok(Some(status)) = self.child.try_wait() {
                return Err(format!("the instance ended ({status}):\n{}", self.lines().join("\n")));
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Err(format!("the instance isn't ready after {PATIENCE_SECONDS} s:\n{}", self.lines().join("\n")))
    }

    /// Runs a command of the program on this instance, and gives its JSON.
    pub(crate) async fn command(&self, arguments: &[&str]) -> Result<Value, Fault> {
        let mut command = Command::new(&self.program);
        command.args(arguments).arg("--json").arg("--data-dir").arg(&self.data_dir).stdin(Stdio::null());
        let output = tokio::time::timeout(Duration::from_secs(PATIENCE_SECONDS), command.output()).await;
        let output = output
            .map_err(|_| format!("{arguments:?} takes too long"))?
            .map_err(|error| format!("{arguments:?} doesn't run: {error}"))?;
        if !output.status.success() {
            return Err(format!("{arguments:?}: {}", String::from_utf8_lossy(&output.stderr)));
        }
        serde_json::from_slice(&output.stdout).map_err(|error| format!("{arguments:?}: no JSON: {error}"))
    }

    /// Where it keeps its files.
    pub(crate) fn data_dir(&self) -> &Path {
        &self.data_dir
    }

    /// Its process.
    pub(crate) fn id(&self) -> Option<u32> {
        self.child.id()
    }

    /// All that it has logged so far.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// How often something in it has panicked so far.
    pub(crate) fn panics(&self) -> usize {
        let lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        lines.iter().filter(|line| line.contains("panicked")).count()
    }

    /// Whether it still is the process that was started.
    pub(crate) fn is_alive(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }
}

fn follow(output: Option<impl AsyncRead + Unpin + Send + 'static>, lines: &Arc<Mutex<Vec<String>>>) {
    let Some(output) = output else { return };
    let lines = Arc::clone(lines);
    tokio::spawn(async move {
        let mut read = BufReader::new(output).lines();
        while let Ok(Some(line)) = read.next_line().await {
            lines.lock().unwrap_or_else(PoisonError::into_inner).push(line);
        }
    });
}

/// Addresses that are free now. The program needs them in its configuration before it listens.
async fn free_addresses<const N: usize>() -> Result<[SocketAddr; N], Fault> {
    let mut listeners = Vec::new();
    for _ in 0..N {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await;
        listeners.push(listener.map_err(|error| format!("no free port: {error}"))?);
    }
    let addresses: Vec<SocketAddr> =
        listeners.iter().filter_map(|listener| listener.local_addr().ok()).collect();
    addresses.try_into().map_err(|_| "no free ports".to_owned())
}

/// Rates so high that no case is refused for its speed; what tests rates makes a workspace of its own.
fn configuration(
    data_dir: &Path,
    token_file: &Path,
    engine: SocketAddr,
    places: &Places,
    more: &str,
) -> String {
    let Places { home, hosts, us1, eu2, au1, admin } = places;
    let plans: String = ["free", "pro", "enterprise"]
        .iter()
        .map(|plan| {
            format!(
                "[plans.{plan}]\nconcurrent_sessions_max = 100\ncreates_per_second_max = 100000\n\
                 reads_per_second_max = 100000\nmints_per_second_max = 100000\n"
            )
        })
        .collect();
    let listeners: String = [(home, "home:eu1"), (hosts, "hosts"), (us1, "us1"), (eu2, "eu2"), (au1, "au1")]
        .iter()
        .map(|(address, serves)| format!("[[listener]]\naddress = \"{address}\"\nserves = \"{serves}\"\n"))
        .collect();
    let region = |name: &str| {
        format!(
            "[regions.{name}]\nbatch_upstream = \"http://{engine}\"\ntts_upstream = \"http://{engine}\"\n\
             engine_token_file = \"{}\"\n",
            token_file.display()
        )
    };
    let realtime = format!("realtime_upstream = \"ws://{engine}\"\n");
    format!(
        "data_dir = \"{}\"\n[admin]\naddress = \"{admin}\"\n[log]\nlevel = \"info\"\n[log.levels]\naccess = \"off\"\n{listeners}{}{realtime}{}{realtime}{}\
         [regions.eu2]\nbatch_upstream = \"http://127.0.0.1:1\"\n{plans}[management]\n\
         credential_calls_per_second_max = 100000\nnetwork_calls_per_second_max = 100000\n\
         network_failures_per_second_max = 100000\n{more}\n",
        data_dir.display(),
        region("eu1"),
        region("us1"),
        region("au1"),
    )
}

/// What a process holds in memory, in KiB; 0 where there is none.
pub(crate) fn resident_kib(process: Option<u32>) -> u64 {
    let Some(process) = process else { return 0 };
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.trim().trim_end_matches("kB").trim().parse().ok()).unwrap_or_default()
}
