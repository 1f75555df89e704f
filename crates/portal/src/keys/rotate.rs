//! Rotating a key: a successor with the same name and rights, shown once, and an overlap in which both work.

use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;
use control::{Made, RotateKeyError};
use domain::FormId;
use serde::Deserialize;

use super::words::KeyRow;
use super::{count_open, key_of};
use crate::web::notice::Notice;
use crate::web::page::{show, show_form};
use crate::web::redirect::see_other_with;
use crate::web::time::ShownTime;
use crate::web::{Member, Page, Portal, Posted, Problem, RecentMember};

/// How long both may live side by side, in seconds, and in words.
const OVERLAPS: [(u32, &str); 6] = [
    (0, "None: the old key ends now"),
    (3600, "1 hour"),
    (24 * 3600, "1 day"),
    (3 * 24 * 3600, "3 days"),
    (7 * 24 * 3600, "7 days"),
    (30 * 24 * 3600, "30 days"),
];
/// What is chosen before anybody chooses, in seconds: time to roll out the new key on a working day.
const OVERLAP_SECONDS: u32 = 24 * 3600;

/// The form.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Rotation {
    form: String,
    overlap: String,
}

#[derive(Template)]
#[template(path = "keys/rotate.html")]
struct View<'a> {
    page: &'a Page,
    key: KeyRow,
    form: FormId,
    overlaps: &'static [(u32, &'static str)],
    chosen: u32,
    open: String,
    error: Option<&'a str>,
}

#[derive(Template)]
#[template(path = "keys/rotated.html")]
struct Rotated<'a> {
    page: &'a Page,
    secret: &'a str,
    name: &'a str,
    id: String,
    old_id: String,
    old_hint: &'a str,
    old_expires: ShownTime,
    is_over: bool,
}

/// Asks for the overlap.
pub(crate) async fn get(
    State(portal): State<Portal>,
    RecentMember(member): RecentMember,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    ask(&portal, &member, &id, OVERLAP_SECONDS, portal.control.new_form(), None).await
}

async fn ask(
    portal: &Portal,
    member: &Member,
    id: &str,
    chosen: u32,
    form: FormId,
    error: Option<&str>,
) -> Result<Response, Problem> {
    let listed = key_of(portal, member, id).await?;
    if !listed.standing.is_usable() {
        return Err(Problem::conflict("Only a key that still works can be rotated. Make a new one instead."));
    }
    let page = Page::for_member(member, "Rotate this key");
    let open = count_open(portal, member, listed.key.id).await.sentence();
    let key = KeyRow::of(&page, &listed);
    show_form(
        &page,
        &View { page: &page, key, form, overlaps: &OVERLAPS, chosen, open, error },
        error.is_some(),
    )
}

/// Does it.
pub(crate) async fn post(
    State(portal): State<Portal>,
    RecentMember(member): RecentMember,
    Path(id): Path<String>,
    Posted(sent): Posted<Rotation>,
) -> Result<Response, Problem> {
    let old = key_of(&portal, &member, &id).await?.key;
    let Some(form) = FormId::parse(&sent.form) else { return Err(Problem::form_expired()) };
    let overlap =
        sent.overlap.parse().ok().filter(|seconds| OVERLAPS.iter().any(|(known, _)| known == seconds));
    let Some(overlap) = overlap else {
        let error = "Choose one of the overlaps that are listed.";
        return ask(&portal, &member, &id, OVERLAP_SECONDS, form, Some(error)).await;
    };
    let control = &portal.control;
    let made = control.rotate_key_once(&member.actor(), member.workspace.id, old.id, form, overlap).await;
    let rotated = match made {
        Ok(Made::Now(rotated)) => rotated,
        Ok(Made::Before(key)) => {
            return Ok(see_other_with(&format!("{}/{}", super::PATH, key.id), Notice::MadeBefore));
        }
        Err(RotateKeyError::ProjectFull) => {
            let error = "The project has no room for two keys. Rotate without overlap, or revoke one that isn't needed.";
            return ask(&portal, &member, &id, overlap, form, Some(error)).await;
        }
        Err(RotateKeyError::NotFound) => return Err(Problem::not_found()),
        Err(RotateKeyError::Expired | RotateKeyError::OverlapTooLong) => {
            return Err(Problem::conflict(
                "Only a key that still works can be rotated. Make a new one instead.",
            ));
        }
        Err(RotateKeyError::Store(error)) => return Err(error.into()),
    };
    let page = Page::for_member(&member, "Your new key");
    let view = Rotated {
        secret: rotated.secret.expose(),
        name: &rotated.key.name,
        id: rotated.key.id.to_text(),
        old_id: old.id.to_text(),
        old_hint: &old.hint,
        old_expires: page.time(&rotated.old_expires_at),
        is_over: rotated.old_expires_at <= control.now(),
        page: &page,
    };
    show(&page, &view)
}
