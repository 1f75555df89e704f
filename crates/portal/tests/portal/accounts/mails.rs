//! Links in mails: used once, made of the configuration, and nothing that people type becomes part of their headers.

use super::browser::{BASE_URL, EMAIL, OTHER, PASSWORD, World};

/// A forgotten password is replaced by the link in the mail, which a scanner may open before; it works once, signs every
/// browser out, and nobody in. The owner is told.
#[tokio::test]
async fn a_forgotten_password_is_replaced_once() {
    let world = World::new().await;
    world.account(EMAIL).await;
    let mut signed_in = world.signed_in(EMAIL).await;
    let mut browser = world.browser();
    browser.post("/forgot-password", &[("email", EMAIL)]).await.expect(200);
    let link = world.link();
    let token = link.split_once('=').unwrap().1.to_owned();
    for _ in 0..3 {
        world.browser().get(&link).await.expect(200).has("New password");
    }
    assert!(signed_in.is_in().await);
    let weak = [("token", token.as_str()), ("password", "123456789012345")];
    browser.post("/reset-password", &weak).await.expect(422).has("among the first");
    let fields = [("token", token.as_str()), ("password", OTHER)];
    let done = browser.post("/reset-password", &fields).await.expect(303);
    assert_eq!(done.location(), "/sign-in?done=password-changed");
    assert!(!browser.is_in().await && !signed_in.is_in().await);
    assert_eq!(world.mails()[0].subject(), "Your password was changed");
    browser.post("/reset-password", &fields).await.expect(200).has("doesn’t work any more");
    browser.get(&link).await.expect(200).has("doesn’t work any more");
    browser.sign_in(EMAIL, PASSWORD).await.expect(422);
    browser.sign_in(EMAIL, OTHER).await.expect(303);
}

/// A link that is too old says so.
#[tokio::test]
async fn links_grow_old() {
    let world = World::new().await;
    world.account(EMAIL).await;
    world.browser().post("/forgot-password", &[("email", EMAIL)]).await.expect(200);
    let link = world.link();
    world.clock.advance_seconds(30 * 60 - 1);
    world.browser().get(&link).await.expect(200).has("New password");
    world.clock.advance_seconds(1);
    world.browser().get(&link).await.expect(200).has("doesn’t work any more");
}

/// Links begin with the configured address, whatever host a request names; the token leaves by no other way.
#[tokio::test]
async fn links_are_made_of_the_configuration() {
    let world = World::new().await;
    world.account(EMAIL).await;
    let mut browser = world.browser();
    let sent = browser.post("/forgot-password", &[("email", EMAIL)]).await.expect(200);
    let mail = &world.mails()[0];
    assert!(mail.text().contains(BASE_URL) && !mail.text().contains("evil.example"), "{}", mail.text());
    let token = world.link().split_once('=').unwrap().1.to_owned();
    sent.lacks(&token);
    let page = browser.get(&world.link()).await.expect(200);
    assert_eq!(page.headers["referrer-policy"], "no-referrer");
    assert_eq!(page.headers["cache-control"], "no-store");
}

/// Line breaks and separators in addresses make no header and no second recipient.
#[tokio::test]
async fn nothing_is_injected_into_mails() {
    let world = World::new().await;
    let mut browser = world.browser();
    for email in [
        "a@example.org\r\nBcc: everybody@example.org",
        "a@example.org\nSubject: x",
        "a@example.org%0d%0aBcc: x@example.org",
        "a@example.org, b@example.org",
        "A B <a@example.org>",
    ] {
        let shown = browser.post("/register", &[("email", email), ("password", PASSWORD)]).await;
        shown.expect(422).has("no e-mail address");
    }
    assert!(world.mails().is_empty());
}

/// The page of mails is there where they are kept, and nowhere else.
#[tokio::test]
async fn the_page_of_mails_is_for_dev() {
    let world = World::new().await;
    world.account(EMAIL).await;
    let mut browser = world.browser();
    browser.get("/dev/mail").await.expect(200).has("No mails yet");
    browser.post("/forgot-password", &[("email", EMAIL)]).await.expect(200);
    browser.get("/dev/mail").await.expect(200).has(&format!("<a href=\"{BASE_URL}{}\">", world.link()));
    browser.router = world.without_outbox();
    browser.get("/dev/mail").await.expect(404);
}
