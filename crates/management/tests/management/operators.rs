//! What operators do, and what is seen of it.

use domain::{Permission, Product, Region};
use serde_json::{Value, json};
use verify::{Need, Surface};

use crate::world::World;

const PASSWORD: &str = "correct horse battery";

fn need() -> Need<'static> {
    Need {
        surface: Surface::Batch,
        product: Some(Product::Batch),
        region: Some(Region::Eu1),
        peer: [127, 0, 0, 1].into(),
        origin: None,
        usage: false,
    }
}

/// An operator sets up a customer from nothing, in the customer's own workspace, and closes it again.
#[tokio::test]
async fn a_workspace_from_nothing_to_its_end() {
    let world = World::new().await;
    let new = json!({"name": "Customer", "plan": "pro", "home_area": "usa"});
    let answer = world.operate("POST", "/v1/workspaces", new).await.expect(201);
    assert!(answer.headers["voxgate-revision"].to_str().unwrap().parse::<u64>().is_ok());
    let workspace = answer.json();
    assert_eq!((&workspace["plan"], &workspace["home_area"]), (&json!("pro"), &json!("usa")));
    let id = workspace["workspace_id"].as_str().unwrap();
    let here = format!("?workspace_id={id}");

    let admin = json!({"email": "admin@customer.example", "workspace_id": id, "role": "admin"});
    let account = world.operate("POST", "/v1/accounts", admin).await.expect(201).json();
    let link = &account["password_link"];
    let path = link["path"].as_str().unwrap();
    assert_eq!(link["url"], format!("http://localhost:8080{path}"));
    let secret = path.strip_prefix("/reset-password?token=").unwrap();
    let chosen = world.control.reset_password(secret, PASSWORD, [127, 0, 0, 1].into()).await.unwrap();
    assert_eq!(chosen.id.to_string(), account["account_id"].as_str().unwrap());
    let path = format!("/v1/accounts/{}", account["account_id"].as_str().unwrap());
    let read = world.operate("GET", &path, Value::Null).await.expect(200).json();
    assert!(!read.to_string().contains(secret));
    assert_eq!(read["workspaces"], json!([{"workspace_id": id, "role": "admin"}]));

    let key = json!({"project_id": workspace["default_project_id"], "name": "k"});
    let key = world.operate("POST", &format!("/v1/api-keys{here}"), key).await.expect(201).json();
    let secret = key["key_value"].as_str().unwrap();
    let tables = world.control.tables();
    let wrong = tables.verify(secret, &need(), world.control.now()).unwrap_err();
    assert_eq!(wrong.reason, domain::Reason::WrongArea, "its home area is usa");
    let token = json!({"name": "t", "permissions": ["view_projects"]});
    let token =
        world.operate("POST", &format!("/v1/management-tokens{here}"), token).await.expect(201).json();
    let token = token["token_value"].as_str().unwrap();
    let projects = world.ask("GET", "/v1/projects", token, "").await.expect(200).json();
    assert_eq!(projects.as_array().unwrap().len(), 1);

    let closed = world.operate("DELETE", &format!("/v1/workspaces/{id}?wait=enforced"), Value::Null).await;
    assert_eq!(closed.expect(200).json()["pending"], json!([]));
    world.ask("GET", "/v1/projects", token, "").await.refused(401, "credential_revoked");
    let refused = tables.verify(secret, &need(), world.control.now()).unwrap_err();
    assert_eq!(refused.reason, domain::Reason::CredentialRevoked);
    world.operate("GET", &format!("/v1/workspaces/{id}"), Value::Null).await.refused(404, "not_found");
    world.operate("GET", &format!("/v1/projects{here}"), Value::Null).await.refused(404, "not_found");
    world.control.close().await;
}

/// Limits are changed one by one in place of those before, null and {} give the plan's back, and nonsense changes
/// nothing.
#[tokio::test]
async fn limits_are_changed() {
    let world = World::new().await;
    let id = world.workspace("w").await.workspace.id;
    let path = format!("/v1/workspaces/{id}");
    let sessions = async |body: Value| {
        let changed = world.operate("PATCH", &path, body).await.expect(200).json();
        assert_eq!(world.operate("GET", &path, Value::Null).await.expect(200).json(), changed);
        changed["limits"]["concurrent_sessions_max"].as_u64().unwrap()
    };
    assert_eq!(sessions(json!({})).await, 50);
    assert_eq!(sessions(json!({"limits": {"concurrent_sessions_max": 7}})).await, 7);
    assert_eq!(sessions(json!({"plan": "enterprise"})).await, 7);
    assert_eq!(sessions(json!({"limits": null})).await, 7, "null is as if it were left out");
    assert_eq!(sessions(json!({"limits": {"concurrent_sessions_max": null}})).await, 100);
    for body in [
        json!({"limits": {"concurrent_sessions_max": "7"}}),
        json!({"limits": {"concurrent_sessions_max": 4_294_967_296_u64}}),
        json!({"limits": [1]}),
        json!({"name": " "}),
        json!({"plan": "pro", "home_area": "usa"}),
    ] {
        world.operate("PATCH", &path, body).await.refused(422, "invalid_value");
    }
    assert_eq!(sessions(json!({})).await, 100);
    world.control.close().await;
}

/// The log tells who did what to whom, by any of the names that one has for them, and only to who may read it.
#[tokio::test]
async fn the_log_can_be_asked() {
    let world = World::new().await;
    let workspace = world.secrets.workspace_id;
    let reader = world.token(workspace, &[Permission::ViewAudit]).await;
    world.clock.advance_seconds(10);
    let made = world.operate("POST", "/v1/projects", json!({"name": "p"})).await.expect(201).json();
    let noon = world.control.now().to_rfc3339();
    world.clock.advance_seconds(10);
    let path = format!("/v1/projects/{}", made["project_id"]);
    world.operate("PUT", &path, json!({"name": "q"})).await.expect(200);

    let ask = async |query: &str| {
        let answer = world.ask("GET", &format!("/v1/audit?{query}"), &reader, "").await.expect(200).json();
        let events = answer["events"].as_array().unwrap().clone();
        events.iter().map(|event| event["action"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(ask("action=project_created").await, ["project_created"]);
    assert_eq!(ask(&format!("since={noon}")).await, ["project_created", "project_renamed"]);
    assert_eq!(ask(&format!("since={noon}&action=project_created")).await, ["project_created"]);
    assert!(!ask(&format!("until={noon}")).await.contains(&"project_created".to_owned()));
    assert_eq!(ask(&format!("subject={}", made["project_id"])).await, ["project_created", "project_renamed"]);
    let secret = world.secrets.management_token.expose();
    let token = world.control.tables().verify_management(secret, world.control.now()).unwrap().token_id();
    assert_eq!(ask(&format!("actor={token}")).await, ["project_created", "project_renamed"]);
    assert_eq!(ask("actor=nobody").await, Vec::<String>::new());
    let event = world.ask("GET", "/v1/audit?action=project_created", &reader, "").await.json();
    assert_eq!(event["events"][0]["actor_name"], token.to_string());
    assert!(event["events"][0]["actor"].as_str().unwrap().starts_with("who_"));
    assert_eq!(event["events"][0]["from"], "127.0.0.1");

    // What belongs to no workspace is for operators.
    assert!(!ask("").await.contains(&"instance_created".to_owned()));
    world.ask("GET", "/v1/audit?scope=instance", &reader, "").await.refused(403, "permission_missing");
    let whole = world.operate("GET", "/v1/audit?scope=instance&action=instance_created", Value::Null).await;
    assert_eq!(whole.expect(200).json()["events"].as_array().unwrap().len(), 1);
    world.control.close().await;
}

/// Accounts are disabled, enabled and made operators. Whoever operates chooses nobody's password: they get a link to hand over,
/// which works once; a disabled account gets none.
#[tokio::test]
async fn accounts_are_changed() {
    let world = World::new().await;
    for path in ["/v1/accounts", "/v1/accounts/acc_01k5zr0000000000000000000e"] {
        let method = if path.ends_with("accounts") { "POST" } else { "PATCH" };
        let chosen = json!({"email": "a@example.org", "password": PASSWORD});
        world.operate(method, path, chosen).await.refused(422, "invalid_value");
    }
    let account = world.operate("POST", "/v1/accounts", json!({"email": "a@example.org"})).await.expect(201);
    let account = account.json();
    let path = format!("/v1/accounts/{}", account["account_id"].as_str().unwrap());
    let link = format!("{path}/password-link");
    let changed = world.operate("PATCH", &path, json!({"disabled": true, "is_operator": true})).await.json();
    assert_eq!((&changed["disabled"], &changed["is_operator"]), (&json!(true), &json!(true)));
    world.operate("POST", &link, Value::Null).await.refused(404, "not_found");
    let changed = world.operate("PATCH", &path, json!({"disabled": false})).await.expect(200).json();
    assert_eq!(changed["disabled_at"], Value::Null);
    let made = world.operate("POST", &link, Value::Null).await.expect(201).json();
    let secret = made["path"].as_str().unwrap().strip_prefix("/reset-password?token=").unwrap();
    let choose = async |password| world.control.reset_password(secret, password, [127, 0, 0, 1].into()).await;
    assert!(choose("short").await.is_err());
    choose(PASSWORD).await.unwrap();
    let from = [127, 0, 0, 1].into();
    let attempt = control::PasswordAttempt { email: "a@example.org", password: PASSWORD, from, device: None };
    assert!(world.control.recognise(attempt).await.is_ok(), "the link is enough to sign in");
    assert!(choose("another one that is long").await.is_err(), "it works once");
    world.operate("POST", "/v1/accounts/acc_x/password-link", Value::Null).await.refused(404, "not_found");
    world.control.close().await;
}
