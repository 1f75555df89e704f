//! The rows of "Attack cases: JWT libraries" that concern reading a token, each test named after its row. Every test
//! has a control: the same token without the attack is read. Rows that concern what a token is good for (`aud`, `iss`, the
//! kid of a retired key) stand with the crate `verify`.

use std::net::TcpListener;

use crate::support::{Forge, TYP, base64url, claims, forges, full_leash};
use credentials::{Jwks, TokenError};
use domain::Algorithm;
use serde_json::{Value, json};

/// `HMAC-SHA-2` over a message with any bytes as its key.
fn mac(algorithm: &str, key: &[u8], message: &str) -> Vec<u8> {
    use aws_lc_rs::hmac;
    let algorithm = match algorithm {
        "HS256" => hmac::HMAC_SHA256,
        "HS384" => hmac::HMAC_SHA384,
        _ => hmac::HMAC_SHA512,
    };
    hmac::sign(&hmac::Key::new(algorithm, key), message.as_bytes()).as_ref().to_vec()
}

/// The texts that a public key may have as a secret in a confused library.
fn public_key_texts(forge: &Forge) -> Vec<Vec<u8>> {
    use base64::Engine as _;
    let raw = forge.key.verifying_key().public_key;
    let der = match forge.key.algorithm() {
        Algorithm::EdDsa => [b"\x30\x2a\x30\x05\x06\x03\x2b\x65\x70\x03\x21\x00".as_slice(), &raw].concat(),
        Algorithm::Es256 => [
            b"\x30\x59\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07\x03\x42\x00"
                .as_slice(),
            &raw,
        ]
        .concat(),
    };
    let body = base64::engine::general_purpose::STANDARD.encode(&der);
    let pem = format!("-----BEGIN PUBLIC KEY-----\n{body}\n-----END PUBLIC KEY-----");
    let jwk = Jwks::from_keys(&[forge.key.verifying_key()]).to_json();
    let mut texts = vec![raw, der, pem.clone().into_bytes(), jwk.into_bytes()];
    texts.push(format!("{pem}\n").into_bytes());
    // CVE-2026-34950: white space before the key text defeated the check of a check.
    for before in [" ", "\t", "\n", "\u{feff}"] {
        texts.push(format!("{before}{pem}").into_bytes());
    }
    texts
}

#[test]
fn cve_2015_9235_and_cve_2026_34950_public_key_as_hmac_secret() {
    for forge in forges() {
        let good = forge.key.sign(&claims()).unwrap();
        assert!(forge.read(&good).is_ok(), "control");
        let payload = good.split('.').nth(1).unwrap();
        for algorithm in ["HS256", "HS384", "HS512"] {
            for claimed in [algorithm, forge.key.algorithm().as_str()] {
                let header = forge.header().replace(forge.key.algorithm().as_str(), claimed);
                let message = format!("{}.{payload}", base64url(header));
                for key in public_key_texts(&forge) {
                    let token = format!("{message}.{}", base64url(mac(algorithm, &key, &message)));
                    let error = forge.read(&token).unwrap_err();
                    assert!(matches!(error, TokenError::Algorithm | TokenError::Signature), "{error:?}");
                }
            }
        }
    }
}

#[test]
fn cve_2026_22817_the_key_decides_the_algorithm() {
    let [ed, es] = forges();
    for (forge, other) in [(&ed, &es), (&es, &ed)] {
        assert!(forge.read(&forge.of_payload(forge.payload().to_string())).is_ok(), "control");
        for alg in [
            "ES256", "EdDSA", "Ed25519", "ES384", "RS256", "PS256", "HS256", "ES256K", "none", "eddsa",
            "EDDSA",
        ] {
            if alg == forge.key.algorithm().as_str() {
                continue;
            }
            let header = forge.header().replace(forge.key.algorithm().as_str(), alg);
            let token = forge.token(header, forge.payload().to_string());
            assert_eq!(forge.read(&token), Err(TokenError::Algorithm), "{alg}");
        }
        // The other algorithm's key under this kid.
        let header = forge.header().replace(forge.key.algorithm().as_str(), other.key.algorithm().as_str());
        assert!(forge.read(&other.token(header, forge.payload().to_string())).is_err());
    }
}

#[test]
fn cve_2026_25537_claims_of_another_json_type() {
    let forge = Forge::new(Algorithm::EdDsa);
    let good = forge.payload();
    assert!(forge.read(&forge.of_payload(good.to_string())).is_ok(), "control");
    let others = [
        r#""text""#,
        "1.5",
        "1764000030.0",
        "1764e6",
        "-1",
        "-0",
        "1e400",
        "null",
        "true",
        "[]",
        "{}",
        "[1764000030]",
        r#"{"1764000030":null}"#,
        r#"["text"]"#,
        r#"{"rt":null}"#,
        "18446744073709551616",
        "01764000030",
        r#""1764000030""#,
    ];
    for name in good.as_object().unwrap().keys() {
        for other in others {
            if other.starts_with('"') && matches!(name.as_str(), "iss" | "client_ref") {
                continue; // Any text is of the right type there; whether it is the right one is told later.
            }
            let mut bent = good.clone();
            bent[name] = json!("@");
            let payload = bent.to_string().replace(r#""@""#, other);
            let read = forge.read(&forge.of_payload(&payload));
            assert!(matches!(read, Err(TokenError::Claims(_))), "{payload}: {read:?}");
        }
        let mut without = good.clone();
        without.as_object_mut().unwrap().remove(name);
        let read = forge.read(&forge.of_payload(without.to_string()));
        let optional = matches!(name.as_str(), "client_ref" | "leash");
        assert_eq!(read.is_ok(), optional, "without {name}: {read:?}");
    }
}

#[test]
fn cve_2026_25537_leash_members_of_another_json_type() {
    let forge = Forge::new(Algorithm::EdDsa);
    let full = claims();
    let token = forge.key.sign(&domain::token::Claims { leash: full_leash(), ..full }).unwrap();
    assert!(forge.read(&token).is_ok(), "control");
    let good = {
        use base64::Engine as _;
        let payload = token.split('.').nth(1).unwrap();
        let bytes = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(payload).unwrap();
        serde_json::from_slice::<Value>(&bytes).unwrap()
    };
    for name in good["leash"].as_object().unwrap().keys() {
        for other in
            ["null", "0", "-1", "1.5", "\"1\"", "1e400", "4294967296", "[1]", "[null]", r#"["a/b"]"#, "[[]]"]
        {
            if name == "origins" && other == r#"["a/b"]"# {
                continue; // Any text may be an origin.
            }
            let mut bent = good.clone();
            bent["leash"][name] = json!("@");
            let payload = bent.to_string().replace(r#""@""#, other);
            let read = forge.read(&forge.of_payload(&payload));
            assert!(matches!(read, Err(TokenError::Claims(_))), "{payload}: {read:?}");
        }
    }
    for leash in [json!({}), json!([1]), json!({"end_at_expiry": false}), json!({"unknown": 1}), json!("")] {
        let mut bent = good.clone();
        bent["leash"] = leash;
        assert!(forge.read(&forge.of_payload(bent.to_string())).is_err(), "{bent}");
    }
    for (name, value) in [
        ("origins", json!(vec!["o"; 9])),
        ("networks", json!(vec!["10.0.0.0/8"; 9])),
        ("origins", json!(["x".repeat(129)])),
        ("lock", json!({"x": "y".repeat(512)})),
    ] {
        let mut bent = good.clone();
        bent["leash"][name] = value;
        assert!(forge.read(&forge.of_payload(bent.to_string())).is_err(), "{bent}");
    }
}

#[test]
fn cve_2026_32597_crit_is_refused() {
    for forge in forges() {
        let payload = forge.payload().to_string();
        assert!(forge.read(&forge.token(forge.header(), &payload)).is_ok(), "control");
        for crit in [
            r#"["exp"]"#,
            r#"["b64"]"#,
            "[]",
            r#""exp""#,
            "null",
            "{}",
            "1",
            r#"["alg"]"#,
            r#"["b64"],"b64":false"#,
            r#"["a"],"crit":["a"]"#,
        ] {
            let header = forge.header().replacen('{', &format!(r#"{{"crit":{crit},"#), 1);
            assert_eq!(forge.read(&forge.token(&header, &payload)), Err(TokenError::Header), "{header}");
        }
    }
}

#[test]
fn cve_2015_2951_none_in_any_spelling() {
    for forge in forges() {
        let payload = forge.payload().to_string();
        assert!(forge.read(&forge.of_payload(&payload)).is_ok(), "control");
        for none in ["none", "None", "NONE", "nOnE", "noNE", " none", "none ", "none\\u0000", "", "null"] {
            let header = forge.header().replace(forge.key.algorithm().as_str(), none);
            let signed = forge.token(&header, &payload);
            let unsigned = format!("{}.{}.", base64url(&header), base64url(&payload));
            for token in [&signed, &unsigned, unsigned.trim_end_matches('.')] {
                let error = forge.read(token).unwrap_err();
                assert!(
                    matches!(error, TokenError::Algorithm | TokenError::Malformed),
                    "{none:?}: {error:?}"
                );
            }
        }
    }
}

#[test]
fn cve_2022_21449_psychic_signatures() {
    const P256_ORDER: &str = "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551";
    const ED25519_ORDER: &str = "edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010";
    let bytes = |hex: &str| domain::SecretHash::from_hex(hex).unwrap().as_bytes().to_vec();
    for forge in forges() {
        let message = format!("{}.{}", base64url(forge.header()), base64url(forge.payload().to_string()));
        let good = forge.signature(&message);
        let read = |signature: &[u8]| forge.read(&format!("{message}.{}", base64url(signature)));
        assert!(read(&good).is_ok(), "control");
        let (r, s) = good.split_at(32);
        let mut one = vec![0; 32];
        one[if forge.key.algorithm() == Algorithm::EdDsa { 0 } else { 31 }] = 1;
        let zero = vec![0; 32];
        let order = bytes(if forge.key.algorithm() == Algorithm::EdDsa { ED25519_ORDER } else { P256_ORDER });
        for half in [&zero, &one, &order, &vec![0xff; 32]] {
            for signature in [[half.as_slice(), half].concat(), [r, half].concat(), [half, s].concat()] {
                assert_eq!(read(&signature), Err(TokenError::Signature));
            }
        }
        for signature in [
            &good[..63],
            &[&good, [0].as_slice()].concat(),
            &[],
            &[0; 1],
            &[0; 72],
            &[&good, good.as_slice()].concat(),
        ] {
            assert_eq!(read(signature), Err(TokenError::Signature));
        }
    }
    // Malleability of Ed25519: S + L is the same number modulo the order, and must not pass.
    let forge = Forge::new(Algorithm::EdDsa);
    let message = format!("{}.{}", base64url(forge.header()), base64url(forge.payload().to_string()));
    let mut signature = forge.signature(&message);
    let mut carry = 0_u16;
    for (byte, order) in signature[32..].iter_mut().zip(bytes(ED25519_ORDER)) {
        let sum = u16::from(*byte) + u16::from(order) + carry;
        *byte = sum as u8;
        carry = sum >> 8;
    }
    assert_eq!(forge.read(&format!("{message}.{}", base64url(signature))), Err(TokenError::Signature));
}

#[test]
fn cve_2018_0114_embedded_keys_and_places_are_never_used() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let url = format!("http://{}/keys", listener.local_addr().unwrap());
    for (forge, attacker) in forges().into_iter().zip(forges()) {
        let payload = forge.payload().to_string();
        assert!(forge.read(&forge.of_payload(&payload)).is_ok(), "control");
        let set = Jwks::from_keys(&[attacker.key.verifying_key()]).to_json();
        let jwk = &set[r#"{"keys":["#.len()..set.len() - 2];
        for member in [
            format!(r#""jwk":{jwk}"#),
            format!(r#""jku":"{url}""#),
            format!(r#""x5u":"{url}""#),
            r#""x5c":["AQ=="]"#.to_owned(),
        ] {
            for kid in [forge.key.kid(), attacker.key.kid()] {
                let header = attacker.header().replace(attacker.key.kid().as_str(), kid.as_str());
                let with = header.replacen('{', &format!("{{{member},"), 1);
                assert_eq!(forge.read(&attacker.token(with, &payload)), Err(TokenError::Header));
                assert!(forge.read(&attacker.token(header, &payload)).is_err());
            }
        }
    }
    assert_eq!(
        listener.accept().unwrap_err().kind(),
        std::io::ErrorKind::WouldBlock,
        "somebody fetched a key"
    );
}

#[test]
fn kid_injection() {
    for forge in forges() {
        let payload = forge.payload().to_string();
        assert!(forge.read(&forge.of_payload(&payload)).is_ok(), "control");
        let kid = format!(r#""{}""#, forge.key.kid());
        let long = format!(r#""{}""#, "a".repeat(64 * 1024));
        for other in [
            r#""../../dev/null""#,
            r#""' OR 1=1--""#,
            &long,
            r#""a\u0000""#,
            "1",
            "null",
            "[]",
            "{}",
            r#""__proto__""#,
            r#""""#,
            r#""aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa""#,
            r#"" ""#,
            &kid.replacen('"', "\" ", 1),
        ] {
            let token = forge.token(forge.header().replace(&kid, other), &payload);
            let error = forge.read(&token).unwrap_err();
            assert!(
                matches!(error, TokenError::TooLong | TokenError::Header | TokenError::UnknownKey),
                "{other:.60}: {error:?}"
            );
        }
        // Another instance's or region's key, known to others but not here.
        let [other, _] = forges();
        assert_eq!(forge.read(&other.of_payload(&payload)), Err(TokenError::UnknownKey));
        // A finder that gives the wrong key is not believed.
        let confused =
            credentials::verify_signature(&other.of_payload(&payload), |_| Some(forge.parsed.clone()));
        assert_eq!(confused, Err(TokenError::UnknownKey));
    }
}

#[test]
fn cve_2020_28042_null_signature_and_cve_2020_28637_empty_secret() {
    for forge in forges() {
        let payload = forge.payload().to_string();
        let message = format!("{}.{}", base64url(forge.header()), base64url(&payload));
        assert!(forge.read(&forge.of_payload(&payload)).is_ok(), "control");
        for signature in ["", "null", "bnVsbA", "AA"] {
            assert_eq!(
                forge.read(&format!("{message}.{signature}")),
                Err(TokenError::Signature),
                "{signature}"
            );
        }
        let header = forge.header().replace(forge.key.algorithm().as_str(), "HS256");
        let message = format!("{}.{}", base64url(header), base64url(&payload));
        let token = format!("{message}.{}", base64url(mac("HS256", &[], &message)));
        assert_eq!(forge.read(&token), Err(TokenError::Algorithm));
    }
}

/// No claim chooses a key: the finder is asked for the header's kid alone, and once.
#[test]
fn ghsa_869p_cjfg_cm3x_no_claim_is_read_before_verification() {
    let forge = Forge::new(Algorithm::EdDsa);
    let attacker = Forge::new(Algorithm::EdDsa);
    let mut payload = forge.payload();
    payload["kid"] = json!(attacker.key.kid().as_str());
    payload["iss"] = json!("attacker");
    let asked = std::cell::RefCell::new(Vec::new());
    let read = |token: &str| {
        credentials::verify_signature(token, |kid| {
            asked.borrow_mut().push(kid.clone());
            forge.find(kid)
        })
    };
    assert!(read(&forge.of_payload(forge.payload().to_string())).is_ok(), "control");
    let header = attacker.header().replace(attacker.key.kid().as_str(), forge.key.kid().as_str());
    assert_eq!(read(&attacker.token(header, payload.to_string())), Err(TokenError::Signature));
    // A payload that isn't even JSON is told only to who signed it.
    let garbage = forge.of_payload("garbage");
    assert!(matches!(read(&garbage), Err(TokenError::Claims(_))));
    let (message, _) = garbage.rsplit_once('.').unwrap();
    assert_eq!(read(&format!("{message}.{}", base64url([7; 64]))), Err(TokenError::Signature));
    assert!(asked.borrow().iter().all(|kid| kid == forge.key.kid()));
    assert_eq!(asked.borrow().len(), 4);
}

#[test]
fn rfc_8725bis_json_confusion() {
    for forge in forges() {
        let good = forge.key.sign(&claims()).unwrap();
        assert!(forge.read(&good).is_ok(), "control");
        let [header, payload, signature] = good.split('.').collect::<Vec<_>>().try_into().unwrap();
        let flattened =
            format!(r#"{{"payload":"{payload}","protected":"{header}","signature":"{signature}"}}"#);
        let general = format!(
            r#"{{"payload":"{payload}","signatures":[{{"protected":"{header}","signature":"{signature}"}}]}}"#
        );
        let utf16: String = good.chars().flat_map(|c| ['\0', c]).collect();
        for text in [
            flattened.clone(),
            general,
            format!("{flattened}.{payload}.{signature}"),
            format!("\u{feff}{good}"),
            utf16,
            format!(" {good}"),
            format!("{good}\n"),
            format!("{good}="),
            format!("{good}."),
            format!("{good}.AA"),
            format!(".{good}"),
            good.replacen('.', "..", 1),
            format!("{header}.{payload}"),
            String::new(),
            "..".to_owned(),
            format!("{header}..{signature}"),
            good.replace('.', "\u{ff0e}"),
            good.replace('_', "/"),
        ] {
            if text != good {
                assert_eq!(forge.read(&text), Err(TokenError::Malformed), "{text}");
            }
        }
        let json = forge.payload().to_string();
        for (bent, why) in [
            (json.replacen('{', r#"{"exp":1,"#, 1), "a claim twice"),
            (json.replacen('{', r#"{"\u0065xp":1764000060,"#, 1), "a claim twice, once escaped"),
            (json.replacen('{', r#"{"admin":true,"#, 1), "an unknown claim"),
            (format!("\u{feff}{json}"), "a byte order mark"),
            (format!("{json}{json}"), "two objects"),
            (format!("[{json}]"), "an array"),
            (format!(" {json}"), "white space before"),
            (json.replacen("leash\":{", r#"leash":{"max_sessions":9,"#, 1), "a leash member twice"),
        ] {
            assert!(matches!(forge.read(&forge.of_payload(&bent)), Err(TokenError::Claims(_))), "{why}");
        }
        let mut invalid = json.clone().into_bytes();
        let position = json.find("user").unwrap();
        invalid[position] = 0xff;
        assert!(forge.read(&forge.of_payload(invalid)).is_err(), "invalid UTF-8");
        let header = forge.header();
        for bent in [
            header.replacen('{', r#"{"alg":"none","#, 1),
            header.replacen('{', r#"{"kid":"other","#, 1),
            header.replace(TYP, "JWT"),
            header.replace(TYP, "application/temporary-key+jwt"),
            header.replace(TYP, "TEMPORARY-KEY+JWT"),
            header.replacen(r#","typ":"temporary-key+jwt""#, "", 1),
            format!(r#"["{}","{}","{}"]"#, forge.key.algorithm(), forge.key.kid(), TYP),
            format!("\u{feff}{header}"),
        ] {
            let error = forge.read(&forge.token(&bent, &json)).unwrap_err();
            assert!(matches!(error, TokenError::Header | TokenError::Typ), "{bent}: {error:?}");
        }
    }
}
