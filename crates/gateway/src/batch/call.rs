//! One authorised request: what all its steps need.

use std::sync::Arc;

use domain::{Refusal, RequestId, Timestamp};
use http::header::{AUTHORIZATION, HOST, HeaderName};
use http::{HeaderMap, HeaderValue, Method, Request, Response, Uri};
use ledger::{JobFacts, JobState, Owner};
use verify::Principal;

use super::{engine_down, internal, job_expired, job_not_found};
use crate::gateway::BatchSite;
use crate::identity::{Identity, place, write_place};
use crate::meter::Count;
use crate::policy::{Scan, parallel_engines};
use crate::uploads::RunningUpload;
use crate::upstream::{EngineBody, EngineError, InvalidTarget, Pool, Progress, RequestHead, UploadBody};
use crate::{Body, Gateway};

/// One authorised request.
pub(super) struct Call<'a> {
    pub(super) gateway: &'a Arc<Gateway>,
    pub(super) site: &'a Arc<BatchSite>,
    pub(super) principal: Principal,
    pub(super) identity: Arc<Identity>,
    pub(super) headers: &'a HeaderMap,
    pub(super) scan: Scan<'a>,
    pub(super) request_id: RequestId,
    pub(super) now: Timestamp,
}

/// A call that goes on while its answer is read.
pub(super) struct KeptCall {
    gateway: Arc<Gateway>,
    site: Arc<BatchSite>,
    principal: Principal,
    identity: Arc<Identity>,
    headers: HeaderMap,
    request_id: RequestId,
    now: Timestamp,
}

impl KeptCall {
    /// The call.
    pub(super) fn call(&self) -> Call<'_> {
        Call {
            gateway: &self.gateway,
            site: &self.site,
            principal: self.principal.clone(),
            identity: Arc::clone(&self.identity),
            headers: &self.headers,
            scan: Scan::read(&self.headers),
            request_id: self.request_id,
            now: self.now,
        }
    }
}

impl Call<'_> {
    /// The same call for an answer that is made while it is read.
    pub(super) fn keep(&self) -> KeptCall {
        KeptCall {
            gateway: Arc::clone(self.gateway),
            site: Arc::clone(self.site),
            principal: self.principal.clone(),
            identity: Arc::clone(&self.identity),
            headers: self.headers.clone(),
            request_id: self.request_id,
            now: self.now,
        }
    }

    /// Whose jobs the caller sees.
    pub(super) fn owner(&self) -> Owner {
        Owner { project_id: self.principal.project_id(), client_ref: self.principal.client_ref().cloned() }
    }

    /// A job that the caller may read. Foreign, unknown and deleted ones are the same to it.
    pub(super) async fn readable(&self, job_id: &str) -> Result<Arc<JobFacts>, Refusal> {
        let found = self.site.ledger.find(&self.owner(), job_id).await;
        let job = found.map_err(|error| internal(&error, self.request_id))?.ok_or_else(job_not_found)?;
        match job.state {
            JobState::Live | JobState::Lost => Ok(job),
            JobState::Deleted => Err(job_not_found()),
            JobState::Expired => Err(job_expired()),
        }
    }

    /// The engine of the Jobs API.
    pub(super) fn engine(&self) -> Result<&Arc<Pool>, Refusal> {
        self.site.engine.as_ref().ok_or_else(|| self.engine_down())
    }

    /// The refusal while the engine is down.
    pub(super) fn engine_down(&self) -> Refusal {
        engine_down(self.gateway, self.site, Some(&self.principal))
    }

    /// A request with a body to an engine, in the caller's name.
    pub(super) fn upload(
        &self,
        engine: &Pool,
        path: &str,
        body: UploadBody,
    ) -> Result<Request<UploadBody>, Refusal> {
        let base = engine.upstream().base_path();
        let uri =
            Uri::try_from(format!("{base}{path}")).map_err(|error| internal(&error, self.request_id))?;
        let mut request = Request::new(body);
        *request.method_mut() = Method::POST;
        *request.uri_mut() = uri;
        let headers = request.headers_mut();
        *headers = self.identity.headers(parallel_engines(self.scan.processing_data()));
        for (name, value) in forwarded(self.headers, &self.scan, false) {
            headers.append(name, value.clone());
        }
        headers.insert(HOST, engine.host().clone());
        if let Some(token) = &self.site.engine_token {
            headers.insert(AUTHORIZATION, token.clone());
        }
        write_place(headers, self.site.config.region, self.request_id);
        Ok(request)
    }

    /// Whether the caller would still pass, after something that took its time.
    ///
    /// # Errors
    /// Why it wouldn't.
    pub(super) fn still_good(&self) -> Result<(), Refusal> {
        self.gateway.tables.still_good(&self.principal, self.gateway.now())
    }

    /// Enters an upload, so that it is cut when the caller loses the right to it.
    pub(super) fn enter_upload(&self, progress: &Arc<Progress>) -> RunningUpload {
        let Self { gateway, principal, .. } = self;
        gateway.uploads.enter(principal, progress, &gateway.tables, gateway.now())
    }

    /// Waits for what sends an upload; the caller's key may expire meanwhile.
    pub(super) async fn during<T>(&self, running: RunningUpload, sending: impl Future<Output = T>) -> T {
        running.during(sending, &self.gateway.tables, self.gateway.clock.as_ref()).await
    }

    /// Sends a request without a body, in the caller's name. Reading again does no harm, so a connection that ended while it was
    /// used is tried once more.
    pub(super) async fn ask(
        &self,
        engine: &Arc<Pool>,
        method: &Method,
        path: &str,
        streams: bool,
    ) -> Result<Response<EngineBody>, Refusal> {
        let mut request = head(self.site, engine, method, path, self.request_id)
            .map_err(|error| internal(&error, self.request_id))?;
        self.identity.write(&mut request, parallel_engines(self.scan.processing_data()));
        for (name, value) in forwarded(self.headers, &self.scan, streams) {
            request.field(name, value);
        }
        match engine.ask(&request).await {
            Ok(response) => Ok(response),
            // Boxed, as every rare path: the future of a request is moved, and should be short.
            Err(EngineError::Interrupted { reused: true, .. }) => {
                Box::pin(engine.ask(&request)).await.map_err(|error| self.engine_failed(&error))
            }
            Err(error) => Err(self.engine_failed(&error)),
        }
    }

    /// Logs why an engine gave no answer; the client is only told that it gave none.
    pub(super) fn engine_failed(&self, error: &EngineError) -> Refusal {
        tracing::warn!(
            request_id = %self.request_id,
            region = %self.site.config.region,
            error = error as &dyn std::error::Error,
            "an engine gave no answer"
        );
        self.gateway.metrics.engine_fault(self.site.config.region, error.fault());
        self.engine_down()
    }

    /// Counts the request.
    pub(super) fn count(&self, result: &Result<Response<Body>, Refusal>) {
        let count = match result {
            Ok(_) => Count { requests: 1, ..Count::default() },
            Err(refusal) => Count { requests: 1, refused: Some(refusal.reason), ..Count::default() },
        };
        self.gateway.meter.count(self.identity.tally(), count, self.now);
    }
}

/// The client's headers that an engine gets to see.
pub(super) fn forwarded<'a>(
    client: &'a HeaderMap,
    scan: &'a Scan<'_>,
    streams: bool,
) -> impl Iterator<Item = (&'a HeaderName, &'a HeaderValue)> {
    client.iter().filter(move |(name, _)| scan.forwards(name.as_str(), streams))
}

/// A request without a body to an engine: its own host, its own token, the path under its base, and for whom it is asked.
pub(super) fn head(
    site: &BatchSite,
    engine: &Pool,
    method: &Method,
    path: &str,
    request_id: RequestId,
) -> Result<RequestHead, InvalidTarget> {
    let mut head = RequestHead::new(method, engine.upstream().base_path(), path)?;
    head.field(&HOST, engine.host());
    if let Some(token) = &site.engine_token {
        head.field(&AUTHORIZATION, token);
    }
    for (name, value) in place(site.config.region, request_id) {
        head.field(&name, &value);
    }
    Ok(head)
}
