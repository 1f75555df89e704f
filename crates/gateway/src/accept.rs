//! From a listener to requests: connections, their protocols and their end.

use std::convert::Infallible;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use domain::RequestId;
use http::header::{CONNECTION, CONTENT_LENGTH, STRICT_TRANSPORT_SECURITY, UPGRADE};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, Version};
use hyper::body::{Body as _, Incoming};
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use self::enter::{Entered, enter};
use crate::answer::REQUEST_ID;
use crate::guard::{InFlight, Protocol};
use crate::limits::{HEAD_BYTES_MAX, STREAMS_PER_CONNECTION_MAX};
use crate::listener::{Accepted, Listener, Rules};
use crate::peer::Arrival;
use crate::{Body, Gateway, Other, Outcome, Site, access, dispatch, trace};

mod enter;

pub(crate) use enter::Doors;

/// How long to wait before accepting again when the machine has no more file descriptors.
const ACCEPT_PAUSE_MILLIS: u64 = 50;
/// How often an HTTP/2 client is asked whether it is still there, and how long it may take, in seconds.
const PING_SECONDS: u64 = 30;
const PONG_SECONDS_MAX: u64 = 20;
/// Streams that an HTTP/2 client may reset before they are answered.
const RESET_STREAMS_MAX: usize = 20;
/// Streams that an HTTP/2 client may have the gateway reset by its mistakes.
const MISTAKEN_STREAMS_MAX: usize = 100;
/// What an HTTP/2 client may have the gateway remember of header fields, in bytes.
const HEADER_TABLE_BYTES_MAX: u32 = 4096;
/// What an HTTP/2 client may send ahead of what is taken, per stream and per connection, in bytes.
const STREAM_WINDOW_BYTES: u32 = 256 * 1024;
const CONNECTION_WINDOW_BYTES: u32 = 1024 * 1024;
/// What is held of an answer that an HTTP/2 client doesn't take, per stream, in bytes.
const STREAM_SEND_BYTES_MAX: usize = 64 * 1024;
/// What hyper may gather of a head. The guard lets no longer one through.
const HYPER_HEAD_BYTES: usize = HEAD_BYTES_MAX * 2;

/// How long a connection that was accepted just before the end may take to its first request, in seconds: whoever has
/// connected is about to ask.
const LAST_SECONDS_MAX: u64 = 1;
/// A year, for all names below this one too.
const HSTS: HeaderValue = HeaderValue::from_static("max-age=31536000; includeSubDomains");

/// What all connections of a listener share.
struct Listening {
    gateway: Arc<Gateway>,
    rules: Rules,
    site: Site,
    other: Other,
    shutdown: CancellationToken,
    http1: http1::Builder,
    http2: http2::Builder<TokioExecutor>,
}

impl Gateway {
    /// Serves a listener until `shutdown`, then finishes what was begun, for a bounded time.
    pub async fn serve(
        self: Arc<Self>,
        listener: impl Into<Listener>,
        site: Site,
        other: Other,
        shutdown: CancellationToken,
    ) {
        let Listener { socket, rules } = listener.into();
        let connections = self.doors.connections.clone();
        let tasks = TaskTracker::new();
        let listening = Arc::new(Listening {
            gateway: self,
            rules,
            site,
            other,
            shutdown: shutdown.clone(),
            http1: http1(),
            http2: http2(),
        });
        loop {
            let accepted = tokio::select! {
                () = shutdown.cancelled() => break,
                accepted = socket.accept() => accepted,
            };
            match accepted {
                Ok(accepted) => {
                    // One over the limit waits here, and those behind it in the listener's queue. Whoever has a place is served,
                    // even if the end has begun meanwhile.
                    let permit = tokio::select! {
                        biased;
                        permit = connections.clone().acquire_owned() => permit,
                        () = shutdown.cancelled() => break,
                    };
                    let connection = converse(listening.clone(), accepted);
                    listening.gateway.workers.serve(tasks.track_future(async move {
                        connection.await;
                        drop(permit);
                    }));
                }
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(Duration::from_millis(ACCEPT_PAUSE_MILLIS)).await;
                }
            }
        }
        // From now on nobody can connect, unless systemd keeps the socket: then whoever does waits for the next process.
        drop(socket);
        tasks.close();
        tasks.wait().await;
    }
}

fn http1() -> http1::Builder {
    let mut builder = http1::Builder::new();
    // The guard keeps the times; a timer of hyper's would be made anew for each request.
    builder.header_read_timeout(None).max_buf_size(HYPER_HEAD_BYTES).writev(false).half_close(false);
    builder
}

fn http2() -> http2::Builder<TokioExecutor> {
    let mut builder = http2::Builder::new(TokioExecutor::new());
    builder
        .timer(TokioTimer::new())
        .max_concurrent_streams(STREAMS_PER_CONNECTION_MAX)
        .max_header_list_size(u32::try_from(HEAD_BYTES_MAX).unwrap_or(u32::MAX))
        .max_pending_accept_reset_streams(RESET_STREAMS_MAX)
        .max_local_error_reset_streams(MISTAKEN_STREAMS_MAX)
        .header_table_size(HEADER_TABLE_BYTES_MAX)
        .initial_stream_window_size(STREAM_WINDOW_BYTES)
        .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
        .max_send_buf_size(STREAM_SEND_BYTES_MAX)
        .keep_alive_interval(Duration::from_secs(PING_SECONDS))
        .keep_alive_timeout(Duration::from_secs(PONG_SECONDS_MAX));
    builder
}

/// One connection, from its first byte to its last.
async fn converse(listening: Arc<Listening>, accepted: Accepted) {
    let shutdown = listening.shutdown.child_token();
    let _open = Open::begin(&listening.gateway);
    let entering = Box::pin(enter(&listening.gateway, &listening.rules, accepted));
    let entered = match before_the_end(&shutdown, entering).await {
        Some(Ok(entered)) => entered,
        Some(Err(error)) => {
            tracing::debug!(%error, "a connection didn't come in");
            return;
        }
        None => return,
    };
    let Entered { io, protocol, arrival, by_proxy, present: _present } = entered;
    let in_flight = io.in_flight();
    let io = TokioIo::new(io);
    let service = service_fn(|request| {
        let listening = listening.clone();
        let in_flight = in_flight.clone();
        async move { Ok::<_, Infallible>(answer(&listening, request, arrival, by_proxy, &in_flight).await) }
    });
    match protocol {
        Protocol::Http1 => {
            let mut connection = pin!(listening.http1.serve_connection(io, service).with_upgrades());
            let ended = tokio::select! {
                biased;
                _ = connection.as_mut() => true,
                () = shutdown.cancelled() => false,
            };
            if !ended {
                connection.as_mut().graceful_shutdown();
                drain(&listening, connection).await;
            }
        }
        Protocol::Http2 => {
            let mut connection = pin!(listening.http2.serve_connection(io, service));
            let ended = tokio::select! {
                biased;
                _ = connection.as_mut() => true,
                () = shutdown.cancelled() => false,
            };
            if !ended {
                connection.as_mut().graceful_shutdown();
                drain(&listening, connection).await;
            }
        }
    }
}

/// The answer to a HEAD. Over HTTP/1.1 hyper leaves the body out by itself; over HTTP/2 it would send it.
fn without_body(mut response: Response<Body>) -> Response<Body> {
    if let Some(length) = response.body().size_hint().exact() {
        response.headers_mut().entry(CONTENT_LENGTH).or_insert(length.into());
    }
    response.map(|_| Body::empty())
}

/// Waits for something that is given little time once the end has begun.
async fn before_the_end<F: Future + Unpin>(shutdown: &CancellationToken, mut work: F) -> Option<F::Output> {
    tokio::select! {
        biased;
        output = &mut work => Some(output),
        () = shutdown.cancelled() => {
            tokio::time::timeout(Duration::from_secs(LAST_SECONDS_MAX), work).await.ok()
        }
    }
}

/// A client's connection, counted until it is dropped.
struct Open<'a>(&'a Gateway);

impl<'a> Open<'a> {
    fn begin(gateway: &'a Gateway) -> Self {
        gateway.metrics.connection_opened();
        Self(gateway)
    }
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        self.0.metrics.connection_closed();
    }
}

/// Lets a connection finish what it has begun. How it ends is the client's matter.
async fn drain<F: Future>(listening: &Listening, connection: F) {
    let limit = Duration::from_secs(listening.gateway.config.limits.drain_seconds_max);
    drop(tokio::time::timeout(limit, connection).await);
}

async fn answer(
    listening: &Listening,
    mut request: Request<Incoming>,
    mut arrival: Arrival,
    by_proxy: bool,
    in_flight: &InFlight,
) -> Response<Body> {
    let _flight = in_flight.begin();
    if by_proxy {
        arrival = listening.rules.trusted_proxies.arrival(arrival, request.headers());
    }
    let http1 = request.version() < Version::HTTP_2;
    let tunnel = http1 && request.headers().contains_key(UPGRADE);
    let is_head = request.method() == Method::HEAD;
    let carries_body = http1 && !request.body().is_end_stream();
    let begun = Instant::now();
    let entry = access::is_on().then(|| access::Entry::begin(&request, arrival.client.ip(), begun));
    let gateway = &listening.gateway;
    let tracing = gateway.config.tracing.as_ref();
    let mut outcome = Outcome {
        request_id: by_proxy.then(|| given_id(request.headers())).flatten(),
        trace: trace::begin(tracing, request.headers_mut(), by_proxy, begun, gateway.rng.as_ref()),
        ..Outcome::default()
    };
    let mut response =
        dispatch::dispatch(gateway, request, arrival, &listening.site, &listening.other, &mut outcome).await;
    // What came after a request for a WebSocket was never looked at: nothing of it may be taken for a request. And where
    // a body may be left unread, hyper closes the connection: a client that isn't told sends its next request into it.
    let status = response.status();
    let closes = (tunnel && status != StatusCode::SWITCHING_PROTOCOLS)
        || (carries_body && (status.is_client_error() || status.is_server_error()))
        || (http1 && status == StatusCode::URI_TOO_LONG);
    if closes {
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    if is_head && !http1 {
        response = without_body(response);
    }
    if !http1 {
        // Over HTTP/1 the connection itself sees to that.
        let stall = Duration::from_secs(gateway.config.limits.stall_seconds_max);
        response = response.map(|body| body.watched(stall));
    }
    if listening.rules.is_tls_spoken() {
        response.headers_mut().insert(STRICT_TRANSPORT_SECURITY, HSTS);
    }
    gateway.metrics.request(&outcome, status.as_u16(), begun.elapsed());
    if let Some((tracing, draft)) = tracing.zip(outcome.trace.take()) {
        tracing.sink.take(draft.finish(&outcome, status.as_u16()));
    }
    match entry {
        Some(entry) => entry.end(response, outcome),
        None => response,
    }
}

/// The id that a trusted proxy gave the request, if it has a form that is kept.
fn given_id(headers: &HeaderMap) -> Option<RequestId> {
    let value = headers.get("x-request-id").or_else(|| headers.get(REQUEST_ID))?;
    RequestId::parse(value.to_str().ok()?)
}
