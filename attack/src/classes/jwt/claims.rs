//! CVE-2026-25537 and its like: claims of another type, missing, doubled or contradicting, under a valid signature.

use serde_json::{Value, json};

use super::{FORGED, INVALID, refuse_all};
use crate::Fault;
use crate::arena::{Arena, claims_of};
use crate::trial::Trial;

/// What a claim can be instead of what it is.
const OTHERS: &[(&str, &str)] = &[
    ("text", "\"text\""),
    ("a float", "1764000030.5"),
    ("a whole float", "1764000030.0"),
    ("a negative number", "-1"),
    ("1e400", "1e400"),
    ("null", "null"),
    ("true", "true"),
    ("an array", "[]"),
    ("an array of itself", "[1764000030]"),
    ("an object", "{}"),
    ("2^64", "18446744073709551616"),
    ("a number in quotes", "\"1764000030\""),
];

pub(super) async fn run(arena: &Arena, trial: &mut Trial) -> Result<(), Fault> {
    let forge = &arena.forge;
    let leash = json!({"max_sessions": 1, "origins": ["https://a.example"], "networks": ["127.0.0.0/8"], "client_ref": "u"});
    let token = arena.mint(&arena.mine.key, "batch", leash).await?;
    let good = claims_of(&token)?;
    let control = arena.mint(&arena.mine.key, "batch", json!({})).await?;
    let names: Vec<String> = good.as_object().into_iter().flatten().map(|(name, _)| name.clone()).collect();
    let mut bent: Vec<(String, String)> = Vec::new();
    for name in &names {
        for (what, other) in OTHERS {
            let mut claims = good.clone();
            claims[name] = json!("@");
            let json = claims.to_string().replace("\"@\"", other);
            // Any text may be a client_ref; whether it is the right one is no question of its form.
            if name == "client_ref" && other.starts_with('"') {
                continue;
            }
            bent.push((format!("{name} is {what}"), json));
        }
        if !["client_ref", "leash"].contains(&name.as_str()) {
            let mut claims = good.clone();
            if let Value::Object(map) = &mut claims {
                map.remove(name);
            }
            bent.push((format!("without {name}"), claims.to_string()));
        }
        let doubled = good.to_string().replacen('{', &format!("{{\"{name}\":{},", good[name]), 1);
        bent.push((format!("{name} twice, the same"), doubled));
    }
    for (name, value) in [
        ("aud", json!(["eu", "nowhere"])),
        ("aud", json!(["eu", "eu"])),
        ("aud", json!("eu")),
        ("aud", json!(["EU"])),
        ("aud", json!(["eu1"])),
        ("project_id", json!(arena.theirs.project_id.to_string())),
        ("sub", json!(arena.theirs.project_id.to_string())),
        ("apikey_id", json!(arena.theirs.key_id)),
        ("jti", json!(format!("{}.00000000000000000000000000", arena.theirs.key_id))),
        ("project_id", json!("+1")),
        ("project_id", json!("01")),
        ("product", json!("*")),
        ("product", json!("BATCH")),
        ("product", json!("batch rt")),
        ("iss", json!("")),
        ("client_ref", json!("x".repeat(257))),
        ("client_ref", json!("")),
        ("admin", json!(true)),
        ("scope", json!("*")),
        ("cnf", json!({"jkt": "x"})),
    ] {
        let mut claims = good.clone();
        claims[name] = value.clone();
        bent.push((format!("{name} = {value:.60}"), claims.to_string()));
    }
    let iss = good["iss"].as_str().unwrap_or_default();
    for other in [
        format!("{iss}/"),
        iss.to_uppercase(),
        format!("https://{iss}"),
        format!("user@{iss}"),
        format!(" {iss}"),
        format!("{iss}\u{0}"),
        "https://attacker.example".to_owned(),
        iss[..iss.len() - 1].to_owned(),
    ] {
        let mut claims = good.clone();
        claims["iss"] = json!(other);
        bent.push((format!("iss is {other:?}"), claims.to_string()));
    }
    for (name, value) in leashes() {
        let mut claims = good.clone();
        claims["leash"] = value;
        bent.push((format!("leash: {name}"), claims.to_string()));
    }
    // A claim that contradicts who signed or whose it is tells of a forgery; an unknown parent tells of nothing.
    let tokens = bent.into_iter().map(|(name, claims)| (name, forge.token(forge.header(), claims)));
    refuse_all(arena, trial, "claims", &control, INVALID, tokens).await;

    let text = good.to_string();
    let forms: [(&str, Vec<u8>); 9] = [
        ("an array", format!("[{text}]").into_bytes()),
        ("a BOM before", format!("\u{feff}{text}").into_bytes()),
        ("UTF-16", text.encode_utf16().flat_map(u16::to_le_bytes).collect()),
        (
            "invalid UTF-8",
            text.replace("https://a", "https://\u{1}")
                .bytes()
                .map(|b| if b == 1 { 0xff } else { b })
                .collect(),
        ),
        ("something behind", format!("{text} x").into_bytes()),
        ("nothing", b"{}".to_vec()),
        ("a text", b"\"claims\"".to_vec()),
        ("deep nesting", format!("{}1{}", "{\"a\":".repeat(150), "}".repeat(150)).into_bytes()),
        ("not base64 of JSON", b"\xff\xfe\xfd".to_vec()),
    ];
    let tokens =
        forms.into_iter().map(|(name, claims)| (name.to_owned(), forge.token(forge.header(), claims)));
    refuse_all(arena, trial, "claims as", &control, FORGED, tokens).await;
    Ok(())
}

fn leashes() -> Vec<(String, Value)> {
    let mut leashes = vec![
        ("empty".to_owned(), json!({})),
        ("unknown member".to_owned(), json!({"unknown": 1})),
        ("end_at_expiry false".to_owned(), json!({"end_at_expiry": false})),
        ("nine origins".to_owned(), json!({"origins": vec!["o"; 9]})),
        ("nine networks".to_owned(), json!({"networks": vec!["10.0.0.0/8"; 9]})),
        ("a long lock".to_owned(), json!({"lock": {"x": "y".repeat(512)}})),
    ];
    for name in
        ["max_sessions", "uses", "max_session_seconds", "max_audio_seconds", "origins", "networks", "lock"]
    {
        for value in [
            json!(null),
            json!(0),
            json!(-1),
            json!(1.5),
            json!("1"),
            json!([null]),
            json!(4_294_967_296_u64),
        ] {
            leashes.push((format!("{name} is {value}"), json!({name: value})));
        }
    }
    leashes
}
