//! Accounts, members and workspaces as operators manage them.

use control::{
    ChangeAccountError, ChangeWorkspaceError, CloseWorkspaceError, CreateAccountError, DeleteAccountError,
    NewAccount, NewKey, RemoveMemberError, SetMemberError, WorkspaceChange,
};
use domain::{Account, OwnLimits, Plan, PlanLimits, Product, Reason, Region, Role, Workspace};

use crate::support::{ACTOR, Follower, Instance, reason, request};

const PASSWORD: &str = "correct horse battery staple";

async fn account(instance: &Instance, email: &str) -> Account {
    instance.control.create_account(&ACTOR, email, PASSWORD).await.unwrap()
}

async fn member(instance: &Instance, workspace: &Workspace, email: &str, role: Role) -> Account {
    let account = account(instance, email).await;
    assert!(instance.control.set_member(&ACTOR, workspace.id, account.id, role).await.unwrap());
    account
}

/// A disabled account can't sign in with the right password, and can again when it is enabled; what it made works on.
#[tokio::test]
async fn a_disabled_account_cannot_sign_in() {
    let instance = Instance::new().await;
    let control = &instance.control;
    let (workspace, project) = instance.workspace(Plan::Pro).await;
    let ada = member(&instance, &workspace, "ada@example.org", Role::Admin).await;
    let actor = control::Actor::account(ada.id);
    let key = control.create_key(&actor, workspace.id, NewKey::named(project.id, "hers")).await.unwrap();
    assert!(control.check_password("ADA@example.org", PASSWORD).await.unwrap().is_some());

    control.disable_account(&ACTOR, ada.id).await.unwrap();
    control.disable_account(&ACTOR, ada.id).await.unwrap();
    assert!(control.check_password("ada@example.org", PASSWORD).await.unwrap().is_none());
    control.set_password(&ACTOR, ada.id, "another long password").await.unwrap();
    assert!(control.check_password("ada@example.org", "another long password").await.unwrap().is_none());
    instance.verify(key.secret.expose(), Product::Batch, Region::Eu1).unwrap();

    control.enable_account(&ACTOR, ada.id).await.unwrap();
    assert!(control.check_password("ada@example.org", "another long password").await.unwrap().is_some());
    let nobody = domain::AccountId::from_u128(1);
    let refused = control.disable_account(&ACTOR, nobody).await;
    assert!(matches!(refused, Err(ChangeAccountError::AccountNotFound)));
}

/// Addresses are one person's each, in whatever letter case; a workspace that isn't there takes nobody in.
#[tokio::test]
async fn an_address_belongs_to_one_account() {
    let instance = Instance::new().await;
    let control = &instance.control;
    let (workspace, _) = instance.workspace(Plan::Pro).await;
    account(&instance, "Ada@Example.org").await;
    let taken = control.create_account(&ACTOR, "ada@example.ORG", PASSWORD).await;
    assert!(matches!(taken, Err(CreateAccountError::EmailTaken)));
    let new = |email, id| NewAccount { email, membership: Some((id, Role::Admin)) };
    let nowhere = domain::WorkspaceId::from_u128(1);
    let refused = control.create_account_in(&ACTOR, new("bob@example.org", nowhere)).await;
    assert!(matches!(refused, Err(CreateAccountError::WorkspaceNotFound)));
    assert!(control.find_account("bob@example.org").await.unwrap().is_none(), "all of it or nothing");
    let made = control.create_account_in(&ACTOR, new("bob@example.org", workspace.id)).await;
    let (bob, _) = made.unwrap();
    assert_eq!(control.list_memberships(bob.id).await.unwrap(), [(workspace.id, Role::Admin)]);
}

/// However one tries, a workspace that is open keeps an admin; with a second one, the first may go.
#[tokio::test]
async fn a_workspace_keeps_its_last_admin() {
    let instance = Instance::new().await;
    let control = &instance.control;
    let (workspace, _) = instance.workspace(Plan::Pro).await;
    let ada = member(&instance, &workspace, "ada@example.org", Role::Admin).await;
    let bob = member(&instance, &workspace, "bob@example.org", Role::Member).await;
    let demoted = control.set_member(&ACTOR, workspace.id, ada.id, Role::Member).await;
    assert!(matches!(demoted, Err(SetMemberError::LastAdmin)));
    let left = control.remove_member(&ACTOR, workspace.id, ada.id).await;
    assert!(matches!(left, Err(RemoveMemberError::LastAdmin)));
    let deleted = control.delete_account(&ACTOR, ada.id).await;
    assert!(matches!(deleted, Err(DeleteAccountError::LastAdmin(id)) if id == workspace.id));

    assert!(control.set_member(&ACTOR, workspace.id, bob.id, Role::Admin).await.unwrap());
    assert!(!control.set_member(&ACTOR, workspace.id, bob.id, Role::Admin).await.unwrap(), "nothing changed");
    control.remove_member(&ACTOR, workspace.id, ada.id).await.unwrap();
    let again = control.remove_member(&ACTOR, workspace.id, ada.id).await;
    assert!(matches!(again, Err(RemoveMemberError::NotFound)));
    let members = control.list_members(workspace.id).await.unwrap();
    assert_eq!(members, [(bob.clone(), Role::Admin)]);
    // A closed workspace needs nobody.
    control.close_workspace(&ACTOR, workspace.id).await.unwrap();
    control.delete_account(&ACTOR, bob.id).await.unwrap();
}

/// A deleted account is gone, its address is free, its key works on, and the log has forgotten its name but not what
/// was done.
#[tokio::test]
async fn a_deleted_account_leaves_the_log_whole() {
    let instance = Instance::new().await;
    let control = &instance.control;
    let (workspace, project) = instance.workspace(Plan::Pro).await;
    let ada = member(&instance, &workspace, "ada@example.org", Role::Member).await;
    let actor = control::Actor::account(ada.id);
    let key = control.create_key(&actor, workspace.id, NewKey::named(project.id, "hers")).await.unwrap();
    let named = async || {
        let filter = control::AuditFilter {
            actor: Some(control.audit_pseudonym(&ada.id.to_string())),
            ..control::AuditFilter::default()
        };
        let events = control.find_audit_events(&filter, 0, 10).await.unwrap();
        events.into_iter().map(|event| event.actor_name).collect::<Vec<_>>()
    };
    assert_eq!(named().await, [Some("ada@example.org".to_owned())]);
    control.delete_account(&ACTOR, ada.id).await.unwrap();
    assert_eq!(named().await, [None]);
    assert!(control.find_account_by_id(ada.id).await.unwrap().is_none());
    assert!(control.list_members(workspace.id).await.unwrap().is_empty());
    instance.verify(key.secret.expose(), Product::Batch, Region::Eu1).unwrap();
    account(&instance, "ada@example.org").await;
    let again = control.delete_account(&ACTOR, ada.id).await;
    assert!(matches!(again, Err(DeleteAccountError::AccountNotFound)));
}

/// A workspace's limits hold at gateways when the call returns, its own over its plan's, and through a restart.
#[tokio::test]
async fn limits_of_a_workspace_reach_gateways() {
    let instance = Instance::new().await;
    let (workspace, project) = instance.workspace(Plan::Free).await;
    let key = instance.key(&workspace, NewKey::named(project.id, "k")).await;
    let gateway = Follower::attach(&instance.control, "eu1/a");
    let limits = |tables: &verify::Tables| -> PlanLimits {
        let now = crate::support::start_time();
        *crate::support::verify(tables, key.secret.expose(), Product::Rt, Region::Eu1, now).unwrap().limits()
    };
    let own = OwnLimits { concurrent_sessions_max: Some(7), ..OwnLimits::default() };
    let change = WorkspaceChange { own_limits: Some(own), ..WorkspaceChange::default() };
    let changed = instance.control.change_workspace(&ACTOR, workspace.id, change).await.unwrap();
    assert_eq!(limits(&gateway.tables).concurrent_sessions_max, 7);
    let change = WorkspaceChange { plan: Some(Plan::Enterprise), ..WorkspaceChange::default() };
    let later = instance.control.change_workspace(&ACTOR, workspace.id, change).await.unwrap();
    assert!(later.revision > changed.revision);
    let expected = PlanLimits { concurrent_sessions_max: 7, ..Plan::Enterprise.default_limits() };
    assert_eq!(limits(&gateway.tables), expected);
    // What gateways need not know takes no revision.
    let change = WorkspaceChange { name: Some("renamed".to_owned()), ..WorkspaceChange::default() };
    let renamed = instance.control.change_workspace(&ACTOR, workspace.id, change).await.unwrap();
    assert_eq!((renamed.revision, renamed.workspace.0.name.as_str()), (later.revision, "renamed"));

    let instance = instance.restart().await;
    assert_eq!(limits(instance.control.tables()), expected);
    let change = WorkspaceChange { own_limits: Some(OwnLimits::default()), ..WorkspaceChange::default() };
    instance.control.change_workspace(&ACTOR, workspace.id, change).await.unwrap();
    assert_eq!(limits(instance.control.tables()), Plan::Enterprise.default_limits());
    let blank = WorkspaceChange { name: Some(" ".to_owned()), ..WorkspaceChange::default() };
    let refused = instance.control.change_workspace(&ACTOR, workspace.id, blank).await;
    assert!(matches!(refused, Err(ChangeWorkspaceError::InvalidName)));
}

/// Closing a workspace kills its keys, what they minted and its tokens, at gateways too; another's live on.
#[tokio::test]
async fn a_closed_workspace_opens_nothing() {
    let instance = Instance::new().await;
    let control = &instance.control;
    let (closed, project) = instance.workspace(Plan::Pro).await;
    let (open, other_project) = instance.workspace(Plan::Pro).await;
    let key = instance.key(&closed, NewKey::named(project.id, "k")).await;
    let other = instance.key(&open, NewKey::named(other_project.id, "k")).await;
    let minted = instance.mint(key.secret.expose(), &request(Product::Rt)).unwrap();
    let permissions = domain::PermissionSet::of_a_workspace();
    let token = control.create_management_token(&ACTOR, closed.id, "t", permissions).await.unwrap();
    let gateway = Follower::attach(control, "eu1/a");
    control.close_workspace(&ACTOR, closed.id).await.unwrap();
    let now = control.now();
    for tables in [control.tables(), &gateway.tables] {
        for credential in [key.secret.expose(), minted.key_value.as_str()] {
            let refused = crate::support::verify(tables, credential, Product::Rt, Region::Eu1, now);
            assert_eq!(reason(refused), Reason::CredentialRevoked);
        }
        let refused = tables.verify_management(token.secret.expose(), now);
        assert_eq!(reason(refused), Reason::CredentialRevoked);
        crate::support::verify(tables, other.secret.expose(), Product::Rt, Region::Eu1, now).unwrap();
    }
    let again = control.close_workspace(&ACTOR, closed.id).await;
    assert!(matches!(again, Err(CloseWorkspaceError::NotFound)));
    let change = control.change_workspace(&ACTOR, closed.id, WorkspaceChange::default()).await;
    assert!(matches!(change, Err(ChangeWorkspaceError::NotFound)));
    assert!(control.find_workspace(closed.id).await.unwrap().is_none());
}
