//! Nothing changes without a line in the audit log.

use std::collections::BTreeSet;
use std::path::Path;

use control::{AuditAction, AuditFilter, NewKey, NewProject, WorkspaceChange};
use domain::{ClientRef, PermissionSet, Plan, Product, QuotaScope, Role};

use crate::support::{ACTOR, Instance, request};

/// The use cases that change state, each with what the log says of it. Who adds one adds it here, and to the test below
/// or to one that it names.
const CHANGING: &[(&str, &[AuditAction])] = &[
    ("rotate_webhook", &[AuditAction::WebhookRotated]),
    ("resend_webhook_message", &[AuditAction::WebhookMessageResent]),
    ("remove_webhook", &[AuditAction::WebhookRemoved]),
    ("create_webhook", &[AuditAction::WebhookCreated]),
    ("accept_invitation", &[AuditAction::InvitationAccepted]),
    ("add_member", &[AuditAction::MemberAdded]),
    ("add_passkey", &[AuditAction::PasskeyAdded]),
    ("add_totp", &[AuditAction::TotpAdded]),
    ("begin_email_change", &[AuditAction::EmailChangeAsked]),
    ("change_key", &[AuditAction::ApiKeyChanged]),
    ("change_password", &[AuditAction::PasswordChanged]),
    ("change_project", &[AuditAction::ProjectChanged]),
    ("change_role", &[AuditAction::MemberRoleChanged]),
    ("change_workspace", &[AuditAction::WorkspaceChanged]),
    ("close_workspace", &[AuditAction::WorkspaceClosed]),
    ("confirm_portal_session", &[AuditAction::SignInConfirmed]),
    ("create_account", &[AuditAction::AccountCreated]),
    ("create_account_in", &[AuditAction::AccountCreated]),
    ("create_key", &[AuditAction::ApiKeyCreated]),
    ("create_key_once", &[AuditAction::ApiKeyCreated]),
    ("create_management_token", &[AuditAction::ManagementTokenCreated]),
    ("create_management_token_once", &[AuditAction::ManagementTokenCreated]),
    ("create_own_workspace", &[AuditAction::WorkspaceCreated]),
    ("create_project", &[AuditAction::ProjectCreated]),
    ("create_workspace", &[AuditAction::WorkspaceCreated]),
    ("delete_account", &[AuditAction::AccountDeleted]),
    ("delete_own_account", &[AuditAction::AccountDeleted]),
    ("delete_project", &[AuditAction::ProjectDeleted]),
    ("disable_account", &[AuditAction::AccountDisabled]),
    ("enable_account", &[AuditAction::AccountEnabled]),
    ("end_session", &[AuditAction::SessionEnded]),
    ("end_sessions_of_key", &[AuditAction::SessionsEnded]),
    ("forget_client_ref", &[AuditAction::ClientRefForgotten]),
    ("import_keys", &[AuditAction::ApiKeysImported]),
    ("invite", &[AuditAction::InvitationCreated]),
    ("link_identity", &[AuditAction::IdentityLinked]),
    ("make_password_reset_link", &[AuditAction::PasswordResetAsked]),
    ("make_choose_password_link", &[AuditAction::PasswordResetAsked]),
    ("make_recovery_codes", &[AuditAction::RecoveryCodesMade]),
    ("make_set_up_link", &[AuditAction::SetUpLinkMade]),
    ("mint_for_account", &[AuditAction::TemporaryKeyMinted]),
    ("note_factor_shown", &[AuditAction::SignInConfirmed]),
    ("readmit_client_ref", &[AuditAction::ClientRefReadmitted]),
    ("readmit_client_ref_in", &[AuditAction::ClientRefReadmitted]),
    ("remove_audio_quota", &[AuditAction::QuotaRemoved]),
    ("remove_member", &[AuditAction::MemberRemoved]),
    ("remove_passkey", &[AuditAction::PasskeyRemoved]),
    ("remove_totp", &[AuditAction::TotpRemoved]),
    ("rename_passkey", &[AuditAction::PasskeyRenamed]),
    ("rename_project", &[AuditAction::ProjectRenamed]),
    ("replace_totp", &[AuditAction::TotpAdded]),
    ("resend_invitation", &[AuditAction::InvitationResent]),
    ("revoke_client_ref", &[AuditAction::ClientRefRevoked]),
    ("revoke_client_ref_in", &[AuditAction::ClientRefRevoked]),
    ("revoke_key", &[AuditAction::ApiKeyRevoked]),
    ("revoke_leaked_key", &[AuditAction::ApiKeyRevoked]),
    ("revoke_management_token", &[AuditAction::ManagementTokenRevoked]),
    ("revoke_signing_key", &[AuditAction::SigningKeyRevoked]),
    ("revoke_temporary_key", &[AuditAction::TemporaryKeyRevoked]),
    ("rewrap", &[AuditAction::MasterKeyRewrapped]),
    ("rotate_key", &[AuditAction::ApiKeyRotated]),
    ("rotate_key_once", &[AuditAction::ApiKeyRotated]),
    ("rotate_signing_key", &[AuditAction::SigningKeyCreated, AuditAction::SigningKeyMoved]),
    ("set_audio_quota", &[AuditAction::QuotaSet]),
    ("set_member", &[AuditAction::MemberAdded, AuditAction::MemberRoleChanged]),
    ("set_operator", &[AuditAction::OperatorAdded, AuditAction::OperatorRemoved]),
    ("set_password", &[AuditAction::PasswordChanged]),
    ("set_time_zone", &[AuditAction::TimeZoneChanged]),
    ("sign_out", &[AuditAction::SignedOut]),
    ("sign_out_everywhere", &[AuditAction::SignedOut]),
    ("unlink_identity", &[AuditAction::IdentityUnlinked]),
    ("withdraw_invitation", &[AuditAction::InvitationWithdrawn]),
];

/// What other tests show: those of the life of keys, of sessions, and of factors.
const ELSEWHERE: &[AuditAction] = &[
    AuditAction::WebhookCreated,
    AuditAction::WebhookMessageResent,
    AuditAction::WebhookRemoved,
    AuditAction::WebhookRotated,
    AuditAction::ApiKeyChanged,
    AuditAction::ApiKeyRotated,
    AuditAction::ApiKeysImported,
    AuditAction::IdentityLinked,
    AuditAction::IdentityUnlinked,
    AuditAction::MasterKeyRewrapped,
    AuditAction::PasskeyAdded,
    AuditAction::PasskeyRemoved,
    AuditAction::PasskeyRenamed,
    AuditAction::RecoveryCodesMade,
    AuditAction::SessionEnded,
    AuditAction::SessionsEnded,
    AuditAction::SigningKeyCreated,
    AuditAction::SigningKeyMoved,
    AuditAction::SigningKeyRevoked,
    AuditAction::TotpAdded,
    AuditAction::TotpRemoved,
    AuditAction::SignInConfirmed,
];

/// The public functions of the sources that take an actor: those that change something.
fn functions_with_an_actor() -> BTreeSet<String> {
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut names = BTreeSet::new();
    for file in std::fs::read_dir(sources).unwrap() {
        let path = file.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "rs") {
            continue;
        }
        let source = std::fs::read_to_string(&path).unwrap();
        for piece in source.split("pub async fn ").skip(1) {
            let (name, rest) = piece.split_once('(').unwrap();
            let parameters = rest.split_once('{').unwrap().0;
            if parameters.contains("actor:") {
                names.insert(name.to_owned());
            }
        }
    }
    names
}

/// A use case that changes something stands in the table above, so that nobody adds one that the log doesn't know.
#[test]
fn every_changing_use_case_is_known() {
    let known: BTreeSet<String> = CHANGING.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(functions_with_an_actor(), known);
}

/// The events since a number, which moves on.
async fn news(instance: &Instance, seen: &mut u64) -> Vec<control::AuditEvent> {
    let events = instance.control.find_audit_events(&AuditFilter::default(), *seen, 100).await.unwrap();
    *seen = events.last().map_or(*seen, |event| event.sequence);
    events
}

/// Each change writes exactly one event that says who did what to what; changing nothing writes none.
#[tokio::test]
async fn every_change_writes_one_event() {
    let instance = Instance::new().await;
    let control = &instance.control;
    let mut seen = 0;
    news(&instance, &mut seen).await;
    let mut logged = BTreeSet::new();
    macro_rules! logs {
        ($action:ident, $call:expr) => {{
            let result = $call.await.unwrap();
            let events = news(&instance, &mut seen).await;
            let actions: Vec<_> = events.iter().map(|event| event.action).collect();
            assert_eq!(actions, [AuditAction::$action]);
            assert_eq!(events[0].actor, "operator");
            assert!(!events[0].subject.is_empty());
            logged.insert(AuditAction::$action);
            result
        }};
    }
    let (email, password) = ("ada@example.org", "correct horse battery staple");
    let new = control::NewWorkspace { name: "w".to_owned(), plan: Plan::Pro, home_area: domain::Area::Eu };
    let made = logs!(WorkspaceCreated, control.create_workspace(&ACTOR, new));
    let (workspace, default) = (made.workspace.id, made.default_project.id);
    logs!(WorkspaceChanged, control.change_workspace(&ACTOR, workspace, WorkspaceChange::default()));
    let ada = logs!(AccountCreated, control.create_account(&ACTOR, email, password)).id;
    logs!(PasswordChanged, control.set_password(&ACTOR, ada, password));
    let stay = control::StaySignedIn::Everywhere;
    let asked =
        control::PasswordChange { current: password, new: password, stay, from: crate::support::PEER };
    logs!(PasswordChanged, control.change_password(&ACTOR, ada, asked));
    logs!(TimeZoneChanged, control.set_time_zone(&ACTOR, ada, "Europe/Vienna"));
    logs!(EmailChangeAsked, control.begin_email_change(&ACTOR, ada, "ada@elsewhere.example"));
    logs!(SignedOut, control.sign_out_everywhere(&ACTOR, ada, None));
    logs!(SetUpLinkMade, control.make_set_up_link(&ACTOR));
    let zoe = control.create_account(&ACTOR, "zoe@example.org", password).await.unwrap().id;
    news(&instance, &mut seen).await;
    logs!(AccountDeleted, control.delete_own_account(&ACTOR, zoe));
    logs!(AccountDisabled, control.disable_account(&ACTOR, ada));
    control.disable_account(&ACTOR, ada).await.unwrap();
    logs!(AccountEnabled, control.enable_account(&ACTOR, ada));
    logs!(OperatorAdded, control.set_operator(&ACTOR, ada, true));
    logs!(OperatorRemoved, control.set_operator(&ACTOR, ada, false));
    logs!(MemberAdded, control.add_member(&ACTOR, workspace, ada, Role::Member));
    logs!(MemberRoleChanged, control.set_member(&ACTOR, workspace, ada, Role::Admin));
    control.change_role(&ACTOR, workspace, ada, Role::Admin).await.unwrap();
    let own = control.create_own_workspace(&ACTOR, ada, "hers".to_owned(), domain::Area::Eu);
    let own = logs!(WorkspaceCreated, own).id;
    logs!(WorkspaceClosed, control.close_workspace(&ACTOR, own));
    logs!(PasswordResetAsked, control.make_password_reset_link(&ACTOR, ada));
    logs!(PasswordResetAsked, control.make_choose_password_link(&ACTOR, ada));
    let eve = control.create_account(&ACTOR, "eve@example.org", password).await.unwrap().id;
    news(&instance, &mut seen).await;
    let sent = logs!(InvitationCreated, control.invite(&ACTOR, workspace, "eve@example.org", Role::Member));
    instance.clock.advance_seconds(control::INVITATION_RESEND_SECONDS_MIN);
    let sent = logs!(InvitationResent, control.resend_invitation(&ACTOR, workspace, sent.invitation.id));
    let secret = sent.secret.expose();
    logs!(InvitationAccepted, control.accept_invitation(&ACTOR, eve, secret));
    logs!(MemberRoleChanged, control.change_role(&ACTOR, workspace, eve, Role::Admin));
    let sent = logs!(InvitationCreated, control.invite(&ACTOR, workspace, "f@example.org", Role::Member));
    logs!(InvitationWithdrawn, control.withdraw_invitation(&ACTOR, workspace, sent.invitation.id));
    control.set_member(&ACTOR, workspace, ada, Role::Admin).await.unwrap();
    let new = control::NewAccount { email: "b@example.org", membership: Some((workspace, Role::Admin)) };
    let bob = logs!(AccountCreated, control.create_account_in(&ACTOR, new)).0.id;
    logs!(MemberRemoved, control.remove_member(&ACTOR, workspace, bob));
    logs!(AccountDeleted, control.delete_account(&ACTOR, bob));

    let new = NewProject { name: "p".to_owned(), description: String::new() };
    let project = logs!(ProjectCreated, control.create_project(&ACTOR, workspace, new)).project.id;
    logs!(ProjectRenamed, control.rename_project(&ACTOR, workspace, project, "q"));
    let changed = NewProject { name: "r".to_owned(), description: "for tests".to_owned() };
    logs!(ProjectChanged, control.change_project(&ACTOR, workspace, project, changed));
    let new = NewKey::named(default, "k");
    let key = logs!(ApiKeyCreated, control.create_key(&ACTOR, workspace, new));
    let minted = instance.mint(key.secret.expose(), &request(Product::Rt)).unwrap();
    let wish = request(Product::Rt);
    logs!(
        TemporaryKeyMinted,
        control.mint_for_account(&ACTOR, crate::support::PEER, workspace, key.key.id, &wish)
    );
    logs!(TemporaryKeyRevoked, control.revoke_temporary_key(&ACTOR, workspace, minted.id));
    let user = ClientRef::new("user").unwrap();
    logs!(ClientRefRevoked, control.revoke_client_ref(&ACTOR, workspace, default, &user));
    logs!(ClientRefReadmitted, control.readmit_client_ref(&ACTOR, workspace, default, &user));
    control.revoke_client_ref_in(&ACTOR, workspace, None, &user).await.unwrap();
    assert_eq!(news(&instance, &mut seen).await.len(), 2, "one for each project");
    logs!(ClientRefReadmitted, control.readmit_client_ref_in(&ACTOR, workspace, Some(project), &user));
    logs!(ClientRefReadmitted, control.readmit_client_ref_in(&ACTOR, workspace, None, &user));
    assert!(control.readmit_client_ref_in(&ACTOR, workspace, None, &user).await.is_err());
    let quota = QuotaScope::ClientRef(user.clone());
    logs!(QuotaSet, control.set_audio_quota(&ACTOR, workspace, default, quota.clone(), 60));
    logs!(QuotaSet, control.set_audio_quota(&ACTOR, workspace, default, QuotaScope::Project, 60));
    logs!(QuotaRemoved, control.remove_audio_quota(&ACTOR, workspace, default, &QuotaScope::Project));
    assert!(control.remove_audio_quota(&ACTOR, workspace, project, &quota).await.is_err());
    let forgotten = logs!(ClientRefForgotten, control.forget_client_ref(&ACTOR, workspace, None, &user));
    assert_eq!((forgotten.projects.len(), forgotten.audit_names, forgotten.usage_lines), (2, 2, 0));
    let log = control.find_audit_events(&AuditFilter::default(), 0, 1000).await.unwrap();
    assert!(log.iter().all(|event| event.subject_name.as_deref() != Some("user")), "{log:?}");
    logs!(ApiKeyRevoked, control.revoke_key(&ACTOR, workspace, key.key.id));
    logs!(ProjectDeleted, control.delete_project(&ACTOR, workspace, project));
    let permissions = PermissionSet::of_a_workspace();
    let token = control.create_management_token(&ACTOR, workspace, "t", permissions);
    let token = logs!(ManagementTokenCreated, token).token.id;
    logs!(ManagementTokenRevoked, control.revoke_management_token(&ACTOR, workspace, token));
    logs!(WorkspaceClosed, control.close_workspace(&ACTOR, workspace));

    let known: BTreeSet<_> = CHANGING.iter().flat_map(|(_, actions)| actions.iter().copied()).collect();
    let elsewhere: BTreeSet<_> = ELSEWHERE.iter().copied().collect();
    assert_eq!(logged, known.difference(&elsewhere).copied().collect());
}
