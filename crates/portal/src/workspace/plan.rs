//! `/settings/plan`: what the workspace may, and how much of it is used now.

use std::collections::HashMap;

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use control::Control;
use domain::link::SessionFilter;
use domain::usage::{Day, UsageCounts, UsageGroups, UsageQuery};
use domain::{Plan, PlanLimits, ProjectId, WorkspaceId};

use crate::web::page::{self, Page};
use crate::web::{Member, Portal, Problem};

#[derive(Template)]
#[template(path = "workspace/plan.html")]
struct View<'a> {
    page: &'a Page,
    plan: Plan,
    /// Whether some limits were granted to this workspace, over its plan's.
    has_own: bool,
    limits: PlanLimits,
    used: Used,
    support: Option<&'a str>,
}

/// How much is used now.
struct Used {
    projects: u64,
    /// Usable keys of the project with the most of them.
    keys_of_one_project: u64,
    /// Open sessions of the project with the most of them.
    sessions_of_one_project: u64,
    /// Gateways that didn't say.
    is_uncertain: bool,
    /// Audio of this month, in hours with one digit.
    audio_hours: String,
    /// The first day of the month.
    month: String,
}

fn hours(seconds: f64) -> String {
    format!("{:.1}", seconds / 3600.0)
}

impl View<'_> {
    fn audio_max(&self) -> Option<String> {
        self.limits.audio_seconds_per_month_max.map(|seconds| hours(f64::from(seconds)))
    }
}

/// `GET /settings/plan`.
pub(super) async fn get(State(portal): State<Portal>, member: Member) -> Result<Response, Problem> {
    let page = Page::for_member(&member, "Plan");
    let view = View {
        page: &page,
        plan: member.workspace.plan,
        has_own: member.workspace.own_limits != domain::OwnLimits::default(),
        limits: portal.control.limits_of(&member.workspace),
        used: used(&portal.control, member.workspace.id).await?,
        support: portal.config.support_contact.as_deref(),
    };
    page::show(&page, &view)
}

async fn used(control: &Control, workspace_id: WorkspaceId) -> Result<Used, Problem> {
    let open = control.gateways().list_sessions(workspace_id, SessionFilter::default()).await;
    let mut sessions: HashMap<ProjectId, u64> = HashMap::new();
    for session in &open.sessions {
        *sessions.entry(session.project_id).or_default() += 1;
    }
    let (since, until) = month(Day::of(control.now()));
    let query = UsageQuery {
        workspace_id,
        since,
        until,
        project_id: None,
        api_key_id: None,
        client_ref: None,
        region: None,
        groups: UsageGroups::EMPTY,
    };
    let sums = control.sum_usage(&query).await.map_err(|error| Problem::internal(&error))?;
    let sum = sums.into_iter().fold(UsageCounts::default(), |sum, (_, counts)| sum.plus(counts));
    Ok(Used {
        projects: control.count_projects(workspace_id).await?,
        keys_of_one_project: control.count_usable_keys(workspace_id).await?.into_values().max().unwrap_or(0),
        sessions_of_one_project: sessions.into_values().max().unwrap_or(0),
        is_uncertain: !open.pending.is_empty(),
        audio_hours: hours(sum.audio_seconds()),
        month: since.to_string(),
    })
}

/// From the first of a day's month to that day.
fn month(today: Day) -> (Day, Day) {
    let text = today.to_string();
    let first = text.get(..8).and_then(|month| Day::parse(&format!("{month}01")));
    (first.unwrap_or(today), today)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A month begins at its first day, also on that day.
    #[test]
    fn months_begin_at_their_first_day() {
        for (today, first) in
            [("2026-11-26", "2026-11-01"), ("2026-11-01", "2026-11-01"), ("2028-02-29", "2028-02-01")]
        {
            let (since, until) = month(Day::parse(today).unwrap());
            assert_eq!((since.to_string().as_str(), until.to_string().as_str()), (first, today));
        }
    }
}
