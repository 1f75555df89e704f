//! `/v1/accounts`: making, listing; for operators.

use axum::Json;
use axum::body::Body;
use axum::extract::Request;
use axum::response::{IntoResponse as _, Response};
use control::{CreateAccountError, NewAccount};
use domain::{Reason, Role, WorkspaceId};
use http::{HeaderMap, Method, StatusCode, Uri};

use crate::auth::{self, unknown_workspace};
use crate::context::Context;
use crate::document::field::only;
use crate::document::{Api, Callers, Extra, Field, Form, Operation, Tag};
use crate::fields::Fields;
use crate::invalid::Invalid;
use crate::paging::{self, Paging};
use crate::problem::Problem;
use crate::request;
use crate::routes::answers::{AccountAnswer, AccountsPage, CreatedAccountAnswer};
use crate::routes::members::{role_names, sentence};
use crate::routes::password_link;

/// The fields of a new account that belongs to no workspace.
const FIELDS: &[Field] = &[EMAIL];

/// The fields of a new account that belongs to one.
const WITH_WORKSPACE: &[Field] = &[
    EMAIL,
    Field::required(
        "workspace_id",
        Form::WorkspaceId,
        "The workspace that it belongs to from the beginning.",
    ),
    Field::new("role", Form::Choice(role_names), "What it is there; member if left out."),
];

const EMAIL: Field = Field::required("email", Form::Email, "Its e-mail address.");

/// The operations of this path.
pub(crate) fn operations(api: Api) -> Api {
    let path = "/v1/accounts";
    let list = Operation::new(Method::GET, path, "list_accounts", Tag::Accounts, "List accounts")
        .callers(Callers::Operators)
        .pages::<AccountsPage>("A page of the accounts.");
    let make = Operation::new(Method::POST, path, "create_account", Tag::Accounts, "Make an account")
        .says("Hand the link over to its owner, who chooses a password by it: it works once, for a day.")
        .callers(Callers::Operators)
        .body("NewAccount", FIELDS, Extra::Refused)
        .or(&[WITH_WORKSPACE])
        .refuses(&[Reason::AlreadyExists, Reason::NotFound])
        .answers::<CreatedAccountAnswer>(201, "The account.");
    api.add(list, get).add(make, post)
}

/// Lists accounts.
async fn get(context: Context, uri: Uri, headers: HeaderMap) -> Result<Json<AccountsPage>, Problem> {
    auth::operator(&context, &headers)?;
    let paging = Paging::read(&request::query(&uri))?;
    let page = context.control.page_accounts(&paging.by_age()?).await?.map(AccountAnswer::from);
    Ok(Json(AccountsPage { accounts: page.items, next: paging::next(page.next) }))
}

/// Makes an account.
async fn post(context: Context, request: Request<Body>) -> Result<Response, Problem> {
    let (head, body) = request.into_parts();
    let actor = auth::operator(&context, &head.headers)?;
    let fields = request::fields(body).await?;
    only(WITH_WORKSPACE, &fields)?;
    let email = fields.text("email")?.ok_or_else(|| Invalid::required("email", "body"))?;
    let new = NewAccount { email, membership: membership(&fields)? };
    let (account, secret) = context.control.create_account_in(&actor, new).await.map_err(refuse)?;
    let password_link = password_link::answer(&context, &secret);
    let body = CreatedAccountAnswer { account: account.into(), password_link };
    Ok((StatusCode::CREATED, Json(body)).into_response())
}

fn membership(fields: &Fields) -> Result<Option<(WorkspaceId, Role)>, Problem> {
    let role = fields.choice("role", Role::ALL, Role::as_str)?;
    let Some(text) = fields.text("workspace_id")? else {
        return match role {
            Some(_) => Err(Invalid::required("workspace_id", "body").into()),
            None => Ok(None),
        };
    };
    let id = WorkspaceId::parse(text).ok_or_else(|| {
        Invalid::wrong_type("workspace_id", "body", "id").with_detail("An id that starts with ws_.")
    })?;
    Ok(Some((id, role.unwrap_or(Role::Member))))
}

fn refuse(error: CreateAccountError) -> Problem {
    match error {
        CreateAccountError::InvalidEmail | CreateAccountError::InvalidPassword(_) => {
            Invalid::pattern(sentence(&error)).into()
        }
        CreateAccountError::EmailTaken => Problem::new(Reason::AlreadyExists, sentence(&error)),
        CreateAccountError::WorkspaceNotFound => unknown_workspace(),
        CreateAccountError::Hash(error) => Problem::internal(&error),
        CreateAccountError::Store(error) => error.into(),
    }
}
