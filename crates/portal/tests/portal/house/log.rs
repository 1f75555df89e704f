//! The audit log in the portal.

use control::{Actor, NewKey};
use serde_json::Value;

use crate::world::{ACTOR, PEER, World};

const PATH: &str = "/settings/audit-log";

fn rows(text: &str) -> usize {
    text.split("<tbody>").nth(1).map_or(0, |table| table.matches("<tr>").count())
}

/// Who did what to which key, when, from where: all of it stands on the page, the newest first, and each filter narrows it
/// exactly.
#[tokio::test]
async fn the_log_is_read() {
    let world = World::new().await;
    let (admin, member) = (world.admin().await, world.member().await);
    let actor = Actor::account(member.account.unwrap()).from(PEER);
    let made =
        world.control.create_key(&actor, world.workspace.id, NewKey::named(world.project.id, "call key"));
    let key = made.await.unwrap().key.id;
    world.clock.advance_seconds(24 * 3600);
    let admin = world.sign_in(admin.account.unwrap()).await;
    world.control.revoke_key(&ACTOR, world.workspace.id, key).await.unwrap();
    let shown = admin.get(PATH).await.expect(200);
    for part in [
        "member@example.org",
        "API key created",
        "call key",
        &key.to_string(),
        "192.0.2.7",
        "API key revoked",
    ] {
        shown.has(part);
    }
    assert!(
        shown.text.find("API key revoked</td>").unwrap() < shown.text.find("API key created</td>").unwrap()
    );
    let count = async |query: &str| rows(&admin.get(&format!("{PATH}?{query}")).await.expect(200).text);
    let all = count("").await;
    assert_eq!(count(&format!("subject={key}")).await, 2);
    assert_eq!(count(&format!("subject={key}&actor=operator")).await, 1);
    assert_eq!(count("actor=MEMBER%40example.org").await, 1);
    assert_eq!(count(&format!("actor={}", member.account.unwrap())).await, 1);
    assert_eq!(count("actor=nobody%40example.org").await, 0);
    assert_eq!(count("action=api_key_created").await, 1);
    assert_eq!(count("action=api_key_created&actor=operator").await, 0);
    assert_eq!(count("subject=member%40example.org").await, 1, "being taken in was done to them");
    let (first, second) = ("2027-01-15", "2027-01-16");
    assert_eq!(count(&format!("since={second}")).await, 1);
    assert_eq!(count(&format!("until={first}")).await, all - 1);
    assert_eq!(count(&format!("since={first}&until={second}")).await, all);
    assert_eq!(count("until=2027-01-14").await, 0);
    // A form sends its empty fields, too.
    assert_eq!(count("actor=&action=&subject=&since=&until=").await, all);
    let wrong = admin.get(&format!("{PATH}?since=yesterday&actor=kept")).await.expect(422);
    wrong.has("days-error");
    wrong.has("value=\"kept\"");
    admin.get(&format!("{PATH}?since={second}&until={first}")).await.expect(422);
    for garbage in ["action=nothing", "after=x", "after=-1"] {
        admin.get(&format!("{PATH}?{garbage}")).await.expect(404);
    }
}

/// Pages hold 50 events and add up to all of them, each once, with the filters kept; what happens meanwhile moves none.
#[tokio::test]
async fn pages_add_up() {
    let world = World::new().await;
    let admin = world.admin().await;
    for number in 0..120 {
        let new = NewKey::named(world.project.id, format!("k{number:03}"));
        world.control.create_key(&ACTOR, world.workspace.id, new).await.unwrap();
    }
    let mut seen = String::new();
    let mut path = format!("{PATH}?action=api_key_created");
    let mut pages = Vec::new();
    loop {
        let page = admin.get(&path).await.expect(200);
        pages.push(rows(&page.text));
        seen.push_str(&page.text);
        world
            .control
            .create_key(&ACTOR, world.workspace.id, NewKey::named(world.project.id, "later"))
            .await
            .unwrap();
        let Some(next) = page.link("Next page") else { break };
        path = next;
    }
    assert_eq!(pages, [50, 50, 20]);
    for number in 0..120 {
        assert_eq!(seen.matches(&format!(">k{number:03}<")).count(), 1, "k{number:03}");
    }
    assert!(!seen.contains(">later<"));
}

/// Another workspace's events are in no page and in no file, whatever is asked for.
#[tokio::test]
async fn nobody_reads_another_log() {
    let world = World::new().await;
    let (admin, stranger) = (world.admin().await, world.stranger().await);
    let made =
        world.control.create_key(&ACTOR, world.workspace.id, NewKey::named(world.project.id, "secret name"));
    let key = made.await.unwrap().key.id.to_string();
    let own = world.workspace.id.to_string();
    for query in [
        String::new(),
        format!("?subject={key}"),
        "?actor=operator".to_owned(),
        format!("?workspace_id={own}"),
    ] {
        let shown = stranger.get(&format!("{PATH}{query}")).await.expect(200);
        assert!(!shown.text.contains(">secret name<"), "{query}");
        shown.lacks(&own);
    }
    for format in ["csv", "json"] {
        let file = stranger.get(&format!("{PATH}/download?format={format}&subject={key}")).await.expect(200);
        file.lacks(&key);
        admin.get(&format!("{PATH}/download?format={format}&subject={key}")).await.expect(200).has(&key);
    }
}

/// The files hold what the filters let through, whole and in order; no cell is a formula.
#[tokio::test]
async fn the_log_is_downloaded() {
    let world = World::new().await;
    let admin = world.admin().await;
    world.person("=cmd@example.org", &world.workspace, domain::Role::Member).await;
    for number in 0..700 {
        let new = NewKey::named(world.project.id, format!("k{number}"));
        world.control.create_key(&ACTOR, world.workspace.id, new).await.unwrap();
    }
    let page = admin.get(&format!("{PATH}?action=api_key_created")).await.expect(200);
    let csv = admin.get(&page.link("Download CSV").unwrap()).await.expect(200);
    assert_eq!(csv.headers["content-type"], "text/csv; charset=utf-8");
    assert!(csv.headers["content-disposition"].to_str().unwrap().starts_with("attachment"));
    assert_eq!(csv.headers["cache-control"], "no-store");
    let lines: Vec<&str> = csv.text.split("\r\n").filter(|line| !line.is_empty()).collect();
    assert_eq!(lines.len(), 701);
    assert_eq!(lines[0], "sequence,at,workspace_id,actor,actor_name,action,subject,subject_name,detail,from");
    let numbers: Vec<u64> =
        lines[1..].iter().map(|line| line.split(',').next().unwrap().parse().unwrap()).collect();
    assert!(numbers.is_sorted_by(|one, other| one > other), "the newest first");
    let json = admin.get(&page.link("Download JSON").unwrap()).await.expect(200);
    let events: Vec<Value> = serde_json::from_str(&json.text).unwrap();
    let in_json: Vec<u64> = events.iter().map(|event| event["sequence"].as_u64().unwrap()).collect();
    assert_eq!(in_json, numbers);
    assert!(events.iter().all(|event| event["action"] == "api_key_created"));
    let all = admin.get(&format!("{PATH}/download?format=csv")).await.expect(200);
    all.has(",'=cmd@example.org,");
    all.lacks(",=cmd");
    let none = admin.get(&format!("{PATH}/download?format=json&actor=nobody")).await.expect(200);
    assert_eq!(serde_json::from_str::<Vec<Value>>(&none.text).unwrap(), Vec::<Value>::new());
    admin.get(&format!("{PATH}/download?format=xml")).await.expect(404);
    admin.get(&format!("{PATH}/download")).await.expect(404);
    admin.get(&format!("{PATH}/download?format=csv&since=x")).await.expect(400);
}

/// Whoever is forgotten stays in the log as a pseudonym, without name and without the address that they came from.
#[tokio::test]
async fn the_forgotten_stay_pseudonyms() {
    let world = World::new().await;
    let (admin, member) = (world.admin().await, world.member().await);
    let actor = Actor::account(member.account.unwrap()).from(std::net::IpAddr::from([198, 51, 100, 9]));
    world.control.create_key(&actor, world.workspace.id, NewKey::named(world.project.id, "k")).await.unwrap();
    let before = admin.get(&format!("{PATH}?action=api_key_created")).await.expect(200);
    before.has("member@example.org");
    before.has("198.51.100.9");
    world.control.delete_account(&ACTOR, member.account.unwrap()).await.unwrap();
    let after = admin.get(&format!("{PATH}?action=api_key_created")).await.expect(200);
    assert_eq!(rows(&after.text), 1);
    after.has("who_");
    after.has("forgotten");
    for gone in ["member@example.org", "198.51.100.9"] {
        after.lacks(gone);
        admin.get(PATH).await.lacks(gone);
        admin.get(&format!("{PATH}/download?format=json")).await.lacks(gone);
    }
}
