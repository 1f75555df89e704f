//! API keys, projects, management tokens, accounts: made, used, refused.

use control::{
    AddMemberError, ChangeKeyError, CreateAccountError, CreateKeyError, CreateProjectError, CreateTokenError,
    DeleteProjectError, KeyChange, ListKeysError, NewKey, NewProject, RenameProjectError, RevokeKeyError,
    RevokeTokenError,
};
use domain::limits::{
    KEYS_PER_PROJECT_MAX, NAME_CHARACTERS_MAX, NETWORKS_ENTRIES_MAX, PROJECTS_PER_WORKSPACE_MAX,
};
use domain::{
    AccountId, Area, AreaSet, ManagementTokenId, Networks, Permission, PermissionSet, Plan, Product,
    ProductSet, ProjectId, Reason, Region, Role, WorkspaceId,
};
use storage::{AuditAction, AuditEntry, Store};

use crate::support::{ACTOR, Follower, Instance, PEER, reason, request, verify};

/// A key works, here and at a gateway, when its making is answered; it and what was born of it are refused when its
/// revocation is answered.
#[tokio::test]
async fn a_key_works_from_its_answer_on_until_its_revocation_is_answered() {
    let instance = Instance::new().await;
    let gateway = Follower::attach(&instance.control, "eu1/a");
    let (workspace, project) = instance.workspace(Plan::Pro).await;
    let made = instance.key(&workspace, NewKey::named(project.id, "k")).await;
    let temporary = instance.mint(made.secret.expose(), &request(Product::Batch)).unwrap();
    let presented = [made.secret.expose(), temporary.key_value.as_str()];
    let now = instance.control.now();
    for credential in presented {
        let principal = instance.verify(credential, Product::Batch, Region::Eu1).unwrap();
        assert_eq!((principal.api_key_id(), principal.project_id()), (made.key.id, project.id));
        assert!(verify(&gateway.tables, credential, Product::Batch, Region::Eu1, now).is_ok());
    }
    let revision = instance.control.revoke_key(&ACTOR, workspace.id, made.key.id).await.unwrap();
    assert!(revision > made.revision);
    for credential in presented {
        assert_eq!(
            reason(instance.verify(credential, Product::Batch, Region::Eu1)),
            Reason::CredentialRevoked
        );
        let at_gateway = verify(&gateway.tables, credential, Product::Batch, Region::Eu1, now);
        assert_eq!(reason(at_gateway), Reason::CredentialRevoked);
    }
    assert_eq!(
        reason(instance.mint(made.secret.expose(), &request(Product::Batch))),
        Reason::CredentialRevoked
    );
    let again = instance.control.revoke_key(&ACTOR, workspace.id, made.key.id).await;
    assert!(matches!(again, Err(RevokeKeyError::AlreadyRevoked)));
    let listed = instance.control.list_keys(workspace.id, Some(project.id)).await.unwrap();
    assert_eq!(listed[0].state.revoked_at(), Some(now));
}

/// Without other wishes a key is for batch and rt in the home area; the stored form shows a hint and no secret.
#[tokio::test]
async fn a_key_has_the_documented_defaults() {
    let instance = Instance::new().await;
    let (workspace, project) = instance.workspace(Plan::Free).await;
    let made = instance.key(&workspace, NewKey::named(project.id, "k")).await;
    assert_eq!(made.key.areas, AreaSet::EMPTY.with(Area::Eu));
    assert_eq!(made.key.products, ProductSet::default_for_keys());
    assert_eq!((made.key.expires_at, made.key.client_ref.clone()), (None, None));
    assert_eq!(made.key.hint, made.secret.hint());
    assert_eq!(instance.control.find_key(workspace.id, made.key.id).await.unwrap(), Some(made.key));
}

/// Every value of a new key has its limit, and holds on both sides of it.
#[tokio::test]
async fn values_out_of_range_are_refused() {
    let instance = Instance::new().await;
    let (pro, project) = instance.workspace(Plan::Pro).await;
    let (enterprise, other) = instance.workspace(Plan::Enterprise).await;
    let now = instance.control.now();
    let networks = |count: usize| Networks(vec!["192.0.2.0/24".parse().unwrap(); count]);
    let several = Some(AreaSet::EMPTY.with(Area::Eu).with(Area::Usa));
    let named = |name: &str| NewKey::named(project.id, name);
    let allowed = [
        named(&"x".repeat(NAME_CHARACTERS_MAX)),
        NewKey { expires_at: Some(now.plus_seconds(1)), ..named("k") },
        NewKey { networks: networks(NETWORKS_ENTRIES_MAX), ..named("k") },
        NewKey { areas: Some(AreaSet::EMPTY.with(Area::Au)), ..named("k") },
    ];
    for new in allowed {
        instance.control.create_key(&ACTOR, pro.id, new).await.unwrap();
    }
    let of_enterprise = NewKey { areas: several, ..NewKey::named(other.id, "k") };
    assert_eq!(instance.key(&enterprise, of_enterprise).await.key.areas.len(), 2);

    let make = async |new| instance.control.create_key(&ACTOR, pro.id, new).await.unwrap_err();
    assert!(matches!(make(named("")).await, CreateKeyError::InvalidName));
    assert!(matches!(make(named(&"x".repeat(NAME_CHARACTERS_MAX + 1))).await, CreateKeyError::InvalidName));
    let expired = NewKey { expires_at: Some(now), ..named("k") };
    assert!(matches!(make(expired).await, CreateKeyError::ExpiresInPast));
    let many = NewKey { networks: networks(NETWORKS_ENTRIES_MAX + 1), ..named("k") };
    assert!(matches!(make(many).await, CreateKeyError::TooManyNetworks));
    assert!(matches!(make(NewKey { areas: several, ..named("k") }).await, CreateKeyError::SeveralAreas));
    let nowhere = NewKey { areas: Some(AreaSet::EMPTY), ..named("k") };
    assert!(matches!(make(nowhere).await, CreateKeyError::NoAreas));
    let useless = NewKey { products: Some(ProductSet::EMPTY), ..named("k") };
    assert!(matches!(make(useless).await, CreateKeyError::NoProducts));
    assert!(matches!(make(NewKey::named(other.id, "k")).await, CreateKeyError::ProjectNotFound));
    assert!(matches!(make(NewKey::named(ProjectId::new(99), "k")).await, CreateKeyError::ProjectNotFound));
}

/// Another workspace's key is unknown; its owner finds it.
#[tokio::test]
async fn another_workspaces_key_is_unknown() {
    let instance = Instance::new().await;
    let (mine, project) = instance.workspace(Plan::Pro).await;
    let (other, _) = instance.workspace(Plan::Pro).await;
    let id = instance.key(&mine, NewKey::named(project.id, "k")).await.key.id;
    let control = &instance.control;
    assert!(control.find_key(other.id, id).await.unwrap().is_none());
    assert!(matches!(
        control.list_keys(other.id, Some(project.id)).await,
        Err(ListKeysError::ProjectNotFound)
    ));
    assert!(control.list_keys(other.id, None).await.unwrap().is_empty());
    assert!(matches!(control.revoke_key(&ACTOR, other.id, id).await, Err(RevokeKeyError::NotFound)));
    assert!(control.find_key(mine.id, id).await.unwrap().is_some());
    control.revoke_key(&ACTOR, mine.id, id).await.unwrap();
}

/// A key of a network is refused elsewhere, one that expires is refused afterwards, each with its reason.
#[tokio::test]
async fn networks_and_expiry_of_a_key_reach_verification() {
    let instance = Instance::new().await;
    let (workspace, project) = instance.workspace(Plan::Pro).await;
    let elsewhere = Networks(vec!["198.51.100.0/24".parse().unwrap()]);
    let bound = NewKey { networks: elsewhere, ..NewKey::named(project.id, "bound") };
    let bound = instance.key(&workspace, bound).await;
    assert_eq!(
        reason(instance.verify(bound.secret.expose(), Product::Rt, Region::Eu1)),
        Reason::NetworkDenied
    );
    let expires_at = Some(instance.control.now().plus_seconds(100));
    let short = instance.key(&workspace, NewKey { expires_at, ..NewKey::named(project.id, "short") }).await;
    assert!(instance.verify(short.secret.expose(), Product::Rt, Region::Eu1).is_ok());
    instance.clock.advance_seconds(100);
    assert_eq!(
        reason(instance.verify(short.secret.expose(), Product::Rt, Region::Eu1)),
        Reason::CredentialExpired
    );
}

/// A project takes as many living keys as it may and not one more; a revoked one makes room.
#[tokio::test]
async fn a_project_has_a_maximum_of_keys() {
    let instance = Instance::new().await;
    let (workspace, project) = instance.workspace(Plan::Pro).await;
    let template = instance.key(&workspace, NewKey::named(project.id, "k")).await.key;
    instance.control.close().await;
    let store = Store::open_file(&instance.folder.path().join("voxgate.db")).await.unwrap();
    let mut change = store.change().await.unwrap();
    for number in 2..u128::from(KEYS_PER_PROJECT_MAX) {
        let mut key = template.clone();
        key.id = domain::ApiKeyId::from_u128(number);
        key.hash = credentials::hash_secret(&number.to_string());
        change.insert_api_key(&key).await.unwrap();
    }
    publish(change).await;
    store.close().await.unwrap();

    let instance = instance.crash().await;
    instance.key(&workspace, NewKey::named(project.id, "the last")).await;
    let full =
        instance.control.create_key(&ACTOR, workspace.id, NewKey::named(project.id, "k")).await.unwrap_err();
    assert!(matches!(full, CreateKeyError::ProjectFull));
    assert_eq!(full.to_string(), "project has maximum number of api keys already");
    instance.control.revoke_key(&ACTOR, workspace.id, template.id).await.unwrap();
    instance.key(&workspace, NewKey::named(project.id, "k")).await;
}

/// A key that has expired comes back only where the project has room for it; other changes of it, and keys that live, need none.
#[tokio::test]
async fn an_expired_key_comes_back_where_there_is_room() {
    let instance = Instance::new().await;
    instance.control.close().await;
    let mut config = instance.config();
    config.plan_limits.free =
        Some(domain::PlanLimits { api_keys_per_project_max: 1, ..Plan::Free.default_limits() });
    let rng = std::sync::Arc::new(domain::SystemRng);
    let control = control::Control::open(config, instance.clock.clone(), rng).await.unwrap();
    let new = control::NewWorkspace { name: String::from("w"), plan: Plan::Free, home_area: Area::Eu };
    let made = control.create_workspace(&ACTOR, new).await.unwrap();
    let workspace = made.workspace.id;
    let key = async |name| {
        let new = NewKey::named(made.default_project.id, name);
        control.create_key(&ACTOR, workspace, new).await.unwrap().key.id
    };
    let expire_at = async |id, expires_at| {
        let change = KeyChange { expires_at: Some(expires_at), ..KeyChange::default() };
        control.change_key(&ACTOR, workspace, id, change).await
    };
    let (past, future) = (control.now().plus_seconds(-1), control.now().plus_seconds(60));
    let old = key("old").await;
    expire_at(old, Some(past)).await.unwrap();
    let new = key("new").await;
    for back in [None, Some(future)] {
        let full = expire_at(old, back).await.unwrap_err();
        assert!(matches!(full, ChangeKeyError::ProjectFull), "{full:?}");
        assert_eq!(full.to_string(), "project has maximum number of api keys already");
    }
    let stored = control.find_key(workspace, old).await.unwrap().unwrap();
    assert_eq!(stored.expires_at, Some(past));
    let renamed = KeyChange { name: Some(String::from("older")), ..KeyChange::default() };
    control.change_key(&ACTOR, workspace, old, renamed).await.unwrap();
    expire_at(new, Some(future)).await.unwrap();
    expire_at(new, None).await.unwrap();
    control.revoke_key(&ACTOR, workspace, new).await.unwrap();
    expire_at(old, None).await.unwrap();
    control.close().await;
}

/// The instance says per plan how many keys and projects there may be; another plan keeps its own number.
#[tokio::test]
async fn plans_say_how_many() {
    let instance = Instance::new().await;
    instance.control.close().await;
    let mut config = instance.config();
    let few =
        domain::PlanLimits { api_keys_per_project_max: 1, projects_max: 1, ..Plan::Free.default_limits() };
    config.plan_limits.free = Some(few);
    let control =
        control::Control::open(config, instance.clock.clone(), std::sync::Arc::new(domain::SystemRng))
            .await
            .unwrap();
    for (plan, is_full) in [(Plan::Free, true), (Plan::Pro, false)] {
        let new = control::NewWorkspace { name: String::from("w"), plan, home_area: Area::Eu };
        let made = control.create_workspace(&ACTOR, new).await.unwrap();
        let key = || NewKey::named(made.default_project.id, "k");
        control.create_key(&ACTOR, made.workspace.id, key()).await.unwrap();
        let second = control.create_key(&ACTOR, made.workspace.id, key()).await;
        assert_eq!(matches!(second, Err(CreateKeyError::ProjectFull)), is_full);
        let new = control::NewProject { name: String::from("p"), description: String::new() };
        let project = control.create_project(&ACTOR, made.workspace.id, new).await;
        assert_eq!(matches!(project, Err(CreateProjectError::WorkspaceFull { max: 1 })), is_full);
    }
    control.close().await;
}

async fn publish(change: storage::ChangeTx) {
    let entry = AuditEntry {
        at: crate::support::start_time(),
        workspace_id: None,
        actor: String::from("test"),
        from: None,
        action: AuditAction::ApiKeyCreated,
        subject: String::new(),
        detail: String::new(),
        names: Vec::new(),
    };
    change.publish(&entry).await.unwrap();
}

/// Deleting a project kills its keys and what they minted; the default one can't be deleted, another's is unknown.
#[tokio::test]
async fn a_deleted_project_takes_its_keys_along() {
    let instance = Instance::new().await;
    let control = &instance.control;
    let (workspace, default) = instance.workspace(Plan::Pro).await;
    let (other, _) = instance.workspace(Plan::Pro).await;
    let new = NewProject { name: String::from("p"), description: String::new() };
    let project = control.create_project(&ACTOR, workspace.id, new).await.unwrap().project;
    let made = instance.key(&workspace, NewKey::named(project.id, "k")).await;
    let kept = instance.key(&workspace, NewKey::named(default.id, "k")).await;
    let temporary = instance.mint(made.secret.expose(), &request(Product::Rt)).unwrap();

    let foreign = control.delete_project(&ACTOR, other.id, project.id).await;
    assert!(matches!(foreign, Err(DeleteProjectError::NotFound)));
    let default_one = control.delete_project(&ACTOR, workspace.id, default.id).await;
    assert!(matches!(default_one, Err(DeleteProjectError::IsDefault)));
    assert!(instance.verify(made.secret.expose(), Product::Rt, Region::Eu1).is_ok());
    control.delete_project(&ACTOR, workspace.id, project.id).await.unwrap();
    for credential in [made.secret.expose(), temporary.key_value.as_str()] {
        assert_eq!(reason(instance.verify(credential, Product::Rt, Region::Eu1)), Reason::CredentialRevoked);
    }
    assert!(instance.verify(kept.secret.expose(), Product::Rt, Region::Eu1).is_ok());
    let again = control.delete_project(&ACTOR, workspace.id, project.id).await;
    assert!(matches!(again, Err(DeleteProjectError::NotFound)));
    assert_eq!(control.list_projects(workspace.id).await.unwrap().len(), 1);
}

/// Projects are renamed by their owner only; names have their limit; a workspace takes as many as it may.
#[tokio::test]
async fn projects_have_limits() {
    let instance = Instance::new().await;
    let control = &instance.control;
    let (workspace, project) = instance.workspace(Plan::Pro).await;
    let (other, _) = instance.workspace(Plan::Pro).await;
    let renamed = control.rename_project(&ACTOR, workspace.id, project.id, "new name").await.unwrap();
    assert_eq!(renamed.name, "new name");
    let foreign = control.rename_project(&ACTOR, other.id, project.id, "stolen").await;
    assert!(matches!(foreign, Err(RenameProjectError::NotFound)));
    let blank = control.rename_project(&ACTOR, workspace.id, project.id, " ").await;
    assert!(matches!(blank, Err(RenameProjectError::InvalidName)));
    let new = |description: &str| NewProject { name: String::from("p"), description: description.to_owned() };
    let wordy = control.create_project(&ACTOR, workspace.id, new(&"x".repeat(1001))).await;
    assert!(matches!(wordy, Err(CreateProjectError::InvalidDescription)));
    control.create_project(&ACTOR, workspace.id, new(&"x".repeat(1000))).await.unwrap();
    let nowhere = control.create_project(&ACTOR, WorkspaceId::from_u128(1), new("")).await;
    assert!(matches!(nowhere, Err(CreateProjectError::WorkspaceNotFound)));

    control.close().await;
    let store = Store::open_file(&instance.folder.path().join("voxgate.db")).await.unwrap();
    let mut change = store.change().await.unwrap();
    for _ in 2..PROJECTS_PER_WORKSPACE_MAX - 1 {
        let new = storage::NewProject {
            workspace_id: workspace.id,
            name: String::from("p"),
            description: String::new(),
            is_default: false,
            created_at: crate::support::start_time(),
        };
        change.insert_project(new).await.unwrap();
    }
    publish(change).await;
    store.close().await.unwrap();
    let instance = instance.crash().await;
    instance.control.create_project(&ACTOR, workspace.id, new("")).await.unwrap();
    let full = instance.control.create_project(&ACTOR, workspace.id, new("")).await;
    assert!(matches!(full, Err(CreateProjectError::WorkspaceFull { max: PROJECTS_PER_WORKSPACE_MAX })));
}

/// A management token has the permissions that it was made with, and none once it is revoked.
#[tokio::test]
async fn a_management_token_works_until_it_is_revoked() {
    let instance = Instance::new().await;
    let control = &instance.control;
    let (workspace, _) = instance.workspace(Plan::Pro).await;
    let (other, _) = instance.workspace(Plan::Pro).await;
    let permissions = PermissionSet::EMPTY.with(Permission::ViewApiKeys);
    let made = control.create_management_token(&ACTOR, workspace.id, "t", permissions).await.unwrap();
    let manager = control.tables().verify_management(made.secret.expose(), control.now()).unwrap();
    assert_eq!((manager.token_id(), manager.workspace_id()), (made.token.id, workspace.id));
    assert!(manager.needs(Permission::ViewApiKeys).is_ok());
    assert!(manager.needs(Permission::CreateApiKeys).is_err());
    assert_eq!(
        reason(control.tables().mint_rights(made.secret.expose(), PEER, control.now())),
        Reason::CannotMint
    );

    let nothing = control.create_management_token(&ACTOR, workspace.id, "t", PermissionSet::EMPTY).await;
    assert!(matches!(nothing, Err(CreateTokenError::NoPermissions)));
    let nameless = control.create_management_token(&ACTOR, workspace.id, "", permissions).await;
    assert!(matches!(nameless, Err(CreateTokenError::InvalidName)));
    let nowhere = control.create_management_token(&ACTOR, WorkspaceId::from_u128(1), "t", permissions).await;
    assert!(matches!(nowhere, Err(CreateTokenError::WorkspaceNotFound)));

    let foreign = control.revoke_management_token(&ACTOR, other.id, made.token.id).await;
    assert!(matches!(foreign, Err(RevokeTokenError::NotFound)));
    let unknown =
        control.revoke_management_token(&ACTOR, workspace.id, ManagementTokenId::from_u128(1)).await;
    assert!(matches!(unknown, Err(RevokeTokenError::NotFound)));
    control.revoke_management_token(&ACTOR, workspace.id, made.token.id).await.unwrap();
    let refused = control.tables().verify_management(made.secret.expose(), control.now());
    assert_eq!(reason(refused), Reason::CredentialRevoked);
    let again = control.revoke_management_token(&ACTOR, workspace.id, made.token.id).await;
    assert!(matches!(again, Err(RevokeTokenError::AlreadyRevoked)));
    assert_eq!(control.list_management_tokens(workspace.id).await.unwrap().len(), 1);
}

/// An account is recognised by its own password only; addresses are taken once, in whatever letter case; members are
/// those who were taken in.
#[tokio::test]
async fn accounts_are_recognised_by_their_password() {
    let instance = Instance::new().await;
    let control = &instance.control;
    let (workspace, _) = instance.workspace(Plan::Pro).await;
    let account = control.create_account(&ACTOR, "Ada@example.org", "correct horse battery").await.unwrap();
    let check = async |email: &str, password: &str| control.check_password(email, password).await.unwrap();
    assert_eq!(check("ada@EXAMPLE.org", "correct horse battery").await, Some(account.clone()));
    assert_eq!(check("ada@example.org", "Correct horse battery").await, None);
    assert_eq!(check("eve@example.org", "correct horse battery").await, None);
    assert_eq!(check("ada@example.org", &"x".repeat(1_000_000)).await, None);

    let create = async |email: &str, password: &str| control.create_account(&ACTOR, email, password).await;
    let taken = create("ADA@example.org", "another pass of words").await;
    assert!(matches!(taken, Err(CreateAccountError::EmailTaken)));
    for email in
        ["", "ada", "@example.org", "ada@", "a da@example.org", "ada@example.org\n", &"x".repeat(300)]
    {
        assert!(
            matches!(create(email, "correct horse battery").await, Err(CreateAccountError::InvalidEmail)),
            "{email:?}"
        );
    }
    for password in ["short", "", &"x".repeat(1025)] {
        let refused = create("eve@example.org", password).await;
        assert!(matches!(refused, Err(CreateAccountError::InvalidPassword(_))), "{password:?}");
    }

    control.set_password(&ACTOR, account.id, "a battery and its staple").await.unwrap();
    assert_eq!(check("ada@example.org", "correct horse battery").await, None);
    assert_eq!(check("ada@example.org", "a battery and its staple").await, Some(account.clone()));

    control.add_member(&ACTOR, workspace.id, account.id, Role::Admin).await.unwrap();
    assert_eq!(control.list_members(workspace.id).await.unwrap(), [(account.clone(), Role::Admin)]);
    let again = control.add_member(&ACTOR, workspace.id, account.id, Role::Member).await;
    assert!(matches!(again, Err(AddMemberError::AlreadyMember)));
    let nobody = control.add_member(&ACTOR, workspace.id, AccountId::from_u128(1), Role::Member).await;
    assert!(matches!(nobody, Err(AddMemberError::AccountNotFound)));
    let nowhere = control.add_member(&ACTOR, WorkspaceId::from_u128(1), account.id, Role::Member).await;
    assert!(matches!(nowhere, Err(AddMemberError::WorkspaceNotFound)));
}
