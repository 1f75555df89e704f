//! No text but what our key signed is a token, and of what it signed only the canonical claims are read: whatever payload
//! is read back can be signed again, and then says the same.
#![no_main]

use std::sync::LazyLock;

use aws_lc_rs::signature::Ed25519KeyPair;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use credentials::{ParsedVerifyingKey, SignError, SigningKey, verify_signature};
use domain::link::Revision;
use domain::token::Claims;
use domain::{
    Algorithm, ApiKeyId, AreaSet, ClientRef, InstanceId, Kid, Leash, Product, ProjectId, Rng, TemporaryKeyId,
    Timestamp, WorkspaceId,
};
use libfuzzer_sys::fuzz_target;

#[derive(Debug)]
struct Constant;

impl Rng for Constant {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(7);
    }
}

struct Signer {
    key: SigningKey,
    pair: Ed25519KeyPair,
    parsed: ParsedVerifyingKey,
    /// The payload of a good token.
    payload: Vec<u8>,
}

static SIGNER: LazyLock<Signer> = LazyLock::new(|| {
    let key = SigningKey::generate(Algorithm::EdDsa, &Constant);
    let pair = Ed25519KeyPair::from_pkcs8(&key.to_pkcs8()).expect("our own key");
    let parsed = ParsedVerifyingKey::new(&key.verifying_key()).expect("our own key");
    let token = key.sign(&claims()).expect("good claims");
    let payload =
        token.split('.').nth(1).and_then(|part| URL_SAFE_NO_PAD.decode(part).ok()).expect("a token");
    assert!(verify_signature(&token, |_| Some(parsed.clone())).is_ok());
    Signer { key, pair, parsed, payload }
});

fn claims() -> Claims {
    let api_key_id = ApiKeyId::from_u128(1);
    Claims {
        issuer: InstanceId::from_u128(1).to_string(),
        areas: AreaSet::all(),
        issued_at: Timestamp::from_seconds(1_764_000_000),
        not_before: Timestamp::from_seconds(1_764_000_000),
        expires_at: Timestamp::from_seconds(1_764_000_060),
        id: TemporaryKeyId::generate(api_key_id, &Constant),
        revision: Revision(1),
        project_id: ProjectId::new(1),
        workspace_id: WorkspaceId::from_u128(1),
        api_key_id,
        product: Product::Rt,
        client_ref: ClientRef::new("user").ok(),
        leash: Leash {
            max_sessions: Some(1),
            origins: vec!["https://app.example".to_owned()],
            lock: Some(r#"{"a":{"b":[1,null]}}"#.to_owned()),
            ..Leash::default()
        },
    }
}

fn find(kid: &Kid) -> Option<ParsedVerifyingKey> {
    (kid == SIGNER.key.kid()).then(|| SIGNER.parsed.clone())
}

fn signed(header: &[u8], payload: &[u8]) -> String {
    let message = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(payload));
    let signature = SIGNER.pair.sign(message.as_bytes());
    format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
}

/// If the token is read, its claims can be signed, and say the same again.
fn read_back(token: &str) {
    let Ok(claims) = verify_signature(token, find) else { return };
    match SIGNER.key.sign(&claims) {
        Ok(again) => assert_eq!(verify_signature(&again, find), Ok(claims)),
        Err(SignError::TooLong { .. }) => {}
        Err(error) => panic!("what is read can be written: {error}"),
    }
}

fuzz_target!(|data: &[u8]| {
    // As a whole token: nobody but the key makes one.
    let text = String::from_utf8_lossy(data);
    assert!(verify_signature(&text, find).is_err());

    // As a payload that our key signed.
    let header =
        format!(r#"{{"alg":"EdDSA","kid":"{}","typ":"{}"}}"#, SIGNER.key.kid(), credentials::token::TYP);
    read_back(&signed(header.as_bytes(), data));

    // As a change somewhere in good claims that our key signed.
    if let Some((at, change)) = data.split_first() {
        let mut payload = SIGNER.payload.clone();
        let at = usize::from(*at) * 3 % payload.len();
        let end = (at + change.len()).min(payload.len());
        payload.splice(at..end, change.iter().copied());
        read_back(&signed(header.as_bytes(), &payload));
    }

    // As a header over good bytes: it is ours, or it is refused before the claims are looked at.
    if let Err(error) = verify_signature(&signed(data, b"not claims"), find) {
        let is_header = text.trim_start().starts_with('{') && text.contains(SIGNER.key.kid().as_str());
        assert!(is_header || !matches!(error, credentials::TokenError::Claims(_)));
    }
});
