//! Registering, setting up, signing in and out.

use control::RegistrationPolicy;

use super::browser::{ACTOR, Browser, EMAIL, OTHER, PASSWORD, SESSION, World};

/// Whoever registers gets a mail, opens its link, tells the password and is in, with a workspace and its default project.
/// Looking at the link, as mail scanners do, uses nothing up; using it does.
#[tokio::test]
async fn somebody_registers() {
    let world = World::new().await;
    let mut browser = world.browser();
    browser.get("/register").await.expect(200).has("<button>Register</button>");
    let sent = browser.post("/register", &[("email", EMAIL), ("password", PASSWORD)]).await.expect(200);
    sent.has(EMAIL);
    sent.lacks(PASSWORD);
    assert!(!browser.is_in().await);
    browser.sign_in(EMAIL, PASSWORD).await.expect(422);
    let link = world.link();
    let token = link.split_once('=').unwrap().1.to_owned();
    for _ in 0..3 {
        world.browser().get(&link).await.expect(200).has("Confirm address");
    }
    let wrong = browser.post("/verify-email", &[("token", &token), ("password", OTHER)]).await.expect(422);
    wrong.has("isn’t the password");
    wrong.has(EMAIL);
    let confirmed = browser.post("/verify-email", &[("token", &token), ("password", PASSWORD)]).await;
    assert_eq!(confirmed.expect(303).location(), "/");
    assert!(browser.is_in().await);
    let again = world.browser().get(&link).await.expect(200);
    again.has("doesn’t work any more");
    let mut other = world.browser();
    other
        .post("/verify-email", &[("token", &token), ("password", PASSWORD)])
        .await
        .expect(200)
        .has("any more");
    assert!(!other.is_in().await);
    let account = world.control.find_account(EMAIL).await.unwrap().unwrap();
    let (workspace, _) = world.control.list_memberships(account.id).await.unwrap()[0];
    assert!(world.control.list_projects(workspace).await.unwrap()[0].is_default);
}

/// Where registration isn't open the page says how one gets an account, and sending the form makes none.
#[tokio::test]
async fn nobody_registers_where_it_is_closed() {
    for (policy, said) in [
        (RegistrationPolicy::Closed, "by whoever runs it"),
        (RegistrationPolicy::Invitation, "by invitation"),
    ] {
        let world = World::with(policy).await;
        let mut browser = world.browser();
        let page = browser.get("/register").await.expect(200);
        page.has(said);
        page.lacks("name=\"password\"");
        browser.post("/register", &[("email", EMAIL), ("password", PASSWORD)]).await.expect(422).has(said);
        assert!(world.control.find_account(EMAIL).await.unwrap().is_none());
        assert!(world.mails().is_empty());
    }
    let world = World::with(RegistrationPolicy::Domains(vec!["example.org".to_owned()])).await;
    let refused =
        world.browser().post("/register", &[("email", "a@b.example"), ("password", PASSWORD)]).await;
    refused.expect(422).has("@example.org");
    world.browser().post("/register", &[("email", EMAIL), ("password", PASSWORD)]).await.expect(200);
}

/// Mistakes stand beside their fields, what was typed stays, but for the password; and nothing that was typed is markup.
#[tokio::test]
async fn mistakes_are_told_beside_their_fields() {
    let world = World::new().await;
    let mut browser = world.browser();
    let short = browser.post("/register", &[("email", EMAIL), ("password", "short")]).await.expect(422);
    short.has("id=\"password-error\"");
    short.has("at least 15 characters");
    short.has(&format!("value=\"{EMAIL}\""));
    short.lacks("value=\"short\"");
    let common = [("email", EMAIL), ("password", "passwordpassword")];
    browser.post("/register", &common).await.expect(422).has("among the first");
    let attack = "\"><script>alert(1)</script>@x";
    for path in ["/register", "/sign-in", "/forgot-password"] {
        let mut fields = vec![("email", attack)];
        if path != "/forgot-password" {
            fields.push(("password", PASSWORD));
        }
        browser.post(path, &fields).await.lacks("<script>alert");
    }
    let next = browser.get("/sign-in?next=/%22%3E%3Cscript%3E").await.expect(200);
    next.lacks("<script>");
}

/// Signing in gives the browser another secret, whatever it brought along: one that somebody planted opens nothing, and the
/// session that it had before is over. Signing out ends the session, not only the cookie.
#[tokio::test]
async fn sessions_are_not_fixed_and_end() {
    let world = World::new().await;
    world.account(EMAIL).await;
    world.account("eve@example.org").await;
    let mut eve = world.signed_in("eve@example.org").await;
    let planted = eve.cookies[SESSION].clone();
    let mut victim = world.browser();
    victim.cookies.insert(SESSION.to_owned(), planted.clone());
    victim.sign_in(EMAIL, PASSWORD).await.expect(303);
    assert_ne!(victim.cookies[SESSION], planted);
    victim.get("/settings/profile").await.expect(200).has(EMAIL);
    assert!(!eve.is_in().await, "what the browser had before is over");
    let mut made_up = world.browser();
    let own_choice = "a".repeat(43);
    made_up.cookies.insert(SESSION.to_owned(), own_choice.clone());
    assert!(!made_up.is_in().await);
    made_up.sign_in(EMAIL, PASSWORD).await.expect(303);
    assert_ne!(made_up.cookies[SESSION], own_choice);

    let mut kept = victim.clone();
    let left = victim.post("/sign-out", &[]).await.expect(303);
    assert_eq!(left.location(), "/?done=signed-out");
    assert!(!victim.cookies.contains_key(SESSION));
    assert!(!kept.is_in().await);
    assert_eq!(kept.get("/sign-out").await.status, 405);
}

/// A browser that isn't used for a week is signed out, and one that is used every day after a month.
#[tokio::test]
async fn sessions_end_by_themselves() {
    const DAY: i64 = 24 * 3600;
    let world = World::new().await;
    let ada = world.account(EMAIL).await;
    let mut daily = world.signed_in(EMAIL).await;
    let (mut rarely, mut left) = (world.signed_in(EMAIL).await, world.signed_in(EMAIL).await);
    for day in 1..30 {
        world.clock.advance_seconds(DAY);
        assert!(daily.is_in().await, "day {day}");
        match day {
            6 | 12 | 18 | 24 => assert!(rarely.is_in().await, "day {day}: six days are less than a week"),
            7 => {
                assert!(!left.is_in().await, "a week");
                assert_eq!(
                    world.control.list_portal_sessions(ada.id).await.unwrap().len(),
                    2,
                    "it isn't listed"
                );
            }
            _ => {}
        }
    }
    world.clock.advance_seconds(DAY);
    assert!(!daily.is_in().await && !rarely.is_in().await, "a month, however often it was used");
    let mut again = world.signed_in(EMAIL).await;
    assert!(again.is_in().await);
}

/// Sessions end with the account: disabled or deleted, no cookie of it opens anything.
#[tokio::test]
async fn sessions_end_with_the_account() {
    let world = World::new().await;
    let ada = world.account(EMAIL).await;
    let bob = world.account("bob@example.org").await;
    let (mut first, mut second) = (world.signed_in(EMAIL).await, world.signed_in("bob@example.org").await);
    assert!(first.is_in().await && second.is_in().await);
    world.control.disable_account(&ACTOR, ada.id).await.unwrap();
    world.control.delete_account(&ACTOR, bob.id).await.unwrap();
    assert!(!first.is_in().await && !second.is_in().await);
    world.control.enable_account(&ACTOR, ada.id).await.unwrap();
    assert!(!first.is_in().await);
}

/// Whatever `next` says, the browser stays here.
#[tokio::test]
async fn nobody_is_sent_elsewhere() {
    let world = World::new().await;
    world.account(EMAIL).await;
    let enter = async |next: &str| {
        let mut browser: Browser = world.browser();
        let fields = [("email", EMAIL), ("password", PASSWORD), ("next", next)];
        browser.post("/sign-in", &fields).await.expect(303).location().to_owned()
    };
    assert_eq!(enter("/settings/api-keys?search=a").await, "/settings/api-keys?search=a");
    for next in [
        "https://evil.example/",
        "//evil.example/",
        "/\\evil.example",
        "/\t/evil.example",
        "javascript:alert(1)",
        "evil.example",
        "/x//evil.example",
        "",
    ] {
        assert_eq!(enter(next).await, "/", "{next:?}");
    }
    let mut browser = world.signed_in(EMAIL).await;
    let on = browser.get("/sign-in?next=//evil.example").await.expect(303);
    assert_eq!(on.location(), "/");
    let confirm = [("password", PASSWORD), ("next", "//evil.example")];
    assert_eq!(browser.post("/confirm", &confirm).await.expect(303).location(), "/");
}

/// The first account is made by the link of the console, once, and operates the instance.
#[tokio::test]
async fn an_instance_is_set_up() {
    let world = World::with(RegistrationPolicy::Closed).await;
    let secret = world.control.first_set_up_link().await.unwrap().unwrap();
    let path = format!("/set-up?token={}", secret.expose());
    let mut browser = world.browser();
    browser.get("/set-up?token=x").await.expect(409);
    browser.get("/set-up").await.expect(409);
    browser.get(&path).await.expect(200).has("operator");
    let with =
        |password: &'static str| [("token", secret.expose()), ("email", EMAIL), ("password", password)];
    browser.post("/set-up", &with("short")).await.expect(422).has("at least 15");
    assert_eq!(browser.post("/set-up", &with(PASSWORD)).await.expect(303).location(), "/");
    assert!(browser.is_in().await);
    assert!(world.control.find_account(EMAIL).await.unwrap().unwrap().is_operator);
    let mut late = world.browser();
    late.get(&path).await.expect(409).has("set-up-link");
    late.post("/set-up", &with(PASSWORD)).await.expect(409);
}
