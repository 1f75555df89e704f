//! What operators do over the management API reaches gateways and open sessions.

use serde_json::{Value, json};
use testkit::{Api, Caller, Server, Socket, eventually};

/// A workspace of somebody else, made by the operator, with an API key of it.
async fn customer(server: &Server, plan: &str) -> (String, Caller) {
    let (home, operator) = (server.home(), server.manager());
    let made = home.post("/v1/workspaces", &operator, &json!({"name": "Customer", "plan": plan})).await;
    let made = made.expect(201).json();
    let id = made["workspace_id"].as_str().unwrap().to_owned();
    let body = json!({"project_id": made["default_project_id"], "name": "k"});
    let key =
        home.post(&format!("/v1/api-keys?workspace_id={id}"), &operator, &body).await.expect(201).json();
    (id, Caller::api_key(key["key_value"].as_str().unwrap()))
}

async fn change(home: &Api, operator: &Caller, workspace: &str, body: &Value) -> Value {
    let request = home.request(reqwest::Method::PATCH, &format!("/v1/workspaces/{workspace}?wait=enforced"));
    let request = request.bearer_auth(match operator {
        Caller::Bearer(credential) => credential,
        _ => panic!("the operator has a token"),
    });
    home.ask(request.json(body)).await.expect(200).json()
}

/// Closing a workspace ends its open sessions and refuses its keys in every region, and touches nobody else's.
#[tokio::test]
async fn closing_a_workspace_ends_its_sessions() {
    let server = Server::start().await;
    let url = server.report().realtime_url.clone();
    let (id, key) = customer(&server, "pro").await;
    let mut doomed = Socket::open(&url, &key).await.unwrap();
    doomed.begin().await;
    let mut spared = Socket::open(&url, &server.key()).await.unwrap();
    spared.begin().await;
    let home = server.home();
    let closed = home.delete(&format!("/v1/workspaces/{id}?wait=enforced"), &server.manager()).await;
    let closed = closed.expect(200);
    assert!(closed.header("voxgate-revision").parse::<u64>().is_ok());
    assert_eq!(
        (closed.json()["enforced"].as_array().unwrap().len(), &closed.json()["pending"]),
        (1, &json!([]))
    );
    let (error, code) = doomed.until_refused().await;
    assert_eq!((error["type"].as_str(), code), (Some("not_authorised"), 4001), "{error}");
    spared.send_audio(vec![0; 3200]).await;
    spared.until("AudioAdded").await;
    home.get("/v2/jobs", &key).await.expect_refusal(401, "credential_revoked");
    home.get("/v2/jobs", &server.key()).await.expect(200);
    server.shutdown().await;
}

/// A quota holds from the answer on, without a restart: fewer sessions are let in, then more, then the plan's; what is open
/// stays open.
#[tokio::test]
async fn a_quota_changes_live() {
    let server = Server::start().await;
    let (home, operator) = (server.home(), server.manager());
    let url = server.report().realtime_url.clone();
    let (id, key) = customer(&server, "pro").await;
    let mut open = Vec::new();
    for _ in 0..2 {
        let mut socket = Socket::open(&url, &key).await.unwrap();
        socket.begin().await;
        open.push(socket);
    }
    let full = async || {
        let mut socket = Socket::open(&url, &key).await.unwrap();
        let (error, code) = socket.until_refused().await;
        assert_eq!((error["type"].as_str(), code), (Some("quota_exceeded"), 4005), "{error}");
    };
    let limits = |max: u32| json!({"limits": {"concurrent_sessions_max": max}});
    let changed = change(&home, &operator, &id, &limits(1)).await;
    assert_eq!((&changed["limits"]["concurrent_sessions_max"], &changed["pending"]), (&json!(1), &json!([])));
    full().await;
    for socket in &mut open {
        socket.send_audio(vec![0; 3200]).await;
        socket.until("AudioAdded").await;
    }
    change(&home, &operator, &id, &limits(3)).await;
    let mut third = Socket::open(&url, &key).await.unwrap();
    third.begin().await;
    full().await;
    change(&home, &operator, &id, &json!({"limits": {}})).await;
    let mut fourth = Socket::open(&url, &key).await.unwrap();
    fourth.begin().await;
    server.shutdown().await;
}

/// The gateways are told with how far each is, and how many sessions are open on it.
#[tokio::test]
async fn gateways_are_told() {
    let server = Server::start().await;
    let mut socket = Socket::open(&server.report().realtime_url, &server.key()).await.unwrap();
    socket.begin().await;
    let (home, manager) = (server.home(), server.manager());
    // Whether engines answer is found out after the start.
    let gateway = eventually("the gateway's regions", async || {
        let told = home.get("/v1/gateways", &manager).await.expect(200).json();
        let gateways = told["gateways"].as_array().unwrap();
        assert_eq!(gateways.len(), 1, "{told}");
        let regions = gateways[0]["regions"].as_array().unwrap();
        regions.iter().any(|region| region["region"] == "eu1").then(|| gateways[0].clone())
    })
    .await;
    assert_eq!((&gateway["lag"], &gateway["sessions"]), (&json!(0), &json!(1)), "{gateway}");
    server.shutdown().await;
}
