//! The decision.

use std::net::IpAddr;

use domain::{Product, Reason, Refusal, Region, Timestamp};
use verify::{Bearer, Need, Principal, Surface, Tables, presented_bearer};

use super::{Route, Scan};

/// A request's head, parsed, and where it arrived.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// Its method.
    pub method: &'a str,
    /// Its route.
    pub route: Route<'a>,
    /// Its header fields, looked at once.
    pub scan: Scan<'a>,
    /// The client's address.
    pub peer: IpAddr,
    /// The region where it arrived.
    pub region: Region,
}

/// What a request does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    /// It reads.
    Read,
    /// It makes something.
    Create,
    /// It deletes.
    Delete,
}

/// An authorised request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Go {
    /// What it does.
    pub verb: Verb,
    /// Who it comes from.
    pub principal: Principal,
}

/// What becomes of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(
    clippy::large_enum_variant,
    reason = "it is made once per request, mostly the large one, and taken apart at once"
)]
pub enum Verdict {
    /// It goes on.
    Go(Go),
    /// It goes on though nobody is known: the route is public.
    Public,
    /// A page asks whether it may call.
    Preflight,
    /// The path has other methods: these.
    NotAllowed(&'static str),
    /// It is refused.
    Refuse(Refusal),
}

/// Decides about a request of the Jobs API.
pub fn decide(asked: &Asked<'_>, tables: &Tables, now: Timestamp) -> Verdict {
    if let Err(refusal) = asked.scan.unambiguous() {
        return Verdict::Refuse(refusal);
    }
    let allow = allowed(asked.route);
    let verb = match asked.method {
        "OPTIONS" => return Verdict::Preflight,
        "GET" | "HEAD" if allow.starts_with("GET") => Verb::Read,
        "POST" if allow.contains("POST") => Verb::Create,
        "DELETE" if allow.contains("DELETE") => Verb::Delete,
        _ => return Verdict::NotAllowed(allow),
    };
    if asked.route == Route::Features {
        return Verdict::Public;
    }
    match authenticate(asked, tables, now) {
        Ok(principal) => Verdict::Go(Go { verb, principal }),
        Err(refusal) => Verdict::Refuse(refusal),
    }
}

/// The methods of a route.
const fn allowed(route: Route<'_>) -> &'static str {
    match route {
        Route::Jobs => "GET, HEAD, POST, OPTIONS",
        Route::Job(_) => "GET, HEAD, DELETE, OPTIONS",
        Route::Transcript(_) | Route::Log(_) | Route::Data(_) | Route::Usage | Route::Features => {
            "GET, HEAD, OPTIONS"
        }
        Route::Generate(_) => "POST, OPTIONS",
    }
}

/// The product that a route belongs to.
pub(crate) const fn product(route: Route<'_>) -> Product {
    match route {
        Route::Generate(_) => Product::Tts,
        _ => Product::Batch,
    }
}

fn authenticate(asked: &Asked<'_>, tables: &Tables, now: Timestamp) -> Result<Principal, Refusal> {
    let presented = match asked.scan.authorization().map_or(Bearer::Absent, presented_bearer) {
        Bearer::Credential(presented) => presented,
        Bearer::Absent => {
            return Err(Refusal::new(
                Reason::CredentialMissing,
                "Send an API key or a temporary key in the header Authorization: Bearer KEY.",
            ));
        }
        Bearer::Malformed => {
            return Err(Refusal::new(
                Reason::CredentialUnknown,
                "The Authorization header can't be read. It must be Authorization: Bearer KEY.",
            ));
        }
    };
    let need = Need {
        surface: Surface::Batch,
        product: Some(product(asked.route)),
        region: Some(asked.region),
        peer: asked.peer,
        origin: asked.scan.origin(),
        usage: asked.route == Route::Usage,
    };
    tables.verify(presented, &need, now)
}

/// The areas that the same credential would be good for, for the answer to one that was used in the wrong place.
pub(crate) fn areas_elsewhere(asked: &Asked<'_>, tables: &Tables, now: Timestamp) -> Option<domain::AreaSet> {
    let Bearer::Credential(presented) = presented_bearer(asked.scan.authorization()?) else { return None };
    let need = Need {
        surface: Surface::Batch,
        product: Some(product(asked.route)),
        region: None,
        peer: asked.peer,
        origin: asked.scan.origin(),
        usage: false,
    };
    Some(tables.verify(presented, &need, now).ok()?.areas())
}
