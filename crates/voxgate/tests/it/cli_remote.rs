//! `--server`: the same commands over the network, with a management token.

use serde_json::{Value, json};
use testkit::Process;

use crate::command::{binary, err, failed, json, ok, out, run, run_with, run_with_input};

/// A dev instance, and an operator's token for it.
struct Site {
    _folder: tempfile::TempDir,
    dir: String,
    server: Process,
    url: String,
    token: String,
}

impl Site {
    async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let server = Process::start(binary(), folder.path(), &[]).await;
        let dir = folder.path().to_str().unwrap().to_owned();
        let create = ["tokens", "create", "--permissions", "all,operate_instance", "--data-dir", &dir];
        let token = ok(&run(&create).await);
        let url = server.report().management_url.clone();
        Self { _folder: folder, dir, server, url, token }
    }

    /// A command over the network.
    async fn remotely(&self, arguments: &[&str]) -> std::process::Output {
        let all = [arguments, &["--server", &self.url]].concat();
        run_with(&all, &[("VOXGATE_MANAGEMENT_TOKEN", &self.token)], "").await
    }

    /// The same command over the socket.
    async fn locally(&self, arguments: &[&str]) -> std::process::Output {
        run(&[arguments, &["--data-dir", &self.dir]].concat()).await
    }

    /// Both ways tell the same; but that the token was used may be written between the two.
    async fn both(&self, arguments: &[&str]) -> Value {
        let (mut far, mut near) =
            (json(&self.remotely(arguments).await), json(&self.locally(arguments).await));
        let used = [&mut far, &mut near].map(|told| when_used(told, "made by the operator"));
        assert_eq!(far, near, "{arguments:?}");
        assert!(used[0].is_null() || used[0].is_string() && used[1].is_string(), "{arguments:?}: {used:?}");
        far
    }
}

/// Takes out of a list when the one of this name was last used.
fn when_used(list: &mut Value, name: &str) -> Value {
    let named = list.as_array_mut().into_iter().flatten().find(|told| told["name"] == name);
    named.and_then(|told| told.as_object_mut()?.remove("last_used_at")).unwrap_or_default()
}

/// What lists show is the same whichever way the instance was reached.
#[tokio::test]
async fn both_ways_tell_the_same() {
    let site = Site::start().await;
    let project = json(&site.remotely(&["projects", "create", "--name", "far", "--json"]).await);
    assert_eq!(project["is_default"], false);
    assert!(site.both(&["projects", "list", "--json"]).await.to_string().contains("far"));
    site.both(&["keys", "list", "--json"]).await;
    site.both(&["tokens", "list", "--json"]).await;
    site.both(&["workspaces", "list", "--json"]).await;
    site.both(&["workspaces", "show", "--json"]).await;
    site.both(&["users", "list", "--json"]).await;
    site.both(&["audit", "list", "--json", "--limit", "1000"]).await;
    let number = project["project_id"].to_string();
    assert_eq!(
        json(&site.remotely(&["projects", "change", &number, "--name", "away", "--json"]).await)["name"],
        "away"
    );
    ok(&site.remotely(&["projects", "delete", &number, "--yes"]).await);
    assert!(!site.both(&["projects", "list", "--json"]).await.to_string().contains("away"));
    assert!(site.server.terminate().await.0);
}

/// A key that is made from afar works, and is refused after it was revoked from afar.
#[tokio::test]
async fn keys_from_afar() {
    let site = Site::start().await;
    let home = site.server.home();
    let key = json(&site.remotely(&["keys", "create", "--name", "far", "--areas", "eu,usa", "--json"]).await);
    assert_eq!((&key["name"], &key["areas"]), (&json!("far"), &json!(["eu", "usa"])));
    let secret = key["key_value"].as_str().unwrap();
    home.get("/v2/jobs", &testkit::Caller::api_key(secret)).await.expect(200);
    let mint = ["mint", "--type", "batch", "--ttl", "60", "--json", "--server", &site.url];
    let minted = json(&run_with(&mint, &[("VOXGATE_API_KEY", secret)], "").await);
    let temporary = testkit::Caller::temporary_key(minted["key_value"].as_str().unwrap());
    home.get("/v2/jobs", &temporary).await.expect(200);
    assert!(minted["temporary_key_id"].is_string() && minted["expires_at"].is_string(), "{minted}");
    let revoked =
        json(&site.remotely(&["keys", "revoke", key["apikey_id"].as_str().unwrap(), "--json"]).await);
    assert!(revoked["revision"].is_u64(), "{revoked}");
    assert_eq!((&revoked["enforced"], &revoked["pending"]), (&json!(["local/a"]), &json!([])));
    home.get("/v2/jobs", &temporary).await.expect_refusal(401, "credential_revoked");
    assert!(site.server.terminate().await.0);
}

/// Keys are changed, rotated and signed anew from afar.
#[tokio::test]
async fn key_life_from_afar() {
    let site = Site::start().await;
    let home = site.server.home();
    let made = json(&site.remotely(&["keys", "create", "--name", "old", "--json"]).await);
    let id = made["apikey_id"].as_str().unwrap();
    let changed =
        json(&site.remotely(&["keys", "change", id, "--name", "new", "--products", "batch", "--json"]).await);
    assert_eq!((&changed["name"], &changed["products"]), (&json!("new"), &json!(["batch"])));
    let rotated = json(&site.remotely(&["keys", "rotate", id, "--overlap", "1h", "--json"]).await);
    assert!(rotated["old_expires_at"].is_string() && rotated["apikey_id"] != made["apikey_id"], "{rotated}");
    for key in [&made, &rotated] {
        let key = testkit::Caller::api_key(key["key_value"].as_str().unwrap());
        home.get("/v2/jobs", &key).await.expect(200);
    }
    let before = site.both(&["signing-keys", "list", "--json"]).await;
    let new = json(&site.remotely(&["signing-keys", "rotate", "--now", "--json"]).await);
    assert_ne!(before[0]["kid"], new["kid"]);
    assert_eq!(site.both(&["signing-keys", "list", "--json"]).await.as_array().unwrap().len(), 2);
    let import = failed(&site.remotely(&["master-key", "rewrap"]).await);
    assert!(import.contains("can't be done with --server"), "{import}");
    assert!(site.server.terminate().await.0);
}

/// Workspaces, accounts and members from afar.
#[tokio::test]
async fn operators_from_afar() {
    let site = Site::start().await;
    let workspace =
        json(&site.remotely(&["workspaces", "create", "--name", "far", "--plan", "free", "--json"]).await);
    let ws = workspace["workspace_id"].as_str().unwrap();
    let user =
        ["users", "create", "--email", "ann@example.org", "--workspace", ws, "--role", "admin", "--json"];
    let user = json(&site.remotely(&user).await);
    let path = user["password_link"]["path"].as_str().unwrap();
    assert_eq!(user["password_link"]["url"], format!("{}{path}", site.server.report().portal_url));
    let link = json(&site.remotely(&["users", "password-link", "ann@example.org", "--json"]).await);
    assert_ne!(link["path"], path);
    let members = site.both(&["workspaces", "members", "list", "--workspace", ws, "--json"]).await;
    assert_eq!((&members[0]["email"], &members[0]["role"]), (&json!("ann@example.org"), &json!("admin")));
    ok(&site.remotely(&["users", "disable", "ann@example.org"]).await);
    let users = site.both(&["users", "list", "--json"]).await;
    assert!(users.as_array().unwrap().iter().any(|user| user["state"] == "disabled"), "{users}");
    let change = ["workspaces", "change", "--workspace", ws, "--reads-per-second-max", "9", "--json"];
    let changed = json(&site.remotely(&change).await);
    assert_eq!(changed["limits"]["reads_per_second_max"], 9);
    assert_eq!(site.both(&["workspaces", "show", "--workspace", ws, "--json"]).await, changed);
    let key = ok(&site.remotely(&["keys", "create", "--workspace", ws]).await);
    let key = testkit::Caller::api_key(&key);
    site.server.home().get("/v2/jobs", &key).await.expect(200);
    ok(&site.remotely(&["workspaces", "close", ws, "--yes"]).await);
    site.server.home().get("/v2/jobs", &key).await.expect_refusal(401, "credential_revoked");
    let gateways = json(&site.remotely(&["gateways", "--json"]).await);
    assert_eq!(gateways[0]["lag"], 0);
    assert!(site.server.terminate().await.0);
}

/// A token comes from the environment or from standard input, never from the command line, and never goes out in the clear.
#[tokio::test]
async fn tokens_stay_secret() {
    let site = Site::start().await;
    let list = ["projects", "list", "--json", "--server", &site.url];
    let without = failed(&run(&list).await);
    assert!(without.contains("VOXGATE_MANAGEMENT_TOKEN"), "{without}");
    json(&run_with_input(&[&list[..], &["--token", "-"]].concat(), &site.token).await);
    assert_eq!(run(&[&list[..], &["--token", &site.token]].concat()).await.status.code(), Some(2));
    let clear = run(&["projects", "list", "--server", "http://voxgate.example.org"]).await;
    assert_eq!(clear.status.code(), Some(2));
    assert!(err(&clear).contains("in the clear"), "{}", err(&clear));
    let wrong = run_with(&list, &[("VOXGATE_MANAGEMENT_TOKEN", "vgm_wrong")], "").await;
    let said = failed(&wrong);
    assert!(said.contains("refuses the management token") && !said.contains("vgm_wrong"), "{said}");
    assert_eq!(out(&wrong), "");
    assert!(site.server.terminate().await.0);
}

/// What the network can't do says why, and a server that isn't there is told as that.
#[tokio::test]
async fn what_is_not_remote_says_so() {
    let site = Site::start().await;
    let adopt = failed(&site.remotely(&["jobs", "adopt", "--region", "eu1", "--project", "1"]).await);
    assert!(adopt.contains("can't be done with --server") && adopt.contains("--data-dir"), "{adopt}");
    let refused = failed(&site.remotely(&["projects", "delete", "999999", "--yes"]).await);
    assert!(refused.contains("not_found"), "{refused}");
    assert!(site.server.terminate().await.0);
    let gone = ["projects", "list", "--server", &site.url];
    let gone = failed(&run_with(&gone, &[("VOXGATE_MANAGEMENT_TOKEN", &site.token)], "").await);
    assert!(gone.contains("can't be reached"), "{gone}");
}

/// Over TLS, the server's certificate must be signed by an authority that is trusted: the machine's, or the file's.
#[tokio::test]
async fn tls_is_verified() {
    let folder = tempfile::tempdir().unwrap();
    let authority = testkit::Authority::new();
    authority.write(folder.path(), "localhost", &["localhost"]);
    let ca_file = folder.path().join("ca.pem");
    std::fs::write(&ca_file, authority.pem()).unwrap();
    let address = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let config = folder.path().join("voxgate.toml");
    let text = format!(
        "data_dir = \"{0}/data\"\n[admin]\naddress = \"\"\n[[listener]]\naddress = \"{address}\"\nserves = \"home:eu1\"\n\
         tls_certificate_file = \"{0}/localhost.pem\"\ntls_key_file = \"{0}/localhost.key\"\n",
        folder.path().display()
    );
    std::fs::write(&config, text).unwrap();
    std::fs::create_dir(folder.path().join("data")).unwrap();
    let config = config.to_str().unwrap();
    ok(&run(&["workspaces", "create", "--name", "W", "--config", config]).await);
    let token = ok(&run(&["tokens", "create", "--permissions", "all", "--config", config]).await);
    let mut server = tokio::process::Command::new(binary())
        .args(["serve", "--config", config])
        .stderr(std::process::Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let socket = folder.path().join("data/operator.sock");
    testkit::eventually("the server's socket", async || socket.exists().then_some(())).await;
    let url = format!("https://localhost:{}", address.port());
    let list = ["projects", "list", "--json", "--server", &url];
    let trusted = [&list[..], &["--ca-file", ca_file.to_str().unwrap()]].concat();
    let token = [("VOXGATE_MANAGEMENT_TOKEN", token.as_str())];
    assert_eq!(json(&run_with(&trusted, &token, "").await)[0]["is_default"], true);
    let stranger = failed(&run_with(&list, &token, "").await);
    assert!(stranger.contains("can't be reached") && stranger.contains("certificate"), "{stranger}");
    let other_name = format!("https://127.0.0.1:{}", address.port());
    let other = ["projects", "list", "--server", &other_name, "--ca-file", ca_file.to_str().unwrap()];
    assert!(failed(&run_with(&other, &token, "").await).contains("can't be reached"));
    server.kill().await.unwrap();
}

/// A leash on the command line is signed into the key, whichever way it is minted; one that nothing would count is refused.
#[tokio::test]
async fn a_leash_from_the_command_line() {
    let site = Site::start().await;
    let lock = r#"{"transcription_config":{"language":"en"}}"#;
    let mint = ["mint", "--type", "rt", "--ttl", "60", "--uses", "2", "--max-audio-seconds", "5", "--json"];
    let more = ["--end-at-expiry", "--origins", "https://app.example.com", "--networks", "192.0.2.0/24"];
    let all = [&mint[..], &more, &["--lock", lock]].concat();
    let key = site.server.report().api_key.clone();
    let far = [&all[..], &["--server", &site.url]].concat();
    let near = [&all[..], &["--data-dir", &site.dir]].concat();
    let expected = json!({"uses": 2, "max_audio_seconds": 5, "end_at_expiry": true,
        "lock": {"transcription_config": {"language": "en"}}, "origins": ["https://app.example.com"], "networks": ["192.0.2.0/24"]});
    for arguments in [far, near] {
        let minted = json(&run_with(&arguments, &[("VOXGATE_API_KEY", &key)], "").await);
        let claims = claims(minted["key_value"].as_str().unwrap());
        assert_eq!(claims["leash"], expected, "{arguments:?}");
    }
    for wrong in [
        ["--type", "batch", "--uses", "1"],
        ["--type", "rt", "--uses", "0"],
        ["--type", "rt", "--lock", "[]"],
    ] {
        let arguments = [&["mint", "--ttl", "60", "--data-dir", &site.dir][..], &wrong].concat();
        assert!(!run(&arguments).await.status.success(), "{arguments:?}");
    }
    assert!(site.server.terminate().await.0);
}

/// What a token says, without verifying it.
fn claims(token: &str) -> Value {
    use base64::Engine as _;
    let part = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&base64::prelude::BASE64_URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}
