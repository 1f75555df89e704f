//! Minting temporary keys: what an API key may mint, and the signature. Touches no database.

use credentials::SignError;
use domain::link::Revision;
use domain::token::Claims;
use domain::{Area, AreaSet, ClientRef, Leash, Product, Reason, Refusal, TemporaryKeyId, Timestamp};
use verify::Principal;
use zeroize::Zeroizing;

use crate::Control;

/// What to mint: values of the right form and in range, which the caller has checked (422 before 403).
#[derive(Debug, Clone)]
pub struct MintRequest {
    /// The product.
    pub product: Product,
    /// How long the key lives, in seconds.
    pub ttl_seconds: u32,
    /// Narrows the key to this area; `None` means the API key's own areas.
    pub area: Option<Area>,
    /// The end user that it is for.
    pub client_ref: Option<ClientRef>,
    /// The limits that it carries.
    pub leash: Leash,
}

/// A temporary key.
pub struct Minted {
    /// The key itself.
    pub key_value: Zeroizing<String>,
    /// Its jti.
    pub id: TemporaryKeyId,
    /// When it expires.
    pub expires_at: Timestamp,
}

impl std::fmt::Debug for Minted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Minted")
            .field("id", &self.id)
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}

impl Control {
    /// Mints a temporary key from the API key of `parent`, which [`verify::Tables::mint_rights`] has let in.
    ///
    /// # Errors
    /// When the API key lacks the product or the area, the client_ref is shut out or another than the key's own,
    /// or it is minted from too fast.
    pub fn mint(&self, parent: &Principal, request: &MintRequest) -> Result<Minted, Refusal> {
        // Before the client_ref is asked about: if it is shut out in between, this revision is older, and the key dead.
        let revision = self.inner.tables.revision();
        self.check_ttl(request)?;
        only_api_keys_mint(parent)?;
        has_product(parent, request.product)?;
        let areas = areas(parent, request)?;
        let client_ref = client_ref(parent, request)?;
        if let Some(client_ref) = &client_ref
            && self.inner.tables.client_ref_shut(parent.project_id(), client_ref)
        {
            return Err(client_ref_shut());
        }
        let now = self.now();
        if !self.inner.mint_rates.take(parent.api_key_id(), parent.limits().mints_per_second_max, now) {
            return Err(too_fast(parent.limits().mints_per_second_max));
        }
        let minted = self.sign(self.claims(parent, request, areas, client_ref, revision, now))?;
        self.inner.last_used.note_api_key(parent.api_key_id(), now);
        Ok(minted)
    }

    /// The caller has checked it with better words; this keeps any other caller from minting what must not be.
    fn check_ttl(&self, request: &MintRequest) -> Result<(), Refusal> {
        let range = self.ttl_seconds().of(request.product);
        if range.contains(request.ttl_seconds) {
            return Ok(());
        }
        let sentence = format!(
            "ttl in body should be from {} to {} seconds for {}",
            range.min_seconds, range.max_seconds, request.product
        );
        Err(Refusal::new(Reason::InvalidValue, sentence))
    }

    fn claims(
        &self,
        parent: &Principal,
        request: &MintRequest,
        areas: AreaSet,
        client_ref: Option<ClientRef>,
        revision: Revision,
        now: Timestamp,
    ) -> Claims {
        let issued_at = Timestamp::from_seconds(now.as_seconds());
        Claims {
            issuer: self.inner.issuer.clone(),
            areas,
            issued_at,
            not_before: issued_at,
            expires_at: issued_at.plus_seconds(i64::from(request.ttl_seconds)),
            id: TemporaryKeyId::generate(parent.api_key_id(), &*self.inner.rng),
            revision,
            project_id: parent.project_id(),
            workspace_id: parent.workspace_id(),
            api_key_id: parent.api_key_id(),
            product: request.product,
            client_ref,
            leash: request.leash.clone(),
        }
    }

    fn sign(&self, claims: Claims) -> Result<Minted, Refusal> {
        match self.inner.signing.current().sign(&claims) {
            Ok(key_value) => Ok(Minted {
                key_value: Zeroizing::new(key_value),
                id: claims.id,
                expires_at: claims.expires_at,
            }),
            Err(error @ (SignError::TooLong { .. } | SignError::Claims(_))) => {
                Err(Refusal::new(Reason::InvalidValue, error.to_string()))
            }
            Err(SignError::Library) => {
                tracing::error!("a temporary key could not be signed");
                Err(Refusal::new(Reason::Internal, "the temporary key could not be signed: try again"))
            }
        }
    }
}

fn only_api_keys_mint(parent: &Principal) -> Result<(), Refusal> {
    if parent.temporary_key_id().is_none() {
        return Ok(());
    }
    let sentence = "a temporary key can't mint temporary keys: call with the API key that minted it";
    Err(Refusal::new(Reason::CannotMint, sentence))
}

fn has_product(parent: &Principal, product: Product) -> Result<(), Refusal> {
    let products = parent.products();
    if products.contains(product) {
        return Ok(());
    }
    let sentence = format!(
        "this API key is for {}, so it can't mint a temporary key for {product}: pass one of its products as `type`, \
         or use an API key that is for {product}",
        products.names()
    );
    Err(Refusal::new(Reason::WrongProduct, sentence))
}

/// The areas of the temporary key: the one asked for, else the API key's own, of those where the product can be used.
fn areas(parent: &Principal, request: &MintRequest) -> Result<AreaSet, Refusal> {
    let own = parent.areas();
    let usable: AreaSet = own.iter().filter(|area| offers(*area, request.product)).collect();
    match request.area {
        Some(area) if usable.contains(area) => Ok(AreaSet::EMPTY.with(area)),
        None if !usable.is_empty() => Ok(usable),
        Some(area) if own.contains(area) => Err(not_offered(AreaSet::EMPTY.with(area), request.product)),
        None => Err(not_offered(own, request.product)),
        Some(area) => Err(area_missing(own, usable, area)),
    }
}

/// Whether a product can be used in an area.
const fn offers(area: Area, product: Product) -> bool {
    match product {
        Product::Rt => area.has_realtime(),
        Product::Batch | Product::Tts | Product::Flow => true,
    }
}

fn not_offered(areas: AreaSet, product: Product) -> Refusal {
    let sentence = format!(
        "{product} is not offered in the area {}, and this API key is linked to no other that was asked for: use an API \
         key of another area",
        areas.names()
    );
    Refusal::new(Reason::WrongArea, sentence)
}

fn area_missing(own: AreaSet, usable: AreaSet, asked: Area) -> Refusal {
    let advice = match usable.iter().next() {
        Some(area) => format!(
            "pass \"region\":\"{area}\", or leave `region` out (client libraries send \"eu\" unless told otherwise)"
        ),
        None => String::from("use an API key of that area"),
    };
    let sentence = format!("this API key is linked to {}, not to {asked}: {advice}", own.names());
    Refusal::new(Reason::WrongArea, sentence)
}

/// The client_ref of the temporary key: that of the API key, if it has one, else the one asked for.
fn client_ref(parent: &Principal, request: &MintRequest) -> Result<Option<ClientRef>, Refusal> {
    match (parent.client_ref(), &request.client_ref) {
        (Some(own), Some(asked)) if own != asked => {
            let sentence = "this API key belongs to another client_ref, and can mint for that one only: pass the same \
                            client_ref, or leave it out";
            Err(Refusal::new(Reason::CannotMint, sentence))
        }
        (Some(own), _) => Ok(Some(own.clone())),
        (None, asked) => Ok(asked.clone()),
    }
}

fn client_ref_shut() -> Refusal {
    let sentence = "this client_ref was revoked: no temporary key is minted for it until it is readmitted";
    Refusal::new(Reason::ClientRefRevoked, sentence)
}

fn too_fast(per_second_max: u32) -> Refusal {
    let sentence = format!(
        "this API key mints faster than {per_second_max} temporary keys per second: wait a second, or use one temporary \
         key for several sessions"
    );
    Refusal::new(Reason::RateLimited, sentence).retry_after(1)
}
