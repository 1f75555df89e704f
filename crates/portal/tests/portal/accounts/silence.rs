//! Nobody learns which addresses are known: known and unknown ones are answered alike, byte for byte.

use control::PasswordRefused;

use super::browser::{ACTOR, Browser, EMAIL, OTHER, PASSWORD, Shown, World};

const UNKNOWN: &str = "eve@example.org";

/// An answer without what the visitor typed, and the same for everybody.
fn plain(shown: &Shown, email: &str) -> (u16, Vec<(String, String)>, String) {
    let mut headers: Vec<_> = shown
        .headers
        .iter()
        .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
        .collect();
    headers.sort();
    (shown.status, headers, shown.text.replace(email, "EMAIL"))
}

async fn answers_alike(browser: &mut Browser, path: &str, of: impl Fn(&str) -> Vec<(&'static str, String)>) {
    let mut answers = Vec::new();
    for email in [EMAIL, UNKNOWN, "ADA@example.org"] {
        let fields = of(email);
        let fields: Vec<_> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
        answers.push(plain(&browser.post(path, &fields).await, email));
    }
    assert_eq!(answers[0], answers[1], "{path}");
    assert_eq!(answers[0], answers[2], "{path}");
}

/// Register, sign in with a wrong password, and ask for a link: the same status, headers and bytes for an address that has
/// an account and one that hasn't. The mailbox is told instead.
#[tokio::test]
async fn known_and_unknown_addresses_are_answered_alike() {
    let world = World::new().await;
    world.account(EMAIL).await;
    let mut browser = world.browser();
    browser.get("/sign-in").await.expect(200);
    let with_password = |email: &str| vec![("email", email.to_owned()), ("password", OTHER.to_owned())];
    answers_alike(&mut browser, "/sign-in", with_password).await;
    answers_alike(&mut browser, "/forgot-password", |email| vec![("email", email.to_owned())]).await;
    let mails = world.mails();
    assert!(mails.iter().all(|mail| mail.to() == EMAIL), "nobody else gets one");
    assert_eq!(mails.len(), 2);
    answers_alike(&mut browser, "/register", with_password).await;
    let mails = world.mails();
    let to = |email: &str| mails.iter().filter(|mail| mail.to() == email).count();
    assert_eq!((to(EMAIL), to(UNKNOWN)), (4, 1));
    assert!(world.control.recognise(attempt(EMAIL)).await.is_ok(), "registering changes no account");
}

fn attempt(email: &str) -> control::PasswordAttempt<'_> {
    let from = super::browser::network(9);
    control::PasswordAttempt { email, password: PASSWORD, from, device: None }
}

/// A disabled account is answered like a wrong password, and gets no mail.
#[tokio::test]
async fn a_disabled_account_is_silent() {
    let world = World::new().await;
    let ada = world.account(EMAIL).await;
    let mut browser = world.browser();
    let wrong = browser.sign_in(EMAIL, OTHER).await;
    world.control.disable_account(&ACTOR, ada.id).await.unwrap();
    let disabled = browser.sign_in(EMAIL, PASSWORD).await;
    assert_eq!(plain(&wrong, EMAIL).2, plain(&disabled, EMAIL).2);
    browser.post("/forgot-password", &[("email", EMAIL)]).await.expect(200);
    assert!(world.mails().is_empty());
    assert!(matches!(world.control.recognise(attempt(EMAIL)).await, Err(PasswordRefused::Wrong)));
}

/// Whoever moves an account to an address learns nothing about it, either; its owner is told.
#[tokio::test]
async fn changing_the_address_tells_nothing() {
    let world = World::new().await;
    world.account(EMAIL).await;
    world.account("bob@example.org").await;
    let mut browser = world.signed_in(EMAIL).await;
    let taken = browser.post("/settings/profile/email", &[("email", "bob@example.org")]).await.expect(200);
    let free = browser.post("/settings/profile/email", &[("email", UNKNOWN)]).await.expect(200);
    assert_eq!(plain(&taken, "bob@example.org"), plain(&free, UNKNOWN));
    let told = world.mails().into_iter().find(|mail| mail.to() == "bob@example.org").unwrap();
    assert!(!told.text().contains("token="));
}
