//! `/sign-in/with/{provider}`: to the provider. Changes nothing here: what must be known on the way back travels along, sealed.

use axum::extract::{Path, Query, State};
use axum::response::Response;
use control::ProviderPurpose;
use http::HeaderMap;
use serde::Deserialize;

use super::problem_of;
use crate::web::page::set_form_cookie;
use crate::web::redirect::{LocalPath, see_other, with_next};
use crate::web::{Portal, Problem, Visitor, comes_from_elsewhere};

#[derive(Deserialize, Default)]
pub(super) struct Next {
    #[serde(default)]
    next: String,
}

/// `GET /sign-in/with/{provider}`. Pages of other sites get no further than to where one chooses: nobody is signed in who
/// didn't mean to be.
pub(super) async fn get(
    State(portal): State<Portal>,
    visitor: Visitor,
    headers: HeaderMap,
    Path(provider): Path<String>,
    Query(query): Query<Next>,
) -> Result<Response, Problem> {
    let next = LocalPath::parse(&query.next);
    if comes_from_elsewhere(&headers) {
        return Ok(see_other(&with_next("/sign-in", next.as_ref())));
    }
    let next = next.map(|next| next.as_str().to_owned());
    let purpose = ProviderPurpose::SignIn { next };
    let started =
        portal.control.start_provider(&portal.providers, &provider, &visitor.form_token, purpose).await;
    let address = started.map_err(|error| problem_of(&provider, error))?;
    let mut response = see_other(&address);
    set_form_cookie(&mut response, visitor.new_form_cookie.as_ref());
    Ok(response)
}
