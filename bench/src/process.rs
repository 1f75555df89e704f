//! The measured processes: how they are started, and what they have used.

use std::error::Error;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::Value;

/// Clock ticks per second in `/proc`; fixed by the kernel's interface on Linux.
const TICKS_PER_SECOND: f64 = 100.0;

/// CPU time used so far by some processes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CpuClock {
    ticks: u64,
}

impl CpuClock {
    /// User and system time of these processes, all their threads included.
    pub(crate) fn of(pids: &[u32]) -> Result<Self, Box<dyn Error>> {
        let mut ticks = 0;
        for pid in pids {
            let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
            let (_, fields) = stat.rsplit_once(')').ok_or("a stat line has a command in parentheses")?;
            let fields: Vec<&str> = fields.split_whitespace().collect();
            for field in [11, 12] {
                ticks += fields.get(field).ok_or("a stat line has CPU times")?.parse::<u64>()?;
            }
        }
        Ok(Self { ticks })
    }

    /// Microseconds used since `before`.
    pub(crate) fn micros_since(self, before: Self) -> f64 {
        (self.ticks - before.ticks) as f64 / TICKS_PER_SECOND * 1e6
    }
}

/// Anonymous memory of a process in bytes: what its own code asked for.
pub(crate) fn anonymous_bytes(pid: u32) -> Result<u64, Box<dyn Error>> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find(|line| line.starts_with("RssAnon:")).ok_or("no RssAnon in status")?;
    let kib: u64 = line.split_whitespace().nth(1).ok_or("RssAnon has a number")?.parse()?;
    Ok(kib * 1024)
}

/// A running `voxgate dev`; stopped when dropped.
#[derive(Debug)]
pub(crate) struct Voxgate {
    child: Child,
    ready: Value,
}

impl Voxgate {
    /// Starts the binary with its data in `folder` and waits until it is ready.
    pub(crate) fn start(binary: &Path, folder: &Path, arguments: &[&str]) -> Result<Self, Box<dyn Error>> {
        Self::start_with(binary, folder, arguments, &[])
    }

    /// The same, with variables in its environment.
    pub(crate) fn start_with(
        binary: &Path,
        folder: &Path,
        arguments: &[&str],
        variables: &[(&str, &str)],
    ) -> Result<Self, Box<dyn Error>> {
        let mut child = Command::new(binary)
            .args(["dev", "--port", "0", "--json", "--log-level", "warn", "--data-dir"])
            .arg(folder.join("voxgate"))
            .args(arguments)
            .envs(variables.iter().copied())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|cause| {
                format!(
                    "{} does not start ({cause}): cargo build --profile dist -p voxgate",
                    binary.display()
                )
            })?;
        let stdout = child.stdout.take().ok_or("stdout is piped")?;
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line)?;
        let ready =
            serde_json::from_str(&line).map_err(|cause| format!("voxgate dev printed {line:?}: {cause}"))?;
        Ok(Self { child, ready })
    }

    /// Its process id.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    fn text(&self, name: &str) -> &str {
        self.ready[name].as_str().unwrap_or_default()
    }

    /// The API key of area `eu`.
    pub(crate) fn api_key(&self) -> &str {
        self.text("api_key")
    }

    /// The management token.
    pub(crate) fn management_token(&self) -> &str {
        self.text("management_token")
    }

    /// E-mail address and password of the first account.
    pub(crate) fn account(&self) -> (&str, &str) {
        let text = |name: &str| self.ready["account"][name].as_str().unwrap_or_default();
        (text("email"), text("password"))
    }

    /// The base of the Jobs API.
    pub(crate) fn batch_url(&self) -> &str {
        self.text("batch_url")
    }

    /// The base of the management API.
    pub(crate) fn management_url(&self) -> &str {
        self.text("management_url")
    }

    /// The realtime endpoint.
    pub(crate) fn realtime_url(&self) -> &str {
        self.text("realtime_url")
    }

    /// The port that routes by path.
    pub(crate) fn port(&self) -> u16 {
        let url = self.management_url();
        url.rsplit(':').next().and_then(|port| port.trim_end_matches('/').parse().ok()).unwrap_or_default()
    }
}

impl Drop for Voxgate {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
