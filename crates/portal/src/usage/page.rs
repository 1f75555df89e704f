//! The page and the file.

use std::collections::BTreeSet;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Response};
use control::{Control, StoreError, UsageError};
use domain::usage::{UsageCounts, UsageGroups, UsageKey};
use domain::{ApiKeyId, Timestamp, WorkspaceId};
use http::{HeaderValue, header};

use super::ask::{Address, Asked, PAGE_DAYS_MAX, Wrong};
use super::shown::Shown;
use super::view::{self, BARS_MAX, Names, View};
use super::{csv, measure::Measure};
use crate::web::page as layout;
use crate::web::{Member, Page, Portal, Problem};

/// `GET /usage`.
pub(crate) async fn show(
    State(portal): State<Portal>,
    member: Member,
    address: Result<Query<Address>, QueryRejection>,
) -> Result<Response, Problem> {
    let page = Page::for_member(&member, "Usage");
    let Ok(Query(address)) = address else { return Err(Problem::not_found()) };
    let now = portal.control.now();
    let asked = match read(&address, now) {
        Ok(asked) => asked,
        Err(Wrong::Days(sentence)) => return show_error(&portal, &member, &address, sentence).await,
        Err(Wrong::Link(_)) => return Err(Problem::not_found()),
    };
    let (view, names) = match summed(&portal.control, member.workspace.id, &asked).await {
        Ok(summed) => summed,
        Err(UsageError::TooManyRows) => {
            let sentence = "There is more in these days than one page holds: choose fewer of them.";
            return show_error(&portal, &member, &address, sentence).await;
        }
        Err(UsageError::Store(error)) => return Err(error.into()),
    };
    layout::show(&page, &Shown::of(&page, &asked, &names, Ok(view), now))
}

/// The page with a sentence beside the days, which stay as they were typed.
async fn show_error(
    portal: &Portal,
    member: &Member,
    address: &Address,
    sentence: &'static str,
) -> Result<Response, Problem> {
    let page = Page::for_member(member, "Usage");
    let now = portal.control.now();
    let rest = Address { since: String::new(), until: String::new(), ..address.clone() };
    let asked = rest.read(now).map_err(|_| Problem::not_found())?;
    let keys = asked.api_key_id.into_iter().collect();
    let names = names(&portal.control, member.workspace.id, keys).await?;
    let shown = Shown::of(&page, &asked, &names, Err(sentence), now);
    layout::show_form(&page, &shown.with_days(&address.since, &address.until), true)
}

fn read(address: &Address, now: Timestamp) -> Result<Asked, Wrong> {
    let asked = address.read(now)?;
    if asked.days() > PAGE_DAYS_MAX {
        return Err(Wrong::Days("A page shows 92 days at most; download the file for more."));
    }
    Ok(asked)
}

async fn summed(
    control: &Control,
    workspace_id: WorkspaceId,
    asked: &Asked,
) -> Result<(View, Names), UsageError> {
    let rows = control.sum_usage(&asked.query(workspace_id, UsageGroups::EMPTY.with(asked.group))).await?;
    let refusals = control.sum_refusals(&asked.query(workspace_id, UsageGroups::EMPTY)).await?;
    let refusals = refusals.into_values().next().unwrap_or_default();
    let mut keys = largest_keys(&rows);
    keys.extend(asked.api_key_id);
    let names = names(control, workspace_id, keys).await?;
    Ok((view::view(asked, &rows, &refusals, &names), names))
}

/// The API keys that some plot shows.
fn largest_keys(rows: &[(UsageKey, UsageCounts)]) -> BTreeSet<ApiKeyId> {
    let mut keys = BTreeSet::new();
    for measure in Measure::ALL {
        let mut sorted: Vec<_> = rows.iter().collect();
        sorted.sort_by_key(|(_, counts)| std::cmp::Reverse(measure.counted(*counts)));
        keys.extend(sorted.iter().take(BARS_MAX).filter_map(|(key, _)| key.api_key_id));
    }
    keys
}

async fn names(
    control: &Control,
    workspace_id: WorkspaceId,
    keys: BTreeSet<ApiKeyId>,
) -> Result<Names, StoreError> {
    let projects = control.list_projects(workspace_id).await?;
    let mut names = Names {
        projects: projects.into_iter().map(|project| (project.id, project.name)).collect(),
        ..Names::default()
    };
    for id in keys {
        if let Some(key) = control.find_key(workspace_id, id).await? {
            names.keys.insert(id, format!("{} ({})", key.name, key.hint));
        }
    }
    Ok(names)
}

/// `GET /usage.csv`.
pub(crate) async fn file(
    State(portal): State<Portal>,
    member: Member,
    address: Result<Query<Address>, QueryRejection>,
) -> Result<Response, Problem> {
    let Ok(Query(address)) = address else { return Err(Problem::not_found()) };
    let asked = address.read(portal.control.now()).map_err(|wrong| match wrong {
        Wrong::Days(sentence) | Wrong::Link(sentence) => Problem::bad_form(sentence),
    })?;
    let workspace_id = member.workspace.id;
    let query = asked.query(workspace_id, csv::groups());
    let rows = match portal.control.sum_usage(&query).await {
        Ok(rows) => rows,
        Err(UsageError::TooManyRows) => {
            return Err(Problem::conflict("There are more lines than one file holds: choose fewer days."));
        }
        Err(UsageError::Store(error)) => return Err(error.into()),
    };
    let keys = rows.iter().filter_map(|(key, _)| key.api_key_id).collect();
    let names = names(&portal.control, workspace_id, keys).await?;
    let refusals = portal.control.sum_refusals(&query).await?;
    let file = csv::file(&rows, &refusals, &names).map_err(|error| Problem::internal(&error))?;
    let name = format!("attachment; filename=\"usage-{}-{}.csv\"", asked.since, asked.until);
    let name = HeaderValue::from_str(&name).map_err(|error| Problem::internal(&error))?;
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/csv; charset=utf-8")),
        (header::CONTENT_DISPOSITION, name),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    Ok((headers, file).into_response())
}
