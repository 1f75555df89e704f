//! Who chooses the algorithm: never the token.

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use credentials::Jwks;

use super::{FORGED, INVALID, refuse_all};
use crate::Fault;
use crate::arena::Arena;
use crate::arena::forge::{Forge, base64url};
use crate::trial::Trial;

/// Every registered algorithm and some spellings; each but ours is refused, whatever signed it.
const OTHERS: &[&str] = &[
    "HS256",
    "HS384",
    "HS512",
    "RS256",
    "RS384",
    "RS512",
    "PS256",
    "PS384",
    "PS512",
    "ES256",
    "ES384",
    "ES512",
    "ES256K",
    "Ed448",
    "Ed25519",
    "eddsa",
    "EDDSA",
    "EdDSA ",
    " EdDSA",
    "EdDSA\\u0000",
    "ECDH-ES",
    "dir",
    "A256GCM",
    "PBES2-HS512+A256KW",
    "RSA-OAEP",
    "ESP256",
    "ML-DSA-44",
];
/// RFC 8725bis, noNE: a list of what is forbidden forgets one.
const NONES: &[&str] = &[
    "none",
    "None",
    "NONE",
    "nOnE",
    "noNE",
    " none",
    "none ",
    "none\\u0000",
    "\\u006eone",
    "n\\u006fne",
    "",
    "null",
];

pub(super) async fn run(arena: &Arena, trial: &mut Trial) -> Result<(), Fault> {
    let claims = arena.claims("batch").await?.to_string();
    let forge = &arena.forge;
    let good = forge.token(forge.header(), &claims);
    confused(arena, trial, &good, &claims).await;
    let others = OTHERS.iter().map(|alg| {
        (
            format!("alg {alg:?} over a valid signature"),
            forge.token(forge.header().replace("EdDSA", alg), &claims),
        )
    });
    refuse_all(arena, trial, "algorithms", &good, INVALID, others).await;
    let nones = NONES.iter().flat_map(|none| {
        let header = forge.header().replace("EdDSA", none);
        let bare = format!("{}.{}", base64url(&header), base64url(&claims));
        [
            (format!("{none:?}, signed"), forge.token(&header, &claims)),
            (format!("{none:?}, an empty signature"), format!("{bare}.")),
            (format!("{none:?}, two parts"), bare),
        ]
    });
    refuse_all(arena, trial, "none", &good, FORGED, nones).await;
    Ok(())
}

/// CVE-2015-9235, CVE-2026-34950: the public key as the secret of an HMAC, in every form in which a library may hold it.
async fn confused(arena: &Arena, trial: &mut Trial, good: &str, claims: &str) {
    let forge = &arena.forge;
    let mut tokens = Vec::new();
    for (name, algorithm) in
        [("HS256", hmac::HMAC_SHA256), ("HS384", hmac::HMAC_SHA384), ("HS512", hmac::HMAC_SHA512)]
    {
        for claimed in [name, "EdDSA"] {
            let header = forge.header().replace("EdDSA", claimed);
            let message = format!("{}.{}", base64url(header), base64url(claims));
            for (form, secret) in secrets(forge) {
                let mac = hmac::sign(&hmac::Key::new(algorithm, &secret), message.as_bytes());
                let token = format!("{message}.{}", base64url(mac.as_ref()));
                tokens.push((format!("{name} called {claimed} with {form}"), token));
            }
        }
    }
    refuse_all(arena, trial, "confusion", good, FORGED, tokens).await;
}

fn secrets(forge: &Forge) -> Vec<(&'static str, Vec<u8>)> {
    let raw = forge.key.verifying_key().public_key;
    let der = [b"\x30\x2a\x30\x05\x06\x03\x2b\x65\x70\x03\x21\x00".as_slice(), &raw].concat();
    let pem = format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----", STANDARD.encode(&der));
    let jwks = Jwks::from_keys(&[forge.key.verifying_key()]).to_json();
    let jwk = jwks[r#"{"keys":["#.len()..jwks.len() - 2].to_owned();
    vec![
        ("the raw public key", raw),
        ("its DER", der),
        ("its PEM", pem.clone().into_bytes()),
        ("its PEM and a newline", format!("{pem}\n").into_bytes()),
        ("a space and its PEM", format!(" {pem}").into_bytes()),
        ("a tab and its PEM", format!("\t{pem}").into_bytes()),
        ("a newline and its PEM", format!("\n{pem}").into_bytes()),
        ("a BOM and its PEM", format!("\u{feff}{pem}").into_bytes()),
        ("its JWK", jwk.into_bytes()),
        ("the key set", jwks.into_bytes()),
        ("an empty secret", Vec::new()),
    ]
}
