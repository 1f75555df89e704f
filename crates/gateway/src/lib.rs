//! The data plane: accepts connections, authenticates, authorises, limits, forwards and meters.
//!
//! Start with [`Gateway`]. `guard` and `accept` turn sockets into requests, `dispatch` chooses what a request is for, `policy`
//! decides without any I/O, `batch` carries the Jobs API, `realtime` the WebSockets, `upstream` owns the connections to engines and
//! `link` keeps the verification tables fresh.

mod accept;
pub mod answer;
pub mod batch;
pub mod body;
pub mod config;
mod dispatch;
pub mod gateway;
pub mod guard;
pub mod host;
pub mod identity;
pub mod limits;
pub mod link;
pub mod meter;
pub mod place;
pub mod policy;
pub mod rate;
pub mod realtime;
mod timer;
pub mod upstream;
mod workers;

pub use body::{Body, BodyError};
pub use config::{
    EngineCapabilities, EngineToken, GatewayConfig, InvalidUpstream, RefusalStyle, RegionConfig, Upstream,
    UserIdKey,
};
pub use gateway::{Gateway, GatewayError};
pub use host::{HostMap, HostTarget, Place};
pub use limits::GatewayLimits;
pub use link::GatewayLink;
pub use place::{Other, Site};
