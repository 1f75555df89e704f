//! Forgetting an end user.

use serde_json::{Value, json};
use testkit::{Caller, Mint, Process, Socket, eventually};

use crate::command::{binary, failed, json, ok, run, run_with};
use crate::common::with_jwt;

// Texts are searched for these: no random id has a full stop.
const ANN: &str = "ann.example";
const BOB: &str = "bob.example";

/// A forgotten end user has no jobs, no usage and no name in the log; the project's sums stay, and others lose nothing.
#[tokio::test]
async fn an_end_user_is_forgotten() {
    let folder = tempfile::tempdir().unwrap();
    let server = Process::start(binary(), folder.path(), &[]).await;
    let dir = folder.path().to_str().unwrap();
    let home = server.home();
    let of = async |client_ref: &str| {
        Caller::temporary_key(&Mint::of("batch").client_ref(client_ref).key(&home, &server.key()).await)
    };
    let (ann, bob) = (of(ANN).await, of(BOB).await);
    let (first, second) = (home.job(&ann).await, home.job(&ann).await);
    let spared = home.job(&bob).await;
    // In the log by name.
    for path in ["/v1/temporary-keys/revoke", "/v1/temporary-keys/readmit"] {
        home.post(path, &server.key(), &json!({"client_ref": ANN})).await.expect(200);
    }
    // And in a message for a webhook that doesn't answer.
    let hook = json!({"url": "http://127.0.0.1:1/", "events": ["session.started"]});
    let hook = home.post("/v1/webhooks", &server.manager(), &hook).await.expect(201).json();
    let messages = format!("/v1/webhooks/{}/messages", hook["webhook_id"].as_str().unwrap());
    let messages = async || home.get(&messages, &server.manager()).await.expect(200).text();
    for client_ref in [ANN, BOB] {
        let token = Mint::of("rt").client_ref(client_ref).key(&home, &server.key()).await;
        let url = with_jwt(&server.report().realtime_url, &token);
        Socket::open(&url, &Caller::anon()).await.unwrap().begin().await;
    }
    eventually("both sessions to be told of", async || {
        let told = messages().await;
        (told.contains(ANN) && told.contains(BOB)).then_some(())
    })
    .await;
    let usage = async |query: &str| {
        home.get(&format!("/v1/usage?{query}"), &server.manager()).await.expect(200).json()["usage"].take()
    };
    let requests_of = |usage: &Value, who: &Value| {
        let mut rows = usage.as_array().unwrap().iter();
        rows.find(|row| row["client_ref"] == *who).map_or(0, |row| row["requests"].as_u64().unwrap())
    };
    let total = eventually("everything to be counted", async || {
        let by_user = usage("group_by=client_ref").await;
        let is_whole = requests_of(&by_user, &json!(ANN)) == 2 && requests_of(&by_user, &json!(BOB)) == 1;
        if is_whole { Some(usage("").await) } else { None }
    })
    .await;
    let forget = ["client-refs", "forget", ANN, "--data-dir", dir];
    assert!(failed(&run(&forget).await).contains("--yes"));
    let told = json(&run(&[&forget[..], &["--yes", "--json"]].concat()).await);
    assert_eq!(
        (&told["audit_names"], &told["shut_out_of"], &told["api_keys"]),
        (&json!(1), &json!([]), &json!(0))
    );
    assert!(told["usage_lines"].as_u64().unwrap() >= 1, "{told}");
    assert_eq!(told["webhook_messages"], 1, "{told}");
    let left = messages().await;
    assert!(!left.contains(ANN) && left.contains(BOB), "{left}");
    let eu1 = told["jobs"].as_array().unwrap().iter().find(|region| region["region"] == "eu1").unwrap();
    assert_eq!(*eu1, json!({"region": "eu1", "forgotten": 2, "kept_at_engine": 0, "failed": 0}));
    for id in [&first, &second] {
        home.get(&format!("/v2/jobs/{id}"), &server.key()).await.expect_refusal(404, "job_not_found");
    }
    home.get(&format!("/v2/jobs/{spared}"), &bob).await.expect(200);
    let by_user = usage("group_by=client_ref").await;
    assert_eq!(requests_of(&by_user, &json!(ANN)), 0, "{by_user}");
    assert_eq!(requests_of(&by_user, &Value::Null), 2, "{by_user}");
    let now = usage("").await;
    let bytes = |usage: &Value| usage[0]["received_bytes"].as_u64();
    assert!(bytes(&now) >= bytes(&total), "{now} {total}");
    let log = json(&run(&["audit", "list", "--json", "--data-dir", dir]).await);
    let names: Vec<&str> =
        log.as_array().unwrap().iter().filter_map(|event| event["subject_name"].as_str()).collect();
    assert!(!names.contains(&ANN), "{names:?}");
    assert!(log.to_string().contains("client_ref_forgotten"));
    let again = ok(&run(&[&forget[..], &["--yes"]].concat()).await);
    assert!(again.contains(&format!("forgot {ANN}")) && again.contains("0 jobs in eu1"), "{again}");

    let far = ["client-refs", "forget", ANN, "--yes", "--server", &server.report().management_url];
    let far = run_with(&far, &[("VOXGATE_MANAGEMENT_TOKEN", &server.report().management_token)], "").await;
    assert!(failed(&far).contains("can't be done with --server"));
    assert!(server.terminate().await.0);
    if testkit::is_on_postgres() {
        return; // The folder alone doesn't lead to that database.
    }
    let still = json(&run(&[&forget[..], &["--yes", "--json"]].concat()).await);
    assert_eq!(still["jobs"], Value::Null, "no gateway runs here");
}
