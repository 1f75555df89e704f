//! Minting as clients see it: the exact reply, and what the key then is.

use serde_json::{Value, json};
use testkit::{Api, Caller, Mint, Server};

use crate::common::make_key;

/// Clients cut the token out of the reply by position: 31 characters before it, two after it. Nothing else may change.
#[tokio::test]
async fn the_reply_is_exact() {
    let server = Server::start().await;
    let answer = Mint::of("rt").ask(&server.home(), &server.key()).await.expect(201);
    let text = answer.text();
    let token = &text[31..text.len() - 2];
    assert_eq!(text, format!(r#"{{"apikey_id":null,"key_value":"{token}"}}"#));
    assert_eq!(token.split('.').count(), 3);
    assert!(token.len() < 2048);
    assert!(answer.header("content-type").starts_with("application/json"));
    assert_eq!(answer.header("cache-control"), "no-store");
    assert!(answer.header("request-id").starts_with("req_"));
    let jti = answer.header("temporary-key-id");
    assert!(jti.starts_with("key_") && jti.contains('.'), "{jti}");
    assert_eq!(voxgate_claims(token)["jti"], jti);
    server.shutdown().await;
}

/// What a token says, without verifying it.
fn voxgate_claims(token: &str) -> Value {
    use base64::Engine as _;
    let part = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&base64::prelude::BASE64_URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

/// Both spellings, with and without a slash at the end, with unknown parameters and fields, and with any content type.
#[tokio::test]
async fn every_spelling_of_released_clients_mints() {
    let server = Server::start().await;
    let home = server.home();
    for path in ["/v1/api_keys", "/v1/api_keys/", "/v1/api-keys", "/v1/api-keys/"] {
        for query in ["?type=rt", "?type=rt&sm-sdk=python-5.0.0", "?sm-app=x&type=rt"] {
            let body = json!({"ttl": 60, "region": "eu", "sm-sdk": "python-0.1.2"});
            home.post(&format!("{path}{query}"), &server.key(), &body).await.expect(201);
        }
        for content_type in [None, Some("text/plain"), Some("application/json; charset=utf-8")] {
            let mut request = home.request(reqwest::Method::POST, path).body(r#"{"ttl":60}"#);
            request = request.header("authorization", format!("Bearer {}", server.report().api_key));
            if let Some(content_type) = content_type {
                request = request.header("content-type", content_type);
            }
            home.ask(request).await.expect(201);
        }
    }
    server.shutdown().await;
}

/// The claims are those of the design: `exp` is exactly `iat` plus the ttl, the audience is the area that was asked for,
/// and without `type` the product is batch.
#[tokio::test]
async fn the_claims_are_those_of_the_design() {
    let server = Server::start().await;
    let home = server.home();
    let key = make_key(&server, json!({"areas": ["eu", "usa"]})).await;
    let token = Mint::of("rt")
        .with("ttl", json!(300))
        .with("region", json!("usa"))
        .client_ref("USER123")
        .key(&home, &key.caller())
        .await;
    let claims = voxgate_claims(&token);
    assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 300);
    assert_eq!(claims["aud"], json!(["usa"]));
    assert_eq!(claims["product"], "rt");
    assert_eq!(claims["client_ref"], "USER123");
    assert_eq!(claims["apikey_id"], key.id);
    assert_eq!(claims["project_id"], server.report().project_id.to_string());
    assert!(claims["iss"].as_str().unwrap().starts_with("vox_"));

    let answer = home.post("/v1/api_keys", &key.caller(), &json!({"ttl": 60})).await.expect(201);
    let claims = voxgate_claims(answer.json()["key_value"].as_str().unwrap());
    assert_eq!(claims["product"], "batch");
    assert_eq!(claims["aud"], json!(["eu", "usa"]));
    server.shutdown().await;
}

/// The key set alone verifies what was minted, may be kept for a while, and holds no private part.
#[tokio::test]
async fn the_key_set_is_public_and_cacheable() {
    let server = Server::start().await;
    let answer = server.home().get("/.well-known/jwks.json", &Caller::anon()).await.expect(200);
    assert!(answer.header("cache-control").contains("max-age="));
    let set = answer.json();
    let keys = set["keys"].as_array().unwrap();
    assert_eq!(keys.len(), 1);
    assert!(keys[0].get("d").is_none());
    let jwks = credentials::Jwks::from_json(&answer.text()).unwrap();
    let token = Mint::of("rt").key(&server.home(), &server.key()).await;
    let claims = voxgate_claims(&token);
    let expect = verify::Expect {
        issuer: claims["iss"].as_str().unwrap(),
        area: domain::Area::Eu,
        product: domain::Product::Rt,
    };
    let now = domain::Clock::now(&domain::SystemClock);
    verify::SignedClaims::verify(&token, &jwks, &expect, verify::Leeway::default(), now).unwrap();
    server.shutdown().await;
}

/// A browser may mint: the preflight lets it send what the libraries send, and it may read the answer.
#[tokio::test]
async fn browsers_may_mint() {
    let server = Server::start().await;
    let home = server.home();
    let preflight = home
        .request(reqwest::Method::OPTIONS, "/v1/api_keys?type=rt")
        .header("origin", "https://app.example.com")
        .header("access-control-request-method", "POST")
        .header("access-control-request-headers", "authorization,content-type");
    let answer = home.ask(preflight).await.expect(204);
    assert_eq!(answer.header("access-control-allow-origin"), "*");
    assert!(answer.header("access-control-allow-methods").contains("POST"));
    for header in ["Authorization", "Content-Type", "Request-Id", "X-Request-Id"] {
        assert!(answer.header("access-control-allow-headers").contains(header), "{header}");
    }
    let minted = Mint::of("rt").ask(&home, &server.key()).await.expect(201);
    assert_eq!(minted.header("access-control-allow-origin"), "*");
    assert!(minted.header("access-control-expose-headers").contains("Request-Id"));
    // A refusal can be read too.
    let refused = Mint::of("rt").ask(&home, &Caller::anon()).await.expect(401);
    assert_eq!(refused.header("access-control-allow-origin"), "*");
    server.shutdown().await;
}

/// A key that was just made mints at once, and what it minted is let in at once, in every region it is for.
#[tokio::test]
async fn a_new_key_works_at_once() {
    let server = Server::start().await;
    for _ in 0..5 {
        let key = make_key(&server, json!({"areas": ["eu", "usa", "au"]})).await;
        let token = Mint::of("batch").key(&server.home(), &key.caller()).await;
        for region in server.report().regions.values() {
            Api::new(&region.batch_url).get("/v2/jobs", &Caller::temporary_key(&token)).await.expect(200);
        }
    }
    server.shutdown().await;
}
