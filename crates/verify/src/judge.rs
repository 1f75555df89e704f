//! The checks after a credential was found to be genuine, in the one order of design 4 and the answers table: time, parent,
//! revocations, what it may be used for, product, area, plan, leash. The first that fails is the answer.

use std::sync::Arc;

use domain::link::Revision;
use domain::token::Claims;
use domain::{
    AreaSet, ClientRef, Leash, PlanLimits, Product, ProductSet, ProjectId, Refusal, Region, Timestamp,
};

use crate::cache::{VerifiedToken, no_leash};
use crate::sentences::{self, Reach, What};
use crate::state::keys::KeyEntry;
use crate::state::{Home, State};
use crate::{Leeway, Need, Principal, Surface};

/// Judges an API key.
pub(crate) fn api_key(
    state: &State,
    key: &KeyEntry,
    need: &Need<'_>,
    now: Timestamp,
) -> Result<Principal, Refusal> {
    let home = living_key(state, key, now)?;
    if need.surface == Surface::RealtimeUrl {
        return Err(sentences::long_lived_key_in_url());
    }
    let grant = Grant { what: What::ApiKey, products: key.products, areas: key.areas, limits: home.limits };
    grant.covers(need.product, need.region)?;
    if !key.networks().allow(need.peer) {
        return Err(sentences::network_denied(What::ApiKey));
    }
    let principal = Principal {
        workspace_id: home.workspace_id,
        project_id: key.project_id,
        api_key_id: key.id(),
        temporary_key_id: None,
        product: need.product,
        products: key.products,
        areas: key.areas,
        region: need.region,
        client_ref: key.client_ref().cloned(),
        leash: no_leash(),
        expires_at: None,
        limits: home.limits,
        peer: need.peer,
        minted_at: None,
        signed_by: None,
    };
    usage(need, principal)
}

/// Judges a temporary key whose signature is good.
pub(crate) fn temporary_key(
    state: &State,
    token: &VerifiedToken,
    leeway: Leeway,
    need: &Need<'_>,
    now: Timestamp,
) -> Result<Principal, Refusal> {
    let claims = &token.claims;
    let ours = state.issuer.load().instance_id;
    if ours.is_none() || token.issuer != ours {
        return Err(sentences::foreign_issuer());
    }
    in_time(claims, leeway, now)?;
    let parent =
        state.keys.find_near(token.parent, claims.api_key_id).ok_or_else(sentences::parent_unknown)?;
    let home = living_token(state, claims, &parent, now)?;
    if need.surface == Surface::Mint {
        return Err(sentences::temporary_key_mints());
    }
    let minted = ProductSet::EMPTY.with(claims.product);
    let areas = claims.areas.intersection(parent.areas);
    if let Some(needed) = need.product.filter(|needed| *needed != claims.product) {
        return Err(sentences::wrong_product(What::TemporaryKey, minted, needed));
    }
    let of_its_area = need.region.filter(|region| claims.areas.contains(region.area()));
    parent_covers(&parent, need.product, of_its_area)?;
    let products = minted.intersection(parent.products);
    Grant { what: What::TemporaryKey, products, areas, limits: home.limits }
        .covers(need.product, need.region)?;
    leash(&token.leash, need)?;
    let principal = Principal {
        workspace_id: home.workspace_id,
        project_id: claims.project_id,
        api_key_id: claims.api_key_id,
        temporary_key_id: Some(claims.id),
        product: need.product,
        products,
        areas,
        region: need.region,
        client_ref: claims.client_ref.clone(),
        leash: Arc::clone(&token.leash),
        expires_at: Some(claims.expires_at),
        limits: home.limits,
        peer: need.peer,
        minted_at: Some(claims.revision),
        signed_by: Some(token.signed_by),
    };
    usage(need, principal)
}

/// Judges the principal of something that is open already. The temporary key's own time, origins and networks were
/// judged when it was opened and can't change.
pub(crate) fn open_session(state: &State, principal: &Principal, now: Timestamp) -> Result<(), Refusal> {
    let what = if principal.temporary_key_id.is_some() { What::TemporaryKey } else { What::ApiKey };
    let key = state.keys.find_by_id(principal.api_key_id).ok_or_else(sentences::parent_unknown)?;
    if let Some(at) = key.expires_at().filter(|_| key.is_expired(now)) {
        return Err(match what {
            What::ApiKey => sentences::expired(what, at),
            What::TemporaryKey => sentences::parent_expired(at),
        });
    }
    if key.is_revoked {
        return Err(match what {
            What::ApiKey => sentences::revoked(what),
            What::TemporaryKey => sentences::parent_revoked(),
        });
    }
    if principal.temporary_key_id.is_some_and(|id| state.is_temporary_key_revoked(id)) {
        return Err(sentences::revoked(what));
    }
    if principal.signed_by.is_some_and(|tag| state.issuer.load().is_revoked(tag)) {
        return Err(sentences::signing_key_revoked());
    }
    admitted(state, principal.project_id, principal.client_ref.as_ref(), principal.minted_at)?;
    let home = state.home(principal.project_id).map_err(sentences::homeless)?;
    let (products, areas) = match what {
        // It opens what it has now; what it had is no matter.
        What::ApiKey => (key.products, key.areas),
        What::TemporaryKey => {
            parent_covers(&key, principal.product, principal.region)?;
            (principal.products, principal.areas)
        }
    };
    Grant { what, products, areas, limits: home.limits }.covers(principal.product, principal.region)?;
    if what == What::ApiKey && !key.networks().allow(principal.peer) {
        return Err(sentences::network_denied(what));
    }
    Ok(())
}

/// Whether the time of a token has begun and is not over, give or take the leeway. `iat` is never after `nbf`, so that
/// `nbf` stands for both.
pub(crate) fn in_time(claims: &Claims, leeway: Leeway, now: Timestamp) -> Result<(), Refusal> {
    if is_over(claims, leeway, now) {
        return Err(sentences::expired(What::TemporaryKey, claims.expires_at));
    }
    if now < claims.not_before.plus_seconds(-i64::from(leeway.early_seconds)) {
        return Err(sentences::early(claims.not_before));
    }
    Ok(())
}

pub(crate) fn is_over(claims: &Claims, leeway: Leeway, now: Timestamp) -> bool {
    now >= claims.expires_at.plus_seconds(i64::from(leeway.expiry_seconds))
}

fn living_key(state: &State, key: &KeyEntry, now: Timestamp) -> Result<Home, Refusal> {
    if let Some(at) = key.expires_at().filter(|_| key.is_expired(now)) {
        return Err(sentences::expired(What::ApiKey, at));
    }
    if key.is_revoked {
        return Err(sentences::revoked(What::ApiKey));
    }
    admitted(state, key.project_id, key.client_ref(), None)?;
    state.home(key.project_id).map_err(sentences::homeless)
}

fn living_token(state: &State, claims: &Claims, parent: &KeyEntry, now: Timestamp) -> Result<Home, Refusal> {
    if parent.project_id != claims.project_id {
        return Err(sentences::misplaced_token());
    }
    if let Some(at) = parent.expires_at().filter(|_| parent.is_expired(now)) {
        return Err(sentences::parent_expired(at));
    }
    if parent.is_revoked {
        return Err(sentences::parent_revoked());
    }
    if state.is_temporary_key_revoked(claims.id) {
        return Err(sentences::revoked(What::TemporaryKey));
    }
    admitted(state, claims.project_id, claims.client_ref.as_ref(), Some(claims.revision))?;
    let home = state.home(claims.project_id).map_err(sentences::homeless)?;
    if home.workspace_id != claims.workspace_id {
        return Err(sentences::misplaced_token());
    }
    Ok(home)
}

/// Whether the client_ref, if there is one, is not out. A permanent key with a client_ref is out while the client_ref is
/// shut, and back when it is readmitted: unlike temporary keys it was not minted anew each time.
fn admitted(
    state: &State,
    project_id: ProjectId,
    client_ref: Option<&ClientRef>,
    minted_at: Option<Revision>,
) -> Result<(), Refusal> {
    match client_ref {
        Some(client_ref) if state.is_client_ref_out(project_id, client_ref, minted_at) => {
            Err(sentences::client_ref_revoked())
        }
        _ => Ok(()),
    }
}

/// Whether the API key that minted a temporary key still has what that is used for.
fn parent_covers(parent: &KeyEntry, product: Option<Product>, region: Option<Region>) -> Result<(), Refusal> {
    if let Some(needed) = product.filter(|needed| !parent.products.contains(*needed)) {
        return Err(sentences::parent_lost_product(parent.products, needed));
    }
    match region.filter(|region| !parent.areas.contains(region.area())) {
        Some(region) => Err(sentences::parent_lost_area(parent.areas, region)),
        None => Ok(()),
    }
}

/// What a credential may be used for.
struct Grant {
    what: What,
    products: ProductSet,
    areas: AreaSet,
    limits: PlanLimits,
}

impl Grant {
    fn covers(&self, product: Option<Product>, region: Option<Region>) -> Result<(), Refusal> {
        if let Some(needed) = product
            && !self.products.contains(needed)
        {
            return Err(sentences::wrong_product(self.what, self.products, needed));
        }
        let Some(region) = region else { return Ok(()) };
        if !self.areas.contains(region.area()) {
            let reach = Reach { areas: self.areas, is_enterprise: self.limits.enterprise, product };
            return Err(sentences::wrong_area(self.what, &reach, region));
        }
        if region.is_enterprise() && !self.limits.enterprise {
            return Err(sentences::plan_required(region));
        }
        Ok(())
    }
}

/// What of the leash can be told from one request alone. What needs memory is the gateway's.
fn leash(leash: &Leash, need: &Need<'_>) -> Result<(), Refusal> {
    if !leash.networks.allow(need.peer) {
        return Err(sentences::network_denied(What::TemporaryKey));
    }
    let is_allowed = |origin: &str| leash.origins.iter().any(|allowed| allowed == origin);
    if !leash.origins.is_empty() && !need.origin.is_some_and(is_allowed) {
        return Err(sentences::origin_denied(need.origin));
    }
    Ok(())
}

fn usage(need: &Need<'_>, principal: Principal) -> Result<Principal, Refusal> {
    if need.usage && principal.client_ref.is_some() {
        return Err(sentences::usage_needs_project());
    }
    Ok(principal)
}
