//! Other forms of tokens: JSON serialisation, encryption, too few or too many parts (RFC 8725bis, 3.1 and 3.11).

use serde_json::json;

use super::{FORGED, refuse_all};
use crate::Fault;
use crate::arena::Arena;
use crate::arena::forge::base64url;
use crate::trial::Trial;

pub(super) async fn run(arena: &Arena, trial: &mut Trial) -> Result<(), Fault> {
    let forge = &arena.forge;
    let claims = arena.claims("batch").await?.to_string();
    let good = forge.token(forge.header(), &claims);
    let parts: Vec<&str> = good.split('.').collect();
    let (header, payload, signature) = (parts[0], parts[1], parts[2]);
    let flattened = json!({"protected": header, "payload": payload, "signature": signature}).to_string();
    let general = json!({"payload": payload, "signatures": [{"protected": header, "signature": signature}]})
        .to_string();
    let forms = [
        ("flattened JSON", flattened.clone()),
        ("flattened JSON, encoded", base64url(&flattened)),
        ("general JSON", general.clone()),
        ("general JSON, encoded", base64url(&general)),
        ("JSON with the compact form inside", format!("{{\"jwt\":\"{good}\"}}")),
        ("JSON within the first part", format!("{{\"a\":\"{header}\"}}.{payload}.{signature}")),
        ("the compact form in quotes", format!("\"{good}\"")),
        ("one part", header.to_owned()),
        ("two parts", format!("{header}.{payload}")),
        ("four parts", format!("{good}.{signature}")),
        ("five parts, as if encrypted", format!("{header}.a.b.c.d")),
        ("five parts of ours", format!("{header}.{payload}.{signature}.{payload}.{signature}")),
        ("two tokens", format!("{good}.{good}")),
        ("two tokens with a comma", format!("{good},{good}")),
        ("two tokens with a tilde", format!("{good}~{good}")),
        ("an SD-JWT", format!("{good}~WyJhIiwiYiIsImMiXQ~")),
        ("no payload", format!("{header}..{signature}")),
        ("no header", format!(".{payload}.{signature}")),
        ("dots alone", "..".to_owned()),
        ("many dots", ".".repeat(2000)),
        ("a dot before", format!(".{good}")),
        ("a dot behind", format!("{good}.")),
        ("padding in the header", format!("{header}=.{payload}.{signature}")),
        ("padding in the payload", format!("{header}.{payload}=.{signature}")),
        ("percent-encoded dots", good.replace('.', "%2E")),
        ("an asterisk", "*".to_owned()),
        ("Bearer twice", format!("Bearer {good}")),
        ("a scheme of its own", format!("JWT:{good}")),
        ("angle brackets", format!("<{good}>")),
        ("over the limit of a token", format!("{header}.{}.{signature}", "a".repeat(3000))),
        ("over the limit of a credential", format!("{header}.{}.{signature}", "a".repeat(5000))),
        (
            "the payload of another token",
            format!("{header}.{}.{signature}", base64url(claims.replace("batch", "rt"))),
        ),
        (
            "the header of another token",
            format!("{}.{payload}.{signature}", base64url(forge.header().replace("EdDSA", "ES256"))),
        ),
        ("capitals", good.to_uppercase()),
        ("null", "nullnull".to_owned()),
    ];
    let tokens = forms.map(|(name, token)| (name.to_owned(), token));
    refuse_all(arena, trial, "form", &good, FORGED, tokens).await;
    Ok(())
}
