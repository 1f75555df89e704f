//! The pages under `docs/operate` work as they stand: their commands are run, in order, against a real server, and what they
//! print is compared with what the page says.
//!
//! A fenced block marked `sh run` is run by `sh -eu`; all blocks of a page are one script, so that variables live on. A block
//! marked `text output` after it holds pieces of lines that must come out, in that order; `…` stands for anything. Paths and
//! ports of the pages are replaced by ones of a temporary folder.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use testkit::within;
use tokio::process::Command;
use tokio_util::sync::CancellationToken;

const BINARY: &str = env!("CARGO_BIN_EXE_voxgate");
const PAGES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/operate");
/// Between the outputs of two blocks.
const MARK: &str = "@@@ block";

/// A block that is run, and what it must print.
#[derive(Debug, Default)]
struct Block {
    script: String,
    expected: Vec<String>,
}

/// The blocks of a page that are run.
fn blocks(page: &str) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        let Some(info) = line.strip_prefix("```") else { continue };
        let content: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
        let words: Vec<&str> = info.split_whitespace().collect();
        match words.as_slice() {
            ["sh", "run", ..] => blocks.push(Block { script: content.join("\n"), expected: Vec::new() }),
            ["text", "output"] => {
                let block = blocks.last_mut().expect("output comes after what prints it");
                block.expected.extend(content.iter().map(|line| (*line).to_owned()));
            }
            _ => {}
        }
    }
    blocks
}

/// Where the pieces of a line stand in a text: in order, each after the one before.
fn find(text: &str, line: &str) -> Option<usize> {
    let mut at = 0;
    for piece in line.split('…').map(str::trim).filter(|piece| !piece.is_empty()) {
        at += text[at..].find(piece)? + piece.len();
    }
    Some(at)
}

/// An address that was free a moment ago.
async fn free_address() -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    listener.local_addr().unwrap().to_string()
}

/// A machine with an engine, as the pages assume it, below a temporary folder.
struct Machine {
    root: tempfile::TempDir,
    address: String,
    admin: String,
    engine: String,
    stop: CancellationToken,
}

impl Machine {
    async fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        for folder in ["etc/voxgate", "var/lib", "var/backups/voxgate", "bin", "work"] {
            std::fs::create_dir_all(root.path().join(folder)).unwrap();
        }
        let stop = CancellationToken::new();
        let config = sandbox::SandboxConfig {
            data_dir: root.path().join("engine"),
            recognizer: None,
            engine_name: "eu1".to_owned(),
        };
        let engine = sandbox::Sandbox::open(config).await.unwrap();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let engine_address = listener.local_addr().unwrap().to_string();
        tokio::spawn(engine.serve(listener, stop.clone()));
        let (address, admin) = (free_address().await, free_address().await);
        let machine = Self { root, address, admin, engine: engine_address, stop };
        machine.programs();
        machine
    }

    fn path(&self, below: &str) -> PathBuf {
        self.root.path().join(below)
    }

    /// The commands that a page may call: Voxgate itself, and a `systemctl` that knows one unit.
    fn programs(&self) {
        let root = self.root.path().display();
        let systemctl = format!(
            "#!/bin/sh\n[ \"$2\" = voxgate ] || exit 5\npid={root}/server.pid\n\
             stop() {{ [ ! -f $pid ] || {{ kill -TERM $(cat $pid) && while kill -0 $(cat $pid) 2>/dev/null; do sleep 0.05; done; rm -f $pid; }}; }}\n\
             start() {{ {BINARY} serve --config {root}/etc/voxgate/voxgate.toml >>{root}/server.log 2>&1 & echo $! >$pid; \
             for i in $(seq 600); do [ -S {root}/var/lib/voxgate/operator.sock ] && return 0; kill -0 $(cat $pid) 2>/dev/null || break; sleep 0.05; done; \
             cat {root}/server.log >&2; return 1; }}\n\
             case $1 in start) start;; stop) stop;; restart) stop && start;; reload) kill -HUP $(cat $pid);; *) exit 1;; esac\n"
        );
        self.program("systemctl", &systemctl);
        self.program("voxgate", &format!("#!/bin/sh\nexec {BINARY} \"$@\"\n"));
    }

    fn program(&self, name: &str, text: &str) {
        use std::os::unix::fs::PermissionsExt as _;
        let path = self.path("bin").join(name);
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// A page's text, with this machine's paths and ports.
    fn localised(&self, text: &str) -> String {
        let root = self.root.path().display().to_string();
        let mut text = text
            .replace("127.0.0.1:8080", &self.address)
            .replace("127.0.0.1:9180", &self.admin)
            .replace("127.0.0.1:18000", &self.engine);
        for folder in ["/etc/voxgate", "/var/lib/voxgate", "/var/backups/voxgate"] {
            text = text.replace(folder, &format!("{root}{folder}"));
        }
        text
    }

    /// Runs a script, and tells whether it went well and what came out.
    async fn run(&self, script: &str) -> (bool, String) {
        let path = format!("{}:{}", self.path("bin").display(), "/usr/local/bin:/usr/bin:/bin");
        let command = Command::new("sh")
            .args(["-euc", &format!("exec 2>&1\n{}", self.localised(script))])
            .current_dir(self.path("work"))
            .env("PATH", path)
            .env("HOME", self.path("work"))
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .output();
        let output = within("the script", command).await.unwrap();
        (output.status.success(), String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// What the other pages begin with: a server that runs, with one workspace.
    async fn set_up(&self) {
        let first = std::fs::read_to_string(Path::new(PAGES).join("first-deployment.md")).unwrap();
        let configure = &blocks(&first)[0].script;
        let script = format!(
            "{configure}\nsystemctl start voxgate\nvoxgate workspaces create --name W --config /etc/voxgate/voxgate.toml\n"
        );
        let (well, said) = self.run(&script).await;
        assert!(well, "{said}");
    }

    async fn check_page(&self, name: &str) {
        let page = std::fs::read_to_string(Path::new(PAGES).join(name)).unwrap();
        let blocks = blocks(&page);
        assert!(!blocks.is_empty(), "{name} holds nothing that is run");
        let script: Vec<String> =
            blocks.iter().map(|block| format!("echo '{MARK}'\n{}\n", block.script)).collect();
        let (well, said) = self.run(&script.concat()).await;
        assert!(well, "{name} fails:\n{said}");
        let outputs: Vec<&str> = said.split(MARK).skip(1).collect();
        assert_eq!(outputs.len(), blocks.len());
        for (block, output) in blocks.iter().zip(outputs) {
            let mut rest = output;
            for line in block.expected.iter().filter(|line| !line.trim().is_empty()) {
                let end = find(rest, line).unwrap_or_else(|| panic!("{name}: no {line:?} in:\n{output}"));
                rest = &rest[end..];
            }
        }
    }

    async fn shut_down(self) {
        let (_, said) = self.run("systemctl stop voxgate").await;
        assert_eq!(said, "");
        self.stop.cancel();
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        // A test that failed leaves no server behind.
        if let Ok(id) = std::fs::read_to_string(self.path("server.pid")) {
            drop(std::process::Command::new("kill").args(["-KILL", id.trim()]).status());
        }
    }
}

/// Whoever follows the page about the first deployment ends with a key that works.
#[tokio::test]
async fn the_first_deployment_works_as_written() {
    let machine = Machine::new().await;
    machine.check_page("first-deployment.md").await;
    machine.shut_down().await;
}

/// Whoever follows the page about a leaked key ends it.
#[tokio::test]
async fn a_leaked_key_is_ended_as_written() {
    let machine = Machine::new().await;
    machine.set_up().await;
    machine.check_page("incident-key-leaked.md").await;
    machine.shut_down().await;
}

/// Whoever follows the page about upgrades ends with a server that runs.
#[tokio::test]
async fn an_upgrade_works_as_written() {
    let machine = Machine::new().await;
    machine.set_up().await;
    machine.check_page("upgrade.md").await;
    machine.shut_down().await;
}

/// Whoever follows the page about backups can restore one, and a key from before works after it.
#[tokio::test]
async fn a_backup_is_restored_as_written() {
    let machine = Machine::new().await;
    machine.set_up().await;
    let (well, said) =
        machine.run("voxgate keys create --config /etc/voxgate/voxgate.toml 2>/dev/null >key").await;
    assert!(well, "{said}");
    machine.check_page("backup.md").await;
    let ask = "voxgate verify --config /etc/voxgate/voxgate.toml --for batch - <key";
    let (well, said) = machine.run(ask).await;
    assert!(well, "{said}");
    machine.shut_down().await;
}

/// Whoever follows the page about rotation has new keys, and an API key from before still works.
#[tokio::test]
async fn keys_are_rotated_as_written() {
    let machine = Machine::new().await;
    machine.set_up().await;
    let (well, said) =
        machine.run("voxgate keys create --config /etc/voxgate/voxgate.toml 2>/dev/null >key").await;
    assert!(well, "{said}");
    machine.check_page("rotation.md").await;
    let ask =
        "voxgate verify --config /etc/voxgate/voxgate.toml --for batch - <key && systemctl restart voxgate";
    let (well, said) = machine.run(ask).await;
    assert!(well, "{said}");
    machine.shut_down().await;
}

/// Whoever follows the page about people gives somebody an account, and takes it away again.
#[tokio::test]
async fn people_come_and_go_as_written() {
    let machine = Machine::new().await;
    machine.set_up().await;
    machine.check_page("people.md").await;
    machine.shut_down().await;
}

/// Whoever follows the page about sessions sees them, limits them, and is told of them.
#[tokio::test]
async fn sessions_are_kept_in_hand_as_written() {
    let machine = Machine::new().await;
    machine.set_up().await;
    machine.check_page("sessions.md").await;
    machine.shut_down().await;
}

/// Every page of the folder is one that a test here runs, so that none is forgotten.
#[test]
fn no_page_is_forgotten() {
    let source = include_str!("operate.rs");
    for entry in std::fs::read_dir(PAGES).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(name == "README.md" || source.contains(&format!("check_page(\"{name}\")")), "{name}");
    }
}

/// The reader of pages finds what is marked and nothing else.
#[test]
fn marked_blocks_are_found() {
    let page = "```sh\nrm -rf /\n```\n\n```sh run\necho a\necho b\n```\n\n```text output\na\n…b\n```\n";
    let blocks = blocks(page);
    assert_eq!(blocks.len(), 1);
    assert_eq!((blocks[0].script.as_str(), blocks[0].expected.len()), ("echo a\necho b", 2));
    assert_eq!(find("made ws_1 with project 2", "made ws_… project"), Some(22));
    assert_eq!(find("made ws_1", "ws_… made"), None);
}
