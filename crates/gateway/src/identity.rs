//! Who a request comes from, as the engine is told. Set on every request, whatever the client sent.

use std::sync::Arc;

use domain::{ApiKeyId, ClientRef, Product, Region, RequestId};
use http::HeaderMap;
use http::header::{HeaderName, HeaderValue};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use verify::Principal;

use crate::config::UserIdKey;
use crate::meter::{Meter, Tally};
use crate::upstream::{HeaderLines, RequestHead};

const WORKSPACE: HeaderName = HeaderName::from_static("voxgate-workspace");
const PROJECT: HeaderName = HeaderName::from_static("voxgate-project");
const KEY: HeaderName = HeaderName::from_static("voxgate-key");
const CLIENT_REF: HeaderName = HeaderName::from_static("voxgate-client-ref");
const PROCESSING_DATA: HeaderName = HeaderName::from_static("x-sm-processing-data");

const REGION: HeaderName = HeaderName::from_static("voxgate-region");
const REQUEST_ID: HeaderName = HeaderName::from_static("voxgate-request-id");

/// What of a client_ref stands as it is; all else is percent-encoded.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// Headers that a request to an engine usually has.
const HEADERS_USUAL: usize = 16;

/// Identities that are kept ready.
const IDENTITIES_KEPT_MAX: usize = 20_000;

/// One principal's identity headers, made once.
#[derive(Debug)]
pub struct Identity {
    headers: HeaderMap,
    /// The same headers as they go over the wire, but for the processing data.
    lines: HeaderLines,
    user_id: String,
    tally: Arc<Tally>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct IdentityKey {
    api_key_id: ApiKeyId,
    client_ref: Option<ClientRef>,
    region: Region,
    product: Product,
    /// Told apart for the tally that goes with it.
    is_temporary: bool,
}

/// Identities that were made before.
#[derive(Debug)]
pub struct Identities {
    key: UserIdKey,
    made: quick_cache::sync::Cache<IdentityKey, Arc<Identity>>,
}

impl Identities {
    /// None made yet.
    pub fn new(key: UserIdKey) -> Self {
        Self { key, made: quick_cache::sync::Cache::new(IDENTITIES_KEPT_MAX) }
    }

    /// A principal's identity.
    pub fn of(
        &self,
        principal: &Principal,
        region: Region,
        product: Product,
        meter: &Meter,
    ) -> Arc<Identity> {
        let key = IdentityKey {
            api_key_id: principal.api_key_id(),
            client_ref: principal.client_ref().cloned(),
            region,
            product,
            is_temporary: principal.temporary_key_id().is_some(),
        };
        if let Some(identity) = self.made.get(&key) {
            return identity;
        }
        let identity = Arc::new(self.make(principal, meter.tally(principal, region, product)));
        self.made.insert(key, identity.clone());
        identity
    }

    fn make(&self, principal: &Principal, tally: Arc<Tally>) -> Identity {
        let user_id = user_id(&self.key, principal);
        let mut headers = HeaderMap::with_capacity(HEADERS_USUAL);
        headers.insert(WORKSPACE, value(principal.workspace_id().to_string()));
        headers.insert(PROJECT, value(principal.project_id().to_string()));
        headers.insert(KEY, value(principal.api_key_id().to_string()));
        if let Some(client_ref) = principal.client_ref() {
            headers.insert(CLIENT_REF, value(utf8_percent_encode(client_ref.as_str(), PLAIN).to_string()));
        }
        let mut lines = HeaderLines::default();
        for (name, value) in &headers {
            lines.field(name, value);
        }
        headers.insert(PROCESSING_DATA, value(processing_data(&user_id, None)));
        Identity { headers, lines, user_id, tally }
    }
}

impl Identity {
    /// The headers that every request to an engine begins with. What of the client's is forwarded is added to them, and has
    /// other names.
    pub fn headers(&self, parallel_engines: Option<u32>) -> HeaderMap {
        let mut headers = self.headers.clone();
        if parallel_engines.is_some() {
            headers.insert(PROCESSING_DATA, value(processing_data(&self.user_id, parallel_engines)));
        }
        headers
    }

    /// Writes the headers that every request to an engine has.
    pub fn write(&self, head: &mut RequestHead, parallel_engines: Option<u32>) {
        head.lines(&self.lines);
        match (parallel_engines, self.headers.get(PROCESSING_DATA)) {
            (None, Some(prepared)) => head.field(&PROCESSING_DATA, prepared),
            _ => head.field(&PROCESSING_DATA, &value(processing_data(&self.user_id, parallel_engines))),
        }
    }

    /// Where this principal's requests are counted.
    pub const fn tally(&self) -> &Arc<Tally> {
        &self.tally
    }
}

/// Writes where and as what a request arrived.
pub fn write_place(headers: &mut HeaderMap, region: Region, request_id: RequestId) {
    for (name, value) in place(region, request_id) {
        headers.insert(name, value);
    }
}

/// Where and as what a request arrived.
pub fn place(region: Region, request_id: RequestId) -> [(HeaderName, HeaderValue); 2] {
    let region = HeaderValue::from_static(region.as_str());
    [(REGION, region), (REQUEST_ID, crate::answer::request_id_value(request_id))]
}

/// The `user_id` that engines see: the same for the same project and client_ref, and telling neither.
fn user_id(key: &UserIdKey, principal: &Principal) -> String {
    use std::fmt::Write as _;
    const BYTES: usize = 16;
    let project = principal.project_id().get().to_be_bytes();
    let hash = match principal.client_ref() {
        Some(client_ref) => credentials::keyed_hash(&key.0, &[&project, client_ref.as_str().as_bytes()]),
        None => credentials::keyed_hash(&key.0, &[&project]),
    };
    hash[..BYTES].iter().fold(String::with_capacity(BYTES * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn processing_data(user_id: &str, parallel_engines: Option<u32>) -> String {
    match parallel_engines {
        Some(engines) => format!(r#"{{"parallel_engines":{engines},"user_id":"{user_id}"}}"#),
        None => format!(r#"{{"user_id":"{user_id}"}}"#),
    }
}

fn value(text: String) -> HeaderValue {
    // Ids, hexadecimal digits and percent-encoded text are always valid.
    HeaderValue::try_from(text).unwrap_or_else(|_| HeaderValue::from_static("invalid"))
}
