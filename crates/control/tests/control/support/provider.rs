//! A small provider: OpenID Connect (discovery, keys, tokens) and GitHub's API, on a port of this machine. What it signs is up
//! to the test.

#![allow(dead_code, clippy::allow_attributes, reason = "each test file uses a part of this")]

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use control::{ProviderConfig, ProviderKind};
use credentials::PlainSecret;
use http::{HeaderMap, StatusCode};
use serde_json::{Value, json};
use url::Url;

pub(crate) const CLIENT_ID: &str = "voxgate client";
pub(crate) const CLIENT_SECRET: &str = "its secret: 100 %";

/// How it signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Signing {
    Right,
    /// `alg: none`, without a signature.
    None,
    /// With the client's secret as a key.
    Secret,
    /// With the public key as a key.
    PublicKeyAsSecret,
    /// With a key of somebody else under the same `kid`.
    ForeignKey,
    /// With a key that it shows only from now on.
    NewKey,
}

/// How it behaves otherwise.
#[derive(Debug, Clone)]
pub(crate) struct Behaviour {
    pub(crate) signing: Signing,
    /// Claims that replace or, where they are null, remove those of a good token.
    pub(crate) claims: Value,
    pub(crate) emails: Value,
    /// Whether the token endpoint sends its caller elsewhere.
    pub(crate) redirects: bool,
    /// Whether its answers are endless.
    pub(crate) is_huge: bool,
    pub(crate) issuer: Option<String>,
}

impl Default for Behaviour {
    fn default() -> Self {
        Self {
            signing: Signing::Right,
            claims: json!({}),
            emails: json!([{"email": "ada@example.org", "primary": true, "verified": true}]),
            redirects: false,
            is_huge: false,
            issuer: None,
        }
    }
}

struct Grant {
    nonce: Option<String>,
    challenge: String,
    redirect_uri: String,
}

struct Inner {
    keys: [EcdsaKeyPair; 2],
    behaviour: Mutex<Behaviour>,
    grants: Mutex<HashMap<String, Grant>>,
    shows_new_key: Mutex<bool>,
    requests: Mutex<Vec<String>>,
    now_seconds: i64,
    issuer: String,
}

/// The provider.
#[derive(Clone)]
pub(crate) struct TestProvider {
    pub(crate) issuer: String,
    inner: Arc<Inner>,
}

fn key() -> EcdsaKeyPair {
    let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new()).unwrap();
    EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8.as_ref()).unwrap()
}

fn encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

impl TestProvider {
    pub(crate) async fn start(now_seconds: i64) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let issuer = format!("http://{}", listener.local_addr().unwrap());
        let inner = Arc::new(Inner {
            keys: [key(), key()],
            behaviour: Mutex::default(),
            grants: Mutex::default(),
            shows_new_key: Mutex::default(),
            requests: Mutex::default(),
            now_seconds,
            issuer: issuer.clone(),
        });
        let router = Router::new()
            .route("/.well-known/openid-configuration", get(discovery))
            .route("/keys", get(keys))
            .route("/token", post(token))
            .route("/login/oauth/access_token", post(github_token))
            .route("/api/v3/user", get(github_user))
            .route("/api/v3/user/emails", get(github_emails))
            .with_state(Arc::clone(&inner));
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { issuer, inner }
    }

    pub(crate) fn config(&self, id: &str, kind: ProviderKind) -> ProviderConfig {
        ProviderConfig {
            id: id.to_owned(),
            name: id.to_uppercase(),
            kind,
            issuer: self.issuer.clone(),
            client_id: CLIENT_ID.to_owned(),
            client_secret: Some(PlainSecret::new(CLIENT_SECRET.to_owned())),
            allowed_domains: Vec::new(),
        }
    }

    pub(crate) fn behave(&self, behaviour: Behaviour) {
        *self.inner.behaviour.lock().unwrap() = behaviour;
    }

    /// The requests that it got so far.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.inner.requests.lock().unwrap().clone()
    }

    /// Its user says yes: the code and the state that a browser brings back from this address.
    pub(crate) fn consent(&self, address: &str) -> (String, String) {
        let url = Url::parse(address).unwrap();
        assert_eq!(
            format!("{}://{}", url.scheme(), &url[url::Position::BeforeHost..url::Position::AfterPort]),
            self.issuer
        );
        let query: HashMap<String, String> = url.query_pairs().into_owned().collect();
        assert_eq!(query["response_type"], "code");
        assert_eq!(query["client_id"], CLIENT_ID);
        assert_eq!(query["code_challenge_method"], "S256");
        let code = encode(&digest(&SHA256, query["state"].as_bytes()).as_ref()[..12]);
        let grant = Grant {
            nonce: query.get("nonce").cloned(),
            challenge: query["code_challenge"].clone(),
            redirect_uri: query["redirect_uri"].clone(),
        };
        self.inner.grants.lock().unwrap().insert(code.clone(), grant);
        (code, query["state"].clone())
    }
}

impl Inner {
    fn note(&self, request: &str) -> Behaviour {
        self.requests.lock().unwrap().push(request.to_owned());
        self.behaviour.lock().unwrap().clone()
    }

    fn jwk(&self, number: usize) -> Value {
        let point = self.keys[number].public_key().as_ref();
        json!({
            "kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "kid": format!("key {number}"),
            "x": encode(&point[1..33]), "y": encode(&point[33..65]),
        })
    }

    /// Exchanges a code for what was said with it, once.
    fn exchange(&self, form: &HashMap<String, String>) -> Option<Grant> {
        let grant = self.grants.lock().unwrap().remove(form.get("code")?)?;
        let verifier = form.get("code_verifier")?;
        let challenge = encode(digest(&SHA256, verifier.as_bytes()).as_ref());
        let is_right = grant.challenge == challenge
            && form.get("redirect_uri")? == &grant.redirect_uri
            && form.get("grant_type")? == "authorization_code";
        is_right.then_some(grant)
    }

    fn id_token(&self, grant: &Grant, behaviour: &Behaviour) -> String {
        let mut claims = json!({
            "iss": self.issuer, "aud": CLIENT_ID, "sub": "user 1", "nonce": grant.nonce,
            "iat": self.now_seconds, "exp": self.now_seconds + 300,
            "email": "ada@example.org", "email_verified": true,
        });
        for (name, value) in behaviour.claims.as_object().unwrap() {
            match value {
                Value::Null => drop(claims.as_object_mut().unwrap().remove(name)),
                value => claims[name] = value.clone(),
            }
        }
        let number = usize::from(behaviour.signing == Signing::NewKey);
        let alg = match behaviour.signing {
            Signing::None => "none",
            Signing::Secret | Signing::PublicKeyAsSecret => "HS256",
            Signing::Right | Signing::ForeignKey | Signing::NewKey => "ES256",
        };
        let header = json!({"alg": alg, "typ": "JWT", "kid": format!("key {number}")});
        let signed =
            format!("{}.{}", encode(header.to_string().as_bytes()), encode(claims.to_string().as_bytes()));
        let mac = |secret: &[u8]| {
            let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
            hmac::sign(&key, signed.as_bytes()).as_ref().to_vec()
        };
        let sign =
            |key: &EcdsaKeyPair| key.sign(&SystemRandom::new(), signed.as_bytes()).unwrap().as_ref().to_vec();
        let signature = match behaviour.signing {
            Signing::None => Vec::new(),
            Signing::Secret => mac(CLIENT_SECRET.as_bytes()),
            Signing::PublicKeyAsSecret => mac(self.keys[0].public_key().as_ref()),
            Signing::ForeignKey => sign(&key()),
            Signing::Right | Signing::NewKey => sign(&self.keys[number]),
        };
        format!("{signed}.{}", encode(&signature))
    }
}

async fn discovery(State(inner): State<Arc<Inner>>) -> Response {
    let behaviour = inner.note("discovery");
    let at = |path: &str| format!("{}{path}", inner.issuer);
    Json(json!({
        "issuer": behaviour.issuer.unwrap_or_else(|| inner.issuer.clone()),
        "authorization_endpoint": at("/authorize"), "token_endpoint": at("/token"), "jwks_uri": at("/keys"),
        "response_types_supported": ["code"], "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["ES256", "HS256", "none"],
        "token_endpoint_auth_methods_supported": ["client_secret_basic"],
        "scopes_supported": ["openid"], "padding": if behaviour.is_huge { "x".repeat(1_000_000) } else { String::new() },
    }))
    .into_response()
}

async fn keys(State(inner): State<Arc<Inner>>) -> Json<Value> {
    inner.note("keys");
    let shows_new_key = *inner.shows_new_key.lock().unwrap();
    let count = if shows_new_key { 2 } else { 1 };
    Json(json!({"keys": (0..count).map(|number| inner.jwk(number)).collect::<Vec<_>>()}))
}

fn form(body: &str) -> HashMap<String, String> {
    form_urlencoded::parse(body.as_bytes()).into_owned().collect()
}

async fn token(State(inner): State<Arc<Inner>>, headers: HeaderMap, body: String) -> Response {
    let behaviour = inner.note("token");
    if behaviour.redirects {
        return Redirect::temporary(&format!("{}/stolen", inner.issuer)).into_response();
    }
    let encoded = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    let pair = format!("{}:{}", encoded(CLIENT_ID), encoded(CLIENT_SECRET));
    let expected = format!("Basic {}", STANDARD.encode(pair));
    if headers.get("authorization").is_none_or(|value| value != expected.as_str()) {
        return (StatusCode::UNAUTHORIZED, Json(json!({"error": "invalid_client"}))).into_response();
    }
    let Some(grant) = inner.exchange(&form(&body)) else {
        return (StatusCode::BAD_REQUEST, Json(json!({"error": "invalid_grant"}))).into_response();
    };
    if behaviour.signing == Signing::NewKey {
        *inner.shows_new_key.lock().unwrap() = true;
    }
    let id_token = inner.id_token(&grant, &behaviour);
    Json(json!({"access_token": "access", "token_type": "Bearer", "expires_in": 300, "id_token": id_token}))
        .into_response()
}

async fn github_token(State(inner): State<Arc<Inner>>, body: String) -> Json<Value> {
    inner.note("token");
    let form = form(&body);
    let is_client = form.get("client_id").is_some_and(|id| id == CLIENT_ID)
        && form.get("client_secret").is_some_and(|secret| secret == CLIENT_SECRET);
    // As GitHub does: errors with 200.
    if !is_client || inner.exchange(&form).is_none() {
        return Json(json!({"error": "bad_verification_code"}));
    }
    Json(json!({"access_token": "github access", "token_type": "bearer", "scope": "user:email"}))
}

fn is_bearer(headers: &HeaderMap) -> bool {
    headers.get("authorization").is_some_and(|value| value == "Bearer github access")
        && headers.contains_key("user-agent")
}

async fn github_user(headers: HeaderMap) -> Response {
    if !is_bearer(&headers) {
        return (StatusCode::UNAUTHORIZED, Json(json!({"message": "Bad credentials"}))).into_response();
    }
    Json(json!({"id": 583_231, "login": "octocat", "email": null})).into_response()
}

async fn github_emails(State(inner): State<Arc<Inner>>, headers: HeaderMap) -> Response {
    let behaviour = inner.note("emails");
    if !is_bearer(&headers) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    Json(behaviour.emails).into_response()
}
