//! The table of design 7: where a credential stands, what is wrong with it, and how that is told.

use domain::link::Change;
use domain::{Area, Leash, Networks, Product, ProductSet};
use futures_util::{FutureExt as _, SinkExt as _, StreamExt as _};
use gateway::RefusalStyle;
use gateway::realtime::SessionTimes;
use std::time::Duration;
use tokio_tungstenite::tungstenite::Message;

use super::world::*;

/// How a refused credential is expected to be told.
struct Row {
    name: &'static str,
    credential: String,
    status: u16,
    reason: &'static str,
    kind: &'static str,
    code: u16,
    /// What the sentence must say.
    says: &'static str,
}

/// Credentials with one thing wrong each.
async fn rows(world: &World) -> Vec<Row> {
    let key = world.api_key().await;
    let good = world.claims(&key);
    let row = |name, credential: &str, status, reason, kind, code, says| Row {
        name,
        credential: credential.to_owned(),
        status,
        reason,
        kind,
        code,
        says,
    };
    let unauthorised = |name, credential: &str, reason, says| {
        row(name, credential, 401, reason, "not_authorised", 4001, says)
    };

    let mut expired = good.clone();
    expired.issued_at = good.issued_at.plus_seconds(-700);
    expired.not_before = expired.issued_at;
    expired.expires_at = good.issued_at.plus_seconds(-100);
    let mut early = good.clone();
    early.issued_at = good.issued_at.plus_seconds(300);
    early.not_before = early.issued_at;
    early.expires_at = early.issued_at.plus_seconds(600);
    let revoked = world.claims(&key);
    world.change(Change::TemporaryKeyRevoked { id: revoked.id, forget_at: revoked.expires_at }).await;
    let dead_parent = world.api_key().await;
    let orphan = world.temporary_key(&dead_parent);
    world.revoke(&dead_parent).await;
    let mut batch = world.claims(&key);
    batch.product = Product::Batch;
    let mut elsewhere =
        world.claims(&world.api_key_with(|record| record.areas = [Area::Usa].into_iter().collect()).await);
    elsewhere.areas = [Area::Usa].into_iter().collect();
    let leashed = |leash| world.sign(&domain::token::Claims { leash, ..world.claims(&key) });
    let origins = Leash { origins: vec!["https://app.example".to_owned()], ..Leash::default() };
    let networks = Leash { networks: Networks(vec!["192.0.2.0/24".parse().unwrap()]), ..Leash::default() };
    let foreign = World::new().await;
    let foreign_claims = foreign.claims(&key);

    let (good_token, other_token) = (world.sign(&good), world.sign(&expired));
    let (signed, _) = good_token.rsplit_once('.').unwrap();
    let forged = format!("{signed}.{}", other_token.rsplit_once('.').unwrap().1);

    vec![
        unauthorised("unknown", "no-key-of-ours", "credential_unknown", "unknown"),
        unauthorised("mistyped", &format!("{}x", key.secret.expose()), "credential_unknown", "mistyped"),
        unauthorised("foreign", &foreign.sign(&foreign_claims), "token_invalid", ""),
        unauthorised("forged", &forged, "token_invalid", ""),
        unauthorised("expired", &world.sign(&expired), "credential_expired", "expired"),
        unauthorised("early", &world.sign(&early), "credential_early", "not yet"),
        unauthorised("revoked", &world.sign(&revoked), "credential_revoked", "revoked"),
        unauthorised("parent revoked", &orphan, "credential_revoked", "revoked"),
        row("product", &world.sign(&batch), 403, "wrong_product", "not_authorised", 4001, "batch"),
        row("product", &world.sign(&batch), 403, "wrong_product", "not_authorised", 4001, "rt"),
        row("area", &world.sign(&elsewhere), 403, "wrong_area", "not_allowed", 4003, "usa"),
        row("origins", &leashed(origins), 403, "origin_denied", "not_allowed", 4003, "rigin"),
        row("networks", &leashed(networks), 403, "network_denied", "not_allowed", 4003, "network"),
    ]
}

/// What is told after the client's first frame, and not before.
async fn told_in_band(url: &str, headers: &[(&str, &str)]) -> (String, String, u16) {
    let (mut client, _) = connect(url, headers).await.expect("the upgrade succeeds");
    assert!(client.next().now_or_never().is_none(), "nothing comes before the first frame");
    client.send(Message::text(START)).await.unwrap();
    error_then_close(&mut client).await
}

/// Every row of the table: by HTTP with the header, in-band with `?jwt=`, with the documented statuses, types, codes and
/// sentences; and the engine hears of none of them.
#[tokio::test]
async fn every_row_in_both_placements() {
    let world = World::new().await;
    for row in rows(&world).await {
        let name = row.name;
        let bearer = format!("Bearer {}", row.credential);
        let answer = refused(world.eu1, &upgrade_request("/v2", &[("Authorization", &bearer)])).await;
        assert_eq!((answer.status, answer.body["reason"].as_str()), (row.status, Some(row.reason)), "{name}");
        assert_eq!(answer.body["code"], row.status, "{name}");
        let detail = answer.body["detail"].as_str().unwrap();
        assert!(detail.contains(row.says), "{name}: {detail}");
        let head = answer.head.to_ascii_lowercase();
        assert_eq!(head.contains("www-authenticate: bearer"), row.status == 401, "{name}");
        assert!(head.contains("\r\nrequest-id: req_"), "{name}");
        for forbidding in [
            "x-content-type-options: nosniff",
            "cache-control: no-store",
            "content-security-policy: default-src 'none';",
        ] {
            assert!(head.contains(&format!("\r\n{forbidding}")), "{name}: {head}");
        }

        let url = world.url(&format!("?jwt={}", row.credential.replace(' ', "%20")));
        let (kind, reason, code) = told_in_band(&url, &[]).await;
        assert_eq!((kind.as_str(), code), (row.kind, row.code), "{name}");
        assert_eq!(reason, format!("{detail} ({})", row.reason), "{name}");
        assert!(!reason.contains(&row.credential), "{name}");
    }
    assert!(!world.engine.was_asked().await);
}

/// The good credentials beside the table: they open, in the places where they may stand.
#[tokio::test]
async fn good_credentials_open() {
    let world = World::new().await;
    let key = world.api_key().await;
    let token = world.temporary_key(&key);
    let encoded = token.replace('.', "%2E");
    for (rest, header) in [
        (String::new(), Some(format!("Bearer {}", key.secret.expose()))),
        (String::new(), Some(format!("bearer {token}"))),
        (format!("?jwt={token}"), None),
        (format!("?jwt={encoded}&sm-sdk=x"), None),
        (format!("?sm-app=a&jwt={token}?sm-sdk=rust-0.4.0"), None),
        (format!("?jwt={token}"), Some("Bearer None".to_owned())),
        (format!("?jwt={token}"), Some("Bearer null".to_owned())),
        (format!("?jwt={token}"), Some("Bearer undefined".to_owned())),
        (format!("?jwt={token}"), Some(String::new())),
        ("?jwt=rubbish".to_owned(), Some(format!("Bearer {token}"))),
    ] {
        let headers: Vec<(&str, &str)> =
            header.iter().map(|value| ("authorization", value.as_str())).collect();
        let mut session = world.open_at(&world.url(&rest), &headers).await;
        session.passes().await;
        assert_eq!(session.response.headers()["request-id"], session.response.headers()["proxy-request-id"]);
        assert_eq!(session.response.headers()["access-control-allow-origin"], "*");
    }
    let leash = Leash {
        origins: vec!["https://app.example".to_owned()],
        networks: Networks(vec!["127.0.0.0/8".parse().unwrap()]),
        ..Leash::default()
    };
    let token = world.sign(&domain::token::Claims { leash, ..world.claims(&key) });
    world
        .open_at(&world.url(&format!("?jwt={token}")), &[("origin", "https://app.example")])
        .await
        .passes()
        .await;
}

/// No credential is the left column; an API key in the URL is told as such; a header that is none decides nothing, any
/// other decides.
#[tokio::test]
async fn which_credential_counts() {
    let world = World::new().await;
    let key = world.api_key().await;
    let token = world.temporary_key(&key);
    for (target, header) in [
        ("/v2".to_owned(), None),
        ("/v2?sm-sdk=x".to_owned(), None),
        ("/v2".to_owned(), Some("Bearer None")),
        ("/v2".to_owned(), Some("")),
    ] {
        let headers: Vec<(&str, &str)> = header.iter().map(|value| ("Authorization", *value)).collect();
        let answer = refused(world.eu1, &upgrade_request(&target, &headers)).await;
        assert_eq!(
            (answer.status, answer.body["reason"].as_str()),
            (401, Some("credential_missing")),
            "{target} {header:?}"
        );
    }
    for header in ["Bearer rubbish", "Basic YTpi", "Token abc"] {
        let target = format!("/v2?jwt={token}");
        let answer = refused(world.eu1, &upgrade_request(&target, &[("Authorization", header)])).await;
        assert_eq!(
            (answer.status, answer.body["reason"].as_str()),
            (401, Some("credential_unknown")),
            "{header}"
        );
    }
    let (kind, reason, code) = told_in_band(&world.url(&format!("?jwt={}", key.secret.expose())), &[]).await;
    assert_eq!((kind.as_str(), code), ("not_authorised", 4001));
    assert!(reason.contains("temporary key") && reason.contains("Authorization"), "{reason}");
    assert!(!reason.contains(key.secret.expose()));
    let (kind, _, code) = told_in_band(&world.url("?jwt="), &[]).await;
    assert_eq!((kind.as_str(), code), ("not_authorised", 4001));
    assert!(!world.engine.was_asked().await);
}

/// Two credentials of a kind are 400, even where they are the same and good, and in both placements.
#[tokio::test]
async fn two_of_a_kind_are_400() {
    let world = World::new().await;
    let key = world.api_key().await;
    let token = world.temporary_key(&key);
    let bearer = format!("Bearer {token}");
    let twice = [("Authorization", bearer.as_str()), ("Authorization", bearer.as_str())];
    for request in [
        upgrade_request("/v2", &twice),
        upgrade_request(&format!("/v2?jwt={token}"), &twice),
        upgrade_request(&format!("/v2?jwt={token}&jwt={token}"), &[]),
        upgrade_request(&format!("/v2?jwt={token}&%6Awt={token}"), &[]),
        upgrade_request(&format!("/v2?jwt={token}&jwt=x"), &twice[..1]),
    ] {
        let answer = refused(world.eu1, &request).await;
        assert_eq!((answer.status, answer.body["reason"].as_str()), (400, Some("credential_ambiguous")));
    }
    assert!(!world.engine.was_asked().await);
}

/// An in-band refusal doesn't wait for ever: after its time it is told to a client that says nothing.
#[tokio::test]
async fn a_silent_client_is_told_too() {
    let times = SessionTimes { first_frame_max: Duration::from_millis(50), ..SessionTimes::default() };
    let world = World::with(Setup { times, ..Setup::default() }).await;
    let (mut client, _) = connect(&world.url("?jwt=rubbish"), &[]).await.unwrap();
    let (kind, _, code) = error_then_close(&mut client).await;
    assert_eq!((kind.as_str(), code), ("not_authorised", 4001));
}

/// By configuration everything is told by HTTP, or everything in-band.
#[tokio::test]
async fn one_way_for_all() {
    let world =
        World::with(Setup { style: RefusalStyle::Http, concurrent_sessions_max: 0, ..Setup::default() })
            .await;
    let key = world.api_key().await;
    let answer = refused(world.eu1, &upgrade_request("/v2?jwt=rubbish", &[])).await;
    assert_eq!(answer.status, 401);
    let bearer = format!("Bearer {}", key.secret.expose());
    let answer = refused(world.eu1, &upgrade_request("/v2", &[("Authorization", &bearer)])).await;
    assert_eq!((answer.status, answer.body["reason"].as_str()), (403, Some("sessions_full")));

    let world = World::with(Setup { style: RefusalStyle::InBand, ..Setup::default() }).await;
    let (kind, _, code) = told_in_band(&world.url(""), &[("authorization", "Bearer rubbish")]).await;
    assert_eq!((kind.as_str(), code), ("not_authorised", 4001));
    // What is no upgrade can only be answered by HTTP.
    let answer = refused(world.eu1, "GET /v2 HTTP/1.1\r\nHost: localhost\r\n\r\n").await;
    assert_eq!(answer.status, 401);
}

/// Products by path: `/v1/flow` is `flow`, everything else `rt`; no key of the one opens the other.
#[tokio::test]
async fn products_by_path() {
    let world = World::new().await;
    let key = world.api_key_with(|record| record.products = ProductSet::all()).await;
    let flow = world.sign(&domain::token::Claims { product: Product::Flow, ..world.claims(&key) });
    let rt = world.temporary_key(&key);
    let flow_url = format!("ws://{}/v1/flow", world.eu1);
    world.open_at(&format!("{flow_url}?jwt={flow}"), &[]).await.passes().await;
    for rest in ["", "/", "/en", "/agent", "/agent/smart:1.0"] {
        let mut session = world.open_at(&world.url(&format!("{rest}?jwt={rt}")), &[]).await;
        session.passes().await;
        assert_eq!(session.request.uri().path(), format!("/v2{rest}"));
    }
    let (kind, reason, code) = told_in_band(&format!("{flow_url}?jwt={rt}"), &[]).await;
    assert_eq!((kind.as_str(), code), ("not_authorised", 4001));
    assert!(reason.contains("rt") && reason.contains("flow"), "{reason}");
    let (_, _, code) = told_in_band(&world.url(&format!("?jwt={flow}")), &[]).await;
    assert_eq!(code, 4001);
}

/// Regions: each opens for keys of its area; `global.rt` goes to the first region that the key may use; regions without
/// realtime have no such path.
#[tokio::test]
async fn regions_and_the_global_endpoint() {
    let world = World::new().await;
    let both = world.api_key_with(|record| record.areas = [Area::Eu, Area::Usa].into_iter().collect()).await;
    let usa = world.api_key_with(|record| record.areas = [Area::Usa].into_iter().collect()).await;
    let au = world.api_key_with(|record| record.areas = [Area::Au].into_iter().collect()).await;
    let global = [("host", "GLOBAL.rt.example.org")];
    for (key, url, host, region) in [
        (&both, format!("ws://{}/v2", world.eu1), None, "eu1"),
        (&both, format!("ws://{}/v2", world.us1), None, "us1"),
        (&usa, format!("ws://{}/v2", world.us1), None, "us1"),
        (&both, format!("ws://{}/v2", world.by_host), Some(global[0]), "eu1"),
        (&usa, format!("ws://{}/v2", world.by_host), Some(global[0]), "us1"),
    ] {
        let bearer = format!("Bearer {}", key.secret.expose());
        let mut headers = vec![("authorization", bearer.as_str())];
        headers.extend(host);
        let mut session = world.open_at(&url, &headers).await;
        assert_eq!(session.request.headers()["voxgate-region"], region);
        assert_eq!(session.info["region"], region);
        session.passes().await;
    }
    let bearer = format!("Bearer {}", au.secret.expose());
    let request =
        upgrade_request("/v2", &[("Authorization", &bearer)]).replace("localhost", "global.rt.example.org");
    let answer = refused(world.by_host, &request).await;
    assert_eq!((answer.status, answer.body["reason"].as_str()), (403, Some("wrong_area")));
    for address in [world.au1, world.eu2] {
        let bearer = format!("Bearer {}", both.secret.expose());
        let answer = refused(address, &upgrade_request("/v2", &[("Authorization", &bearer)])).await;
        assert_eq!(answer.status, 404);
    }
    assert!(!world.engine.was_asked().await);
}

/// What is no WebSocket upgrade is told so, after the credential was found good; other methods and paths don't exist.
#[tokio::test]
async fn what_is_no_upgrade() {
    let world = World::new().await;
    let key = world.api_key().await;
    let bearer = format!("Bearer {}", key.secret.expose());
    let request = upgrade_request("/v2", &[("Authorization", &bearer)]);
    for (from, to) in [
        ("Upgrade: websocket\r\n", ""),
        ("Sec-WebSocket-Version: 13", "Sec-WebSocket-Version: 12"),
        ("dGhlIHNhbXBsZSBub25jZQ==", "short"),
    ] {
        let answer = refused(world.eu1, &request.replace(from, to)).await;
        assert_eq!(
            (answer.status, answer.body["reason"].as_str()),
            (400, Some("malformed_request")),
            "{from}"
        );
    }
    let answer = refused(world.eu1, &request.replace("GET", "POST")).await;
    assert_eq!(answer.status, 405);
    assert!(answer.head.to_ascii_lowercase().contains("allow: get"));
    for path in ["/v2/agent/a/b", "/v1", "/v3"] {
        let answer = refused(world.eu1, &request.replace("/v2", path)).await;
        assert_eq!(answer.status, 404, "{path}");
    }
    assert!(!world.engine.was_asked().await);
}
