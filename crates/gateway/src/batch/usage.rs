//! `GET /v2/usage`, from the ledger. As in the cloud the present UTC day is not in it.

use std::collections::BTreeMap;

use domain::{Refusal, Timestamp};
use http::{Response, StatusCode};
use jiff::ToSpan as _;
use jiff::tz::Offset;
use ledger::UsageLine;
use serde::Serialize;

use super::call::Call;
use super::{internal, upkeep};
use crate::meter::day_of;
use crate::policy::{Date, Query};
use crate::{Body, answer};

/// Jobs that are asked for before usage is told, where nobody has seen their end.
const SETTLED_FIRST_MAX: u64 = 100;
const SECONDS_PER_HOUR: f64 = 3600.0;

#[derive(Serialize)]
struct UsageJson {
    since: String,
    until: String,
    summary: Vec<Line>,
    details: Vec<Line>,
}

#[derive(Serialize)]
struct Line {
    mode: &'static str,
    #[serde(rename = "type")]
    kind: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    language: Option<String>,
    // The published schema names the one, its examples the other.
    #[serde(skip_serializing_if = "Option::is_none")]
    operating_point: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    model: Option<String>,
    count: i64,
    duration_hrs: f64,
}

/// Answers with the usage of the caller's project.
pub(super) async fn usage(call: &Call<'_>, query: &Query) -> Result<Response<Body>, Refusal> {
    let failed = |error| internal(&error, call.request_id);
    let ledger = &call.site.ledger;
    let project_id = call.principal.project_id();
    let today = day_of(call.now);
    let first = ledger.first_job_at(project_id).await.map_err(failed)?;
    let yesterday = today.plus_seconds(-86_400);
    let from = query.since.map_or_else(|| first.map_or(yesterday, day_of).min(yesterday), start_of);
    // `until` is inclusive, and never reaches into today.
    let asked_until = query.until.and_then(|date| date.checked_add(1.day()).ok()).map_or(today, start_of);
    let until = asked_until.min(today);
    let lines = if from < until {
        let unsettled = ledger.unsettled_of(project_id, from, until, SETTLED_FIRST_MAX).await;
        upkeep::settle(call.gateway, call.site, &unsettled.map_err(failed)?).await;
        ledger.usage(project_id, from, until).await.map_err(failed)?
    } else {
        Vec::new()
    };
    let body = UsageJson {
        since: seconds_rfc3339(from),
        until: seconds_rfc3339(until.max(from.plus_seconds(1)).plus_seconds(-1)),
        summary: summary(&lines),
        details: lines.into_iter().map(detail).collect(),
    };
    Ok(answer::json(StatusCode::OK, &body, call.request_id))
}

fn start_of(date: Date) -> Timestamp {
    let start = Offset::UTC.to_timestamp(date.at(0, 0, 0, 0));
    Timestamp::from_micros(start.map_or(0, |time| time.as_microsecond()))
}

/// RFC 3339 with whole seconds, as in the published examples.
fn seconds_rfc3339(time: Timestamp) -> String {
    match jiff::Timestamp::from_second(time.as_seconds()) {
        Ok(time) => time.to_string(),
        Err(_) => time.to_rfc3339(),
    }
}

fn summary(lines: &[UsageLine]) -> Vec<Line> {
    let mut kinds: BTreeMap<&str, (i64, f64)> = BTreeMap::new();
    for line in lines {
        let sum = kinds.entry(&line.kind).or_default();
        sum.0 += line.count;
        sum.1 += line.duration_seconds;
    }
    let line = |(kind, (count, seconds)): (&str, (i64, f64))| Line {
        mode: "batch",
        kind: kind.to_owned(),
        language: None,
        operating_point: None,
        model: None,
        count,
        duration_hrs: hours(seconds),
    };
    kinds.into_iter().map(line).collect()
}

fn detail(line: UsageLine) -> Line {
    Line {
        mode: "batch",
        kind: line.kind,
        language: line.language,
        operating_point: line.model.clone(),
        model: line.model,
        count: line.count,
        duration_hrs: hours(line.duration_seconds),
    }
}

/// Hours, to a third of a second.
fn hours(seconds: f64) -> f64 {
    const PARTS: f64 = 10_000.0;
    (seconds / SECONDS_PER_HOUR * PARTS).round() / PARTS
}
