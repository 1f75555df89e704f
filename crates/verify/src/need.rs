//! What a credential is needed for.

use std::net::IpAddr;

use domain::{Product, Region};

/// Where a credential was presented.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Surface {
    /// Minting a temporary key.
    Mint,
    /// The Jobs API and its like.
    Batch,
    /// Realtime, credential in the header.
    RealtimeHeader,
    /// Realtime, credential in `?jwt=`.
    RealtimeUrl,
    /// The management API, where an API key may act for itself.
    Management,
}

/// What a credential is needed for.
#[derive(Debug, Clone, Copy)]
pub struct Need<'a> {
    /// Where it was presented.
    pub surface: Surface,
    /// The product that it must be good for.
    pub product: Option<Product>,
    /// The region that it must be good for.
    pub region: Option<Region>,
    /// The client's address.
    pub peer: IpAddr,
    /// The request's `Origin`.
    pub origin: Option<&'a str>,
    /// Whether usage of the whole project is read.
    pub usage: bool,
}

/// How far clocks may be apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Leeway {
    /// Seconds for `nbf` and `iat`.
    pub early_seconds: u32,
    /// Seconds for `exp`.
    pub expiry_seconds: u32,
}

impl Default for Leeway {
    fn default() -> Self {
        Self { early_seconds: 60, expiry_seconds: 5 }
    }
}
