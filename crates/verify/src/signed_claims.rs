//! What a key set alone can say about a token.

use credentials::Jwks;
use domain::token::Claims;
use domain::{Area, Product, Refusal, Timestamp};

use crate::Leeway;

/// What an offline verifier expects.
#[derive(Debug, Clone, Copy)]
pub struct Expect<'a> {
    /// The instance.
    pub issuer: &'a str,
    /// The area.
    pub area: Area,
    /// The product.
    pub product: Product,
}

/// Claims whose signature, time, issuer, audience and product were checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedClaims(Claims);

impl SignedClaims {
    /// Verifies a temporary key with a key set alone.
    ///
    /// # Errors
    /// When signature, time, issuer, area or product are not as expected.
    pub fn verify(
        _token: &str,
        _jwks: &Jwks,
        _expect: &Expect<'_>,
        _leeway: Leeway,
        _now: Timestamp,
    ) -> Result<Self, Refusal> {
        todo!()
    }
    /// What the token says.
    pub const fn claims(&self) -> &Claims {
        &self.0
    }
}
