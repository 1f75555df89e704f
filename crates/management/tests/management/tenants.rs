//! Nobody reaches what isn't theirs: every route, every kind of caller, ids of others.

use std::collections::{BTreeMap, BTreeSet};

use control::{Actor, MintRequest};
use domain::{Leash, Permission, PermissionSet, Product};
use serde_json::Value;

use crate::document::operations;
use crate::world::World;

/// What belongs to somebody else.
struct Foreign {
    ids: BTreeMap<&'static str, String>,
    workspace_id: domain::WorkspaceId,
    key: String,
    operator: String,
}

async fn foreign(world: &World) -> Foreign {
    let made = world.workspace("theirs").await;
    let workspace_id = made.workspace.id;
    let key = world.key(&made, "theirs").await;
    let permissions = PermissionSet::of_a_workspace();
    let token = world.control.create_management_token(&Actor::OPERATOR, workspace_id, "theirs", permissions);
    let token = token.await.unwrap();
    let new = control::NewAccount {
        email: "theirs@example.org",
        membership: Some((workspace_id, domain::Role::Member)),
    };
    let (account, _) = world.control.create_account_in(&Actor::OPERATOR, new).await.unwrap();
    let session = world.session(workspace_id, made.default_project.id);
    world.gateway(vec![session.clone()]);
    let ids = BTreeMap::from([
        ("workspace_id", workspace_id.to_string()),
        ("project_id", made.default_project.id.to_string()),
        ("apikey_id", key.key.id.to_string()),
        ("token_id", token.token.id.to_string()),
        ("account_id", account.id.to_string()),
        ("session_id", session.session_id.to_string()),
    ]);
    let operator = world.token(workspace_id, &[Permission::OperateInstance]).await;
    Foreign { ids, workspace_id, key: key.secret.expose().to_owned(), operator }
}

/// The state that a stranger must not change, as its owner sees it.
async fn state(world: &World, theirs: &Foreign) -> Vec<String> {
    let here = format!("?workspace_id={}", theirs.workspace_id);
    let mut state = Vec::new();
    for path in [
        format!("/v1/projects{here}"),
        format!("/v1/api-keys{here}"),
        format!("/v1/management-tokens{here}"),
        format!("/v1/sessions{here}"),
        format!("/v1/workspaces/{}", theirs.workspace_id),
        format!("/v1/workspaces/{}/members", theirs.workspace_id),
        format!("/v1/accounts/{}", theirs.ids["account_id"]),
        format!("/v1/audit{here}&limit=100"),
    ] {
        let text = world.operate("GET", &path, Value::Null).await.expect(200).text();
        // When tokens were last used is written now and then.
        assert!(!text.is_empty());
        state.push(text);
    }
    state
}

/// A call that names others' things is refused to everybody who isn't theirs, whatever they hold: 401 without a good
/// credential, 403 without the right, and for the rest the same bytes as for what doesn't exist. Nothing of theirs
/// changes.
#[tokio::test]
async fn strangers_reach_nothing() {
    let world = World::new().await;
    let theirs = foreign(&world).await;
    let document = world.document().await;
    let parent = world.secrets.api_key.expose();
    let rights =
        world.control.tables().mint_rights(parent, [127, 0, 0, 1].into(), world.control.now()).unwrap();
    let request = MintRequest {
        product: Product::Rt,
        ttl_seconds: 60,
        area: None,
        client_ref: None,
        leash: Leash::default(),
    };
    let temporary = world.control.mint(&rights, &request).unwrap();
    let mine = world.workspace("mine").await;
    let all: Vec<Permission> = PermissionSet::of_a_workspace().iter().collect();
    let manager = world.token(mine.workspace.id, &all).await;
    let other = if manager.ends_with('x') { 'y' } else { 'x' };
    let mistyped = format!("{}{other}", &manager[..manager.len() - 1]);
    let before = state(&world, &theirs).await;
    let nobody = BTreeMap::from([("workspace_id", "ws_00000000000000000000000000".to_owned())]);
    for operation in operations(&document).iter().filter(|operation| !operation.is_public()) {
        let method = operation.method.as_str();
        let body = match operation.id.trim_end_matches("_by_underscore") {
            "create_api_key" => format!(r#"{{"project_id":{}}}"#, theirs.ids["project_id"]),
            "revoke_temporary_keys" => {
                format!(r#"{{"jti":"{}.00000000000000000000000000"}}"#, theirs.ids["apikey_id"])
            }
            "readmit_client_ref" => {
                format!(r#"{{"client_ref":"u","project_id":{}}}"#, theirs.ids["project_id"])
            }
            _ => operation.example(),
        };
        let what = format!("{method} {}", operation.path);
        let path = operation.with_ids(&theirs.ids);
        let named = format!("{path}?workspace_id={}", theirs.workspace_id);

        for credential in ["", "vgm_x", &mistyped, temporary.key_value.as_str()] {
            let answer = world.ask(method, &named, credential, &body).await;
            let expected: &[u16] = match operation.id.starts_with("create_api_key") {
                // A temporary key mints nothing: the values are looked at first.
                true => &[401, 403, 422],
                false => &[401],
            };
            assert!(expected.contains(&answer.status.as_u16()), "{what}: {}", answer.text());
        }
        for key in [parent, theirs.key.as_str()] {
            let takes_keys = operation.path.starts_with("/v1/temporary-keys/");
            if takes_keys && key == theirs.key {
                continue; // It reaches what is its own.
            }
            let expected = match operation.id.trim_end_matches("_by_underscore") {
                "create_api_key" => 422,
                _ if takes_keys => 404,
                _ => 401,
            };
            for path in [&path, &named] {
                let answer = world.ask(method, path, key, &body).await;
                assert_eq!(answer.status, expected, "{what}: {}", answer.text());
            }
        }
        // A manager of another workspace: by the path alone, what isn't theirs is unknown.
        let theirs_by_path = world.ask(method, &path, &manager, &body).await;
        let nobodys = world.ask(method, &operation.with_ids(&nobody), &manager, &body).await;
        if operation.path.contains('{') {
            let status = theirs_by_path.status.as_u16();
            assert!([403, 404].contains(&status), "{what}: {}", theirs_by_path.text());
            assert_eq!(theirs_by_path.body, nobodys.body, "{what}: a foreign thing is an unknown one");
        }
        let long_ids = theirs.ids.values().filter(|id| id.len() > 20);
        if operation.method == "GET" && theirs_by_path.status == 200 {
            let text = theirs_by_path.text();
            assert!(long_ids.into_iter().all(|id| !text.contains(id.as_str())), "{what}: {text}");
        }
        if operation.path.starts_with("/v1/temporary-keys/") {
            theirs_by_path.refused(404, "not_found");
        }
        // By naming the workspace: the right to operate is missing, whether the workspace exists or not.
        if operation.takes_query("workspace_id") {
            let answer = world.ask(method, &named, &manager, &body).await.refused(403, "permission_missing");
            let unknown = format!("{path}?workspace_id=ws_00000000000000000000000000");
            let other = world.ask(method, &unknown, &manager, &body).await;
            assert_eq!(answer.body, other.body, "{what}: workspaces can't be found out");
        }
        // An operator without the other permissions may look at workspaces, but not read what is in them.
        let needs: BTreeSet<&str> =
            ["api-keys", "api_keys", "temporary-keys", "projects", "sessions", "audit"].into();
        if needs.iter().any(|part| operation.path.contains(part)) {
            let answer = world.ask(method, &named, &theirs.operator, &body).await;
            answer.refused(403, "permission_missing");
        }
    }
    assert_eq!(state(&world, &theirs).await, before, "a stranger changed something");
    world.control.close().await;
}

/// A token hands out nothing that it doesn't have, and only an operator's hands out anything.
#[tokio::test]
async fn a_token_cannot_grant_what_it_lacks() {
    let world = World::new().await;
    let mine = world.workspace("mine").await;
    let all: Vec<Permission> = PermissionSet::of_a_workspace().iter().collect();
    let manager = world.token(mine.workspace.id, &all).await;
    let operator =
        world.token(mine.workspace.id, &[Permission::OperateInstance, Permission::ViewAudit]).await;
    let body = |permission: Permission| format!(r#"{{"name":"x","permissions":["{permission}"]}}"#);
    for permission in Permission::ALL.iter().copied() {
        let answer = world.ask("POST", "/v1/management-tokens", &manager, &body(permission)).await;
        answer.refused(403, "permission_missing");
        let answer = world.ask("POST", "/v1/management-tokens", &operator, &body(permission)).await;
        let may = [Permission::OperateInstance, Permission::ViewAudit].contains(&permission);
        assert_eq!(answer.status.as_u16(), if may { 201 } else { 403 }, "{permission}: {}", answer.text());
        if may {
            let made = answer.json();
            let secret = made["token_value"].as_str().unwrap();
            let manager = world.control.tables().verify_management(secret, world.control.now()).unwrap();
            assert_eq!(manager.permissions(), PermissionSet::EMPTY.with(permission));
        }
    }
    world.control.close().await;
}
