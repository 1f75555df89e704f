//! The rows of the answers table about minting.

use serde_json::json;
use testkit::{Caller, Mint, Server};
use voxgate::dev::DevOptions;

use crate::common::make_key;

/// A value out of range or of the wrong form is 422 with the framework's number and wording, before any 403.
#[tokio::test]
async fn wrong_values_are_422() {
    let server = Server::start().await;
    let home = server.home();
    let cases = [
        (Mint::of("rt").with("ttl", json!(59)), 609, "ttl in body should be greater than or equal to 60"),
        (Mint::of("batch").with("ttl", json!(3601)), 608, "ttl in body should be less than or equal to 3600"),
        (Mint::of("rt").with("ttl", json!(86401)), 608, "ttl in body should be less than or equal to 86400"),
        (Mint::of("rt").with("ttl", json!("60")), 601, "ttl in body must be of type integer"),
        (Mint::of("rt").with("ttl", json!(null)), 602, "ttl in body is required"),
        (Mint::of("voice"), 606, "type in query should be one of [batch rt tts flow]"),
        (Mint::of("rt").with("region", json!("eu1")), 606, "region in body should be one of [eu usa au]"),
        (Mint::of("rt").with("region", json!("au")), 606, "region in body should be one of [eu usa]"),
        (Mint::of("rt").with("uses", json!(0)), 609, "uses in body should be greater than or equal to 1"),
        (
            Mint::of("rt").with("client_ref", json!("x".repeat(257))),
            605,
            "client_ref in body should be at most 256 bytes long",
        ),
    ];
    let temporary = Caller::temporary_key(&Mint::of("rt").key(&home, &server.key()).await);
    for (mint, code, message) in cases {
        for caller in [server.key(), temporary.clone()] {
            let answer = mint.ask(&home, &caller).await.expect_refusal(422, "invalid_value").json();
            assert_eq!((answer["code"].as_u64(), answer["message"].as_str()), (Some(code), Some(message)));
        }
        // Whoever isn't let in at all learns nothing of values.
        mint.ask(&home, &Caller::anon()).await.expect_refusal(401, "credential_missing");
    }
    // Controls: both ends of the ranges.
    for (product, ttl) in [("batch", 60), ("batch", 3600), ("rt", 60), ("rt", 86400)] {
        let mint = Mint::of(product).with("ttl", json!(ttl)).with("client_ref", json!("x".repeat(256)));
        mint.ask(&home, &server.key()).await.expect(201);
    }
    server.shutdown().await;
}

/// Only an API key mints: a temporary key would prolong itself, a management token opens no API.
#[tokio::test]
async fn only_api_keys_mint() {
    let server = Server::start().await;
    let home = server.home();
    let temporary = Mint::of("rt").key(&home, &server.key()).await;
    Mint::of("rt").ask(&home, &Caller::temporary_key(&temporary)).await.expect_refusal(403, "cannot_mint");
    Mint::of("rt").ask(&home, &server.manager()).await.expect_refusal(403, "cannot_mint");
    Mint::of("rt").ask(&home, &server.key()).await.expect(201);
    server.shutdown().await;
}

/// A key mints what it has: no other product, no other area, from no other network, for no other client_ref.
#[tokio::test]
async fn a_key_mints_only_what_it_has() {
    let server = Server::start().await;
    let home = server.home();
    let batch_only = make_key(&server, json!({"products": ["batch"]})).await.caller();
    let refused = Mint::of("rt").ask(&home, &batch_only).await.expect_refusal(403, "wrong_product").json();
    assert!(refused["detail"].as_str().unwrap().contains("batch"), "it names what the key has: {refused}");
    Mint::of("batch").ask(&home, &batch_only).await.expect(201);

    let usa = make_key(&server, json!({"areas": ["usa"]})).await.caller();
    let refused =
        Mint::of("rt").with("region", json!("eu")).ask(&home, &usa).await.expect_refusal(403, "wrong_area");
    assert!(
        refused.json()["detail"].as_str().unwrap().contains("usa"),
        "it says what to pass: {}",
        refused.text()
    );
    Mint::of("rt").with("region", json!("usa")).ask(&home, &usa).await.expect(201);
    Mint::of("rt").ask(&home, &usa).await.expect(201);

    let elsewhere = make_key(&server, json!({"networks": ["192.0.2.0/24"]})).await.caller();
    Mint::of("rt").ask(&home, &elsewhere).await.expect_refusal(403, "network_denied");
    let here = make_key(&server, json!({"networks": ["192.0.2.0/24", "127.0.0.0/8", "::1"]})).await.caller();
    Mint::of("rt").ask(&home, &here).await.expect(201);
    server.shutdown().await;
}

/// Of all that is wrong with a mint, the first is told: who asks, the values, the product, the area, the client_ref, and last the rate,
/// which only what is minted uses up.
#[tokio::test]
async fn the_first_that_applies_is_told() {
    let mut options = DevOptions::default();
    options.limits.mints_per_second_max = 1;
    let server = Server::start_with(options).await;
    let home = server.home();
    let key = make_key(&server, json!({"products": ["batch"], "areas": ["usa"]})).await.caller();
    home.post("/v1/temporary-keys/revoke", &key, &json!({"client_ref": "ann"})).await.expect(200);
    let mint = |product, ttl| Mint::of(product).with("ttl", json!(ttl)).with("client_ref", json!("ann"));
    let wrong_area = |product, ttl| mint(product, ttl).with("region", json!("eu"));
    wrong_area("rt", 59).ask(&home, &Caller::anon()).await.expect_refusal(401, "credential_missing");
    wrong_area("rt", 59).ask(&home, &key).await.expect_refusal(422, "invalid_value");
    wrong_area("rt", 60).ask(&home, &key).await.expect_refusal(403, "wrong_product");
    wrong_area("batch", 60).ask(&home, &key).await.expect_refusal(403, "wrong_area");
    mint("batch", 60).ask(&home, &key).await.expect_refusal(403, "client_ref_revoked");
    Mint::of("batch").ask(&home, &key).await.expect(201);
    testkit::eventually("a 429", || async {
        let answer = Mint::of("batch").ask(&home, &key).await;
        (answer.status == 429).then_some(())
    })
    .await;
    mint("batch", 60).ask(&home, &key).await.expect_refusal(403, "client_ref_revoked");
    server.shutdown().await;
}

/// Minting too fast is 429 with `Retry-After`.
#[tokio::test]
async fn minting_too_fast_is_429() {
    let mut options = DevOptions::default();
    options.limits.mints_per_second_max = 1;
    let server = Server::start_with(options).await;
    let home = server.home();
    Mint::of("rt").ask(&home, &server.key()).await.expect(201);
    let refused = testkit::eventually("a 429", || async {
        let answer = Mint::of("rt").ask(&home, &server.key()).await;
        (answer.status != 201).then_some(answer)
    })
    .await;
    refused.expect_refusal(429, "rate_limited");
    server.shutdown().await;
}

/// A body over its limit is 413, one that is no JSON 400; the largest allowed one is read.
#[tokio::test]
async fn bodies_have_limits() {
    let server = Server::start().await;
    let home = server.home();
    let max = management::BODY_BYTES_MAX;
    let padded = |bytes: usize| {
        let mut body = br#"{"ttl":60}"#.to_vec();
        body.resize(bytes, b' ');
        body
    };
    let path = "/v1/api_keys?type=rt";
    home.send_bytes(reqwest::Method::POST, path, &server.key(), padded(max)).await.expect(201);
    home.send_bytes(reqwest::Method::POST, path, &server.key(), padded(max + 1))
        .await
        .expect_refusal(413, "too_large");
    for broken in [&b"{"[..], b"{\"ttl\":60,\"ttl\":61}", b"\xff", b"ttl=60"] {
        let answer = home.send_bytes(reqwest::Method::POST, path, &server.key(), broken.to_vec()).await;
        answer.expect_refusal(400, "malformed_request");
    }
    let answer = home.send_bytes(reqwest::Method::POST, path, &server.key(), b"[]".to_vec()).await;
    assert_eq!(answer.expect_refusal(422, "invalid_value").json()["code"], 601);
    // Nothing at all is an object without fields.
    let answer = home.send_bytes(reqwest::Method::POST, path, &server.key(), Vec::new()).await;
    assert_eq!(answer.expect_refusal(422, "invalid_value").json()["message"], "ttl in body is required");
    server.shutdown().await;
}
