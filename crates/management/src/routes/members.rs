//! `/v1/workspaces/{workspace_id}/members`: who belongs to a workspace; for operators.

use axum::Json;
use axum::body::Body;
use axum::extract::{Path, Request};
use control::{RemoveMemberError, SetMemberError};
use domain::{AccountId, Reason, Role};
use http::{HeaderMap, Method};

use crate::auth::{self, unknown_workspace};
use crate::context::Context;
use crate::document::field::only;
use crate::document::{Api, Extra, Field, Form, Operation, Tag};
use crate::invalid::Invalid;
use crate::problem::Problem;
use crate::request;
use crate::routes::account::{find, unknown_account, with_account};
use crate::routes::answers::{MemberAnswer, MembersAnswer, OkAnswer};
use crate::routes::workspace::{with_workspace, workspace_id};

/// The fields of a membership.
const FIELDS: &[Field] =
    &[Field::required("role", Form::Choice(role_names), "What the account is in the workspace.")];

pub(crate) fn role_names() -> Vec<&'static str> {
    Role::ALL.iter().map(|role| role.as_str()).collect()
}

/// The operations of these paths.
pub(crate) fn operations(api: Api) -> Api {
    let path = "/v1/workspaces/{workspace_id}/members";
    let list =
        Operation::new(Method::GET, path, "list_members", Tag::Workspaces, "List the members of a workspace");
    let list = with_workspace(list).answers::<MembersAnswer>(200, "The members.");
    let set = operation(Method::PUT, "set_member", "Make an account a member, or give a member another role")
        .body("MemberRole", FIELDS, Extra::Refused)
        .refuses(&[Reason::LastAdmin])
        .answers::<MemberAnswer>(200, "The member.");
    let remove = operation(Method::DELETE, "remove_member", "Take an account out of a workspace")
        .says("What it made there stays: API keys belong to projects.")
        .refuses(&[Reason::LastAdmin])
        .answers::<OkAnswer>(200, "It is no member any more.");
    api.add(list, get).add(set, put).add(remove, delete)
}

fn operation(method: Method, id: &'static str, summary: &'static str) -> Operation {
    let path = "/v1/workspaces/{workspace_id}/members/{account_id}";
    with_account(with_workspace(Operation::new(method, path, id, Tag::Workspaces, summary)))
}

/// Lists the members of a workspace.
async fn get(
    context: Context,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Json<MembersAnswer>, Problem> {
    auth::operator(&context, &headers)?;
    let id = workspace_id(&id)?;
    if context.control.find_workspace(id).await?.is_none() {
        return Err(unknown_workspace());
    }
    let members = context.control.list_members(id).await?;
    Ok(Json(MembersAnswer { members: members.into_iter().map(MemberAnswer::from).collect() }))
}

/// Makes an account a member.
async fn put(
    context: Context,
    Path((workspace, account)): Path<(String, String)>,
    request: Request<Body>,
) -> Result<Json<MemberAnswer>, Problem> {
    let (head, body) = request.into_parts();
    let actor = auth::operator(&context, &head.headers)?;
    let fields = request::fields(body).await?;
    only(FIELDS, &fields)?;
    let role = fields.choice("role", Role::ALL, Role::as_str)?;
    let role = role.ok_or_else(|| Invalid::required("role", "body"))?;
    let workspace = workspace_id(&workspace)?;
    let account = AccountId::parse(&account).ok_or_else(unknown_account)?;
    match context.control.set_member(&actor, workspace, account, role).await {
        Ok(_) => Ok(Json(MemberAnswer::from((find(&context, account).await?, role)))),
        Err(SetMemberError::WorkspaceNotFound) => Err(unknown_workspace()),
        Err(SetMemberError::AccountNotFound) => Err(unknown_account()),
        Err(error @ SetMemberError::LastAdmin) => Err(Problem::new(Reason::LastAdmin, sentence(&error))),
        Err(SetMemberError::Store(error)) => Err(error.into()),
    }
}

/// Takes an account out of a workspace.
async fn delete(
    context: Context,
    Path((workspace, account)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<Json<OkAnswer>, Problem> {
    let actor = auth::operator(&context, &headers)?;
    let workspace = workspace_id(&workspace)?;
    let account = AccountId::parse(&account).ok_or_else(unknown_account)?;
    match context.control.remove_member(&actor, workspace, account).await {
        Ok(()) => Ok(Json(OkAnswer::OK)),
        Err(RemoveMemberError::NotFound) => Err(Problem::not_found(
            "There is no such member. GET /v1/workspaces/{workspace_id}/members lists those of a workspace.",
        )),
        Err(error @ RemoveMemberError::LastAdmin) => Err(Problem::new(Reason::LastAdmin, sentence(&error))),
        Err(RemoveMemberError::Store(error)) => Err(error.into()),
    }
}

/// An error as a sentence.
pub(crate) fn sentence(error: &dyn std::error::Error) -> String {
    let text = error.to_string();
    let mut letters = text.chars();
    letters.next().map(|first| format!("{}{}.", first.to_uppercase(), letters.as_str())).unwrap_or_default()
}
