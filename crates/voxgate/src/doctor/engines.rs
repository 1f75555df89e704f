//! The engines: reachable, taking our token, and what they say of themselves.

use std::time::Duration;

use bytes::Bytes;
use domain::{Clock, Region};
use gateway::Upstream;
use http::{HeaderMap, HeaderValue, Request, StatusCode, header};
use http_body_util::Full;
use serde_json::Value;
use tokio::time::timeout;

use super::{Report, clock};
use crate::config::{RegionSettings, Settings};
use crate::operator::CallError;
use crate::remote::{HttpAnswer, HttpClient};
use crate::serve::{self, Environment};

const ABOUT: &str = "engines";
/// An engine that is well answers within this.
const ANSWER_SECONDS_MAX: u64 = 5;

pub(super) async fn look(
    report: &mut Report,
    settings: &Settings,
    clock: &dyn Clock,
    environment: Environment<'_>,
) {
    let mut is_any = false;
    for region in settings.regions.iter().filter(|region| region.has_engine()) {
        is_any = true;
        look_at(report, region, clock, environment).await;
    }
    if !is_any {
        report.warn(
            ABOUT,
            "no region has an engine: batch and realtime answer 503",
            "set batch_upstream or realtime_upstream of a region",
        );
    }
}

async fn look_at(
    report: &mut Report,
    region: &RegionSettings,
    clock: &dyn Clock,
    environment: Environment<'_>,
) {
    let name = region.region;
    let token = match serve::engine_token(region, environment) {
        Ok(token) => token,
        Err(error) => {
            let CallError(says) = CallError::from_error(&error);
            report.fail(ABOUT, says, "put the engine's token where the configuration says that it is");
            return;
        }
    };
    let http = match HttpClient::new(region.engine_tls.authorities.as_deref()) {
        Ok(http) => http,
        Err(error) => {
            let CallError(says) = CallError::from_error(&error);
            report.fail(ABOUT, says, "use a file of certificates in PEM form");
            return;
        }
    };
    let engine = Engine { http, token: token.as_ref().map(|token| token.expose().to_owned()), clock };
    if let Some(upstream) = &region.batch_upstream {
        batch(report, &engine, name, upstream).await;
    }
    for (what, upstream) in
        [("realtime engine", &region.realtime_upstream), ("text-to-speech engine", &region.tts_upstream)]
    {
        if let Some(upstream) = upstream {
            reachable(report, &engine, name, what, upstream).await;
        }
    }
}

/// How an engine is asked.
struct Engine<'a> {
    http: HttpClient,
    token: Option<String>,
    clock: &'a dyn Clock,
}

impl Engine<'_> {
    async fn get(&self, upstream: &Upstream, path: &str) -> Result<HttpAnswer, String> {
        let mut headers = HeaderMap::new();
        if let Some(token) = &self.token
            && let Ok(mut value) = HeaderValue::from_str(&format!("Bearer {token}"))
        {
            value.set_sensitive(true);
            headers.insert(header::AUTHORIZATION, value);
        }
        let scheme = if upstream.is_tls() { "https" } else { "http" };
        let mut request =
            Request::get(format!("{scheme}://{}{}{path}", upstream.authority(), upstream.base_path()))
                .body(Full::<Bytes>::default())
                .map_err(|error| error.to_string())?;
        *request.headers_mut() = headers;
        match timeout(Duration::from_secs(ANSWER_SECONDS_MAX), self.http.send(request)).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => Err(CallError::from_error(&error).0),
            Err(_) => Err(format!("no answer came within {ANSWER_SECONDS_MAX} seconds")),
        }
    }
}

fn unreachable(report: &mut Report, region: Region, what: &str, upstream: &Upstream, why: &str) {
    report.fail(
        ABOUT,
        format!("the {what} of {region} at {} can't be reached: {why}", upstream.authority()),
        "start the engine, or correct its URL in the configuration",
    );
}

async fn batch(report: &mut Report, engine: &Engine<'_>, region: Region, upstream: &Upstream) {
    let asked = engine.clock.now();
    let answer = match engine.get(upstream, "/v2/jobs?limit=1").await {
        Ok(answer) => answer,
        Err(why) => return unreachable(report, region, "batch engine", upstream, &why),
    };
    let whose = format!("the batch engine of {region}");
    clock::against_answer(report, &whose, &answer.headers, asked, engine.clock.now());
    match answer.status {
        status if status.is_success() => report.ok(ABOUT, format!("{whose} lists its jobs")),
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => report.fail(
            ABOUT,
            format!("{whose} answers {}: it wants another token, or one at all", answer.status),
            format!("set engine_token_file or engine_token_env of regions.{region}"),
        ),
        status => report.fail(
            ABOUT,
            format!("{whose} answers {status} when asked for its jobs"),
            "check that this URL leads to a Jobs API (batch_upstream), and the engine's log",
        ),
    }
    if let Ok(answer) = engine.get(upstream, "/v1/discovery/features").await
        && answer.status.is_success()
        && let Some(languages) = languages(&answer.body)
    {
        report.ok(ABOUT, format!("{whose} says that it transcribes {languages}"));
    }
}

/// The languages of a discovery document, wherever it lists them: `languages` of `batch` and `realtime` entries.
fn languages(body: &[u8]) -> Option<String> {
    let document: Value = serde_json::from_slice(body).ok()?;
    let mut found = std::collections::BTreeSet::new();
    collect_languages(&document, &mut found);
    if found.is_empty() { None } else { Some(found.into_iter().collect::<Vec<_>>().join(", ")) }
}

fn collect_languages(value: &Value, found: &mut std::collections::BTreeSet<String>) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                if name == "languages"
                    && let Some(list) = member.as_array()
                {
                    let codes = list.iter().filter_map(Value::as_str);
                    found.extend(codes.filter(|code| code.len() <= 16 && code.is_ascii()).map(str::to_owned));
                } else {
                    collect_languages(member, found);
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| collect_languages(item, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Whatever it answers to a plain request: something listens there and speaks HTTP, as WebSockets begin.
async fn reachable(
    report: &mut Report,
    engine: &Engine<'_>,
    region: Region,
    what: &str,
    upstream: &Upstream,
) {
    let asked = engine.clock.now();
    match engine.get(upstream, "/v2").await {
        Ok(answer) => {
            report.ok(ABOUT, format!("the {what} of {region} answers"));
            let whose = format!("the {what} of {region}");
            clock::against_answer(report, &whose, &answer.headers, asked, engine.clock.now());
        }
        Err(why) => unreachable(report, region, what, upstream, &why),
    }
}
