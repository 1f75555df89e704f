//! `voxgate dev`.

use std::path::PathBuf;

use clap::Args;
use sql::DbPlace;

use super::{Failure, environment, output};
use crate::dev::{self, DevOptions};
use crate::log::{self, LogSettings};
use crate::process;
use crate::signal::Ending;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  voxgate dev
  voxgate dev --data-dir ./try                   the same account, keys and jobs at each start
  voxgate dev --recognizer 'recognize {wav}'     real words instead of placeholders
  voxgate dev --upstream-batch http://127.0.0.1:18000 --upstream-realtime ws://127.0.0.1:9000")]
pub(super) struct DevArgs {
    /// The port that routes by path; 0 picks free ports
    #[arg(long, value_name = "P", default_value_t = 8080)]
    pub(super) port: u16,
    /// Where to keep everything; without it, a temporary folder that is removed at the end
    #[arg(long, value_name = "DIR")]
    pub(super) data_dir: Option<PathBuf>,
    /// Print one line of JSON when ready, and nothing else on standard output
    #[arg(long)]
    pub(super) json: bool,
    /// A command that prints what a WAV file says; {wav} stands for the file
    #[arg(long, value_name = "CMD")]
    pub(super) recognizer: Option<String>,
    /// From which importance on something is logged: error, warn, info (each request), debug.
    #[arg(long, value_name = "LEVEL", default_value = "info")]
    pub(super) log_level: crate::log::LogLevel,
    /// A real engine for the Jobs API, in place of the sandbox
    #[arg(long, value_name = "URL")]
    pub(super) upstream_batch: Option<String>,
    /// A real engine for realtime, in place of the sandbox
    #[arg(long, value_name = "URL")]
    pub(super) upstream_realtime: Option<String>,
    /// The environment variable that holds the URL of a PostgreSQL for everything, with a schema ledger_… for each region
    #[arg(long, value_name = "NAME", hide = true)]
    pub(super) database_env: Option<String>,
    /// Threads that serve connections; one per processor if left out
    #[arg(long, value_name = "N", hide = true)]
    pub(super) worker_threads: Option<usize>,
    /// The shortest temporary key, for tests that wait until one expires
    #[arg(long, value_name = "SECONDS", hide = true, value_parser = clap::value_parser!(u32).range(1..=60))]
    pub(super) ttl_min_seconds: Option<u32>,
    /// How long a session may be silent, for tests that wait until one is ended for it
    #[arg(long, value_name = "SECONDS", hide = true, value_parser = clap::value_parser!(u32).range(1..=180))]
    pub(super) idle_seconds_max: Option<u32>,
}

fn database(variable: &str) -> Result<DbPlace, Failure> {
    let url = environment(variable).ok_or_else(|| {
        Failure(format!("the environment variable {variable} isn't set: expected a database URL"))
    })?;
    DbPlace::parse(&url)
        .map_err(|error| Failure(format!("the database URL in {variable} can't be used: {error}")))
}

pub(super) async fn run(arguments: DevArgs) -> Result<(), Failure> {
    let logging = log::start(&LogSettings { level: arguments.log_level, ..LogSettings::default() });
    process::forbid_core_dumps().map_err(|error| Failure::from_error(&error))?;
    process::raise_files_max();
    let mut ending = Ending::listen().map_err(|error| Failure::from_error(&error))?;
    let options = DevOptions {
        port: arguments.port,
        database: arguments.database_env.as_deref().map(database).transpose()?,
        data_dir: arguments.data_dir,
        recognizer: arguments.recognizer,
        upstream_batch: arguments.upstream_batch,
        upstream_realtime: arguments.upstream_realtime,
        ttl_min_seconds: arguments.ttl_min_seconds,
        idle_seconds_max: arguments.idle_seconds_max,
        worker_threads: arguments.worker_threads,
        dropped_lines: Some(logging.dropped_lines()),
        ..DevOptions::default()
    };
    let running = dev::start(&options).await.map_err(|error| Failure::from_error(&error))?;
    if arguments.json {
        output::say(&running.report().to_line());
    } else {
        output::say(dev::people(&running).map_err(|error| Failure::from_error(&error))?.trim_end());
    }
    let shutdown = running.instance().shutdown_token().clone();
    tokio::select! {
        () = ending.asked() => {}
        // By voxgate drain.
        () = shutdown.cancelled() => {}
    }
    ending.now_at_once();
    running.shutdown().await;
    Ok(())
}
