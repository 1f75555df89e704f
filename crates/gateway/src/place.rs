//! What a listener serves.

use std::sync::Arc;

use domain::Region;
use futures_util::future::BoxFuture;
use hyper::body::Incoming;

use crate::Body;
use crate::host::HostMap;
use crate::peer::Arrival;

/// What a listener serves.
#[derive(Debug, Clone)]
pub enum Site {
    /// One region's endpoints, whatever the host.
    Region(Region),
    /// Several, told apart by host; an unknown host is 404.
    ByHost(Arc<HostMap>),
    /// One port that routes by path: gateway paths go to this region, the rest to `other`.
    Home(Region),
}

/// Answers what isn't the gateway's: management and portal, or 404.
pub type Other =
    Arc<dyn Fn(http::Request<Incoming>, Arrival) -> BoxFuture<'static, http::Response<Body>> + Send + Sync>;
