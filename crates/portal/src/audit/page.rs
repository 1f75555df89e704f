//! The page: filters over a list, the newest first.

use std::collections::HashMap;

use askama::Template;
use axum::response::Response;
use control::{AuditAction, AuditEvent, Control, StoreError};
use domain::{Account, ApiKeyId, ProjectId, Timestamp, WorkspaceId};

use super::ask::{Address, Wrong};
use crate::web::page as layout;
use crate::web::paging::ROWS_PER_PAGE;
use crate::web::{Page, Portal, Problem};
use crate::workspace::list::{Pager, link};

/// Whose log it is, and where it is shown.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scope {
    /// The path of the page.
    pub(crate) path: &'static str,
    /// Left out for the whole instance.
    pub(crate) workspace_id: Option<WorkspaceId>,
}

#[derive(Template)]
#[template(path = "audit/page.html")]
struct View<'a> {
    page: &'a Page,
    path: &'a str,
    is_instance: bool,
    address: &'a Address,
    actions: Vec<Choice>,
    error: Option<&'static str>,
    rows: Vec<Row>,
    pager: Pager,
    csv: String,
    json: String,
}

/// An action to narrow to.
struct Choice {
    value: &'static str,
    words: String,
    is_chosen: bool,
}

/// One event.
struct Row {
    at: Timestamp,
    who: Who,
    words: String,
    subject: Subject,
    detail: String,
    from: String,
    workspace_id: Option<WorkspaceId>,
}

/// Somebody, and the link to all that they did.
struct Who {
    name: String,
    /// Whether only the pseudonym is left.
    is_forgotten: bool,
    link: String,
}

/// Something, by its name where it has one, and the link to all that was done to it.
struct Subject {
    name: Option<String>,
    id: String,
    link: String,
}

/// Renders a page of the log.
pub(crate) async fn show(
    portal: &Portal,
    page: &Page,
    account: &Account,
    scope: &Scope,
    address: &Address,
) -> Result<Response, Problem> {
    let control = &portal.control;
    let before = address.before()?;
    let (mut events, error) = match address.filter(control, account, scope.workspace_id).await {
        Ok(filter) => (control.find_newest_audit_events(&filter, before, ROWS_PER_PAGE + 1).await?, None),
        Err(Wrong::Days(sentence)) => (Vec::new(), Some(sentence)),
        Err(Wrong::Problem(problem)) => return Err(problem),
    };
    let has_more = events.len() as u64 > ROWS_PER_PAGE;
    events.truncate(ROWS_PER_PAGE as usize);
    let next = events.last().filter(|_| has_more).map(|event| event.sequence.to_string());
    let names = Names::of(control, scope.workspace_id, &events).await?;
    let download = format!("{}/download", scope.path);
    let view = View {
        page,
        path: scope.path,
        is_instance: scope.workspace_id.is_none(),
        address,
        actions: actions(&address.action),
        error,
        rows: events.into_iter().map(|event| row(event, scope, &names)).collect(),
        pager: Pager::new(scope.path, &address.kept(), before.is_none(), next),
        csv: address.link(&download, "csv"),
        json: address.link(&download, "json"),
    };
    layout::show_form(page, &view, error.is_some())
}

fn actions(chosen: &str) -> Vec<Choice> {
    let choice = |action: &AuditAction| Choice {
        value: action.as_str(),
        words: words(*action),
        is_chosen: action.as_str() == chosen,
    };
    let mut choices: Vec<Choice> = AuditAction::ALL.iter().map(choice).collect();
    choices.sort_by(|one, other| one.words.cmp(&other.words));
    choices
}

/// An action in words, as people read it.
pub(crate) fn words(action: AuditAction) -> String {
    let words =
        action.as_str().replace('_', " ").replace("api key", "API key").replace("client ref", "client_ref");
    let mut letters = words.chars();
    match letters.next() {
        Some(first) if !words.starts_with("client_ref") => {
            format!("{}{}", first.to_uppercase(), letters.as_str())
        }
        _ => words,
    }
}

/// Names of keys and projects that events of a workspace are about. What is deleted has none any more.
struct Names {
    keys: HashMap<ApiKeyId, String>,
    projects: HashMap<ProjectId, String>,
}

impl Names {
    async fn of(
        control: &Control,
        workspace_id: Option<WorkspaceId>,
        events: &[AuditEvent],
    ) -> Result<Self, StoreError> {
        let mut names = Self { keys: HashMap::new(), projects: HashMap::new() };
        let Some(workspace_id) = workspace_id else { return Ok(names) };
        let mut keys: Vec<ApiKeyId> =
            events.iter().filter_map(|event| ApiKeyId::parse(&event.subject)).collect();
        keys.sort_unstable();
        keys.dedup();
        names.keys = control.key_names(workspace_id, &keys).await?;
        if events.iter().any(|event| is_project(event).is_some()) {
            let projects = control.list_projects(workspace_id).await?;
            names.projects = projects.into_iter().map(|project| (project.id, project.name)).collect();
        }
        Ok(names)
    }

    fn of_subject(&self, event: &AuditEvent) -> Option<String> {
        if let Some(name) = &event.subject_name {
            return Some(name.clone());
        }
        if let Some(id) = ApiKeyId::parse(&event.subject) {
            return self.keys.get(&id).cloned();
        }
        self.projects.get(&is_project(event)?).cloned()
    }
}

/// Projects have plain numbers.
fn is_project(event: &AuditEvent) -> Option<ProjectId> {
    event.subject.parse().ok().map(ProjectId::new)
}

fn row(event: AuditEvent, scope: &Scope, names: &Names) -> Row {
    let is_person = event.actor.starts_with("who_");
    Row {
        at: event.at,
        who: Who {
            link: link(scope.path, &[("actor", &event.actor)], None),
            is_forgotten: is_person && event.actor_name.is_none(),
            name: event.actor_name.clone().unwrap_or_else(|| event.actor.clone()),
        },
        words: words(event.action),
        subject: Subject {
            name: names.of_subject(&event),
            link: link(scope.path, &[("subject", &event.subject)], None),
            id: event.subject,
        },
        detail: event.detail,
        from: event.from.map(|address| address.to_string()).unwrap_or_default(),
        workspace_id: event.workspace_id,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Actions read like words of the product.
    #[test]
    fn actions_are_words() {
        assert_eq!(words(AuditAction::ApiKeyCreated), "API key created");
        assert_eq!(words(AuditAction::ClientRefRevoked), "client_ref revoked");
        assert_eq!(words(AuditAction::MemberRoleChanged), "Member role changed");
        assert!(actions("").iter().all(|choice| !choice.is_chosen && !choice.words.is_empty()));
        assert_eq!(actions("api_key_created").iter().filter(|choice| choice.is_chosen).count(), 1);
    }
}
