//! An authenticator in software: makes passkeys and answers for them as a browser would, or as an attacker would like to.

#![allow(dead_code, clippy::allow_attributes, reason = "each test file uses a part of this")]

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

const PRESENT: u8 = 0x01;
const VERIFIED: u8 = 0x04;
const WITH_CREDENTIAL: u8 = 0x40;

/// A device with one passkey.
pub(crate) struct Authenticator {
    key: EcdsaKeyPair,
    id: Vec<u8>,
    user: Option<String>,
    /// What its browser says that it is at.
    pub(crate) origin: String,
    /// The relying party that it answers for.
    pub(crate) rp_id: String,
    /// How often it has signed; 0 for ever where it doesn't count, as synchronised passkeys don't.
    pub(crate) counter: u32,
    pub(crate) counts: bool,
    /// Whether it asks its owner for a finger, a face or a PIN.
    pub(crate) verifies: bool,
}

fn encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

fn sha256(bytes: &[u8]) -> Vec<u8> {
    digest(&SHA256, bytes).as_ref().to_vec()
}

impl Authenticator {
    pub(crate) fn new(origin: &str) -> Self {
        let pkcs8 =
            EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &SystemRandom::new()).unwrap();
        let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, pkcs8.as_ref()).unwrap();
        let id = sha256(key.public_key().as_ref())[..16].to_vec();
        let host = origin.split("://").nth(1).unwrap().split([':', '/']).next().unwrap();
        let (origin, rp_id) = (origin.to_owned(), host.to_owned());
        Self { key, id, user: None, origin, rp_id, counter: 0, counts: true, verifies: true }
    }

    fn client_data(&self, kind: &str, options: &Value) -> Vec<u8> {
        let challenge = options["challenge"].as_str().unwrap();
        let data = json!({"type": kind, "challenge": challenge, "origin": self.origin, "crossOrigin": false});
        data.to_string().into_bytes()
    }

    fn authenticator_data(&mut self, flags: u8) -> Vec<u8> {
        self.counter += u32::from(self.counts);
        let verified = if self.verifies { VERIFIED } else { 0 };
        let mut data = sha256(self.rp_id.as_bytes());
        data.push(PRESENT | verified | flags);
        data.extend(self.counter.to_be_bytes());
        data
    }

    /// The public key as COSE writes it.
    fn cose_key(&self) -> Vec<u8> {
        let point = self.key.public_key().as_ref();
        let mut cose = vec![0xa5, 0x01, 0x02, 0x03, 0x26, 0x20, 0x01, 0x21, 0x58, 0x20];
        cose.extend(&point[1..33]);
        cose.extend([0x22, 0x58, 0x20]);
        cose.extend(&point[33..65]);
        cose
    }

    /// What a browser answers to `navigator.credentials.create`.
    pub(crate) fn make(&mut self, options: &str) -> String {
        let options: Value = serde_json::from_str(options).unwrap();
        self.user = Some(options["user"]["id"].as_str().unwrap().to_owned());
        let client_data = self.client_data("webauthn.create", &options);
        let mut data = self.authenticator_data(WITH_CREDENTIAL);
        data.extend([0; 16]);
        data.extend(u16::try_from(self.id.len()).unwrap().to_be_bytes());
        data.extend(&self.id);
        data.extend(self.cose_key());
        let mut object = vec![0xa3, 0x63];
        object.extend(b"fmt");
        object.push(0x64);
        object.extend(b"none");
        object.push(0x67);
        object.extend(b"attStmt");
        object.extend([0xa0, 0x68]);
        object.extend(b"authData");
        object.push(0x59);
        object.extend(u16::try_from(data.len()).unwrap().to_be_bytes());
        object.extend(data);
        let id = encode(&self.id);
        json!({
            "id": id, "rawId": id, "type": "public-key", "extensions": {},
            "response": {"attestationObject": encode(&object), "clientDataJSON": encode(&client_data)},
        })
        .to_string()
    }

    /// What a browser answers to `navigator.credentials.get`.
    pub(crate) fn answer(&mut self, options: &str) -> String {
        let options: Value = serde_json::from_str(options).unwrap();
        let client_data = self.client_data("webauthn.get", &options);
        let data = self.authenticator_data(0);
        let signed = [data.clone(), sha256(&client_data)].concat();
        let signature = self.key.sign(&SystemRandom::new(), &signed).unwrap();
        let id = encode(&self.id);
        json!({
            "id": id, "rawId": id, "type": "public-key", "extensions": {},
            "response": {
                "authenticatorData": encode(&data), "clientDataJSON": encode(&client_data),
                "signature": encode(signature.as_ref()), "userHandle": self.user,
            },
        })
        .to_string()
    }
}
