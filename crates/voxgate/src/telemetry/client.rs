//! The exporter's HTTP client: the one that commands use too.

use std::pin::Pin;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use opentelemetry_http::{HttpClient, HttpError};

use crate::remote;

/// Sends batches.
#[derive(Debug)]
pub(super) struct OtlpClient(remote::HttpClient);

impl OtlpClient {
    pub(super) fn new() -> Result<Self, remote::HttpError> {
        remote::HttpClient::new(None).map(Self)
    }
}

impl HttpClient for OtlpClient {
    fn send_bytes<'client, 'answer>(
        &'client self,
        request: Request<Bytes>,
    ) -> Pin<Box<dyn Future<Output = Result<Response<Bytes>, HttpError>> + Send + 'answer>>
    where
        'client: 'answer,
        Self: 'answer,
    {
        Box::pin(async move {
            let answer = self.0.send(request.map(Full::new)).await?;
            let mut response = Response::new(answer.body);
            *response.status_mut() = answer.status;
            *response.headers_mut() = answer.headers;
            Ok(response)
        })
    }
}
