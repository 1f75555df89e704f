//! Which path is what.

use super::query::Query;
use super::reply::{self, Body, ErrorName, Refusal};
use super::{jobs, upgrade};
use crate::engine::Sandbox;
use crate::http::connection::Door;
use crate::jobs::job::JobId;
use crate::speech::language;
use http::header::{ALLOW, HeaderValue};
use http::{Method, Request, Response, StatusCode};
use hyper::body::Incoming;
use serde_json::json;
use std::sync::Arc;

/// What a path stands for.
#[derive(Debug, PartialEq, Eq)]
enum Route {
    Jobs,
    Job(JobId),
    Transcript(JobId),
    Log(JobId),
    Data(JobId),
    Features,
    Live,
    Ready,
    Realtime,
    NoJob,
    Unknown,
}

fn route(path: &str) -> Route {
    let path = path.strip_suffix('/').unwrap_or(path);
    let parts: Vec<&str> = path.split('/').skip(1).collect();
    match parts.as_slice() {
        ["v2", "jobs"] => Route::Jobs,
        ["v2", "jobs", id, rest @ ..] => job_route(JobId::parse(id), rest),
        ["v1", "discovery", "features"] => Route::Features,
        ["live"] => Route::Live,
        ["ready"] => Route::Ready,
        ["v2"] | ["v1", "flow"] | ["v2", "agent"] | ["v2", "agent", _] => Route::Realtime,
        ["v2", language] if is_language_path(language) => Route::Realtime,
        _ => Route::Unknown,
    }
}

fn job_route(id: Option<JobId>, rest: &[&str]) -> Route {
    match (id, rest) {
        (None, _) => Route::NoJob,
        (Some(id), []) => Route::Job(id),
        (Some(id), ["transcript"]) => Route::Transcript(id),
        (Some(id), ["log"]) => Route::Log(id),
        (Some(id), ["data"]) => Route::Data(id),
        _ => Route::Unknown,
    }
}

/// Languages in paths look like `en`, `cmn` or `cmn_en`; the session's config says which one counts.
fn is_language_path(text: &str) -> bool {
    let letters = text.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
    (2..=26).contains(&text.len()) && letters && text != "usage"
}

/// Answers one request.
pub(crate) async fn answer(
    sandbox: Arc<Sandbox>,
    door: Arc<Door>,
    request: Request<Incoming>,
) -> Response<Body> {
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let response = match dispatch(&sandbox, &door, request).await {
        Ok(response) => response,
        Err(refusal) => refusal.reply(),
    };
    tracing::debug!(engine = sandbox.engine_name, %method, path, status = response.status().as_u16(), "request");
    response
}

async fn dispatch(
    sandbox: &Arc<Sandbox>,
    door: &Door,
    request: Request<Incoming>,
) -> Result<Response<Body>, Refusal> {
    let route = route(request.uri().path());
    let query = Query::parse(request.uri().query());
    match (route, request.method()) {
        (Route::Jobs, &Method::POST) => jobs::create(sandbox, request).await,
        (Route::Jobs, &Method::GET) => jobs::list(sandbox, &query),
        (Route::Jobs, _) => Ok(not_allowed("GET, POST")),
        (Route::Job(id), &Method::GET) => jobs::details(sandbox, id).await,
        (Route::Job(id), &Method::DELETE) => jobs::delete(sandbox, id, &query).await,
        (Route::Job(_), _) => Ok(not_allowed("GET, DELETE")),
        (Route::Transcript(id), &Method::GET) => jobs::transcript(sandbox, id, &query).await,
        (Route::Log(id), &Method::GET) => jobs::log(sandbox, id).await,
        (Route::Data(id), &Method::GET) => jobs::data(sandbox, id).await,
        (Route::Features, &Method::GET) => {
            Ok(reply::json(StatusCode::OK, &language::features(&sandbox.engine_name)))
        }
        (Route::Live, &Method::GET) => Ok(reply::json(StatusCode::OK, &json!({ "live": true }))),
        (Route::Ready, &Method::GET) => Ok(reply::json(StatusCode::OK, &json!({ "ready": true }))),
        (Route::Realtime, &Method::GET) => upgrade::open(door, request),
        (Route::NoJob, _) => Err(Refusal::job_not_found()),
        (Route::Unknown, _) => Err(Refusal::new(404, ErrorName::BadRequest, "no such path")),
        _ => Ok(not_allowed("GET")),
    }
}

fn not_allowed(methods: &'static str) -> Response<Body> {
    let detail = format!("this path answers to {methods} only");
    let mut response = Refusal::new(405, ErrorName::BadRequest, detail).reply();
    response.headers_mut().insert(ALLOW, HeaderValue::from_static(methods));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every documented path has its meaning, with and without a slash at its end; nothing else has one.
    #[test]
    fn paths_mean_what_is_documented() {
        let id = || JobId::parse("a1b2c3d4e5").unwrap();
        let cases = [
            ("/v2/jobs", Route::Jobs),
            ("/v2/jobs/a1b2c3d4e5", Route::Job(id())),
            ("/v2/jobs/a1b2c3d4e5/transcript", Route::Transcript(id())),
            ("/v2/jobs/a1b2c3d4e5/log", Route::Log(id())),
            ("/v2/jobs/a1b2c3d4e5/data", Route::Data(id())),
            ("/v1/discovery/features", Route::Features),
            ("/live", Route::Live),
            ("/ready", Route::Ready),
            ("/v2", Route::Realtime),
            ("/v2/en", Route::Realtime),
            ("/v2/cmn_en", Route::Realtime),
            ("/v2/agent", Route::Realtime),
            ("/v2/agent/smart:1", Route::Realtime),
            ("/v1/flow", Route::Realtime),
        ];
        for (path, expected) in cases {
            assert_eq!(route(path), expected, "{path}");
            assert_eq!(route(&format!("{path}/")), expected, "{path}/");
        }
        for path in [
            "",
            "/",
            "/v1",
            "/v3/jobs",
            "/v2/usage",
            "/v2//jobs",
            "/v2/jobs/a1b2c3d4e5/x",
            "/v2/jobs/a1b2c3d4e5//",
        ] {
            assert_eq!(route(path), Route::Unknown, "{path}");
        }
        for path in [
            "/v2/jobs/..",
            "/v2/jobs/../../etc",
            "/v2/jobs/%2e%2e",
            "/v2/jobs/short",
            "/v2/jobs/A1B2C3D4E5/log",
            "/v2/jobs//",
        ] {
            assert_eq!(route(path), Route::NoJob, "{path}");
        }
    }
}
