//! What routes read of a request besides its credential.

use std::net::{IpAddr, SocketAddr};

use axum::body::{Body, HttpBody as _};
use axum::extract::{ConnectInfo, Query};
use control::Enforced;
use domain::link::Revision;
use domain::{ClientRef, ProjectId, Timestamp};
use http::{Extensions, Uri};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};

use crate::config::BODY_BYTES_MAX;
use crate::context::Context;
use crate::document::field::INTEGER_MAX;
use crate::fields::Fields;
use crate::invalid::Invalid;
use crate::json;
use crate::problem::Problem;

/// The parameters of the query, in their order. A query that can't be read has none.
pub(crate) fn query(uri: &Uri) -> Vec<(String, String)> {
    Query::<Vec<(String, String)>>::try_from_uri(uri).map(|Query(pairs)| pairs).unwrap_or_default()
}

/// A parameter of the query that is given once at most.
pub(crate) fn one<'a>(query: &'a [(String, String)], name: &str) -> Result<Option<&'a str>, Invalid> {
    let mut values = query.iter().filter(|(given, _)| given == name).map(|(_, value)| value.as_str());
    let first = values.next();
    if values.next().is_some() {
        return Err(Invalid::pattern(format!("{name} in query should be given once")));
    }
    Ok(first)
}

/// A whole number from `min` to `max` in the query.
pub(crate) fn integer(
    query: &[(String, String)],
    name: &str,
    min: u64,
    max: u64,
) -> Result<Option<u64>, Invalid> {
    let Some(text) = one(query, name)? else { return Ok(None) };
    let value: i128 = text.parse().map_err(|_| Invalid::wrong_type(name, "query", "integer"))?;
    if value < i128::from(min) {
        return Err(Invalid::below(name, "query", min));
    }
    u64::try_from(value)
        .ok()
        .filter(|value| *value <= max)
        .map(Some)
        .ok_or_else(|| Invalid::above(name, "query", max))
}

/// One of the names of an enum in the query.
pub(crate) fn choice<T: Copy>(
    query: &[(String, String)],
    name: &str,
    all: &[T],
    text_of: fn(T) -> &'static str,
) -> Result<Option<T>, Invalid> {
    let Some(text) = one(query, name)? else { return Ok(None) };
    let names: Vec<&str> = all.iter().map(|item| text_of(*item)).collect();
    let found = all.iter().copied().find(|item| text_of(*item) == text);
    found.map(Some).ok_or_else(|| Invalid::one_of(name, "query", &names))
}

/// A moment in the query.
pub(crate) fn moment(query: &[(String, String)], name: &str) -> Result<Option<Timestamp>, Invalid> {
    let Some(text) = one(query, name)? else { return Ok(None) };
    let moment = Timestamp::parse_rfc3339(text);
    moment.map(Some).ok_or_else(|| {
        Invalid::wrong_type(name, "query", "date-time").with_detail("RFC 3339, as in 2027-01-31T00:00:00Z")
    })
}

/// The client's address; requests without one come from nowhere that a network could allow.
pub(crate) fn peer(extensions: &Extensions) -> IpAddr {
    extensions
        .get::<ConnectInfo<SocketAddr>>()
        .map_or(IpAddr::V6(std::net::Ipv6Addr::UNSPECIFIED), |ConnectInfo(address)| address.ip())
}

/// The fields of the body, whatever its content type says: clients leave it out or send another.
pub(crate) async fn fields(body: Body) -> Result<Fields, Problem> {
    // Who announces too much is told at once, and holds nothing up by sending it slowly.
    if body.size_hint().lower() > BODY_BYTES_MAX as u64 {
        return Err(too_large());
    }
    let bytes = match Limited::new(body, BODY_BYTES_MAX).collect().await {
        Ok(collected) => collected.to_bytes(),
        Err(error) if error.is::<LengthLimitError>() => return Err(too_large()),
        Err(_) => {
            return Err(Problem::new(
                domain::Reason::MalformedRequest,
                "The body ended too early or can't be read.",
            ));
        }
    };
    Ok(Fields(json::object(&bytes)?))
}

fn too_large() -> Problem {
    Problem::new(domain::Reason::TooLarge, format!("The body is too large: at most {BODY_BYTES_MAX} bytes."))
}

/// The end user that a list is narrowed to.
pub(crate) fn client_ref(query: &[(String, String)]) -> Result<Option<ClientRef>, Invalid> {
    let Some(text) = one(query, "client_ref")? else { return Ok(None) };
    let read = ClientRef::new(text);
    read.map(Some).map_err(|problem| Invalid::pattern(problem.to_string().replace("in body", "in query")))
}

/// The id of a project, from a path: a text that is none names no project.
pub(crate) fn project_id(text: &str) -> Result<ProjectId, Problem> {
    text.parse().map(ProjectId::new).map_err(|_| Invalid::wrong_type("project_id", "path", "int64").into())
}

/// The project that a list is narrowed to.
pub(crate) fn project_filter(query: &[(String, String)]) -> Result<Option<ProjectId>, Problem> {
    let id = integer(query, "project_id", 1, INTEGER_MAX)?;
    Ok(id.map(|id| ProjectId::new(id.cast_signed())))
}

/// With `?wait=enforced`: which gateways enforce the revision, once all do or the time is over.
pub(crate) async fn wait(
    context: &Context,
    query: &[(String, String)],
    revision: Revision,
) -> Result<Option<Enforced>, Problem> {
    if !waits(query)? {
        return Ok(None);
    }
    Ok(Some(context.control.gateways().wait_enforced(revision).await))
}

/// Refuses another `wait` before anything is done.
pub(crate) fn check_wait(query: &[(String, String)]) -> Result<(), Problem> {
    waits(query)?;
    Ok(())
}

fn waits(query: &[(String, String)]) -> Result<bool, Invalid> {
    match one(query, "wait")? {
        None => Ok(false),
        Some("enforced") => Ok(true),
        Some(_) => Err(Invalid::one_of("wait", "query", &["enforced"])),
    }
}
