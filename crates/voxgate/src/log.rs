//! Log lines on standard error, for people or as JSON.
//!
//! What is never logged: query strings, `Authorization` values, bodies. Whoever logs a request logs its path.

use domain::named_enum;
use tracing_subscriber::EnvFilter;

named_enum! {
    /// How log lines look.
    LogFormat {
        /// For people.
        People = "people",
        /// One JSON object per line.
        Json = "json",
    }
}

named_enum! {
    /// From which importance on something is logged.
    LogLevel {
        /// Only what needs somebody's attention.
        Error = "error",
        /// And what may need it.
        Warn = "warn",
        /// And each request and change.
        Info = "info",
        /// And what helps to find mistakes.
        Debug = "debug",
    }
}

/// How this process logs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogSettings {
    /// How lines look.
    pub format: LogFormat,
    /// What is logged.
    pub level: LogLevel,
}

impl Default for LogSettings {
    fn default() -> Self {
        Self { format: LogFormat::People, level: LogLevel::Info }
    }
}

/// Starts logging for the whole process; a second call changes nothing.
pub fn start(settings: LogSettings) {
    // Libraries below log statements and heads at finer levels: they stay at warnings whatever is asked for.
    let level = settings.level;
    let filter = format!(
        "warn,voxgate={level},gateway={level},control={level},management={level},portal={level},ledger={level},\
         storage={level},sql={level},sandbox={level},access={level}"
    );
    let builder = tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new(filter))
        .with_writer(std::io::stderr)
        .with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr()));
    let started = match settings.format {
        LogFormat::People => builder.try_init(),
        LogFormat::Json => builder.json().flatten_event(true).try_init(),
    };
    drop(started);
}
