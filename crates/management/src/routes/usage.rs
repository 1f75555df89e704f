//! `/v1/usage`: what was used, by day, project, API key, end user, region and mode.

use std::collections::BTreeMap;

use axum::Json;
use control::{Refusals, UsageError, usage_days};
use domain::usage::{Day, UsageCounts, UsageGroup, UsageGroups, UsageKey, UsageQuery};
use domain::{Permission, Region};
use http::{HeaderMap, Method, Uri};
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

use crate::auth;
use crate::context::Context;
use crate::document::field::{self, INTEGER_MAX, LINE};
use crate::document::{Api, Callers, Operation, Tag};
use crate::invalid::Invalid;
use crate::problem::Problem;
use crate::request;
use crate::routes::sessions;

/// What was used; of the first fields those that it is grouped by.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = UsageRow)]
struct UsageRow {
    /// The UTC day.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = Date)]
    day: Option<String>,
    /// The project.
    #[serde(skip_serializing_if = "Option::is_none")]
    project_id: Option<i64>,
    /// The API key, itself and what it minted.
    #[serde(skip_serializing_if = "Option::is_none")]
    apikey_id: Option<String>,
    /// The end user; null for nobody in particular.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    client_ref: Option<Option<String>>,
    /// The region.
    #[serde(skip_serializing_if = "Option::is_none")]
    region: Option<String>,
    /// `batch` or `realtime`.
    #[serde(skip_serializing_if = "Option::is_none")]
    mode: Option<String>,
    /// Audio that came in, in seconds.
    audio_seconds: f64,
    /// Realtime sessions that began.
    sessions: u64,
    /// Requests; sessions are none.
    requests: u64,
    /// Bytes from clients.
    received_bytes: u64,
    /// Requests and sessions that were refused though the credential was genuine.
    refusals: u64,
    /// The same, by their stable reasons.
    refusals_by_reason: BTreeMap<String, u64>,
}

impl UsageRow {
    fn new(key: UsageKey, counts: UsageCounts, refusals: Refusals) -> Self {
        Self {
            day: key.day.map(|day| day.to_string()),
            project_id: key.project_id.map(domain::ProjectId::get),
            apikey_id: key.api_key_id.map(|id| id.to_string()),
            client_ref: key.client_ref.map(|client_ref| client_ref.map(String::from)),
            region: key.region.map(|region| region.to_string()),
            mode: key.mode.map(|mode| mode.to_string()),
            audio_seconds: counts.audio_seconds(),
            sessions: counts.sessions,
            requests: counts.requests,
            received_bytes: counts.received_bytes,
            refusals: counts.refusals,
            refusals_by_reason: refusals
                .into_iter()
                .map(|(reason, count)| (reason.to_string(), count))
                .collect(),
        }
    }
}

/// What was used.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Usage)]
struct UsageAnswer {
    /// The first UTC day that it is about.
    #[schema(format = Date)]
    since: String,
    /// The last one.
    #[schema(format = Date)]
    until: String,
    /// What was used, in the order of what it is grouped by; one sum where it isn't.
    usage: Vec<UsageRow>,
}

/// The operations of this path.
pub(crate) fn operations(api: Api) -> Api {
    let regions: Vec<&str> = Region::ALL.iter().map(|region| region.as_str()).collect();
    let groups: Vec<&str> = UsageGroup::ALL.iter().map(|group| group.as_str()).collect();
    let groups = groups.join("|");
    let groups = json!({"type": "string", "pattern": format!("^({groups})(,({groups}))*$")});
    let day = json!({"type": "string", "format": "date"});
    let project = json!({"type": "integer", "minimum": 1, "maximum": INTEGER_MAX});
    let read = Operation::new(Method::GET, "/v1/usage", "get_usage", Tag::Usage, "Read the usage")
        .says("What the gateways accepted, by UTC days, with deleted projects in it. They tell what they counted twice a \
               second. At most 10000 rows.")
        .callers(Callers::Managers(Permission::ViewUsage))
        .query("since", day.clone(), "The first day: 29 days before the last if left out.")
        .query("until", day, "The last day: today if left out.")
        .query("group_by", groups, "What it is told apart by, with commas; one sum if left out.")
        .query("project_id", project, "Only this project's.")
        .query("apikey_id", field::id("key_"), "Only that of this API key, and of what it minted.")
        .query("client_ref", json!({"type": "string", "minLength": 1, "pattern": LINE}), "Only this end user's.")
        .query("region", json!({"type": "string", "enum": regions}), "Only that in this region.")
        .answers::<UsageAnswer>(200, "The usage.");
    api.add(read, get)
}

/// Reads the usage.
async fn get(context: Context, uri: Uri, headers: HeaderMap) -> Result<Json<UsageAnswer>, Problem> {
    let query = request::query(&uri);
    let managing = auth::managing(&context, &headers, &query, Permission::ViewUsage).await?;
    let (first, last) = (day(&query, "since")?, day(&query, "until")?);
    let days = usage_days(first, last, context.control.now());
    let (since, until) =
        days.ok_or_else(|| Invalid::pattern("since in query should not come after until"))?;
    let asked = UsageQuery {
        workspace_id: managing.workspace_id,
        since,
        until,
        project_id: request::project_filter(&query)?,
        api_key_id: sessions::api_key(&query)?,
        client_ref: request::client_ref(&query)?,
        region: request::choice(&query, "region", Region::ALL, Region::as_str)?,
        groups: groups(&query)?,
    };
    let rows = context.control.sum_usage(&asked).await.map_err(|error| match error {
        UsageError::TooManyRows => Problem::from(
            Invalid::pattern("group_by in query asks for too much").with_detail(error.to_string()),
        ),
        UsageError::Store(error) => error.into(),
    })?;
    let mut refusals = context.control.sum_refusals(&asked).await?;
    let row = |(key, counts): (UsageKey, UsageCounts)| {
        let refusals = refusals.remove(&key).unwrap_or_default();
        UsageRow::new(key, counts, refusals)
    };
    Ok(Json(UsageAnswer {
        since: since.to_string(),
        until: until.to_string(),
        usage: rows.into_iter().map(row).collect(),
    }))
}

/// A day in the query.
fn day(query: &[(String, String)], name: &str) -> Result<Option<Day>, Invalid> {
    let Some(text) = request::one(query, name)? else { return Ok(None) };
    Day::parse(text)
        .map(Some)
        .ok_or_else(|| Invalid::wrong_type(name, "query", "date").with_detail("A UTC day, as in 2027-01-31"))
}

/// What the query groups by.
fn groups(query: &[(String, String)]) -> Result<UsageGroups, Invalid> {
    let Some(text) = request::one(query, "group_by")? else { return Ok(UsageGroups::EMPTY) };
    let names: Vec<&str> = UsageGroup::ALL.iter().map(|group| group.as_str()).collect();
    let read = |name| UsageGroup::from_name(name).ok_or_else(|| Invalid::one_of("group_by", "query", &names));
    text.split(',').map(read).collect()
}
