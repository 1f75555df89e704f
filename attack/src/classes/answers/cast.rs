//! Credentials of every state that the table knows.

use credentials::SecretKind;
use domain::SystemRng;
use serde_json::{Value, json};

use crate::Fault;
use crate::arena::forge::Forge;
use crate::arena::{Arena, text};
use crate::classes::mistyped;

/// A credential that is refused everywhere in the same way.
#[derive(Debug)]
pub(super) struct Bad {
    pub(super) what: &'static str,
    pub(super) credential: String,
    pub(super) reason: &'static str,
}

/// Who plays in the rows.
#[derive(Debug)]
pub(super) struct Cast {
    /// Refused with 401 everywhere.
    pub(super) bad: Vec<Bad>,
    /// An API key of another area, and a temporary key of it for realtime.
    pub(super) usa_key: String,
    pub(super) usa_token: String,
    /// Temporary keys of ours.
    pub(super) rt: String,
    pub(super) batch: String,
    pub(super) bound: String,
    /// An API key for realtime alone.
    pub(super) rt_key: String,
    /// An API key of a workspace without an enterprise plan.
    pub(super) pro_key: String,
    /// Credentials that may be used elsewhere, or from other pages.
    pub(super) elsewhere_key: String,
    pub(super) elsewhere_rt: String,
    pub(super) page_rt: String,
    /// A management token that may read projects and nothing else.
    pub(super) reader: String,
}

impl Cast {
    pub(super) async fn assemble(arena: &Arena) -> Result<Self, Fault> {
        let mine = &arena.mine;
        let (_, usa_key) = arena.key_of(mine, json!({"areas": ["usa"]})).await?;
        let usa_token = arena.mint(&usa_key, "rt", json!({"region": "usa"})).await?;
        let (_, rt_key) = arena.key_of(mine, json!({"products": ["rt"]})).await?;
        let (_, elsewhere_key) = arena.key_of(mine, json!({"networks": ["192.0.2.0/24"]})).await?;
        let pro = arena.workspace("pro").await?;
        let (_, pro_key) = arena.key_in(&pro, json!({})).await?;
        let body = json!({"name": "reader", "permissions": ["view_projects"]});
        let path = format!("/v1/management-tokens?workspace_id={}", mine.workspace_id);
        let reader = arena.manage(&arena.operator, "POST", &path, Some(&body), 201).await?;
        Ok(Self {
            bad: bad(arena).await?,
            usa_key,
            usa_token,
            rt: arena.mint(&mine.key, "rt", json!({})).await?,
            batch: arena.mint(&mine.key, "batch", json!({})).await?,
            bound: arena.mint(&mine.key, "batch", json!({"client_ref": "row"})).await?,
            rt_key,
            pro_key,
            elsewhere_key,
            elsewhere_rt: arena.mint(&mine.key, "rt", json!({"networks": ["192.0.2.0/24"]})).await?,
            page_rt: arena.mint(&mine.key, "rt", json!({"origins": ["https://app.example"]})).await?,
            reader: text(&reader, "token_value")?,
        })
    }
}

fn one(what: &'static str, credential: impl Into<String>, reason: &'static str) -> Bad {
    Bad { what, credential: credential.into(), reason }
}

async fn bad(arena: &Arena) -> Result<Vec<Bad>, Fault> {
    let mine = &arena.mine;
    let key = &mine.key;
    let unknown = SecretKind::ApiKey.generate(&SystemRng);
    let forge = &arena.forge;
    let claims = arena.claims("rt").await?;
    let with = |name: &str, value: Value| {
        let mut bent = claims.clone();
        bent[name] = value;
        bent
    };
    let now = claims["iat"].as_i64().unwrap_or_default();
    let mut over = with("exp", json!(now - 100));
    over["iat"] = json!(now - 200);
    over["nbf"] = json!(now - 200);
    let mut early = with("iat", json!(now + 1000));
    early["nbf"] = json!(now + 1000);
    early["exp"] = json!(now + 1100);
    let foreign = Forge::foreign();
    let mut all = vec![
        one("nonsense", "nonsense", "credential_unknown"),
        one("a bad checksum", mistyped(key), "credential_unknown"),
        one("a key cut short", &key[..key.len() - 3], "credential_unknown"),
        one("an unknown key of our form", unknown.expose(), "credential_unknown"),
        one("a text with dots", "a.b.c", "credential_unknown"),
        one("a foreign signature", foreign.token(foreign.header(), claims.to_string()), "token_invalid"),
        one(
            "another alg",
            forge.token(forge.header().replace("EdDSA", "HS256"), claims.to_string()),
            "token_invalid",
        ),
        one(
            "another typ",
            forge.token(forge.header().replace("temporary-key+jwt", "JWT"), claims.to_string()),
            "token_invalid",
        ),
        one(
            "another iss",
            forge.of_claims(&with("iss", json!("vox_00000000000000000000000000"))),
            "token_invalid",
        ),
        one("a token that is over", forge.of_claims(&over), "credential_expired"),
        one("a token that is early", forge.of_claims(&early), "credential_early"),
    ];
    all.extend(revoked(arena).await?);
    Ok(all)
}

/// Everything that a credential can die of.
async fn revoked(arena: &Arena) -> Result<Vec<Bad>, Fault> {
    let mine = &arena.mine;
    let manager = &mine.manager;
    let (id, own) = arena.key_of(mine, json!({})).await?;
    let child = arena.mint(&own, "rt", json!({})).await?;
    arena.manage(manager, "DELETE", &format!("/v1/api-keys/{id}"), None, 200).await?;

    let single = arena.mint(&mine.key, "rt", json!({})).await?;
    let body = json!({"key_value": single});
    arena.manage(manager, "POST", "/v1/temporary-keys/revoke", Some(&body), 200).await?;

    let bound = arena.mint(&mine.key, "rt", json!({"client_ref": "shut-out"})).await?;
    let body = json!({"client_ref": "shut-out", "project_id": mine.project_id});
    arena.manage(manager, "POST", "/v1/temporary-keys/revoke", Some(&body), 200).await?;

    let project = arena.manage(manager, "POST", "/v1/projects", Some(&json!({"name": "short"})), 201).await?;
    let number = project["project_id"].as_i64().unwrap_or_default();
    let (_, of_project) = arena.key_of(mine, json!({"project_id": number})).await?;
    let of_project_token = arena.mint(&of_project, "rt", json!({})).await?;
    arena.manage(manager, "DELETE", &format!("/v1/projects/{number}"), None, 204).await?;

    let workspace = arena.workspace("short").await?;
    let (_, of_workspace) = arena.key_in(&workspace, json!({})).await?;
    let path = format!("/v1/workspaces/{}", workspace.workspace_id);
    arena.manage(&arena.operator, "DELETE", &path, None, 204).await?;

    // Whole seconds: two of them are at least one away.
    let (_, expiring) = arena.key_of(mine, json!({"expires_at": arena.in_seconds(2)?})).await?;
    tokio::time::sleep(std::time::Duration::from_millis(2200)).await;
    Ok(vec![
        one("a revoked key", own, "credential_revoked"),
        one("a child of a revoked key", child, "credential_revoked"),
        one("a revoked temporary key", single, "credential_revoked"),
        one("a revoked client_ref's", bound, "credential_revoked"),
        one("a deleted project's key", of_project, "credential_revoked"),
        one("a deleted project's temporary key", of_project_token, "credential_revoked"),
        one("a closed workspace's key", of_workspace, "credential_revoked"),
        one("an expired key", expiring, "credential_expired"),
    ])
}
