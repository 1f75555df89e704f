//! Authenticator apps and recovery codes: each code once, and no guessing.

use std::sync::Arc;

use control::{
    AuditAction, AuditFilter, ChangeFactorError, Control, ControlConfig, DbPlace, FactorError,
    MasterKeySource, RECOVERY_CODES_MAX, SignInError, TICKET_SECONDS_MAX, TOTP_FAILURES_MAX,
    TOTP_GUESS_SECONDS, TOTP_GUESSES_KEPT_MAX,
};
use credentials::PlainSecret;
use domain::{Account, ManualClock, PortalSessionState, SecondFactors, SignInMethod, SystemRng};
use testdb::TestDatabase;

use crate::support::people::{begin, code, pending, person};
use crate::support::{ACTOR, Instance, PEER, start_time};

/// An account with an authenticator app: its secret, and its recovery codes.
async fn with_app(control: &Control, account: &Account) -> (PlainSecret, Vec<String>) {
    let offer = control.offer_totp("browser", account, "Voxgate").unwrap();
    let now = code(&offer.secret, control.now());
    let added = control.add_totp(&ACTOR, account.id, "browser", &offer.ticket, &now).await.unwrap();
    let codes = added.recovery_codes.unwrap();
    (offer.secret, codes.iter().map(str::to_owned).collect())
}

fn is_wrong<T: std::fmt::Debug>(result: &Result<T, FactorError>) -> bool {
    matches!(result, Err(FactorError::Wrong))
}

/// A code opens once, in its interval and the ones beside it; neither the same code nor an earlier one opens again, and a code
/// that was shown while the app was added is used up by that.
#[tokio::test]
async fn a_code_opens_once() {
    let instance = Instance::new().await;
    let control = &instance.control;
    let ada = person(control, "ada@example.org").await;
    let (secret, _) = with_app(control, &ada).await;
    assert_eq!(
        control.second_factors(ada.id).await.unwrap(),
        SecondFactors { has_totp: true, passkeys: 0, recovery_codes: RECOVERY_CODES_MAX as u64 }
    );
    let at = |seconds: i64| code(&secret, start_time().plus_seconds(seconds));
    let used = control.complete_with_totp(&pending(control, &ada).await, &at(0)).await;
    assert!(is_wrong(&used), "{used:?}");

    instance.clock.advance_seconds(60);
    let begun = control.complete_with_totp(&pending(control, &ada).await, &at(90)).await.unwrap();
    assert_eq!(begun.session.state, PortalSessionState::Open);
    assert_eq!(begun.session.method, SignInMethod::PasswordAndFactor);
    for seconds in [90, 60, 30] {
        let again = control.complete_with_totp(&pending(control, &ada).await, &at(seconds)).await;
        assert!(is_wrong(&again), "{seconds}");
    }
    instance.clock.advance_seconds(600);
    for (seconds, opens) in
        [(660 - 60, false), (660 + 60, false), (660 - 30, true), (660, true), (660 + 30, true)]
    {
        let tried = control.complete_with_totp(&pending(control, &ada).await, &at(seconds)).await;
        assert_eq!(tried.is_ok(), opens, "{seconds}: {tried:?}");
    }
    instance.clock.advance_seconds(600);
    for not_a_code in ["", "12345", "1234567", "abcdef", "１２３４５６", "-00001", &"1".repeat(100_000)]
    {
        let tried = control.complete_with_totp(&pending(control, &ada).await, not_a_code).await;
        assert!(tried.is_err(), "{not_a_code}");
        instance.clock.advance_seconds(i64::from(TOTP_GUESS_SECONDS));
    }
    let now = code(&secret, control.now());
    let spaced = format!(" {} {} ", &now[..3], &now[3..]);
    assert!(control.complete_with_totp(&pending(control, &ada).await, &spaced).await.is_ok());
}

/// Of many who show the same code at the same time one gets in.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_raced_code_opens_once() {
    let instance = Instance::new().await;
    let ada = person(&instance.control, "ada@example.org").await;
    let (secret, codes) = with_app(&instance.control, &ada).await;
    instance.clock.advance_seconds(60);
    let shown = code(&secret, instance.control.now());
    assert_eq!(race(&[&instance.control], &ada, &shown, 4, false).await, 1);
    assert_eq!(race(&[&instance.control], &ada, &codes[0], 8, true).await, 1);
}

/// The same on two nodes that share a database.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_postgres_a_raced_code_opens_once() {
    let database = TestDatabase::create();
    let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let clock = Arc::new(ManualClock::new(start_time()));
    let key = MasterKeySource::File(folders[0].path().join("master.key"));
    let mut nodes = Vec::new();
    for (folder, master_key) in folders.iter().zip([MasterKeySource::Folder, key]) {
        let database = Some(DbPlace::parse(&database.url()).unwrap());
        let config = ControlConfig { database, master_key, ..ControlConfig::in_folder(folder.path()) };
        nodes.push(Control::open(config, Arc::clone(&clock) as _, Arc::new(SystemRng)).await.unwrap());
    }
    let ada = person(&nodes[0], "ada@example.org").await;
    let (secret, codes) = with_app(&nodes[0], &ada).await;
    let both = [&nodes[0], &nodes[1]];
    for recovery_code in &codes[..3] {
        clock.advance_seconds(60 * 60);
        assert_eq!(race(&both, &ada, &code(&secret, nodes[0].now()), 4, false).await, 1);
        assert_eq!(race(&both, &ada, recovery_code, 4, true).await, 1);
    }
    for node in nodes {
        node.close().await;
    }
}

/// How many of so many get in who show the same code at the same time.
async fn race(
    nodes: &[&Arc<Control>],
    account: &Account,
    shown: &str,
    count: usize,
    is_recovery: bool,
) -> usize {
    let mut racers = tokio::task::JoinSet::new();
    for number in 0..count {
        let node = Arc::clone(nodes[number % nodes.len()]);
        let (secret, shown) = (pending(&node, account).await, shown.to_owned());
        racers.spawn(async move {
            if is_recovery {
                node.complete_with_recovery_code(&secret, &shown).await.is_ok()
            } else {
                node.complete_with_totp(&secret, &shown).await.is_ok()
            }
        });
    }
    racers.join_all().await.into_iter().filter(|is_in| *is_in).count()
}

/// Guesses are few, whichever browser makes them: after them not even the right code is looked at for a while. Another account
/// isn't shut out by them, and the owner gets in by a recovery code at any time.
#[tokio::test]
async fn guesses_are_few_and_shut_nobody_else_out() {
    let instance = Instance::new().await;
    let control = &instance.control;
    let [ada, bob] = [person(control, "ada@example.org").await, person(control, "bob@example.org").await];
    let (secret, codes) = with_app(control, &ada).await;
    let (others, _) = with_app(control, &bob).await;
    instance.clock.advance_seconds(3600);
    let right = |secret: &PlainSecret| code(secret, control.now());
    let wrong = |secret: &PlainSecret| {
        let right: u32 = code(secret, control.now()).parse().unwrap();
        format!("{:06}", (right + 500_000) % 1_000_000)
    };
    for guess in 0..TOTP_GUESSES_KEPT_MAX {
        let tried = control.complete_with_totp(&pending(control, &ada).await, &wrong(&secret)).await;
        assert!(is_wrong(&tried), "{guess}: {tried:?}");
    }
    let over = control.complete_with_totp(&pending(control, &ada).await, &right(&secret)).await;
    let Err(FactorError::TooMany { retry_after_seconds }) = over else { panic!("{over:?}") };
    assert_eq!(retry_after_seconds, u64::from(TOTP_GUESS_SECONDS));
    assert!(control.complete_with_totp(&pending(control, &bob).await, &right(&others)).await.is_ok());
    assert!(control.complete_with_recovery_code(&pending(control, &ada).await, &codes[0]).await.is_ok());
    let again = control.complete_with_totp(&pending(control, &ada).await, &right(&secret)).await;
    assert!(again.is_ok(), "the recovery code showed who it is: {again:?}");

    // At the pace that is allowed, for as long as somebody likes.
    instance.clock.advance_seconds(3600);
    let mut looked_at = 0;
    loop {
        match control.complete_with_totp(&pending(control, &ada).await, &wrong(&secret)).await {
            Err(FactorError::Wrong) => looked_at += 1,
            Err(FactorError::TooMany { retry_after_seconds }) => {
                instance.clock.advance_seconds(i64::try_from(retry_after_seconds).unwrap());
            }
            Err(FactorError::Locked) => break,
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(looked_at, TOTP_FAILURES_MAX);
    instance.clock.advance_seconds(30 * 24 * 3600);
    let locked = control.complete_with_totp(&pending(control, &ada).await, &right(&secret)).await;
    assert!(matches!(locked, Err(FactorError::Locked)), "{locked:?}");
    assert!(control.complete_with_recovery_code(&pending(control, &ada).await, &codes[1]).await.is_ok());
    assert!(control.complete_with_totp(&pending(control, &ada).await, &right(&secret)).await.is_ok());
    let filter = AuditFilter { action: Some(AuditAction::FactorRefused), ..AuditFilter::default() };
    let refused = control.find_audit_events(&filter, 0, 1000).await.unwrap();
    assert!(refused.len() as u64 > TOTP_FAILURES_MAX);
    assert!(refused.iter().all(|event| event.actor == "system" && event.from.is_some()));
}

/// A recovery code opens once, for its account alone; new ones end the old ones; they go with the last factor.
#[tokio::test]
async fn a_recovery_code_opens_once() {
    let instance = Instance::new().await;
    let control = &instance.control;
    let [ada, bob] = [person(control, "ada@example.org").await, person(control, "bob@example.org").await];
    let (_, codes) = with_app(control, &ada).await;
    with_app(control, &bob).await;
    let tried = control.complete_with_recovery_code(&pending(control, &bob).await, &codes[0]).await;
    assert!(is_wrong(&tried));
    let written = codes[0].to_uppercase().replace('-', " ");
    assert!(control.complete_with_recovery_code(&pending(control, &ada).await, &written).await.is_ok());
    let again = control.complete_with_recovery_code(&pending(control, &ada).await, &codes[0]).await;
    assert!(is_wrong(&again));
    assert_eq!(control.second_factors(ada.id).await.unwrap().recovery_codes, 9);

    let new = control.make_recovery_codes(&ACTOR, ada.id).await.unwrap();
    let new: Vec<String> = new.iter().map(str::to_owned).collect();
    let old = control.complete_with_recovery_code(&pending(control, &ada).await, &codes[1]).await;
    assert!(is_wrong(&old));
    assert!(control.complete_with_recovery_code(&pending(control, &ada).await, &new[1]).await.is_ok());

    control.remove_totp(&ACTOR, ada.id).await.unwrap();
    assert_eq!(control.second_factors(ada.id).await.unwrap(), SecondFactors::default());
    let gone = control.complete_with_recovery_code(&pending(control, &ada).await, &new[2]).await;
    assert!(is_wrong(&gone));
    assert!(matches!(control.make_recovery_codes(&ACTOR, ada.id).await, Err(ChangeFactorError::NotFound)));
    assert!(matches!(control.remove_totp(&ACTOR, ada.id).await, Err(ChangeFactorError::NotFound)));
}

/// An app is added by its own page, in its own browser, in time, with a code of its own, and once.
#[tokio::test]
async fn an_app_is_added_by_a_code_of_it() {
    let instance = Instance::new().await;
    let control = &instance.control;
    let ada = person(control, "ada@example.org").await;
    let offer = control.offer_totp("browser", &ada, "Voxgate").unwrap();
    let url = offer.url.expose();
    assert!(url.starts_with("otpauth://totp/Voxgate:ada%40example.org?"), "{url}");
    assert!(
        !format!("{offer:?}").contains(offer.secret.expose())
            && !offer.ticket.contains(offer.secret.expose())
    );
    let shown = code(&offer.secret, control.now());
    let add = async |bound_to: &'static str, ticket: &str, code: &str| {
        control.add_totp(&ACTOR, ada.id, bound_to, ticket, code).await
    };
    assert!(matches!(add("browser", &offer.ticket, "000000").await, Err(ChangeFactorError::Wrong)));
    assert!(matches!(add("another", &offer.ticket, &shown).await, Err(ChangeFactorError::Ticket(_))));
    let mut altered = offer.ticket.clone();
    altered.replace_range(40..41, if &altered[40..41] == "A" { "B" } else { "A" });
    assert!(matches!(add("browser", &altered, &shown).await, Err(ChangeFactorError::Ticket(_))));
    let same = control.offer_totp_again("browser", &ada, "Voxgate", &offer.ticket).unwrap();
    assert_eq!(same.secret.expose(), offer.secret.expose());
    assert!(add("browser", &offer.ticket, &shown).await.is_ok());
    control.remove_totp(&ACTOR, ada.id).await.unwrap();
    let replayed = add("browser", &offer.ticket, &shown).await;
    assert!(matches!(replayed, Err(ChangeFactorError::Ticket(_))), "an old page brings no removed app back");

    let late = control.offer_totp("browser", &ada, "Voxgate").unwrap();
    instance.clock.advance_seconds(TICKET_SECONDS_MAX);
    let shown = code(&late.secret, control.now());
    assert!(matches!(add("browser", &late.ticket, &shown).await, Err(ChangeFactorError::Ticket(_))));
    with_app(control, &ada).await;
    let second = control.offer_totp("browser", &ada, "Voxgate").unwrap();
    let shown = code(&second.secret, control.now());
    assert!(matches!(add("browser", &second.ticket, &shown).await, Err(ChangeFactorError::Exists)));
}

/// A sign-in that isn't waiting, is over, or whose account was disabled or deleted meanwhile is completed by no code.
#[tokio::test]
async fn only_a_pending_sign_in_is_completed() {
    let instance = Instance::new().await;
    let control = &instance.control;
    let ada = person(control, "ada@example.org").await;
    let (secret, codes) = with_app(control, &ada).await;
    instance.clock.advance_seconds(60);
    let open = begin(control, &ada, PortalSessionState::Open).await.secret;
    let begun = pending(control, &ada).await;
    let shown = || code(&secret, control.now());
    for over in [&open, &PlainSecret::new("nobody".to_owned())] {
        let tried = control.complete_with_totp(over, &shown()).await;
        assert!(matches!(tried, Err(FactorError::SignIn(SignInError::Over))), "{tried:?}");
    }
    let completed = control.complete_with_totp(&begun, &shown()).await.unwrap();
    assert_ne!(completed.secret.expose(), begun.expose());
    assert!(control.find_portal_session(&begun).await.unwrap().is_none(), "the pending session is gone");
    let again = control.complete_with_recovery_code(&begun, &codes[0]).await;
    assert!(matches!(again, Err(FactorError::SignIn(SignInError::Over))), "{again:?}");

    let late = pending(control, &ada).await;
    instance.clock.advance_seconds(60 * control::PENDING_SIGN_IN_MINUTES_MAX);
    assert!(control.complete_with_totp(&late, &shown()).await.is_err());
    let waiting = pending(control, &ada).await;
    control.disable_account(&ACTOR, ada.id).await.unwrap();
    assert!(control.complete_with_totp(&waiting, &shown()).await.is_err());
    assert!(control.complete_with_recovery_code(&waiting, &codes[0]).await.is_err());
    control.enable_account(&ACTOR, ada.id).await.unwrap();
    assert!(control.complete_with_totp(&pending(control, &ada).await, &shown()).await.is_ok());
    control.delete_account(&ACTOR, ada.id).await.unwrap();
    assert_eq!(control.second_factors(ada.id).await.unwrap(), SecondFactors::default());
}

/// Secrets of authenticator apps are sealed under the master key, and a re-wrap seals them anew.
#[tokio::test]
async fn a_rewrap_covers_authenticator_apps() {
    let instance = Instance::new().await;
    let ada = person(&instance.control, "ada@example.org").await;
    let (secret, codes) = with_app(&instance.control, &ada).await;
    instance.control.rewrap(&ACTOR, None).await.unwrap();
    let mut instance = instance;
    for start in ["running", "started anew"] {
        instance.clock.advance_seconds(60);
        let control = &instance.control;
        let shown = code(&secret, control.now());
        let opened = control.complete_with_totp(&pending(control, &ada).await, &shown).await;
        assert!(opened.is_ok(), "{start}: {opened:?}");
        instance = instance.restart().await;
    }
    instance.control.close().await;
    let raw = base32::decode(base32::Alphabet::Rfc4648 { padding: false }, secret.expose()).unwrap();
    for file in std::fs::read_dir(instance.folder.path()).unwrap() {
        let path = file.unwrap().path();
        if !path.is_file() {
            continue;
        }
        let bytes = std::fs::read(&path).unwrap();
        let holds = |needle: &[u8]| bytes.windows(needle.len()).any(|window| window == needle);
        assert!(!holds(&raw) && !holds(secret.expose().as_bytes()), "{}", path.display());
        assert!(codes.iter().all(|code| !holds(code.as_bytes())), "{}", path.display());
    }
}

/// Whoever is over the limit of their network is answered at once: nothing is looked up and nothing written for them, whatever they
/// try; they are let in again after a while.
#[tokio::test]
async fn a_network_that_tries_everything_is_slowed_down() {
    let instance = Instance::new().await;
    let control = &instance.control;
    let ada = person(control, "ada@example.org").await;
    let (_, codes) = with_app(control, &ada).await;
    let waiting = pending(control, &ada).await;
    let mut tried = 0;
    let wait = loop {
        match control.complete_with_recovery_code(&waiting, "0").await {
            Err(FactorError::Wrong) => tried += 1,
            Err(FactorError::TooMany { retry_after_seconds }) => break retry_after_seconds,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(tried, control::SignInLimits::default().network.burst_max);
    let events = control.audit_events();
    for _ in 0..100 {
        assert!(control.complete_with_recovery_code(&waiting, &codes[0]).await.is_err());
        assert!(control.complete_with_totp(&waiting, "000000").await.is_err());
    }
    assert_eq!(control.audit_events(), events);
    instance.clock.advance_seconds(i64::try_from(wait).unwrap());
    assert!(control.complete_with_recovery_code(&waiting, &codes[0]).await.is_ok());
}

/// Whoever has the mailbox, and by it another password, still needs the second factor: a reset leaves all of them as they were.
#[tokio::test]
async fn a_reset_of_the_password_leaves_the_factors() {
    let instance = Instance::new().await;
    let control = &instance.control;
    let ada = person(control, "ada@example.org").await;
    let (secret, _) = with_app(control, &ada).await;
    let before = control.second_factors(ada.id).await.unwrap();
    assert!(before.has_totp);
    let (_, link) = control.begin_password_reset(&ada.email, PEER).await.unwrap().unwrap();
    control.reset_password(link.expose(), "another horse battery staple", PEER).await.unwrap();
    assert_eq!(control.second_factors(ada.id).await.unwrap(), before);
    let wrong = control.complete_with_totp(&pending(control, &ada).await, "000000").await;
    assert!(is_wrong(&wrong), "{wrong:?}");
    instance.clock.advance_seconds(60);
    let now = code(&secret, control.now());
    assert!(control.complete_with_totp(&pending(control, &ada).await, &now).await.is_ok());
}
