//! `/sign-in/with/{provider}/register`: an account for whoever came back from a provider and has none.

use axum::extract::{Path, State};
use axum::response::Response;
use control::{Browser, ChangeFactorError, ProviderUser};
use serde::Deserialize;

use crate::factors::{enter_anew, problem};
use crate::web::redirect::LocalPath;
use crate::web::{Portal, Posted, Problem, Visitor};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Form {
    ticket: String,
    #[serde(default)]
    next: String,
}

/// `POST /sign-in/with/{provider}/register`.
pub(super) async fn post(
    State(portal): State<Portal>,
    visitor: Visitor,
    Path(provider): Path<String>,
    Posted(form): Posted<Form>,
) -> Result<Response, Problem> {
    let control = &portal.control;
    let made = control.register_with_identity(&visitor.form_token, &form.ticket, visitor.from).await;
    let account = made.map_err(|error| match error {
        ChangeFactorError::Exists => Problem::conflict(
            "There is an account with this e-mail address already. Sign in to it as you usually do, and link the other one under \
             Settings, Security.",
        ),
        other => problem(other),
    })?;
    let linked = control.list_identities(account.id).await?.into_iter().find(|one| one.provider == provider);
    let identity = linked.ok_or_else(Problem::not_found)?;
    let user = ProviderUser {
        provider: identity.provider,
        subject: identity.subject,
        label: identity.label,
        verified_email: None,
        organisation: None,
    };
    let browser = Browser { name: &visitor.browser, from: Some(visitor.from) };
    let begun = control.sign_in_with_identity(&user, browser).await;
    let begun = begun.map_err(|error| Problem::internal(&error))?.ok_or_else(Problem::not_found)?;
    enter_anew(&portal, &visitor, &begun, LocalPath::parse(&form.next).as_ref()).await
}
