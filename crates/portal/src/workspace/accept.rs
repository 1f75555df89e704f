//! `/invitations/accept`: where the link of an invitation leads. Looking at it changes nothing: mail servers do, too.

use askama::Template;
use axum::extract::{Query, State};
use axum::response::{AppendHeaders, IntoResponse as _, Response};
use control::{
    AcceptError, OpenInvitation, PASSWORD_BYTES_MAX, PASSWORD_CHARACTERS_MIN, PORTAL_SESSION_DAYS_MAX,
    RegisterInvitedError, SignIn,
};
use domain::{PortalSessionState, SignInMethod};
use http::StatusCode;
use serde::Deserialize;

use super::said;
use crate::web::notice::Notice;
use crate::web::page::{self, Page};
use crate::web::redirect::{LocalPath, see_other_with, with_next};
use crate::web::{Portal, Posted, Problem, SignedIn, Visitor, cookies};

const PATH: &str = "/invitations/accept";
const SECONDS_PER_DAY: i64 = 24 * 3600;

#[derive(Template)]
#[template(path = "workspace/invitation.html")]
struct View<'a> {
    page: &'a Page,
    workspace: &'a str,
    role: &'a str,
    email: &'a str,
    secret: &'a str,
    who: Who,
    sign_in: String,
    password_characters: usize,
    password_bytes: usize,
    error: Option<String>,
}

#[derive(Template)]
#[template(path = "workspace/no_invitation.html")]
struct Gone<'a> {
    page: &'a Page,
}

/// Who looks at an invitation.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Who {
    /// The account that it is for.
    Invited,
    /// Another account.
    Another(String),
    /// Nobody; its address has an account.
    HasAccount,
    /// Nobody; its address has none.
    New,
}

/// What a link carries.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Link {
    token: String,
}

/// Accepting.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Accept {
    token: String,
}

/// A new account.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Register {
    token: String,
    password: String,
}

/// `GET /invitations/accept`.
pub(super) async fn get(
    State(portal): State<Portal>,
    visitor: Visitor,
    Query(link): Query<Link>,
) -> Result<Response, Problem> {
    match portal.control.find_open_invitation(&link.token).await? {
        Some(open) => show(&visitor, &open, &link.token, None),
        None => gone(&visitor),
    }
}

fn gone(visitor: &Visitor) -> Result<Response, Problem> {
    let page = Page::for_visitor(visitor, "This invitation is not valid any more");
    let shown = page::show(&page, &Gone { page: &page })?;
    Ok((StatusCode::NOT_FOUND, shown).into_response())
}

fn show(
    visitor: &Visitor,
    open: &OpenInvitation,
    secret: &str,
    error: Option<String>,
) -> Result<Response, Problem> {
    let page = Page::for_visitor(visitor, "Invitation");
    let invited = &open.invitation.email;
    let who = match visitor.recognised_account() {
        Some(account) if account.email.to_lowercase() == invited.to_lowercase() => Who::Invited,
        Some(account) => Who::Another(account.email.clone()),
        None if open.has_account => Who::HasAccount,
        None => Who::New,
    };
    let here = LocalPath::parse(&format!("{PATH}?token={secret}"));
    let view = View {
        page: &page,
        workspace: &open.workspace.name,
        role: open.invitation.role.as_str(),
        email: invited,
        secret,
        who,
        sign_in: with_next("/sign-in", here.as_ref()),
        password_characters: PASSWORD_CHARACTERS_MIN,
        password_bytes: PASSWORD_BYTES_MAX,
        error,
    };
    page::show(&page, &view)
}

/// `POST /invitations/accept`: with the account that is signed in.
pub(super) async fn accept(
    State(portal): State<Portal>,
    signed_in: SignedIn,
    Posted(form): Posted<Accept>,
) -> Result<Response, Problem> {
    let control = &portal.control;
    match control.accept_invitation(&signed_in.actor(), signed_in.account.id, &form.token).await {
        Ok(workspace) => {
            control.set_portal_session_workspace(signed_in.session.id, workspace.id).await?;
            Ok(see_other_with("/", Notice::Joined))
        }
        Err(AcceptError::NotFound) => gone(&signed_in.visitor()),
        Err(error @ AcceptError::OtherAddress) => Err(Problem::forbidden(format!(
            "{} Sign out, and sign in with the address that the mail was sent to.",
            said(&error)
        ))),
        Err(AcceptError::Store(error)) => Err(error.into()),
    }
}

/// `POST /invitations/register`: with an account that is made now.
pub(super) async fn register(
    State(portal): State<Portal>,
    visitor: Visitor,
    Posted(form): Posted<Register>,
) -> Result<Response, Problem> {
    let control = &portal.control;
    let account = match control.register_invited(&form.token, &form.password, visitor.from).await {
        Ok(account) => account,
        Err(RegisterInvitedError::NotFound) => return gone(&visitor),
        Err(RegisterInvitedError::Store(error)) => return Err(error.into()),
        Err(error) => {
            let Some(open) = control.find_open_invitation(&form.token).await? else { return gone(&visitor) };
            let shown = show(&visitor, &open, &form.token, Some(said(&error)))?;
            return Ok(page::with_mistakes(shown));
        }
    };
    let sign_in = SignIn {
        account_id: account.id,
        method: SignInMethod::Link,
        password: None,
        state: PortalSessionState::Open,
        browser: &visitor.browser,
        from: Some(visitor.from),
    };
    let begun = control.begin_portal_session(sign_in).await.map_err(|error| Problem::internal(&error))?;
    let cookie = cookies::set(cookies::SESSION, &begun.secret, PORTAL_SESSION_DAYS_MAX * SECONDS_PER_DAY);
    Ok((AppendHeaders([cookie]), see_other_with("/", Notice::Joined)).into_response())
}
