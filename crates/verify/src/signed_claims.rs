//! What a key set alone can say about a temporary key: for services that have no feed. It knows nothing of revocation, so
//! that a revoked key passes here until it expires.

use credentials::{Jwks, TokenError};
use domain::token::Claims;
use domain::{Area, Product, ProductSet, Reason, Refusal, Timestamp};

use crate::sentences::{self, What};
use crate::{Leeway, judge};

/// What an offline verifier expects. Nothing of it can be left out.
#[derive(Debug, Clone, Copy)]
pub struct Expect<'a> {
    /// The instance: its `iss`.
    pub issuer: &'a str,
    /// The area that the verifier stands in.
    pub area: Area,
    /// The product that it offers.
    pub product: Product,
}

/// Claims whose signature, time, issuer, area and product were checked, and nothing else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedClaims(Claims);

impl SignedClaims {
    /// Verifies a temporary key with a key set alone.
    ///
    /// # Errors
    /// When signature, time, issuer, area or product are not as expected.
    pub fn verify(
        token: &str,
        jwks: &Jwks,
        expect: &Expect<'_>,
        leeway: Leeway,
        now: Timestamp,
    ) -> Result<Self, Refusal> {
        let claims = credentials::verify_signature(token, |kid| jwks.find(kid).cloned())
            .map_err(|error: TokenError| sentences::token(error))?;
        if claims.issuer != expect.issuer {
            return Err(sentences::foreign_issuer());
        }
        judge::in_time(&claims, leeway, now)?;
        if claims.product != expect.product {
            let has = ProductSet::EMPTY.with(claims.product);
            return Err(sentences::wrong_product(What::TemporaryKey, has, expect.product));
        }
        if !claims.areas.contains(expect.area) {
            let (has, area) = (claims.areas.names(), expect.area);
            let detail = format!("this temporary key works in area {has}; this endpoint is in area {area}");
            return Err(Refusal::new(Reason::WrongArea, detail));
        }
        Ok(Self(claims))
    }

    /// What the token says.
    pub const fn claims(&self) -> &Claims {
        &self.0
    }
}
