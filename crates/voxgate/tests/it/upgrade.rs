//! The data folder of the release before: this one takes it over.

use std::path::Path;

use serde_json::Value;
use testkit::{Caller, Process};

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
