//! Credentials where none belong, two at once, and in every wrong form (CVE-2026-26308, CVE-2026-42208).

use crate::Fault;
use crate::arena::recorder::CASE;
use crate::arena::{Arena, accepted, refused};
use crate::trial::Trial;
use crate::wire::Request;

/// Texts that have gone into queries, shells, templates and paths of others.
const INJECTIONS: &[&str] = &[
    "' OR '1'='1",
    "\" OR 1=1--",
    "vgk_' UNION SELECT secret_hash FROM api_keys--",
    "'; DROP TABLE api_keys;--",
    "1/**/OR/**/1",
    "$(id)",
    "`id`",
    "|id",
    "; id",
    "${jndi:ldap://127.0.0.1/a}",
    "{{7*7}}",
    "<script>alert(1)</script>",
    "../../etc/passwd",
    "%00",
    "%0d%0aX: y",
    "vgk_%",
    "vgk_*",
    "vgk__________________________________________________",
    "\\x00",
    "vgk_\u{e9}",
    "null\0",
    "[object Object]",
    "NaN",
    "true",
    "*",
    "Bearer",
    "Bearer Bearer x",
    "vgk_\u{202e}",
    "\u{feff}vgk_",
    "vgm_' OR 1=1--",
    "vgg_x",
];

pub(super) async fn run(arena: &Arena, trial: &mut Trial) -> Result<(), Fault> {
    let key = &arena.mine.key;
    let target = format!("/v2/jobs/{}/transcript", arena.mine.job);
    let places = [
        ("the Jobs API", target.clone(), "Permission Denied"),
        ("the management API", "/v1/projects".to_owned(), "Unauthorized"),
    ];
    for (place, path, _) in &places {
        for text in INJECTIONS {
            let case = format!("headers injection at {place}: {text:?}");
            let known: String = case.chars().filter(char::is_ascii_graphic).collect();
            let answer = Request::new("GET", path)
                .with(CASE, &known)
                .with("authorization", format!("Bearer {text}"))
                .send(arena.home())
                .await;
            // What can't stand in a header at all is malformed; what names nothing is missing.
            let (status, reasons): (u16, &[&str]) = match answer.status {
                400 => (400, &["malformed_request"]),
                _ => (401, &["credential_unknown", "token_invalid", "credential_missing"]),
            };
            trial.attack(&case, refused(&answer, status, reasons, &arena.recorder.of(&known)));
        }
    }
    for (name, lines, status, reasons) in [
        (
            "two, the same",
            format!("authorization: Bearer {key}\r\nauthorization: Bearer {key}\r\n"),
            400,
            &["credential_ambiguous"][..],
        ),
        (
            "two, the good one first",
            format!("authorization: Bearer {key}\r\nauthorization: Bearer x\r\n"),
            400,
            &["credential_ambiguous"],
        ),
        (
            "two, the good one last",
            format!("authorization: Bearer x\r\nAuthorization: Bearer {key}\r\n"),
            400,
            &["credential_ambiguous"],
        ),
        (
            "one empty, one good",
            format!("authorization:\r\nauthorization: Bearer {key}\r\n"),
            400,
            &["credential_ambiguous"],
        ),
        (
            "with a comma",
            format!("authorization: Bearer {key}, Bearer {key}\r\n"),
            401,
            &["credential_unknown"],
        ),
        ("Basic", format!("authorization: Basic {key}\r\n"), 401, &["credential_unknown"]),
        ("Token", format!("authorization: Token {key}\r\n"), 401, &["credential_unknown"]),
        ("no scheme", format!("authorization: {key}\r\n"), 401, &["credential_unknown"]),
        ("a tab", format!("authorization: Bearer\t{key}\r\n"), 401, &["credential_unknown"]),
        ("no blank", format!("authorization: Bearer{key}\r\n"), 401, &["credential_unknown"]),
        ("quotes", format!("authorization: Bearer \"{key}\"\r\n"), 401, &["credential_unknown"]),
        (
            "in Proxy-Authorization",
            format!("proxy-authorization: Bearer {key}\r\n"),
            401,
            &["credential_missing"],
        ),
        ("in X-Api-Key", format!("x-api-key: {key}\r\n"), 401, &["credential_missing"]),
        (
            "in a cookie",
            format!("cookie: jwt={key}; authorization=Bearer {key}\r\n"),
            401,
            &["credential_missing"],
        ),
        (
            "under an alias",
            format!("author_ization: Bearer {key}\r\nAuthorization_: Bearer {key}\r\n"),
            401,
            &["credential_missing"],
        ),
        (
            "one letter less",
            format!("authorization: Bearer {}\r\n", &key[..key.len() - 1]),
            401,
            &["credential_unknown"],
        ),
        ("one letter more", format!("authorization: Bearer {key}0\r\n"), 401, &["credential_unknown"]),
        (
            "in capitals",
            format!("authorization: Bearer {}\r\n", key.to_uppercase()),
            401,
            &["credential_unknown"],
        ),
    ] {
        let case = format!("headers credential: {name}");
        let bytes = format!("GET {target} HTTP/1.1\r\nhost: localhost\r\n{CASE}: {case}\r\n{lines}\r\n");
        let answer = crate::wire::ask(arena.home(), bytes.as_bytes()).await;
        trial.attack(&case, refused(&answer, status, reasons, &arena.recorder.of(&case)));
    }
    for (name, query) in
        [("jwt", "jwt"), ("api_key", "api_key"), ("access_token", "access_token"), ("token", "token")]
    {
        let case = format!("headers credential: in the query as {name}");
        let answer = Request::new("GET", &format!("{target}?{query}={key}"))
            .with(CASE, &case)
            .send(arena.home())
            .await;
        trial.attack(&case, refused(&answer, 401, &["credential_missing"], &arena.recorder.of(&case)));
    }
    for scheme in ["Bearer", "bearer", "BEARER"] {
        let answer = Request::new("GET", &target)
            .with("authorization", format!("{scheme}  {key} "))
            .send(arena.home())
            .await;
        trial.control(format!("{scheme} and blanks"), accepted(&answer, 200));
    }
    Ok(())
}
