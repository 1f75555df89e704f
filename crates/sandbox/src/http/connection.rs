//! One connection: requests, and perhaps a realtime session at its end.

use super::router;
use crate::engine::Sandbox;
use crate::limits::HEAD_SECONDS_MAX;
use crate::realtime;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::{TokioIo, TokioTimer};
use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;

/// What a request left behind for its connection: the session that is to follow.
#[derive(Debug, Default)]
pub(crate) struct Door {
    opened: Mutex<Option<OnUpgrade>>,
}

impl Door {
    pub(crate) fn open(&self, upgrade: OnUpgrade) {
        *self.opened.lock().unwrap_or_else(PoisonError::into_inner) = Some(upgrade);
    }

    fn take(&self) -> Option<OnUpgrade> {
        self.opened.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// Serves a connection until it ends; at shutdown its request is finished, its session told.
pub(crate) async fn serve(sandbox: Arc<Sandbox>, stream: TcpStream, shutdown: CancellationToken) {
    let door = Arc::new(Door::default());
    let service = {
        let (sandbox, door) = (Arc::clone(&sandbox), Arc::clone(&door));
        service_fn(move |request| {
            let answer = router::answer(Arc::clone(&sandbox), Arc::clone(&door), request);
            async { Ok::<_, Infallible>(answer.await) }
        })
    };
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(Duration::from_secs(HEAD_SECONDS_MAX))
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    let mut connection = std::pin::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = shutdown.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection broke off");
        return;
    }
    let Some(upgrade) = door.take() else { return };
    match upgrade.await {
        Ok(upgraded) => realtime::run(sandbox, TokioIo::new(upgraded), shutdown).await,
        Err(error) => tracing::debug!(%error, "a realtime session did not come about"),
    }
}
