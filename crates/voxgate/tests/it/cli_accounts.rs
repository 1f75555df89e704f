//! Accounts, workspaces, members, projects and the audit log by command: an instance without a portal is managed whole.

use std::process::Stdio;

use serde_json::json;
use testkit::{Process, within};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::Command;

use crate::command::{BINARY, binary, err, failed, json, ok, out, run};

/// Everything that an instance without a portal needs, on a folder that rests.
#[tokio::test]
async fn an_instance_is_managed_without_a_portal() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().to_str().unwrap();
    std::fs::set_permissions(folder.path(), std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
    let workspace = json(&run(&["workspaces", "create", "--name", "W", "--json", "--data-dir", dir]).await);
    let ws = workspace["workspace_id"].as_str().unwrap();

    // The link by which its owner chooses a password stands alone on standard output.
    let made = run(&[
        "users",
        "create",
        "--email",
        "ann@example.org",
        "--workspace",
        ws,
        "--role",
        "admin",
        "--data-dir",
        dir,
    ])
    .await;
    let link = ok(&made);
    let secret = link.strip_prefix("/reset-password?token=").unwrap_or_else(|| panic!("{link}"));
    assert!(secret.len() >= 43 && !secret.contains(char::is_whitespace), "{link}");
    assert!(err(&made).contains("works once, for a day"));
    let again = run(&["users", "create", "--email", "ann@example.org", "--data-dir", dir]).await;
    assert!(failed(&again).contains("already"), "{}", err(&again));
    let bob =
        json(&run(&["users", "create", "--email", "bob@example.org", "--json", "--data-dir", dir]).await);
    assert!(bob["password_link"]["path"].as_str().unwrap().starts_with("/reset-password?token="), "{bob}");
    let chosen = ["users", "create", "--email", "e@x.org", "--password", "hunter22", "--data-dir", dir];
    assert_eq!(run(&chosen).await.status.code(), Some(2), "nobody chooses for somebody else");

    let users = json(&run(&["users", "list", "--json", "--data-dir", dir]).await);
    assert_eq!(users.as_array().unwrap().len(), 2);
    assert!(!users.to_string().contains("argon2"));
    ok(&run(&["users", "disable", "bob@example.org", "--data-dir", dir]).await);
    let table = ok(&run(&["users", "list", "--data-dir", dir]).await);
    assert!(table.contains("disabled") && table.lines().all(|line| line.chars().count() <= 80), "{table}");
    ok(&run(&["users", "enable", bob["account_id"].as_str().unwrap(), "--data-dir", dir]).await);
    assert!(!ok(&run(&["users", "list", "--data-dir", dir]).await).contains("disabled"));
    for (flag, is_operator) in [(None, true), (None, true), (Some("--remove"), false)] {
        let mut command = vec!["users", "operator", "bob@example.org", "--json", "--data-dir", dir];
        command.extend(flag);
        assert_eq!(json(&run(&command).await)["is_operator"], is_operator);
    }
    let nobody = run(&["users", "operator", "nobody@example.org", "--data-dir", dir]).await;
    assert!(failed(&nobody).contains("voxgate users list"), "{}", err(&nobody));
    let link = run(&["users", "password-link", "bob@example.org", "--json", "--data-dir", dir]).await;
    assert_ne!(json(&link)["path"], bob["password_link"]["path"]);

    // Members: the last admin stays.
    ok(&run(&["workspaces", "members", "set", "bob@example.org", "--role", "member", "--data-dir", dir])
        .await);
    let members = json(&run(&["workspaces", "members", "list", "--json", "--data-dir", dir]).await);
    assert_eq!(members.as_array().unwrap().len(), 2);
    let last = run(&["workspaces", "members", "remove", "ann@example.org", "--data-dir", dir]).await;
    assert!(failed(&last).contains("only admin"), "{}", err(&last));
    ok(&run(&["workspaces", "members", "remove", "bob@example.org", "--data-dir", dir]).await);
    failed(&run(&["users", "delete", "bob@example.org", "--data-dir", dir]).await);
    ok(&run(&["users", "delete", "bob@example.org", "--yes", "--data-dir", dir]).await);
    assert!(
        failed(&run(&["users", "enable", "bob@example.org", "--data-dir", dir]).await)
            .contains("voxgate users list")
    );

    // Limits: one is set, the others stay the plan's, and all go back.
    let change = [
        "workspaces",
        "change",
        "--concurrent-sessions-max",
        "7",
        "--plan",
        "free",
        "--json",
        "--data-dir",
        dir,
    ];
    let changed = json(&run(&change).await);
    assert_eq!(
        (&changed["plan"], &changed["limits"]["concurrent_sessions_max"]),
        (&json!("free"), &json!(7))
    );
    assert_eq!(changed["own_limits"], json!({"concurrent_sessions_max": 7}));
    let shown = ok(&run(&["workspaces", "show", "--data-dir", dir]).await);
    assert!(shown.contains("its own, not the plan's: concurrent_sessions_max"), "{shown}");
    let back = json(&run(&["workspaces", "change", "--plan-limits", "--json", "--data-dir", dir]).await);
    assert_eq!((&back["own_limits"], &back["limits"]["concurrent_sessions_max"]), (&json!({}), &json!(2)));

    // Projects.
    let project = json(&run(&["projects", "create", "--name", "P", "--json", "--data-dir", dir]).await);
    let number = project["project_id"].to_string();
    let renamed =
        json(&run(&["projects", "change", &number, "--name", "Q", "--json", "--data-dir", dir]).await);
    assert_eq!(renamed["name"], "Q");
    failed(&run(&["projects", "delete", &number, "--data-dir", dir]).await);
    ok(&run(&["projects", "delete", &number, "--yes", "--data-dir", dir]).await);
    assert!(!ok(&run(&["projects", "list", "--data-dir", dir]).await).contains('Q'));

    // All of it stands in the audit log; the one who was deleted has no name there any more.
    let log = json(&run(&["audit", "list", "--json", "--data-dir", dir]).await);
    let actions: Vec<&str> =
        log.as_array().unwrap().iter().map(|event| event["action"].as_str().unwrap()).collect();
    for action in [
        "account_created",
        "account_disabled",
        "operator_added",
        "operator_removed",
        "password_reset_asked",
        "member_removed",
        "workspace_changed",
        "project_deleted",
    ] {
        assert!(actions.contains(&action), "{action} is missing in {actions:?}");
    }
    assert!(log.to_string().contains("ann@example.org") && !log.to_string().contains("bob@example.org"));
    let deleted =
        json(&run(&["audit", "list", "--action", "account_deleted", "--json", "--data-dir", dir]).await);
    assert_eq!(deleted.as_array().unwrap().len(), 1);
    let page = run(&["audit", "list", "--limit", "2", "--data-dir", dir]).await;
    assert!(
        ok(&page).lines().count() == 3 && err(&page).contains("--after 2"),
        "{}{}",
        out(&page),
        err(&page)
    );

    failed(&run(&["workspaces", "close", ws, "--data-dir", dir]).await);
    ok(&run(&["workspaces", "close", ws, "--yes", "--data-dir", dir]).await);
    assert!(failed(&run(&["keys", "list", "--data-dir", dir]).await).contains("no workspace yet"));
}

/// Whoever follows the audit log sees a change as it is made.
#[tokio::test]
async fn the_audit_log_is_followed() {
    let folder = tempfile::tempdir().unwrap();
    let server = Process::start(binary(), folder.path(), &[]).await;
    let dir = folder.path().to_str().unwrap();
    let mut following = Command::new(BINARY)
        .args(["audit", "follow", "--json", "--action", "api_key_created", "--data-dir", dir])
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(following.stdout.take().unwrap()).lines();
    // It tells what comes after it began, which it doesn't say: so keys are made until it tells of one.
    let told = async {
        loop {
            ok(&run(&["keys", "create", "--name", "seen", "--data-dir", dir]).await);
            let line = tokio::time::timeout(std::time::Duration::from_secs(2), lines.next_line()).await;
            if let Ok(line) = line {
                return line.unwrap().unwrap();
            }
        }
    };
    let event: serde_json::Value = serde_json::from_str(&within("an event", told).await).unwrap();
    assert_eq!((&event["action"], &event["actor"]), (&json!("api_key_created"), &json!("operator")));
    following.kill().await.unwrap();
    assert!(server.terminate().await.0);
}

/// Gateways are told by a server that runs, and by no other.
#[tokio::test]
async fn gateways_are_told_by_a_running_server() {
    let folder = tempfile::tempdir().unwrap();
    let server = Process::start(binary(), folder.path(), &[]).await;
    let dir = folder.path().to_str().unwrap();
    let gateways = json(&run(&["gateways", "--json", "--data-dir", dir]).await);
    assert_eq!(gateways[0]["lag"], 0);
    assert_eq!(gateways[0]["enforced_revision"], gateways[0]["newest_revision"]);
    assert!(ok(&run(&["gateways", "--data-dir", dir]).await).contains("local/a"));
    assert!(server.terminate().await.0);
    assert!(failed(&run(&["gateways", "--data-dir", dir]).await).contains("no server runs"));
}

/// Jobs that an engine held before Voxgate are readable by the project that they were given to, and only by it.
#[tokio::test]
async fn jobs_are_adopted_by_command() {
    let folder = tempfile::tempdir().unwrap();
    let server = Process::start(binary(), folder.path(), &[]).await;
    let dir = folder.path().to_str().unwrap();
    let home = server.home();
    let job = home.job(&server.key()).await;
    assert!(server.terminate().await.0);
    // The region's ledger is lost, the engine still has the job: to Voxgate it is a job from before.
    for entry in std::fs::read_dir(folder.path().join("ledger")).unwrap() {
        let path = entry.unwrap().path();
        if path.file_name().unwrap().to_str().unwrap().starts_with("eu1.") {
            std::fs::remove_file(path).unwrap();
        }
    }
    let project = server_project(dir).await;
    let without = run(&["jobs", "adopt", "--region", "eu1", "--project", &project, "--data-dir", dir]).await;
    assert!(failed(&without).contains("start it"), "{}", err(&without));
    let server = Process::start(binary(), folder.path(), &[]).await;
    let (home, key) = (server.home(), server.key());
    home.get(&format!("/v2/jobs/{job}"), &key).await.expect_refusal(404, "job_not_found");
    let adopt = ["jobs", "adopt", "--region", "eu1", "--project", &project, "--data-dir", dir];
    let adopted = json(&run(&[&adopt[..], &["--json"]].concat()).await);
    assert_eq!((&adopted["adopted"], &adopted["owned_before"]), (&json!(1), &json!(0)));
    let read = home.get(&format!("/v2/jobs/{job}"), &key).await.expect(200).json();
    assert_eq!(read["job"]["id"], job);
    assert_eq!(home.job_ids(&key).await, std::slice::from_ref(&job));
    let stranger =
        crate::common::make_key_in(
            &home,
            &server.manager(),
            home.post("/v1/projects", &server.manager(), &json!({"name": "other"})).await.expect(201).json()
                ["project_id"]
                .as_i64()
                .unwrap(),
            json!({}),
        )
        .await;
    home.get(&format!("/v2/jobs/{job}"), &stranger.caller()).await.expect_refusal(404, "job_not_found");
    assert!(ok(&run(&adopt).await).contains("owns 0 jobs more"));
    let elsewhere = run(&["jobs", "adopt", "--region", "eu1", "--project", "999", "--data-dir", dir]).await;
    assert!(failed(&elsewhere).contains("no such project"), "{}", err(&elsewhere));
    assert!(server.terminate().await.0);
}

/// The ready project of a dev instance that rests.
async fn server_project(dir: &str) -> String {
    let projects = json(&run(&["projects", "list", "--json", "--data-dir", dir]).await);
    projects[0]["project_id"].to_string()
}
