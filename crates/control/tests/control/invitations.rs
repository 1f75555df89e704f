//! Invitations: accepted once, by whoever owns the address, and by nobody else.

use control::{
    AcceptError, Actor, AuditAction, AuditFilter, CreateOwnWorkspaceError, INVITATION_DAYS,
    INVITATION_RESEND_SECONDS_MIN, INVITATIONS_PER_DAY_MAX, InviteError, PageRequest, RegisterInvitedError,
    RegistrationPolicy, ResendError, SentInvitation, SetMemberError, WORKSPACES_PER_ACCOUNT_MAX,
    WithdrawError,
};
use domain::{Account, Area, Clock as _, Plan, Role, Workspace};

use crate::support::{ACTOR, Instance, PEER};

const PASSWORD: &str = "correct horse battery staple";
const DAY_SECONDS: i64 = 24 * 3600;
const ALL: PageRequest = PageRequest { after: None, limit: 1000 };

async fn account(instance: &Instance, email: &str) -> Account {
    instance.control.create_account(&ACTOR, email, PASSWORD).await.unwrap()
}

async fn invite(instance: &Instance, workspace: &Workspace, email: &str) -> SentInvitation {
    instance.control.invite(&ACTOR, workspace.id, email, Role::Member).await.unwrap()
}

async fn accept(instance: &Instance, account: &Account, secret: &str) -> Result<Workspace, AcceptError> {
    instance.control.accept_invitation(&Actor::account(account.id), account.id, secret).await
}

/// An invitation makes a member of the account that it was sent to, once; its link opens nothing afterwards.
#[tokio::test]
async fn an_invitation_is_accepted_once() {
    let instance = Instance::new().await;
    let (workspace, _) = instance.workspace(Plan::Pro).await;
    let ada = account(&instance, "Ada@example.org").await;
    let sent = invite(&instance, &workspace, "ada@EXAMPLE.org").await;
    let secret = sent.secret.expose();
    assert!(secret.len() >= 43, "256 bits");
    let open = instance.control.find_open_invitation(secret).await.unwrap().unwrap();
    assert!(open.has_account && open.workspace.id == workspace.id);
    assert!(instance.control.find_open_invitation("").await.unwrap().is_none());
    assert_eq!(accept(&instance, &ada, secret).await.unwrap().id, workspace.id);
    assert_eq!(instance.control.list_memberships(ada.id).await.unwrap(), [(workspace.id, Role::Member)]);
    assert!(matches!(accept(&instance, &ada, secret).await, Err(AcceptError::NotFound)));
    assert!(instance.control.find_open_invitation(secret).await.unwrap().is_none());
    // Whoever was removed can't come back with the link.
    instance.control.remove_member(&ACTOR, workspace.id, ada.id).await.unwrap();
    assert!(matches!(accept(&instance, &ada, secret).await, Err(AcceptError::NotFound)));
}

/// However many accept at once, one of them does.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_at_once_one_accepts() {
    let instance = Instance::new().await;
    let (workspace, _) = instance.workspace(Plan::Pro).await;
    let sent = invite(&instance, &workspace, "new@example.org").await;
    let tries = (0..4).map(|_| {
        let (control, secret) = (instance.control.clone(), sent.secret.expose().to_owned());
        tokio::spawn(async move { control.register_invited(&secret, PASSWORD, PEER).await.is_ok() })
    });
    let tries: Vec<_> = tries.collect();
    let mut accepted = 0;
    for one in tries {
        accepted += usize::from(one.await.unwrap());
    }
    assert_eq!(accepted, 1);
    assert_eq!(instance.control.list_members(workspace.id).await.unwrap().len(), 1);
}

/// Nobody accepts what was sent to another address, and no disabled account accepts anything.
#[tokio::test]
async fn an_invitation_is_bound_to_its_address() {
    let instance = Instance::new().await;
    let (workspace, _) = instance.workspace(Plan::Pro).await;
    let (ada, eve) =
        (account(&instance, "ada@example.org").await, account(&instance, "eve@example.org").await);
    let sent = invite(&instance, &workspace, "ada@example.org").await;
    let secret = sent.secret.expose();
    assert!(matches!(accept(&instance, &eve, secret).await, Err(AcceptError::OtherAddress)));
    assert!(instance.control.list_members(workspace.id).await.unwrap().is_empty());
    let taken = instance.control.register_invited(secret, PASSWORD, PEER).await;
    assert!(matches!(taken, Err(RegisterInvitedError::HasAccount)));
    instance.control.disable_account(&ACTOR, ada.id).await.unwrap();
    assert!(accept(&instance, &ada, secret).await.is_err());
    instance.control.enable_account(&ACTOR, ada.id).await.unwrap();
    accept(&instance, &ada, secret).await.unwrap();
}

/// A link that is too old, was withdrawn, or was replaced by another one opens nothing; the newest does.
#[tokio::test]
async fn links_end() {
    let instance = Instance::new().await;
    let control = &instance.control;
    let (workspace, _) = instance.workspace(Plan::Pro).await;
    let (other, _) = instance.workspace(Plan::Pro).await;
    let ada = account(&instance, "ada@example.org").await;
    let first = invite(&instance, &workspace, "ada@example.org").await;
    let id = first.invitation.id;
    let too_soon = control.resend_invitation(&ACTOR, workspace.id, id).await;
    assert!(matches!(too_soon, Err(ResendError::TooSoon)));
    instance.clock.advance_seconds(INVITATION_RESEND_SECONDS_MIN);
    let foreign = control.resend_invitation(&ACTOR, other.id, id).await;
    assert!(matches!(foreign, Err(ResendError::NotFound)));
    let second = control.resend_invitation(&ACTOR, workspace.id, id).await.unwrap();
    assert!(matches!(accept(&instance, &ada, first.secret.expose()).await, Err(AcceptError::NotFound)));

    instance.clock.advance_seconds(INVITATION_DAYS * DAY_SECONDS);
    assert!(matches!(accept(&instance, &ada, second.secret.expose()).await, Err(AcceptError::NotFound)));
    let third = control.resend_invitation(&ACTOR, workspace.id, id).await.unwrap();
    instance.clock.advance_seconds(INVITATION_DAYS * DAY_SECONDS - 1);
    assert!(control.find_open_invitation(third.secret.expose()).await.unwrap().is_some());

    let foreign = control.withdraw_invitation(&ACTOR, other.id, id).await;
    assert!(matches!(foreign, Err(WithdrawError::NotFound)));
    control.withdraw_invitation(&ACTOR, workspace.id, id).await.unwrap();
    assert!(matches!(accept(&instance, &ada, third.secret.expose()).await, Err(AcceptError::NotFound)));
    let again = control.withdraw_invitation(&ACTOR, workspace.id, id).await;
    assert!(matches!(again, Err(WithdrawError::NotFound)));
    let fourth = invite(&instance, &workspace, "ada@example.org").await;
    control.close_workspace(&ACTOR, workspace.id).await.unwrap();
    assert!(matches!(accept(&instance, &ada, fourth.secret.expose()).await, Err(AcceptError::NotFound)));
}

/// An address is sent invitations as often as other mails, and no more, again or anew, also by several workspaces; others are sent
/// theirs.
#[tokio::test]
async fn invitations_fill_no_mailbox() {
    let instance = Instance::new().await;
    let control = &instance.control;
    let (workspace, _) = instance.workspace(Plan::Pro).await;
    let (other, _) = instance.workspace(Plan::Pro).await;
    let sent = invite(&instance, &workspace, "ada@example.org").await.invitation.id;
    let same = invite(&instance, &other, "ADA@example.org").await.invitation.id;
    let spared = invite(&instance, &workspace, "bob@example.org").await.invitation.id;
    let limit = control::SignInLimits::default().mails_to_address;
    let mut count = 2;
    let full = loop {
        instance.clock.advance_seconds(INVITATION_RESEND_SECONDS_MIN);
        match control.resend_invitation(&ACTOR, workspace.id, sent).await {
            Ok(_) => count += 1,
            Err(error) => break error,
        }
        assert!(count <= limit.burst_max, "{count}");
    };
    assert!(matches!(full, ResendError::TooMany), "{full:?}");
    assert_eq!(count, limit.burst_max);
    let elsewhere = control.resend_invitation(&ACTOR, other.id, same).await;
    assert!(matches!(elsewhere, Err(ResendError::TooMany)), "{elsewhere:?}");
    control.withdraw_invitation(&ACTOR, other.id, same).await.unwrap();
    let anew = control.invite(&ACTOR, other.id, "Ada@example.org", Role::Member).await;
    assert!(matches!(anew, Err(InviteError::MailedTooOften)), "{anew:?}");
    control.resend_invitation(&ACTOR, workspace.id, spared).await.unwrap();
    instance.clock.advance_seconds(limit.every_seconds.into());
    control.resend_invitation(&ACTOR, workspace.id, sent).await.unwrap();
}

/// Whoever has the link registers where nobody else may, with the invited address confirmed; an account that somebody made
/// with that address and never confirmed becomes theirs, and its password dies.
#[tokio::test]
async fn the_invited_register() {
    let instance = Instance::new().await;
    let control = &instance.control;
    let (workspace, _) = instance.workspace(Plan::Pro).await;
    assert_eq!(control.registration().policy, RegistrationPolicy::Invitation);
    let sent = invite(&instance, &workspace, "new@example.org").await;
    assert!(!control.find_open_invitation(sent.secret.expose()).await.unwrap().unwrap().has_account);
    let weak = control.register_invited(sent.secret.expose(), "short", PEER).await;
    assert!(matches!(weak, Err(RegisterInvitedError::InvalidPassword(_))));
    let guessed = control.register_invited("x", PASSWORD, PEER).await;
    assert!(matches!(guessed, Err(RegisterInvitedError::NotFound)));
    let made = control.register_invited(sent.secret.expose(), PASSWORD, PEER).await.unwrap();
    assert_eq!((made.email.as_str(), made.is_operator), ("new@example.org", false));
    assert!(made.email_verified_at.is_some());
    assert_eq!(control.list_memberships(made.id).await.unwrap(), [(workspace.id, Role::Member)]);
    assert!(control.check_password("new@example.org", PASSWORD).await.unwrap().is_some());

    let squatters = "squatting on this address";
    let squatter =
        control.create_account(&Actor::account(made.id), "bob@example.org", squatters).await.unwrap();
    assert!(squatter.email_verified_at.is_none(), "made by somebody who doesn't own it");
    let sent = invite(&instance, &workspace, "bob@example.org").await;
    assert!(!control.find_open_invitation(sent.secret.expose()).await.unwrap().unwrap().has_account);
    let bob = control.register_invited(sent.secret.expose(), PASSWORD, PEER).await.unwrap();
    assert_eq!(bob.id, squatter.id);
    assert!(control.check_password("bob@example.org", squatters).await.unwrap().is_none());
    assert!(control.check_password("bob@example.org", PASSWORD).await.unwrap().is_some());
}

/// Nobody is invited twice, who belongs already is not, and a workspace can't be used to send mails without end.
#[tokio::test]
async fn invitations_are_bounded() {
    let instance = Instance::new().await;
    let control = &instance.control;
    let (workspace, _) = instance.workspace(Plan::Pro).await;
    let ada = account(&instance, "ada@example.org").await;
    control.add_member(&ACTOR, workspace.id, ada.id, Role::Member).await.unwrap();
    let try_email = async |email: &str| control.invite(&ACTOR, workspace.id, email, Role::Member).await;
    assert!(matches!(try_email("ADA@example.org").await, Err(InviteError::AlreadyMember)));
    assert!(matches!(try_email("nobody").await, Err(InviteError::InvalidEmail)));
    assert!(matches!(try_email("a@b\r\nBcc: c@d").await, Err(InviteError::InvalidEmail)));
    let first = try_email("bob@example.org").await.unwrap();
    assert!(matches!(try_email("Bob@example.org").await, Err(InviteError::AlreadyInvited)));
    // Withdrawing doesn't give the place back.
    control.withdraw_invitation(&ACTOR, workspace.id, first.invitation.id).await.unwrap();
    for number in 1..INVITATIONS_PER_DAY_MAX {
        try_email(&format!("{number}@example.org")).await.unwrap();
    }
    assert!(matches!(try_email("last@example.org").await, Err(InviteError::TooMany)));
    let (other, _) = instance.workspace(Plan::Pro).await;
    control.invite(&ACTOR, other.id, "last@example.org", Role::Member).await.unwrap();
    instance.clock.advance_seconds(DAY_SECONDS + 1);
    try_email("last@example.org").await.unwrap();
}

/// The log says who was invited until that person's account is deleted, and then of nobody any more; who never came is
/// forgotten some weeks after the link expired.
#[tokio::test]
async fn whoever_was_invited_can_be_forgotten() {
    let instance = Instance::new().await;
    let control = &instance.control;
    let (workspace, _) = instance.workspace(Plan::Pro).await;
    let sent = invite(&instance, &workspace, "ada@example.org").await;
    let ada = control.register_invited(sent.secret.expose(), PASSWORD, PEER).await.unwrap();
    invite(&instance, &workspace, "never@example.org").await;
    let named = async || {
        let filter = AuditFilter { workspace_id: Some(workspace.id), ..AuditFilter::default() };
        let events = control.find_audit_events(&filter, 0, 1000).await.unwrap();
        assert!(!format!("{:?}", events.iter().map(|event| &event.detail).collect::<Vec<_>>()).contains('@'));
        let invited = events.into_iter().filter(|event| event.action == AuditAction::InvitationCreated);
        invited.map(|event| event.subject_name.unwrap_or_default()).collect::<Vec<_>>()
    };
    assert_eq!(named().await, ["ada@example.org", "never@example.org"]);
    control.delete_account(&ACTOR, ada.id).await.unwrap();
    assert_eq!(named().await, ["", "never@example.org"]);
    assert_eq!(control.page_invitations(workspace.id, &ALL).await.unwrap().items.len(), 1);
    instance.clock.advance_seconds((INVITATION_DAYS + 31) * DAY_SECONDS);
    let instance = instance.restart().await;
    let control = &instance.control;
    // It is forgotten by the first round of upkeep, which a start begins with.
    for _ in 0..500 {
        if control.page_invitations(workspace.id, &ALL).await.unwrap().items.is_empty() {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    let filter = AuditFilter { action: Some(AuditAction::InvitationCreated), ..AuditFilter::default() };
    let name_left = async || {
        let events = control.find_audit_events(&filter, 0, 10).await.unwrap();
        events.iter().any(|event| event.subject_name.is_some())
    };
    for _ in 0..500 {
        if !name_left().await {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    panic!("somebody who never came is still named");
}

/// A role is changed for members alone; nobody is taken in by changing a role.
#[tokio::test]
async fn a_role_makes_no_member() {
    let instance = Instance::new().await;
    let control = &instance.control;
    let (workspace, _) = instance.workspace(Plan::Pro).await;
    let (ada, eve) =
        (account(&instance, "ada@example.org").await, account(&instance, "eve@example.org").await);
    control.add_member(&ACTOR, workspace.id, ada.id, Role::Admin).await.unwrap();
    let outsider = control.change_role(&ACTOR, workspace.id, eve.id, Role::Admin).await;
    assert!(matches!(outsider, Err(SetMemberError::AccountNotFound)));
    let last = control.change_role(&ACTOR, workspace.id, ada.id, Role::Member).await;
    assert!(matches!(last, Err(SetMemberError::LastAdmin)));
    control.add_member(&ACTOR, workspace.id, eve.id, Role::Member).await.unwrap();
    assert!(control.change_role(&ACTOR, workspace.id, eve.id, Role::Admin).await.unwrap());
    assert!(control.change_role(&ACTOR, workspace.id, ada.id, Role::Member).await.unwrap());
    assert_eq!(control.find_member(workspace.id, ada.id).await.unwrap().unwrap().role, Role::Member);
}

/// Of two admins who each take the other out at once, one stays.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_race_leaves_an_admin() {
    let instance = Instance::new().await;
    for round in 0..5 {
        let (workspace, _) = instance.workspace(Plan::Pro).await;
        let ada = account(&instance, &format!("ada{round}@example.org")).await;
        let bob = account(&instance, &format!("bob{round}@example.org")).await;
        for id in [ada.id, bob.id] {
            instance.control.add_member(&ACTOR, workspace.id, id, Role::Admin).await.unwrap();
        }
        let remove = |actor, id| {
            let control = instance.control.clone();
            let workspace_id = workspace.id;
            tokio::spawn(async move {
                control.remove_member(&Actor::account(actor), workspace_id, id).await.is_ok()
            })
        };
        let demote = |actor, id| {
            let control = instance.control.clone();
            let workspace_id = workspace.id;
            tokio::spawn(async move {
                control.change_role(&Actor::account(actor), workspace_id, id, Role::Member).await.is_ok()
            })
        };
        let tries =
            [remove(ada.id, bob.id), demote(bob.id, ada.id), remove(bob.id, ada.id), demote(ada.id, bob.id)];
        for one in tries {
            one.await.unwrap();
        }
        let members = instance.control.list_members(workspace.id).await.unwrap();
        assert_eq!(members.iter().filter(|(_, role)| *role == Role::Admin).count(), 1, "{members:?}");
    }
}

/// An account makes workspaces of its own, whose admin it is, up to a bound.
#[tokio::test]
async fn accounts_make_workspaces() {
    let instance = Instance::new().await;
    let control = &instance.control;
    let ada = account(&instance, "ada@example.org").await;
    let actor = Actor::account(ada.id);
    let make =
        async |name: &str| control.create_own_workspace(&actor, ada.id, name.to_owned(), Area::Usa).await;
    assert!(matches!(make(" ").await, Err(CreateOwnWorkspaceError::InvalidName)));
    let made = make("Mine").await.unwrap();
    assert_eq!((made.plan, made.home_area), (control.registration().plan, Area::Usa));
    assert_eq!(control.list_memberships(ada.id).await.unwrap(), [(made.id, Role::Admin)]);
    assert!(control.list_projects(made.id).await.unwrap()[0].is_default);
    for _ in 1..WORKSPACES_PER_ACCOUNT_MAX {
        make("More").await.unwrap();
    }
    assert!(matches!(make("Too many").await, Err(CreateOwnWorkspaceError::TooMany)));
    control.close_workspace(&ACTOR, made.id).await.unwrap();
    make("Again").await.unwrap();
}

/// A restore revives no invitation: none that its backup holds can be accepted, and whoever is still wanted is sent another.
#[tokio::test]
async fn a_restore_revives_no_invitation() {
    let instance = Instance::new().await;
    let (workspace, _) = instance.workspace(Plan::Pro).await;
    let ada = account(&instance, "ada@example.org").await;
    let sent = invite(&instance, &workspace, "ada@example.org").await;
    assert!(instance.control.find_open_invitation(sent.secret.expose()).await.unwrap().is_some());
    instance.control.close().await;
    let store = storage::Store::open(&instance.config().database_place()).await.unwrap();
    let folder = control::MasterKeySource::Folder;
    let master_key = control::read_master_key(&folder, instance.folder.path()).await.unwrap();
    let now = instance.clock.now();
    let (algorithm, rng) = (domain::Algorithm::EdDsa, &domain::SystemRng);
    let end = control::RestoreEnd { master_key: &master_key, algorithm, now, rng };
    control::end_restore(store.change().await.unwrap(), &end).await.unwrap();
    store.close().await.unwrap();

    let instance = instance.crash().await;
    let control = &instance.control;
    assert!(control.find_open_invitation(sent.secret.expose()).await.unwrap().is_none());
    assert!(matches!(accept(&instance, &ada, sent.secret.expose()).await, Err(AcceptError::NotFound)));
    let listed = control.page_invitations(workspace.id, &ALL).await.unwrap().items;
    assert_eq!(listed.len(), 1);
    instance.clock.advance_seconds(INVITATION_RESEND_SECONDS_MIN);
    let again = control.resend_invitation(&ACTOR, workspace.id, listed[0].id).await.unwrap();
    accept(&instance, &ada, again.secret.expose()).await.unwrap();
}
