//! A new management token: made once however often its form is sent, and shown once.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use control::{CreateTokenError, Made};
use domain::FormId;
use domain::limits::NAME_CHARACTERS_MAX;

use super::list::{self, TokenErrors, TokenFields};
use super::permissions;
use crate::web::notice::Notice;
use crate::web::page::show;
use crate::web::redirect::see_other_with;
use crate::web::{Page, Portal, Posted, Problem, RecentAdmin};

#[derive(Template)]
#[template(path = "tokens/created.html")]
struct View<'a> {
    page: &'a Page,
    secret: &'a str,
    name: &'a str,
    permissions: String,
    management_url: &'a str,
}

/// Makes it.
pub(crate) async fn post(
    State(portal): State<Portal>,
    RecentAdmin(member): RecentAdmin,
    Posted(sent): Posted<TokenFields>,
) -> Result<Response, Problem> {
    let Some(form) = FormId::parse(&sent.form) else { return Err(Problem::form_expired()) };
    let Some(permissions) = permissions::read(&sent.permissions) else {
        let permissions = Some("Choose from the permissions that are listed.");
        let errors = TokenErrors { permissions, ..TokenErrors::default() };
        return list::show_again(&portal, &member, &sent, errors).await;
    };
    let (control, name) = (&portal.control, sent.name.trim());
    let made = control
        .create_management_token_once(&member.actor(), member.workspace.id, form, name, permissions)
        .await;
    let made = match made {
        Ok(Made::Now(made)) => made,
        Ok(Made::Before(_)) => return Ok(see_other_with(super::PATH, Notice::MadeBefore)),
        Err(error) => return list::show_again(&portal, &member, &sent, wrong(error)?).await,
    };
    let page = Page::for_member(&member, "Your new management token");
    let view = View {
        page: &page,
        secret: made.secret.expose(),
        name: &made.token.name,
        permissions: made.token.permissions.names(),
        management_url: &portal.config.endpoints.management_url,
    };
    show(&page, &view)
}

fn wrong(error: CreateTokenError) -> Result<TokenErrors, Problem> {
    let mut errors = TokenErrors::default();
    match error {
        CreateTokenError::InvalidName => {
            let text = format!(
                "Give the token a name of 1 to {NAME_CHARACTERS_MAX} characters, without line breaks."
            );
            errors.name = Some(text);
        }
        CreateTokenError::NoPermissions => {
            errors.permissions =
                Some("Choose what it may do: without any permission it is good for nothing.");
        }
        CreateTokenError::WorkspaceNotFound => return Err(Problem::not_found()),
        CreateTokenError::Store(error) => return Err(error.into()),
    }
    Ok(errors)
}
