//! `/settings/security/identities`: who somebody is at another provider, linked with the account that is signed in. The way leads
//! over a page that asks whether it is really them: somebody else may be signed in at the provider, in the same browser.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use control::{ChangeFactorError, ProviderPurpose};
use serde::Deserialize;

use super::certain::Certain;
use super::{PATH, notify, problem};
use crate::providers::problem_of;
use crate::web::notice::Notice;
use crate::web::page::{self, Page};
use crate::web::redirect::see_other_with;
use crate::web::{Portal, Posted, Problem};

#[derive(Template)]
#[template(path = "providers/leave.html")]
struct Leave<'a> {
    page: &'a Page,
    provider: &'a str,
    address: &'a str,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LinkForm {
    provider: String,
}

/// `POST /settings/security/identities/link`: a page with the way to the provider. It is a link rather than the form's answer,
/// because forms of this portal lead nowhere else.
pub(super) async fn link(
    State(portal): State<Portal>,
    Certain(signed_in): Certain,
    Posted(form): Posted<LinkForm>,
) -> Result<Response, Problem> {
    let purpose = ProviderPurpose::Link { account_id: signed_in.account.id };
    let bound_to = signed_in.visitor().form_token;
    let started = portal.control.start_provider(&portal.providers, &form.provider, &bound_to, purpose).await;
    let address = started.map_err(|error| problem_of(&form.provider, error))?;
    let page = Page::for_signed_in(&signed_in, "Link an account");
    let provider = portal.providers.name_of(&form.provider).unwrap_or_default();
    page::show(&page, &Leave { page: &page, provider, address: &address })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ConfirmForm {
    ticket: String,
}

/// `POST /settings/security/identities/confirm`.
pub(super) async fn confirm(
    State(portal): State<Portal>,
    Certain(signed_in): Certain,
    Posted(form): Posted<ConfirmForm>,
) -> Result<Response, Problem> {
    let bound_to = signed_in.session.id.to_string();
    let (control, account_id) = (&portal.control, signed_in.account.id);
    match control.link_identity(&signed_in.actor(), account_id, &bound_to, &form.ticket).await {
        Ok(identity) => {
            let name = portal.providers.name_of(&identity.provider).unwrap_or(&identity.provider);
            let what =
                format!("{} at {name} can sign in to your account at Voxgate from now on.", identity.label);
            notify(&portal, &signed_in.account, &what);
            Ok(see_other_with(PATH, Notice::Saved))
        }
        Err(ChangeFactorError::Exists) => Err(Problem::conflict(
            "It is linked already, with this account or another one. Unlink it there first.",
        )),
        Err(error) => Err(problem(error)),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct UnlinkForm {
    provider: String,
    subject: String,
}

/// `POST /settings/security/identities/unlink`.
pub(super) async fn unlink(
    State(portal): State<Portal>,
    Certain(signed_in): Certain,
    Posted(form): Posted<UnlinkForm>,
) -> Result<Response, Problem> {
    let (control, account_id) = (&portal.control, signed_in.account.id);
    let unlinked =
        control.unlink_identity(&signed_in.actor(), account_id, &form.provider, &form.subject).await;
    unlinked.map_err(problem)?;
    notify(&portal, &signed_in.account, "Another way to sign in to your account at Voxgate was unlinked.");
    Ok(see_other_with(PATH, Notice::Saved))
}
