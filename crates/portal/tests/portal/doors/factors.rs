use control::{AuditAction, AuditFilter};
use credentials::PlainSecret;
use domain::SecondFactors;

use super::ACTOR;
use super::authenticator::Authenticator;
use super::browser::{Browser, ORIGIN, Shown, World};
use super::people::code;

const SESSION: &str = "__Host-voxgate-session";

/// The secret that a page shows for an authenticator app.
fn secret(page: &Shown) -> PlainSecret {
    let (_, rest) = page.text.split_once("<code id=\"secret\"").unwrap();
    let text = rest.split_once('>').unwrap().1.split_once('<').unwrap().0;
    PlainSecret::new(text.replace(' ', ""))
}

fn codes(page: &Shown) -> Vec<String> {
    let pieces = page.text.split("<li><code>").skip(1);
    pieces.map(|piece| piece.split_once('<').unwrap().0.to_owned()).collect()
}

/// Adds an authenticator app over the pages: its secret, and the recovery codes that were shown.
pub(super) async fn add_app(world: &World, browser: &mut Browser) -> (PlainSecret, Vec<String>) {
    let page = browser.get("/settings/security/authenticator").await.expect(200);
    let (secret, ticket) = (secret(&page), page.field("ticket").unwrap());
    let now = code(&secret, world.control.now());
    let fields = [("ticket", ticket.as_str()), ("code", now.as_str())];
    let added = browser.post(&page, "/settings/security/authenticator", &fields).await.expect(200);
    (secret, codes(&added))
}

async fn enter(browser: &mut Browser, kind: &str, code: &str) -> Shown {
    let page = browser.get("/sign-in/factor").await;
    let fields = [("kind", kind), ("code", code), ("next", "/usage")];
    browser.post(&page, "/sign-in/factor", &fields).await
}

/// A right password alone opens nothing once there is a second factor; the code opens once, under another cookie than the one
/// before; a recovery code does it, too.
#[tokio::test]
async fn a_password_needs_its_second_factor() {
    let world = World::new().await;
    let (ada, mut browser) = world.signed_in("ada@example.org").await;
    let (secret, recovery) = add_app(&world, &mut browser).await;
    assert_eq!(recovery.len(), 10);
    let overview = browser.get("/settings/security").await.expect(200);
    assert!(recovery.iter().all(|code| !overview.text.contains(code)), "they are shown once");
    assert!(overview.text.contains("You have 10 left."));
    let mails: Vec<String> = world.outbox.mails().iter().map(|(_, mail)| mail.subject().to_owned()).collect();
    assert!(mails.contains(&"How you sign in was changed".to_owned()), "{mails:?}");

    world.clock.advance_seconds(60);
    let mut other = world.browser();
    let answer = other.sign_in("ada@example.org").await.expect(303);
    assert_eq!(answer.location(), "/sign-in/factor?next=%2Fsettings%2Fsecurity");
    let pending = other.cookie(SESSION).unwrap();
    for path in ["/settings/security", "/settings/profile", "/settings/api-keys", "/confirm", "/"] {
        let shown = other.get(path).await;
        let is_let_in = shown.text.contains("ada@example.org") || (shown.status == 200 && path != "/");
        assert!(!is_let_in, "{path} {}", shown.status);
    }
    let asked = other.get("/sign-in/factor").await.expect(200);
    assert!(!asked.text.contains("ada@example.org"));
    let wrong = enter(&mut other, "authenticator", "000000").await.expect(422);
    assert!(wrong.text.contains("This was not right, or was used before."));
    let right = code(&secret, world.control.now());
    let mut thief = other.clone();
    let opened = enter(&mut other, "authenticator", &right).await.expect(303);
    assert_eq!(opened.location(), "/usage");
    assert_ne!(other.cookie(SESSION).unwrap(), pending);
    assert!(other.is_in().await);
    assert!(!thief.is_in().await, "whoever held the cookie of the first step has nothing");
    enter(&mut thief, "authenticator", &right).await.expect(403);
    assert!(!thief.is_in().await);

    let mut third = world.browser();
    third.sign_in("ada@example.org").await.expect(303);
    enter(&mut third, "authenticator", &right).await.expect(422);
    enter(&mut third, "recovery_code", &recovery[3]).await.expect(303);
    assert!(third.is_in().await);
    let mut fourth = world.browser();
    fourth.sign_in("ada@example.org").await.expect(303);
    enter(&mut fourth, "recovery_code", &recovery[3]).await.expect(422);
    enter(&mut fourth, "nothing", "x").await.expect(400);
    assert!(!fourth.is_in().await);

    let filter = AuditFilter { action: Some(AuditAction::TotpAdded), ..AuditFilter::default() };
    let events = world.control.find_audit_events(&filter, 0, 10).await.unwrap();
    assert_eq!(events.len(), 1);
    assert_eq!(
        (events[0].from, events[0].subject_name.as_deref()),
        (Some(super::PEER), Some("ada@example.org"))
    );
    world.control.disable_account(&ACTOR, ada.id).await.unwrap();
    assert!(!third.is_in().await);
}

/// A mistyped code leaves the same secret on the page; the page is a picture, a text and a field, with no script and no style in it.
#[tokio::test]
async fn an_authenticator_app_is_added_without_a_script() {
    let world = World::new().await;
    let (_, mut browser) = world.signed_in("ada@example.org").await;
    let page = browser.get("/settings/security/authenticator").await.expect(200);
    assert!(page.text.contains("<svg ") && page.text.contains("<path "));
    assert!(!page.text.contains("<script") && !page.text.contains(" style=") && !page.text.contains("<?xml"));
    assert!(page.text.len() < 40 * 1024, "{}", page.text.len());
    assert_eq!(page.headers["cache-control"], "no-store");
    let ticket = page.field("ticket").unwrap();
    let fields = [("ticket", ticket.as_str()), ("code", "12345\"><script>")];
    let again = browser.post(&page, "/settings/security/authenticator", &fields).await.expect(422);
    assert_eq!(secret(&again).expose(), secret(&page).expose());
    assert!(!again.text.contains("<script"), "what was entered is no markup");
    let now = code(&secret(&again), world.control.now());
    let fields = [("ticket", ticket.as_str()), ("code", now.as_str())];
    let mut stranger = world.signed_in("bob@example.org").await.1;
    let theirs = stranger.get("/settings/security/authenticator").await;
    stranger.post(&theirs, "/settings/security/authenticator", &fields).await.expect(409);
    let added = browser.post(&again, "/settings/security/authenticator", &fields).await.expect(200);
    assert_eq!(codes(&added).len(), 10);
    browser.get("/settings/security/authenticator").await.expect(409);
}

/// A passkey is added over its page, signs in without a password, and is the second factor of a password.
#[tokio::test]
async fn passkeys_open_the_doors() {
    let world = World::new().await;
    let (ada, mut browser) = world.signed_in("ada@example.org").await;
    let mut device = Authenticator::new(ORIGIN);
    let page = browser.get("/settings/security/passkeys").await.expect(200);
    let (ticket, answer) = (page.field("ticket").unwrap(), device.make(&page.attribute("data-options")));
    let fields = [("ticket", ticket.as_str()), ("answer", answer.as_str()), ("name", "<b>phone</b>")];
    let added = browser.post(&page, "/settings/security/passkeys", &fields).await.expect(200);
    assert_eq!(codes(&added).len(), 10);
    let overview = browser.get("/settings/security").await.expect(200);
    assert!(overview.text.contains("&#60;b&#62;phone") && !overview.text.contains("<b>phone"));

    let mut other = world.browser();
    let page = other.get("/sign-in/passkey?next=/usage").await.expect(200);
    let (ticket, answer) = (page.field("ticket").unwrap(), device.answer(&page.attribute("data-options")));
    let fields = [("ticket", ticket.as_str()), ("answer", answer.as_str()), ("next", "/usage")];
    let mut victim = world.browser();
    let theirs = victim.get("/sign-in/passkey").await;
    victim.post(&theirs, "/sign-in/passkey", &fields).await.expect(422);
    assert!(!victim.is_in().await, "nobody is signed in to another's account by a form of theirs");
    let opened = other.post(&page, "/sign-in/passkey", &fields).await.expect(303);
    assert_eq!(opened.location(), "/usage");
    assert!(other.is_in().await);

    let mut third = world.browser();
    third.sign_in("ada@example.org").await.expect(303);
    assert!(!third.is_in().await);
    let page = third.get("/sign-in/factor").await.expect(200);
    assert!(page.text.contains("/assets/passkeys.js"));
    let (ticket, answer) = (page.field("ticket").unwrap(), device.answer(&page.attribute("data-options")));
    let fields = [("ticket", ticket.as_str()), ("answer", answer.as_str()), ("next", "/")];
    third.post(&page, "/sign-in/factor/passkey", &fields).await.expect(303);
    assert!(third.is_in().await);

    let id = world.control.list_passkeys(ada.id).await.unwrap()[0].id;
    let mut stranger = world.signed_in("bob@example.org").await.1;
    let theirs = stranger.get("/settings/security").await;
    for path in ["rename", "remove"] {
        let fields: &[(&str, &str)] = if path == "rename" { &[("name", "mine")] } else { &[] };
        stranger.post(&theirs, &format!("/settings/security/passkeys/{id}/{path}"), fields).await.expect(404);
    }
    let remove = format!("/settings/security/passkeys/{id}/remove");
    let overview = browser.get("/settings/security").await;
    browser.post(&overview, &remove, &[]).await.expect(303);
    assert_eq!(world.control.second_factors(ada.id).await.unwrap(), SecondFactors::default());
    let script = browser.get("/assets/passkeys.js").await.expect(200);
    assert_eq!(script.headers["content-type"], "text/javascript; charset=utf-8");
}

/// Nothing about how an account is signed in to is changed by a form from elsewhere, by somebody who isn't signed in, or without
/// the person having been there a moment ago.
#[tokio::test]
async fn changes_need_the_person() {
    const POSTS: [&str; 9] = [
        "/settings/security/authenticator",
        "/settings/security/authenticator/remove",
        "/settings/security/recovery-codes",
        "/settings/security/passkeys",
        "/settings/security/passkeys/psk_00000000000000000000000000/rename",
        "/settings/security/passkeys/psk_00000000000000000000000000/remove",
        "/settings/security/identities/link",
        "/settings/security/identities/confirm",
        "/settings/security/identities/unlink",
    ];
    let world = World::new().await;
    let (ada, mut browser) = world.signed_in("ada@example.org").await;
    add_app(&world, &mut browser).await;
    let before = world.control.second_factors(ada.id).await.unwrap();
    let page = browser.get("/settings/security").await;
    let mut stranger = world.browser();
    let theirs = stranger.get("/sign-in").await;
    for path in POSTS {
        browser.post_raw(path, &[]).await.expect(403);
        browser.post_raw(path, &[("form_token", "0".repeat(64).as_str())]).await.expect(403);
        let answer = stranger.post(&theirs, path, &[]).await.expect(303);
        assert!(answer.location().starts_with("/sign-in"), "{path}");
    }
    for path in ["/sign-in/factor", "/sign-in/factor/passkey", "/sign-in/passkey"] {
        browser.post_raw(path, &[]).await.expect(403);
    }
    world.clock.advance_seconds(60 * portal::RECENT_MINUTES_MAX);
    for path in POSTS {
        let answer = browser.post(&page, path, &[]).await.expect(303);
        assert_eq!(answer.location(), "/confirm?next=%2Fsettings%2Fsecurity", "{path}");
    }
    for path in ["/settings/security/authenticator", "/settings/security/passkeys"] {
        assert!(browser.get(path).await.location().starts_with("/confirm"));
    }
    assert_eq!(world.control.second_factors(ada.id).await.unwrap(), before);
    assert!(browser.is_in().await, "looking at it is free");

    let (bob, mut browser) = world.signed_in("bob@example.org").await;
    add_app(&world, &mut browser).await;
    let page = browser.get("/settings/security").await;
    let made = browser.post(&page, "/settings/security/recovery-codes", &[]).await.expect(200);
    assert_eq!(codes(&made).len(), 10);
    browser.post(&page, "/settings/security/authenticator/remove", &[]).await.expect(303);
    assert!(
        world.control.second_factors(bob.id).await.unwrap().is_none(),
        "somebody who was there changes it"
    );
}

/// Guesses over the pages are few, and the page says how long to wait.
#[tokio::test]
async fn guesses_end() {
    let world = World::new().await;
    let (_, mut browser) = world.signed_in("ada@example.org").await;
    let (_, recovery) = add_app(&world, &mut browser).await;
    let mut guesser = world.browser();
    guesser.sign_in("ada@example.org").await.expect(303);
    for _ in 0..control::TOTP_GUESSES_KEPT_MAX {
        enter(&mut guesser, "authenticator", "000000").await.expect(422);
    }
    let over = enter(&mut guesser, "authenticator", "000000").await.expect(429);
    assert_eq!(over.headers["retry-after"], "60");
    assert!(browser.is_in().await, "who is in stays in");
    enter(&mut guesser, "recovery_code", &recovery[0]).await.expect(303);
    assert!(guesser.is_in().await);
}
