//! The very bytes of bodies: clients read them, so a change of them is a change of the product.

use http::StatusCode;

use crate::world::World;

/// Refusals of minting.
#[tokio::test]
async fn refusals_of_minting() {
    let world = World::new().await;
    let key = world.secrets.api_key.expose();
    let token = world.secrets.management_token.expose();
    let calls = [
        ("nobody", "", "?type=rt", "{}"),
        ("an unknown key", "vgk_x", "?type=rt", "{}"),
        ("an API key", key, "?type=rt", "{}"),
        ("an API key", key, "?type=rt", r#"{"ttl":59}"#),
        ("an API key", key, "", r#"{"ttl":86400}"#),
        ("an API key", key, "?type=voice", r#"{"ttl":60}"#),
        ("an API key", key, "?type=rt", r#"{"ttl":60,"region":"au"}"#),
        ("an API key", key, "?type=rt", r#"{"ttl":60,"region":"usa"}"#),
        ("an API key", key, "?type=flow", r#"{"ttl":60}"#),
        ("an API key", key, "", "{"),
        ("a management token", token, "?type=rt", r#"{"ttl":60}"#),
    ];
    let mut seen = String::new();
    for (who, credential, query, body) in calls {
        let answer = world.body("POST", &format!("/v1/api_keys{query}"), credential, body).await;
        seen.push_str(&format!("{who}: POST /v1/api_keys{query} {body}\n{answer}\n\n"));
    }
    insta::assert_snapshot!(seen);
    world.control.close().await;
}

/// Refusals of managing.
#[tokio::test]
async fn refusals_of_managing() {
    let world = World::new().await;
    let token = world.secrets.management_token.expose();
    let calls = [
        ("nobody", "", "GET", "/v1/projects", ""),
        ("an API key", world.secrets.api_key.expose(), "GET", "/v1/projects", ""),
        ("a management token", token, "GET", "/v1/projects/999", ""),
        ("a management token", token, "DELETE", "/v1/api-keys/key_x", ""),
        ("a management token", token, "DELETE", "/v1/projects/1", ""),
        ("a management token", token, "POST", "/v1/projects", "{}"),
        ("a management token", token, "POST", "/v1/api-keys", "{}"),
        ("a management token", token, "PATCH", "/v1/projects", ""),
        ("a management token", token, "GET", "/v1/nothing", ""),
    ];
    let mut seen = String::new();
    for (who, credential, method, path, body) in calls {
        let answer = world.body(method, path, credential, body).await;
        seen.push_str(&format!("{who}: {method} {path} {body}\n{answer}\n\n"));
    }
    insta::assert_snapshot!(seen);
    world.control.close().await;
}

/// A store that can't be used now is told as such, with when to come again and without a word of its inside.
#[tokio::test]
async fn a_store_that_is_away_is_503() {
    let world = World::new().await;
    world.control.close().await;
    let token = world.secrets.management_token.expose();
    let answer = world.ask("GET", "/v1/projects", token, "").await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(answer.headers["retry-after"].to_str().unwrap().parse::<u32>().is_ok());
    assert!(answer.headers["request-id"].to_str().unwrap().starts_with("req_"));
    insta::assert_snapshot!(answer.text());
}

/// Refusals of operating the instance.
#[tokio::test]
async fn refusals_of_operating() {
    let world = World::new().await;
    let token = world.secrets.management_token.expose();
    let calls = [
        ("POST", "/v1/workspaces", r#"{"name":"x","plam":"pro"}"#),
        ("POST", "/v1/workspaces", r#"{"name":"x","plan":"gold"}"#),
        ("POST", "/v1/workspaces", r#"{"name":"x","home_area":"eu1"}"#),
        ("PATCH", "/v1/workspaces/ws_x", r#"{"limits":{"sessions":1}}"#),
        ("PATCH", "/v1/workspaces/ws_x", r#"{"limits":{"concurrent_sessions_max":-1}}"#),
        ("GET", "/v1/workspaces/ws_x", ""),
        ("POST", "/v1/accounts", r#"{"email":"nobody"}"#),
        ("POST", "/v1/accounts", r#"{"email":"dev@localhost"}"#),
        ("POST", "/v1/accounts", r#"{"email":"a@b","password":"chosen for somebody else"}"#),
        ("POST", "/v1/accounts", r#"{"email":"a@b","role":"admin"}"#),
        ("GET", "/v1/accounts/acc_x", ""),
        ("POST", "/v1/management-tokens", r#"{"name":"x","permissions":[]}"#),
        ("DELETE", "/v1/management-tokens/mgt_x", ""),
        ("GET", "/v1/audit?limit=0", ""),
        ("GET", "/v1/audit?after=x", ""),
        ("GET", "/v1/audit?since=yesterday", ""),
        ("GET", "/v1/projects?workspace_id=x", ""),
    ];
    let mut seen = String::new();
    for (method, path, body) in calls {
        let answer = world.body(method, path, token, body).await;
        seen.push_str(&format!("{method} {path} {body}\n{answer}\n\n"));
    }
    insta::assert_snapshot!(seen);
    world.control.close().await;
}
