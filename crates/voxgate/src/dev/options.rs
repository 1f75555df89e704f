//! What `voxgate dev` can be told.

use std::path::PathBuf;
use std::sync::Arc;

use domain::{Clock, Plan, PlanLimits, SystemClock};
use sql::DbPlace;

use crate::log::DroppedLines;

/// The port where people look first.
pub(super) const PORT: u16 = 8080;

/// What `voxgate dev` is told.
#[derive(Debug, Clone)]
pub struct DevOptions {
    /// The port that routes by path; 0 picks free ports for everything.
    pub port: u16,
    /// Where everything is kept; without one, a temporary folder that is removed at the end.
    pub data_dir: Option<PathBuf>,
    /// A PostgreSQL for everything in place of files, for tests: with a schema for the ledger of each region, as in
    /// `ledger_eu1`.
    pub database: Option<DbPlace>,
    /// A command that prints what a WAV file says.
    pub recognizer: Option<String>,
    /// A real engine for the Jobs API.
    pub upstream_batch: Option<String>,
    /// A real engine for realtime.
    pub upstream_realtime: Option<String>,
    /// The shortest temporary key, for tests that wait until one expires.
    pub ttl_min_seconds: Option<u32>,
    /// How long a session may be silent, for tests that wait until one is ended for it.
    pub idle_seconds_max: Option<u32>,
    /// Threads that serve connections; one per processor without a number.
    pub worker_threads: Option<usize>,
    /// The limits of the ready workspace.
    pub limits: PlanLimits,
    /// Log lines that were dropped, where this process writes a log.
    pub dropped_lines: Option<DroppedLines>,
    /// Tells the time; tests move it.
    pub clock: Arc<dyn Clock>,
}

/// Limits for trying: nobody's loop should meet a rate limit that it doesn't test.
pub(super) fn generous(plan: Plan) -> PlanLimits {
    PlanLimits {
        creates_per_second_max: 100_000,
        reads_per_second_max: 100_000,
        mints_per_second_max: 100_000,
        ..plan.default_limits()
    }
}

impl Default for DevOptions {
    fn default() -> Self {
        Self {
            port: PORT,
            data_dir: None,
            database: None,
            recognizer: None,
            upstream_batch: None,
            upstream_realtime: None,
            ttl_min_seconds: None,
            idle_seconds_max: None,
            worker_threads: None,
            limits: generous(Plan::Enterprise),
            dropped_lines: None,
            clock: Arc::new(SystemClock),
        }
    }
}
