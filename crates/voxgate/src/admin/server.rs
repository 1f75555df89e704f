//! The listener.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use serde::Serialize;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use super::{Admin, feed, metrics, ready};

/// Connections at once. It is for a few probes and a scraper.
pub(super) const CONNECTIONS_MAX: usize = 64;
/// How long a client may take to send a head, in seconds.
pub(super) const HEAD_SECONDS_MAX: u64 = 10;
/// How long one connection may be open, in seconds.
pub(super) const CONNECTION_SECONDS_MAX: u64 = 600;
/// A head, in bytes.
pub(super) const HEAD_BYTES_MAX: usize = 16 * 1024;
/// How long to wait before accepting again when the machine has no more file descriptors.
const ACCEPT_PAUSE_MILLIS: u64 = 100;

const METRICS_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";
const JSON_TYPE: &str = "application/json";

/// Serves it until `stop`. It outlives the instance's draining, so that its state can be seen meanwhile.
pub async fn serve(listener: TcpListener, admin: Admin, stop: CancellationToken) {
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => return,
            accepted = async {
                let place = Arc::clone(&places).acquire_owned().await;
                (place, listener.accept().await)
            } => accepted,
        };
        let (place, accepted) = accepted;
        let Ok((stream, _)) = accepted else {
            tokio::time::sleep(Duration::from_millis(ACCEPT_PAUSE_MILLIS)).await;
            continue;
        };
        let (admin, stop) = (admin.clone(), stop.clone());
        tokio::spawn(async move {
            let limit = Duration::from_secs(CONNECTION_SECONDS_MAX);
            tokio::select! {
                () = stop.cancelled() => {}
                _ = tokio::time::timeout(limit, converse(stream, admin)) => {}
            }
            drop(place);
        });
    }
}

async fn converse(stream: TcpStream, admin: Admin) {
    let service = service_fn(move |request| {
        let admin = admin.clone();
        async move {
            let mut response = answer(&admin, &request).await;
            gateway::answer::forbid(response.headers_mut());
            Ok::<_, Infallible>(response)
        }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(Duration::from_secs(HEAD_SECONDS_MAX))
        .max_buf_size(HEAD_BYTES_MAX)
        .serve_connection(TokioIo::new(stream), service);
    // How it ends is the client's matter.
    drop(connection.await);
}

async fn answer(admin: &Admin, request: &Request<Incoming>) -> Response<Full<Bytes>> {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        let mut response = text(StatusCode::METHOD_NOT_ALLOWED, "This listener takes GET and HEAD.\n");
        response.headers_mut().insert(header::ALLOW, HeaderValue::from_static("GET, HEAD"));
        return response;
    }
    // No page has business here, also not one that was made to think that this is its own server.
    if request.headers().contains_key(header::ORIGIN) {
        return text(StatusCode::FORBIDDEN, "This listener isn't for pages in browsers.\n");
    }
    match request.uri().path() {
        "/livez" => text(StatusCode::OK, "ok\n"),
        "/readyz" => {
            let report = ready::check(admin).await;
            json(if report.is_ready() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE }, &report)
        }
        "/metrics" => {
            let mut response = Response::new(Full::from(metrics::collect(admin).await));
            response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(METRICS_TYPE));
            response
        }
        "/feed" => json(StatusCode::OK, &feed::report(admin)),
        _ => text(StatusCode::NOT_FOUND, "There are /livez, /readyz, /metrics and /feed here.\n"),
    }
}

fn text(status: StatusCode, body: &'static str) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::from(body));
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    response
}

fn json<T: Serialize>(status: StatusCode, value: &T) -> Response<Full<Bytes>> {
    let Ok(mut bytes) = serde_json::to_vec(value) else {
        return text(StatusCode::INTERNAL_SERVER_ERROR, "This could not be written as JSON.\n");
    };
    bytes.push(b'\n');
    let mut response = Response::new(Full::from(bytes));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(JSON_TYPE));
    response
}
