//! Being asked to end, or to read files again.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};

/// The exit code that shells give a process which a signal ended.
pub(crate) const ENDED_BY_SIGNAL: i32 = 130;

/// Listens for SIGHUP.
#[derive(Debug)]
pub struct Reload(Signal);

impl Reload {
    /// Listens from now on.
    ///
    /// # Errors
    /// When the system can't tell of signals.
    pub fn listen() -> io::Result<Self> {
        Ok(Self(signal(SignalKind::hangup())?))
    }

    /// Waits until the process is asked to read its files again.
    pub async fn asked(&mut self) {
        if self.0.recv().await.is_none() {
            std::future::pending().await
        }
    }
}

/// Listens for SIGTERM and SIGINT.
#[derive(Debug)]
pub struct Ending {
    terminate: Signal,
    interrupt: Signal,
}

impl Ending {
    /// Listens from now on: a signal that comes before [`Ending::asked`] isn't lost.
    ///
    /// # Errors
    /// When the system can't tell of signals.
    pub fn listen() -> io::Result<Self> {
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    /// Waits until the process is asked to end.
    pub async fn asked(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }

    /// From now on a signal ends the process at once: it ends already, and somebody is out of patience.
    pub fn now_at_once(mut self) {
        tokio::spawn(async move {
            self.asked().await;
            std::process::exit(ENDED_BY_SIGNAL);
        });
    }
}
