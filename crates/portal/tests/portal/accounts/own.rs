//! What people change about their own accounts.

use domain::PortalSessionId;

use super::browser::{BASE_URL, EMAIL, OTHER, PASSWORD, SESSION, World};

/// Some time after signing in, what matters most asks for the password again; telling it gives the browser another secret
/// and leads back. Forms that are sent without it change nothing.
#[tokio::test]
async fn what_matters_asks_again() {
    let world = World::new().await;
    world.account(EMAIL).await;
    let (mut browser, mut there) = (world.signed_in(EMAIL).await, world.signed_in(EMAIL).await);
    let recent = [
        "/settings/profile/email",
        "/settings/profile/password",
        "/settings/devices",
        "/settings/delete-account",
    ];
    for path in recent {
        browser.get(path).await.expect(200);
    }
    world.clock.advance_seconds(portal::RECENT_MINUTES_MAX * 60);
    for path in recent {
        let next = path.replace('/', "%2F");
        assert_eq!(browser.get(path).await.expect(303).location(), format!("/confirm?next={next}"));
    }
    let change = [("current", PASSWORD), ("password", OTHER), ("others_end", "yes")];
    assert_eq!(browser.post("/settings/profile/password", &change).await.expect(303).location(), "/confirm");
    browser.post("/settings/delete-account", &[("is_meant", "yes")]).await.expect(303);
    assert_eq!(browser.post("/settings/devices", &[]).await.expect(303).location(), "/confirm");
    assert!(there.is_in().await);
    assert!(world.control.find_account(EMAIL).await.unwrap().is_some());
    let before = browser.clone();
    browser.get("/confirm").await.expect(200);
    browser.post("/confirm", &[("password", OTHER), ("next", recent[0])]).await.expect(422);
    let confirmed =
        browser.post("/confirm", &[("password", PASSWORD), ("next", recent[0])]).await.expect(303);
    assert_eq!(confirmed.location(), recent[0]);
    assert_ne!(browser.cookies[SESSION], before.cookies[SESSION]);
    browser.get(recent[0]).await.expect(200);
    assert!(!before.clone().is_in().await, "the secret from before opens nothing");
}

/// Another password asks for the present one, keeps this browser, and signs the others out where that is wanted; the owner is
/// told.
#[tokio::test]
async fn another_password_signs_others_out() {
    let world = World::new().await;
    let told = |world: &World| {
        world.mails().iter().filter(|mail| mail.subject() == "Your password was changed").count()
    };
    world.account(EMAIL).await;
    let (mut here, mut there) = (world.signed_in(EMAIL).await, world.signed_in(EMAIL).await);
    let path = "/settings/profile/password";
    here.get(path).await.expect(200).has("checked");
    let short = [("current", PASSWORD), ("password", "short"), ("others_end", "yes")];
    here.post(path, &short).await.expect(422).has("at least 15");
    for wrong in [vec![], vec![("current", OTHER)]] {
        let change = [wrong, vec![("password", OTHER), ("others_end", "yes")]].concat();
        here.post(path, &change).await.expect(422).has("The present password is wrong");
    }
    assert!(there.is_in().await && told(&world) == 0, "nothing has changed");
    here.post(path, &[("current", PASSWORD), ("password", OTHER)]).await.expect(303);
    assert!(here.is_in().await && there.is_in().await);
    let back = [("current", OTHER), ("password", PASSWORD), ("others_end", "yes")];
    here.post(path, &back).await.expect(303);
    assert!(here.is_in().await && !there.is_in().await);
    assert_eq!(told(&world), 2);
}

/// The account moves by the link in the new mailbox, used by a button; the old mailbox is told.
#[tokio::test]
async fn the_address_moves_by_a_link() {
    let world = World::new().await;
    world.account(EMAIL).await;
    let mut browser = world.signed_in(EMAIL).await;
    let path = "/settings/profile/email";
    browser.post(path, &[("email", "no address")]).await.expect(422).has("value=\"no address\"");
    browser.post(path, &[("email", EMAIL)]).await.expect(422).has("already");
    browser.post(path, &[("email", "ada@new.example")]).await.expect(200).has("ada@new.example");
    assert_eq!(world.mails()[0].to(), "ada@new.example");
    let link = world.link();
    assert!(world.mails()[0].text().contains(&format!("{BASE_URL}{link}")));
    browser.get(&link).await.expect(200).has("Use this address");
    browser.get("/settings/profile").await.expect(200).has(EMAIL);
    let token = link.split_once('=').unwrap().1.to_owned();
    let moved = browser.post("/change-email", &[("token", &token)]).await.expect(303);
    assert_eq!(moved.location(), "/settings/profile?done=email-changed");
    browser.get("/settings/profile").await.expect(200).has("ada@new.example");
    let told = &world.mails()[0];
    assert_eq!((told.to(), told.subject()), (EMAIL, "Your e-mail address was changed"));
    assert!(told.text().contains("help@example.org"));
    browser.post("/change-email", &[("token", &token)]).await.expect(200).has("doesn’t work any more");
}

/// Devices are listed and signed out, one or all others; somebody else's are not there.
#[tokio::test]
async fn devices_are_signed_out() {
    let world = World::new().await;
    let ada = world.account(EMAIL).await;
    world.account("bob@example.org").await;
    let mut bob = world.signed_in("bob@example.org").await;
    let (mut here, mut there) = (world.signed_in(EMAIL).await, world.signed_in(EMAIL).await);
    let page = here.get("/settings/devices").await.expect(200);
    page.has("Firefox on Linux");
    page.has("192.0.2.1");
    page.has("this browser");
    let sessions = world.control.list_portal_sessions(ada.id).await.unwrap();
    let path = |id: PortalSessionId| format!("/settings/devices/{id}/sign-out");
    for session in &sessions {
        bob.post(&path(session.id), &[]).await.expect(404);
    }
    bob.post("/settings/devices/psn_x/sign-out", &[]).await.expect(404);
    assert!(here.is_in().await && there.is_in().await);
    let other = page.text.split("/settings/devices/").nth(1).unwrap().split('/').next().unwrap().to_owned();
    here.post(&path(PortalSessionId::parse(&other).unwrap()), &[]).await.expect(303);
    assert!(here.is_in().await && !there.is_in().await);
    let mut third = world.signed_in(EMAIL).await;
    here.post("/settings/devices", &[]).await.expect(303);
    assert!(here.is_in().await && !third.is_in().await && bob.is_in().await);
}

/// A browser that the account doesn't know is told to its owner; one that was there before is not.
#[tokio::test]
async fn a_new_browser_is_told() {
    let world = World::new().await;
    world.account(EMAIL).await;
    let mut first = world.signed_in(EMAIL).await;
    assert!(world.mails().is_empty(), "the first one is no news");
    first.sign_in(EMAIL, PASSWORD).await.expect(303);
    assert!(world.mails().is_empty());
    world.signed_in(EMAIL).await;
    let told = world.mails();
    assert_eq!(told.len(), 1);
    assert!(told[0].text().contains("Firefox on Linux, from 192.0.2.1"), "{}", told[0].text());
}

/// The time zone is one that there is.
#[tokio::test]
async fn the_time_zone_is_chosen() {
    let world = World::new().await;
    let ada = world.account(EMAIL).await;
    let mut browser = world.signed_in(EMAIL).await;
    let zone = "Europe/Vienna";
    let page = browser.get("/settings/profile").await.expect(200);
    page.has(&format!("<option>{zone}</option>"));
    assert!(page.text.len() < 60_000, "{}", page.text.len());
    browser.post("/settings/profile", &[("time_zone", zone)]).await.expect(303);
    assert_eq!(world.control.find_account_by_id(ada.id).await.unwrap().unwrap().time_zone, zone);
    for none in ["Europe/Nowhere", "", "../../etc/passwd", "<script>"] {
        let refused = browser.post("/settings/profile", &[("time_zone", none)]).await.expect(422);
        refused.has("no such time zone");
        refused.lacks("<script>");
    }
}

/// An account goes when its owner means it, with a last mail.
#[tokio::test]
async fn an_account_is_deleted() {
    let world = World::new().await;
    let ada = world.account(EMAIL).await;
    let mut browser = world.signed_in(EMAIL).await;
    browser.post("/settings/delete-account", &[]).await.expect(422).has("Nothing was deleted");
    assert!(browser.is_in().await);
    let gone = browser.post("/settings/delete-account", &[("is_meant", "yes")]).await.expect(303);
    assert_eq!(gone.location(), "/?done=account-deleted");
    assert!(!browser.is_in().await);
    assert!(world.control.find_account_by_id(ada.id).await.unwrap().is_none());
    assert_eq!(world.mails()[0].subject(), "Your account was deleted");
    world.browser().sign_in(EMAIL, PASSWORD).await.expect(422);
}
