//! Under a service manager: sockets that it keeps, what it is told, and signals.

use std::net::{SocketAddr, TcpListener};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use rustls::pki_types::ServerName;
use testkit::{Authority, eventually, within};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpStream, UnixDatagram};
use tokio::process::{Child, Command};
use tokio_rustls::TlsConnector;

const BINARY: &str = env!("CARGO_BIN_EXE_voxgate");

/// `exec`s the program with a socket as its third file, the way systemd passes it: this process's id must be in `LISTEN_PID`.
const PASS_SOCKET: &str = r#"exec 3<&0 </dev/null; LISTEN_PID=$$ LISTEN_FDS=1 LISTEN_FDNAMES=web exec "$@""#;

/// A service as systemd sees it.
struct Service {
    folder: tempfile::TempDir,
    config: PathBuf,
    told: UnixDatagram,
}

impl Service {
    /// With this `[[listener]]`.
    fn new(listener: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let config = folder.path().join("voxgate.toml");
        let text = format!(
            "data_dir = \"{0}/data\"\n[admin]\naddress = \"\"\n[[listener]]\nserves = \"home:eu1\"\n{1}\n",
            folder.path().display(),
            listener.replace("FOLDER", &folder.path().display().to_string())
        );
        std::fs::write(&config, text).unwrap();
        let told = UnixDatagram::bind(folder.path().join("notify")).unwrap();
        Self { folder, config, told }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Starts the program, with a socket if there is one, and doesn't wait.
    fn start(&self, socket: Option<&TcpListener>, variables: &[(&str, &str)]) -> Child {
        let mut command = match socket {
            None => Command::new(BINARY),
            Some(socket) => {
                let mut shell = Command::new("sh");
                shell
                    .args(["-c", PASS_SOCKET, "sh", BINARY])
                    .stdin(OwnedFd::from(socket.try_clone().unwrap()));
                shell
            }
        };
        command
            .args(["serve", "--config"])
            .arg(&self.config)
            .env("NOTIFY_SOCKET", self.path().join("notify"));
        command.envs(variables.iter().copied()).kill_on_drop(true).stderr(Stdio::piped()).spawn().unwrap()
    }

    /// What the service manager is told next.
    async fn told(&self) -> String {
        let mut buffer = [0; 1024];
        let length = within("a notification", self.told.recv(&mut buffer)).await.unwrap();
        String::from_utf8(buffer[..length].to_vec()).unwrap()
    }

    async fn ready(&self, child: &mut Child) {
        let told = tokio::select! {
            told = self.told() => told,
            status = child.wait() => panic!("it ended: {status:?}\n{}", said(child).await),
        };
        assert_eq!(told.trim(), "READY=1");
    }
}

async fn said(child: &mut Child) -> String {
    let mut text = Vec::new();
    if let Some(mut errors) = child.stderr.take() {
        drop(errors.read_to_end(&mut text).await);
    }
    String::from_utf8_lossy(&text).into_owned()
}

async fn signal(child: &Child, name: &str) {
    let id = child.id().expect("it runs").to_string();
    assert!(Command::new("kill").args([name, &id]).status().await.unwrap().success());
}

async fn end(service: &Service, mut child: Child) {
    signal(&child, "-TERM").await;
    assert_eq!(service.told().await.trim(), "STOPPING=1");
    assert!(within("its end", child.wait()).await.unwrap().success(), "{}", said(&mut child).await);
}

fn kept_socket() -> (TcpListener, SocketAddr) {
    let socket = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = socket.local_addr().unwrap();
    (socket, address)
}

/// One request on one connection; its answer, or why there is none.
async fn ask(address: SocketAddr) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(address).await?;
    stream.write_all(b"GET /.well-known/jwks.json HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n").await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    Ok(answer)
}

/// A socket that systemd opened is served under its name; the service manager is told of the beginning and the end.
#[tokio::test]
async fn a_passed_socket_is_served() {
    let service = Service::new("socket = \"web\"");
    let (socket, address) = kept_socket();
    let mut child = service.start(Some(&socket), &[]);
    service.ready(&mut child).await;
    assert!(within("an answer", ask(address)).await.unwrap().starts_with("HTTP/1.1 200"));
    end(&service, child).await;
}

/// A socket that wasn't passed stops the start, and so does one that would carry secrets over the network in the open.
#[tokio::test]
async fn wrong_sockets_stop_the_start() {
    let (socket, _) = kept_socket();
    let open = TcpListener::bind("0.0.0.0:0").unwrap();
    for (name, socket, expected) in [
        ("other", Some(&socket), "no socket named \"other\", it has passed web"),
        ("web", None, "no socket named \"web\", it has passed none"),
        ("web", Some(&open), "it speaks no TLS"),
    ] {
        let service = Service::new(&format!("socket = \"{name}\""));
        let mut child = service.start(socket, &[]);
        assert!(!within("its end", child.wait()).await.unwrap().success());
        let said = said(&mut child).await;
        assert!(said.contains(expected), "{said}");
    }
}

/// While one process ends and the next one starts on the kept socket, everybody who connects is answered: nobody is refused, and
/// nobody is hung up on.
#[tokio::test]
async fn nobody_is_refused_during_a_restart() {
    const CLIENTS: usize = 8;
    const RESTARTS: usize = 3;
    let service = Service::new("socket = \"web\"");
    let (socket, address) = kept_socket();
    let mut child = service.start(Some(&socket), &[]);
    service.ready(&mut child).await;
    let (over, answered) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let clients: Vec<_> = (0..CLIENTS)
        .map(|_| {
            let (over, answered) = (over.clone(), answered.clone());
            tokio::spawn(async move {
                while !over.load(Ordering::SeqCst) {
                    let answer = within("an answer", ask(address)).await.expect("nobody is refused");
                    assert!(answer.starts_with("HTTP/1.1 200"), "{answer:?}");
                    answered.fetch_add(1, Ordering::SeqCst);
                }
            })
        })
        .collect();
    for _ in 0..RESTARTS {
        let before = answered.load(Ordering::SeqCst);
        eventually("clients are served", || async {
            (answered.load(Ordering::SeqCst) > before + CLIENTS * 4).then_some(())
        })
        .await;
        end(&service, child).await;
        child = service.start(Some(&socket), &[]);
        service.ready(&mut child).await;
    }
    over.store(true, Ordering::SeqCst);
    for client in clients {
        within("the last answer", client).await.unwrap();
    }
    end(&service, child).await;
}

/// SIGHUP has the certificates read again: the next client gets the new one, and the service manager hears when it is done.
#[tokio::test]
async fn sighup_reloads_certificates() {
    let service = Service::new(
        "socket = \"web\"\ntls_certificate_file = \"FOLDER/a.pem\"\ntls_key_file = \"FOLDER/a.key\"",
    );
    let authority = Authority::new();
    authority.write(service.path(), "a", &["old.example"]);
    let (socket, address) = kept_socket();
    let mut child = service.start(Some(&socket), &[]);
    service.ready(&mut child).await;
    let fits = async |name: &'static str| {
        let stream = TcpStream::connect(address).await.unwrap();
        let connector = TlsConnector::from(authority.client_config(&[]));
        within("a handshake", connector.connect(ServerName::try_from(name).unwrap(), stream)).await.is_ok()
    };
    assert!(fits("old.example").await && !fits("new.example").await);
    authority.write(service.path(), "a", &["new.example"]);
    signal(&child, "-HUP").await;
    let told = service.told().await;
    assert!(told.starts_with("RELOADING=1\nMONOTONIC_USEC="), "{told}");
    assert_eq!(service.told().await.trim(), "READY=1");
    assert!(fits("new.example").await && !fits("old.example").await);
    std::fs::write(service.path().join("a.pem"), "broken").unwrap();
    signal(&child, "-HUP").await;
    assert!(service.told().await.starts_with("RELOADING=1"));
    assert_eq!(service.told().await.trim(), "READY=1");
    assert!(fits("new.example").await, "what is broken changes nothing");
    end(&service, child).await;
}

/// A service manager that watches hears regularly that all is well.
#[tokio::test]
async fn the_watchdog_is_fed() {
    let service = Service::new("socket = \"web\"");
    let (socket, _) = kept_socket();
    let mut child = service.start(Some(&socket), &[("WATCHDOG_USEC", "200000")]);
    service.ready(&mut child).await;
    for _ in 0..3 {
        assert_eq!(service.told().await.trim(), "WATCHDOG=1");
    }
}

/// A Unix socket is made for its user and group alone, replaces one that a process left behind, and no other file.
#[tokio::test]
async fn a_unix_socket_is_served() {
    use std::os::unix::fs::PermissionsExt as _;
    let service = Service::new("address = \"unix:FOLDER/http.sock\"");
    let path = service.path().join("http.sock");
    drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
    assert!(path.exists(), "left behind");
    let mut child = service.start(None, &[]);
    service.ready(&mut child).await;
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o660);
    let client = reqwest::Client::builder().unix_socket(path.clone()).build().unwrap();
    let response = client.get("http://a/.well-known/jwks.json").send().await.unwrap();
    assert_eq!(response.status().as_u16(), 200);
    end(&service, child).await;
    std::fs::remove_file(&path).unwrap();
    std::fs::write(&path, "somebody's").unwrap();
    let mut child = service.start(None, &[]);
    assert!(!within("its end", child.wait()).await.unwrap().success());
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "somebody's");
}
