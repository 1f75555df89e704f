//! From a request to a session, or to a refusal.

use std::net::SocketAddr;
use std::sync::Arc;

use domain::{Product, Reason, Refusal, RequestId, SessionId, Timestamp};
use http::header::ORIGIN;
use http::{HeaderMap, Method, Request, Response};
use hyper::body::Incoming;
use hyper::upgrade::OnUpgrade;
use verify::{Need, Principal, Surface};

use super::credential::{self, Placement, Presented};
use super::engine::{self, EngineSocket};
use super::handshake::{self, Upgrade};
use super::leash::{self, Leashed};
use super::registry::{OpenSession, TaskGuard};
use super::relay::Relay;
use super::session::Facts;
use super::{farewell, frame, headers, message, refuse, route};
use crate::meter::Count;
use crate::rate::Kind;
use crate::{Body, Gateway, Outcome, Place, RegionConfig, RouteClass, Upstream, answer, refused};

/// What an open session's task is made of, in bytes, beside its sockets and its relay: a session costs this while nothing
/// happens in it.
const SESSION_FUTURE_BYTES_MAX: usize = 768;

/// A region that has a realtime engine.
#[derive(Debug, Clone, Copy)]
struct Site<'a> {
    config: &'a RegionConfig,
    upstream: &'a Upstream,
}

/// What every step of opening a session needs to know of its request.
#[derive(Debug, Clone, Copy)]
struct Asked<'a> {
    product: Product,
    path: &'a str,
    query: Option<&'a str>,
    headers: &'a HeaderMap,
    peer: SocketAddr,
    request_id: RequestId,
    now: Timestamp,
}

/// A session that may begin as soon as the client's connection is handed over.
#[derive(Debug)]
struct Opened {
    session: OpenSession,
    engine: EngineSocket,
    /// What the client's messages are held to.
    leashed: Option<Box<Leashed>>,
    /// The frame that the client gets first.
    first: Vec<u8>,
    /// The request that opens it.
    request_id: RequestId,
}

/// Answers a request for a realtime path: opens a session and leaves a task behind that carries it, or refuses.
pub async fn handle(
    gateway: &Arc<Gateway>,
    mut request: Request<Incoming>,
    peer: SocketAddr,
    place: Place,
    outcome: &mut Outcome,
) -> Response<Body> {
    let now = gateway.now();
    let request_id = outcome.id(gateway, now);
    let Some(product) = route::product(request.uri().path()) else {
        outcome.reason = Some(Reason::NotFound);
        return answer::jobs(&no_such_path(), request_id);
    };
    outcome.route = if product == Product::Flow { RouteClass::Flow } else { RouteClass::Realtime };
    let sites = sites(gateway, place);
    outcome.region = sites.first().map(|site| site.config.region);
    if sites.is_empty() {
        outcome.reason = Some(Reason::NotFound);
        return answer::jobs(&no_realtime_here(), request_id);
    }
    if request.method() != Method::GET {
        return answer::method_not_allowed("GET", request_id);
    }
    let presented = credential::find(request.headers(), request.uri().query());
    let upgrade = handshake::check(request.version(), request.headers());
    let asked = Asked {
        product,
        path: request.uri().path(),
        query: request.uri().query(),
        headers: request.headers(),
        peer,
        request_id,
        now,
    };
    let (placement, opened) = match presented {
        Err(refusal) => (Placement::Header, Err(refusal)),
        Ok(Presented::Refused(placement, refusal)) => (placement, Err(refusal)),
        Ok(Presented::Credential(placement, credential)) => {
            let begun = outcome.step();
            let opened = open(gateway, &asked, placement, &credential, &sites, upgrade.as_ref()).await;
            outcome.answered(begun);
            (placement, opened)
        }
    };
    match &opened {
        Ok(opened) => {
            let facts = &opened.session.facts;
            outcome.region = Some(facts.region);
            outcome.project_id = Some(facts.principal.project_id());
            outcome.api_key_id = Some(facts.principal.api_key_id());
        }
        Err(refusal) => outcome.reason = Some(refusal.reason),
    }
    match (opened, upgrade) {
        (Ok(opened), Ok(upgrade)) => begin(gateway, &mut request, opened, &upgrade, request_id),
        (Ok(_), Err(refusal)) => answer::jobs(&refusal, request_id),
        (Err(refusal), upgrade) => {
            tracing::info!(%request_id, reason = %refusal.reason, peer = %peer.ip(), "session refused");
            let in_band = refuse::is_in_band(gateway.config.refusal_style, placement, refusal.reason);
            let upgrade = upgrade.ok().filter(|_| in_band);
            refuse::answer(&refusal, upgrade.as_ref(), &mut request, &gateway.sessions, request_id)
        }
    }
}

/// The regions with realtime at a place, nearest first.
fn sites(gateway: &Gateway, place: Place) -> Vec<Site<'_>> {
    let here = |config: &&RegionConfig| match place {
        Place::Region(region) => config.region == region,
        Place::Global => true,
    };
    let regions = gateway.config.regions.iter().filter(here).filter(|config| config.region.has_realtime());
    regions
        .filter_map(|config| config.realtime_upstream.as_ref().map(|upstream| Site { config, upstream }))
        .collect()
}

/// Everything between a credential and a session, in the order in which refusals count.
async fn open(
    gateway: &Arc<Gateway>,
    asked: &Asked<'_>,
    placement: Placement,
    credential: &str,
    sites: &[Site<'_>],
    upgrade: Result<&Upgrade, &Refusal>,
) -> Result<Opened, Refusal> {
    gateway.fresh(asked.now)?;
    let authenticated = authenticate(gateway, asked, placement, credential, sites);
    let (principal, site) = authenticated.inspect_err(|refusal| {
        if let Some(site) = sites.first() {
            refused::count(gateway, refusal, credential, (site.config.region, asked.product), asked.now);
        }
    })?;
    upgrade.map_err(Refusal::clone)?;
    let tally = gateway.meter.tally(&principal, site.config.region, asked.product);
    let count_refusal = |refusal: &Refusal| {
        let count = Count { refused: Some(refusal.reason), ..Count::default() };
        gateway.meter.count(&tally, count, asked.now);
    };
    let (slot, usage) = gateway.sessions.reserve(&principal).inspect_err(count_refusal)?;
    let starts_max = principal.limits().creates_per_second_max;
    let rate = gateway.rates.take(principal.project_id(), Kind::Starts, starts_max, asked.now);
    if let Err(too_fast) = rate {
        let later = leash::may_start_later(gateway, &principal, asked.path).await;
        return Err(later.err().unwrap_or(too_fast)).inspect_err(count_refusal);
    }
    let counted = leash::count_start(gateway, &principal).await.inspect_err(count_refusal)?;
    let equipped = match Leashed::take_up(gateway, &principal, asked.path).await.inspect_err(count_refusal) {
        Ok(leashed) => connect(gateway, asked, &principal, site).await.map(|engine| (leashed, engine)),
        Err(refusal) => Err(refusal),
    };
    let (leashed, engine) = match (equipped, counted) {
        (Ok(equipped), _) => equipped,
        (Err(refusal), None) => return Err(refusal),
        (Err(refusal), Some(counted)) => {
            counted.take_back().await;
            return Err(refusal);
        }
    };
    let first = message::concurrent_session_usage(
        usage,
        principal.limits().concurrent_sessions_max,
        site.config.region,
        asked.now,
    );
    let facts = Facts {
        id: SessionId::generate(asked.now, gateway.rng.as_ref()),
        principal,
        region: site.config.region,
        product: asked.product,
        peer: asked.peer.ip(),
        started_at: asked.now,
        tally,
    };
    let session = gateway.sessions.enter(slot, facts);
    // What was revoked while the engine was asked has not found this session; from here on it does.
    gateway.tables.still_good(&session.facts.principal, gateway.now())?;
    gateway.sessions.accepting()?;
    let count = Count { sessions: 1, ..Count::default() };
    gateway.meter.count(&session.facts.tally, count, asked.now);
    gateway.meter.note_session(session.facts.event(asked.now));
    Ok(Opened { session, engine, leashed, first, request_id: asked.request_id })
}

/// Who it is, and the first region that they may use.
fn authenticate<'a>(
    gateway: &Gateway,
    asked: &Asked<'_>,
    placement: Placement,
    credential: &str,
    sites: &[Site<'a>],
) -> Result<(Principal, Site<'a>), Refusal> {
    let mut refused = no_realtime_here();
    for site in sites {
        let need = Need {
            surface: match placement {
                Placement::Header => Surface::RealtimeHeader,
                Placement::Url => Surface::RealtimeUrl,
            },
            product: Some(asked.product),
            region: Some(site.config.region),
            peer: asked.peer.ip(),
            origin: origin(asked.headers),
            usage: false,
        };
        match gateway.tables.verify(credential, &need, asked.now) {
            Ok(principal) => return Ok((principal, *site)),
            Err(refusal) if matches!(refusal.reason, Reason::WrongArea | Reason::PlanRequired) => {
                refused = refusal
            }
            Err(refusal) => return Err(refusal),
        }
    }
    Err(refused)
}

/// The page that opens the session. Two of them are none: nobody could say which one counts.
fn origin(headers: &HeaderMap) -> Option<&str> {
    let mut origins = headers.get_all(ORIGIN).iter();
    let origin = origins.next()?.to_str().ok()?;
    origins.next().is_none().then_some(origin)
}

async fn connect(
    gateway: &Gateway,
    asked: &Asked<'_>,
    principal: &Principal,
    site: Site<'_>,
) -> Result<EngineSocket, Refusal> {
    let mut target = asked.path.to_owned();
    let query = asked.query.map(credential::without_secrets).unwrap_or_default();
    if !query.is_empty() {
        target.push('?');
        target.push_str(&query);
    }
    let identity = gateway.identity(principal, site.config.region, asked.product);
    let headers = headers::engine_headers(asked.headers, &identity, site.config, asked.request_id);
    let times = gateway.sessions.times();
    let opening = engine::open(site.upstream, &target, &headers, times, gateway.rng.as_ref());
    opening.await.map_err(|failure| {
        tracing::warn!(region = %site.config.region, request_id = %asked.request_id, error = &failure as &dyn std::error::Error, "engine refused a session");
        gateway.metrics.engine_fault(site.config.region, failure.fault());
        failure.refusal()
    })
}

/// Answers `101` and leaves the session's task behind.
fn begin(
    gateway: &Arc<Gateway>,
    request: &mut Request<Incoming>,
    opened: Opened,
    upgrade: &Upgrade,
    request_id: RequestId,
) -> Response<Body> {
    let upgraded = hyper::upgrade::on(request);
    let facts = &opened.session.facts;
    gateway.metrics.session_opened(facts.region, facts.product);
    tracing::info!(%request_id, session_id = %facts.id, api_key_id = %facts.principal.api_key_id(), "session open");
    let session = carry(gateway.clone(), gateway.sessions.task(), upgraded, opened);
    debug_assert!(size_of_val(&session) <= SESSION_FUTURE_BYTES_MAX, "{} bytes", size_of_val(&session));
    tokio::spawn(session);
    handshake::switch(upgrade, request_id)
}

/// A session's task, from the moment of the `101` on.
async fn carry(gateway: Arc<Gateway>, _task: TaskGuard, upgraded: OnUpgrade, opened: Opened) {
    let Opened { session, engine, leashed, first, request_id } = opened;
    match refuse::take(upgraded).await {
        Some(client) => Relay::new(gateway, session, client, engine, leashed, first, request_id).run().await,
        None => {
            // Nobody is there any more.
            gateway.meter.note_session(session.ended(gateway.now(), "client_gone", None, None));
            drop((session, leashed));
            let close = frame::close(1001, "", Some([0; 4]));
            Box::pin(farewell::say(engine.stream, close, gateway.sessions.times().linger_max)).await;
        }
    }
}

fn no_such_path() -> Refusal {
    Refusal::new(Reason::NotFound, "There is no such path here. Realtime is at /v2.")
}

fn no_realtime_here() -> Refusal {
    Refusal::new(Reason::NotFound, "This region has no realtime endpoint. Realtime is served in eu1 and us1.")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One origin counts; several are as good as none.
    #[test]
    fn one_origin_counts() {
        let mut headers = HeaderMap::new();
        assert_eq!(origin(&headers), None);
        headers.append(ORIGIN, "https://a.example".parse().unwrap());
        assert_eq!(origin(&headers), Some("https://a.example"));
        headers.append(ORIGIN, "https://b.example".parse().unwrap());
        assert_eq!(origin(&headers), None);
    }
}
