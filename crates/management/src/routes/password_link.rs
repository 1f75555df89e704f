//! `/v1/accounts/{account_id}/password-link`: a link by which an account's owner chooses another password; for operators.

use axum::Json;
use axum::extract::Path;
use axum::response::{IntoResponse as _, Response};
use credentials::PlainSecret;
use domain::{AccountId, EmailLinkPurpose};
use http::{HeaderMap, Method, StatusCode};

use crate::auth;
use crate::context::Context;
use crate::document::{Api, Callers, Operation, Tag};
use crate::problem::Problem;
use crate::routes::account::{unknown_account, with_account};
use crate::routes::answers::PasswordLinkAnswer;

/// The operations of this path.
pub(crate) fn operations(api: Api) -> Api {
    let path = "/v1/accounts/{account_id}/password-link";
    let make = Operation::new(
        Method::POST,
        path,
        "create_password_link",
        Tag::Accounts,
        "Make a link to choose another password",
    )
    .says("Hand it over to the account's owner. It works once, for a day; the password stays until it is used, and a mail tells that it was. A disabled account gets none.")
    .callers(Callers::Operators)
    .answers::<PasswordLinkAnswer>(201, "The link. Never shown again.");
    api.add(with_account(make), post)
}

/// Makes a link.
async fn post(context: Context, Path(id): Path<String>, headers: HeaderMap) -> Result<Response, Problem> {
    let actor = auth::operator(&context, &headers)?;
    let id = AccountId::parse(&id).ok_or_else(unknown_account)?;
    let made = context.control.make_choose_password_link(&actor, id).await?;
    let (_, secret) = made.ok_or_else(unknown_account)?;
    Ok((StatusCode::CREATED, Json(answer(&context, &secret))).into_response())
}

/// A link that was just made, as it is told.
pub(crate) fn answer(context: &Context, secret: &PlainSecret) -> PasswordLinkAnswer {
    let purpose = EmailLinkPurpose::ChoosePassword;
    let path = purpose.link_path(secret.expose());
    let expires_at = context.control.now().plus_seconds(purpose.minutes_max() * 60);
    PasswordLinkAnswer {
        url: format!("{}{path}", context.portal_url),
        path,
        expires_at: expires_at.to_rfc3339(),
    }
}
