//! Other people's servers behind the gateway: nginx, Apache, HAProxy, Node and uvicorn, since parsers differ. The rule: what such
//! an engine takes a request for is the resource that the decision named, and it hears of no other.

mod engines;

use serde_json::json;

use crate::Fault;
use crate::arena::Arena;
use crate::arena::recorder::Behind;
use crate::classes::{framing, paths};
use crate::trial::{Trial, Verdict};
use crate::wire::Request;
use engines::{Engine, Kind};

/// Runs the spellings of paths and the lengths of bodies through each of them.
pub(crate) async fn run(arena: &Arena, trial: &mut Trial) -> Result<(), Fault> {
    for kind in Kind::ALL {
        let engine = match Engine::start(*kind).await {
            Ok(engine) => engine,
            Err(fault) => {
                trial.miss(format!("{}: {fault}", kind.name()));
                continue;
            }
        };
        arena.recorder.clear();
        arena.recorder.put_behind(Behind::Engine(engine.address));
        let outcome = behind(arena, trial, &engine).await;
        arena.recorder.put_behind(Behind::Nobody);
        outcome?;
    }
    Ok(())
}

async fn behind(arena: &Arena, trial: &mut Trial, engine: &Engine) -> Result<(), Fault> {
    let name = engine.kind.name();
    let (mine, key) = (&arena.mine.job, &arena.mine.key);
    for path in [
        format!("/v2/jobs/{mine}/transcript"),
        format!("/v2/jobs/{mine}/transcript/"),
        format!("/v2/jobs/{mine}/data"),
        format!("/v2/jobs/{mine}/log"),
        "/v1/discovery/features".to_owned(),
    ] {
        let answer = Request::new("GET", &path).bearer(key).send(arena.home()).await;
        let told = answer.json()["resource"].as_str().unwrap_or_default().to_owned();
        let fine = answer.status == 200 && told == path.trim_end_matches('/');
        trial.control(format!("{name}: {path}"), if fine { Ok(()) } else { Err(answer.shown()) });
    }
    for (index, path) in paths::seeds(arena).iter().enumerate() {
        let case = format!("{name} path {index}");
        let answer = paths::ask(arena, &case, path).await;
        let verdict = match paths::allowed(arena, path) {
            None => paths::judge(arena, path, &answer, &arena.recorder.of(&case)),
            // What the engine says that it was asked for.
            Some(plain) => {
                let told = answer.json()["resource"].as_str().map(str::to_owned);
                let fine = told.as_ref().is_none_or(|told| *told == plain.trim_end_matches('/'));
                if fine { Verdict::Held } else { Verdict::Reached(format!("{path:?} became {told:?}")) }
            }
        };
        trial.attack(format!("foreign {case}: {path:?}"), verdict);
    }
    framing::through(arena, trial, &format!("foreign {name}")).await;
    for (what, framing) in [
        ("a length", "content-length: 5\r\n\r\nhello"),
        ("chunks", "transfer-encoding: chunked\r\n\r\n2;a=b\r\nhe\r\n3\r\nllo\r\n0\r\nx-trailer: y\r\n\r\n"),
    ] {
        let bytes =
            format!("POST /v2/jobs HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {key}\r\n{framing}");
        let answer = crate::wire::ask(arena.home(), bytes.as_bytes()).await;
        // It gives no id of a job, so that the gateway has nothing to tell: what counts is that it was asked once.
        trial.control(
            format!("{name}: an upload by {what}"),
            if answer.status == 500 { Ok(()) } else { Err(answer.shown()) },
        );
    }
    let verdict = heard(arena, engine).await;
    trial.attack(format!("foreign {name}: it heard what was decided, and nothing else"), verdict);
    Ok(())
}

/// How often the two records are compared: the gateway may still be ending what a client broke off.
const COMPARISONS_MAX: usize = 10;

/// Compares the engine's own log with what the gateway sent.
async fn heard(arena: &Arena, engine: &Engine) -> Verdict {
    let mut unknown = None;
    for _ in 0..COMPARISONS_MAX {
        let lines = engine.lines().await;
        if lines.len() < 5 {
            return Verdict::Otherwise(format!("it has logged {} requests", lines.len()));
        }
        unknown = unknown_line(arena, &lines);
        if unknown.is_none() {
            return Verdict::Held;
        }
    }
    Verdict::Reached(json!({"heard": unknown}).to_string())
}

/// A line of the engine's log that stands for nothing that the gateway sent.
fn unknown_line(arena: &Arena, lines: &[String]) -> Option<String> {
    let sent: Vec<(String, String)> = arena
        .recorder
        .all()
        .iter()
        .map(|one| {
            let target = one.head.target.split('?').next().unwrap_or_default().to_owned();
            (one.header("voxgate-request-id").unwrap_or_default().to_owned(), target)
        })
        .collect();
    let is_known = |line: &&String| {
        let mut words = line.split(' ');
        let (id, _, path) =
            (words.next().unwrap_or_default(), words.next(), words.next().unwrap_or_default());
        // Connections that ended before a request came are logged by some.
        let is_nothing = matches!(path, "" | "-" | "<BADREQ>");
        is_nothing || sent.iter().any(|(sent_id, target)| sent_id == id && target == path)
    };
    lines.iter().find(|line| !is_known(line)).cloned()
}
