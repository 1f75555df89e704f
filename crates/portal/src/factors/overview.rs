//! `/settings/security`: by what this account signs in.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use domain::{Identity, Passkey, SecondFactors};

use crate::web::page::{self, Page};
use crate::web::{Portal, Problem, SignedIn};

#[derive(Template)]
#[template(path = "factors/overview.html")]
struct Overview<'a> {
    page: &'a Page,
    factors: SecondFactors,
    /// Whether a factor is demanded and there is only one, which stays.
    is_last: bool,
    /// Whether another authenticator app would replace the one that there is.
    can_replace: bool,
    can_have_passkeys: bool,
    passkeys: Vec<Passkey>,
    identities: Vec<Linked>,
    providers: Vec<(&'a str, &'a str)>,
}

struct Linked {
    name: String,
    identity: Identity,
}

/// `GET /settings/security`.
pub(super) async fn get(State(portal): State<Portal>, signed_in: SignedIn) -> Result<Response, Problem> {
    let id = signed_in.account.id;
    let identities = portal.control.list_identities(id).await?;
    let linked = identities.into_iter().map(|identity| Linked {
        name: portal.providers.name_of(&identity.provider).unwrap_or(&identity.provider).to_owned(),
        identity,
    });
    let page = Page::for_signed_in(&signed_in, "Security");
    let factors = portal.control.second_factors(id).await?;
    let is_demanded = portal.control.demands_factor();
    let template = Overview {
        page: &page,
        factors,
        is_last: is_demanded && factors.passkeys + u64::from(factors.has_totp) == 1,
        can_replace: is_demanded && factors.has_totp,
        can_have_passkeys: portal.passkeys.is_some(),
        passkeys: portal.control.list_passkeys(id).await?,
        identities: linked.collect(),
        providers: portal.providers.list().collect(),
    };
    page::show(&page, &template)
}
