//! Fields that would make somebody else the owner, or give more than was asked for: in bodies, queries and headers.

use serde_json::{Value, json};

use super::call;
use super::operations::Operation;
use crate::Fault;
use crate::arena::{Arena, accepted, text};
use crate::trial::{Trial, Verdict};
use crate::wire::Request;

/// Names of owners and of privileges, in the spellings of many frameworks.
fn fields(arena: &Arena) -> Vec<(&'static str, Value)> {
    let theirs = &arena.theirs;
    vec![
        ("workspace_id", json!(theirs.workspace_id)),
        ("workspaceId", json!(theirs.workspace_id)),
        ("workspace", json!(theirs.workspace_id)),
        ("owner", json!(theirs.workspace_id)),
        ("owner_id", json!(theirs.workspace_id)),
        ("user_id", json!("acc_00000000000000000000000000")),
        ("userId", json!("acc_00000000000000000000000000")),
        ("account_id", json!("acc_00000000000000000000000000")),
        ("tenant", json!(theirs.workspace_id)),
        ("tenant_id", json!(theirs.workspace_id)),
        ("created_by", json!("acc_00000000000000000000000000")),
        ("plan", json!("enterprise")),
        ("limits", json!({"concurrent_sessions_max": 1_000_000})),
        ("permissions", json!(["operate_instance"])),
        ("scopes", json!(["*"])),
        ("role", json!("admin")),
        ("is_operator", json!(true)),
        ("is_admin", json!(true)),
        ("admin", json!(true)),
        ("apikey_id", json!(theirs.key_id)),
        ("key_value", json!("vgk_chosen-by-the-attacker")),
        ("secret", json!("chosen")),
        ("hash", json!("00")),
        ("revision", json!(0)),
        ("rev", json!(0)),
        ("iss", json!("other")),
        ("aud", json!(["eu", "usa", "au"])),
        ("exp", json!(9_999_999_999_i64)),
        ("jti", json!("chosen")),
        ("__proto__", json!({"admin": true})),
        ("constructor", json!({"prototype": {"admin": true}})),
        ("$where", json!("1")),
        ("sub", json!(theirs.project_id.to_string())),
    ]
}

pub(super) async fn run(arena: &Arena, trial: &mut Trial, operations: &[Operation]) -> Result<(), Fault> {
    keys(arena, trial).await?;
    mints(arena, trial).await?;
    projects(arena, trial).await?;
    headers(arena, trial, operations).await;
    escalation(arena, trial).await;
    Ok(())
}

/// A key made with such a field is ours or none, and has no more than a key without it.
async fn keys(arena: &Arena, trial: &mut Trial) -> Result<(), Fault> {
    let mine = &arena.mine;
    for (name, value) in fields(arena) {
        let mut body = json!({"project_id": mine.project_id, "name": "injected"});
        body[name] = value;
        let answer =
            Request::new("POST", "/v1/api-keys").bearer(&mine.manager).json(&body).send(arena.home()).await;
        trial.attack(format!("tenants injected: a key with {name}"), judge_key(arena, &answer).await);
    }
    for name in ["workspace_id", "owner", "user_id", "tenant_id", "created_by"] {
        let body = json!({"project_id": mine.project_id, "name": "injected"});
        let path = format!("/v1/api-keys?{name}={}", arena.theirs.workspace_id);
        let answer = Request::new("POST", &path).bearer(&mine.manager).json(&body).send(arena.home()).await;
        trial.attack(
            format!("tenants injected: a key with {name} in the query"),
            judge_key(arena, &answer).await,
        );
    }
    Ok(())
}

async fn judge_key(arena: &Arena, answer: &crate::wire::Answer) -> Verdict {
    if answer.status != 201 {
        return Verdict::held_if((400..500).contains(&answer.status), || answer.shown());
    }
    let Ok(secret) = text(&answer.json(), "key_value") else { return Verdict::Otherwise(answer.shown()) };
    if !secret.starts_with("vgk_") || secret.contains("chosen") {
        return Verdict::Otherwise(format!("the secret was chosen: {}", answer.shown()));
    }
    let list = Request::new("GET", "/v1/api-keys").bearer(&arena.theirs.manager).send(arena.home()).await;
    let id = text(&answer.json(), "apikey_id").unwrap_or_default();
    let leaked = String::from_utf8_lossy(&list.body).contains(&id);
    // What it can do: our own job, not theirs; no other area than the home one.
    let theirs = Request::new("GET", &format!("/v2/jobs/{}", arena.theirs.job))
        .bearer(&secret)
        .send(arena.home())
        .await;
    let far = Request::new("GET", "/v2/jobs").bearer(&secret).send(arena.places().us1).await;
    let fine = !leaked && theirs.status == 404 && far.status == 403;
    Verdict::held_if(fine, || {
        format!("theirs: {}, another area: {}, in their list: {leaked}", theirs.status, far.status)
    })
}

/// A temporary key minted with such a field says what it would say without it.
async fn mints(arena: &Arena, trial: &mut Trial) -> Result<(), Fault> {
    let plain = arena.claims("rt").await?;
    for (name, value) in fields(arena) {
        let mut body = json!({"ttl": 600});
        body[name] = value;
        let answer = Request::new("POST", "/v1/api_keys?type=rt")
            .bearer(&arena.mine.key)
            .json(&body)
            .send(arena.home())
            .await;
        let verdict = if answer.status == 201 {
            let token = text(&answer.json(), "key_value")?;
            let claims = crate::arena::claims_of(&token)?;
            let same = [
                "iss",
                "aud",
                "sub",
                "project_id",
                "workspace_id",
                "apikey_id",
                "product",
                "leash",
                "client_ref",
            ]
            .iter()
            .all(|claim| claims[claim] == plain[claim]);
            let lasts = claims["exp"].as_i64().zip(claims["iat"].as_i64()).map(|(exp, iat)| exp - iat);
            Verdict::held_if(same && lasts == Some(600), || claims.to_string())
        } else {
            Verdict::held_if(answer.status == 422, || answer.shown())
        };
        trial.attack(format!("tenants injected: a mint with {name}"), verdict);
    }
    Ok(())
}

async fn projects(arena: &Arena, trial: &mut Trial) -> Result<(), Fault> {
    for (name, value) in fields(arena).into_iter().take(12) {
        let mut body = json!({"name": format!("injected {name}")});
        body[name] = value;
        let answer = Request::new("POST", "/v1/projects")
            .bearer(&arena.mine.manager)
            .json(&body)
            .send(arena.home())
            .await;
        let list = Request::new("GET", "/v1/projects").bearer(&arena.theirs.manager).send(arena.home()).await;
        let leaked = String::from_utf8_lossy(&list.body).contains("injected");
        let fine = !leaked && matches!(answer.status, 201 | 400 | 422);
        trial.attack(
            format!("tenants injected: a project with {name}"),
            Verdict::held_if(fine, || answer.shown()),
        );
    }
    let body = json!({"name": "plain"});
    let answer =
        Request::new("POST", "/v1/projects").bearer(&arena.mine.manager).json(&body).send(arena.home()).await;
    trial.control("a project", accepted(&answer, 201));
    Ok(())
}

/// Headers that name somebody else change nothing.
async fn headers(arena: &Arena, trial: &mut Trial, operations: &[Operation]) {
    let Some(projects) = operations.iter().find(|one| one.method == "GET" && one.path == "/v1/projects")
    else {
        return;
    };
    let plain = call(arena, projects, "/v1/projects", &arena.mine.manager, None).await;
    trial.control("our projects", accepted(&plain, 200));
    for name in [
        "x-workspace-id",
        "voxgate-workspace",
        "voxgate_workspace",
        "x-tenant-id",
        "x-user-id",
        "x-forwarded-user",
        "x-remote-user",
        "x-on-behalf-of",
        "x-impersonate-user",
        "x-original-url",
        "x-rewrite-url",
        "x-http-method-override",
    ] {
        let value = if name.contains("url") { "/v1/workspaces" } else { arena.theirs.workspace_id.as_str() };
        let request = Request::new("GET", "/v1/projects").bearer(&arena.mine.manager).with(name, value);
        let answer = request.send(arena.home()).await;
        let same = (answer.status, &answer.body) == (plain.status, &plain.body);
        trial.attack(format!("tenants injected: header {name}"), Verdict::held_if(same, || answer.shown()));
    }
}

/// Nobody gives more than they have.
async fn escalation(arena: &Arena, trial: &mut Trial) {
    let mine = &arena.mine;
    for (name, method, path, body) in [
        (
            "a token that operates",
            "POST",
            "/v1/management-tokens".to_owned(),
            json!({"name": "x", "permissions": ["operate_instance"]}),
        ),
        ("an account", "POST", "/v1/accounts".to_owned(), json!({"email": "x@example.org"})),
        ("a workspace", "POST", "/v1/workspaces".to_owned(), json!({"name": "x"})),
        (
            "a better plan",
            "PATCH",
            format!("/v1/workspaces/{}", mine.workspace_id),
            json!({"plan": "enterprise", "limits": {"concurrent_sessions_max": 9999}}),
        ),
        ("a rotation of signing keys", "POST", "/v1/signing-keys/rotate".to_owned(), json!({})),
        (
            "a member of theirs",
            "PUT",
            format!("/v1/workspaces/{}/members/acc_00000000000000000000000000", arena.theirs.workspace_id),
            json!({"role": "admin"}),
        ),
    ] {
        let answer = Request::new(method, &path).bearer(&mine.manager).json(&body).send(arena.home()).await;
        let fine = matches!(answer.status, 403 | 404);
        trial.attack(format!("tenants escalation: {name}"), Verdict::held_if(fine, || answer.shown()));
    }
}
