//! What an engine is told with a session: who the client is, and the few client headers that pass. The same list and the
//! same identity as for the Jobs API: whatever else a client sends, look-alikes of ours among it, stays here.

use domain::RequestId;
use http::HeaderMap;
use http::header::{AUTHORIZATION, HeaderName, HeaderValue};

use crate::identity::{self, Identity};
use crate::policy::{HeaderList as _, Scan, parallel_engines};
use crate::{RegionConfig, answer};

/// The client's own id of the request. Engines tell it with their sessions, so they always get one.
const CLIENT_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// Say how an answer should look, which an upgrade has none of.
const OF_ANSWERS: [&str; 2] = ["accept", "content-type"];

/// The headers of the upgrade request to an engine, but for those of the upgrade itself.
pub(crate) fn engine_headers(
    client: &HeaderMap,
    who: &Identity,
    region: &RegionConfig,
    request_id: RequestId,
) -> HeaderMap {
    let scan = Scan::read(client);
    let mut headers = who.headers(parallel_engines(scan.processing_data()));
    client.each(&mut |name, value| {
        if !scan.forwards(name, false) || OF_ANSWERS.contains(&name) {
            return;
        }
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::from_bytes(value)) {
            headers.entry(name).or_insert(value);
        }
    });
    headers.entry(CLIENT_REQUEST_ID).or_insert_with(|| answer::request_id_value(request_id));
    identity::write_place(&mut headers, region.region, request_id);
    let token = region.engine_token.as_ref().map(|token| format!("Bearer {}", token.expose()));
    if let Some(Ok(token)) = token.map(HeaderValue::try_from) {
        headers.insert(AUTHORIZATION, token);
    }
    headers
}
