//! Headers: members that are missing, too many, doubled, of another type, or not understood.

use serde_json::{Value, json};

use super::{FORGED, INVALID, refuse_all};
use crate::Fault;
use crate::arena::Arena;
use crate::arena::forge::TYP;
use crate::trial::Trial;

/// Values of every type of JSON.
const VALUES: &[&str] = &[
    "null",
    "true",
    "false",
    "0",
    "1",
    "-1",
    "1.5",
    "1e400",
    "18446744073709551616",
    "[]",
    "{}",
    "\"\"",
    "\" \"",
];

pub(super) async fn run(arena: &Arena, trial: &mut Trial) -> Result<(), Fault> {
    let forge = &arena.forge;
    let claims = arena.claims("batch").await?.to_string();
    let good = forge.token(forge.header(), &claims);
    let members = json!({"alg": "EdDSA", "kid": forge.key.kid().as_str(), "typ": TYP});
    let mut bent: Vec<(String, String)> = Vec::new();
    for name in ["alg", "kid", "typ"] {
        let mut without = members.clone();
        if let Value::Object(map) = &mut without {
            map.remove(name);
        }
        bent.push((format!("without {name}"), without.to_string()));
        for value in VALUES {
            let mut other = members.clone();
            other[name] = json!("@");
            bent.push((format!("{name} is {value}"), other.to_string().replace("\"@\"", value)));
        }
        let doubled = forge.header().replacen('{', &format!("{{\"{name}\":\"x\","), 1);
        bent.push((format!("{name} twice"), doubled));
        let own = members[name].as_str().unwrap_or_default();
        let escaped = forge.header().replacen(
            '{',
            &format!("{{\"\\u00{:x}{}\":\"{own}\",", name.as_bytes()[0], &name[1..]),
            1,
        );
        bent.push((format!("{name} twice, once escaped"), escaped));
        bent.push((
            format!("{name} in capitals"),
            forge.header().replace(&format!("\"{name}\""), &format!("\"{}\"", name.to_uppercase())),
        ));
    }
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
        r#"["kid","typ"]"#,
        r#"["http://example.invalid/UNDEFINED"]"#,
        "true",
        "[null]",
        "[[]]",
    ] {
        bent.push((
            format!("crit is {crit}"),
            forge.header().replacen('{', &format!("{{\"crit\":{crit},"), 1),
        ));
    }
    for more in [
        r#""b64":false"#,
        r#""b64":true"#,
        r#""zip":"DEF""#,
        r#""enc":"A256GCM""#,
        r#""cty":"JWT""#,
        r#""p2c":2147483647"#,
        r#""epk":{}"#,
        r#""iv":"a""#,
        r#""tag":"a""#,
        r#""nonce":"a""#,
        r#""url":"http://127.0.0.1/""#,
        r#""x":1"#,
        r#""__proto__":{}"#,
        r#""apu":"a""#,
        r#""exp":9999999999"#,
    ] {
        bent.push((format!("with {more}"), forge.header().replacen('{', &format!("{{{more},"), 1)));
    }
    for typ in [
        "JWT",
        "jwt",
        "at+jwt",
        "temporary-key",
        "TEMPORARY-KEY+JWT",
        "application/temporary-key+jwt",
        "temporary-key+jwt ",
        "temporary-key+jwt\\u0000",
        "id+jwt",
        "dpop+jwt",
        "logout+jwt",
        "secevent+jwt",
        "jose",
        "JOSE+JSON",
        "temporary-key+JWT",
    ] {
        bent.push((format!("typ {typ}"), forge.header().replace(TYP, typ)));
    }
    let tokens = bent.into_iter().map(|(name, header)| (name, forge.token(header, &claims)));
    refuse_all(arena, trial, "header", &good, INVALID, tokens).await;

    let own = forge.header();
    let forms: [(&str, Vec<u8>); 12] = [
        ("an array", format!("[{own}]").into_bytes()),
        ("its values in an array", br#"["EdDSA","a","b"]"#.to_vec()),
        ("a text", b"\"header\"".to_vec()),
        ("nothing", Vec::new()),
        ("a BOM before", format!("\u{feff}{own}").into_bytes()),
        ("UTF-16", own.encode_utf16().flat_map(u16::to_le_bytes).collect()),
        ("invalid UTF-8", own.replace("EdDSA", "Ed").into_bytes().into_iter().chain([0xff]).collect()),
        ("something behind", format!("{own}{{}}").into_bytes()),
        ("a space before", format!(" {own}").into_bytes()),
        ("a comment", format!("{own}//").into_bytes()),
        ("single quotes", own.replace('"', "'").into_bytes()),
        ("a KiB of spaces inside", own.replacen('{', &format!("{{{}", " ".repeat(1024)), 1).into_bytes()),
    ];
    let tokens = forms.into_iter().map(|(name, header)| (name.to_owned(), forge.token(header, &claims)));
    refuse_all(arena, trial, "header as", &good, FORGED, tokens).await;
    Ok(())
}
