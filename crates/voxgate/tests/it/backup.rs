//! Backup and restore, from each database into each.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use testkit::{Caller, Mint, Process, TestDatabase};

use crate::common::{MadeKey, make_key_in, revoke_key};

const BINARY: &str = env!("CARGO_BIN_EXE_voxgate");

/// An instance's place: a data folder, and a database if its own isn't in there.
struct Home {
    folder: tempfile::TempDir,
    database: Option<TestDatabase>,
}

impl Home {
    fn on_sqlite() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), database: None }
    }

    fn on_postgres() -> Self {
        Self { database: Some(testkit::instance_database()), ..Self::on_sqlite() }
    }

    fn data_dir(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    async fn start(&self) -> Process {
        let url = self.database.as_ref().map(TestDatabase::url);
        Process::start_on(Path::new(BINARY), &self.data_dir(), url.as_deref(), &[]).await
    }

    /// A configuration file that names the same databases as the dev instance uses.
    fn config(&self) -> PathBuf {
        let mut text = format!("data_dir = \"{}\"\n", self.data_dir().display());
        if let Some(database) = &self.database {
            text.push_str(&format!("[database]\nurl = \"{}\"\n", database.url()));
            for region in domain::Region::ALL {
                let url = database.schema_url(&format!("ledger_{region}"));
                text.push_str(&format!("[regions.{region}]\nledger_url = \"{url}\"\n"));
            }
        }
        let path = self.folder.path().join("voxgate.toml");
        std::fs::write(&path, text).unwrap();
        path
    }

    async fn backup(&self, file: &Path) -> Value {
        let config = self.config();
        let arguments = ["backup", text(file), "--json", "--config", text(&config)];
        serde_json::from_str(&expect(0, run(&arguments).await).0).unwrap()
    }

    /// A restore here, with more arguments.
    async fn restore(&self, file: &Path, master_key: &Path, more: &[&str]) -> (i32, String, String) {
        let config = self.config();
        let mut arguments = vec!["restore", text(file), "--json", "--yes", "--config", text(&config)];
        arguments.extend(["--master-key-file", text(master_key)]);
        arguments.extend(more);
        run(&arguments).await
    }
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

async fn run(arguments: &[&str]) -> (i32, String, String) {
    let output = tokio::process::Command::new(BINARY)
        .args(arguments)
        .stdin(std::process::Stdio::null())
        .output()
        .await
        .unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code().unwrap(), text(&output.stdout), text(&output.stderr))
}

fn expect(code: i32, said: (i32, String, String)) -> (String, String) {
    assert_eq!(said.0, code, "{}{}", said.1, said.2);
    (said.1, said.2)
}

async fn status(server: &Process, secret: &str) -> u16 {
    server.home().get("/v2/jobs?limit=1", &Caller::api_key(secret)).await.status
}

/// What an instance held when its backup was made, and what was done to it afterwards.
struct Story {
    kept: MadeKey,
    revoked_before: MadeKey,
    revoked_after: MadeKey,
    rotated_after: MadeKey,
    made_after: MadeKey,
    in_deleted_project: MadeKey,
    token: String,
    old_temporary_key: String,
    job: String,
}

/// Lives through a day, with the backup in the middle of it, while the server runs.
async fn live(home: &Home, file: &Path) -> Story {
    let server = home.start().await;
    let api = server.home();
    let manager = server.manager();
    let project = server.report().project_id;
    let make = async |project| make_key_in(&api, &manager, project, json!({})).await;
    let other = api.post("/v1/projects", &manager, &json!({"name": "other"})).await.expect(201).json();
    let other = other["project_id"].as_i64().unwrap();
    let (kept, revoked_before, revoked_after, rotated_after) =
        (make(project).await, make(project).await, make(project).await, make(project).await);
    let in_deleted_project = make(other).await;
    revoke_key(&api, &manager, &revoked_before.id).await;
    let old_temporary_key = Mint::of("batch").key(&api, &kept.caller()).await;
    let job = api.job(&kept.caller()).await;
    let made = home.backup(file).await;
    assert!(made["rows"].as_u64().unwrap() > 10, "{made}");

    revoke_key(&api, &manager, &revoked_after.id).await;
    let rotate = format!("/v1/api-keys/{}/rotate", rotated_after.id);
    api.post(&rotate, &manager, &json!({"overlap_seconds": 0})).await.expect(201);
    api.delete(&format!("/v1/projects/{other}"), &manager).await.expect(204);
    let made_after = make(project).await;
    let token = server.report().management_token.clone();
    assert!(server.terminate().await.0);
    Story {
        kept,
        revoked_before,
        revoked_after,
        rotated_after,
        made_after,
        in_deleted_project,
        token,
        old_temporary_key,
        job,
    }
}

/// What must be true of a restored instance, whatever is known of the time since.
async fn check(home: &Home, story: &Story, keys_live: bool) {
    let server = home.start().await;
    let api = server.home();
    assert_eq!(status(&server, &story.kept.secret).await, if keys_live { 200 } else { 401 });
    for (what, key) in [
        ("revoked before", &story.revoked_before),
        ("revoked after", &story.revoked_after),
        ("rotated after", &story.rotated_after),
        ("made after", &story.made_after),
        ("in a project that was deleted after", &story.in_deleted_project),
    ] {
        assert_eq!(status(&server, &key.secret).await, 401, "{what}");
    }
    let temporary = Caller::temporary_key(&story.old_temporary_key);
    api.get("/v2/jobs", &temporary).await.expect(401);
    let token = Caller::management_token(&story.token);
    api.get("/v1/projects", &token).await.expect(if keys_live { 200 } else { 401 });
    if keys_live {
        let kept = story.kept.caller();
        api.get(&format!("/v2/jobs/{}", story.job), &kept).await.expect(200);
        let fresh = Caller::temporary_key(&Mint::of("batch").key(&api, &kept).await);
        api.get("/v2/jobs", &fresh).await.expect(200);
        // No number of a project is given twice, so nobody comes to own what was somebody else's.
        let made = api.post("/v1/projects", &token, &json!({"name": "new"})).await.expect(201).json();
        assert!(made["project_id"].as_i64().unwrap() > 1000, "{made}");
    }
    assert!(server.terminate().await.0);
}

/// The instance as it was goes, all but what `keep` says; its data folder is left aside.
fn move_aside(home: &Home) -> PathBuf {
    let aside = home.folder.path().join("former");
    std::fs::rename(home.data_dir(), &aside).unwrap();
    aside
}

/// A backup that was made while the server ran is restored, into any database: what was there is there, what was revoked or
/// deleted since stays so, and temporary keys from before are dead.
async fn restores_and_revives_nothing(from: Home, to: Home) {
    let file = from.folder.path().join("day.backup");
    let story = live(&from, &file).await;
    let aside = move_aside(&from);
    let key = aside.join("master.key");
    let former_config = from.config();
    let mut more = vec!["--former", text(&aside)];
    if from.database.is_some() {
        more.extend(["--former-config", text(&former_config)]);
    }
    let (said, _) = expect(0, to.restore(&file, &key, &more).await);
    let said: Value = serde_json::from_str(&said).unwrap();
    assert_eq!(said["carried_over"]["api_keys"], 2, "{said}");
    check(&to, &story, true).await;
}

/// Where the database is lost, the record in the data folder tells what was revoked since.
async fn the_record_is_enough(home: Home, to: Home) {
    let file = home.folder.path().join("day.backup");
    let story = live(&home, &file).await;
    let aside = move_aside(&home);
    for name in ["voxgate.db", "voxgate.db-wal", "voxgate.db-shm"] {
        drop(std::fs::remove_file(aside.join(name)));
    }
    let key = aside.join("master.key");
    expect(0, to.restore(&file, &key, &["--former", text(&aside)]).await);
    check(&to, &story, true).await;

    // Without the record, nothing is restored until somebody decides.
    let third = Home::on_sqlite();
    std::fs::remove_file(aside.join("ended.jsonl")).unwrap();
    let (_, said) = expect(1, third.restore(&file, &key, &["--former", text(&aside)]).await);
    assert!(said.contains("--former-lost"), "{said}");
    let (_, said) = expect(1, third.restore(&file, &key, &[]).await);
    assert!(said.contains("--former"), "{said}");
    expect(0, third.restore(&file, &key, &["--former-lost", "revoke-all"]).await);
    check(&third, &story, false).await;
}

/// A restore wants the right master key, an empty place and a whole file; each refusal says so, and none leaves anything.
#[tokio::test]
async fn on_sqlite_restores_are_refused_for_a_reason() {
    let home = Home::on_sqlite();
    let file = home.folder.path().join("day.backup");
    live(&home, &file).await;
    let key = home.data_dir().join("master.key");
    let lost = ["--former-lost", "keep-all"];
    let (_, said) = expect(1, home.restore(&file, &key, &lost).await);
    assert!(said.contains("isn't empty"), "{said}");

    let to = Home::on_sqlite();
    let wrong = to.folder.path().join("wrong.key");
    std::fs::write(&wrong, "a".repeat(64)).unwrap();
    let (_, said) = expect(1, to.restore(&file, &wrong, &lost).await);
    assert!(said.contains("not the master key"), "{said}");

    let whole = std::fs::read(&file).unwrap();
    let spoiled = to.folder.path().join("spoiled.backup");
    let middle = whole.len() / 2;
    let mut changed = whole.clone();
    changed[middle] ^= 1;
    for bytes in [&changed[..], &whole[..middle], &whole[..whole.len() - 1], &[], b"voxgate-backup 1\n"] {
        std::fs::write(&spoiled, bytes).unwrap();
        let (_, said) = expect(1, to.restore(&spoiled, &key, &lost).await);
        assert!(said.contains("damaged") || said.contains("no backup"), "{said}");
    }
    std::fs::write(&spoiled, "voxgate-backup 999\n").unwrap();
    let (_, said) = expect(1, to.restore(&spoiled, &key, &lost).await);
    assert!(said.contains("999"), "{said}");
    assert!(!to.data_dir().exists() || std::fs::read_dir(to.data_dir()).unwrap().next().is_none());

    let config = to.config();
    let unanswered = ["restore", text(&file), "--config", text(&config), "--master-key-file", text(&key)];
    let (_, said) = expect(1, run(&[&unanswered[..], &lost[..]].concat()).await);
    assert!(said.contains("EVERY KEY") && said.contains("--yes"), "{said}");
    expect(0, to.restore(&file, &key, &lost).await);
    let (_, said) = expect(1, run(&["backup", text(&file), "--config", text(&home.config())]).await);
    assert!(said.contains("exists"), "a backup overwrites nothing: {said}");
}

/// A master key that is typed at a terminal is never shown there.
#[tokio::test]
async fn on_sqlite_a_typed_master_key_is_not_shown() {
    use std::process::Stdio;

    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    let (home, to) = (Home::on_sqlite(), Home::on_sqlite());
    let file = home.folder.path().join("day.backup");
    live(&home, &file).await;
    let key = std::fs::read_to_string(home.data_dir().join("master.key")).unwrap();
    let config = to.config();
    let command =
        format!("{BINARY} restore {} --config {} --former-lost keep-all --yes", text(&file), text(&config));
    let mut terminal = tokio::process::Command::new("script")
        .args(["-qec", &command, "/dev/null"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .expect("script(1) of util-linux gives a terminal");
    let (mut keyboard, mut screen) = (terminal.stdin.take().unwrap(), terminal.stdout.take().unwrap());
    let mut shown = String::new();
    while !shown.contains("Master key of the instance: ") {
        let mut bytes = [0; 256];
        let count = testkit::within("the prompt", screen.read(&mut bytes)).await.unwrap();
        assert!(count > 0, "{shown}");
        shown.push_str(&String::from_utf8_lossy(&bytes[..count]));
    }
    keyboard.write_all(format!("{}\n", key.trim()).as_bytes()).await.unwrap();
    testkit::within("the rest", screen.read_to_string(&mut shown)).await.unwrap();
    assert!(testkit::within("the end", terminal.wait()).await.unwrap().success(), "{shown}");
    assert!(!shown.contains(key.trim()), "{shown}");
}

/// A master key never is in a backup, and a backup is readable by its owner alone.
#[tokio::test]
async fn on_sqlite_backups_hold_no_master_key() {
    use std::os::unix::fs::PermissionsExt as _;

    let home = Home::on_sqlite();
    let file = home.folder.path().join("day.backup");
    live(&home, &file).await;
    let key = std::fs::read_to_string(home.data_dir().join("master.key")).unwrap();
    let written = std::fs::read_to_string(&file).unwrap();
    assert!(!written.contains(key.trim()));
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
}

#[tokio::test]
async fn on_sqlite_restores_and_revives_nothing() {
    restores_and_revives_nothing(Home::on_sqlite(), Home::on_sqlite()).await;
}

#[tokio::test]
async fn on_postgres_restores_and_revives_nothing() {
    restores_and_revives_nothing(Home::on_postgres(), Home::on_postgres()).await;
}

#[tokio::test]
async fn on_postgres_from_sqlite_restores_and_revives_nothing() {
    restores_and_revives_nothing(Home::on_sqlite(), Home::on_postgres()).await;
}

#[tokio::test]
async fn on_sqlite_from_postgres_restores_and_revives_nothing() {
    restores_and_revives_nothing(Home::on_postgres(), Home::on_sqlite()).await;
}

#[tokio::test]
async fn on_sqlite_the_record_is_enough() {
    the_record_is_enough(Home::on_sqlite(), Home::on_sqlite()).await;
}

#[tokio::test]
async fn on_postgres_the_record_is_enough() {
    the_record_is_enough(Home::on_postgres(), Home::on_postgres()).await;
}
