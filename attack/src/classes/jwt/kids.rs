//! kid: the attacker's text, and never a path, a query, or a reason to fetch anything.

use super::{FORGED, INVALID, refuse_all};
use crate::Fault;
use crate::arena::Arena;
use crate::arena::forge::Forge;
use crate::trial::Trial;

pub(super) async fn run(arena: &Arena, trial: &mut Trial) -> Result<(), Fault> {
    let forge = &arena.forge;
    let claims = arena.claims("batch").await?.to_string();
    let good = forge.token(forge.header(), &claims);
    let own = forge.key.kid().as_str();
    let other = Forge::foreign();
    let kids = [
        "../../dev/null".to_owned(),
        "/dev/null".to_owned(),
        "..\\\\..\\\\windows\\\\win.ini".to_owned(),
        "file:///etc/passwd".to_owned(),
        "' OR 1=1--".to_owned(),
        "' UNION SELECT 'a'--".to_owned(),
        "$(id)".to_owned(),
        "|id".to_owned(),
        "a\\u0000".to_owned(),
        format!("{own}\\u0000"),
        format!("{own} "),
        format!(" {own}"),
        own.to_uppercase(),
        own[..own.len() - 1].to_owned(),
        format!("{own}a"),
        format!("{own}.."),
        "__proto__".to_owned(),
        "constructor".to_owned(),
        "a".repeat(43),
        "*".to_owned(),
        "%00".to_owned(),
        "\\ud800".to_owned(),
        "ключ".to_owned(),
        "127.0.0.1".to_owned(),
        "http://169.254.169.254/latest/meta-data".to_owned(),
        other.key.kid().to_string(),
    ];
    let tokens = kids.map(|kid| (kid.clone(), forge.token(forge.header().replace(own, &kid), &claims)));
    refuse_all(arena, trial, "kid", &good, INVALID, tokens).await;
    let long = "a".repeat(64 * 1024);
    let tokens = [
        ("64 KiB".to_owned(), forge.token(forge.header().replace(own, &long), &claims)[..4000].to_owned()),
        ("another instance's key and kid".to_owned(), other.token(other.header(), &claims)),
        ("another instance's key under our kid".to_owned(), other.token(forge.header(), &claims)),
    ];
    refuse_all(arena, trial, "kid of others", &good, FORGED, tokens).await;
    Ok(())
}
