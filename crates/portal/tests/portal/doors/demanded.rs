//! Where the operator demands a second factor of everybody.

use std::path::{Path, PathBuf};

use control::{AuditAction, AuditFilter, SignIn};
use domain::{Account, PortalSessionState, SignInMethod};

use super::authenticator::Authenticator;
use super::browser::{Browser, ORIGIN, Shown, World};
use super::factors::add_app;
use super::people::code;
use super::{ACTOR, PEER};

const SET_UP: &str = "/settings/security/set-up";
const SESSION: &str = "__Host-voxgate-session";
const APP: &str = "/settings/security/authenticator";
const PASSKEYS: &str = "/settings/security/passkeys";

/// What asks for nobody who is signed in.
const FOR_ANYBODY: &[&str] = &[
    "/register",
    "/verify-email",
    "/sign-in",
    "/sign-out",
    "/sign-in/factor",
    "/sign-in/factor/passkey",
    "/sign-in/passkey",
    "/sign-in/with/{provider}",
    "/sign-in/with/{provider}/callback",
    "/sign-in/with/{provider}/register",
    "/forgot-password",
    "/reset-password",
    "/set-up",
    "/change-email",
    "/invitations/register",
    "/dev/mail",
];
/// What helps to show a second factor.
const ON_THE_WAY: &[&str] = &[SET_UP, APP, PASSKEYS, "/confirm"];

/// A route, and the methods that it takes.
type Route = (String, Vec<&'static str>);

fn sources(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries
        .flat_map(|path| {
            if path.is_dir() {
                sources(&path)
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                vec![path]
            } else {
                Vec::new()
            }
        })
        .collect()
}

/// Every route, as the sources have it, so that none can be left out here.
fn routes() -> Vec<Route> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut routes = Vec::new();
    for file in sources(&folder) {
        let source = std::fs::read_to_string(&file).unwrap();
        for call in source.split(".route(").skip(1) {
            let (path, rest) = call.split_once(',').unwrap();
            let handlers = rest.split('\n').next().unwrap();
            let path = match path.strip_prefix('"') {
                Some(text) => text.trim_end_matches('"').to_owned(),
                None => constant(&source, path),
            };
            let has = |method: &str| handlers.contains(&format!("{method}("));
            let methods: Vec<_> = ["get", "post"].into_iter().filter(|method| has(method)).collect();
            assert!(!methods.is_empty(), "{path}: {handlers}");
            routes.push((path, methods));
        }
    }
    routes
}

fn constant(source: &str, name: &str) -> String {
    let (_, rest) = source.split_once(&format!("const {name}: &str = \"")).unwrap();
    rest.split_once('"').unwrap().0.to_owned()
}

/// The routes that only somebody who is signed in may use, with the method of each.
fn signed_in_routes() -> Vec<(String, &'static str)> {
    let mut found = Vec::new();
    for (path, methods) in routes() {
        let is_open = path.starts_with("/assets/") || FOR_ANYBODY.contains(&path.as_str());
        if is_open || ON_THE_WAY.contains(&path.as_str()) {
            continue;
        }
        for method in methods {
            // Whoever has the link of an invitation sees what it is.
            if (path.as_str(), method) != ("/invitations/accept", "get") {
                found.push((path.replace("{id}", "x"), method));
            }
        }
    }
    found
}

async fn ask(browser: &mut Browser, path: &str, method: &str) -> Shown {
    if method == "get" { browser.get(path).await } else { browser.post_raw(path, &[]).await }
}

/// A browser whose session was opened by this method.
async fn browser(world: &World, account: &Account, method: SignInMethod) -> Browser {
    let sign_in = SignIn {
        account_id: account.id,
        method,
        password: None,
        state: PortalSessionState::Open,
        browser: "Test",
        from: Some(PEER),
    };
    let begun = world.control.begin_portal_session(sign_in).await.unwrap();
    world.browser().with_session(&begun.secret)
}

async fn events(world: &World) -> usize {
    world.control.find_audit_events(&AuditFilter::default(), 0, 1000).await.unwrap().len()
}

async fn methods(world: &World, account: &Account) -> Vec<SignInMethod> {
    let sessions = world.control.list_portal_sessions(account.id).await.unwrap();
    sessions.iter().map(|session| session.method).collect()
}

async fn add_passkey(browser: &mut Browser, name: &str) -> (Authenticator, Shown) {
    let mut device = Authenticator::new(ORIGIN);
    let page = browser.get(PASSKEYS).await.expect(200);
    let (ticket, answer) = (page.field("ticket").unwrap(), device.make(&page.attribute("data-options")));
    let fields = [("ticket", ticket.as_str()), ("answer", answer.as_str()), ("name", name)];
    (device, browser.post(&page, PASSKEYS, &fields).await)
}

/// Whoever has no second factor where one is demanded is led from every page and every form to where it is set up, whichever way
/// they came in, and changes nothing; operators are no exception. With a factor the same pages are there.
#[tokio::test]
async fn without_a_factor_every_way_leads_to_setting_one_up() {
    let routes = signed_in_routes();
    assert!(routes.len() > 80, "{}", routes.len());
    for path in ["/", "/playground", "/instance/mail", "/workspaces/switch", "/sessions/list", "/usage.csv"] {
        assert!(routes.iter().any(|(route, _)| route == path), "{path}");
    }
    let world = World::demanding().await;
    let ada = world.account("ada@example.org").await;
    world.control.set_operator(&ACTOR, ada.id, true).await.unwrap();
    for method in [SignInMethod::Password, SignInMethod::Provider, SignInMethod::Link] {
        let mut browser = browser(&world, &ada, method).await;
        let before = events(&world).await;
        for (path, method) in &routes {
            let shown = ask(&mut browser, path, method).await;
            assert_eq!((shown.status, shown.location()), (303, SET_UP), "{method} {path}");
            assert!(shown.text.is_empty());
        }
        assert_eq!(events(&world).await, before);
        let page = browser.get(SET_UP).await.expect(200);
        assert!(page.text.contains("demands a second factor of everybody"));
        for path in [APP, PASSKEYS] {
            assert!(page.text.contains(&format!("href=\"{path}\"")), "{path}");
            let shown = browser.get(path).await.expect(200);
            assert!(!shown.text.contains("href=\"/usage\""), "{path} leads to where nobody is let in");
        }
        browser.post(&page, "/sign-out", &[]).await.expect(303);
        assert_eq!(browser.get(SET_UP).await.location(), "/sign-in?next=%2Fsettings%2Fsecurity%2Fset-up");
    }
    // The control beside them.
    let mut browser = browser(&world, &ada, SignInMethod::Password).await;
    world.control.create_own_workspace(&ACTOR, ada.id, "Ada".to_owned(), domain::Area::Eu).await.unwrap();
    add_app(&world, &mut browser).await;
    for (path, method) in &routes {
        let shown = ask(&mut browser, path, method).await;
        // Forms are sent without their token here, and ids are of nothing.
        let there = if *method == "get" { [200, 404] } else { [403, 404] };
        let is_there = there.contains(&shown.status);
        assert!(is_there, "{method} {path}: {} {}", shown.status, shown.location());
    }
    assert_eq!(browser.get(SET_UP).await.location(), "/settings/security");
}

/// Whoever sets up an authenticator app goes on in the same browser under another cookie; a copy of the former cookie is worth
/// nothing, and the next sign-in asks for the code.
#[tokio::test]
async fn whoever_sets_up_an_app_goes_on() {
    let world = World::demanding().await;
    let (ada, mut browser) = world.signed_in("ada@example.org").await;
    let mut thief = browser.clone();
    let before = browser.cookie(SESSION).unwrap();
    let page = browser.get(APP).await.expect(200);
    let ticket = page.field("ticket").unwrap();
    browser.post(&page, APP, &[("ticket", &ticket), ("code", "000000")]).await.expect(422);
    assert_eq!(browser.get("/settings/security").await.location(), SET_UP, "a wrong code is none");

    let (secret, recovery) = add_app(&world, &mut browser).await;
    assert_eq!(recovery.len(), 10);
    assert!(browser.is_in().await);
    assert_ne!(browser.cookie(SESSION).unwrap(), before);
    assert!(thief.get("/settings/security").await.location().starts_with("/sign-in"));
    assert_eq!(methods(&world, &ada).await, [SignInMethod::PasswordAndFactor]);
    let filter = AuditFilter { action: Some(AuditAction::SignInConfirmed), ..AuditFilter::default() };
    let logged = world.control.find_audit_events(&filter, 0, 10).await.unwrap();
    assert_eq!(logged[0].detail, "open, password_and_factor");

    world.clock.advance_seconds(60);
    let mut other = world.browser();
    other.sign_in("ada@example.org").await.expect(303);
    assert!(!other.is_in().await);
    let page = other.get("/sign-in/factor").await.expect(200);
    let now = code(&secret, world.control.now());
    other.post(&page, "/sign-in/factor", &[("kind", "authenticator"), ("code", &now)]).await.expect(303);
    assert!(other.is_in().await);
}

/// The page that shows the recovery codes can sign out: its form belongs to the new cookie.
#[tokio::test]
async fn the_page_after_setting_up_is_tied_to_the_new_session() {
    let world = World::demanding().await;
    let (ada, mut browser) = world.signed_in("ada@example.org").await;
    let (_, done) = add_passkey(&mut browser, "phone").await;
    assert!(done.text.contains("Your recovery codes"));
    assert_eq!(browser.post(&done, "/sign-out", &[]).await.expect(303).location(), "/?done=signed-out");
    assert_eq!(methods(&world, &ada).await, []);
}

/// A passkey that is set up lets its owner go on; signing in with it alone is enough.
#[tokio::test]
async fn a_passkey_is_enough() {
    let world = World::demanding().await;
    let (ada, mut browser) = world.signed_in("ada@example.org").await;
    let (mut device, done) = add_passkey(&mut browser, "phone").await;
    done.expect(200);
    assert!(browser.is_in().await);
    world.clock.advance_seconds(1);
    let mut other = world.browser();
    let page = other.get("/sign-in/passkey").await.expect(200);
    let (ticket, answer) = (page.field("ticket").unwrap(), device.answer(&page.attribute("data-options")));
    let fields = [("ticket", ticket.as_str()), ("answer", answer.as_str())];
    other.post(&page, "/sign-in/passkey", &fields).await.expect(303);
    assert!(other.is_in().await);
    assert_eq!(methods(&world, &ada).await, [SignInMethod::Passkey, SignInMethod::PasswordAndFactor]);
}

/// A device that doesn't ask its owner for a finger, a face or a PIN is no second factor.
#[tokio::test]
async fn a_passkey_without_its_owner_is_not_enough() {
    let world = World::demanding().await;
    let (_, mut browser) = world.signed_in("ada@example.org").await;
    let mut device = Authenticator::new(ORIGIN);
    device.verifies = false;
    let page = browser.get(PASSKEYS).await.expect(200);
    let (ticket, answer) = (page.field("ticket").unwrap(), device.make(&page.attribute("data-options")));
    let fields = [("ticket", ticket.as_str()), ("answer", answer.as_str()), ("name", "phone")];
    browser.post(&page, PASSKEYS, &fields).await.expect(422);
    assert_eq!(browser.get("/settings/security").await.location(), SET_UP);
}

/// The last factor can't be removed while one is demanded, and the page says why instead of offering it; the one before it can.
#[tokio::test]
async fn the_last_factor_stays() {
    const WHY: &str = "this instance demands one of everybody";
    let world = World::demanding().await;
    let (ada, mut browser) = world.signed_in("ada@example.org").await;
    add_app(&world, &mut browser).await;
    let page = browser.get("/settings/security").await.expect(200);
    assert!(page.text.contains(WHY) && !page.text.contains("Remove authenticator app"));
    let remove_app = "/settings/security/authenticator/remove";
    let refused = browser.post(&page, remove_app, &[]).await.expect(409);
    assert!(refused.text.contains(WHY), "{}", refused.text);
    let factors = world.control.second_factors(ada.id).await.unwrap();
    assert_eq!((factors.has_totp, factors.recovery_codes), (true, 10), "nothing was changed");

    add_passkey(&mut browser, "phone").await.1.expect(200);
    let page = browser.get("/settings/security").await.expect(200);
    assert!(!page.text.contains(WHY) && page.text.contains("Remove authenticator app"));
    browser.post(&page, remove_app, &[]).await.expect(303);
    let id = world.control.list_passkeys(ada.id).await.unwrap()[0].id;
    let remove_passkey = format!("{PASSKEYS}/{id}/remove");
    let page = browser.get("/settings/security").await.expect(200);
    assert!(page.text.contains(WHY) && !page.text.contains("Remove phone"));
    browser.post(&page, &remove_passkey, &[]).await.expect(409);
    assert_eq!(world.control.second_factors(ada.id).await.unwrap().passkeys, 1);
    assert!(browser.is_in().await);
}

/// Whoever has lost the phone with the app comes in by a recovery code, and puts another app in its place: the codes of the old
/// one are good no more.
#[tokio::test]
async fn a_lost_app_is_replaced() {
    let world = World::demanding().await;
    let (_, mut browser) = world.signed_in("ada@example.org").await;
    let (lost, recovery) = add_app(&world, &mut browser).await;
    let mut other = world.browser();
    other.sign_in("ada@example.org").await.expect(303);
    let page = other.get("/sign-in/factor").await.expect(200);
    let fields = [("kind", "recovery_code"), ("code", recovery[0].as_str())];
    other.post(&page, "/sign-in/factor", &fields).await.expect(303);
    let overview = other.get("/settings/security").await.expect(200);
    assert!(overview.text.contains("Replace authenticator app"));
    assert!(other.get(APP).await.expect(200).text.contains("good no more once this one is added"));
    let (found, codes) = add_app(&world, &mut other).await;
    assert!(codes.is_empty(), "the recovery codes stay");

    world.clock.advance_seconds(60);
    let mut third = world.browser();
    third.sign_in("ada@example.org").await.expect(303);
    for (secret, status) in [(&lost, 422), (&found, 303)] {
        let page = third.get("/sign-in/factor").await.expect(200);
        let now = code(secret, world.control.now());
        let fields = [("kind", "authenticator"), ("code", now.as_str())];
        third.post(&page, "/sign-in/factor", &fields).await.expect(status);
    }
    assert!(third.is_in().await);
}

/// A session that began before a factor was demanded is treated like a new one. Where its account has a factor that it was opened
/// without, it must be shown: the password alone adds no other one beside it.
#[tokio::test]
async fn sessions_from_before_are_held_to_it() {
    let world = World::new().await;
    let (_, without) = world.signed_in("bob@example.org").await;
    let (ada, older) = world.signed_in("ada@example.org").await;
    let mut newer = world.browser();
    newer.sign_in("ada@example.org").await.expect(303);
    let (secret, _) = add_app(&world, &mut newer).await;
    let world = world.begins_to_demand().await;
    let (mut without, mut older, mut newer) = (without.at(&world), older.at(&world), newer.at(&world));

    assert_eq!(without.get("/settings/security").await.location(), SET_UP);
    assert!(newer.is_in().await, "whoever set it up has shown it");
    for (path, method) in signed_in_routes() {
        let shown = ask(&mut older, &path, method).await;
        assert!(shown.status == 303 && shown.location().starts_with("/confirm"), "{method} {path}");
    }
    for path in [SET_UP, APP, PASSKEYS] {
        assert_eq!(older.get(path).await.location(), "/confirm?next=%2Fsettings%2Fsecurity", "{path}");
    }
    for path in [APP, PASSKEYS] {
        assert!(older.post_raw(path, &[]).await.location().starts_with("/confirm"), "{path}");
    }
    let page = older.get("/confirm?next=/usage").await.expect(200);
    assert!(page.text.contains("you signed in here without yours"));
    let fields = [("password", super::people::PASSWORD), ("next", "/settings/security")];
    let asked = older.post(&page, "/confirm", &fields).await.expect(303);
    assert_eq!(asked.location(), "/sign-in/factor?next=%2Fsettings%2Fsecurity");
    assert!(!older.is_in().await);
    world.clock.advance_seconds(60);
    let page = older.get("/sign-in/factor").await.expect(200);
    let now = code(&secret, world.control.now());
    older.post(&page, "/sign-in/factor", &[("kind", "authenticator"), ("code", &now)]).await.expect(303);
    assert!(older.is_in().await);
    assert!(!methods(&world, &ada).await.contains(&SignInMethod::Password));
}

/// Where nothing was confirmed for a while, the person is asked who they are, and comes back to setting up.
#[tokio::test]
async fn setting_up_needs_the_person() {
    let world = World::demanding().await;
    let (_, mut browser) = world.signed_in("ada@example.org").await;
    world.clock.advance_seconds(60 * portal::RECENT_MINUTES_MAX);
    let next = "/confirm?next=%2Fsettings%2Fsecurity%2Fset-up";
    for path in [SET_UP, APP, PASSKEYS] {
        assert_eq!(browser.get(path).await.expect(303).location(), next, "{path}");
    }
    let page = browser.get(next).await.expect(200);
    let fields = [("password", super::people::PASSWORD), ("next", SET_UP)];
    assert_eq!(browser.post(&page, "/confirm", &fields).await.expect(303).location(), SET_UP);
    browser.get(SET_UP).await.expect(200);
    assert_eq!(browser.get("/usage").await.location(), SET_UP, "a password is no second factor");
}

/// Where it is only offered, a password alone opens everything, and the page for those who must isn't there.
#[tokio::test]
async fn where_it_is_offered_nobody_is_held_to_it() {
    let world = World::new().await;
    let (ada, mut browser) = world.signed_in("ada@example.org").await;
    assert!(browser.is_in().await);
    assert_eq!(browser.get(SET_UP).await.expect(303).location(), "/settings/security");
    for (path, method) in signed_in_routes() {
        let shown = ask(&mut browser, &path, method).await;
        assert!(!shown.location().starts_with(SET_UP), "{method} {path}");
    }
    add_app(&world, &mut browser).await;
    let page = browser.get("/settings/security").await.expect(200);
    assert!(!page.text.contains("demands") && !page.text.contains("Replace authenticator app"));
    browser.post(&page, "/settings/security/authenticator/remove", &[]).await.expect(303);
    assert!(world.control.second_factors(ada.id).await.unwrap().is_none());
}
