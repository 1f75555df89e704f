//! The web pages. For now one: the home page, which says what this instance is and where its endpoints are.
//!
//! [`router`] is the one way in. Pages are rendered here and work without JavaScript; every value is escaped by the
//! template engine, and the headers in `headers` forbid browsers everything that the pages don't need.

mod config;
mod headers;
mod home;
mod router;

pub use config::{Endpoints, PortalConfig, RegionEndpoints};
pub use router::router;
