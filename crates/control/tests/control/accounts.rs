//! Accounts that people make for themselves, and the one-time links that go to their mailboxes.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use control::{
    Actor, AuditAction, AuditFilter, Begun, ChangePasswordError, ConfirmEmailError, Control, ControlConfig,
    DbPlace, DeleteAccountError, EmailChange, Known, LinkError, MasterKeySource, NewAccount, NewKey,
    PasswordAttempt, PasswordChange, PasswordProblem, PasswordRefused, RegisterError, Registered,
    RegistrationPolicy, SignIn, SignInError, StaySignedIn,
};
use domain::{
    Account, EmailLinkPurpose, ManualClock, PortalSessionState, Product, Reason, Region, Role, SignInMethod,
    SystemClock, SystemRng,
};
use tempfile::TempDir;
use testdb::TestDatabase;

use crate::support::{ACTOR, reason, verify};

const EMAIL: &str = "ada@example.org";
const PASSWORD: &str = "correct horse battery staple";
const OTHER: &str = "another horse battery staple";
const FROM: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));

struct Instance {
    _folder: TempDir,
    clock: Arc<ManualClock>,
    control: Arc<Control>,
}

impl Instance {
    async fn new() -> Self {
        Self::with(|_| ()).await
    }

    async fn with(change: impl FnOnce(&mut ControlConfig)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(ManualClock::new(crate::support::start_time()));
        let mut config = ControlConfig::in_folder(folder.path());
        config.registration.policy = RegistrationPolicy::Open;
        change(&mut config);
        let control = Control::open(config, Arc::clone(&clock) as _, Arc::new(SystemRng)).await.unwrap();
        Self { _folder: folder, clock, control }
    }

    async fn account(&self, email: &str) -> Account {
        self.control.create_account(&ACTOR, email, PASSWORD).await.unwrap()
    }

    /// Registers, and gives what the link in the mail carries.
    async fn register(&self, email: &str, password: &str) -> String {
        match self.try_register(email, password).await {
            Registered::New { secret, .. } => secret.expose().to_owned(),
            other => panic!("{other:?}"),
        }
    }

    async fn try_register(&self, email: &str, password: &str) -> Registered {
        let applicant = self.control.admit(email, password).await.unwrap();
        self.control.register(applicant, FROM).await.unwrap()
    }

    async fn reset_link(&self, email: &str) -> String {
        let begun = self.control.begin_password_reset(email, FROM).await.unwrap();
        begun.unwrap().1.expose().to_owned()
    }

    /// Signs in, and says whether the session is still open.
    async fn signed_in(&self, account: &Account) -> Begun {
        let sign_in = SignIn {
            account_id: account.id,
            method: SignInMethod::Password,
            password: None,
            state: PortalSessionState::Open,
            browser: "a browser",
            from: Some(FROM),
        };
        self.control.begin_portal_session(sign_in).await.unwrap()
    }

    async fn is_open(&self, session: &Begun) -> bool {
        self.control.find_portal_session(&session.secret).await.unwrap().is_some()
    }

    async fn has_password(&self, email: &str, password: &str) -> bool {
        let attempt = PasswordAttempt { email, password, from: FROM, device: None };
        self.control.recognise(attempt).await.is_ok()
    }

    async fn actions(&self) -> Vec<AuditAction> {
        let events = self.control.find_audit_events(&AuditFilter::default(), 0, 100).await.unwrap();
        events.iter().map(|event| event.action).collect()
    }
}

/// Whoever registers gets a workspace with its default project, as its admin, by opening the link and telling the password;
/// until then nobody signs in. The link works once.
#[tokio::test]
async fn registering_makes_an_account_with_its_workspace() {
    let instance = Instance::new().await;
    let control = &instance.control;
    let link = instance.register(EMAIL, PASSWORD).await;
    assert!(!instance.has_password(EMAIL, PASSWORD).await);
    let account = control.confirm_email(&link, PASSWORD, FROM).await.unwrap().account;
    assert_eq!((account.email.as_str(), account.is_operator), (EMAIL, false));
    let memberships = control.list_memberships(account.id).await.unwrap();
    assert_eq!(memberships.len(), 1);
    assert_eq!(memberships[0].1, Role::Admin);
    let projects = control.list_projects(memberships[0].0).await.unwrap();
    assert!(projects.len() == 1 && projects[0].is_default);
    assert!(instance.has_password(EMAIL, PASSWORD).await);
    let again = control.confirm_email(&link, PASSWORD, FROM).await;
    assert!(matches!(again, Err(ConfirmEmailError::NotFound)), "{again:?}");
    assert_eq!(instance.actions().await[1..], [AuditAction::AccountRegistered, AuditAction::EmailConfirmed]);
}

/// Whoever registers somebody else's address before them gets nothing: its owner confirms nothing without the password, and
/// registers over it. What the first one chose opens nothing afterwards, and his link is dead.
#[tokio::test]
async fn nobody_waits_in_an_unconfirmed_account() {
    let instance = Instance::new().await;
    let control = &instance.control;
    let squatted = instance.register(EMAIL, OTHER).await;
    let refused = control.confirm_email(&squatted, PASSWORD, FROM).await;
    assert!(matches!(refused, Err(ConfirmEmailError::Password(PasswordRefused::Wrong))), "{refused:?}");
    let own = instance.register("ADA@example.org", PASSWORD).await;
    let dead = control.confirm_email(&squatted, OTHER, FROM).await;
    assert!(matches!(dead, Err(ConfirmEmailError::NotFound)), "{dead:?}");
    control.confirm_email(&own, PASSWORD, FROM).await.unwrap();
    assert!(!instance.has_password(EMAIL, OTHER).await);
    assert!(instance.has_password(EMAIL, PASSWORD).await);
    // Now it is somebody's: registering it changes nothing, whatever the spelling.
    for email in [EMAIL, "Ada@Example.ORG"] {
        assert!(matches!(instance.try_register(email, OTHER).await, Registered::Known { .. }));
    }
    assert!(!instance.has_password(EMAIL, OTHER).await);
}

/// Each policy lets in whom it says, and its refusals don't depend on who is known.
#[tokio::test]
async fn registration_follows_the_policy() {
    let domains = RegistrationPolicy::Domains(vec!["example.org".to_owned()]);
    let instance = Instance::with(|config| config.registration.policy = domains).await;
    let control = &instance.control;
    assert!(control.admit("ada@EXAMPLE.org", PASSWORD).await.is_ok());
    instance.account("bob@elsewhere.example").await;
    for email in ["a@elsewhere.example", "bob@elsewhere.example", "a@sub.example.org", "a@example.org.evil"] {
        assert!(matches!(control.admit(email, PASSWORD).await, Err(RegisterError::Domain(_))), "{email}");
    }
    let invited = Instance::with(|config| config.registration.policy = RegistrationPolicy::Invitation).await;
    assert!(matches!(invited.control.admit(EMAIL, PASSWORD).await, Err(RegisterError::Invitation)));
    let closed = Instance::with(|config| config.registration.policy = RegistrationPolicy::Closed).await;
    assert!(matches!(closed.control.admit(EMAIL, PASSWORD).await, Err(RegisterError::Closed)));
    let open = Instance::new().await;
    for email in ["", "ada", "a@b c", "a@b\r\nBcc: x@y"] {
        assert!(
            matches!(open.control.admit(email, PASSWORD).await, Err(RegisterError::InvalidEmail)),
            "{email}"
        );
    }
    let short = open.control.admit(EMAIL, "short").await;
    assert!(matches!(short, Err(RegisterError::InvalidPassword(PasswordProblem::TooShort))), "{short:?}");
}

/// Nobody's mailbox is filled by others: an address gets a few mails, and then none for a while.
#[tokio::test]
async fn an_address_gets_few_mails() {
    let instance = Instance::new().await;
    instance.account(EMAIL).await;
    let mut sent = 0;
    for spelling in [EMAIL, "ADA@example.org", "Ada@example.org", "aDa@example.org", "adA@example.org", EMAIL]
    {
        sent += u32::from(instance.control.begin_password_reset(spelling, FROM).await.unwrap().is_some());
    }
    assert_eq!(sent, 4);
    instance.clock.advance_seconds(900);
    assert!(instance.control.begin_password_reset(EMAIL, FROM).await.unwrap().is_some());
}

/// A link to choose another password works once, for half an hour, and for nothing else; a password that may not be chosen
/// leaves it as it was. All browsers are signed out, and the other links of the account are dead.
#[tokio::test]
async fn a_reset_link_works_once_and_ends_everything() {
    let instance = Instance::new().await;
    let control = &instance.control;
    let ada = instance.account(EMAIL).await;
    let session = instance.signed_in(&ada).await;
    let (link, other_link) = (instance.reset_link(EMAIL).await, instance.reset_link(EMAIL).await);
    assert!(control.find_link(EmailLinkPurpose::ResetPassword, &link).await.unwrap().is_some());
    let weak = control.reset_password(&link, "passwordpassword", FROM).await;
    assert!(matches!(weak, Err(LinkError::InvalidPassword(PasswordProblem::Guessed))), "{weak:?}");
    assert!(instance.is_open(&session).await);
    assert!(matches!(control.finish_email_change(&link, FROM).await, Err(LinkError::NotFound)));
    assert!(matches!(control.set_up(&link, "x@y", PASSWORD, FROM).await, Err(LinkError::NotFound)));
    control.reset_password(&link, OTHER, FROM).await.unwrap();
    assert!(!instance.is_open(&session).await);
    assert!(instance.has_password(EMAIL, OTHER).await && !instance.has_password(EMAIL, PASSWORD).await);
    for dead in [link.as_str(), &other_link, "", "x", &"x".repeat(10_000)] {
        let refused = control.reset_password(dead, PASSWORD, FROM).await;
        assert!(matches!(refused, Err(LinkError::NotFound)), "{refused:?}");
    }
    let late = instance.reset_link(EMAIL).await;
    instance.clock.advance_seconds(30 * 60);
    assert!(control.find_link(EmailLinkPurpose::ResetPassword, &late).await.unwrap().is_none());
    assert!(matches!(control.reset_password(&late, PASSWORD, FROM).await, Err(LinkError::NotFound)));
    assert!(control.begin_password_reset("nobody@example.org", FROM).await.unwrap().is_none());
}

/// Links of a disabled account are dead, and it gets no new ones.
#[tokio::test]
async fn a_disabled_account_has_no_links() {
    let instance = Instance::new().await;
    let control = &instance.control;
    let ada = instance.account(EMAIL).await;
    let session = instance.signed_in(&ada).await;
    let link = instance.reset_link(EMAIL).await;
    control.disable_account(&ACTOR, ada.id).await.unwrap();
    assert!(!instance.is_open(&session).await);
    assert!(control.begin_password_reset(EMAIL, FROM).await.unwrap().is_none());
    control.enable_account(&ACTOR, ada.id).await.unwrap();
    assert!(matches!(control.reset_password(&link, OTHER, FROM).await, Err(LinkError::NotFound)));
}

/// Of many that use a link at once exactly one succeeds.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn racing_for_a_link_has_one_winner() {
    let instance = Instance::new().await;
    instance.account(EMAIL).await;
    let link = instance.reset_link(EMAIL).await;
    let nodes = vec![Arc::clone(&instance.control); 6];
    assert_eq!(winners(nodes, &link).await, 1);
}

/// The same on two nodes with one database.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_postgres_racing_for_a_link_has_one_winner() {
    let database = TestDatabase::create();
    let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let one = node(&folders[0], MasterKeySource::Folder, &database).await;
    let key = MasterKeySource::File(folders[0].path().join("master.key"));
    let other = node(&folders[1], key, &database).await;
    one.create_account(&ACTOR, EMAIL, PASSWORD).await.unwrap();
    let link = one.begin_password_reset(EMAIL, FROM).await.unwrap().unwrap().1.expose().to_owned();
    let nodes = [&one, &other].into_iter().cycle().take(6).cloned().collect();
    assert_eq!(winners(nodes, &link).await, 1);
    one.close().await;
    other.close().await;
}

async fn node(folder: &TempDir, master_key: MasterKeySource, database: &TestDatabase) -> Arc<Control> {
    let config = ControlConfig {
        database: Some(DbPlace::parse(&database.url()).unwrap()),
        master_key,
        ..ControlConfig::in_folder(folder.path())
    };
    Control::open(config, Arc::new(SystemClock), Arc::new(SystemRng)).await.unwrap()
}

async fn winners(nodes: Vec<Arc<Control>>, link: &str) -> usize {
    let mut racers = tokio::task::JoinSet::new();
    for node in nodes {
        let link = link.to_owned();
        racers.spawn(async move { node.reset_password(&link, OTHER, FROM).await });
    }
    let results = racers.join_all().await;
    let lost = results.iter().filter(|result| matches!(result, Err(LinkError::NotFound))).count();
    let won = results.iter().filter(|result| result.is_ok()).count();
    assert_eq!(lost + won, results.len(), "{results:?}");
    won
}

/// An account moves to another address only by the link that went there; whether that address is known is not told to
/// whoever asks. Links to the old address are dead afterwards, and the log calls the person by the new one.
#[tokio::test]
async fn an_address_changes_by_a_link_to_the_new_one() {
    let instance = Instance::new().await;
    let control = &instance.control;
    let (ada, bob) = (instance.account(EMAIL).await, instance.account("bob@example.org").await);
    let actor = Actor::account(ada.id).from(FROM);
    let session = instance.signed_in(&ada).await;
    let reset = instance.reset_link(EMAIL).await;
    let taken = control.begin_email_change(&actor, ada.id, "BOB@example.org").await.unwrap();
    assert!(matches!(taken, EmailChange::Taken));
    let begin = |email: &'static str| control.begin_email_change(&actor, ada.id, email);
    let EmailChange::Confirm { secret: replaced } = begin("ada@first.example").await.unwrap() else {
        panic!()
    };
    let EmailChange::Confirm { secret } = begin("ada@new.example").await.unwrap() else { panic!() };
    assert!(matches!(control.finish_email_change(replaced.expose(), FROM).await, Err(LinkError::NotFound)));
    assert_eq!(control.find_account_by_id(ada.id).await.unwrap().unwrap().email, EMAIL);
    let changed = control.finish_email_change(secret.expose(), FROM).await.unwrap();
    assert_eq!((changed.account.email.as_str(), changed.old_email.as_str()), ("ada@new.example", EMAIL));
    assert!(matches!(control.finish_email_change(secret.expose(), FROM).await, Err(LinkError::NotFound)));
    assert!(matches!(control.reset_password(&reset, OTHER, FROM).await, Err(LinkError::NotFound)));
    assert!(instance.has_password("ada@new.example", PASSWORD).await);
    assert!(!instance.has_password(EMAIL, PASSWORD).await);
    assert!(instance.is_open(&session).await);
    assert_eq!(control.find_account_by_id(bob.id).await.unwrap().unwrap().email, "bob@example.org");
    let events = control.find_audit_events(&AuditFilter::default(), 0, 100).await.unwrap();
    let names: Vec<_> = events.iter().filter_map(|event| event.subject_name.as_deref()).collect();
    assert!(names.contains(&"ada@new.example") && !names.contains(&EMAIL), "{names:?}");
}

/// An address that somebody else took meanwhile can't be moved to.
#[tokio::test]
async fn an_address_that_was_taken_meanwhile_is_refused() {
    let instance = Instance::new().await;
    let control = &instance.control;
    let ada = instance.account(EMAIL).await;
    let actor = Actor::account(ada.id);
    let begun = control.begin_email_change(&actor, ada.id, "new@example.org").await.unwrap();
    let EmailChange::Confirm { secret } = begun else { panic!() };
    instance.account("NEW@example.org").await;
    let refused = control.finish_email_change(secret.expose(), FROM).await;
    assert!(matches!(refused, Err(LinkError::EmailTaken)), "{refused:?}");
    assert!(instance.has_password(EMAIL, PASSWORD).await);
}

/// Whoever operates an instance makes accounts and never knows a password: nobody gets in before the link was used, which works
/// once, for a day. It shows nothing of the mailbox, as a mailed one does.
#[tokio::test]
async fn nobody_chooses_for_somebody_else() {
    let instance = Instance::new().await;
    let control = &instance.control;
    let by_somebody = Actor::account(domain::AccountId::from_u128(1));
    let new = NewAccount { email: EMAIL, membership: None };
    let (ada, secret) = control.create_account_in(&by_somebody, new).await.unwrap();
    for guess in ["", PASSWORD, secret.expose()] {
        assert!(control.check_password(EMAIL, guess).await.unwrap().is_none(), "{guess}");
    }
    instance.clock.advance_seconds(24 * 3600 - 1);
    assert_eq!(control.reset_password(secret.expose(), PASSWORD, FROM).await.unwrap().id, ada.id);
    assert!(control.check_password(EMAIL, PASSWORD).await.unwrap().is_some());
    let used = control.reset_password(secret.expose(), OTHER, FROM).await;
    assert!(matches!(used, Err(LinkError::NotFound)));
    let read = control.find_account(EMAIL).await.unwrap().unwrap();
    assert_eq!(read.email_verified_at, None, "whoever handed the link over may have used it");

    let (_, late) = control.make_choose_password_link(&ACTOR, ada.id).await.unwrap().unwrap();
    instance.clock.advance_seconds(24 * 3600);
    assert!(matches!(control.reset_password(late.expose(), OTHER, FROM).await, Err(LinkError::NotFound)));
    let (_, handed) = control.make_choose_password_link(&ACTOR, ada.id).await.unwrap().unwrap();
    let (_, mailed) = control.make_password_reset_link(&ACTOR, ada.id).await.unwrap().unwrap();
    control.reset_password(mailed.expose(), OTHER, FROM).await.unwrap();
    let read = control.find_account(EMAIL).await.unwrap().unwrap();
    assert!(read.email_verified_at.is_some(), "a mailed one was read in the mailbox");
    let ended = control.reset_password(handed.expose(), PASSWORD, FROM).await;
    assert!(matches!(ended, Err(LinkError::NotFound)), "one that was used ends the others");
    control.disable_account(&ACTOR, ada.id).await.unwrap();
    assert!(control.make_choose_password_link(&ACTOR, ada.id).await.unwrap().is_none());
}

/// Whoever runs the instance hands a link to whom they know: by a command or by a token, it is all that an account needs to sign
/// in, also where no mail is sent.
#[tokio::test]
async fn a_link_that_is_handed_over_is_enough() {
    let instance = Instance::new().await;
    let control = &instance.control;
    let token = Actor::management_token(domain::ManagementTokenId::from_u128(1));
    for (actor, email) in [(ACTOR, EMAIL), (token, "bob@example.org")] {
        let new = NewAccount { email, membership: None };
        let (_, secret) = control.create_account_in(&actor, new).await.unwrap();
        control.reset_password(secret.expose(), PASSWORD, FROM).await.unwrap();
        assert!(instance.has_password(email, PASSWORD).await, "{email}");
    }
}

/// Whoever was recognised by a password that was replaced before they were in stays outside.
#[tokio::test]
async fn the_password_before_opens_nothing() {
    let instance = Instance::new().await;
    let control = &instance.control;
    let ada = instance.account(EMAIL).await;
    let recognised = async |password| {
        let attempt = PasswordAttempt { email: EMAIL, password, from: FROM, device: None };
        control.recognise(attempt).await.unwrap()
    };
    let begin = async |known: &Known| {
        let sign_in = SignIn {
            account_id: ada.id,
            method: SignInMethod::Password,
            password: Some(&known.password),
            state: PortalSessionState::Open,
            browser: "a browser",
            from: Some(FROM),
        };
        control.begin_portal_session(sign_in).await
    };
    let before = recognised(PASSWORD).await;
    control.reset_password(&instance.reset_link(EMAIL).await, OTHER, FROM).await.unwrap();
    let late = begin(&before).await;
    assert!(matches!(late, Err(SignInError::Over)), "{late:?}");
    assert!(control.list_portal_sessions(ada.id).await.unwrap().is_empty());
    begin(&recognised(OTHER).await).await.unwrap();
    assert_eq!(control.list_portal_sessions(ada.id).await.unwrap().len(), 1);
}

/// Of several changes that know the present password at once one succeeds: what was chosen meanwhile isn't replaced by whoever
/// knew the password before it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_change_succeeds_the_password_before_it() {
    let instance = Instance::new().await;
    let ada = instance.account(EMAIL).await;
    let actor = Actor::account(ada.id).from(FROM);
    let change = async |new: &'static str| {
        let asked = PasswordChange { current: PASSWORD, new, stay: StaySignedIn::Everywhere, from: FROM };
        instance.control.change_password(&actor, ada.id, asked).await
    };
    let (one, two) = tokio::join!(change(OTHER), change("a third one, long enough"));
    let refused =
        |result: &Result<(), _>| matches!(result, Err(ChangePasswordError::Current(PasswordRefused::Wrong)));
    assert!(one.is_ok() && refused(&two) || two.is_ok() && refused(&one), "{one:?} {two:?}");
    assert_eq!(instance.has_password(EMAIL, OTHER).await, one.is_ok());
}

/// Whoever holds an open browser of somebody else doesn't get their account: the present password is asked for, and few guesses
/// are looked at.
#[tokio::test]
async fn a_password_changes_by_whoever_knows_it() {
    let instance = Instance::new().await;
    let control = &instance.control;
    let ada = instance.account(EMAIL).await;
    let actor = Actor::account(ada.id).from(FROM);
    let asked = |current| PasswordChange { current, new: OTHER, stay: StaySignedIn::Everywhere, from: FROM };
    let long = "x".repeat(10_000);
    for wrong in ["", OTHER, &long] {
        let refused = control.change_password(&actor, ada.id, asked(wrong)).await;
        let is_wrong = matches!(refused, Err(ChangePasswordError::Current(PasswordRefused::Wrong)));
        assert!(is_wrong, "{refused:?}");
    }
    assert!(instance.has_password(EMAIL, PASSWORD).await);
    control.change_password(&actor, ada.id, asked(PASSWORD)).await.unwrap();
    assert!(instance.has_password(EMAIL, OTHER).await);
    let mut refused = Ok(());
    for _ in 0..20 {
        refused = control.change_password(&actor, ada.id, asked("guess")).await;
    }
    let too_many = matches!(refused, Err(ChangePasswordError::Current(PasswordRefused::TooMany { .. })));
    assert!(too_many, "{refused:?}");
}

/// Who has no password yet chooses the first one by having come in another way.
#[tokio::test]
async fn a_first_password_needs_none_before() {
    let instance = Instance::new().await;
    let control = &instance.control;
    let new = NewAccount { email: EMAIL, membership: None };
    let (ada, _) = control.create_account_in(&ACTOR, new).await.unwrap();
    assert!(!control.has_password(ada.id).await.unwrap());
    let stay = StaySignedIn::Everywhere;
    let asked = PasswordChange { current: "", new: PASSWORD, stay, from: FROM };
    control.change_password(&Actor::account(ada.id), ada.id, asked).await.unwrap();
    assert!(control.has_password(ada.id).await.unwrap() && instance.has_password(EMAIL, PASSWORD).await);
}

/// Another password ends the links to choose one, and the other browsers where that is wanted; one that an operator sets
/// ends all of them.
#[tokio::test]
async fn sessions_end_with_the_password() {
    let instance = Instance::new().await;
    let control = &instance.control;
    let ada = instance.account(EMAIL).await;
    let actor = Actor::account(ada.id).from(FROM);
    let (here, there) = (instance.signed_in(&ada).await, instance.signed_in(&ada).await);
    let link = instance.reset_link(EMAIL).await;
    let asked = |current, new, stay| PasswordChange { current, new, stay, from: FROM };
    control.change_password(&actor, ada.id, asked(PASSWORD, OTHER, StaySignedIn::Everywhere)).await.unwrap();
    assert!(instance.is_open(&here).await && instance.is_open(&there).await);
    assert!(matches!(control.reset_password(&link, PASSWORD, FROM).await, Err(LinkError::NotFound)));
    let only_here = StaySignedIn::Only(here.session.id);
    control.change_password(&actor, ada.id, asked(OTHER, PASSWORD, only_here)).await.unwrap();
    assert!(instance.is_open(&here).await && !instance.is_open(&there).await);
    control.set_password(&ACTOR, ada.id, OTHER).await.unwrap();
    assert!(!instance.is_open(&here).await);
    assert!(instance.has_password(EMAIL, OTHER).await);
}

/// A first start offers one link that makes the operator's account; with any account there is none, and one that was shown
/// before is dead. Later ones are made by whoever runs the instance.
#[tokio::test]
async fn the_first_account_is_made_by_a_link_on_the_console() {
    let instance = Instance::new().await;
    let control = &instance.control;
    let shown = control.first_set_up_link().await.unwrap().unwrap();
    let shown_again = control.first_set_up_link().await.unwrap().unwrap();
    let weak = control.set_up(shown.expose(), EMAIL, "short", FROM).await;
    assert!(matches!(weak, Err(LinkError::InvalidPassword(_))), "{weak:?}");
    let operator = control.set_up(shown.expose(), EMAIL, PASSWORD, FROM).await.unwrap();
    assert!(operator.is_operator && operator.email_verified_at.is_some());
    assert_eq!(control.list_memberships(operator.id).await.unwrap().len(), 1);
    assert!(instance.has_password(EMAIL, PASSWORD).await);
    assert!(control.first_set_up_link().await.unwrap().is_none());
    assert!(control.find_set_up_link(shown_again.expose()).await.unwrap().is_none());
    for dead in [shown, shown_again] {
        let refused = control.set_up(dead.expose(), "eve@example.org", PASSWORD, FROM).await;
        assert!(matches!(refused, Err(LinkError::NotFound)), "{refused:?}");
    }
    let link = control.make_set_up_link(&ACTOR).await.unwrap();
    let second = control.set_up(link.expose(), "bob@example.org", PASSWORD, FROM).await.unwrap();
    assert!(second.is_operator);
    let used = control.set_up(link.expose(), "eve@example.org", PASSWORD, FROM).await;
    assert!(matches!(used, Err(LinkError::NotFound)), "{used:?}");
    let late = control.make_set_up_link(&ACTOR).await.unwrap();
    instance.clock.advance_seconds(24 * 3600);
    assert!(control.find_set_up_link(late.expose()).await.unwrap().is_none());
}

/// Deleting one's account ends its sessions and links, its name in the log, and the workspaces that nobody else belongs to
/// with their keys; a workspace with others is not left without an admin.
#[tokio::test]
async fn an_account_goes_with_what_is_its_alone() {
    let instance = Instance::new().await;
    let control = &instance.control;
    let link = instance.register(EMAIL, PASSWORD).await;
    let ada = control.confirm_email(&link, PASSWORD, FROM).await.unwrap().account;
    let actor = Actor::account(ada.id).from(FROM);
    let own = control.list_memberships(ada.id).await.unwrap()[0].0;
    let project = control.list_projects(own).await.unwrap()[0].id;
    let key = control.create_key(&actor, own, NewKey::named(project, "k")).await.unwrap();
    let of_key = || verify(control.tables(), key.secret.expose(), Product::Batch, Region::Eu1, control.now());
    assert!(of_key().is_ok());
    let bob = instance.account("bob@example.org").await;
    let new =
        control::NewWorkspace { name: "w".to_owned(), plan: domain::Plan::Pro, home_area: domain::Area::Eu };
    let shared = control.create_workspace(&ACTOR, new).await.unwrap().workspace.id;
    control.add_member(&ACTOR, shared, ada.id, Role::Admin).await.unwrap();
    control.add_member(&ACTOR, shared, bob.id, Role::Member).await.unwrap();
    let refused = control.delete_own_account(&actor, ada.id).await;
    assert!(matches!(refused, Err(DeleteAccountError::LastAdmin(id)) if id == shared), "{refused:?}");
    assert!(of_key().is_ok(), "a refused deletion changes nothing");
    assert_eq!(control.list_sole_workspaces(ada.id).await.unwrap(), [own]);
    control.set_member(&ACTOR, shared, bob.id, Role::Admin).await.unwrap();
    let session = instance.signed_in(&ada).await;
    let reset = instance.reset_link(EMAIL).await;
    control.delete_own_account(&actor, ada.id).await.unwrap();
    assert_eq!(reason(of_key()), Reason::CredentialRevoked);
    assert!(!instance.is_open(&session).await);
    assert!(matches!(control.reset_password(&reset, OTHER, FROM).await, Err(LinkError::NotFound)));
    assert!(control.find_workspace(own).await.unwrap().is_none());
    assert!(control.find_workspace(shared).await.unwrap().is_some());
    let events = control.find_audit_events(&AuditFilter::default(), 0, 100).await.unwrap();
    assert!(events.iter().all(|event| event.subject_name.as_deref() != Some(EMAIL)));
}
