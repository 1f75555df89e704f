use control::ProviderKind;
use serde_json::json;

use super::browser::{Browser, START_SECONDS, Shown, World};
use super::people::code;
use super::provider::{Behaviour, TestProvider};

const SESSION: &str = "__Host-voxgate-session";

async fn world() -> (TestProvider, World) {
    let provider = TestProvider::start(START_SECONDS).await;
    let configs = vec![
        provider.config("work", ProviderKind::Oidc),
        provider.config("other", ProviderKind::Oidc),
        provider.config("github", ProviderKind::GitHub),
    ];
    let world = World::with(configs).await;
    (provider, world)
}

/// What a browser brings back from a provider.
fn back(provider: &TestProvider, address: &str, id: &str) -> String {
    let (code, state) = provider.consent(address);
    format!("/sign-in/with/{id}/callback?code={code}&state={state}")
}

async fn visit(provider: &TestProvider, browser: &mut Browser, id: &str) -> Shown {
    let left = browser.get(&format!("/sign-in/with/{id}?next=/usage")).await.expect(303);
    let path = back(provider, left.location(), id);
    browser.get(&path).await
}

/// Links whoever is signed in at the provider, as the page asks.
async fn link(provider: &TestProvider, browser: &mut Browser, id: &str) -> Shown {
    let page = browser.get("/settings/security").await.expect(200);
    let leave =
        browser.post(&page, "/settings/security/identities/link", &[("provider", id)]).await.expect(200);
    let address =
        leave.text.split("href=\"").find_map(|piece| piece.strip_prefix(provider.issuer.as_str())).unwrap();
    let address = address.split_once('"').unwrap().0.replace("&#38;", "&").replace("&amp;", "&");
    let path = back(provider, &format!("{}{address}", provider.issuer), id);
    let confirm = browser.get(&path).await.expect(200);
    let ticket = confirm.field("ticket").unwrap();
    browser.post(&confirm, "/settings/security/identities/confirm", &[("ticket", ticket.as_str())]).await
}

/// Nobody is signed in to an account because of an equal address; once linked, while signed in and after a question, it signs in;
/// with a second factor it asks for that, too.
#[tokio::test]
async fn an_account_is_linked_by_its_owner_alone() {
    let (provider, world) = world().await;
    let (ada, mut browser) = world.signed_in("ada@example.org").await;
    let mut stranger = world.browser();
    let shown = visit(&provider, &mut stranger, "work").await.expect(200);
    assert!(shown.text.contains("No account is linked yet") && !stranger.is_in().await);
    let ticket = shown.field("ticket").unwrap();
    let fields = [("ticket", ticket.as_str()), ("next", "/usage")];
    stranger.post(&shown, "/sign-in/with/work/register", &fields).await.expect(409);
    assert!(!stranger.is_in().await, "an equal address takes no account over");

    link(&provider, &mut browser, "work").await.expect(303);
    assert_eq!(world.control.list_identities(ada.id).await.unwrap().len(), 1);
    let opened = visit(&provider, &mut stranger, "work").await.expect(303);
    assert_eq!(opened.location(), "/usage");
    assert!(stranger.is_in().await);
    assert_eq!(
        stranger.cookie(SESSION).map(|cookie| cookie.len()),
        browser.cookie(SESSION).map(|cookie| cookie.len())
    );

    let offer = world.control.offer_totp("test", &ada, "Voxgate").unwrap();
    let now = code(&offer.secret, world.control.now());
    world.control.add_totp(&super::ACTOR, ada.id, "test", &offer.ticket, &now).await.unwrap();
    let mut third = world.browser();
    let asked = visit(&provider, &mut third, "work").await.expect(303);
    assert_eq!(asked.location(), "/sign-in/factor?next=%2Fusage");
    assert!(!third.is_in().await);

    let page = browser.get("/settings/security").await;
    let subject = page.field("subject").unwrap();
    let fields = [("provider", "work"), ("subject", subject.as_str())];
    let (_, mut bob) = world.signed_in("bob@example.org").await;
    let theirs = bob.get("/settings/security").await;
    bob.post(&theirs, "/settings/security/identities/unlink", &fields).await.expect(404);
    browser.post(&page, "/settings/security/identities/unlink", &fields).await.expect(303);
    let mut fourth = world.browser();
    visit(&provider, &mut fourth, "work").await.expect(200);
    assert!(!fourth.is_in().await);
}

/// Nobody is signed in by a page of another site that leads to a provider where they are signed in: they come to where one
/// chooses, and on from there by a link of ours.
#[tokio::test]
async fn other_sites_begin_no_sign_in() {
    let (provider, world) = world().await;
    let path = "/sign-in/with/work?next=/usage";
    for site in ["cross-site", "same-site", "anything else"] {
        let held = world.browser().led_to(path, site).await.expect(303);
        assert_eq!(held.location(), "/sign-in?next=%2Fusage", "{site}");
        let held = world.browser().led_to("/sign-in/with/work?next=//evil.example", site).await.expect(303);
        assert_eq!(held.location(), "/sign-in", "{site}");
    }
    for site in ["same-origin", "none"] {
        let left = world.browser().led_to(path, site).await.expect(303);
        assert!(left.location().starts_with(provider.issuer.as_str()), "{site}");
    }
}

/// The way back works in the browser that left, once; another's, an old one, or one of another provider signs nobody in, and none
/// links anything to whoever is signed in.
#[tokio::test]
async fn the_way_back_is_nobody_elses() {
    let (provider, world) = world().await;
    let (ada, mut browser) = world.signed_in("ada@example.org").await;
    link(&provider, &mut browser, "work").await.expect(303);
    let mut attacker = world.browser();
    let left = attacker.get("/sign-in/with/work").await.expect(303);
    assert!(attacker.cookie("__Host-voxgate-form").is_some());
    let path = back(&provider, left.location(), "work");
    let mut victim = world.browser();
    victim.get("/sign-in").await;
    for stranger in [&mut victim, &mut browser] {
        let shown = stranger.get(&path).await.expect(409);
        assert!(shown.text.contains("begun in another browser"));
    }
    assert!(!victim.is_in().await);
    attacker.get(&path.replace("/with/work/", "/with/other/")).await.expect(409);
    let left = attacker.get("/sign-in/with/work").await.expect(303);
    let path = back(&provider, left.location(), "work");
    attacker.get(&path).await.expect(303);
    assert!(attacker.is_in().await, "whoever has the identity comes in, in their own browser");
    let mut again = world.browser();
    again.get(&path).await.expect(409);
    attacker.get(&path).await.expect(409);
    attacker.get("/sign-in/with/nobody").await.expect(404);
    attacker.get("/sign-in/with/work/callback").await.expect(409);
    assert_eq!(world.control.list_identities(ada.id).await.unwrap().len(), 1);
}

/// Somebody whom no account knows makes one with a verified address, and is let in; what the provider says of them is no markup.
#[tokio::test]
async fn an_account_is_made_on_the_way_back() {
    let (provider, world) = world().await;
    let claims = json!({"sub": "new", "email": "\"<script>\"@example.org"});
    provider.behave(Behaviour { claims, ..Behaviour::default() });
    let mut browser = world.browser();
    let shown = visit(&provider, &mut browser, "work").await.expect(200);
    assert!(!shown.text.contains("<script>"), "{}", shown.text);
    let claims = json!({"sub": "new", "email": "new@example.org"});
    provider.behave(Behaviour { claims, ..Behaviour::default() });
    let shown = visit(&provider, &mut browser, "work").await.expect(200);
    let ticket = shown.field("ticket").unwrap();
    let fields = [("ticket", ticket.as_str()), ("next", "/usage")];
    let mut stranger = world.browser();
    let theirs = stranger.get("/sign-in").await;
    stranger.post(&theirs, "/sign-in/with/work/register", &fields).await.expect(409);
    let made = browser.post(&shown, "/sign-in/with/work/register", &fields).await.expect(303);
    assert_eq!(made.location(), "/usage");
    assert!(browser.is_in().await);
    assert!(world.control.find_account("new@example.org").await.unwrap().is_some());
}
