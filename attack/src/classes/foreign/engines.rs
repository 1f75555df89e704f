//! Starting them.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::process::{Child, Command};

use crate::Fault;

/// Where the configurations are.
const CONFIGURATIONS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/engines");
/// Where the repository keeps its Python.
const PYTHON: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../.tools/venv/bin/python");
/// How often to look whether one is ready, and for how long.
const LOOKS: usize = 200;
const LOOK_MILLIS: u64 = 50;

/// Whose server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Nginx,
    Apache,
    Haproxy,
    Node,
    Uvicorn,
}

/// A running one.
#[derive(Debug)]
pub(super) struct Engine {
    pub(super) kind: Kind,
    pub(super) address: SocketAddr,
    folder: tempfile::TempDir,
    child: Child,
}

impl Kind {
    pub(super) const ALL: &'static [Self] =
        &[Self::Nginx, Self::Apache, Self::Haproxy, Self::Node, Self::Uvicorn];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Nginx => "nginx",
            Self::Apache => "apache",
            Self::Haproxy => "haproxy",
            Self::Node => "node",
            Self::Uvicorn => "uvicorn",
        }
    }

    /// Its files.
    const fn files(self) -> &'static [&'static str] {
        match self {
            Self::Nginx => &["nginx.conf"],
            Self::Apache => &["apache.conf", "engine.lua"],
            Self::Haproxy => &["haproxy.cfg"],
            Self::Node => &["engine.mjs"],
            Self::Uvicorn => &["engine.py"],
        }
    }

    fn command(self, folder: &Path, port: u16) -> Command {
        let file = folder.join(self.files()[0]);
        let mut command = Command::new(match self {
            Self::Nginx => "/usr/sbin/nginx",
            Self::Apache => "/usr/sbin/apache2",
            Self::Haproxy => "/usr/sbin/haproxy",
            Self::Node => "node",
            Self::Uvicorn => PYTHON,
        });
        match self {
            Self::Nginx => command.arg("-p").arg(folder).arg("-c").arg(file),
            Self::Apache => command.args(["-D", "FOREGROUND", "-f"]).arg(file),
            Self::Haproxy => command.args(["-db", "-f"]).arg(file),
            Self::Node | Self::Uvicorn => command.arg(file).arg(port.to_string()),
        };
        command
    }
}

impl Engine {
    /// Starts one on a free port.
    pub(super) async fn start(kind: Kind) -> Result<Self, Fault> {
        let folder = tempfile::tempdir().map_err(|error| format!("no folder: {error}"))?;
        let listener =
            tokio::net::TcpListener::bind("127.0.0.1:0").await.map_err(|error| error.to_string())?;
        let address = listener.local_addr().map_err(|error| error.to_string())?;
        drop(listener);
        for file in kind.files() {
            fill(file, folder.path(), address.port())?;
        }
        let log =
            std::fs::File::create(folder.path().join("output.log")).map_err(|error| error.to_string())?;
        let errors = log.try_clone().map_err(|error| error.to_string())?;
        let child = kind
            .command(folder.path(), address.port())
            .stdin(Stdio::null())
            .stdout(log)
            .stderr(errors)
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| format!("it isn't there ({error}); cargo xtask attack installs it"))?;
        let mut engine = Self { kind, address, folder, child };
        for _ in 0..LOOKS {
            if TcpStream::connect(address).await.is_ok() {
                return Ok(engine);
            }
            if let Ok(Some(status)) = engine.child.try_wait() {
                return Err(format!(
                    "it ended ({status}): {}",
                    read(&engine.folder.path().join("output.log"))
                ));
            }
            tokio::time::sleep(Duration::from_millis(LOOK_MILLIS)).await;
        }
        Err(format!("it isn't ready: {}", read(&engine.folder.path().join("output.log"))))
    }

    /// What it has logged of requests: the gateway's request id, the method, the path as it was read.
    pub(super) async fn lines(&self) -> Vec<String> {
        // Logs are written behind answers.
        tokio::time::sleep(Duration::from_millis(500)).await;
        let file = match self.kind {
            Kind::Nginx | Kind::Apache => "engine.log",
            Kind::Haproxy | Kind::Node | Kind::Uvicorn => "output.log",
        };
        let text = read(&self.folder.path().join(file));
        let is_request = |line: &&str| line.starts_with("req_") || line.starts_with("- ");
        text.lines().filter(is_request).map(str::to_owned).collect()
    }
}

fn fill(file: &str, folder: &Path, port: u16) -> Result<(), Fault> {
    let from = PathBuf::from(CONFIGURATIONS).join(file);
    let text = std::fs::read_to_string(&from).map_err(|error| format!("{}: {error}", from.display()))?;
    let text = text.replace("@PORT@", &port.to_string()).replace("@FOLDER@", &folder.display().to_string());
    std::fs::write(folder.join(file), text).map_err(|error| format!("{file}: {error}"))
}

fn read(path: &Path) -> String {
    String::from_utf8_lossy(&std::fs::read(path).unwrap_or_default()).into_owned()
}
