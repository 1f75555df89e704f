//! `/settings/delete-account`: an account goes, with what is its alone.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use control::DeleteAccountError;
use serde::Deserialize;

use crate::mail::{letters, send_or_log};
use crate::web::notice::Notice;
use crate::web::page::{show, with_mistakes};
use crate::web::redirect::see_other_with;
use crate::web::{Page, Portal, Posted, Problem, Recent, SignedIn, cookies};

#[derive(Template)]
#[template(path = "account/delete.html")]
struct View<'a> {
    page: &'a Page,
    email: &'a str,
    /// The names of the workspaces that end with the account.
    sole: Vec<String>,
    mistake: Option<String>,
}

async fn form(portal: &Portal, signed_in: &SignedIn, mistake: Option<String>) -> Result<Response, Problem> {
    let page = Page::for_signed_in(signed_in, "Delete account");
    let mut sole = Vec::new();
    for id in portal.control.list_sole_workspaces(signed_in.account.id).await? {
        sole.extend(portal.control.find_workspace(id).await?.map(|workspace| workspace.name));
    }
    show(&page, &View { page: &page, email: &signed_in.account.email, sole, mistake })
}

/// `GET /settings/delete-account`.
pub(super) async fn get(
    State(portal): State<Portal>,
    Recent(signed_in): Recent,
) -> Result<Response, Problem> {
    form(&portal, &signed_in, None).await
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Form {
    /// There if it is meant.
    is_meant: Option<String>,
}

/// `POST /settings/delete-account`.
pub(super) async fn post(
    State(portal): State<Portal>,
    Recent(signed_in): Recent,
    Posted(sent): Posted<Form>,
) -> Result<Response, Problem> {
    if sent.is_meant.is_none() {
        let mistake = "Nothing was deleted: say above that you know that it can't be undone.".to_owned();
        return Ok(with_mistakes(form(&portal, &signed_in, Some(mistake)).await?));
    }
    let id = signed_in.account.id;
    match portal.control.delete_own_account(&signed_in.actor(), id).await {
        Ok(()) => {}
        Err(DeleteAccountError::AccountNotFound) => return Err(Problem::not_found()),
        Err(DeleteAccountError::Store(error)) => return Err(error.into()),
        Err(DeleteAccountError::LastAdmin(workspace_id)) => {
            let workspace = portal.control.find_workspace(workspace_id).await?;
            let name = workspace.map(|workspace| workspace.name).unwrap_or_default();
            let mistake = format!(
                "Nothing was deleted: you are the only admin of the workspace “{name}”, which has other members. Make one of \
                 them admin first, or close it."
            );
            return Ok(with_mistakes(form(&portal, &signed_in, Some(mistake)).await?));
        }
    }
    send_or_log(&*portal.mail, letters::account_deleted(&signed_in.account.email));
    let mut response = see_other_with("/", Notice::AccountDeleted);
    let (name, value) = cookies::clear(cookies::SESSION);
    response.headers_mut().append(name, value);
    Ok(response)
}
