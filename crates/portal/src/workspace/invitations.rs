//! `/settings/members/invite` and what becomes of an invitation: sent again, withdrawn.

use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;
use control::{INVITATION_DAYS, InviteError, ResendError, SentInvitation, WithdrawError};
use domain::{InvitationId, Role};
use serde::Deserialize;

use super::mails;
use super::members::INVITATIONS_PATH;
use super::project::Nothing;
use super::said;
use crate::web::notice::Notice;
use crate::web::page::{self, Page};
use crate::web::redirect::see_other_with;
use crate::web::{Admin, Member, Portal, Posted, Problem, RecentAdmin};

#[derive(Template)]
#[template(path = "workspace/invite.html")]
struct View<'a> {
    page: &'a Page,
    days: i64,
    email: &'a str,
    role: &'a str,
    error: Option<String>,
}

/// Whom to invite.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Fields {
    email: String,
    role: String,
}

fn show(member: &Member, email: &str, role: &str, error: Option<String>) -> Result<Response, Problem> {
    let page = Page::for_member(member, "Invite somebody");
    page::show(&page, &View { page: &page, days: INVITATION_DAYS, email, role, error })
}

/// `GET /settings/members/invite`.
pub(super) async fn ask(RecentAdmin(member): RecentAdmin) -> Result<Response, Problem> {
    show(&member, "", Role::Member.as_str(), None)
}

/// `POST /settings/members/invite`.
pub(super) async fn invite(
    State(portal): State<Portal>,
    RecentAdmin(member): RecentAdmin,
    Posted(form): Posted<Fields>,
) -> Result<Response, Problem> {
    let role = Role::from_name(&form.role).ok_or_else(|| Problem::bad_form("A role is admin or member."))?;
    if !portal.mail.is_there() {
        let error =
            "This instance sends no mail, so nobody can be invited. Whoever runs it can name a mail server.";
        let shown = show(&member, &form.email, role.as_str(), Some(error.to_owned()))?;
        return Ok(page::with_mistakes(shown));
    }
    let email = form.email.trim();
    match portal.control.invite(&member.actor(), member.workspace.id, email, role).await {
        Ok(sent) => send(&portal, &member, &sent),
        Err(InviteError::WorkspaceNotFound) => Err(Problem::not_found()),
        Err(InviteError::Store(error)) => Err(error.into()),
        Err(error) => {
            let shown = show(&member, &form.email, role.as_str(), Some(said(&error)))?;
            Ok(page::with_mistakes(shown))
        }
    }
}

fn send(portal: &Portal, member: &Member, sent: &SentInvitation) -> Result<Response, Problem> {
    mails::invite(portal, &member.workspace, &member.signed_in.account, sent)?;
    Ok(see_other_with(INVITATIONS_PATH, Notice::InvitationSent))
}

/// `POST /settings/members/invitations/{id}/resend`.
pub(super) async fn resend(
    State(portal): State<Portal>,
    Admin(member): Admin,
    Path(id): Path<String>,
    Posted(Nothing {}): Posted<Nothing>,
) -> Result<Response, Problem> {
    let id = InvitationId::parse(&id).ok_or_else(Problem::not_found)?;
    match portal.control.resend_invitation(&member.actor(), member.workspace.id, id).await {
        Ok(sent) => send(&portal, &member, &sent),
        Err(ResendError::NotFound) => Err(Problem::not_found()),
        Err(error @ (ResendError::TooSoon | ResendError::TooMany)) => Err(Problem::conflict(said(&error))),
        Err(ResendError::Store(error)) => Err(error.into()),
    }
}

/// `POST /settings/members/invitations/{id}/withdraw`.
pub(super) async fn withdraw(
    State(portal): State<Portal>,
    Admin(member): Admin,
    Path(id): Path<String>,
    Posted(Nothing {}): Posted<Nothing>,
) -> Result<Response, Problem> {
    let id = InvitationId::parse(&id).ok_or_else(Problem::not_found)?;
    match portal.control.withdraw_invitation(&member.actor(), member.workspace.id, id).await {
        Ok(_) => Ok(see_other_with(INVITATIONS_PATH, Notice::InvitationWithdrawn)),
        Err(WithdrawError::NotFound) => Err(Problem::not_found()),
        Err(WithdrawError::Store(error)) => Err(error.into()),
    }
}
