//! The list of management tokens, with the form for a new one above it.

use askama::Template;
use axum::extract::{Query, State};
use axum::response::Response;
use control::{PageRequest, Place};
use domain::limits::NAME_CHARACTERS_MAX;
use domain::{FormId, ManagementToken, ManagementTokenId, Timestamp};
use serde::Deserialize;

use super::permissions::{self, PermissionChoice};
use crate::web::page::{show, with_mistakes};
use crate::web::paging::ROWS_PER_PAGE;
use crate::web::time::ShownTime;
use crate::web::{Admin, Member, Page, Portal, Problem, RECENT_MINUTES_MAX};

/// The address as it came.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Address {
    after: String,
}

/// The form as it was sent.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct TokenFields {
    pub(crate) form: String,
    pub(crate) name: String,
    pub(crate) permissions: Vec<String>,
}

/// What is wrong, by field.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct TokenErrors {
    pub(crate) name: Option<String>,
    pub(crate) permissions: Option<&'static str>,
}

/// One token in a list.
#[derive(Debug, Clone)]
pub(crate) struct TokenRow {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) hint: String,
    pub(crate) permissions: String,
    pub(crate) created: ShownTime,
    pub(crate) last_used: Option<ShownTime>,
}

impl TokenRow {
    pub(crate) fn of(page: &Page, token: &ManagementToken) -> Self {
        Self {
            id: token.id.to_text(),
            name: token.name.clone(),
            hint: token.hint.clone(),
            permissions: token.permissions.names(),
            created: page.time(&token.created_at),
            last_used: token.last_used_at.map(|at| page.time(&at)),
        }
    }
}

#[derive(Template)]
#[template(path = "tokens/list.html")]
struct View<'a> {
    page: &'a Page,
    is_recent: bool,
    form: FormId,
    name: &'a str,
    name_max: usize,
    permissions: Vec<PermissionChoice>,
    errors: TokenErrors,
    rows: Vec<TokenRow>,
    is_first: bool,
    next: Option<String>,
}

/// Shows the list.
pub(crate) async fn get(
    State(portal): State<Portal>,
    Admin(member): Admin,
    Query(address): Query<Address>,
) -> Result<Response, Problem> {
    page(&portal, &member, &address, &TokenFields::default(), TokenErrors::default()).await
}

/// The form as it was sent, with what is wrong in it.
pub(crate) async fn show_again(
    portal: &Portal,
    member: &Member,
    fields: &TokenFields,
    errors: TokenErrors,
) -> Result<Response, Problem> {
    page(portal, member, &Address::default(), fields, errors).await.map(with_mistakes)
}

async fn page(
    portal: &Portal,
    member: &Member,
    address: &Address,
    fields: &TokenFields,
    errors: TokenErrors,
) -> Result<Response, Problem> {
    let control = &portal.control;
    let page = Page::for_member(member, "Management tokens");
    let request = PageRequest { after: place(&address.after)?, limit: ROWS_PER_PAGE };
    let found = control.page_management_tokens(member.workspace.id, &request).await?;
    let confirmed_at = member.signed_in.session.confirmed_at;
    let next = |place: &Place| format!("{}?after={}.{}", super::PATH, place.created_at.as_micros(), place.id);
    let view = View {
        is_recent: control.now() < confirmed_at.plus_seconds(RECENT_MINUTES_MAX * 60),
        form: FormId::parse(&fields.form).unwrap_or_else(|| control.new_form()),
        name: &fields.name,
        name_max: NAME_CHARACTERS_MAX,
        permissions: permissions::choices(&fields.permissions),
        errors,
        rows: found.items.iter().map(|token| TokenRow::of(&page, token)).collect(),
        is_first: request.after.is_none(),
        next: found.next.as_ref().map(next),
        page: &page,
    };
    show(&page, &view)
}

fn place(text: &str) -> Result<Option<Place>, Problem> {
    if text.is_empty() {
        return Ok(None);
    }
    let place = text.split_once('.').and_then(|(micros, id)| {
        let created_at = Timestamp::from_micros(micros.parse().ok()?);
        Some(Place { created_at, id: ManagementTokenId::parse(id)?.to_text() })
    });
    place.map(Some).ok_or_else(Problem::not_found)
}
