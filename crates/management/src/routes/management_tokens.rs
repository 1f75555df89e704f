//! `/v1/management-tokens`: making, listing, revoking; for operators.

use axum::Json;
use axum::body::Body;
use axum::extract::{Path, Request};
use axum::response::Response;
use control::{Actor, CreateTokenError, RevokeTokenError};
use domain::{ManagementTokenId, Permission, PermissionSet, Reason};
use http::{HeaderMap, Method, StatusCode, Uri};

use crate::auth::{self, unknown_workspace};
use crate::context::Context;
use crate::document::field::{self, only};
use crate::document::{Api, Callers, Extra, Field, Form, Operation, Tag};
use crate::invalid::Invalid;
use crate::paging::{self, Paging};
use crate::problem::Problem;
use crate::request;
use crate::routes::answers::{self, CreatedTokenAnswer, OkAnswer, TokenAnswer, TokensPage};
use crate::routes::members::sentence;

/// The fields of a new token.
const FIELDS: &[Field] = &[
    Field::required("name", Form::Name, "Its name."),
    Field::required(
        "permissions",
        Form::Choices(permission_names),
        "What it may do; nothing that the calling token may not.",
    ),
];

fn permission_names() -> Vec<&'static str> {
    Permission::ALL.iter().map(|permission| permission.as_str()).collect()
}

/// The operations of these paths. Needing `operate_instance`, a leaked token of a workspace can't make itself siblings
/// that outlive its revocation.
pub(crate) fn operations(api: Api) -> Api {
    let (path, tag) = ("/v1/management-tokens", Tag::ManagementTokens);
    let manager = Callers::Managers(Permission::OperateInstance);
    let list = Operation::new(Method::GET, path, "list_management_tokens", tag, "List management tokens")
        .says("Those of one workspace: the calling token's own, or the one that the query names.")
        .callers(manager)
        .pages::<TokensPage>("A page of the tokens.");
    let make = Operation::new(Method::POST, path, "create_management_token", tag, "Make a management token")
        .says("In the calling token's workspace, or the one that the query names.")
        .callers(manager)
        .body("NewManagementToken", FIELDS, Extra::Refused)
        .answers::<CreatedTokenAnswer>(201, "The token. It is shown once.")
        .enforced();
    let path = "/v1/management-tokens/{token_id}";
    let form = field::id("mgt_");
    let revoke =
        Operation::new(Method::DELETE, path, "revoke_management_token", tag, "Revoke a management token")
            .path_parameter("token_id", form, "The id of the token.", "mgt_01k5zr0000000000000000000e")
            .callers(manager)
            .refuses(&[Reason::NotFound])
            .answers::<OkAnswer>(200, "It is revoked.")
            .enforced();
    api.add(list, get).add(make, post).add(revoke, delete)
}

/// Lists the tokens of a workspace.
async fn get(context: Context, uri: Uri, headers: HeaderMap) -> Result<Json<TokensPage>, Problem> {
    let query = request::query(&uri);
    let managing = auth::managing(&context, &headers, &query, Permission::OperateInstance).await?;
    let page = Paging::read(&query)?.by_age()?;
    let page = context.control.page_management_tokens(managing.workspace_id, &page).await?;
    let page = page.map(TokenAnswer::from);
    Ok(Json(TokensPage { management_tokens: page.items, next: paging::next(page.next) }))
}

/// Makes a token.
async fn post(context: Context, request: Request<Body>) -> Result<Response, Problem> {
    let (head, body) = request.into_parts();
    let query = request::query(&head.uri);
    let managing = auth::managing(&context, &head.headers, &query, Permission::OperateInstance).await?;
    let fields = request::fields(body).await?;
    only(FIELDS, &fields)?;
    let name = fields.required_name()?;
    let permissions = fields.choices("permissions", Permission::ALL, Permission::as_str)?;
    let permissions = permissions.ok_or_else(|| Invalid::required("permissions", "body"))?;
    let permissions = PermissionSet::from_iter(permissions);
    request::check_wait(&query)?;
    // Nobody hands out what they don't have.
    permissions.iter().try_for_each(|permission| managing.manager.needs(permission))?;
    let actor = managing.actor;
    let made =
        context.control.create_management_token(&actor, managing.workspace_id, &name, permissions).await;
    let made = made.map_err(refuse)?;
    let enforced = request::wait(&context, &query, made.revision).await?;
    let body = CreatedTokenAnswer { token: made.token.into(), token_value: made.secret.expose().to_owned() };
    Ok(answers::changed(StatusCode::CREATED, body, made.revision, enforced))
}

fn refuse(error: CreateTokenError) -> Problem {
    match error {
        CreateTokenError::InvalidName | CreateTokenError::NoPermissions => {
            Invalid::pattern(sentence(&error)).into()
        }
        CreateTokenError::WorkspaceNotFound => unknown_workspace(),
        CreateTokenError::Store(error) => error.into(),
    }
}

/// Revokes a token.
async fn delete(
    context: Context,
    Path(id): Path<String>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let query = request::query(&uri);
    let managing = auth::managing(&context, &headers, &query, Permission::OperateInstance).await?;
    request::check_wait(&query)?;
    let unknown = || {
        Problem::not_found(
            "There is no such management token in this workspace. GET /v1/management-tokens lists them.",
        )
    };
    let id = ManagementTokenId::parse(&id).ok_or_else(unknown)?;
    let actor: Actor = managing.actor;
    let revision = match context.control.revoke_management_token(&actor, managing.workspace_id, id).await {
        Ok(revision) => revision,
        Err(RevokeTokenError::NotFound | RevokeTokenError::AlreadyRevoked) => return Err(unknown()),
        Err(RevokeTokenError::Store(error)) => return Err(error.into()),
    };
    let enforced = request::wait(&context, &query, revision).await?;
    Ok(answers::changed(StatusCode::OK, OkAnswer::OK, revision, enforced))
}
