//! Temporary keys in normal use, and their limits.

use crate::support::{Forge, claims, forges, full_leash};
use credentials::{SignError, TokenError};
use domain::limits::{CLIENT_REF_BYTES_MAX, LOCK_BYTES_MAX, TEMPORARY_KEY_BYTES_MAX};
use domain::token::Claims;
use domain::{Algorithm, Area, AreaSet, ClientRef, Leash, Networks, Product, ProjectId, Reason, Timestamp};
use proptest::prelude::*;

/// What is signed is read back whole, with every kind of leash, by both algorithms.
#[test]
fn round_trip() {
    for forge in forges() {
        for leash in [Leash::default(), full_leash(), Leash { end_at_expiry: true, ..Leash::default() }] {
            for client_ref in [None, claims().client_ref] {
                let claims = Claims { leash: leash.clone(), client_ref, ..claims() };
                let token = forge.key.sign(&claims).unwrap();
                assert_eq!(forge.read(&token), Ok(claims));
            }
        }
    }
}

/// What no verifier would read is never signed.
#[test]
fn contradictions_are_not_signed() {
    let forge = Forge::new(Algorithm::EdDsa);
    let other = claims();
    for wrong in [
        Claims { api_key_id: other.api_key_id, ..claims() },
        Claims { areas: AreaSet::EMPTY, ..claims() },
        Claims { expires_at: claims().issued_at, ..claims() },
        Claims { not_before: Timestamp::from_seconds(1_763_999_999), ..claims() },
        Claims { issued_at: Timestamp::from_micros(1), ..claims() },
        Claims { issued_at: Timestamp::from_seconds(-1), ..claims() },
        Claims { issuer: String::new(), ..claims() },
        Claims { leash: Leash { uses: Some(0), ..Leash::default() }, ..claims() },
        Claims { leash: Leash { lock: Some("[]".to_owned()), ..Leash::default() }, ..claims() },
        Claims { leash: Leash { lock: Some("{".to_owned()), ..Leash::default() }, ..claims() },
    ] {
        assert!(matches!(forge.key.sign(&wrong), Err(SignError::Claims(_))), "{wrong:?}");
    }
    assert!(forge.key.sign(&claims()).is_ok(), "control");
}

/// The longest client_ref and the longest lock fit together, with a leash of every other kind beside them; what doesn't
/// fit is told with its length and never made.
#[test]
fn a_token_stays_under_two_kilobytes() {
    for forge in forges() {
        let lock = format!(r#"{{"a":"{}"}}"#, "x".repeat(LOCK_BYTES_MAX - 8));
        assert_eq!(lock.len(), LOCK_BYTES_MAX);
        let largest = Claims {
            areas: AreaSet::all(),
            client_ref: Some(ClientRef::new(&"x".repeat(CLIENT_REF_BYTES_MAX)).unwrap()),
            project_id: ProjectId::new(i64::MAX),
            product: Product::Batch,
            leash: Leash { lock: Some(lock), ..full_leash() },
            ..claims()
        };
        let token = forge.key.sign(&largest).unwrap();
        assert!(token.len() <= TEMPORARY_KEY_BYTES_MAX, "{}", token.len());
        assert_eq!(forge.read(&token), Ok(largest.clone()));

        let networks = (0..8).map(|n| format!("10.{n}.0.0/16").parse().unwrap()).collect();
        let origins = (0..8).map(|n| format!("https://app{n}.example.com")).collect();
        let lists = Claims {
            leash: Leash { lock: None, networks: Networks(networks), origins, ..full_leash() },
            ..largest.clone()
        };
        let token = forge.key.sign(&lists).unwrap();
        assert_eq!(forge.read(&token), Ok(lists));

        let origins = vec![format!("https://{}.example", "x".repeat(100)); 8];
        let beyond = Claims { leash: Leash { origins, ..largest.leash.clone() }, ..largest };
        let Err(SignError::TooLong { bytes }) = forge.key.sign(&beyond) else { panic!("must be too long") };
        assert!(bytes > TEMPORARY_KEY_BYTES_MAX);
    }
}

/// Length is judged before anything else.
#[test]
fn too_long_is_told_first() {
    let forge = Forge::new(Algorithm::EdDsa);
    let long = "\u{0}".repeat(TEMPORARY_KEY_BYTES_MAX + 1);
    assert_eq!(forge.read(&long), Err(TokenError::TooLong));
    let padded = forge.of_payload(forge.payload().to_string() + &" ".repeat(2000));
    assert_eq!(forge.read(&padded), Err(TokenError::TooLong));
}

/// A token is signed up to the very length that is read, and a refusal tells the length that it would have had.
#[test]
fn what_is_signed_can_be_read() {
    for forge in forges() {
        let origins = (0..7).map(|number| format!("https://{number}.{}.example", "a".repeat(60))).collect();
        let leash = Leash { origins, ..full_leash() };
        let mut signed: Vec<usize> = Vec::new();
        let refused = (1..=CLIENT_REF_BYTES_MAX).find_map(|letters| {
            let client_ref = Some(ClientRef::new(&"x".repeat(letters)).unwrap());
            let claims = Claims { client_ref, leash: leash.clone(), ..claims() };
            match forge.key.sign(&claims) {
                Ok(token) => {
                    assert_eq!(forge.read(&token), Ok(claims));
                    signed.push(token.len());
                    None
                }
                Err(refused) => Some(refused),
            }
        });
        // Three letters more are four characters more of base64.
        let bytes = signed[signed.len() - 3] + 4;
        assert_eq!(refused, Some(SignError::TooLong { bytes }));
        assert_eq!(signed.last(), Some(&TEMPORARY_KEY_BYTES_MAX));
    }
}

/// An issuer has a name, of at most 128 bytes: what is read and what is signed agree on it.
#[test]
fn issuers_have_short_names() {
    let forge = Forge::new(Algorithm::EdDsa);
    let sign = |bytes: usize| forge.key.sign(&Claims { issuer: "x".repeat(bytes), ..claims() });
    let read = |bytes: usize| {
        let mut payload = forge.payload();
        payload["iss"] = "x".repeat(bytes).into();
        forge.read(&forge.of_payload(payload.to_string()))
    };
    for bytes in [1, 128] {
        assert!(sign(bytes).is_ok() && read(bytes).is_ok(), "{bytes}");
    }
    for bytes in [0, 129, 300] {
        assert!(sign(bytes).is_err() && read(bytes).is_err(), "{bytes}");
    }
}

/// A header is as short as 256 characters of base64url, and names its key by a plain text, before any key is looked for.
#[test]
fn headers_are_short_and_plain() {
    let forge = Forge::new(Algorithm::EdDsa);
    let (header, payload) = (forge.header(), forge.payload().to_string());
    let padded = |bytes: usize| forge.token(header.clone() + &" ".repeat(bytes - header.len()), &payload);
    assert!(forge.read(&padded(192)).is_ok());
    assert_eq!(forge.read(&padded(193)), Err(TokenError::Header));
    assert_eq!(forge.read(&padded(300)), Err(TokenError::Header));
    let named = |kid: &str| forge.token(header.replace(forge.key.kid().as_str(), kid), &payload);
    assert_eq!(forge.read(&named(&"a".repeat(64))), Err(TokenError::UnknownKey));
    for kid in ["", "a b", "../a", &"a".repeat(65)] {
        assert_eq!(forge.read(&named(kid)), Err(TokenError::Header), "{kid}");
    }
}

/// What can't be read is an unknown credential; what was signed wrongly is an invalid token.
#[test]
fn errors_have_their_reasons() {
    let forge = Forge::new(Algorithm::EdDsa);
    assert_eq!(forge.read("a.b.c").unwrap_err().reason(), Reason::CredentialUnknown);
    let foreign = Forge::new(Algorithm::EdDsa).key.sign(&claims()).unwrap();
    assert_eq!(forge.read(&foreign).unwrap_err().reason(), Reason::TokenInvalid);
}

fn any_claims() -> impl Strategy<Value = Claims> {
    let leash = (
        prop::option::of(1_u32..),
        prop::option::of(1_u32..),
        any::<bool>(),
        prop::collection::vec("[a-z:/.\"\\\\é]{1,20}", 0..4),
        prop::option::of("[a-z\"\\\\é{}]{0,20}"),
    )
        .prop_map(|(max_sessions, uses, end_at_expiry, origins, text)| Leash {
            max_sessions,
            uses,
            end_at_expiry,
            origins,
            lock: text.map(|text| serde_json::json!({ "a": [text, 1.5, null] }).to_string()),
            ..Leash::default()
        });
    (1_u8..8, 0_i64..250_000_000_000, 1_i64..100_000, any::<i64>(), any::<u64>(), "[^\\p{Cc}]{1,40}", leash)
        .prop_map(|(areas, iat, ttl, project, revision, text, leash)| Claims {
            areas: Area::ALL.iter().copied().filter(|area| areas & 1 << *area as u8 != 0).collect(),
            issued_at: Timestamp::from_seconds(iat),
            not_before: Timestamp::from_seconds(iat),
            expires_at: Timestamp::from_seconds(iat + ttl),
            project_id: ProjectId::new(project),
            revision: domain::link::Revision(revision),
            client_ref: ClientRef::new(&text).ok(),
            leash,
            ..claims()
        })
}

proptest! {
    /// Any claims survive being signed and read.
    #[test]
    fn any_claims_round_trip(claims in any_claims()) {
        let forge = Forge::new(Algorithm::EdDsa);
        let token = forge.key.sign(&claims).unwrap();
        prop_assert!(token.len() <= TEMPORARY_KEY_BYTES_MAX);
        prop_assert_eq!(forge.read(&token), Ok(claims));
    }

    /// Any flipped bit anywhere in a token makes it worthless.
    #[test]
    fn a_flipped_bit_never_verifies(position: prop::sample::Index, bit in 0_u32..8, es256: bool) {
        let forge = Forge::new(if es256 { Algorithm::Es256 } else { Algorithm::EdDsa });
        let mut bytes = forge.key.sign(&claims()).unwrap().into_bytes();
        let position = position.index(bytes.len());
        bytes[position] ^= 1_u8 << bit;
        if let Ok(text) = String::from_utf8(bytes) {
            prop_assert!(forge.read(&text).is_err());
        }
    }

    /// No text crashes the reader.
    #[test]
    fn any_text_is_judged(text in any::<String>(), parts in prop::collection::vec("[A-Za-z0-9_-]{0,80}", 0..5)) {
        let forge = Forge::new(Algorithm::EdDsa);
        prop_assert!(forge.read(&text).is_err());
        prop_assert!(forge.read(&parts.join(".")).is_err());
    }
}
