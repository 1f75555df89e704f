//! A signer that signs anything, as only a bug of ours would: attacks on the reader need valid signatures.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use credentials::{ParsedVerifyingKey, SigningKey, TokenError, verify_signature};
use domain::link::Revision;
use domain::token::Claims;
use domain::{
    Algorithm, ApiKeyId, Area, AreaSet, ClientRef, Kid, Leash, Networks, Product, ProjectId, Rng, SystemRng,
    TemporaryKeyId, Timestamp, WorkspaceId,
};

pub(crate) const TYP: &str = "temporary-key+jwt";

pub(crate) fn base64url(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

pub(crate) fn claims() -> Claims {
    let api_key_id = ApiKeyId::generate(Timestamp::from_seconds(1_760_000_000), &SystemRng);
    Claims {
        issuer: "vox_06ds1r8000000000000000000a".to_owned(),
        areas: AreaSet::EMPTY.with(Area::Eu).with(Area::Usa),
        issued_at: Timestamp::from_seconds(1_764_000_000),
        not_before: Timestamp::from_seconds(1_764_000_000),
        expires_at: Timestamp::from_seconds(1_764_000_060),
        id: TemporaryKeyId::generate(api_key_id, &SystemRng),
        revision: Revision(17),
        project_id: ProjectId::new(42),
        workspace_id: WorkspaceId::from_u128(SystemRng.next_u128()),
        api_key_id,
        product: Product::Rt,
        client_ref: Some(ClientRef::new("user \"é\" \\").unwrap()),
        leash: Leash { max_sessions: Some(1), ..Leash::default() },
    }
}

pub(crate) fn full_leash() -> Leash {
    Leash {
        max_sessions: Some(u32::MAX),
        uses: Some(1),
        max_session_seconds: Some(60),
        max_audio_seconds: Some(60),
        end_at_expiry: true,
        origins: vec!["https://example.com".to_owned()],
        networks: Networks(vec!["192.0.2.0/24".parse().unwrap(), "2001:db8::/32".parse().unwrap()]),
        lock: Some(r#"{"transcription_config":{"language":"en"}}"#.to_owned()),
    }
}

/// A key of ours, with the power to sign any text.
pub(crate) struct Forge {
    pub(crate) key: SigningKey,
    pub(crate) parsed: ParsedVerifyingKey,
}

impl Forge {
    pub(crate) fn new(algorithm: Algorithm) -> Self {
        let key = SigningKey::generate(algorithm, &SystemRng);
        let parsed = ParsedVerifyingKey::new(&key.verifying_key()).unwrap();
        Self { key, parsed }
    }

    pub(crate) fn header(&self) -> String {
        format!(r#"{{"alg":"{}","kid":"{}","typ":"{TYP}"}}"#, self.key.algorithm(), self.key.kid())
    }

    /// The JSON of valid claims, to be bent.
    pub(crate) fn payload(&self) -> serde_json::Value {
        let token = self.key.sign(&claims()).unwrap();
        let payload = token.split('.').nth(1).unwrap();
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap()
    }

    pub(crate) fn signature(&self, message: &str) -> Vec<u8> {
        let pkcs8 = self.key.to_pkcs8();
        match self.key.algorithm() {
            Algorithm::EdDsa => {
                Ed25519KeyPair::from_pkcs8(&pkcs8).unwrap().sign(message.as_bytes()).as_ref().to_vec()
            }
            Algorithm::Es256 => EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &pkcs8)
                .unwrap()
                .sign(&SystemRandom::new(), message.as_bytes())
                .unwrap()
                .as_ref()
                .to_vec(),
        }
    }

    /// A token of these very bytes, with a valid signature.
    pub(crate) fn token(&self, header: impl AsRef<[u8]>, payload: impl AsRef<[u8]>) -> String {
        let message = format!("{}.{}", base64url(header), base64url(payload));
        let signature = self.signature(&message);
        format!("{message}.{}", base64url(signature))
    }

    /// A token with our header and this payload.
    pub(crate) fn of_payload(&self, payload: impl AsRef<[u8]>) -> String {
        self.token(self.header(), payload)
    }

    pub(crate) fn find(&self, kid: &Kid) -> Option<ParsedVerifyingKey> {
        (kid == self.key.kid()).then(|| self.parsed.clone())
    }

    pub(crate) fn read(&self, token: &str) -> Result<Claims, TokenError> {
        verify_signature(token, |kid| self.find(kid))
    }
}

/// One of each algorithm.
pub(crate) fn forges() -> [Forge; 2] {
    [Forge::new(Algorithm::EdDsa), Forge::new(Algorithm::Es256)]
}
