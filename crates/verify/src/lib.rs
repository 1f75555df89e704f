//! The verification path: the in-memory tables that the feed fills, and one function from a presented credential and
//! a need to a [`Principal`] or a [`domain::Refusal`]. No I/O, no async, no clock: usable in anyone's Rust service.
//!
//! Two types keep apart what was checked. A [`Principal`] passed everything: [`Tables::verify`] makes it, and nothing
//! else can. [`SignedClaims`] are what a key set alone can say about a temporary key, for use without a feed:
//!
//! ```
//! # use domain::{Algorithm, ApiKeyId, Area, AreaSet, Clock, Leash, Product, ProjectId, SystemClock, SystemRng};
//! # use domain::{TemporaryKeyId, WorkspaceId, link::Revision, token::Claims};
//! # let (clock, rng) = (SystemClock, SystemRng);
//! # let signing_key = credentials::SigningKey::generate(Algorithm::EdDsa, &rng);
//! # let api_key_id = ApiKeyId::generate(clock.now(), &rng);
//! # let iat = domain::Timestamp::from_seconds(clock.now().as_seconds());
//! # let token = signing_key.sign(&Claims {
//! #     issuer: "vox_06f1".into(), areas: AreaSet::EMPTY.with(Area::Eu), issued_at: iat, not_before: iat,
//! #     expires_at: iat.plus_seconds(60), id: TemporaryKeyId::generate(api_key_id, &rng), revision: Revision(1),
//! #     project_id: ProjectId::new(1), workspace_id: WorkspaceId::from_u128(1), api_key_id, product: Product::Rt,
//! #     client_ref: None, leash: Leash::default(),
//! # }).unwrap();
//! # let jwks_file = credentials::Jwks::from_keys(&[signing_key.verifying_key()]).to_json();
//! use verify::{Expect, Leeway, SignedClaims};
//!
//! let jwks = credentials::Jwks::from_json(&jwks_file)?; // the body of /.well-known/jwks.json
//! let expect = Expect { issuer: "vox_06f1", area: Area::Eu, product: Product::Rt };
//! match SignedClaims::verify(&token, &jwks, &expect, Leeway::default(), clock.now()) {
//!     Ok(signed) => println!("a temporary key of project {}", signed.claims().project_id),
//!     Err(refusal) => println!("refused, {refusal}"),
//! }
//! # assert!(SignedClaims::verify(&token, &jwks, &expect, Leeway::default(), clock.now()).is_ok());
//! # Ok::<(), credentials::jwks::JwksError>(())
//! ```

pub mod bearer;
mod cache;
mod judge;
pub mod manager;
pub mod need;
pub mod principal;
mod quotas;
mod sentences;
pub mod signed_claims;
mod state;
pub mod tables;

pub use bearer::{Bearer, presented_bearer};
pub use manager::Manager;
pub use need::{Leeway, Need, Surface};
pub use principal::{Holder, Principal};
pub use signed_claims::{Expect, SignedClaims};
pub use tables::Tables;
