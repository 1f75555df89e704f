//! The Jobs API: who may do what with which job, and what the engine behind can't do by itself.

mod adopt;
mod call;
mod create;
mod delete;
mod engine;
mod forget;
mod list;
mod object;
mod read;
mod stream;
mod upkeep;
mod usage;

use std::net::SocketAddr;
use std::sync::Arc;

use domain::{Reason, Refusal, Region, RequestId, Timestamp};
use http::request::Parts;
use http::{Request, Response};
use hyper::body::Incoming;
use verify::{Bearer, presented_bearer};

pub use adopt::AdoptError;
pub use forget::ForgottenJobs;
pub(crate) use upkeep::spawn_upkeep;

use self::call::Call;
use crate::gateway::BatchSite;
use crate::policy::decide::{areas_elsewhere, product};
use crate::policy::{Asked, Go, Query, Route, Scan, Verb, Verdict, decide, route};
use crate::rate::Kind;
use crate::{Body, Gateway, Outcome, RouteClass, answer, quota, refused};

/// Answers a request of the Jobs API.
pub(crate) async fn handle(
    gateway: &Arc<Gateway>,
    request: Request<Incoming>,
    peer: SocketAddr,
    region: Region,
    outcome: &mut Outcome,
) -> Response<Body> {
    let now = gateway.now();
    let request_id = outcome.id(gateway, now);
    let (parts, incoming) = request.into_parts();
    outcome.region = Some(region);
    let (site, route) = (gateway.batch_site(region), route(parts.uri.path()));
    outcome.route = route.map_or(RouteClass::Unknown, |route| RouteClass::of(route, &parts.method));
    let (Some(site), Some(route)) = (site, route) else {
        return refuse(
            outcome,
            &Refusal::new(Reason::NotFound, "There is nothing at this path."),
            request_id,
        );
    };
    if let Err(refusal) = gateway.fresh(now) {
        return refuse(outcome, &refusal, request_id);
    }
    let begun = outcome.step();
    let judged = judge(gateway, site, &parts, route, peer, request_id, now);
    outcome.verified(begun);
    let (verb, call) = match judged.map_err(|aside| *aside) {
        Ok(go) => go,
        Err(Aside::Refused(refusal)) => return refuse(outcome, &refusal, request_id),
        Err(Aside::Public(scan)) => {
            let begun = outcome.step();
            let response = Box::pin(stream::features(site, &parts.headers, scan, gateway, request_id)).await;
            outcome.answered(begun);
            return response;
        }
        Err(Aside::Answer(response)) => return response,
    };
    outcome.project_id = Some(call.principal.project_id());
    outcome.api_key_id = Some(call.principal.api_key_id());
    let begun = outcome.step();
    let result = given(&call, verb, run(&call, route, verb, parts.uri.query(), incoming).await);
    outcome.answered(begun);
    call.count(&result);
    match result {
        Ok(response) => response,
        Err(refusal) => refuse(outcome, &refusal, request_id),
    }
}

/// What was read is given to nobody who lost the right to it meanwhile: an engine may take its time, and a client may ask for that.
/// What was changed is told, since it was done.
fn given(
    call: &Call<'_>,
    verb: Verb,
    result: Result<Response<Body>, Refusal>,
) -> Result<Response<Body>, Refusal> {
    match verb {
        Verb::Read => call.still_good().and(result),
        Verb::Create | Verb::Delete => result,
    }
}

fn refuse(outcome: &mut Outcome, refusal: &Refusal, request_id: RequestId) -> Response<Body> {
    outcome.reason = Some(refusal.reason);
    answer::jobs(refusal, request_id)
}

/// What becomes of a request that isn't an authorised one.
enum Aside<'a> {
    Public(Scan<'a>),
    Refused(Refusal),
    Answer(Response<Body>),
}

/// Judges a request. Apart from [`handle`], whose future would carry along all that is needed only here.
fn judge<'a>(
    gateway: &'a Arc<Gateway>,
    site: &'a Arc<BatchSite>,
    parts: &'a Parts,
    route: Route<'a>,
    peer: SocketAddr,
    request_id: RequestId,
    now: Timestamp,
) -> Result<(Verb, Call<'a>), Box<Aside<'a>>> {
    let region = site.config.region;
    let scan = Scan::read(&parts.headers);
    let asked = Asked { method: parts.method.as_str(), route, scan, peer: peer.ip().to_canonical(), region };
    let aside = match decide(&asked, &gateway.tables, now) {
        Verdict::Go(Go { verb, principal }) => {
            let identity = gateway.identity(&principal, region, product(route));
            let headers = &parts.headers;
            return Ok((verb, Call { gateway, site, principal, identity, headers, scan, request_id, now }));
        }
        Verdict::Public => Aside::Public(scan),
        Verdict::Preflight => Aside::Answer(answer::preflight(request_id)),
        Verdict::NotAllowed(allow) => Aside::Answer(answer::method_not_allowed(allow, request_id)),
        Verdict::Refuse(refusal) => {
            if let Some(Bearer::Credential(presented)) = scan.authorization().map(presented_bearer) {
                refused::count(gateway, &refusal, presented, (region, product(route)), now);
            }
            Aside::Refused(elsewhere(gateway, &asked, refusal))
        }
    };
    Err(Box::new(aside))
}

/// Does what an authorised request asks for. What is refused is refused in the order of the answers table: the job, the rate,
/// the values.
async fn run(
    call: &Call<'_>,
    route: Route<'_>,
    verb: Verb,
    query: Option<&str>,
    incoming: Incoming,
) -> Result<Response<Body>, Refusal> {
    let limits = call.principal.limits();
    let (kind, per_second_max) = match verb {
        Verb::Create => (Kind::Creates, limits.creates_per_second_max),
        Verb::Read | Verb::Delete => (Kind::Reads, limits.reads_per_second_max),
    };
    let rate = call.gateway.rates.take(call.principal.project_id(), kind, per_second_max, call.now);
    let creates = verb == Verb::Create;
    match route {
        Route::Job(id) if verb == Verb::Delete => {
            let job = call.readable(id).await?;
            rate?;
            let query = Query::read(route, creates, query)?;
            Box::pin(delete::delete(call, &job, query.force)).await
        }
        Route::Job(id) => {
            let job = call.readable(id).await?;
            rate?;
            let query = Query::read(route, creates, query)?;
            Box::pin(read::read(call, &job, query.wait)).await
        }
        Route::Transcript(id) | Route::Log(id) | Route::Data(id) => {
            let job = call.readable(id).await?;
            rate?;
            let query = Query::read(route, creates, query)?;
            stream::stream(call, route, &job, &query).await
        }
        Route::Jobs if creates => {
            Box::pin(quota::check(call.gateway, &call.principal, call.now)).await?;
            rate?;
            let query = Query::read(route, creates, query)?;
            Box::pin(create::create(call, &query, incoming)).await
        }
        Route::Jobs => {
            rate?;
            let query = Query::read(route, creates, query)?;
            Box::pin(list::list(call, &query)).await
        }
        Route::Usage => {
            rate?;
            let query = Query::read(route, creates, query)?;
            Box::pin(usage::usage(call, &query)).await
        }
        Route::Generate(voice) => {
            rate?;
            let query = Query::read(route, creates, query)?;
            Box::pin(stream::generate(call, voice, &query, incoming)).await
        }
        Route::Features => Err(Refusal::new(Reason::NotFound, "There is nothing at this path.")),
    }
}

/// Tells the holder of a key of another area where it works.
fn elsewhere(gateway: &Gateway, asked: &Asked<'_>, refusal: Refusal) -> Refusal {
    if refusal.reason != Reason::WrongArea {
        return refusal;
    }
    let Some(areas) = areas_elsewhere(asked, &gateway.tables, gateway.now()) else { return refusal };
    let urls: Vec<&str> = areas
        .iter()
        .filter_map(|area| gateway.region(area.main_region()))
        .map(|config| config.batch_url.as_str())
        .collect();
    if urls.is_empty() {
        return refusal;
    }
    Refusal::new(
        Reason::WrongArea,
        format!("{}. Use {} instead.", refusal.detail.trim_end_matches(['.', ' ']), urls.join(" or ")),
    )
}

/// How soon an engine that is down or busy may be asked again, where it doesn't say so itself.
const ENGINE_AGAIN_SECONDS: u32 = 5;
/// How soon a request that the ledger couldn't serve may be tried again.
const STORAGE_AGAIN_SECONDS: u32 = 5;

/// A refusal for what only the log may tell.
pub(crate) fn internal(error: &(dyn std::error::Error + 'static), request_id: RequestId) -> Refusal {
    tracing::error!(%request_id, error, "a request failed");
    if error.downcast_ref::<ledger::LedgerError>().is_some_and(ledger::LedgerError::is_unavailable) {
        let detail = "What is needed can't be written down now. Try again soon.";
        return Refusal::new(Reason::StorageDown, detail).retry_after(STORAGE_AGAIN_SECONDS);
    }
    Refusal::new(
        Reason::Internal,
        "Something failed here. Try again; the request id helps to find out what it was.",
    )
}

/// The refusal of a job that this caller can't know.
pub(crate) fn job_not_found() -> Refusal {
    Refusal::new(
        Reason::JobNotFound,
        "There is no such job here for this key. Jobs live in the region where they were made.",
    )
}

/// The refusal of a job that is too old.
pub(crate) fn job_expired() -> Refusal {
    Refusal::new(Reason::JobExpired, "The job was kept for its time and is gone now.")
}

/// The refusal while an engine is down, with the way out for those who have one.
pub(crate) fn engine_down(
    gateway: &Gateway,
    site: &BatchSite,
    principal: Option<&verify::Principal>,
) -> Refusal {
    let region = site.config.region;
    let way_out = region.failover().and_then(|other| gateway.region(other)).filter(|_| {
        principal.is_some_and(|known| known.limits().enterprise && known.areas().contains(region.area()))
    });
    let detail = match way_out {
        Some(other) => format!("The engine of {region} doesn't answer. Use {} meanwhile.", other.batch_url),
        None => format!("The engine of {region} doesn't answer. Try again soon."),
    };
    Refusal::new(Reason::EngineDown, detail).retry_after(ENGINE_AGAIN_SECONDS)
}
