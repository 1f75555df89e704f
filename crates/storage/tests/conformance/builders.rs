//! Things to put into a store.

use domain::{
    Account, AccountId, Algorithm, ApiKey, ApiKeyId, Area, AreaSet, KeyState, Kid, ManagementToken,
    ManagementTokenId, Networks, OwnLimits, PermissionSet, Plan, ProductSet, Project, ProjectId, Rng,
    SecretHash, SigningKeyState, SystemRng, Timestamp, VerifyingKey, Workspace, WorkspaceId,
};
use storage::{
    AuditAction, AuditEntry, BatchPlace, Committed, NewProject, Store, StoredAccount, StoredSigningKey,
};

pub(crate) fn at(second: i64) -> Timestamp {
    Timestamp::from_seconds(1_800_000_000 + second)
}

pub(crate) fn audit() -> AuditEntry {
    AuditEntry {
        at: at(0),
        workspace_id: None,
        actor: String::from("pseudonym"),
        from: None,
        action: AuditAction::ApiKeyCreated,
        subject: String::from("subject"),
        detail: String::new(),
        names: Vec::new(),
    }
}

/// A batch that isn't known to be the oldest of its journal.
pub(crate) fn batch(journal: &str, number: u64) -> BatchPlace<'_> {
    BatchPlace { journal, number, is_oldest: false }
}

pub(crate) fn workspace(name: &str) -> Workspace {
    Workspace {
        id: WorkspaceId::generate(at(0), &SystemRng),
        name: name.to_owned(),
        plan: Plan::Pro,
        home_area: Area::Eu,
        own_limits: OwnLimits::default(),
        created_at: at(0),
    }
}

pub(crate) fn new_project(workspace_id: WorkspaceId, name: &str) -> NewProject {
    NewProject {
        workspace_id,
        name: name.to_owned(),
        description: String::from("what it is for"),
        is_default: false,
        created_at: at(0),
    }
}

pub(crate) fn random_hash() -> SecretHash {
    let mut bytes = [0; 32];
    SystemRng.fill(&mut bytes);
    SecretHash::from_bytes(bytes)
}

pub(crate) fn api_key(workspace_id: WorkspaceId, project_id: ProjectId, name: &str) -> ApiKey {
    ApiKey {
        id: ApiKeyId::generate(at(0), &SystemRng),
        hash: random_hash(),
        project_id,
        workspace_id,
        name: name.to_owned(),
        hint: String::from("vgk_…abcd"),
        created_by: None,
        created_at: at(0),
        expires_at: None,
        last_used_at: None,
        temporary_keys_last_used_at: None,
        imported_at: None,
        areas: AreaSet::EMPTY.with(Area::Eu),
        products: ProductSet::default_for_keys(),
        networks: Networks::default(),
        client_ref: None,
        rotated_from: None,
        state: KeyState::Active,
    }
}

pub(crate) fn management_token(workspace_id: WorkspaceId, name: &str) -> ManagementToken {
    ManagementToken {
        id: ManagementTokenId::generate(at(0), &SystemRng),
        hash: random_hash(),
        workspace_id,
        name: name.to_owned(),
        hint: String::from("vgm_…abcd"),
        permissions: PermissionSet::all(),
        created_at: at(0),
        last_used_at: None,
        state: KeyState::Active,
    }
}

pub(crate) fn signing_key(kid: &str) -> StoredSigningKey {
    StoredSigningKey {
        verifying_key: VerifyingKey {
            kid: Kid::new(kid),
            algorithm: Algorithm::EdDsa,
            public_key: vec![7; 32],
            retired_at: None,
        },
        sealed_private_key: vec![1, 2, 3],
        state: SigningKeyState::Published,
        created_at: at(0),
    }
}

pub(crate) fn account(email: &str) -> StoredAccount {
    StoredAccount {
        account: Account {
            id: AccountId::generate(at(0), &SystemRng),
            email: email.to_owned(),
            created_at: at(0),
            disabled_at: None,
            is_operator: false,
            time_zone: String::from("UTC"),
            email_verified_at: None,
        },
        password_hash: String::from("$argon2id$…"),
    }
}

/// A workspace with a project.
pub(crate) async fn owner(store: &Store, name: &str) -> (Workspace, Project) {
    let workspace = workspace(name);
    let mut change = store.change().await.unwrap();
    change.insert_workspace(&workspace, workspace.plan.default_limits()).await.unwrap();
    let project = change.insert_project(new_project(workspace.id, "first")).await.unwrap();
    change.publish(&audit()).await.unwrap();
    (workspace, project)
}

pub(crate) async fn insert_key(store: &Store, key: &ApiKey) -> Committed {
    let mut change = store.change().await.unwrap();
    change.insert_api_key(key).await.unwrap();
    change.publish(&audit()).await.unwrap()
}
