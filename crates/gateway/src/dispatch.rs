//! What a request is for: a region's Jobs API, realtime, or something else.

use std::sync::Arc;

use domain::{Reason, Refusal, Region};
use http::header::{CONNECTION, HOST};
use http::{HeaderValue, Request, Response, StatusCode};
use hyper::body::Incoming;

use crate::guard::Refused;
use crate::limits::URL_BYTES_MAX;
use crate::peer::{Arrival, strip_claims};
use crate::policy::{Route, is_plain_path, route};
use crate::{Body, Gateway, HostTarget, Other, Outcome, Place, RouteClass, Site, answer, batch, realtime};

/// What is served where a request arrived.
struct Served {
    batch: Option<Region>,
    realtime: Option<Place>,
    other: bool,
}

/// Answers a request, and writes down what is found out about it.
pub(crate) async fn dispatch(
    gateway: &Arc<Gateway>,
    mut request: Request<Incoming>,
    arrival: Arrival,
    site: &Site,
    other: &Other,
    outcome: &mut Outcome,
) -> Response<Body> {
    let path = request.uri().path();
    if let Some(refused) = Refused::of(request.method().as_str(), path) {
        return unreadable(gateway, refused, outcome);
    }
    let served = match host(&request).and_then(|host| served(host, site)) {
        Ok(served) => served,
        Err(refusal) => return refuse(gateway, &refusal, outcome),
    };
    let found = route(path);
    // What has a route is plain.
    if found.is_none() && is_plain_path(path).is_err() {
        let detail =
            "The path must be plain: no escapes of slashes or dots, no empty or dot segments, no semicolons.";
        return refuse(gateway, &Refusal::new(Reason::MalformedRequest, detail), outcome);
    }
    if path.len() + request.uri().query().map_or(0, str::len) > URL_BYTES_MAX {
        return unreadable(gateway, Refused::UrlTooLong, outcome);
    }
    if let (Some(region), Some(found)) = (served.batch, found)
        && has_route(gateway, region, found)
    {
        return batch::handle(gateway, request, arrival.client, region, outcome).await;
    }
    if let Some(place) = served.realtime
        && realtime::is_realtime(path)
    {
        return Box::pin(realtime::handle(gateway, request, arrival.client, place, outcome)).await;
    }
    if served.other {
        outcome.route = RouteClass::Management;
        if let Some(id) = outcome.request_id {
            request.extensions_mut().insert(id);
        }
        strip_claims(request.headers_mut());
        // Passwords are hashed there and databases written: what takes long must not hold up a worker's connections.
        return match gateway.at_home(other(request, arrival)).await {
            Some(response) => {
                outcome.reason = response.extensions().get().copied();
                response
            }
            None => refuse(gateway, &Refusal::new(Reason::Internal, "Something failed here."), outcome),
        };
    }
    let detail = "There is nothing at this path. The Jobs API begins at /v2/jobs.";
    refuse(gateway, &Refusal::new(Reason::NotFound, detail), outcome)
}

fn refuse(gateway: &Gateway, refusal: &Refusal, outcome: &mut Outcome) -> Response<Body> {
    outcome.reason = Some(refusal.reason);
    let request_id = outcome.id(gateway, gateway.now());
    answer::jobs(refusal, request_id)
}

fn has_route(gateway: &Gateway, region: Region, route: Route<'_>) -> bool {
    let site = gateway.batch_site(region);
    match route {
        Route::Generate(_) => site.is_some_and(|site| site.speech.is_some()),
        _ => site.is_some(),
    }
}

/// What the place where a request arrived serves.
fn served(host: &str, site: &Site) -> Result<Served, Refusal> {
    let both = |region, other| Served { batch: Some(region), realtime: Some(Place::Region(region)), other };
    let hosts = match site {
        Site::Region(region) => return Ok(both(*region, false)),
        Site::Home(region) => return Ok(both(*region, true)),
        Site::ByHost(hosts) => hosts,
    };
    let nothing = Served { batch: None, realtime: None, other: false };
    Ok(match hosts.find(host) {
        Some(HostTarget::Batch(region)) => Served { batch: Some(region), ..nothing },
        Some(HostTarget::Realtime(place)) => Served { realtime: Some(place), ..nothing },
        Some(HostTarget::Other) => Served { other: true, ..nothing },
        None => {
            return Err(Refusal::new(
                Reason::NotFound,
                "No service has this host name. Check the endpoint's address.",
            ));
        }
    })
}

/// The host that a request names. HTTP/2 has it in `:authority`, where no user may stand, and a `Host` beside it must be the
/// same (RFC 9113, section 8.3.1). It is looked at everywhere: what is in front or behind may go by the other one.
fn host(request: &Request<Incoming>) -> Result<&str, Refusal> {
    let header = request.headers().get(HOST).map(|host| host.to_str().unwrap_or_default());
    let authority = request.uri().authority().map(http::uri::Authority::as_str);
    match (authority, header) {
        (Some(authority), _) if authority.contains('@') => Err(Refusal::new(
            Reason::MalformedRequest,
            "The request names a user in its host. It must name a host alone.",
        )),
        (Some(authority), Some(header)) if !authority.eq_ignore_ascii_case(header) => {
            Err(Refusal::new(Reason::MalformedRequest, "The request names two hosts. It must name one."))
        }
        (Some(host), _) | (None, Some(host)) => Ok(host),
        (None, None) => Ok(""),
    }
}

/// The answer to what was refused before it was a request. The connection ends after it.
fn unreadable(gateway: &Gateway, refused: Refused, outcome: &mut Outcome) -> Response<Body> {
    let (status, reason, detail) = match refused {
        Refused::Malformed => (
            StatusCode::BAD_REQUEST,
            Reason::MalformedRequest,
            "The request can be read in more than one way, or in none: check its first line, Host, Content-Length and Transfer-Encoding.",
        ),
        Refused::HeadTooLarge => (
            StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            Reason::TooLarge,
            "The headers are over their limit of 32 KiB or 100 fields.",
        ),
        Refused::UrlTooLong => {
            (StatusCode::URI_TOO_LONG, Reason::TooLarge, "The URL is over its limit of 8 KiB.")
        }
    };
    let refusal = Refusal::new(reason, detail);
    outcome.reason = Some(reason);
    let mut response = answer::jobs_with_status(status, &refusal, outcome.id(gateway, gateway.now()));
    response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    response
}
