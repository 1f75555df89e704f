//! Spellings of paths. The rule: what reaches the engine is the very resource that the decision named, byte for byte, and
//! whatever could be read as another one is refused.

mod generated;
mod seeds;

use crate::Fault;
use crate::arena::recorder::{CASE, Reached};
use crate::arena::{Arena, accepted, refused};
use crate::trial::{Trial, Verdict};
use crate::wire::Answer;
use crate::wire::http2::{self, Ended, Http2};

/// The host of region eu1's Jobs API.
const BATCH_HOST: &str = "eu1.asr.localhost";
/// How many spellings are generated.
const GENERATED: usize = 2000;
/// Where the generator begins. Another number gives other spellings.
const SEED: u64 = 0x5eed_2026_1126;

/// Runs all of them: the seeds over HTTP/1.1 and, every fourth, over HTTP/2; the generated ones over HTTP/1.1.
pub(crate) async fn run(arena: &Arena, trial: &mut Trial) -> Result<(), Fault> {
    for path in plain_paths(arena) {
        let answer = ask(arena, "control", &path).await;
        trial.control(&path, accepted(&answer, 200));
    }
    let seeds = seeds(arena);
    for (index, path) in seeds.iter().enumerate() {
        let case = format!("paths seed {index}");
        let answer = ask(arena, &case, path).await;
        trial.attack(format!("{case}: {path:?}"), judge(arena, path, &answer, &arena.recorder.of(&case)));
    }
    for (index, path) in seeds.iter().enumerate().step_by(4) {
        let case = format!("paths seed {index} over HTTP/2");
        let verdict = over_http2(arena, &case, path).await;
        trial.attack(format!("{case}: {path:?}"), verdict);
    }
    let mut spellings = generated::Spellings::new(SEED, &arena.mine.job, &arena.theirs.job);
    for index in 0..GENERATED {
        let path = spellings.next();
        let case = format!("paths generated {index}");
        let answer = ask(arena, &case, &path).await;
        trial.attack(format!("{case}: {path:?}"), judge(arena, &path, &answer, &arena.recorder.of(&case)));
    }
    Ok(())
}

/// The seeds, for the jobs of this arena.
pub(crate) fn seeds(arena: &Arena) -> Vec<String> {
    seeds::all(&arena.mine.job, &arena.theirs.job)
}

/// Every path of the Jobs API that is plain, with and without a final slash.
fn plain_paths(arena: &Arena) -> Vec<String> {
    let job = &arena.mine.job;
    let paths = [
        "/v2/jobs".to_owned(),
        format!("/v2/jobs/{job}"),
        format!("/v2/jobs/{job}/transcript"),
        format!("/v2/jobs/{job}/data"),
        format!("/v2/jobs/{job}/log"),
        "/v2/usage".to_owned(),
        "/v1/discovery/features".to_owned(),
    ];
    paths.into_iter().flat_map(|path| [format!("{path}/"), path]).collect()
}

pub(crate) async fn ask(arena: &Arena, case: &str, path: &str) -> Answer {
    let mut request = format!("GET {path} HTTP/1.1\r\nhost: {BATCH_HOST}\r\n{CASE}: {case}\r\n").into_bytes();
    request.extend_from_slice(
        format!("authorization: Bearer {}\r\nconnection: close\r\n\r\n", arena.mine.key).as_bytes(),
    );
    crate::wire::ask(arena.places().hosts, &request).await
}

/// What the engine may see for this spelling: nothing, unless it is byte for byte a path of ours.
pub(crate) fn allowed(arena: &Arena, sent: &str) -> Option<String> {
    let path = sent.split('?').next().unwrap_or_default();
    plain_paths(arena).into_iter().find(|plain| plain == path)
}

/// The oracle.
pub(crate) fn judge(arena: &Arena, sent: &str, answer: &Answer, reached: &[Reached]) -> Verdict {
    let Some(plain) = allowed(arena, sent) else {
        let statuses: &[(u16, &[&str])] = &[
            (400, &["malformed_request"]),
            (404, &["not_found", "job_not_found"]),
            (414, &["too_large"]),
            (405, &["method_not_allowed"]),
            (401, &["credential_missing"]),
        ];
        let expected = statuses.iter().find(|(status, _)| *status == answer.status);
        let (status, reasons) = expected.copied().unwrap_or((400, &["malformed_request"]));
        return refused(answer, status, reasons, reached);
    };
    let resource = plain.trim_end_matches('/');
    for one in reached {
        let target = one.head.target.split('?').next().unwrap_or_default();
        // A list looks up jobs, its caller's alone.
        let of_list =
            resource == "/v2/jobs" && target.starts_with("/v2/jobs/") && !target.contains(&arena.theirs.job);
        let project = arena.mine.project_id.to_string();
        let is_mine = one.header("voxgate-project") == Some(&project) || resource == "/v1/discovery/features";
        if !(target == resource || of_list) || !is_mine {
            return Verdict::Reached(format!("sent {sent:?}, the engine got {}", one.head.target));
        }
    }
    // What stands behind the path may be wrong by itself.
    let fine = matches!(answer.status, 200 | 422) || answer.status == 400 && reached.is_empty();
    Verdict::held_if(fine, || answer.shown())
}

async fn over_http2(arena: &Arena, case: &str, path: &str) -> Verdict {
    let authorization = format!("Bearer {}", arena.mine.key);
    let fields: [(&[u8], &[u8]); 6] = [
        (b":method", b"GET"),
        (b":scheme", b"http"),
        (b":authority", BATCH_HOST.as_bytes()),
        (b":path", path.as_bytes()),
        (CASE.as_bytes(), case.as_bytes()),
        (b"authorization", authorization.as_bytes()),
    ];
    let Ok(mut client) = Http2::connect(arena.places().hosts).await else {
        return Verdict::Otherwise("no connection".to_owned());
    };
    let flags = http2::END_HEADERS | http2::END_STREAM;
    client.send(&http2::frame(http2::HEADERS, flags, 1, &http2::block(&fields))).await;
    let ended = client.ended(1).await;
    let reached = arena.recorder.of(case);
    match (allowed(arena, path), reached.first()) {
        (None, Some(one)) => Verdict::Reached(format!("sent {path:?}, the engine got {}", one.head.target)),
        (Some(plain), Some(one))
            if one.head.target.split('?').next() != Some(plain.trim_end_matches('/')) =>
        {
            Verdict::Reached(format!("sent {path:?}, the engine got {}", one.head.target))
        }
        (None, None) => {
            let fine =
                matches!(ended, Ended::Answered(400 | 401 | 404 | 405 | 414) | Ended::Reset | Ended::Over);
            Verdict::held_if(fine, || format!("{ended:?}"))
        }
        (Some(_), _) => Verdict::held_if(ended == Ended::Answered(200), || format!("{ended:?}")),
    }
}
