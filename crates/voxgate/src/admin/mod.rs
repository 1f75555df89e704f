//! The administration listener: whether the instance lives, whether it should get requests, its numbers, its feed.
//!
//! It is for whoever runs the instance, and asks nobody who they are: it listens on loopback unless its owner says otherwise,
//! and tells no secret, no client_ref and no key's id. [`Admin`] is what it tells of, `server` the listener, [`metrics`] the
//! numbers, `ready` and `feed` the rest, [`ask_ready`] the other end of it.

mod ask;
mod feed;
pub mod metrics;
mod ready;
mod server;

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use control::Control;
use gateway::{Gateway, ServerTls};
use tokio_util::sync::CancellationToken;

pub use ask::{AskError, ask_ready};
pub use server::serve;

use crate::log::DroppedLines;
use crate::telemetry::DroppedSpans;

/// Where the administration listener listens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AdminSettings {
    /// Address and port; without one there is no such listener.
    pub address: Option<SocketAddr>,
    /// Whether an address that other machines reach is meant.
    pub open_to_network: bool,
}

/// The port where it is unless another is configured.
const PORT: u16 = 9180;

impl Default for AdminSettings {
    fn default() -> Self {
        Self { address: Some(SocketAddr::from((Ipv4Addr::LOCALHOST, PORT))), open_to_network: false }
    }
}

/// What the administration listener tells of.
#[derive(Debug, Clone)]
pub struct Admin {
    /// The control plane.
    pub control: Arc<Control>,
    /// The gateway.
    pub gateway: Arc<Gateway>,
    /// Cancelled once the end has begun.
    pub shutdown: CancellationToken,
    /// Log lines that were dropped, where this process writes a log.
    pub dropped_lines: Option<DroppedLines>,
    /// Spans that were dropped, where traces are sent.
    pub dropped_spans: Option<DroppedSpans>,
    /// The TLS of the listeners that speak it.
    pub tls: Vec<Arc<ServerTls>>,
}
