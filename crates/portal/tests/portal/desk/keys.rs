//! Keys: made, shown once, changed, rotated, revoked.

use control::AuditFilter;
use domain::limits::{NAME_CHARACTERS_MAX, NETWORKS_ENTRIES_MAX};
use domain::{Area, AreaSet, Plan, Product, ProductSet};

use crate::world::{ACTOR, Browser, PEER, Shown, World};

const LIST: &str = "/settings/api-keys";

/// Fills in the form as a page shows it, and sends it.
async fn create(browser: &Browser, fields: &[(&str, &str)]) -> Shown {
    let form = browser.get(LIST).await.expect(200).field("form").unwrap();
    let mut all = vec![("form", form.as_str())];
    all.extend_from_slice(fields);
    browser.post(LIST, &all).await
}

/// A member who has just signed in makes a key from its name alone; it is shown once, works, and the log says who made it
/// from where.
#[tokio::test]
async fn a_name_is_enough() {
    let world = World::new().await;
    let member = world.member().await;
    member.get(LIST).await.has("No API keys yet");
    let shown = create(&member, &[("name", "  Checkout  ")]).await.expect(200);
    assert_eq!(shown.headers["cache-control"], "no-store");
    let secret = shown.secret().unwrap();
    assert!(world.control.tables().mint_rights(&secret, PEER, world.control.now()).is_ok());
    shown.has("data-copy=\"#secret\">Copy</button>");
    shown.has("can’t be seen again");
    let keys = world.control.list_keys(world.workspace.id, None).await.unwrap();
    assert_eq!(keys.len(), 1);
    assert_eq!((keys[0].name.as_str(), keys[0].project_id), ("Checkout", world.project.id));
    assert_eq!(keys[0].areas, AreaSet::EMPTY.with(Area::Eu));
    assert_eq!(keys[0].products, ProductSet::default_for_keys());
    assert_eq!(keys[0].created_by, member.account);
    let list = member.get(LIST).await;
    list.has("member@example.org");
    list.lacks(&secret);
    let filter = AuditFilter { subject: Some(keys[0].id.to_string()), ..AuditFilter::default() };
    let log = world.control.find_audit_events(&filter, 0, 10).await.unwrap();
    assert_eq!((log.len(), log[0].from), (1, Some(PEER)));
    assert_eq!(log[0].actor_name.as_deref(), Some("member@example.org"));
}

/// A form that is sent again, as by a reload or the way back, shows no key again and makes no second one.
#[tokio::test]
async fn a_reload_makes_nothing() {
    let world = World::new().await;
    let member = world.member().await;
    let form = member.get(LIST).await.field("form").unwrap();
    let sent = [("form", form.as_str()), ("name", "once")];
    let secret = member.post(LIST, &sent).await.expect(200).secret().unwrap();
    let again = member.post(LIST, &sent).await.expect(303);
    let key = world.control.list_keys(world.workspace.id, None).await.unwrap();
    assert_eq!(key.len(), 1);
    assert_eq!(again.location(), format!("{LIST}/{}?done=made-before", key[0].id));
    let page = member.get(again.location()).await.expect(200);
    page.lacks(&secret);
    page.has("made already");
    // Nobody else's form makes the same thing.
    let admin = world.admin().await;
    assert!(admin.post(LIST, &sent).await.expect(200).secret().is_some());
    assert_eq!(member.post(LIST, &[("form", "form_x"), ("name", "n")]).await.status, 403);
}

/// What is narrowed is narrowed: project, area, products, networks and expiry, in the zone that the page shows.
#[tokio::test]
async fn keys_are_narrowed() {
    let world = World::on_plan(Plan::Enterprise).await;
    let member = world.member().await;
    let project = control::NewProject { name: "p".to_owned(), description: String::new() };
    let project = world.control.create_project(&ACTOR, world.workspace.id, project).await.unwrap().project.id;
    let page = member.get(LIST).await;
    page.has("Narrow this key");
    page.has("Least privilege");
    let fields = [
        ("name", "narrow"),
        ("project", &project.to_string()),
        ("areas", "usa"),
        ("areas", "au"),
        ("products", "batch"),
        ("networks", "192.0.2.0/24, 2001:db8::/32\n198.51.100.7"),
        ("expires_on", "2030-01-31"),
    ];
    create(&member, &fields).await.expect(200);
    let key = &world.control.list_keys(world.workspace.id, Some(project)).await.unwrap()[0];
    assert_eq!(key.areas, [Area::Usa, Area::Au].into_iter().collect());
    assert_eq!(key.products, [Product::Batch].into_iter().collect());
    assert_eq!(key.networks.0.len(), 3);
    assert_eq!(key.expires_at.unwrap().to_rfc3339(), "2030-01-31T00:00:00.000000Z");
}

/// What is wrong is told beside its field, what was typed stays, and the corrected form works.
#[tokio::test]
async fn errors_stand_beside_their_fields() {
    let world = World::new().await;
    let member = world.member().await;
    let long = "x".repeat(NAME_CHARACTERS_MAX + 1);
    let networks = ["192.0.2.1"; NETWORKS_ENTRIES_MAX + 1].join(" ");
    for (field, value, error) in [
        ("name", "", "name-error"),
        ("name", "\u{7}", "name-error"),
        ("name", long.as_str(), "name-error"),
        ("areas", "mars", "areas-error"),
        ("products", "everything", "products-error"),
        ("networks", "10.0.0.0/33", "networks-error"),
        ("networks", networks.as_str(), "networks-error"),
        ("expires_on", "soon", "expires-error"),
        ("expires_on", "2020-01-01", "expires-error"),
        ("project", &world.other_project.id.to_string(), "There is no such project"),
        ("project", "x", "There is no such project"),
    ] {
        let mut fields = vec![("name", "kept")];
        if field == "name" {
            fields.clear();
        }
        fields.push((field, value));
        let page = create(&member, &fields).await.expect(422);
        page.has(error);
        if field != "name" {
            page.has("name=\"name\" value=\"kept\"");
        }
        if field == "networks" || field == "expires_on" {
            page.has(value);
        }
        let corrected = [("form", &*page.field("form").unwrap()), ("name", "corrected")];
        member.post(LIST, &corrected).await.expect(200);
    }
    let two = [("name", "two"), ("areas", "eu"), ("areas", "usa")];
    create(&member, &two).await.expect(422).has("links a key to one area");
    for unknown in [("workspace_id", "ws_x"), ("is_operator", "true"), ("client_ref", "x")] {
        assert_eq!(create(&member, &[("name", "n"), unknown]).await.status, 400, "{unknown:?}");
    }
    let all = world.control.list_keys(world.workspace.id, None).await.unwrap();
    assert!(all.iter().all(|key| key.name == "corrected"));
}

/// A key is changed by its form, and what wasn't touched stays; a day that wasn't touched doesn't move the moment.
#[tokio::test]
async fn keys_are_changed() {
    let world = World::new().await;
    let member = world.member().await;
    let now = world.control.now();
    let new = control::NewKey {
        expires_at: Some(now.plus_seconds(1_000_007)),
        ..control::NewKey::named(world.project.id, "before")
    };
    let key = world.control.create_key(&ACTOR, world.workspace.id, new).await.unwrap().key;
    let path = format!("{LIST}/{}", key.id);
    let day = member.get(&path).await.field("expires_on").unwrap();
    let fields = [
        ("name", "after"),
        ("areas", "eu"),
        ("products", "rt"),
        ("networks", ""),
        ("expires_on", day.as_str()),
    ];
    let saved = member.post(&path, &fields).await.expect(303);
    member.get(saved.location()).await.has("Saved.");
    let changed = world.control.find_key(world.workspace.id, key.id).await.unwrap().unwrap();
    assert_eq!((changed.name.as_str(), changed.expires_at), ("after", key.expires_at));
    assert_eq!(changed.products, [Product::Rt].into_iter().collect());
    let nothing = [("name", "x"), ("networks", ""), ("expires_on", "")];
    let page = member.post(&path, &nothing).await.expect(422);
    page.has("Choose at least one");
    let never = [("name", "after"), ("areas", "eu"), ("products", "rt"), ("expires_on", "")];
    member.post(&path, &never).await.expect(303);
    let changed = world.control.find_key(world.workspace.id, key.id).await.unwrap().unwrap();
    assert_eq!(changed.expires_at, None);
}

/// A rotation shows the successor once, and both work until the overlap that was chosen ends; a second sending makes no
/// second successor.
#[tokio::test]
async fn keys_are_rotated() {
    let world = World::new().await;
    let member = world.member().await;
    let old = world.key("old").await;
    let path = format!("{LIST}/{}/rotate", old.key.id);
    let form = member.get(&path).await.expect(200).field("form").unwrap();
    let sent = [("form", form.as_str()), ("overlap", "3600")];
    assert_eq!(member.post(&path, &[("form", form.as_str()), ("overlap", "3601")]).await.status, 422);
    let secret = member.post(&path, &sent).await.expect(200).secret().unwrap();
    let works = |secret: &str| world.control.tables().mint_rights(secret, PEER, world.control.now()).is_ok();
    assert!(works(&secret) && works(old.secret.expose()));
    member.get(LIST).await.has("rotating out");
    member.post(&path, &sent).await.expect(303);
    assert_eq!(world.control.list_keys(world.workspace.id, None).await.unwrap().len(), 2);
    world.clock.advance_seconds(3600);
    assert!(works(&secret) && !works(old.secret.expose()));
    member.get(&path).await.expect(303);
    let admin = world.admin().await;
    assert_eq!(admin.get(&path).await.status, 409, "an expired key can't be rotated");
}

/// Revoking asks first and says what ends; afterwards the key is dead, and so it is called.
#[tokio::test]
async fn keys_are_revoked() {
    let world = World::new().await;
    let member = world.member().await;
    let made = world.key("doomed").await;
    let page = format!("{LIST}/{}", made.key.id);
    let path = format!("{page}/revoke");
    let asked = member.get(&path).await.expect(200);
    asked.has("No session of it is open now.");
    asked.has(">Revoke</button>");
    let works =
        || world.control.tables().mint_rights(made.secret.expose(), PEER, world.control.now()).is_ok();
    assert!(works(), "a question revokes nothing");
    let done = member.post(&path, &[]).await.expect(303);
    assert!(!works());
    member.get(done.location()).await.expect(200).has("The key is revoked.");
    member.get(LIST).await.has("revoked</span>");
    let again = member.post(&path, &[]).await.expect(303);
    assert!(again.location().ends_with("done=revoked-before"));
    assert_eq!(member.post(&page, &[("name", "x"), ("areas", "eu"), ("products", "rt")]).await.status, 404);
}

/// Making or replacing a key needs somebody who proved a moment ago that it is them; ending one doesn't wait for that.
#[tokio::test]
async fn credentials_need_somebody_recent() {
    let world = World::new().await;
    let (member, admin) = (world.member().await, world.admin().await);
    let key = world.key("k").await.key.id;
    let form = member.get(LIST).await.field("form").unwrap();
    world.clock.advance_seconds(portal::RECENT_MINUTES_MAX * 60);
    let page = member.get(LIST).await.expect(200);
    page.lacks(">Create key</button>");
    page.has("/confirm?next=/settings/api-keys");
    let turned = member.post(LIST, &[("form", &form), ("name", "n")]).await.expect(303);
    assert_eq!(turned.location(), "/confirm?next=%2Fsettings%2Fapi-keys");
    let rotate = format!("{LIST}/{key}/rotate");
    for turned in
        [member.get(&rotate).await, member.post(&rotate, &[("form", &form), ("overlap", "0")]).await]
    {
        assert!(turned.expect(303).location().starts_with("/confirm?next=%2Fsettings%2Fapi-keys%2Fkey_"));
    }
    let tokens = "/settings/management-tokens";
    let made = admin.post(tokens, &[("form", &form), ("name", "n"), ("permissions", "view_usage")]).await;
    assert!(made.expect(303).location().starts_with("/confirm"));
    assert_eq!(world.control.list_keys(world.workspace.id, None).await.unwrap().len(), 1);
    member.post(&format!("{LIST}/{key}/leaked"), &[]).await.expect(303);
    assert!(
        world.control.find_key(world.workspace.id, key).await.unwrap().unwrap().state.revoked_at().is_some()
    );
}
