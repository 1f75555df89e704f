//! What isn't the gateway's: the management API and the portal, told apart by host where hosts are configured.

use std::sync::Arc;

use axum::Router;
use axum::extract::ConnectInfo;
use axum::middleware::map_request;
use gateway::{Arrival, Body, Other};
use http::{Request, Response, header};
use hyper::body::Incoming;
use management::whole;
use tower::ServiceExt as _;

/// Which host names show what. Without any, everything is at every host.
#[derive(Debug, Clone, Default)]
pub struct OtherHosts {
    /// Hosts of the management API, lower case.
    pub management: Vec<String>,
    /// Hosts of the portal, lower case.
    pub portal: Vec<String>,
}

/// The routers behind the hosts.
#[derive(Debug, Clone)]
struct Routers {
    management: Router,
    portal: Router,
    all: Router,
    hosts: OtherHosts,
}

const _: () = assert!(management::BODY_BYTES_MAX >= portal::FORM_BYTES_MAX, "a form fits");

/// Joins both routers to what the gateway calls for requests that aren't its own.
pub(super) fn other(management: Router, portal: Router, hosts: OtherHosts) -> Other {
    // The management API sees to that itself, once it knows that its caller isn't too fast.
    let portal = portal.layer(map_request(whole));
    let all = management.clone().merge(portal.clone());
    // Key sets and refusals are the management API's; the portal's own host needs both too.
    let portal = portal.fallback_service(management.clone());
    let routers = Arc::new(Routers { management, portal, all, hosts });
    Arc::new(move |request, arrival| {
        let router = routers.choose(&request).clone();
        Box::pin(answer(router, request, arrival))
    })
}

impl Routers {
    fn choose(&self, request: &Request<Incoming>) -> &Router {
        if self.hosts.management.is_empty() && self.hosts.portal.is_empty() {
            return &self.all;
        }
        let host = host_name(request);
        if self.hosts.portal.contains(&host) {
            return &self.portal;
        }
        if self.hosts.management.contains(&host) {
            return &self.management;
        }
        &self.all
    }
}

/// The host that a request names, lower case and without its port.
fn host_name(request: &Request<Incoming>) -> String {
    let from_header = request.headers().get(header::HOST).and_then(|value| value.to_str().ok());
    let authority = request.uri().authority().map(http::uri::Authority::as_str);
    let text = from_header.or(authority).unwrap_or_default();
    let name = match text.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|digit| digit.is_ascii_digit()) => name,
        _ => text,
    };
    name.to_ascii_lowercase()
}

async fn answer(router: Router, request: Request<Incoming>, arrival: Arrival) -> Response<Body> {
    let mut request = request.map(axum::body::Body::new);
    request.extensions_mut().insert(ConnectInfo(arrival.client));
    request.extensions_mut().insert(arrival);
    match router.oneshot(request).await {
        Ok(response) => response.map(Body::boxed),
        Err(never) => match never {},
    }
}
