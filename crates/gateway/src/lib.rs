//! The data plane: accepts connections, authenticates, authorises, limits, forwards and meters.
//!
//! Start with [`Gateway`]. `guard` and `accept` turn sockets into requests, `dispatch` chooses what a request is for, `policy`
//! decides without any I/O, `batch` carries the Jobs API, `realtime` the WebSockets, `upstream` owns the connections to engines and
//! `link` keeps the verification tables fresh.

mod accept;
mod access;
pub mod answer;
pub mod batch;
pub mod body;
mod booking;
pub mod chunks;
mod concerned;
pub mod config;
mod dispatch;
pub mod gateway;
pub mod guard;
pub mod host;
pub mod identity;
pub mod limits;
pub mod link;
pub mod listener;
pub mod meter;
pub mod metrics;
pub mod outcome;
pub mod peer;
pub mod place;
pub mod policy;
mod quota;
pub mod rate;
pub mod realtime;
mod refused;
#[cfg(test)]
mod somebody;
pub mod stream;
mod timer;
pub mod tls;
pub mod trace;
mod uploads;
pub mod upstream;
pub mod watched;
mod workers;

pub use body::{Body, BodyError};
pub use config::{
    EngineCapabilities, EngineToken, GatewayConfig, InvalidUpstream, RefusalStyle, RegionConfig, Upstream,
    UserIdKey,
};
pub use gateway::{Gateway, GatewayError};
pub use host::{HostMap, HostTarget, Place};
pub use limits::GatewayLimits;
pub use link::{Feed, GatewayLink};
pub use listener::{Listener, Rules};
pub use metrics::Metrics;
pub use outcome::{Outcome, RouteClass};
pub use peer::{Arrival, ClientHeader, TrustedProxies};
pub use place::{Other, Site};
pub use tls::{CertificateFiles, CertificateInfo, EngineTls, EngineTlsFiles, ServerTls, TlsError};
pub use trace::{Trace, TraceSink, Tracing};
