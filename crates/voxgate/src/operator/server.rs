//! The socket of a running server: HTTP/1 with JSON, for its owner alone.

use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use axum::extract::{DefaultBodyLimit, State};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use http::StatusCode;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use serde_json::json;
use tokio::net::UnixListener;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::{Call, Operator};

/// The socket's name in the data folder.
pub(super) const SOCKET_FILE: &str = "operator.sock";
/// The one path.
pub(super) const CALL_PATH: &str = "/call";
/// A call, in bytes: a batch of an import is the largest.
const CALL_BYTES_MAX: usize = 32 * 1024 * 1024;
/// Calls under way at once; others wait in the socket's queue.
const CONNECTIONS_MAX: usize = 64;
/// A Unix socket's path, in bytes: the system takes no longer one.
const SOCKET_PATH_BYTES_MAX: usize = 107;

/// Why the socket can't be made.
#[derive(Debug, thiserror::Error)]
pub enum SocketError {
    /// The path is too long for the system.
    #[error(
        "the data folder's path is too long for the operator's socket {0}: choose one with a shorter path"
    )]
    PathTooLong(PathBuf),
    /// The system refuses.
    #[error("the operator's socket {path} can't be made: {source}")]
    Io {
        /// Which path.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

/// Makes the socket; the caller holds the folder's lock, so a socket that is there is a dead server's.
///
/// # Errors
/// See [`SocketError`].
pub fn listen(data_dir: &Path) -> Result<UnixListener, SocketError> {
    let path = data_dir.join(SOCKET_FILE);
    if path.as_os_str().len() > SOCKET_PATH_BYTES_MAX {
        return Err(SocketError::PathTooLong(path));
    }
    bind(&path).map_err(|source| SocketError::Io { path, source })
}

fn bind(path: &Path) -> io::Result<UnixListener> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    let listener = UnixListener::bind(path)?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))?;
    Ok(listener)
}

/// Answers calls until the end.
pub async fn serve(listener: UnixListener, operator: Operator, shutdown: CancellationToken) {
    let path = listener.local_addr().ok().and_then(|address| address.as_pathname().map(Path::to_owned));
    let router = Router::new()
        .route(CALL_PATH, post(call))
        .layer(DefaultBodyLimit::max(CALL_BYTES_MAX))
        .with_state(operator);
    let mut connections = JoinSet::new();
    loop {
        while connections.len() >= CONNECTIONS_MAX && connections.join_next().await.is_some() {}
        let accepted = tokio::select! {
            () = shutdown.cancelled() => break,
            accepted = listener.accept() => accepted,
        };
        let stream = match accepted {
            Ok((stream, _)) => stream,
            Err(error) => {
                tracing::warn!(%error, "the operator's socket could not accept");
                continue;
            }
        };
        let service = TowerToHyperService::new(router.clone());
        let shutdown = shutdown.clone();
        connections.spawn(async move {
            let connection =
                hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service);
            tokio::pin!(connection);
            tokio::select! {
                _ = connection.as_mut() => {}
                () = shutdown.cancelled() => {
                    connection.as_mut().graceful_shutdown();
                    drop(connection.await);
                }
            }
        });
        while connections.try_join_next().is_some() {}
    }
    while connections.join_next().await.is_some() {}
    if let Some(path) = path {
        drop(std::fs::remove_file(path));
    }
}

async fn call(State(operator): State<Operator>, Json(call): Json<Call>) -> Response {
    match operator.execute(call).await {
        Ok(value) => Json(json!({ "ok": value })).into_response(),
        Err(error) => (StatusCode::UNPROCESSABLE_ENTITY, Json(json!({ "error": error.0 }))).into_response(),
    }
}
