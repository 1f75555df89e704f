//! `/v1/accounts/{account_id}`: one account; for operators.

use axum::Json;
use axum::body::Body;
use axum::extract::{Path, Request};
use control::{Actor, ChangeAccountError, DeleteAccountError};
use domain::{Account, AccountId, Reason};
use http::{HeaderMap, Method};

use crate::auth;
use crate::context::Context;
use crate::document::field::{self, only};
use crate::document::{Api, Callers, Extra, Field, Form, Operation, Tag};
use crate::problem::Problem;
use crate::request;
use crate::routes::answers::{AccountAnswer, MembershipAnswer, OkAnswer, OneAccountAnswer};
use crate::routes::members::sentence;

/// The fields of a changed account.
const FIELDS: &[Field] = &[
    Field::new("disabled", Form::Boolean, "Whether it can't sign in."),
    Field::new("is_operator", Form::Boolean, "Whether it may operate the instance."),
];

/// The operations of this path.
pub(crate) fn operations(api: Api) -> Api {
    let read = operation(Method::GET, "get_account", "Read an account")
        .answers::<OneAccountAnswer>(200, "The account and its workspaces.");
    let change = operation(Method::PATCH, "change_account", "Change an account")
        .says("What is left out stays. A disabled account can't sign in; what it made stays, since API keys belong to projects.")
        .body("AccountChange", FIELDS, Extra::Refused)
        .answers::<AccountAnswer>(200, "The account as it is now.");
    let remove = operation(Method::DELETE, "delete_account", "Delete an account")
        .says("Its memberships and its name in the audit log go with it; what it made stays.")
        .refuses(&[Reason::LastAdmin])
        .answers::<OkAnswer>(200, "It is deleted.");
    api.add(read, get).add(change, patch).add(remove, delete)
}

fn operation(method: Method, id: &'static str, summary: &'static str) -> Operation {
    let operation = Operation::new(method, "/v1/accounts/{account_id}", id, Tag::Accounts, summary);
    with_account(operation.callers(Callers::Operators))
}

/// An operation on an account that its path names.
pub(crate) fn with_account(operation: Operation) -> Operation {
    let form = field::id("acc_");
    operation
        .path_parameter("account_id", form, "The id of the account.", "acc_01k5zr0000000000000000000e")
        .refuses(&[Reason::NotFound])
}

/// No such account.
pub(crate) fn unknown_account() -> Problem {
    Problem::not_found("There is no such account. GET /v1/accounts lists them.")
}

pub(crate) async fn find(context: &Context, id: AccountId) -> Result<Account, Problem> {
    context.control.find_account_by_id(id).await?.ok_or_else(unknown_account)
}

/// Reads an account.
async fn get(
    context: Context,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Json<OneAccountAnswer>, Problem> {
    auth::operator(&context, &headers)?;
    let account = find(&context, AccountId::parse(&id).ok_or_else(unknown_account)?).await?;
    let memberships = context.control.list_memberships(account.id).await?;
    let workspaces = memberships.into_iter().map(|(workspace_id, role)| MembershipAnswer {
        workspace_id: workspace_id.to_string(),
        role: role.to_string(),
    });
    Ok(Json(OneAccountAnswer { workspaces: workspaces.collect(), account: account.into() }))
}

/// Changes an account.
async fn patch(
    context: Context,
    Path(id): Path<String>,
    request: Request<Body>,
) -> Result<Json<AccountAnswer>, Problem> {
    let (head, body) = request.into_parts();
    let actor = auth::operator(&context, &head.headers)?;
    let fields = request::fields(body).await?;
    only(FIELDS, &fields)?;
    let disabled = fields.boolean("disabled")?;
    let is_operator = fields.boolean("is_operator")?;
    let account = find(&context, AccountId::parse(&id).ok_or_else(unknown_account)?).await?;
    if let Some(disabled) = disabled {
        set_disabled(&context, &actor, account.id, disabled).await?;
    }
    if let Some(is_operator) = is_operator {
        context.control.set_operator(&actor, account.id, is_operator).await.map_err(refuse_change)?;
    }
    Ok(Json(find(&context, account.id).await?.into()))
}

async fn set_disabled(
    context: &Context,
    actor: &Actor,
    id: AccountId,
    disabled: bool,
) -> Result<(), Problem> {
    let set = if disabled {
        context.control.disable_account(actor, id).await
    } else {
        context.control.enable_account(actor, id).await
    };
    set.map_err(refuse_change)
}

/// Deletes an account.
async fn delete(
    context: Context,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Json<OkAnswer>, Problem> {
    let actor = auth::operator(&context, &headers)?;
    let id = AccountId::parse(&id).ok_or_else(unknown_account)?;
    match context.control.delete_account(&actor, id).await {
        Ok(()) => Ok(Json(OkAnswer::OK)),
        Err(DeleteAccountError::AccountNotFound) => Err(unknown_account()),
        Err(error @ DeleteAccountError::LastAdmin(_)) => {
            Err(Problem::new(Reason::LastAdmin, sentence(&error)))
        }
        Err(DeleteAccountError::Store(error)) => Err(error.into()),
    }
}

fn refuse_change(error: ChangeAccountError) -> Problem {
    match error {
        ChangeAccountError::AccountNotFound => unknown_account(),
        ChangeAccountError::Store(error) => error.into(),
    }
}
