//! The document says what the routes do, and the routes do what the document says.

use std::collections::{BTreeMap, BTreeSet};

use axum::body::Body;
use domain::{Permission, Reason};
use http::Request;
use management::ManagementLimits;
use serde_json::{Value, json};

use crate::schema::problems;
use crate::world::{Answer, NO_LIMITS, World};

const METHODS: [&str; 5] = ["get", "post", "put", "patch", "delete"];

/// An operation as the document tells it.
#[derive(Debug, Clone)]
pub(crate) struct Operation {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) id: String,
    pub(crate) told: Value,
}

impl Operation {
    /// A path with ids that belong to nobody.
    pub(crate) fn filled(&self) -> String {
        self.with_ids(&BTreeMap::new())
    }

    /// A path with these ids, and nobody's for the rest.
    pub(crate) fn with_ids(&self, ids: &BTreeMap<&str, String>) -> String {
        let nobody = [
            ("apikey_id", "key_00000000000000000000000000"),
            ("project_id", "999999"),
            ("workspace_id", "ws_00000000000000000000000000"),
            ("account_id", "acc_00000000000000000000000000"),
            ("token_id", "mgt_00000000000000000000000000"),
            ("session_id", "ses_00000000000000000000000000"),
            ("webhook_id", "whk_00000000000000000000000000"),
            ("message_id", "msg_00000000000000000000000000"),
        ];
        let mut path = self.path.clone();
        for (name, id) in nobody {
            let id = ids.get(name).map_or(id, String::as_str);
            path = path.replace(&format!("{{{name}}}"), id);
        }
        assert!(!path.contains('{'), "{path}: a parameter that this test doesn't know");
        path
    }

    pub(crate) fn is_public(&self) -> bool {
        self.told.get("security").is_none()
    }

    pub(crate) fn has_body(&self) -> bool {
        self.told.get("requestBody").is_some()
    }

    pub(crate) fn takes_query(&self, name: &str) -> bool {
        let mut parameters = self.told["parameters"].as_array().into_iter().flatten();
        parameters.any(|parameter| parameter["name"] == name && parameter["in"] == "query")
    }

    /// The body of its example.
    pub(crate) fn example(&self) -> String {
        if !self.has_body() {
            return String::new();
        }
        if self.id.starts_with("create_api_key") {
            // Nothing in it is required by itself, but it must be one of two things.
            return r#"{"project_id":1}"#.to_owned();
        }
        self.told["requestBody"]["content"]["application/json"]["example"].to_string()
    }

    fn statuses(&self) -> BTreeSet<u16> {
        self.told["responses"].as_object().unwrap().keys().map(|status| status.parse().unwrap()).collect()
    }
}

/// Every operation of a document.
pub(crate) fn operations(document: &Value) -> Vec<Operation> {
    let mut all = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, told) in item.as_object().unwrap() {
            all.push(Operation {
                method: method.to_uppercase(),
                path: path.clone(),
                id: told["operationId"].as_str().unwrap().to_owned(),
                told: told.clone(),
            });
        }
    }
    all
}

/// Each path answers the methods that the document names, with and without a slash at its end, and no others: those are
/// 405 with `Allow`.
#[tokio::test]
async fn the_routes_are_those_of_the_document() {
    let world = World::new().await;
    let document = world.document().await;
    let operations = operations(&document);
    let ids: BTreeSet<&str> = operations.iter().map(|operation| operation.id.as_str()).collect();
    assert_eq!(ids.len(), operations.len(), "ids are unique");
    for path in document["paths"].as_object().unwrap().keys() {
        let known: Vec<&Operation> = operations.iter().filter(|operation| operation.path == *path).collect();
        for method in METHODS {
            for end in ["", "/"] {
                let filled = format!("{}{end}", known[0].filled());
                let answer = world.ask(&method.to_uppercase(), &filled, "", "").await;
                let is_known = known.iter().any(|operation| operation.method == method.to_uppercase());
                assert_eq!(answer.status == 405, !is_known, "{method} {filled}: {}", answer.text());
                if !is_known {
                    let allow = answer.headers["allow"].to_str().unwrap().to_owned();
                    let allowed: BTreeSet<&str> = allow.split(',').map(str::trim).collect();
                    let mut expected: BTreeSet<&str> =
                        known.iter().map(|operation| operation.method.as_str()).collect();
                    if expected.contains("GET") {
                        expected.insert("HEAD");
                    }
                    assert_eq!(allowed, expected, "{filled}");
                    answer.refused(405, "method_not_allowed");
                }
            }
        }
    }
    world.control.close().await;
}

/// What was answered so far, by operation and status; each answer was held against the document.
#[derive(Default)]
struct Seen(BTreeSet<(String, u16)>);

impl Seen {
    #[track_caller]
    fn note(&mut self, document: &Value, operation: &Operation, answer: &Answer) {
        let status = answer.status.as_u16();
        let what = format!("{} {} answers {status}", operation.method, operation.path);
        let told = operation.told["responses"].get(status.to_string());
        let told = told.unwrap_or_else(|| panic!("{what}, which isn't documented: {}", answer.text()));
        for header in told["headers"].as_object().into_iter().flatten().map(|(name, _)| name.to_lowercase()) {
            let is_there = answer.headers.contains_key(&header);
            // A temporary key changes nothing that gateways must be told.
            assert!(is_there || header == "voxgate-revision", "{what} without {header}");
        }
        match told["content"].as_object().and_then(|content| content.iter().next()) {
            None => assert!(answer.body.is_empty(), "{what} with a body: {}", answer.text()),
            Some((kind, content)) => {
                assert_eq!(answer.headers["content-type"].to_str().unwrap(), kind, "{what}");
                let found = problems(document, &content["schema"], &answer.json());
                assert!(found.is_empty(), "{what}: {found:?}\n{}", answer.text());
            }
        }
        self.0.insert((operation.id.trim_end_matches("_by_underscore").to_owned(), status));
    }
}

fn named<'a>(operations: &'a [Operation], id: &str) -> &'a Operation {
    operations.iter().find(|operation| operation.id == id).unwrap_or_else(|| panic!("no operation {id}"))
}

/// Every answer that the document tells of an operation is one that can be had, and looks as the document says.
#[tokio::test]
async fn every_documented_answer_is_real() {
    let world = World::new().await;
    let document = world.document().await;
    let operations = operations(&document);
    let mut seen = Seen::default();
    refusals(&world, &document, &operations, &mut seen).await;
    successes(&world, &document, &operations, &mut seen).await;
    too_fast(&document, &operations, &mut seen).await;
    world.control.close().await;
    for operation in operations.iter().filter(|operation| !operation.is_public()) {
        let token = world.secrets.management_token.expose();
        let answer = world.ask(&operation.method, &operation.filled(), token, &operation.example()).await;
        seen.note(&document, operation, &answer);
    }
    for operation in operations.iter().filter(|operation| !operation.id.ends_with("_by_underscore")) {
        for status in operation.statuses() {
            let is_seen = seen.0.contains(&(operation.id.clone(), status));
            // What nobody can bring about from outside is documented all the same: a failure of ours, anywhere; no
            // database, where none is read.
            // A path that can't be read is refused before it comes here.
            let is_internal = status == 500
                || (status == 503 && ["list_gateways", "list_sessions"].contains(&operation.id.as_str()))
                // It takes an open session, and a store that fails just then.
                || (status == 503 && operation.id == "end_session")
                || (status == 400 && operation.id == "jwks");
            assert!(is_seen || is_internal, "{} {status} was never seen", operation.id);
        }
    }
}

/// Each refusal that can be provoked the same way everywhere.
async fn refusals(world: &World, document: &Value, operations: &[Operation], seen: &mut Seen) {
    let workspace = world.secrets.workspace_id;
    let weak = world.token(workspace, &[Permission::ViewSessions]).await;
    let weak_at_sessions = world.token(workspace, &[Permission::EndSessions]).await;
    let strong = world.secrets.management_token.expose();
    let large = " ".repeat(management::BODY_BYTES_MAX + 1);
    for operation in operations.iter().filter(|operation| !operation.is_public()) {
        let (method, path, example) = (operation.method.as_str(), operation.filled(), operation.example());
        let mut answers = vec![
            world.ask(method, &path, "", &example).await,
            world.ask(method, &path, "vgm_x", &example).await,
            world.ask(method, &path, strong, &example).await,
        ];
        let twice = Request::builder().method(method).uri(&path).header("authorization", "Bearer a");
        let twice = twice.header("authorization", "Bearer b").body(Body::empty()).unwrap();
        answers.push(world.send(twice).await.refused(400, "credential_ambiguous"));
        let weak = if operation.id == "list_sessions" { &weak_at_sessions } else { &weak };
        answers.push(world.ask(method, &path, weak, &example).await.refused(403, "permission_missing"));
        for name in ["workspace_id", "limit", "wait", "type", "project_id", "since"] {
            if operation.takes_query(name) {
                let answer = world.ask(method, &format!("{path}?{name}=%20"), strong, &example).await;
                answers.push(answer.refused(422, "invalid_value"));
            }
        }
        if operation.path.contains("{project_id}") {
            let path = path.replace("999999", "x");
            answers.push(world.ask(method, &path, strong, &example).await.refused(422, "invalid_value"));
        }
        if operation.takes_query("workspace_id") {
            let elsewhere = format!("{path}?workspace_id=ws_00000000000000000000000000");
            answers.push(world.ask(method, &elsewhere, strong, &example).await.refused(404, "not_found"));
        }
        if operation.has_body() {
            answers.push(world.ask(method, &path, strong, "{").await.refused(400, "malformed_request"));
            answers.push(world.ask(method, &path, strong, &large).await.refused(413, "too_large"));
            answers.push(world.ask(method, &path, strong, "[]").await.refused(422, "invalid_value"));
        }
        for answer in answers {
            seen.note(document, operation, &answer);
        }
    }
}

/// A life of everything: made, read, changed, ended.
async fn successes(world: &World, document: &Value, operations: &[Operation], seen: &mut Seen) {
    let minted =
        world.ask("POST", "/v1/api-keys?type=rt", world.secrets.api_key.expose(), r#"{"ttl":60}"#).await;
    seen.note(document, named(operations, "create_api_key"), &minted.expect(201));
    let mut ids = BTreeMap::new();
    let mut call = async |id: &str, ids: &BTreeMap<&str, String>, query: &str, body: Value, status: u16| {
        let operation = named(operations, id);
        let path = format!("{}{query}", operation.with_ids(ids));
        let answer = world.operate(&operation.method, &path, body).await;
        seen.note(document, operation, &answer);
        answer.expect(status)
    };
    let made = call("create_workspace", &ids, "?wait=enforced", json!({"name": "w", "plan": "pro"}), 201)
        .await
        .json();
    ids.insert("workspace_id", made["workspace_id"].as_str().unwrap().to_owned());
    call("get_workspace", &ids, "", Value::Null, 200).await;
    let limits = json!({"limits": {"concurrent_sessions_max": 3, "enterprise": null}, "name": "v"});
    call("change_workspace", &ids, "", limits, 200).await;
    call("list_workspaces", &ids, "?limit=1", Value::Null, 200).await;

    let workspace = ids["workspace_id"].clone();
    let new = json!({"email": "a@example.org", "workspace_id": workspace, "role": "admin"});
    let made = call("create_account", &ids, "", new.clone(), 201).await.json();
    ids.insert("account_id", made["account_id"].as_str().unwrap().to_owned());
    call("create_account", &ids, "", new, 409).await;
    call("get_account", &ids, "", Value::Null, 200).await;
    call("create_password_link", &ids, "", Value::Null, 201).await;
    call("change_account", &ids, "", json!({"disabled": true}), 200).await;
    call("list_accounts", &ids, "?limit=1", Value::Null, 200).await;
    call("list_members", &ids, "", Value::Null, 200).await;
    call("set_member", &ids, "", json!({"role": "member"}), 403).await.refused(403, "last_admin");
    call("set_member", &ids, "", json!({"role": "admin"}), 200).await;
    call("remove_member", &ids, "", Value::Null, 403).await.refused(403, "last_admin");
    call("delete_account", &ids, "", Value::Null, 403).await.refused(403, "last_admin");
    let elsewhere = json!({"email": "b@example.org", "workspace_id": "ws_00000000000000000000000000"});
    call("create_account", &ids, "", elsewhere, 404).await;
    let second = call("create_account", &ids, "", json!({"email": "b@example.org"}), 201).await.json();
    let first = ids.insert("account_id", second["account_id"].as_str().unwrap().to_owned()).unwrap();
    call("set_member", &ids, "", json!({"role": "admin"}), 200).await;
    ids.insert("account_id", first);
    call("remove_member", &ids, "", Value::Null, 200).await;
    call("delete_account", &ids, "", Value::Null, 200).await;

    let project = call("create_project", &ids, "?wait=enforced", json!({"name": "p"}), 201).await.json();
    ids.insert("project_id", project["project_id"].to_string());
    call("list_projects", &ids, "", Value::Null, 200).await;
    call("list_projects", &ids, "?limit=1", Value::Null, 200).await;
    call("get_project", &ids, "", Value::Null, 200).await;
    call("rename_project", &ids, "", json!({"name": "q"}), 200).await;
    let new = json!({"project_id": project["project_id"], "name": "k", "client_ref": "u", "expires_at": "2030-01-01T00:00:00Z"});
    let key = call("create_api_key", &ids, "?wait=enforced", new, 201).await.json();
    ids.insert("apikey_id", key["apikey_id"].as_str().unwrap().to_owned());
    call("list_api_keys", &ids, "", Value::Null, 200).await;
    call("list_api_keys", &ids, "?limit=1", Value::Null, 200).await;
    call("create_api_key", &ids, "", json!({"project_id": 999_999}), 404).await;
    call("change_api_key", &ids, "?wait=enforced", json!({"name": "l", "networks": ["10.0.0.0/8"]}), 200)
        .await;
    let rotated = call("rotate_api_key", &ids, "", json!({"overlap_seconds": 60}), 201).await.json();
    let jti =
        json!({"jti": format!("{}.00000000000000000000000000", rotated["apikey_id"].as_str().unwrap())});
    call("revoke_temporary_keys", &ids, "?wait=enforced", jti, 200).await;
    let user = json!({"client_ref": "u", "project_id": project["project_id"]});
    call("revoke_temporary_keys", &ids, "", user.clone(), 200).await;
    call("readmit_client_ref", &ids, "", user.clone(), 200).await;
    call("readmit_client_ref", &ids, "", user, 404).await;
    call("delete_api_key", &ids, "?wait=enforced", Value::Null, 200).await;
    call("delete_project", &ids, "", Value::Null, 204).await;
    let project = call("create_project", &ids, "", json!({"name": "p"}), 201).await.json();
    ids.insert("project_id", project["project_id"].to_string());
    call("delete_project", &ids, "?wait=enforced", Value::Null, 200).await;

    let here = format!("?workspace_id={workspace}");
    let new = json!({"name": "t", "permissions": ["view_projects", "operate_instance"]});
    let token = call("create_management_token", &ids, &here, new, 201).await.json();
    ids.insert("token_id", token["token_id"].as_str().unwrap().to_owned());
    call("list_management_tokens", &ids, &here, Value::Null, 200).await;
    call("revoke_management_token", &ids, &here, Value::Null, 200).await;
    call("list_audit_events", &ids, "?scope=instance", Value::Null, 200).await;
    call("list_audit_events", &ids, "?limit=1", Value::Null, 200).await;
    let open = world.session(world.secrets.workspace_id, world.secrets.project_id);
    ids.insert("session_id", open.session_id.to_string());
    world.gateway(vec![open.clone(), world.session(open.workspace_id, open.project_id)]);
    call("list_sessions", &ids, "", Value::Null, 200).await;
    call("list_sessions", &ids, "?limit=1&region=eu1", Value::Null, 200).await;
    call("end_session", &ids, "", json!({"reason": "maintenance"}), 200).await;
    call("end_session", &ids, "", Value::Null, 404).await;
    call("get_usage", &ids, "", Value::Null, 200).await;
    let groups = "?since=2026-11-01&until=2027-01-31&group_by=day,project,api_key,client_ref,region,mode";
    call("get_usage", &ids, groups, Value::Null, 200).await;
    let project = world.secrets.project_id;
    let quota = json!({"project_id": project, "scope": "project", "audio_seconds_per_month_max": 60});
    call("set_quota", &ids, "?wait=enforced", quota, 200).await;
    call("list_quotas", &ids, "", Value::Null, 200).await;
    call("set_quota", &ids, "", json!({"project_id": project, "scope": "project"}), 200).await;
    let new = json!({"url": "https://voxgate.invalid/hook", "events": ["api_key.created"]});
    let webhook = call("create_webhook", &ids, "", new, 201).await.json();
    ids.insert("webhook_id", webhook["webhook_id"].as_str().unwrap().to_owned());
    call("list_webhooks", &ids, "", Value::Null, 200).await;
    call("rotate_webhook", &ids, "", json!({}), 200).await;
    call("create_api_key", &ids, "", json!({"project_id": project}), 201).await;
    let told = call("list_webhook_messages", &ids, "?limit=1", Value::Null, 200).await.json();
    ids.insert("message_id", told["messages"][0]["message_id"].as_str().unwrap().to_owned());
    call("resend_webhook_message", &ids, "", Value::Null, 200).await;
    call("remove_webhook", &ids, "", Value::Null, 200).await;
    call("list_gateways", &ids, "", Value::Null, 200).await;
    call("list_signing_keys", &ids, "", Value::Null, 200).await;
    call("rotate_signing_key", &ids, "?wait=enforced", json!({"now": true}), 201).await;
    call("jwks", &ids, "", Value::Null, 200).await;

    call("close_workspace", &ids, "", Value::Null, 204).await;
    let other = call("create_workspace", &ids, "", json!({"name": "w"}), 201).await.json();
    ids.insert("workspace_id", other["workspace_id"].as_str().unwrap().to_owned());
    call("close_workspace", &ids, "?wait=enforced", Value::Null, 200).await;
}

/// Each operation is held to the rates, and says so as documented.
async fn too_fast(document: &Value, operations: &[Operation], seen: &mut Seen) {
    let limits = ManagementLimits { network_calls_per_second_max: 1, ..NO_LIMITS };
    let world = World::with_limits(limits).await;
    world.ask("GET", "/openapi.json", "", "").await.expect(200);
    for operation in operations {
        let answer = world.ask(&operation.method, &operation.filled(), "", "").await;
        seen.note(document, operation, &answer.refused(429, "rate_limited"));
    }
    world.control.close().await;
}

/// The published Management API's shapes hold: its paths, its statuses of success, and what its answers must have.
#[tokio::test]
async fn the_published_shapes_hold() {
    let world = World::new().await;
    let document = world.document().await;
    let published = [
        (
            "get",
            "/v1/api-keys",
            "200",
            json!([{"apikey_id": "s", "name": "s", "created_at": "2026-01-01T00:00:00Z"}]),
        ),
        ("post", "/v1/api-keys", "201", json!({"key_value": "s", "apikey_id": "s"})),
        ("delete", "/v1/api-keys/{apikey_id}", "200", json!({"status": "OK"})),
        ("get", "/v1/projects", "200", json!([{"project_id": 1}])),
        ("post", "/v1/projects", "201", json!({"project_id": 1})),
        ("get", "/v1/projects/{project_id}", "200", json!({"project_id": 1})),
        ("put", "/v1/projects/{project_id}", "200", json!({"project_id": 1})),
        ("delete", "/v1/projects/{project_id}", "204", Value::Null),
    ];
    for (method, path, status, shape) in published {
        let told = &document["paths"][path][method]["responses"][status];
        assert!(told.is_object(), "{method} {path} {status}");
        let Some(schema) = told.pointer("/content/application~1json/schema") else {
            assert!(shape.is_null(), "{method} {path} has a body");
            continue;
        };
        // Ours promises more than is published, never another type: what is missing from the published shape is all
        // that may be wrong with it.
        let found = problems(&document, schema, &shape);
        let others: Vec<&String> = found
            .iter()
            .filter(|problem| !problem.ends_with("is missing") && !problem.contains("forms"))
            .collect();
        assert!(others.is_empty(), "{method} {path}: {others:?}");
    }
    let refusal = &document["components"]["schemas"]["Refusal"];
    for (field, kind) in [("code", "integer"), ("error", "string"), ("detail", "string")] {
        assert_eq!(refusal["properties"][field]["type"], kind);
    }
    world.control.close().await;
}

/// The document's reasons are those of the domain, its links lead somewhere, and the page shows every operation.
#[tokio::test]
async fn the_page_shows_everything() {
    let world = World::new().await;
    let document = world.document().await;
    let answer = world.ask("GET", "/docs", "", "").await.expect(200);
    let policy = answer.headers["content-security-policy"].to_str().unwrap().to_owned();
    assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
    let page = answer.text();
    assert!(!page.contains("<script") && !page.contains(" style=") && !page.contains("//cdn"), "{page}");
    for operation in operations(&document).iter().filter(|one| !one.id.ends_with("_by_underscore")) {
        assert!(page.contains(&format!("id=\"{}\"", operation.id)), "{}", operation.id);
        assert!(page.contains(operation.told["summary"].as_str().unwrap()), "{}", operation.id);
    }
    for reason in Reason::ALL {
        let link = format!("/docs/errors/{reason}");
        assert!(page.contains(&format!("href=\"{link}\"")), "{link}");
        let text = world.ask("GET", &link, "", "").await.expect(200).text();
        assert!(text.contains("What to do"), "{link}");
    }
    world.ask("GET", "/docs/errors/nothing", "", "").await.refused(404, "not_found");
    let style = world.ask("GET", "/docs/reference.css", "", "").await.expect(200);
    assert!(style.text().contains("prefers-color-scheme: dark"));
    world.control.close().await;
}

/// The document as a whole: a change of it is a change of the product, and is seen in review.
#[tokio::test]
async fn the_document_is_reviewed() {
    let world = World::new().await;
    let document = world.document().await;
    let mut lines = String::new();
    for operation in operations(&document) {
        let statuses: Vec<String> = operation.statuses().iter().map(u16::to_string).collect();
        let parameters = operation.told["parameters"].as_array().cloned().unwrap_or_default();
        let parameters: Vec<&str> = parameters.iter().filter_map(|one| one["name"].as_str()).collect();
        lines.push_str(&format!(
            "{} {} ({}) [{}] {}\n",
            operation.method,
            operation.path,
            operation.id,
            parameters.join(" "),
            statuses.join(" ")
        ));
    }
    insta::assert_snapshot!(lines);
    world.control.close().await;
}
