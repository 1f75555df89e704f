//! "This key has leaked": one button that ends the key and what it opened, and leads to what it did.

use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;
use control::RevokeKeyError;
use serde::Deserialize;

use super::words::KeyRow;
use super::{count_open, key_of};
use crate::web::notice::Notice;
use crate::web::page::show_form;
use crate::web::redirect::see_other_with;
use crate::web::{Member, Page, Portal, Posted, Problem};

/// The form.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Leak {
    #[serde(default)]
    since: String,
}

#[derive(Template)]
#[template(path = "keys/leaked.html")]
struct View<'a> {
    page: &'a Page,
    key: KeyRow,
    open: String,
    since: String,
    contact: Option<&'a str>,
    error: Option<&'static str>,
}

/// Says what will happen.
pub(crate) async fn get(
    State(portal): State<Portal>,
    member: Member,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    ask(&portal, &member, &id, None).await
}

async fn ask(portal: &Portal, member: &Member, id: &str, wrong: Option<String>) -> Result<Response, Problem> {
    let listed = key_of(portal, member, id).await?;
    let page = Page::for_member(member, "This key has leaked");
    let error = wrong.is_some().then_some("Give a day and a time, as in 2027-01-31T09:00.");
    let since = wrong.unwrap_or_else(|| page.field_time(&listed.key.created_at));
    let view = View {
        open: count_open(portal, member, listed.key.id).await.sentence(),
        key: KeyRow::of(&page, &listed),
        since,
        contact: portal.config.support_contact.as_deref(),
        error,
        page: &page,
    };
    show_form(&page, &view, error.is_some())
}

/// Ends the key. One that was ended before is as good: what counts is to see what it did.
pub(crate) async fn post(
    State(portal): State<Portal>,
    member: Member,
    Path(id): Path<String>,
    Posted(sent): Posted<Leak>,
) -> Result<Response, Problem> {
    let key = key_of(&portal, &member, &id).await?.key;
    let ended = portal.control.revoke_leaked_key(&member.actor(), member.workspace.id, key.id).await;
    let notice = match ended {
        Ok(_) => Notice::LeakEnded,
        Err(RevokeKeyError::AlreadyRevoked) => Notice::RevokedBefore,
        Err(RevokeKeyError::NotFound) => return Err(Problem::not_found()),
        Err(RevokeKeyError::Store(error)) => return Err(error.into()),
    };
    // The key is ended whatever the moment says: what is typed wrong must not delay that.
    let page = Page::for_member(&member, "");
    let since = page.read_time(sent.since.trim()).unwrap_or(key.created_at);
    let since: String = form_urlencoded::byte_serialize(page.field_time(&since).as_bytes()).collect();
    Ok(see_other_with(&format!("{}/{}/activity?since={since}", super::PATH, key.id), notice))
}
