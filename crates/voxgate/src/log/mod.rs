//! Log lines on standard error, for people or as JSON.
//!
//! What is never logged: query strings, `Authorization` values, bodies. Whoever logs a request logs its path. Lines are written
//! by a thread of their own: who logs never waits, and lines that come faster than they can be written are dropped and counted.

mod filter;
mod settings;

use tracing_appender::non_blocking::{ErrorCounter, NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer as _, Registry, reload};

pub use settings::{LogFormat, LogLevel, LogSettings, LogTarget};

/// Lines that wait for being written. Those above are dropped.
const LINES_WAITING_MAX: usize = 16_384;

/// The log of this process. Dropping it writes what still waits.
#[derive(Debug)]
pub struct Logging {
    filter: reload::Handle<EnvFilter, Registry>,
    dropped: ErrorCounter,
    _writer: WorkerGuard,
}

/// How many lines were dropped so far, for whoever tells.
#[derive(Debug, Clone)]
pub struct DroppedLines(ErrorCounter);

impl DroppedLines {
    /// How many.
    pub fn count(&self) -> u64 {
        self.0.dropped_lines() as u64
    }
}

impl Logging {
    /// How many lines were dropped.
    pub fn dropped_lines(&self) -> DroppedLines {
        DroppedLines(self.dropped.clone())
    }

    /// Changes what is logged from now on. How lines look stays.
    pub fn set_levels(&self, settings: &LogSettings) {
        if let Err(error) = self.filter.reload(filter::of(settings)) {
            tracing::error!(%error, "the log's levels could not be changed");
        }
    }
}

/// Starts logging for the whole process; where something logs already, that stays.
pub fn start(settings: &LogSettings) -> Logging {
    let (writer, guard) = NonBlockingBuilder::default()
        .lossy(true)
        .buffered_lines_limit(LINES_WAITING_MAX)
        .thread_name("log")
        .finish(std::io::stderr());
    let dropped = writer.error_counter();
    let (filter, handle) = reload::Layer::new(filter::of(settings));
    let lines = tracing_subscriber::fmt::layer().with_writer(writer);
    let lines = match settings.format {
        LogFormat::People => lines.with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr())).boxed(),
        LogFormat::Json => lines.with_ansi(false).json().flatten_event(true).boxed(),
    };
    drop(tracing_subscriber::registry().with(filter).with(lines).try_init());
    Logging { filter: handle, dropped, _writer: guard }
}
