//! Guessing passwords by the form.

use super::browser::{EMAIL, OTHER, PASSWORD, World, network};

/// Ten guesses from one network, then 429 with the time to wait, with the right password too; meanwhile the owner signs in
/// from elsewhere, and with a browser that was there before even from the attacker's own network.
#[tokio::test]
async fn guesses_are_slowed_down_and_the_owner_is_not() {
    let world = World::new().await;
    world.account(EMAIL).await;
    let mut known = world.signed_in(EMAIL).await;
    known.post("/sign-out", &[]).await.expect(303);
    let mut attacker = world.browser();
    for guess in 0..10 {
        attacker.sign_in(EMAIL, OTHER).await.expect(422);
        assert!(guess < 10);
    }
    for spelling in [EMAIL, "ADA@example.org", " ada@EXAMPLE.org "] {
        let refused = attacker.sign_in(spelling, PASSWORD).await.expect(429);
        let wait: u64 = refused.headers["retry-after"].to_str().unwrap().parse().unwrap();
        assert!((1..=60).contains(&wait), "{wait}");
        refused.has("too many attempts".replacen('t', "T", 1).as_str());
    }
    let mut elsewhere = world.browser();
    elsewhere.from = network(2);
    elsewhere.sign_in(EMAIL, PASSWORD).await.expect(303);
    known.sign_in(EMAIL, PASSWORD).await.expect(303);
    world.clock.advance_seconds(60);
    attacker.sign_in(EMAIL, PASSWORD).await.expect(303);
}

/// Whoever has taken a browser over can't guess the password at the confirmation, either.
#[tokio::test]
async fn confirmations_are_slowed_down() {
    let world = World::new().await;
    world.account(EMAIL).await;
    let mut browser = world.signed_in(EMAIL).await;
    for _ in 0..10 {
        browser.post("/confirm", &[("password", OTHER)]).await.expect(422).has("password is wrong");
    }
    browser.post("/confirm", &[("password", PASSWORD)]).await.expect(429);
    assert!(browser.is_in().await, "what is open stays open");
}

/// A network that asks for ever more mails is told to wait.
#[tokio::test]
async fn mails_are_limited_by_network() {
    let world = World::new().await;
    let mut browser = world.browser();
    let mut refused = 0;
    for number in 0..22 {
        let email = format!("a{number}@example.org");
        let shown = browser.post("/forgot-password", &[("email", &email)]).await;
        refused += u32::from(shown.status == 429);
    }
    assert_eq!(refused, 2);
    let mut elsewhere = world.browser();
    elsewhere.from = network(2);
    elsewhere.post("/forgot-password", &[("email", EMAIL)]).await.expect(200);
}
