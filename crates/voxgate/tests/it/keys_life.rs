//! The life of API keys, as their holders notice it: rotation, changes, expiry, last use.

use reqwest::Method;
use serde_json::{Value, json};
use testkit::{Answer, Caller, Mint, Server, Socket, eventually};

use crate::common::{MadeKey, make_key, with_jwt};

async fn patch(server: &Server, id: &str, change: &Value) -> Answer {
    let path = format!("/v1/api-keys/{id}");
    server.home().send_bytes(Method::PATCH, &path, &server.manager(), change.to_string().into_bytes()).await
}

async fn rotate(server: &Server, id: &str, body: &Value) -> Answer {
    server.home().post(&format!("/v1/api-keys/{id}/rotate"), &server.manager(), body).await
}

async fn listed(server: &Server, id: &str) -> Value {
    let keys = server.home().get("/v1/api-keys", &server.manager()).await.expect(200).json();
    keys.as_array().unwrap().iter().find(|key| key["apikey_id"] == id).unwrap().clone()
}

fn in_seconds(seconds: i64) -> String {
    domain::Clock::now(&domain::SystemClock).plus_seconds(seconds).to_rfc3339()
}

async fn session(url: &str, caller: &Caller) -> Socket {
    let mut socket = Socket::open(url, caller).await.unwrap();
    socket.begin().await;
    socket
}

async fn still_works(socket: &mut Socket) {
    socket.send_audio(vec![0; 3200]).await;
    socket.until("AudioAdded").await;
}

#[track_caller]
fn ended(told: &(Value, u16), kind: &str, code: u16, reason: &str) {
    assert_eq!((told.0["type"].as_str(), told.1), (Some(kind), code), "{told:?}");
    assert!(told.0["reason"].as_str().unwrap().contains(reason), "{told:?}");
}

/// Rotation: both keys work during the overlap; when it ends, the old key, its temporary keys and the sessions of both end by
/// themselves, and those of the new key go on.
#[tokio::test]
async fn a_rotation_ends_the_old_key_in_time() {
    let server = Server::start().await;
    let home = server.home();
    let old = make_key(&server, json!({"name": "payments", "products": ["batch", "rt"]})).await;
    let token = Mint::of("rt").key(&home, &old.caller()).await;
    let url = server.report().realtime_url.clone();
    let mut by_key = session(&url, &old.caller()).await;
    let mut by_token = session(&with_jwt(&url, &token), &Caller::anon()).await;

    let answer = rotate(&server, &old.id, &json!({"overlap_seconds": 4, "unknown": [1]})).await.expect(201);
    assert!(answer.header("voxgate-revision").parse::<u64>().is_ok());
    let answer = answer.json();
    let fields: Vec<&String> = answer.as_object().unwrap().keys().collect();
    assert_eq!(fields, ["apikey_id", "key_value", "old_expires_at"]);
    let new = MadeKey {
        id: answer["apikey_id"].as_str().unwrap().to_owned(),
        secret: answer["key_value"].as_str().unwrap().to_owned(),
    };
    let mut by_new = session(&url, &new.caller()).await;
    for key in [&old, &new] {
        home.get("/v2/jobs", &key.caller()).await.expect(200);
    }
    for socket in [&mut by_key, &mut by_token, &mut by_new] {
        still_works(socket).await;
    }
    let shown = listed(&server, &new.id).await;
    assert_eq!((&shown["name"], &shown["rotated_from"]), (&json!("payments"), &json!(old.id)));
    assert_eq!(listed(&server, &old.id).await["expires_at"], answer["old_expires_at"]);

    ended(&by_key.until_refused().await, "not_authorised", 4001, "credential_expired");
    ended(&by_token.until_refused().await, "not_authorised", 4001, "credential_expired");
    still_works(&mut by_new).await;
    home.get("/v2/jobs", &old.caller()).await.expect_refusal(401, "credential_expired");
    home.get("/v2/jobs", &new.caller()).await.expect(200);
    rotate(&server, &old.id, &json!({})).await.expect_refusal(422, "invalid_value");
    server.shutdown().await;
}

/// Without overlap the old key has ended when the rotation is answered. Overlaps beyond the limits, and other people's keys, are
/// refused in the documented wording.
#[tokio::test]
async fn rotations_are_checked() {
    let server = Server::start().await;
    let key = make_key(&server, json!({})).await;
    for (body, message) in [
        (json!({"overlap_seconds": -1}), "overlap_seconds in body should be greater than or equal to 0"),
        (
            json!({"overlap_seconds": 2_592_001}),
            "overlap_seconds in body should be less than or equal to 2592000",
        ),
        (json!({"overlap_seconds": "1h"}), "overlap_seconds in body must be of type integer"),
    ] {
        let refused = rotate(&server, &key.id, &body).await.expect_refusal(422, "invalid_value").json();
        assert_eq!(refused["message"], message);
    }
    rotate(&server, "key_00000000000000000000000000", &json!({})).await.expect_refusal(404, "not_found");
    rotate(&server, "nonsense", &json!({})).await.expect_refusal(404, "not_found");
    let home = server.home();
    let caller = key.caller();
    home.post(&format!("/v1/api-keys/{}/rotate", key.id), &caller, &json!({})).await.expect(401);
    home.get("/v2/jobs", &caller).await.expect(200);
    let mut socket = session(&server.report().realtime_url, &caller).await;
    rotate(&server, &key.id, &json!({"overlap_seconds": 0})).await.expect(201);
    ended(&socket.until_refused().await, "not_authorised", 4001, "credential_expired");
    home.get("/v2/jobs", &caller).await.expect_refusal(401, "credential_expired");
    server.shutdown().await;
}

/// A right that is taken away ends exactly the sessions that needed it; an expiry that has passed ends the key.
#[tokio::test]
async fn lost_rights_end_sessions() {
    let server = Server::start().await;
    let home = server.home();
    let key = make_key(&server, json!({"areas": ["eu", "usa"]})).await;
    let eu1 = server.report().realtime_url.clone();
    let us1 = server.report().regions["us1"].realtime_url.clone().unwrap();
    let mut in_eu = session(&eu1, &key.caller()).await;
    let mut in_us = session(&us1, &key.caller()).await;
    patch(&server, &key.id, &json!({"areas": ["usa"]})).await.expect(200);
    ended(&in_eu.until_refused().await, "not_allowed", 4003, "wrong_area");
    still_works(&mut in_us).await;
    home.get("/v2/jobs", &key.caller()).await.expect_refusal(403, "wrong_area");

    patch(&server, &key.id, &json!({"products": ["batch"]})).await.expect(200);
    ended(&in_us.until_refused().await, "not_allowed", 4003, "wrong_product");
    patch(&server, &key.id, &json!({"products": ["rt"], "areas": ["eu"]})).await.expect(200);
    let mut socket = session(&eu1, &key.caller()).await;
    patch(&server, &key.id, &json!({"expires_at": in_seconds(-10)})).await.expect(200);
    ended(&socket.until_refused().await, "not_authorised", 4001, "credential_expired");
    home.get("/v2/jobs", &key.caller()).await.expect_refusal(401, "credential_expired");
    patch(&server, &key.id, &json!({"expires_at": null, "products": ["batch"]})).await.expect(200);
    home.get("/v2/jobs", &key.caller()).await.expect(200);
    server.shutdown().await;
}

/// A key that expires while its session is open ends it then, whether the expiry was set at its making or later.
#[tokio::test]
async fn expiry_is_watched() {
    let server = Server::start().await;
    let url = server.report().realtime_url.clone();
    let short = make_key(&server, json!({"expires_at": in_seconds(4)})).await;
    let later = make_key(&server, json!({})).await;
    let spared = make_key(&server, json!({"expires_at": in_seconds(3600)})).await;
    let token = Mint::of("rt").key(&server.home(), &later.caller()).await;
    let mut sockets = [
        session(&url, &short.caller()).await,
        session(&url, &later.caller()).await,
        session(&with_jwt(&url, &token), &Caller::anon()).await,
    ];
    let mut goes_on = session(&url, &spared.caller()).await;
    patch(&server, &later.id, &json!({"expires_at": in_seconds(2)})).await.expect(200);
    for socket in &mut sockets {
        ended(&socket.until_refused().await, "not_authorised", 4001, "credential_expired");
    }
    still_works(&mut goes_on).await;
    server.shutdown().await;
}

/// A change answers with the key as it is; what is left out stays, `null` clears, unknown fields are ignored; wrong values are
/// told in the documented wording and change nothing.
#[tokio::test]
async fn changes_are_read_strictly() {
    let server = Server::start().await;
    let key = make_key(&server, json!({"expires_at": in_seconds(9000), "networks": ["127.0.0.0/8"]})).await;
    let before = listed(&server, &key.id).await;
    let changed =
        patch(&server, &key.id, &json!({"name": "renamed", "colour": "blue"})).await.expect(200).json();
    let mut expected = before.clone();
    expected["name"] = json!("renamed");
    assert_eq!(changed, expected);
    let cleared = patch(&server, &key.id, &json!({"networks": null, "expires_at": null, "name": null})).await;
    let cleared = cleared.expect(200).json();
    assert_eq!((&cleared["networks"], &cleared["expires_at"]), (&json!([]), &Value::Null));
    assert_eq!(cleared["name"], "renamed");
    for (change, message) in [
        (json!({"name": ""}), "name in body should be at least 1 chars long"),
        (json!({"areas": ["eu1"]}), "areas in body should be one of [eu usa au]"),
        (json!({"areas": []}), "areas in body should be one of [eu usa au]"),
        (json!({"products": "rt"}), "products in body must be of type array"),
        (json!({"networks": ["10.0.0.0/33"]}), "networks.0 in body must be of type cidr"),
        (json!({"expires_at": "soon"}), "expires_at in body must be of type date-time"),
    ] {
        let refused = patch(&server, &key.id, &change).await.expect_refusal(422, "invalid_value").json();
        assert_eq!(refused["message"], message, "{change}");
    }
    assert_eq!(listed(&server, &key.id).await, cleared);
    let path = format!("/v1/api-keys/{}?wait=enforced", key.id);
    let body = br#"{"products":["rt"]}"#.to_vec();
    let waited = server.home().send_bytes(Method::PATCH, &path, &server.manager(), body).await;
    let waited = waited.expect(200).json();
    assert_eq!((&waited["products"], &waited["pending"]), (&json!(["rt"]), &json!([])));
    assert_eq!(waited["enforced"].as_array().unwrap().len(), 1);
    server.home().delete(&format!("/v1/api-keys/{}", key.id), &server.manager()).await.expect(200);
    patch(&server, &key.id, &json!({"name": "x"})).await.expect_refusal(404, "not_found");
    server.shutdown().await;
}

/// When a key was used is shown, and beside it when its temporary keys were; minting alone is a use of the key.
#[tokio::test]
async fn last_use_is_shown() {
    let server = Server::start().await;
    let home = server.home();
    let (direct, parent, idle) = (
        make_key(&server, json!({})).await,
        make_key(&server, json!({})).await,
        make_key(&server, json!({})).await,
    );
    let token = Mint::of("batch").key(&home, &parent.caller()).await;
    home.get("/v2/jobs", &direct.caller()).await.expect(200);
    home.get("/v2/jobs", &Caller::temporary_key(&token)).await.expect(200);
    let of_parent = eventually("the last use of the parent", || async {
        let shown = listed(&server, &parent.id).await;
        shown["temporary_keys_last_used_at"].is_string().then_some(shown)
    })
    .await;
    assert!(of_parent["last_used_at"].as_str() >= of_parent["temporary_keys_last_used_at"].as_str());
    let of_direct = eventually("the last use of the key", || async {
        let shown = listed(&server, &direct.id).await;
        shown["last_used_at"].is_string().then_some(shown)
    })
    .await;
    assert_eq!(of_direct["temporary_keys_last_used_at"], Value::Null);
    let of_idle = listed(&server, &idle.id).await;
    assert_eq!(
        (&of_idle["last_used_at"], &of_idle["temporary_keys_last_used_at"]),
        (&Value::Null, &Value::Null)
    );
    server.shutdown().await;
}
