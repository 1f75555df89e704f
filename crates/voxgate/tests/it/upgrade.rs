//! The data folder of the release before: this one takes it over.

use std::path::Path;

use serde_json::Value;
use testkit::{Caller, Process};

use crate::command::{ok, run};

const BINARY: &str = env!("CARGO_BIN_EXE_voxgate");
const FIXTURE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../storage/tests/fixtures/release-0.1.0");

async fn write(path: &Path, name: &str) {
    use sea_orm::ConnectionTrait as _;

    let text = std::fs::read_to_string(format!("{FIXTURE}/{name}.sql")).unwrap();
    let sql = text.trim().trim_start_matches("BEGIN TRANSACTION;").trim_end_matches("COMMIT;");
    let db = sql::Db::open_file(path).await.unwrap();
    let tx = db.write().await.unwrap();
    tx.execute_unprepared(sql).await.unwrap();
    tx.commit().await.unwrap();
    db.close().await.unwrap();
}

/// Keys that worked work, what was revoked stays revoked, jobs belong to whom they belonged, and a second start is an ordinary
/// one.
#[tokio::test]
async fn on_sqlite_a_data_folder_of_the_release_before_is_taken_over() {
    let folder = tempfile::tempdir().unwrap();
    let facts: Value =
        serde_json::from_str(&std::fs::read_to_string(format!("{FIXTURE}/facts.json")).unwrap()).unwrap();
    let fact = |name: &str| facts[name].as_str().unwrap().to_owned();
    std::fs::create_dir(folder.path().join("ledger")).unwrap();
    write(&folder.path().join("voxgate.db"), "control").await;
    write(&folder.path().join("ledger/eu1.db"), "ledger").await;
    std::fs::write(folder.path().join("master.key"), fact("master_key")).unwrap();
    for _ in 0..2 {
        let server = Process::start_on(Path::new(BINARY), folder.path(), None, &[]).await;
        let home = server.home();
        let kept = Caller::api_key(&fact("kept_key"));
        let revoked = Caller::api_key(&fact("revoked_key"));
        assert_eq!(home.job_ids(&kept).await, [fact("job")]);
        home.get("/v2/jobs", &revoked).await.expect_refusal(401, "credential_revoked");
        let projects =
            home.get("/v1/projects", &Caller::management_token(&fact("management_token"))).await.expect(200);
        let projects = projects.json();
        assert!(
            projects.as_array().unwrap().iter().any(|project| project["project_id"] == facts["project_id"]),
            "{projects}"
        );
        assert!(server.terminate().await.0);
    }
}

/// A restore takes what ended since the backup from a former database that an older release wrote and this one never brought up to
/// date: what was revoked or narrowed there stays so, and everything else works.
#[tokio::test]
async fn on_sqlite_the_database_of_the_release_before_is_a_former_one() {
    use sea_orm::ConnectionTrait as _;

    let facts: Value =
        serde_json::from_str(&std::fs::read_to_string(format!("{FIXTURE}/facts.json")).unwrap()).unwrap();
    let fact = |name: &str| facts[name].as_str().unwrap().to_owned();
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).display().to_string();
    let master_key = at("master.key");
    std::fs::write(&master_key, fact("master_key")).unwrap();
    // The one that is backed up, brought up to date by that.
    std::fs::create_dir_all(folder.path().join("backed-up/ledger")).unwrap();
    write(&folder.path().join("backed-up/voxgate.db"), "control").await;
    write(&folder.path().join("backed-up/ledger/eu1.db"), "ledger").await;
    std::fs::copy(&master_key, folder.path().join("backed-up/master.key")).unwrap();
    let server = Process::start_on(Path::new(BINARY), &folder.path().join("backed-up"), None, &[]).await;
    assert!(server.terminate().await.0);
    ok(&run(&["backup", &at("backup"), "--data-dir", &at("backed-up")]).await);

    // The one that went on under the older release.
    for narrowed in [false, true] {
        let former = at(&format!("former-{narrowed}"));
        std::fs::create_dir_all(&former).unwrap();
        let former_db = Path::new(&former).join("voxgate.db");
        write(&former_db, "control").await;
        if narrowed {
            let db = sql::Db::open_file(&former_db).await.unwrap();
            let tx = db.write().await.unwrap();
            tx.execute_unprepared(
                "UPDATE api_keys SET revoked_at = 1800000000000000 WHERE revoked_at IS NULL",
            )
            .await
            .unwrap();
            tx.commit().await.unwrap();
            db.close().await.unwrap();
        }
        let restored = at(&format!("restored-{narrowed}"));
        let restore =
            ["restore", &at("backup"), "--yes", "--data-dir", &restored, "--master-key-file", &master_key];
        ok(&run(&[&restore[..], &["--former", &former]].concat()).await);
        let server = Process::start_on(Path::new(BINARY), Path::new(&restored), None, &[]).await;
        let home = server.home();
        let kept = Caller::api_key(&fact("kept_key"));
        if narrowed {
            home.get("/v2/jobs", &kept).await.expect_refusal(401, "credential_revoked");
        } else {
            assert_eq!(home.job_ids(&kept).await, [fact("job")]);
        }
        let revoked = Caller::api_key(&fact("revoked_key"));
        home.get("/v2/jobs", &revoked).await.expect_refusal(401, "credential_revoked");
        assert!(server.terminate().await.0);
        // It was read, and not changed.
        let db = sql::Db::open_file(&former_db).await.unwrap();
        assert_eq!(db.migrations().await.unwrap(), ["m0001_first"]);
    }
}
