//! From a listener to requests: connections, their protocols and their end.

use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use http::header::{CONNECTION, UPGRADE};
use http::{HeaderValue, Method, Request, Response, StatusCode, Version};
use hyper::body::{Body as _, Incoming};
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::answer::REQUEST_ID;
use crate::guard::{ClientIo, InFlight, Protocol};
use crate::limits::{HEAD_BYTES_MAX, STREAMS_PER_CONNECTION_MAX};
use crate::{Body, Gateway, Other, Site, dispatch};

/// How long to wait before accepting again when the machine has no more file descriptors.
const ACCEPT_PAUSE_MILLIS: u64 = 50;
/// How often an HTTP/2 client is asked whether it is still there, and how long it may take, in seconds.
const PING_SECONDS: u64 = 30;
const PONG_SECONDS_MAX: u64 = 20;
/// Streams that an HTTP/2 client may reset before they are answered.
const RESET_STREAMS_MAX: usize = 20;
/// What an HTTP/2 client may send ahead of what is taken, per stream and per connection, in bytes.
const STREAM_WINDOW_BYTES: u32 = 256 * 1024;
const CONNECTION_WINDOW_BYTES: u32 = 1024 * 1024;
/// What is held of an answer that an HTTP/2 client doesn't take, per stream, in bytes.
const STREAM_SEND_BYTES_MAX: usize = 64 * 1024;
/// What hyper may gather of a head. The guard lets no longer one through.
const HYPER_HEAD_BYTES: usize = HEAD_BYTES_MAX * 2;

/// What all connections of a listener share.
struct Listening {
    gateway: Arc<Gateway>,
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
        listener: TcpListener,
        site: Site,
        other: Other,
        shutdown: CancellationToken,
    ) {
        let connections = Arc::new(Semaphore::new(self.config.limits.connections_max));
        let tasks = TaskTracker::new();
        let listening = Arc::new(Listening {
            gateway: self,
            site,
            other,
            shutdown: shutdown.clone(),
            http1: http1(),
            http2: http2(),
        });
        loop {
            // A connection over the limit waits in the listener's queue.
            let accepted = tokio::select! {
                () = shutdown.cancelled() => break,
                accepted = async {
                    let permit = connections.clone().acquire_owned().await;
                    (permit, listener.accept().await)
                } => accepted,
            };
            let (permit, accepted) = accepted;
            match accepted {
                Ok((stream, peer)) => {
                    let Ok(stream) = stream.into_std() else { continue };
                    let connection = converse(listening.clone(), stream, peer);
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
        drop(listener);
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
        .initial_stream_window_size(STREAM_WINDOW_BYTES)
        .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
        .max_send_buf_size(STREAM_SEND_BYTES_MAX)
        .keep_alive_interval(Duration::from_secs(PING_SECONDS))
        .keep_alive_timeout(Duration::from_secs(PONG_SECONDS_MAX));
    builder
}

/// One connection, from its first byte to its last.
async fn converse(listening: Arc<Listening>, stream: std::net::TcpStream, peer: SocketAddr) {
    // Only here, on the thread that serves it, does a socket join a runtime.
    let Ok(stream) = TcpStream::from_std(stream) else { return };
    if stream.set_nodelay(true).is_err() {
        return;
    }
    let shutdown = listening.shutdown.child_token();
    let mut io = ClientIo::new(stream);
    let protocol = tokio::select! {
        () = shutdown.cancelled() => return,
        protocol = io.detect() => protocol,
    };
    let Ok(protocol) = protocol else { return };
    let in_flight = io.in_flight();
    let io = TokioIo::new(io);
    let service = service_fn(|request| {
        let listening = listening.clone();
        let in_flight = in_flight.clone();
        async move { Ok::<_, Infallible>(answer(&listening, request, peer, &in_flight).await) }
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

/// Lets a connection finish what it has begun. How it ends is the client's matter.
async fn drain<F: Future>(listening: &Listening, connection: F) {
    let limit = Duration::from_secs(listening.gateway.config.limits.drain_seconds_max);
    drop(tokio::time::timeout(limit, connection).await);
}

async fn answer(
    listening: &Listening,
    request: Request<Incoming>,
    peer: SocketAddr,
    in_flight: &InFlight,
) -> Response<Body> {
    let _flight = in_flight.begin();
    let http1 = request.version() < Version::HTTP_2;
    let tunnel = http1 && request.headers().contains_key(UPGRADE);
    let carries_body = http1 && !request.body().is_end_stream();
    let entry = AccessEntry::begin(&request);
    let mut response =
        dispatch::dispatch(&listening.gateway, request, peer, &listening.site, &listening.other).await;
    // What came after a request for a WebSocket was never looked at: nothing of it may be taken for a request. And where
    // a body may be left unread, hyper closes the connection: a client that isn't told sends its next request into it.
    let status = response.status();
    let closes = (tunnel && status != StatusCode::SWITCHING_PROTOCOLS)
        || (carries_body && (status.is_client_error() || status.is_server_error()))
        || (http1 && status == StatusCode::URI_TOO_LONG);
    if closes {
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    if let Some(entry) = entry {
        entry.end(&response);
    }
    response
}

/// What the access log says of a request. Only the path: queries carry secrets.
struct AccessEntry {
    begun: Instant,
    method: Method,
    path: String,
}

impl AccessEntry {
    /// Notes the request, if somebody wants to read of it.
    fn begin(request: &Request<Incoming>) -> Option<Self> {
        tracing::enabled!(target: "access", tracing::Level::INFO).then(|| Self {
            begun: Instant::now(),
            method: request.method().clone(),
            path: request.uri().path().to_owned(),
        })
    }

    fn end(self, response: &Response<Body>) {
        let id = response.headers().get(REQUEST_ID).and_then(|id| id.to_str().ok()).unwrap_or("-");
        let micros = u64::try_from(self.begun.elapsed().as_micros()).unwrap_or(u64::MAX);
        let (method, path, status) = (self.method, self.path, response.status().as_u16());
        tracing::info!(target: "access", %method, path, status, micros, request_id = id, "request");
    }
}
