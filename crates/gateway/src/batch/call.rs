//! One authorised request: what all its steps need.

use std::sync::Arc;

use domain::{Refusal, RequestId, Timestamp};
use http::header::{AUTHORIZATION, HOST};
use http::{HeaderMap, Method, Request, Response, Uri};
use ledger::{JobFacts, JobState, Owner};
use verify::Principal;

use super::{engine_down, internal, job_expired, job_not_found};
use crate::gateway::BatchSite;
use crate::identity::{Identity, write_place};
use crate::meter::Count;
use crate::policy::{Scan, parallel_engines};
use crate::upstream::{EngineBody, EngineError, Pool, UploadBody};
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

impl Call<'_> {
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

    /// A request to an engine in the caller's name.
    pub(super) fn request(
        &self,
        engine: &Pool,
        method: Method,
        path: &str,
        streams: bool,
        body: UploadBody,
    ) -> Result<Request<UploadBody>, Refusal> {
        let ours = self.identity.headers(parallel_engines(self.scan.processing_data()));
        let headers = with_forwarded(ours, self.headers, &self.scan, streams);
        let mut request = request(self.site, engine, method, path, headers, body)
            .map_err(|error| internal(&error, self.request_id))?;
        write_place(request.headers_mut(), self.site.config.region, self.request_id);
        Ok(request)
    }

    /// Sends a request without a body. Reading again does no harm, so a connection that ended while it was used is tried once
    /// more.
    pub(super) async fn ask(
        &self,
        engine: &Arc<Pool>,
        method: &Method,
        path: &str,
        streams: bool,
    ) -> Result<Response<EngineBody>, Refusal> {
        let request = self.request(engine, method.clone(), path, streams, UploadBody::Empty)?;
        match engine.send(request).await {
            Ok(response) => Ok(response),
            Err(EngineError::Interrupted { reused: true, .. }) => {
                let again = self.request(engine, method.clone(), path, streams, UploadBody::Empty)?;
                // Boxed, as every rare path: the future of a request is moved, and should be short.
                Box::pin(engine.send(again)).await.map_err(|error| self.engine_failed(&error))
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
            Err(_) => Count { requests: 1, refusals: 1, ..Count::default() },
        };
        self.gateway.meter.count(self.identity.tally(), count, self.now);
    }
}

/// Adds the client's headers that an engine gets to see.
pub(super) fn with_forwarded(
    mut headers: HeaderMap,
    client: &HeaderMap,
    scan: &Scan<'_>,
    streams: bool,
) -> HeaderMap {
    for (name, value) in client {
        if scan.forwards(name.as_str(), streams) {
            headers.append(name, value.clone());
        }
    }
    headers
}

/// A request to an engine: its own host, its own token, the path under its base.
pub(super) fn request(
    site: &BatchSite,
    engine: &Pool,
    method: Method,
    path: &str,
    mut headers: HeaderMap,
    body: UploadBody,
) -> Result<Request<UploadBody>, http::Error> {
    let base = engine.upstream().base_path();
    let uri = if base.is_empty() { Uri::try_from(path)? } else { Uri::try_from(format!("{base}{path}"))? };
    headers.insert(HOST, engine.host());
    if let Some(token) = &site.engine_token {
        headers.insert(AUTHORIZATION, token.clone());
    }
    let mut request = Request::new(body);
    *request.method_mut() = method;
    *request.uri_mut() = uri;
    *request.headers_mut() = headers;
    Ok(request)
}
