//! `/v1/audit`: what was done, when, by whom.

use axum::Json;
use control::{AuditAction, AuditFilter};
use domain::Permission;
use http::{HeaderMap, Method, Uri};
use serde_json::json;

use crate::auth;
use crate::context::Context;
use crate::document::field::LINE;
use crate::document::{Api, Callers, Operation, Tag};
use crate::invalid::Invalid;
use crate::paging::Paging;
use crate::problem::Problem;
use crate::request;
use crate::routes::answers::{AuditAnswer, AuditPage};

/// An actor or subject, in characters: longer than any id or pseudonym.
const WHO_CHARACTERS_MAX: usize = 300;

/// The operations of this path.
pub(crate) fn operations(api: Api) -> Api {
    let actions: Vec<&str> = AuditAction::ALL.iter().map(|action| action.as_str()).collect();
    let who = json!({"type": "string", "minLength": 1, "maxLength": WHO_CHARACTERS_MAX, "pattern": LINE});
    let moment = json!({"type": "string", "format": "date-time"});
    let list = Operation::new(Method::GET, "/v1/audit", "list_audit_events", Tag::Audit, "Read the audit log")
        .says("What was done in the workspace, oldest first. The log only grows. Who did it is a pseudonym; the name behind \
               it stands apart, so that a person can be forgotten.")
        .callers(Callers::Managers(Permission::ViewAudit))
        .query("action", json!({"type": "string", "enum": actions}), "Only what was done like this.")
        .query("actor", who.clone(), "Only what was done by this pseudonym, account, management token or API key.")
        .query("subject", who, "Only what was done to this id or pseudonym.")
        .query("since", moment.clone(), "Only what was done at this moment or later.")
        .query("until", moment, "Only what was done before this moment.")
        .query(
            "scope",
            json!({"type": "string", "enum": ["workspace", "instance"]}),
            "With instance: what was done anywhere, accounts and signing keys included. Needs operate_instance.",
        )
        .pages::<AuditPage>("A page of the log.");
    api.add(list, get)
}

/// Reads the log.
async fn get(context: Context, uri: Uri, headers: HeaderMap) -> Result<Json<AuditPage>, Problem> {
    let query = request::query(&uri);
    let managing = auth::managing(&context, &headers, &query, Permission::ViewAudit).await?;
    let whole_instance = match request::one(&query, "scope")? {
        None | Some("workspace") => false,
        Some("instance") => true,
        Some(_) => return Err(Invalid::one_of("scope", "query", &["workspace", "instance"]).into()),
    };
    if whole_instance {
        managing.manager.needs(Permission::OperateInstance)?;
    }
    let paging = Paging::read(&query)?;
    let filter = AuditFilter {
        workspace_id: (!whole_instance).then_some(managing.workspace_id),
        action: request::choice(&query, "action", AuditAction::ALL, AuditAction::as_str)?,
        actor: who(&query, "actor")?.map(|actor| context.control.audit_pseudonym(actor)),
        subject: who(&query, "subject")?.map(|subject| subject_of(&context, subject)),
        or_subject: None,
        since: request::moment(&query, "since")?,
        until: request::moment(&query, "until")?,
    };
    let after = u64::try_from(paging.number()?.unwrap_or(0)).unwrap_or(0);
    let events = context.control.find_audit_events(&filter, after, paging.limit + 1).await?;
    let (events, next) = paging.cut(events, |event| event.sequence.cast_signed());
    Ok(Json(AuditPage { events: events.into_iter().map(AuditAnswer::from).collect(), next }))
}

/// Accounts stand in the log as pseudonyms, everything else by its id.
fn subject_of(context: &Context, text: &str) -> String {
    if domain::AccountId::parse(text).is_some() {
        return context.control.audit_pseudonym(text);
    }
    text.to_owned()
}

fn who<'a>(query: &'a [(String, String)], name: &str) -> Result<Option<&'a str>, Invalid> {
    let Some(text) = request::one(query, name)? else { return Ok(None) };
    if text.is_empty() || text.chars().count() > WHO_CHARACTERS_MAX || text.chars().any(char::is_control) {
        return Err(Invalid::pattern(format!(
            "{name} in query should be an id or a pseudonym, 1 to {WHO_CHARACTERS_MAX} chars long"
        )));
    }
    Ok(Some(text))
}
