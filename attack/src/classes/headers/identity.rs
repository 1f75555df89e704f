//! Our own names in every spelling (CVE-2026-52845, CVE-2025-64484, CVE-2026-39858), with and without a value.

use super::{FORGED, IDENTITY, judge, read_with, truth};
use crate::Fault;
use crate::arena::{Arena, accepted};
use crate::trial::{Trial, Verdict};

/// Ways to spell a name so that somebody takes it for the real one.
fn spellings(name: &str) -> Vec<(&'static str, Vec<u8>)> {
    let capital: String = name
        .split('-')
        .map(|word| format!("{}{}", word[..1].to_uppercase(), &word[1..]))
        .collect::<Vec<_>>()
        .join("-");
    vec![
        ("as it is", name.as_bytes().to_vec()),
        ("capitals", name.to_uppercase().into_bytes()),
        ("as people write it", capital.clone().into_bytes()),
        ("underscores", name.replace('-', "_").into_bytes()),
        ("underscores, capitals", name.replace('-', "_").to_uppercase().into_bytes()),
        ("the last dash an underscore", replace_last(name).into_bytes()),
        ("the first dash an underscore", name.replacen('-', "_", 1).into_bytes()),
        ("dots", name.replace('-', ".").into_bytes()),
        ("a dot before", format!(".{name}").into_bytes()),
        ("a dot behind", format!("{name}.").into_bytes()),
        ("an underscore behind", format!("{name}_").into_bytes()),
        (
            "with HTTP_ before, as CGI has it",
            format!("HTTP_{}", name.replace('-', "_").to_uppercase()).into_bytes(),
        ),
        ("X- before", format!("X-{capital}").into_bytes()),
        ("a space before", format!(" {name}").into_bytes()),
        ("a space behind", format!("{name} ").into_bytes()),
        ("a tab behind", format!("{name}\t").into_bytes()),
        ("NUL behind", format!("{name}\0").into_bytes()),
        ("CR behind", format!("{name}\r").into_bytes()),
        ("a long s", name.replace('s', "\u{17f}").replace('k', "\u{212a}").into_bytes()),
        ("a dash of another alphabet", name.replace('-', "\u{2010}").into_bytes()),
        ("a soft hyphen", format!("{}\u{ad}{}", &name[..3], &name[3..]).into_bytes()),
        ("two dashes", name.replacen('-', "--", 1).into_bytes()),
        ("no dash", name.replace('-', "").into_bytes()),
        ("escaped", name.replace('-', "%2d").into_bytes()),
    ]
}

fn replace_last(name: &str) -> String {
    match name.rsplit_once('-') {
        Some((before, after)) => format!("{before}_{after}"),
        None => name.to_owned(),
    }
}

pub(super) async fn run(arena: &Arena, trial: &mut Trial) -> Result<(), Fault> {
    for name in IDENTITY {
        for (what, spelling) in spellings(name) {
            let case = format!("headers {name}: {what}");
            let value = format!(r#"{{"user_id":"{FORGED}"}}"#);
            let line = [spelling.as_slice(), b": ", value.as_bytes(), b"\r\n"].concat();
            let answer = read_with(arena, &case, &line).await;
            trial.attack(&case, judge(arena, &arena.recorder.of(&case), &answer, &[400]));
        }
        for (what, lines) in [
            ("twice", format!("{name}: {FORGED}\r\n{name}: {FORGED}\r\n")),
            ("empty", format!("{name}:\r\n")),
            ("both ways", format!("{name}: {FORGED}\r\n{}: {FORGED}\r\n", name.replace('-', "_"))),
        ] {
            let case = format!("headers {name}: {what}");
            let answer = read_with(arena, &case, lines.as_bytes()).await;
            trial.attack(&case, judge(arena, &arena.recorder.of(&case), &answer, &[400]));
        }
    }
    on_other_routes(arena, trial).await;
    let answer = read_with(arena, "headers control", b"user-agent: control\r\naccept: text/plain\r\n").await;
    trial.control("a read with ordinary headers", accepted(&answer, 200));
    let told = arena.recorder.of("headers control").first().map(|one| {
        let seen = one.header("user-agent") == Some("control") && one.header("accept") == Some("text/plain");
        if seen { truth(arena, one) } else { Err("ordinary headers were lost".to_owned()) }
    });
    trial.control(
        "the engine sees ordinary headers",
        told.unwrap_or_else(|| Err("nothing reached it".to_owned())),
    );
    Ok(())
}

/// Every name at once, where the request has a body, opens a session, or needs no key (CVE-2026-30851: a field that is absent
/// in the decision must be absent at the engine).
async fn on_other_routes(arena: &Arena, trial: &mut Trial) {
    let forged: String = IDENTITY
        .iter()
        .flat_map(|name| [(*name).to_owned(), name.replace('-', "_"), format!("X-{name}")])
        .map(|name| format!("{name}: {FORGED}\r\n"))
        .collect();
    let handshake = "upgrade: websocket\r\nconnection: Upgrade\r\nsec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    for (name, line, more, expected) in [
        ("a create", "POST /v2/jobs", "content-length: 0\r\n", 201),
        ("speech", "POST /generate/sarah", "content-length: 0\r\n", 200),
        ("a session", "GET /v2", handshake, 101),
        ("a session of a language", "GET /v2/en", handshake, 101),
        ("a flow", "GET /v1/flow", handshake, 101),
    ] {
        let case = format!("headers on {name}");
        let bytes = format!(
            "{line} HTTP/1.1\r\nhost: localhost\r\nx-request-id: {case}\r\nauthorization: Bearer {}\r\n{forged}{more}\r\n",
            arena.mine.key
        );
        let answer = crate::wire::ask(arena.home(), bytes.as_bytes()).await;
        let reached = arena.recorder.of(&case);
        let verdict = match reached.first().map(|one| truth(arena, one)) {
            Some(Err(lie)) => Verdict::Reached(lie),
            Some(Ok(())) => Verdict::held_if(answer.status == expected, || answer.shown()),
            None => Verdict::Otherwise(format!("nothing reached the engine: {}", answer.shown())),
        };
        trial.attack(&case, verdict);
    }
    let case = "headers on the public list of features";
    let bytes = format!(
        "GET /v1/discovery/features HTTP/1.1\r\nhost: localhost\r\nx-request-id: {case}\r\n{forged}\r\n"
    );
    let answer = crate::wire::ask(arena.home(), bytes.as_bytes()).await;
    let reached = arena.recorder.of(case);
    let clean = reached.iter().all(|one| !String::from_utf8_lossy(&one.head.raw).contains(FORGED));
    let verdict = if clean {
        Verdict::held_if(answer.status == 200, || answer.shown())
    } else {
        Verdict::Reached("an identity that nobody has".to_owned())
    };
    trial.attack(case, verdict);
}
