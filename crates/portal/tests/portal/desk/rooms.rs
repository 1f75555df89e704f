//! Home, usage and the playground: each shows what belongs to the workspace, and nobody else's.

use std::collections::BTreeMap;

use control::{AuditAction, AuditFilter};
use domain::link::{FromGateway, ToGateway, UsageRecord};
use domain::usage::Day;
use domain::{ApiKeyId, ClientRef, Product, ProjectId, Region, TemporaryKeyId};

use crate::world::{ACTOR, World};

const DAY: &str = "2027-01-15";

/// What a gateway counted for a key on the day of the test.
async fn used(world: &World, number: u64, project_id: ProjectId, api_key_id: ApiKeyId, client_ref: &str) {
    let mut port = world.control.gateways().attach("eu1/a");
    let record = UsageRecord {
        project_id,
        api_key_id,
        client_ref: ClientRef::new(client_ref).ok(),
        region: Region::Eu1,
        product: Product::Rt,
        day: Day::of(world.control.now()).start(),
        requests: 3,
        sessions: 2,
        audio_millis: 7_200_000,
        received_bytes: 10,
        refusals: 0,
        refused: BTreeMap::new(),
    };
    port.outgoing.send(FromGateway::UsageBatch { number, records: vec![record] }).await.unwrap();
    while !matches!(port.incoming.recv().await.unwrap(), ToGateway::UsageCounted { .. }) {}
}

/// A visitor learns what this is and how to get in; a member gets endpoints, programs, and the way to a first key until there is one.
#[tokio::test]
async fn home_says_what_comes_next() {
    let world = World::new().await;
    let visitor = world.anonymous().get("/").await.expect(200);
    visitor.has("href=\"/register\">Register</a>");
    visitor.has("href=\"/sign-in\">Sign in</a>");
    visitor.lacks("API_KEY");
    let member = world.member().await;
    let home = member.get("/").await.expect(200);
    home.has("Create your first key");
    home.has("curl http://localhost:8080/v2/jobs");
    home.has("ws://localhost:8080/v2");
    world.key("k").await;
    member.get("/").await.expect(200).lacks("Create your first key");
}

/// A page and a file tell of the own workspace's usage alone, by each of what it can be told apart by.
#[tokio::test]
async fn usage_is_the_workspaces_own() {
    let world = World::new().await;
    let key = world.key("=1+1 <b>").await.key;
    used(&world, 1, world.project.id, key.id, "<i>alice").await;
    let theirs = "of-somebody-else";
    used(&world, 2, world.other_project.id, ApiKeyId::from_u128(5), theirs).await;
    let member = world.member().await;
    for (group, shown) in [
        ("day", DAY),
        ("project", world.project.name.as_str()),
        ("api_key", "=1+1 &#60;b&#62;"),
        ("client_ref", "&#60;i&#62;alice"),
        ("region", "eu1"),
        ("mode", "realtime"),
    ] {
        let page = member.get(&format!("/usage?group={group}")).await.expect(200);
        page.has(shown);
        page.has("<dd>2.00</dd>");
        page.lacks("<i>alice");
        page.lacks(theirs);
    }
    let file = member.get("/usage.csv").await.expect(200);
    assert_eq!(file.headers["content-type"], "text/csv; charset=utf-8");
    assert!(file.headers["content-disposition"].to_str().unwrap().starts_with("attachment;"));
    file.has("'=1+1 <b>");
    file.lacks(theirs);
    assert_eq!(file.text.lines().count(), 2, "{}", file.text);

    let stranger = world.stranger().await;
    stranger.get("/usage?group=client_ref").await.expect(200).has(theirs);
    // Asking for somebody else's things finds nothing.
    for narrowed in [format!("key={}", key.id), format!("project={}", world.project.id)] {
        let page = stranger.get(&format!("/usage?{narrowed}")).await.expect(200);
        page.has("Nothing was used");
        page.lacks("=1+1");
    }
}

/// What can't be read is said beside its field, with the input kept; an address that no link has is nowhere.
#[tokio::test]
async fn days_that_are_none_are_said() {
    let world = World::new().await;
    let member = world.member().await;
    let page = member.get("/usage?since=2027-01-31&until=2027-01-01&group=mode").await.expect(422);
    page.has("The first day must not come after the last one.");
    page.has("value=\"2027-01-31\"");
    page.has("<option value=\"mode\" selected>");
    member.get("/usage?since=2026-01-01&until=2027-01-15").await.expect(422).has("92 days");
    member.get("/usage.csv?since=2026-01-01&until=2027-01-15").await.expect(200);
    for nowhere in ["/usage?group=year", "/usage?project=x", "/usage?x=y", "/usage?key=vgk_1"] {
        member.get(nowhere).await.expect(404);
    }
    member.get("/usage?since=2027-01-01&until=2027-01-15").await.expect(200);
}

/// A member makes a temporary key from one of the workspace's keys, once and with an event, and revokes it; the page may speak with
/// this instance's realtime endpoint, and no other page may.
#[tokio::test]
async fn a_temporary_key_is_made_and_revoked() {
    let world = World::new().await;
    let key = world.key("mine").await.key;
    let member = world.member().await;
    let page = member.get(&format!("/playground?key={}", key.id)).await.expect(200);
    page.has("mine (vgk_");
    let policy = page.headers["content-security-policy"].to_str().unwrap().to_owned();
    assert!(policy.contains("connect-src 'self' ws://localhost:8080/v2;"), "{policy}");
    assert_eq!(page.headers["permissions-policy"], "microphone=(self)");
    let other = member.get("/usage").await.expect(200);
    assert!(!other.headers["content-security-policy"].to_str().unwrap().contains("ws:"));

    let id = key.id.to_string();
    let fields = [("api_key_id", id.as_str()), ("ttl_seconds", "60"), ("client_ref", "alice")];
    let made = member.post("/playground", &fields).await.expect(200);
    assert_eq!(made.headers["cache-control"], "no-store");
    let (_, rest) = made.text.split_once("autocomplete=\"off\">eyJ").expect("the key is shown");
    let token = format!("eyJ{}", rest.split_once('<').unwrap().0);
    let jti = world.control.temporary_key_id(&token).unwrap();
    assert_eq!(made.field("temporary_key_id"), Some(jti.to_string()));
    member.get("/playground").await.expect(200).lacks("eyJ");
    assert_eq!(events(&world, AuditAction::TemporaryKeyMinted).await, [jti.to_string()]);

    let gone = [("temporary_key_id", &*jti.to_string())];
    world.stranger().await.post("/playground/revoke", &gone).await.expect(404);
    assert!(events(&world, AuditAction::TemporaryKeyRevoked).await.is_empty());
    let revoked = member.post("/playground/revoke", &gone).await.expect(303);
    assert_eq!(revoked.location(), "/playground?done=temporary-key-revoked");
    assert_eq!(events(&world, AuditAction::TemporaryKeyRevoked).await, [jti.to_string()]);
}

/// Nobody mints from a key of another workspace, from one that has ended, or for longer than the page offers.
#[tokio::test]
async fn what_may_not_be_minted_is_said() {
    let world = World::new().await;
    let (mine, ended) = (world.key("mine").await.key.id, world.key("ended").await.key.id);
    world.control.revoke_key(&ACTOR, world.workspace.id, ended).await.unwrap();
    let member = world.member().await;
    let stranger = world.stranger().await;
    let fields = |id: &ApiKeyId, ttl: &'static str| {
        [("api_key_id", id.to_string()), ("ttl_seconds", ttl.to_owned()), ("client_ref", "<kept>".to_owned())]
    };
    for (browser, id, ttl) in [
        (&stranger, mine, "60"),
        (&member, ended, "60"),
        (&member, ApiKeyId::from_u128(9), "60"),
        (&member, mine, "86400"),
    ] {
        let fields = fields(&id, ttl);
        let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let page = browser.post("/playground", &fields).await.expect(422);
        page.lacks("eyJ");
        page.lacks("<kept>");
    }
    assert!(events(&world, AuditAction::TemporaryKeyMinted).await.is_empty());
    let anonymous = world.anonymous();
    anonymous.get("/playground").await.expect(303);
    let id = mine.to_string();
    let right = [("api_key_id", id.as_str()), ("ttl_seconds", "60"), ("client_ref", "")];
    anonymous.post_raw("/playground", &right, &[]).await.expect(303);
    member.post_raw("/playground", &right, &[("sec-fetch-site", "cross-site")]).await.expect(403);
    assert!(events(&world, AuditAction::TemporaryKeyMinted).await.is_empty());
    member.post("/playground", &right).await.expect(200).has("eyJ");
    let nothing = TemporaryKeyId::generate(mine, &domain::SystemRng).to_string();
    stranger.post("/playground/revoke", &[("temporary_key_id", &nothing)]).await.expect(404);
    member.post("/playground/revoke", &[("temporary_key_id", "x")]).await.expect(404);
}

/// What such an event was done to, one for each.
async fn events(world: &World, action: AuditAction) -> Vec<String> {
    let filter = AuditFilter { action: Some(action), ..AuditFilter::default() };
    let events = world.control.find_audit_events(&filter, 0, 100).await.unwrap();
    events.into_iter().map(|event| event.subject).collect()
}
