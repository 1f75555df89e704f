//! The page: choose a key, get a temporary one, run a session with it, revoke it.

use askama::Template;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::response::Response;
use control::{ListKeysError, MintForAccountError, PageRequest, RevokeTemporaryKeyError};
use domain::{ApiKey, Product, TemporaryKeyId, Timestamp};
use serde::Deserialize;
use zeroize::Zeroizing;

use super::form::{Errors, Form, LIVES, Revocation};
use super::policy;
use crate::web::notice::Notice;
use crate::web::page as layout;
use crate::web::redirect::see_other_with;
use crate::web::{Member, Page, Portal, Posted, Problem};

/// Keys to choose from; one that isn't among them is reached by a link from its own page.
const KEYS_MAX: u64 = 100;

#[derive(Template)]
#[template(path = "playground/page.html")]
struct Shown<'a> {
    page: &'a Page,
    keys: &'a [ApiKey],
    form: &'a Form,
    errors: &'a Errors,
    lives: [(u32, &'static str); 3],
    urls: &'a [String],
    management_url: &'a str,
    minted: Option<Minted>,
}

/// A temporary key, as the page shows it.
struct Minted {
    key_value: Zeroizing<String>,
    id: TemporaryKeyId,
    expires_at: Timestamp,
}

/// What the address says.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Address {
    /// The id of the key to begin with.
    key: String,
}

/// `GET /playground`.
pub(crate) async fn show(
    State(portal): State<Portal>,
    member: Member,
    address: Result<Query<Address>, QueryRejection>,
) -> Result<Response, Problem> {
    let key = address.map(|Query(address)| address.key).unwrap_or_default();
    let form = Form { api_key_id: key, ttl_seconds: LIVES[0].0, client_ref: String::new() };
    render(&portal, &member, &form, &Errors::default(), None).await
}

/// `POST /playground`.
pub(crate) async fn mint(
    State(portal): State<Portal>,
    member: Member,
    Posted(form): Posted<Form>,
) -> Result<Response, Problem> {
    let (api_key_id, request) = match form.read() {
        Ok(read) => read,
        Err(errors) => return render(&portal, &member, &form, &errors, None).await,
    };
    let peer = member.signed_in.visitor().from;
    let minted = portal
        .control
        .mint_for_account(&member.actor(), peer, member.workspace.id, api_key_id, &request)
        .await;
    match minted {
        Ok(control::Minted { key_value, id, expires_at }) => {
            let minted = Minted { key_value, id, expires_at };
            render(&portal, &member, &form, &Errors::default(), Some(minted)).await
        }
        Err(MintForAccountError::Refused(refusal)) => {
            let errors = Errors { api_key_id: Some(refusal.detail.to_string()), ..Errors::default() };
            render(&portal, &member, &form, &errors, None).await
        }
        Err(MintForAccountError::Store(error)) => Err(error.into()),
    }
}

/// `POST /playground/revoke`.
pub(crate) async fn revoke(
    State(portal): State<Portal>,
    member: Member,
    Posted(form): Posted<Revocation>,
) -> Result<Response, Problem> {
    let id = TemporaryKeyId::parse(&form.temporary_key_id).ok_or_else(Problem::not_found)?;
    match portal.control.revoke_temporary_key(&member.actor(), member.workspace.id, id).await {
        Ok(_) => Ok(see_other_with("/playground", Notice::TemporaryKeyRevoked)),
        Err(RevokeTemporaryKeyError::NotFound) => Err(Problem::not_found()),
        Err(error @ RevokeTemporaryKeyError::TooMany) => Err(Problem::conflict(error.to_string())),
        Err(RevokeTemporaryKeyError::Store(error)) => Err(error.into()),
    }
}

async fn render(
    portal: &Portal,
    member: &Member,
    form: &Form,
    errors: &Errors,
    minted: Option<Minted>,
) -> Result<Response, Problem> {
    let page = Page::for_member(member, "Playground");
    let endpoints = &portal.config.endpoints;
    let shown = Shown {
        page: &page,
        keys: &keys(portal, member, &form.api_key_id).await?,
        form,
        errors,
        lives: LIVES,
        urls: &policy::realtime_urls(endpoints),
        management_url: &endpoints.management_url,
        minted,
    };
    let mut response = layout::show_form(&page, &shown, *errors != Errors::default())?;
    policy::allow(&mut response, endpoints);
    Ok(response)
}

/// The keys that a realtime session can be had with, and the chosen one.
async fn keys(portal: &Portal, member: &Member, chosen: &str) -> Result<Vec<ApiKey>, Problem> {
    let first = PageRequest { after: None, limit: KEYS_MAX };
    let workspace_id = member.workspace.id;
    let mut keys = match portal.control.page_keys(workspace_id, None, &first).await {
        Ok(page) => page.items,
        Err(ListKeysError::Store(error)) => return Err(error.into()),
        Err(ListKeysError::ProjectNotFound) => Vec::new(),
    };
    if let Some(id) = domain::ApiKeyId::parse(chosen).filter(|id| keys.iter().all(|key| key.id != *id)) {
        keys.extend(portal.control.find_key(workspace_id, id).await?);
    }
    let now = portal.control.now();
    keys.retain(|key| can_realtime(key, now));
    Ok(keys)
}

fn can_realtime(key: &ApiKey, now: Timestamp) -> bool {
    key.state == domain::KeyState::Active
        && key.expires_at.is_none_or(|at| now < at)
        && key.products.contains(Product::Rt)
        && key.areas.iter().any(domain::Area::has_realtime)
}
