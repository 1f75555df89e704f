//! Revoking temporary keys: what the caller says, who may, and what comes of it.

use control::{Actor, NewKey};
use domain::{ClientRef, Permission};
use serde_json::{Value, json};

use crate::world::{Answer, World};

const REVOKE: &str = "/v1/temporary-keys/revoke";
const READMIT: &str = "/v1/temporary-keys/readmit";

async fn revoke(world: &World, credential: &str, body: Value) -> Answer {
    world.ask("POST", REVOKE, credential, &body.to_string()).await
}

/// Mints for an end user, or for nobody in particular; its jti and itself.
async fn mint(world: &World, api_key: &str, client_ref: Option<&str>) -> (String, String) {
    let body = json!({"ttl": 60, "client_ref": client_ref}).to_string();
    let answer = world.ask("POST", "/v1/api_keys?type=rt", api_key, &body).await.expect(201);
    let jti = answer.headers["temporary-key-id"].to_str().unwrap().to_owned();
    (jti, answer.json()["key_value"].as_str().unwrap().to_owned())
}

/// What is wrong with a body is said, in the words that clients know, before anybody is told that they may not.
#[tokio::test]
async fn refusals() {
    let world = World::new().await;
    let key = world.secrets.api_key.expose();
    let weak = world.token(world.secrets.workspace_id, &[Permission::ViewSessions]).await;
    let jti = "key_01k5zr0000000000000000000e.3r8m0kq9v1x2y3z4a5b6c7d8e9";
    let mut seen = String::new();
    for (path, body) in [
        (REVOKE, json!({})),
        (REVOKE, json!({"jti": "key_x"})),
        (REVOKE, json!({"jti": 7})),
        (REVOKE, json!({"key_value": "vgk_x"})),
        (REVOKE, json!({"client_ref": ""})),
        (REVOKE, json!({"jti": jti, "client_ref": "u"})),
        (REVOKE, json!({"jti": jti, "project_id": 1})),
        (REVOKE, json!({"clientref": "u"})),
        (READMIT, json!({})),
        (READMIT, json!({"client_ref": "u", "project_id": "1"})),
        (READMIT, json!({"jti": jti})),
    ] {
        let text = body.to_string();
        let answer = world.ask("POST", path, key, &text).await.refused(422, "invalid_value");
        let weakly = world.ask("POST", path, &weak, &text).await.refused(422, "invalid_value");
        assert_eq!(answer.body, weakly.body);
        seen.push_str(&format!("{path} {body}\n{}\n\n", answer.text()));
    }
    for body in
        [json!({"jti": jti}), json!({"key_value": "a.b.c"}), json!({"client_ref": "u", "project_id": 99})]
    {
        let answer = revoke(&world, key, body.clone()).await.refused(404, "not_found");
        revoke(&world, &weak, body.clone()).await.refused(403, "permission_missing");
        seen.push_str(&format!("{REVOKE} {body}\n{}\n\n", answer.text()));
    }
    let (_, temporary) = mint(&world, key, None).await;
    for body in [json!({}), json!({"key_value": temporary})] {
        let answer = revoke(&world, &temporary, body).await.refused(401, "credential_unknown");
        seen.push_str(&format!("{REVOKE} with a temporary key\n{}\n\n", answer.text()));
    }
    insta::assert_snapshot!(seen);
    world.control.close().await;
}

/// A key is revoked by its id or by itself, once or twice; the log says so, and the API key that minted it lives on.
#[tokio::test]
async fn keys_are_revoked_by_id_and_by_value() {
    let world = World::new().await;
    let key = world.secrets.api_key.expose();
    let (jti, _) = mint(&world, key, None).await;
    let (_, by_value) = mint(&world, key, None).await;
    for body in [json!({"jti": jti}), json!({"jti": jti}), json!({"key_value": by_value})] {
        let answer = revoke(&world, key, body).await.expect(200);
        assert_eq!(answer.json(), json!({"status": "OK"}));
        assert!(answer.headers["voxgate-revision"].to_str().unwrap().parse::<u64>().is_ok());
    }
    let waited =
        world.ask("POST", &format!("{REVOKE}?wait=enforced"), key, &json!({"jti": jti}).to_string()).await;
    assert_eq!(waited.expect(200).json(), json!({"status": "OK", "enforced": [], "pending": []}));
    mint(&world, key, None).await;
    let log =
        world.operate("GET", "/v1/audit?action=temporary_key_revoked", Value::Null).await.expect(200).json();
    assert_eq!(log["events"][0]["subject"], json!(jti));
    assert_eq!(log["events"][0]["actor_name"], json!(jti.split_once('.').unwrap().0));
    world.control.close().await;
}

/// An API key revokes what it minted and no other key's, though both belong to the same project; the project's manager
/// revokes both.
#[tokio::test]
async fn an_api_key_revokes_its_own() {
    let world = World::new().await;
    let made = world.workspace("w").await;
    let (one, two) = (world.key(&made, "one").await, world.key(&made, "two").await);
    let (jti, value) = mint(&world, one.secret.expose(), None).await;
    for body in [json!({"jti": jti}), json!({"key_value": value})] {
        revoke(&world, two.secret.expose(), body.clone()).await.refused(404, "not_found");
        revoke(&world, world.secrets.api_key.expose(), body.clone()).await.refused(404, "not_found");
        revoke(&world, one.secret.expose(), body).await.expect(200);
    }
    let manager = world.token(made.workspace.id, &[Permission::DeleteApiKeys]).await;
    let (jti, _) = mint(&world, two.secret.expose(), None).await;
    revoke(&world, &manager, json!({"jti": jti})).await.expect(200);
    world.control.close().await;
}

/// An end user who is shut out gets no key until they are readmitted: by a manager in every project, by an API key in its
/// own. Another project's end user of the same name is somebody else.
#[tokio::test]
async fn end_users_are_shut_out_and_readmitted() {
    let world = World::new().await;
    let made = world.workspace("w").await;
    let new = control::NewProject { name: "second".to_owned(), description: String::new() };
    let second =
        world.control.create_project(&Actor::OPERATOR, made.workspace.id, new).await.unwrap().project.id;
    let first = world.key(&made, "first").await;
    let new = NewKey::named(second, "second");
    let second_key = world.control.create_key(&Actor::OPERATOR, made.workspace.id, new).await.unwrap();
    let (one, two) = (first.secret.expose(), second_key.secret.expose());
    let may_mint = async |key: &str| {
        let body = json!({"ttl": 60, "client_ref": "u"}).to_string();
        world.ask("POST", "/v1/api_keys?type=rt", key, &body).await.status.as_u16()
    };
    let user = json!({"client_ref": "u"});
    revoke(&world, one, user.clone()).await.expect(200);
    assert_eq!((may_mint(one).await, may_mint(two).await), (403, 201));
    mint(&world, one, Some("another")).await;
    world.ask("POST", READMIT, two, &user.to_string()).await.refused(404, "not_found");
    world.ask("POST", READMIT, one, &user.to_string()).await.expect(200);
    assert_eq!((may_mint(one).await, may_mint(two).await), (201, 201));

    let all = [Permission::DeleteApiKeys, Permission::CreateApiKeys];
    let manager = world.token(made.workspace.id, &all).await;
    revoke(&world, &manager, user.clone()).await.expect(200);
    assert_eq!((may_mint(one).await, may_mint(two).await), (403, 403));
    let in_second = json!({"client_ref": "u", "project_id": second}).to_string();
    world.ask("POST", READMIT, &manager, &in_second).await.expect(200);
    assert_eq!((may_mint(one).await, may_mint(two).await), (403, 201));
    world.ask("POST", READMIT, &manager, &user.to_string()).await.expect(200);
    world.ask("POST", READMIT, &manager, &user.to_string()).await.refused(404, "not_found");
    assert_eq!((may_mint(one).await, may_mint(two).await), (201, 201));
    world.control.close().await;
}

/// An API key that is isolated to one end user shuts out no other.
#[tokio::test]
async fn an_isolated_key_reaches_one_end_user() {
    let world = World::new().await;
    let made = world.workspace("w").await;
    let own = Some(ClientRef::new("own").unwrap());
    let new = NewKey { client_ref: own, ..NewKey::named(made.default_project.id, "isolated") };
    let key = world.control.create_key(&Actor::OPERATOR, made.workspace.id, new).await.unwrap();
    let key = key.secret.expose();
    revoke(&world, key, json!({"client_ref": "other"})).await.refused(404, "not_found");
    let (jti, _) = mint(&world, key, None).await;
    revoke(&world, key, json!({"jti": jti})).await.expect(200);
    revoke(&world, key, json!({"client_ref": "own"})).await.expect(200);
    revoke(&world, key, json!({"jti": jti})).await.refused(401, "credential_revoked");
    world.control.close().await;
}
