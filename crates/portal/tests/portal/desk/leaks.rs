//! A key that has leaked: found, ended, and what it did.

use domain::link::{FromGateway, ToGateway, UsageRecord};
use domain::usage::Day;
use domain::{ClientRef, Product, Region};

use crate::world::{PEER, World};

/// One button ends the key; the page after it shows what the key did since the moment that was chosen, by day, region,
/// mode and end user, what the log knows of it, and whom to turn to.
#[tokio::test]
async fn a_leak_is_ended_and_shown() {
    let world = World::new().await;
    let member = world.member().await;
    let made = world.key("leaky").await;
    let id = made.key.id;
    let today = Day::of(world.control.now());
    let record = |day: Day, client_ref: &str, requests| UsageRecord {
        project_id: world.project.id,
        api_key_id: id,
        client_ref: ClientRef::new(client_ref).ok(),
        region: Region::Us1,
        product: Product::Batch,
        day: day.start(),
        requests,
        sessions: 0,
        audio_millis: 61_000,
        received_bytes: 0,
        refusals: 3,
        refused: Default::default(),
    };
    let records = vec![record(today.plus_days(-9), "before", 77), record(today, "<i>user</i>", 41)];
    let mut port = world.control.gateways().attach("us1/a");
    port.outgoing.send(FromGateway::UsageBatch { number: 1, records }).await.unwrap();
    while !matches!(port.incoming.recv().await.unwrap(), ToGateway::UsageCounted { .. }) {}
    drop(port);

    let path = format!("/settings/api-keys/{id}/leaked");
    member.get(&format!("/settings/api-keys/{id}")).await.has("This key has leaked</button>");
    let asked = member.get(&path).await.expect(200);
    asked.has("No session of it is open now.");
    asked.has("help@&#60;voxgate&#62;.example");
    let since = format!("{}T00:00", today.plus_days(-1));
    let done = member.post(&path, &[("since", &since)]).await.expect(303);
    assert!(world.control.tables().mint_rights(made.secret.expose(), PEER, world.control.now()).is_err());
    let shown = member.get(done.location()).await.expect(200);
    for text in [
        "The key is revoked",
        "us1, batch",
        "<td class=\"number\">41</td>",
        "1 min 1 s",
        "&#60;i&#62;user",
        "leaked, open sessions 0",
    ] {
        shown.has(text);
    }
    shown.has("help@&#60;voxgate&#62;.example");
    shown.has("member@example.org");
    shown.lacks(">before<");
    shown.lacks(">77<");
    let all = member.get(&format!("/settings/api-keys/{id}/activity?since={}", today.plus_days(-30))).await;
    all.has(">77<");
    member
        .get(&format!("/settings/api-keys/{id}/activity?since=yesterday"))
        .await
        .expect(200)
        .has("since-error");
}

/// A wrong moment delays nothing: the key is ended all the same. Ended twice, it is ended.
#[tokio::test]
async fn a_wrong_moment_delays_nothing() {
    let world = World::new().await;
    let member = world.member().await;
    let made = world.key("leaky").await;
    let path = format!("/settings/api-keys/{}/leaked", made.key.id);
    member.post(&path, &[("since", "whenever")]).await.expect(303);
    assert!(world.control.tables().mint_rights(made.secret.expose(), PEER, world.control.now()).is_err());
    let again = member.post(&path, &[]).await.expect(303);
    assert!(again.location().contains("/activity?since="), "{}", again.location());
    member.get(again.location()).await.expect(200);
    member.get(&path).await.has("revoked already");
}

/// Whoever has found a key gets to its page by a form, so that it stands in no address; one of another workspace is
/// nobody's here.
#[tokio::test]
async fn a_found_key_is_recognised() {
    let world = World::new().await;
    let (member, stranger) = (world.member().await, world.stranger().await);
    let made = world.key("found").await;
    let path = "/settings/api-keys/find";
    let found = member.post(path, &[("secret", &format!(" {}\n", made.secret.expose()))]).await.expect(303);
    assert_eq!(found.location(), format!("/settings/api-keys/{}", made.key.id));
    let unknown = member.post(path, &[("secret", "vgk_unknown")]).await.expect(422);
    let foreign = stranger.post(path, &[("secret", made.secret.expose())]).await.expect(422);
    foreign.lacks(made.secret.expose());
    for page in [unknown, foreign] {
        page.has("This is no key of this workspace");
        page.has("help@");
    }
}
