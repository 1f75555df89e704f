//! The sentences of refusals: what was expected and what to do, safe to show to whoever was refused.

use credentials::TokenError;
use domain::{
    Area, AreaSet, Permission, PermissionSet, Product, ProductSet, Reason, Refusal, Region, Timestamp,
};

use crate::state::Homeless;

/// What was presented, as the refused one knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum What {
    ApiKey,
    TemporaryKey,
}

impl What {
    const fn name(self) -> &'static str {
        match self {
            Self::ApiKey => "API key",
            Self::TemporaryKey => "temporary key",
        }
    }
}

pub(crate) fn missing() -> Refusal {
    Refusal::new(
        Reason::CredentialMissing,
        "no credential was sent: send `Authorization: Bearer` with an API key or a temporary key",
    )
}

pub(crate) fn mistyped() -> Refusal {
    Refusal::new(
        Reason::CredentialUnknown,
        "the credential is mistyped or cut short: its checksum or form is wrong, so compare it with the original",
    )
}

pub(crate) fn unknown() -> Refusal {
    Refusal::new(
        Reason::CredentialUnknown,
        "the credential is unknown here: check that it was made on this instance and copied whole",
    )
}

pub(crate) fn management_token_at_api() -> Refusal {
    Refusal::new(
        Reason::CredentialUnknown,
        "this is a management token; a management token manages keys, it opens no API: send an API key or a temporary key",
    )
}

pub(crate) fn enrolment_at_api() -> Refusal {
    Refusal::new(
        Reason::CredentialUnknown,
        "this is an enrolment credential; it connects gateways, it opens no API: send an API key or a temporary key",
    )
}

pub(crate) fn temporary_key_at_management() -> Refusal {
    Refusal::new(
        Reason::CredentialUnknown,
        "this is a temporary key; temporary keys open the speech API and manage nothing: send a management token or an API key",
    )
}

pub(crate) fn api_key_at_management() -> Refusal {
    Refusal::new(
        Reason::CredentialUnknown,
        "this is an API key; API keys open the speech API and mint temporary keys: send a management token (vgm_…)",
    )
}

pub(crate) fn long_lived_key_in_url() -> Refusal {
    Refusal::new(
        Reason::ApiKeyInUrl,
        "a long-lived key was sent in ?jwt=, where URLs end up in logs: replace that key, and put a temporary key there \
         (POST /v1/api_keys?type=rt), or send the key in the Authorization header",
    )
}

pub(crate) fn token(error: TokenError) -> Refusal {
    Refusal::new(error.reason(), format!("the temporary key is not valid: {error}"))
}

pub(crate) fn foreign_issuer() -> Refusal {
    Refusal::new(
        Reason::TokenInvalid,
        "the temporary key was made by another instance: mint one on the instance that this endpoint belongs to",
    )
}

pub(crate) fn misplaced_token() -> Refusal {
    Refusal::new(
        Reason::TokenInvalid,
        "the temporary key names another project or workspace than the API key that minted it has: mint a new one",
    )
}

pub(crate) fn expired(what: What, at: Timestamp) -> Refusal {
    let remedy = match what {
        What::ApiKey => "use another API key, or have this one prolonged",
        What::TemporaryKey => "mint a new one",
    };
    Refusal::new(Reason::CredentialExpired, format!("the {} expired at {at}: {remedy}", what.name()))
}

pub(crate) fn parent_expired(at: Timestamp) -> Refusal {
    let detail =
        format!("the API key that minted this temporary key expired at {at}: mint with another API key");
    Refusal::new(Reason::CredentialExpired, detail)
}

pub(crate) fn early(from: Timestamp) -> Refusal {
    let detail = format!("the temporary key is valid from {from} on, which is not yet: compare the clocks");
    Refusal::new(Reason::CredentialEarly, detail)
}

pub(crate) fn parent_unknown() -> Refusal {
    Refusal::new(
        Reason::CredentialUnknown,
        "the API key that minted this temporary key is not known here: if it is new, try again in a moment",
    )
}

pub(crate) fn revoked(what: What) -> Refusal {
    let detail = match what {
        What::ApiKey => "the API key was revoked: use another one",
        What::TemporaryKey => "the temporary key was revoked: mint a new one",
    };
    Refusal::new(Reason::CredentialRevoked, detail)
}

pub(crate) fn signing_key_revoked() -> Refusal {
    let sentence = "the key that signed this temporary key was revoked, and everything that it signed with it: mint a new one";
    Refusal::new(Reason::CredentialRevoked, sentence)
}

pub(crate) fn parent_revoked() -> Refusal {
    Refusal::new(
        Reason::CredentialRevoked,
        "the API key that minted this temporary key was revoked, and everything that it minted with it",
    )
}

pub(crate) fn management_token_revoked() -> Refusal {
    Refusal::new(Reason::CredentialRevoked, "the management token was revoked: use another one")
}

pub(crate) fn client_ref_revoked() -> Refusal {
    Refusal::new(
        Reason::CredentialRevoked,
        "the client_ref of this key was revoked: after it is readmitted, mint a new temporary key",
    )
}

pub(crate) fn homeless(why: Homeless) -> Refusal {
    match why {
        Homeless::ProjectDeleted => Refusal::new(
            Reason::CredentialRevoked,
            "the project of this key was deleted, and all its keys revoked with it",
        ),
        Homeless::WorkspaceClosed => Refusal::new(
            Reason::CredentialRevoked,
            "the workspace of this credential was closed, and everything in it revoked",
        ),
        Homeless::ProjectUnknown | Homeless::WorkspaceUnknown => Refusal::new(
            Reason::CredentialUnknown,
            "what this credential belongs to is not known here: if it is new, try again in a moment",
        ),
    }
}

pub(crate) fn temporary_key_mints() -> Refusal {
    Refusal::new(Reason::CannotMint, "a temporary key can't mint temporary keys: mint with an API key")
}

pub(crate) fn management_token_mints() -> Refusal {
    Refusal::new(
        Reason::CannotMint,
        "a management token can't mint temporary keys: mint with an API key (leave ttl out to make a permanent one)",
    )
}

pub(crate) fn wrong_product(what: What, has: ProductSet, needed: Product) -> Refusal {
    let remedy = match what {
        What::ApiKey => format!("use an API key with the product {needed}"),
        What::TemporaryKey => format!("mint it with ?type={needed}"),
    };
    let (what, has) = (what.name(), names_or_nothing(has.names()));
    let detail = format!("this {what} is for {has}; this endpoint needs {needed}: {remedy}");
    Refusal::new(Reason::WrongProduct, detail)
}

pub(crate) fn parent_lost_product(has: ProductSet, needed: Product) -> Refusal {
    let has = names_or_nothing(has.names());
    let detail = format!(
        "this temporary key is for {needed}, but the API key that minted it is for {has} now: mint with an API key \
         that has the product {needed}"
    );
    Refusal::new(Reason::WrongProduct, detail)
}

pub(crate) fn parent_lost_area(has: AreaSet, region: Region) -> Refusal {
    let (area, has) = (region.area(), names_or_nothing(has.names()));
    let detail = format!(
        "the API key that minted this temporary key works in area {has} now; this endpoint is {region} in area {area}: \
         mint with an API key of area {area}"
    );
    Refusal::new(Reason::WrongArea, detail)
}

/// What the credential has, and where it can be used instead.
pub(crate) struct Reach {
    pub(crate) areas: AreaSet,
    pub(crate) is_enterprise: bool,
    pub(crate) product: Option<Product>,
}

impl Reach {
    /// The regions that the credential can be used in, for people.
    fn regions(&self) -> String {
        let needs_realtime = matches!(self.product, Some(Product::Rt | Product::Flow));
        let is_usable = |region: &Region| {
            self.areas.contains(region.area())
                && (self.is_enterprise || !region.is_enterprise())
                && (!needs_realtime || region.has_realtime())
        };
        Region::ALL
            .iter()
            .filter(|region| is_usable(region))
            .map(|region| region.as_str())
            .collect::<Vec<_>>()
            .join(", ")
    }
}

pub(crate) fn wrong_area(what: What, reach: &Reach, region: Region) -> Refusal {
    let area: Area = region.area();
    let other = match what {
        What::ApiKey => format!("use an API key of area {area}"),
        What::TemporaryKey => format!("mint it with \"region\":\"{area}\" from an API key of that area"),
    };
    let regions = reach.regions();
    let remedy = if regions.is_empty() { other } else { format!("use {regions}, or {other}") };
    let (what, has) = (what.name(), names_or_nothing(reach.areas.names()));
    let detail =
        format!("this {what} works in area {has}; this endpoint is {region} in area {area}: {remedy}");
    Refusal::new(Reason::WrongArea, detail)
}

pub(crate) fn plan_required(region: Region) -> Refusal {
    let main = region.area().main_region();
    let detail = format!("{region} is for failover and needs an enterprise plan: use {main}");
    Refusal::new(Reason::PlanRequired, detail)
}

pub(crate) fn network_denied(what: What) -> Refusal {
    let detail =
        format!("this {} is limited to certain networks, and this address is in none of them", what.name());
    Refusal::new(Reason::NetworkDenied, detail)
}

pub(crate) fn origin_denied(origin: Option<&str>) -> Refusal {
    let found =
        if origin.is_some() { "this page's Origin is none of them" } else { "the request has no Origin" };
    let detail = format!("this temporary key is limited to pages of certain origins, and {found}");
    Refusal::new(Reason::OriginDenied, detail)
}

pub(crate) fn usage_needs_project() -> Refusal {
    Refusal::new(
        Reason::UsageNeedsProject,
        "usage is told for whole projects, and this key is limited to one client_ref: use a key without client_ref",
    )
}

pub(crate) fn permission_missing(needed: Permission, has: PermissionSet) -> Refusal {
    let has = names_or_nothing(has.names());
    let detail = format!("this management token lacks the permission {needed}; it has {has}");
    Refusal::new(Reason::PermissionMissing, detail)
}

fn names_or_nothing(names: String) -> String {
    if names.is_empty() { String::from("nothing") } else { names }
}
