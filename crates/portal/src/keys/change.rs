//! One key: what is known of it, and changing it.

use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;
use control::{KeyChange, KeyStanding, ListedKey};
use domain::{ApiKey, AreaSet, ProductSet};

use super::fields::{self, FieldErrors, FieldsView, KeyFields, ProjectField, ReadKey};
use super::words::{self, KeyRow};
use super::{OpenCount, count_open, key_of};
use crate::web::notice::Notice;
use crate::web::page::{show, with_mistakes};
use crate::web::redirect::see_other_with;
use crate::web::time::ShownTime;
use crate::web::{Member, Page, Portal, Posted, Problem};

#[derive(Template)]
#[template(path = "keys/key.html")]
struct View<'a> {
    page: &'a Page,
    key: KeyRow,
    created: ShownTime,
    products: String,
    areas: String,
    networks: String,
    project_name: String,
    temporary_keys_last_used: Option<ShownTime>,
    revoked: Option<ShownTime>,
    rotated_from: Option<String>,
    successor: Option<String>,
    client_ref: Option<&'a str>,
    open: OpenCount,
    is_usable: bool,
    fields: FieldsView,
}

/// Shows it.
pub(crate) async fn get(
    State(portal): State<Portal>,
    member: Member,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let listed = key_of(&portal, &member, &id).await?;
    let page = Page::for_member(&member, &listed.key.name);
    let fields = KeyFields::of(&page, &listed.key);
    render(&portal, &member, page, &listed, &fields, FieldErrors::default()).await
}

/// Changes it.
pub(crate) async fn post(
    State(portal): State<Portal>,
    member: Member,
    Path(id): Path<String>,
    Posted(sent): Posted<KeyFields>,
) -> Result<Response, Problem> {
    let listed = key_of(&portal, &member, &id).await?;
    let page = Page::for_member(&member, &listed.key.name);
    let errors = match sent.read(&page) {
        Ok(read) => {
            let change = change(&page, &listed.key, &sent, read);
            let (workspace_id, id) = (member.workspace.id, listed.key.id);
            match portal.control.change_key(&member.actor(), workspace_id, id, change).await {
                Ok(_) => return Ok(see_other_with(&format!("{}/{id}", super::PATH), Notice::Saved)),
                Err(error) => fields::changing(error)?,
            }
        }
        Err(errors) => *errors,
    };
    render(&portal, &member, page, &listed, &sent, errors).await.map(with_mistakes)
}

fn change(page: &Page, key: &ApiKey, sent: &KeyFields, read: ReadKey) -> KeyChange {
    // The form knows days alone: one that wasn't touched must not move the moment.
    let is_same_day = KeyFields::of(page, key).expires_on == sent.expires_on.trim();
    KeyChange {
        name: Some(read.name),
        expires_at: (!is_same_day).then_some(read.expires_at),
        areas: Some(read.areas.unwrap_or(AreaSet::EMPTY)),
        products: Some(read.products.unwrap_or(ProductSet::EMPTY)),
        networks: Some(read.networks),
    }
}

async fn render(
    portal: &Portal,
    member: &Member,
    page: Page,
    listed: &ListedKey,
    fields: &KeyFields,
    errors: FieldErrors,
) -> Result<Response, Problem> {
    let key = &listed.key;
    let control = &portal.control;
    let project = control.find_project(member.workspace.id, key.project_id).await?;
    let networks: Vec<String> = key.networks.0.iter().map(ToString::to_string).collect();
    let successor = match listed.standing {
        KeyStanding::RotatingOut { successor, .. } => Some(successor.to_text()),
        _ => None,
    };
    let enterprise = control.limits_of(&member.workspace).enterprise;
    let view = View {
        key: KeyRow::of(&page, listed),
        created: page.time(&key.created_at),
        products: words::products(key.products),
        areas: words::areas(key.areas),
        networks: networks.join(", "),
        project_name: project.map(|project| project.name).unwrap_or_default(),
        temporary_keys_last_used: key.temporary_keys_last_used_at.map(|at| page.time(&at)),
        revoked: key.state.revoked_at().map(|at| page.time(&at)),
        rotated_from: key.rotated_from.map(|id| id.to_text()),
        successor,
        client_ref: key.client_ref.as_ref().map(|client_ref| client_ref.as_str()),
        open: count_open(portal, member, key.id).await,
        is_usable: listed.standing.is_usable(),
        fields: FieldsView::of(fields, errors, enterprise, None),
        page: &page,
    };
    show(&page, &view)
}
