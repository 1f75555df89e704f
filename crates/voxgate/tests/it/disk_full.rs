//! No room on the disk, or no database server: verification and minting go on, writes are refused for a reason, and all of it
//! ends by itself.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::json;
use testkit::{Answer, Caller, Mint, Process, Socket, TestDatabase};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio_util::sync::CancellationToken;

use crate::common::{make_key_in, revoke_key, with_jwt};

const BINARY: &str = env!("CARGO_BIN_EXE_voxgate");
/// The disk that gets full, in MiB.
const DISK_MIB: u32 = 24;
/// Writes until one is refused: an SQLite log takes some more in what it has already.
const WRITES_MAX: usize = 20_000;

/// A small disk of its own.
struct SmallDisk {
    folder: tempfile::TempDir,
}

impl SmallDisk {
    fn mount() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let size = format!("size={DISK_MIB}m");
        let mounted =
            Command::new("mount").args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(folder.path()).status();
        assert!(
            mounted.is_ok_and(|status| status.success()),
            "this test mounts a small disk, which needs root: run it as root or in a container"
        );
        Self { folder }
    }

    fn filler(&self) -> PathBuf {
        self.folder.path().join("filler")
    }

    /// Takes all the room there is.
    fn fill(&self) {
        use std::io::Write as _;

        let mut file = std::fs::OpenOptions::new().append(true).create(true).open(self.filler()).unwrap();
        for piece in [1 << 20, 1 << 12, 1] {
            while file.write_all(&vec![0; piece]).is_ok() {}
        }
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(self.folder.path()).status();
    }
}

async fn make_key(server: &Process) -> Answer {
    let body = json!({"project_id": server.report().project_id, "name": "x"});
    server.home().post("/v1/api-keys", &server.manager(), &body).await
}

/// What needs no database goes on: keys let in and are refused, temporary keys are minted, sessions open.
async fn check_goes_on(server: &Process, kept: &Caller, revoked: &Caller) {
    let home = server.home();
    let token = Mint::of("rt").key(&home, kept).await;
    let url = with_jwt(&server.report().realtime_url, &token);
    let mut socket = Socket::open(&url, &Caller::anon()).await.unwrap();
    socket.begin().await;
    Mint::of("rt").ask(&home, revoked).await.expect_refusal(401, "credential_revoked");
    home.get("/v2/jobs", revoked).await.expect_refusal(401, "credential_revoked");
    home.get("/v2/jobs", &Caller::api_key("vgk_nobody")).await.expect(401);
}

async fn two_keys(server: &Process) -> (Caller, Caller) {
    let project = server.report().project_id;
    let (home, manager) = (server.home(), server.manager());
    let kept = make_key_in(&home, &manager, project, json!({})).await;
    let revoked = make_key_in(&home, &manager, project, json!({})).await;
    revoke_key(&home, &manager, &revoked.id).await;
    (kept.caller(), revoked.caller())
}

/// A full disk stops nothing that is only verified; a write is refused with 503 and a reason; once there is room, everything
/// works again without a restart, and nothing that was acknowledged is lost.
#[tokio::test]
async fn on_sqlite_a_full_disk_stops_writes_alone() {
    let disk = SmallDisk::mount();
    let data_dir = disk.folder.path().join("data");
    let server = Process::start_on(Path::new(BINARY), &data_dir, None, &[]).await;
    let (kept, revoked) = two_keys(&server).await;
    server.home().job(&kept).await;
    disk.fill();
    let mut made = Vec::new();
    let mut refused = None;
    for _ in 0..WRITES_MAX {
        let answer = make_key(&server).await;
        if answer.status != 201 {
            refused = Some(answer);
            break;
        }
        made.push(answer.json()["key_value"].as_str().unwrap().to_owned());
        disk.fill();
    }
    let refused = refused.expect("the disk gets full").expect_refusal(503, "storage_down");
    assert_ne!(refused.header("retry-after"), "");
    check_goes_on(&server, &kept, &revoked).await;
    server.home().get("/v2/jobs", &kept).await.expect(200);

    std::fs::remove_file(disk.filler()).unwrap();
    testkit::eventually("a write to be possible again", || async {
        (make_key(&server).await.status == 201).then_some(())
    })
    .await;
    server.home().job(&kept).await;
    check_goes_on(&server, &kept, &revoked).await;
    for secret in &made {
        server.home().get("/v2/jobs?limit=1", &Caller::api_key(secret)).await.expect(200);
    }
    assert!(server.terminate().await.0);
    let again = Process::start_on(Path::new(BINARY), &data_dir, None, &[]).await;
    for secret in &made {
        again.home().get("/v2/jobs?limit=1", &Caller::api_key(secret)).await.expect(200);
    }
    again.home().get("/v2/jobs", &revoked).await.expect_refusal(401, "credential_revoked");
    assert!(again.terminate().await.0);
}

/// What stands between an instance and its PostgreSQL, and can be cut.
struct Wire {
    port: u16,
    is_cut: Arc<AtomicBool>,
    cut: Arc<std::sync::Mutex<CancellationToken>>,
}

trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

async fn dial(url: &str) -> std::io::Result<Box<dyn Stream>> {
    if let Some((_, folder)) = url.split_once("host=/") {
        let folder = folder.split('&').next().unwrap();
        return Ok(Box::new(UnixStream::connect(format!("/{folder}/.s.PGSQL.5432")).await?));
    }
    let authority = url.split_once("://").unwrap().1.split(['/', '?']).next().unwrap();
    let address = authority.rsplit('@').next().unwrap();
    let address = if address.contains(':') { address.to_owned() } else { format!("{address}:5432") };
    Ok(Box::new(TcpStream::connect(address).await?))
}

impl Wire {
    async fn to(url: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let is_cut = Arc::new(AtomicBool::new(false));
        let cut = Arc::new(std::sync::Mutex::new(CancellationToken::new()));
        let (seen, ends) = (Arc::clone(&is_cut), Arc::clone(&cut));
        tokio::spawn(async move {
            while let Ok((mut client, _)) = listener.accept().await {
                if seen.load(Ordering::Acquire) {
                    continue;
                }
                let end = ends.lock().unwrap().clone();
                let Ok(mut server) = dial(&url).await else { continue };
                tokio::spawn(async move {
                    tokio::select! {
                        () = end.cancelled() => {}
                        _ = tokio::io::copy_bidirectional(&mut client, &mut server) => {}
                    }
                });
            }
        });
        Self { port, is_cut, cut }
    }

    /// The same database, by way of this wire.
    fn url(&self, database: &TestDatabase) -> String {
        let url = database.url();
        let path = url.split_once("://").unwrap().1;
        let name = path.split_once('/').unwrap().1.split('?').next().unwrap();
        let user = path.split_once('@').map_or("postgres", |(user, _)| user);
        format!("postgres://{user}@127.0.0.1:{}/{name}?sslmode=disable", self.port)
    }

    fn cut(&self) {
        self.is_cut.store(true, Ordering::Release);
        self.cut.lock().unwrap().cancel();
    }

    fn mend(&self) {
        *self.cut.lock().unwrap() = CancellationToken::new();
        self.is_cut.store(false, Ordering::Release);
    }
}

/// While its PostgreSQL is away an instance verifies and mints, refuses writes with 503 and a reason, and works as before once
/// the server is back, without a restart.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_postgres_an_outage_stops_writes_alone() {
    let database = testkit::instance_database();
    let wire = Wire::to(database.url()).await;
    let folder = tempfile::tempdir().unwrap();
    let url = wire.url(&database);
    let server = Process::start_on(Path::new(BINARY), folder.path(), Some(&url), &[]).await;
    let (kept, revoked) = two_keys(&server).await;
    server.home().job(&kept).await;
    for _ in 0..2 {
        wire.cut();
        make_key(&server).await.expect_refusal(503, "storage_down");
        server.home().create_job(&kept).await.expect_refusal(503, "storage_down");
        check_goes_on(&server, &kept, &revoked).await;
        wire.mend();
        testkit::eventually("a write to be possible again", || async {
            (make_key(&server).await.status == 201).then_some(())
        })
        .await;
        server.home().job(&kept).await;
        check_goes_on(&server, &kept, &revoked).await;
    }
    assert!(server.terminate().await.0);
}
