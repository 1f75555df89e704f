//! Who calls, and for which workspace. A handler that lets anybody in shows it by not asking here.

use control::Actor;
use domain::{Permission, Reason, Refusal, WorkspaceId};
use http::{HeaderMap, header};
use verify::{Bearer, Manager, presented_bearer};

use crate::context::Context;
use crate::invalid::Invalid;
use crate::problem::Problem;
use crate::request;

/// The one credential of a request.
pub(crate) fn presented(headers: &HeaderMap) -> Result<&str, Refusal> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let first = values.next();
    if values.next().is_some() {
        return Err(Refusal::new(
            Reason::CredentialAmbiguous,
            "Two Authorization headers were sent. Send one, with one credential.",
        ));
    }
    match first.map_or(Bearer::Absent, |value| presented_bearer(value.as_bytes())) {
        Bearer::Credential(credential) => Ok(credential),
        Bearer::Absent => Err(Refusal::new(
            Reason::CredentialMissing,
            "No credential was sent. Send one in the header Authorization: Bearer KEY.",
        )),
        Bearer::Malformed => Err(Refusal::new(
            Reason::CredentialUnknown,
            "The Authorization header can't be read. It should be: Authorization: Bearer KEY.",
        )),
    }
}

/// The management token of a request, if it has the permission.
pub(crate) fn manager(
    context: &Context,
    headers: &HeaderMap,
    permission: Permission,
) -> Result<Manager, Refusal> {
    let manager = manager_for_any(context, headers)?;
    manager.needs(permission)?;
    Ok(manager)
}

/// The management token of a request, whatever it may do.
pub(crate) fn manager_for_any(context: &Context, headers: &HeaderMap) -> Result<Manager, Refusal> {
    let manager = context.control.tables().verify_management(presented(headers)?, context.control.now())?;
    note(context, &manager)?;
    Ok(manager)
}

/// Counts a verified token's call, and remembers when it was used.
pub(crate) fn note(context: &Context, manager: &Manager) -> Result<(), Refusal> {
    context.rates.credential(manager.token_id(), context.control.now())?;
    context.control.note_token_used(manager.token_id());
    Ok(())
}

/// Who manages which workspace.
#[derive(Debug, Clone)]
pub(crate) struct Managing {
    pub(crate) manager: Manager,
    /// Who acts, for the audit log.
    pub(crate) actor: Actor,
    /// The token's own, or the one that an operator named.
    pub(crate) workspace_id: WorkspaceId,
}

/// The management token of a request, if it has the permission, and the workspace that it is about.
pub(crate) async fn managing(
    context: &Context,
    headers: &HeaderMap,
    query: &[(String, String)],
    permission: Permission,
) -> Result<Managing, Problem> {
    let manager = manager(context, headers, permission)?;
    let workspace_id = workspace(context, &manager, query).await?;
    Ok(Managing { actor: context.manager(&manager), manager, workspace_id })
}

/// The management token of a request, if it may operate the instance.
pub(crate) fn operator(context: &Context, headers: &HeaderMap) -> Result<Actor, Problem> {
    let manager = manager(context, headers, Permission::OperateInstance)?;
    Ok(context.manager(&manager))
}

/// The workspace that a request is about: the token's own, or with `operate_instance` the one that it names.
pub(crate) async fn workspace(
    context: &Context,
    manager: &Manager,
    query: &[(String, String)],
) -> Result<WorkspaceId, Problem> {
    let Some(text) = request::one(query, "workspace_id")? else { return Ok(manager.workspace_id()) };
    let id = WorkspaceId::parse(text).ok_or_else(|| {
        Invalid::wrong_type("workspace_id", "query", "id").with_detail("An id that starts with ws_.")
    })?;
    if id == manager.workspace_id() {
        return Ok(id);
    }
    manager.needs(Permission::OperateInstance)?;
    match context.control.find_workspace(id).await? {
        Some(workspace) => Ok(workspace.id),
        None => Err(unknown_workspace()),
    }
}

/// No such workspace, or it is closed.
pub(crate) fn unknown_workspace() -> Problem {
    Problem::not_found("There is no such workspace. GET /v1/workspaces lists them.")
}
