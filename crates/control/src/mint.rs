//! Minting temporary keys: what an API key may mint, and the signature. Touches no database.

use domain::{Area, ClientRef, Leash, Product, Refusal, TemporaryKeyId, Timestamp};
use verify::Principal;

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
    pub key_value: zeroize::Zeroizing<String>,
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
        todo!("{parent:?} {request:?}")
    }
}
