//! The realtime protocol over a WebSocket.

mod client;
mod clip;
mod error;
mod server;
mod session;
mod settings;
mod track;
mod wire;

use crate::engine::Sandbox;
use error::Stop;
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_util::sync::CancellationToken;
use wire::Wire;

/// Runs one session from its first message to its close.
pub(crate) async fn run<S>(sandbox: Arc<Sandbox>, stream: S, shutdown: CancellationToken)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut wire = Wire::new(stream).await;
    let ended = tokio::select! {
        ended = session::run(&sandbox, &mut wire) => ended,
        () = shutdown.cancelled() => Err(Stop::Shutdown),
    };
    tracing::debug!(engine = sandbox.engine_name, ?ended, "a realtime session ended");
    match ended {
        Ok(()) => wire.close(1000, "").await,
        Err(Stop::Refused(error)) => {
            if wire.send(&server::error(&error)).await.is_ok() {
                wire.close(error.kind.close_code(), error.kind.as_str()).await;
            }
        }
        Err(Stop::Shutdown) => {
            if wire.send(&server::error(&error::shutdown())).await.is_ok() {
                wire.close(1001, "").await;
            }
        }
        Err(Stop::Gone) => (),
    }
}
