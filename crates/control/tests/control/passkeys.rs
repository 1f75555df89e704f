//! Passkeys: made for this portal alone, answered once, with their owner verified.

use control::{
    ChangeFactorError, Control, FactorError, NewPasskey, PASSKEYS_MAX, PasskeyOrigin, PasskeyQuestion,
    TICKET_SECONDS_MAX,
};
use domain::{Account, PortalSessionState, SecondFactors, SignInMethod};

use crate::support::authenticator::Authenticator;
use crate::support::people::{BROWSER, PASSWORD, pending, person};
use crate::support::{ACTOR, Instance, PEER};

const ORIGIN: &str = "https://portal.example.org";

fn origin() -> PasskeyOrigin {
    PasskeyOrigin::new(ORIGIN).unwrap()
}

async fn add(
    control: &Control,
    account: &Account,
    question: &PasskeyQuestion,
    answer: &str,
) -> Result<control::AddedFactor, ChangeFactorError> {
    let (origin, ticket) = (&origin(), question.ticket.as_str());
    let new = NewPasskey { origin, bound_to: "browser", ticket, answer, name: "phone" };
    control.add_passkey(&ACTOR, account.id, new).await
}

/// A device with a passkey of this account.
async fn with_passkey(control: &Control, account: &Account) -> Authenticator {
    let mut device = Authenticator::new(ORIGIN);
    let question = control.offer_passkey(&origin(), "browser", account).await.unwrap();
    let answer = device.make(&question.options);
    add(control, account, &question, &answer).await.unwrap();
    device
}

/// Signs in with whatever the device answers.
async fn sign_in(control: &Control, device: &mut Authenticator) -> Result<control::Begun, FactorError> {
    let question = control.ask_for_passkey(&origin(), "browser").unwrap();
    let answer = device.answer(&question.options);
    control.sign_in_with_passkey(&origin(), "browser", &question.ticket, &answer, BROWSER).await
}

fn is_wrong<T: std::fmt::Debug>(result: &Result<T, FactorError>) -> bool {
    matches!(result, Err(FactorError::Wrong))
}

/// A passkey signs in without a password, and completes a sign-in by one; recovery codes come with the first one.
#[tokio::test]
async fn a_passkey_signs_in() {
    let instance = Instance::new().await;
    let control = &instance.control;
    let ada = person(control, "ada@example.org").await;
    let mut device = with_passkey(control, &ada).await;
    let expected = SecondFactors { has_totp: false, passkeys: 1, recovery_codes: 10 };
    assert_eq!(control.second_factors(ada.id).await.unwrap(), expected);
    assert!(!expected.is_none(), "a password alone is no longer enough");

    let begun = sign_in(control, &mut device).await.unwrap();
    assert_eq!((begun.session.account_id, begun.session.state), (ada.id, PortalSessionState::Open));
    assert_eq!(begun.session.method, SignInMethod::Passkey);
    let used = control.list_passkeys(ada.id).await.unwrap();
    assert_eq!(used[0].last_used_at, Some(control.now()));

    let waiting = pending(control, &ada).await;
    let asked = control.ask_for_passkey_of(&origin(), "browser", ada.id).await.unwrap().unwrap();
    let answer = device.answer(&asked.options);
    let completed =
        control.complete_with_passkey(&origin(), &waiting, "browser", &asked.ticket, &answer).await.unwrap();
    assert_eq!(completed.session.method, SignInMethod::PasswordAndFactor);
    assert_ne!(completed.secret.expose(), waiting.expose());
    let bob = person(control, "bob@example.org").await;
    assert!(control.ask_for_passkey_of(&origin(), "browser", bob.id).await.unwrap().is_none());
}

/// An answer from another origin, for another relying party, to another challenge, or without its owner verified opens nothing,
/// though the right key signs it.
#[tokio::test]
async fn answers_made_elsewhere_open_nothing() {
    let instance = Instance::new().await;
    let control = &instance.control;
    let ada = person(control, "ada@example.org").await;
    let mut device = with_passkey(control, &ada).await;
    for origin in [
        "https://portal.example.org.evil.example",
        "https://evil.portal.example.org",
        "https://portal.example.org:8443",
        "http://portal.example.org",
        "https://example.org",
        "null",
    ] {
        device.origin = origin.to_owned();
        assert!(is_wrong(&sign_in(control, &mut device).await), "{origin}");
    }
    device.origin = ORIGIN.to_owned();
    for rp_id in ["example.org", "evil.example", "portal.example.org.", ""] {
        device.rp_id = rp_id.to_owned();
        assert!(is_wrong(&sign_in(control, &mut device).await), "{rp_id}");
    }
    device.rp_id = "portal.example.org".to_owned();
    device.verifies = false;
    assert!(is_wrong(&sign_in(control, &mut device).await), "possession alone is one factor");
    device.verifies = true;

    let [one, two] = [(); 2].map(|()| control.ask_for_passkey(&origin(), "browser").unwrap());
    let answer = device.answer(&one.options);
    let crossed = control.sign_in_with_passkey(&origin(), "browser", &two.ticket, &answer, BROWSER).await;
    assert!(is_wrong(&crossed), "{crossed:?}");
    assert!(sign_in(control, &mut device).await.is_ok(), "the same device, as it should be");
}

/// A challenge is answered once, in the browser that was asked, within five minutes.
#[tokio::test]
async fn a_challenge_is_answered_once() {
    let instance = Instance::new().await;
    let control = &instance.control;
    let ada = person(control, "ada@example.org").await;
    let mut device = with_passkey(control, &ada).await;
    let asked = control.ask_for_passkey(&origin(), "browser").unwrap();
    let answer = device.answer(&asked.options);
    let send = async |bound_to: &'static str, ticket: &str, answer: &str| {
        control.sign_in_with_passkey(&origin(), bound_to, ticket, answer, BROWSER).await
    };
    let stolen = send("another", &asked.ticket, &answer).await;
    assert!(matches!(stolen, Err(FactorError::Ticket(_))), "{stolen:?}");
    assert!(send("browser", &asked.ticket, &answer).await.is_ok());
    let replayed = send("browser", &asked.ticket, &answer).await;
    assert!(matches!(replayed, Err(FactorError::Ticket(_))), "{replayed:?}");

    let asked = control.ask_for_passkey(&origin(), "browser").unwrap();
    let answer = device.answer(&asked.options);
    instance.clock.advance_seconds(TICKET_SECONDS_MAX);
    assert!(matches!(send("browser", &asked.ticket, &answer).await, Err(FactorError::Ticket(_))));

    // A question of one kind is no other's: what is asked at the door isn't an answer inside.
    let waiting = pending(control, &ada).await;
    let asked = control.ask_for_passkey(&origin(), "browser").unwrap();
    let answer = device.answer(&asked.options);
    let mixed = control.complete_with_passkey(&origin(), &waiting, "browser", &asked.ticket, &answer).await;
    assert!(matches!(mixed, Err(FactorError::Ticket(_))), "{mixed:?}");
    for nonsense in ["", "{}", "null", "[]", "\u{0}", &"[".repeat(10_000)] {
        let asked = control.ask_for_passkey(&origin(), "browser").unwrap();
        assert!(is_wrong(&send("browser", &asked.ticket, nonsense).await), "{nonsense}");
    }
}

/// A counter that goes back shows a copy of the key, which is refused; a key that doesn't count isn't.
#[tokio::test]
async fn a_copied_key_is_noticed() {
    let instance = Instance::new().await;
    let control = &instance.control;
    let ada = person(control, "ada@example.org").await;
    let mut device = with_passkey(control, &ada).await;
    device.counter = 50;
    assert!(sign_in(control, &mut device).await.is_ok());
    for counter in [0, 10, 50] {
        device.counter = counter;
        assert!(is_wrong(&sign_in(control, &mut device).await), "{counter}");
    }
    device.counter = 60;
    assert!(sign_in(control, &mut device).await.is_ok());
    // As a second factor, too, with a question that is older than the last use.
    let waiting = pending(control, &ada).await;
    let asked = control.ask_for_passkey_of(&origin(), "browser", ada.id).await.unwrap().unwrap();
    device.counter = 100;
    assert!(sign_in(control, &mut device).await.is_ok());
    device.counter = 80;
    let answer = device.answer(&asked.options);
    let copied = control.complete_with_passkey(&origin(), &waiting, "browser", &asked.ticket, &answer).await;
    assert!(is_wrong(&copied), "{copied:?}");

    let bob = person(control, "bob@example.org").await;
    let mut synchronised = Authenticator::new(ORIGIN);
    synchronised.counts = false;
    let question = control.offer_passkey(&origin(), "browser", &bob).await.unwrap();
    let answer = synchronised.make(&question.options);
    add(control, &bob, &question, &answer).await.unwrap();
    for _ in 0..3 {
        assert!(sign_in(control, &mut synchronised).await.is_ok());
    }
}

/// Whoever else's passkey it is proves nothing about this account, and nobody takes another's passkey over.
#[tokio::test]
async fn another_accounts_passkey_is_no_factor() {
    let instance = Instance::new().await;
    let control = &instance.control;
    let [ada, bob] = [person(control, "ada@example.org").await, person(control, "bob@example.org").await];
    let mut of_ada = with_passkey(control, &ada).await;
    let mut of_bob = with_passkey(control, &bob).await;
    let waiting = pending(control, &ada).await;
    let asked = control.ask_for_passkey_of(&origin(), "browser", ada.id).await.unwrap().unwrap();
    let answer = of_bob.answer(&asked.options);
    let foreign = control.complete_with_passkey(&origin(), &waiting, "browser", &asked.ticket, &answer).await;
    assert!(is_wrong(&foreign), "{foreign:?}");

    // The handle of another account beside one's own key.
    let question = control.ask_for_passkey(&origin(), "browser").unwrap();
    let mut answer: serde_json::Value = serde_json::from_str(&of_bob.answer(&question.options)).unwrap();
    let theirs: serde_json::Value = serde_json::from_str(&of_ada.answer(&question.options)).unwrap();
    answer["response"]["userHandle"] = theirs["response"]["userHandle"].clone();
    let text = answer.to_string();
    let swapped = control.sign_in_with_passkey(&origin(), "browser", &question.ticket, &text, BROWSER).await;
    assert!(is_wrong(&swapped), "{swapped:?}");

    let question = control.offer_passkey(&origin(), "browser", &bob).await.unwrap();
    let answer = of_ada.make(&question.options);
    let taken = add(control, &bob, &question, &answer).await;
    assert!(matches!(taken, Err(ChangeFactorError::Exists)), "{taken:?}");
}

/// Passkeys are added from this origin alone, by their own page, with the owner verified, under a name, and so many.
#[tokio::test]
async fn passkeys_are_added_here_alone() {
    let instance = Instance::new().await;
    let control = &instance.control;
    let ada = person(control, "ada@example.org").await;
    let offer = async || control.offer_passkey(&origin(), "browser", &ada).await.unwrap();
    let mut elsewhere = Authenticator::new("https://evil.example");
    elsewhere.rp_id = "portal.example.org".to_owned();
    let mut unverified = Authenticator::new(ORIGIN);
    unverified.verifies = false;
    let mut foreign = Authenticator::new(ORIGIN);
    foreign.rp_id = "evil.example".to_owned();
    for device in [&mut elsewhere, &mut unverified, &mut foreign] {
        let question = offer().await;
        let answer = device.make(&question.options);
        let added = add(control, &ada, &question, &answer).await;
        assert!(matches!(added, Err(ChangeFactorError::Wrong)), "{added:?}");
    }
    let mut device = Authenticator::new(ORIGIN);
    let [one, two] = [offer().await, offer().await];
    let answer = device.make(&one.options);
    assert!(matches!(add(control, &ada, &two, &answer).await, Err(ChangeFactorError::Wrong)));
    assert!(add(control, &ada, &one, &answer).await.unwrap().recovery_codes.is_some());
    let again = add(control, &ada, &one, &answer).await;
    assert!(matches!(again, Err(ChangeFactorError::Ticket(_))), "{again:?}");
    let question = offer().await;
    assert!(question.options.contains(id_of(&device.make(&one.options)).as_str()), "it is excluded");
    for name in ["", "  ", "a\nb"] {
        let question = offer().await;
        let new =
            NewPasskey { origin: &origin(), bound_to: "browser", ticket: &question.ticket, answer: "", name };
        let named = control.add_passkey(&ACTOR, ada.id, new).await;
        assert!(matches!(named, Err(ChangeFactorError::InvalidName)), "{name:?}");
    }
    for _ in 1..PASSKEYS_MAX {
        with_passkey(control, &ada).await;
    }
    let question = offer().await;
    let answer = Authenticator::new(ORIGIN).make(&question.options);
    let over = add(control, &ada, &question, &answer).await;
    assert!(matches!(over, Err(ChangeFactorError::TooMany { .. })), "{over:?}");
}

fn id_of(answer: &str) -> String {
    let answer: serde_json::Value = serde_json::from_str(answer).unwrap();
    answer["id"].as_str().unwrap().to_owned()
}

/// A passkey that was removed, or whose account was disabled or deleted, opens nothing any more; others go on.
#[tokio::test]
async fn what_has_ended_opens_nothing() {
    let instance = Instance::new().await;
    let control = &instance.control;
    let [ada, bob] = [person(control, "ada@example.org").await, person(control, "bob@example.org").await];
    let mut device = with_passkey(control, &ada).await;
    instance.clock.advance_seconds(1);
    let mut second = with_passkey(control, &ada).await;
    let mut others = with_passkey(control, &bob).await;
    let passkeys = control.list_passkeys(ada.id).await.unwrap();
    let stolen = control.remove_passkey(&ACTOR, bob.id, passkeys[0].id).await;
    assert!(matches!(stolen, Err(ChangeFactorError::NotFound)), "{stolen:?}");
    assert!(control.rename_passkey(&ACTOR, bob.id, passkeys[0].id, "mine").await.is_err());
    control.rename_passkey(&ACTOR, ada.id, passkeys[0].id, " laptop ").await.unwrap();
    assert_eq!(control.list_passkeys(ada.id).await.unwrap()[0].name, "laptop");
    control.remove_passkey(&ACTOR, ada.id, passkeys[0].id).await.unwrap();
    assert!(is_wrong(&sign_in(control, &mut device).await));
    assert!(sign_in(control, &mut second).await.is_ok());

    control.disable_account(&ACTOR, ada.id).await.unwrap();
    let disabled = sign_in(control, &mut second).await;
    assert!(matches!(disabled, Err(FactorError::SignIn(_))), "{disabled:?}");
    control.enable_account(&ACTOR, ada.id).await.unwrap();
    assert!(sign_in(control, &mut second).await.is_ok());
    control.remove_passkey(&ACTOR, ada.id, passkeys[1].id).await.unwrap();
    assert_eq!(control.second_factors(ada.id).await.unwrap(), SecondFactors::default());
    control.delete_account(&ACTOR, bob.id).await.unwrap();
    assert!(is_wrong(&sign_in(control, &mut others).await));
}

/// Whoever has neither a password nor a provider keeps the last passkey; with a password it goes.
#[tokio::test]
async fn the_last_way_in_stays() {
    let instance = Instance::new().await;
    let control = &instance.control;
    let new = control::NewAccount { email: "ada@example.org", membership: None };
    let (ada, link) = control.create_account_in(&ACTOR, new).await.unwrap();
    let mut device = with_passkey(control, &ada).await;
    let passkey = control.list_passkeys(ada.id).await.unwrap().remove(0).id;
    let last = control.remove_passkey(&ACTOR, ada.id, passkey).await;
    assert!(matches!(last, Err(ChangeFactorError::LastWayIn)), "{last:?}");
    assert!(sign_in(control, &mut device).await.is_ok());
    control.reset_password(link.expose(), PASSWORD, PEER).await.unwrap();
    control.remove_passkey(&ACTOR, ada.id, passkey).await.unwrap();
    assert!(is_wrong(&sign_in(control, &mut device).await));
}

/// Passkeys need a portal with a name, over https, or on this machine.
#[test]
fn some_portals_can_have_none() {
    for (origin, can) in [
        ("https://portal.example.org", true),
        ("https://portal.example.org:8443", true),
        ("http://localhost:8080", true),
        ("http://portal.example.org", false),
        ("http://127.0.0.1:8080", false),
        ("https://192.0.2.1", false),
        ("https://[2001:db8::1]", false),
        ("portal.example.org", false),
        ("", false),
    ] {
        assert_eq!(PasskeyOrigin::new(origin).is_some(), can, "{origin}");
    }
}
