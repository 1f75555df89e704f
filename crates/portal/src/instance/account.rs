//! `/instance/accounts/{id}`: one account, and what an operator may do about it.

use askama::Template;
use axum::extract::{FromRequestParts, Path, State};
use axum::response::{IntoResponse, Response};
use control::{Actor, ChangeAccountError};
use domain::{Account, AccountId, Role, Workspace};
use http::request::Parts;

use super::accounts::PATH;
use crate::mail::letters;
use crate::web::notice::Notice;
use crate::web::page::{self, Page};
use crate::web::redirect::see_other_with;
use crate::web::{Portal, Posted, Problem, RecentOperator};
use crate::workspace::project::Nothing;

#[derive(Template)]
#[template(path = "instance/account.html")]
struct View<'a> {
    page: &'a Page,
    account: &'a Account,
    is_me: bool,
    sends_mail: bool,
    sessions: usize,
    memberships: Vec<(Workspace, Role)>,
}

async fn find(portal: &Portal, id: &str) -> Result<Account, Problem> {
    let id = AccountId::parse(id).ok_or_else(Problem::not_found)?;
    portal.control.find_account_by_id(id).await?.ok_or_else(Problem::not_found)
}

/// `GET /instance/accounts/{id}`.
pub(super) async fn get(
    State(portal): State<Portal>,
    RecentOperator(signed_in): RecentOperator,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let account = find(&portal, &id).await?;
    let page = Page::for_signed_in(&signed_in, "Account");
    let control = &portal.control;
    let mut memberships = Vec::new();
    for (id, role) in control.list_memberships(account.id).await? {
        // One that was closed between the two reads is gone.
        let Some(workspace) = control.find_workspace(id).await? else { continue };
        memberships.push((workspace, role));
    }
    let view = View {
        page: &page,
        account: &account,
        is_me: account.id == signed_in.account.id,
        sends_mail: portal.mail.is_there(),
        sessions: control.list_portal_sessions(account.id).await?.len(),
        memberships,
    };
    page::show(&page, &view)
}

/// Somebody else's account, and the operator who changes it: nobody shuts themselves out by a slip.
pub(super) struct Others {
    portal: Portal,
    actor: Actor,
    account: Account,
}

impl FromRequestParts<Portal> for Others {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, portal: &Portal) -> Result<Self, Response> {
        let operator = RecentOperator::from_request_parts(parts, portal).await;
        let RecentOperator(signed_in) = operator.map_err(IntoResponse::into_response)?;
        let id = Path::<String>::from_request_parts(parts, portal).await;
        let Path(id) = id.map_err(IntoResponse::into_response)?;
        let account = find(portal, &id).await.map_err(IntoResponse::into_response)?;
        if account.id == signed_in.account.id {
            return Err(Problem::conflict(
                "This is your own account. Ask another operator, or use the command line where the instance runs.",
            )
            .into_response());
        }
        Ok(Self { portal: portal.clone(), actor: signed_in.actor(), account })
    }
}

impl Others {
    fn done(&self, changed: Result<(), ChangeAccountError>) -> Result<Response, Problem> {
        match changed {
            Ok(()) => Ok(see_other_with(&format!("{PATH}/{}", self.account.id), Notice::Saved)),
            Err(ChangeAccountError::AccountNotFound) => Err(Problem::not_found()),
            Err(ChangeAccountError::Store(error)) => Err(error.into()),
        }
    }

    async fn set_operator(&self, is_operator: bool) -> Result<Response, Problem> {
        let control = &self.portal.control;
        self.done(control.set_operator(&self.actor, self.account.id, is_operator).await)
    }
}

/// `POST /instance/accounts/{id}/disable`.
pub(super) async fn disable(
    others: Others,
    Posted(Nothing {}): Posted<Nothing>,
) -> Result<Response, Problem> {
    others.done(others.portal.control.disable_account(&others.actor, others.account.id).await)
}

/// `POST /instance/accounts/{id}/enable`.
pub(super) async fn enable(others: Others, Posted(Nothing {}): Posted<Nothing>) -> Result<Response, Problem> {
    others.done(others.portal.control.enable_account(&others.actor, others.account.id).await)
}

/// `POST /instance/accounts/{id}/make-operator`.
pub(super) async fn make_operator(
    others: Others,
    Posted(Nothing {}): Posted<Nothing>,
) -> Result<Response, Problem> {
    others.set_operator(true).await
}

/// `POST /instance/accounts/{id}/remove-operator`.
pub(super) async fn remove_operator(
    others: Others,
    Posted(Nothing {}): Posted<Nothing>,
) -> Result<Response, Problem> {
    others.set_operator(false).await
}

/// `POST /instance/accounts/{id}/sign-out`.
pub(super) async fn sign_out(
    others: Others,
    Posted(Nothing {}): Posted<Nothing>,
) -> Result<Response, Problem> {
    others.portal.control.sign_out_everywhere(&others.actor, others.account.id, None).await?;
    others.done(Ok(()))
}

/// `POST /instance/accounts/{id}/send-reset-link`.
pub(super) async fn send_reset_link(
    State(portal): State<Portal>,
    RecentOperator(signed_in): RecentOperator,
    Path(id): Path<String>,
    Posted(Nothing {}): Posted<Nothing>,
) -> Result<Response, Problem> {
    let account = find(&portal, &id).await?;
    if !portal.mail.is_there() {
        return Err(Problem::conflict("This instance sends no mail, so no link was made."));
    }
    let made = portal.control.make_password_reset_link(&signed_in.actor(), account.id).await?;
    let Some((account, secret)) = made else {
        return Err(Problem::conflict("This account is disabled: enable it first. No link was made."));
    };
    let mail = letters::reset_password(&account.email, &portal.config.base_url, secret.expose());
    let taken = portal.mail.send(mail);
    taken.map_err(|error| Problem::conflict(format!("The mail was not sent: {error}.")))?;
    Ok(see_other_with(&format!("{PATH}/{}", account.id), Notice::MailSent))
}
