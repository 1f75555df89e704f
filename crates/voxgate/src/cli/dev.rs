//! `voxgate dev`.

use std::path::PathBuf;

use clap::Args;

use super::{Failure, output};
use crate::dev::{self, DevOptions};
use crate::log::{self, LogSettings};
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
    /// Threads that serve connections; one per processor if left out
    #[arg(long, value_name = "N", hide = true)]
    pub(super) worker_threads: Option<usize>,
    /// The shortest temporary key, for tests that wait until one expires
    #[arg(long, value_name = "SECONDS", hide = true, value_parser = clap::value_parser!(u32).range(1..=60))]
    pub(super) ttl_min_seconds: Option<u32>,
}

pub(super) async fn run(arguments: DevArgs) -> Result<(), Failure> {
    log::start(LogSettings { level: arguments.log_level, ..LogSettings::default() });
    let ending = Ending::listen().map_err(|error| Failure::from_error(&error))?;
    let options = DevOptions {
        port: arguments.port,
        data_dir: arguments.data_dir,
        recognizer: arguments.recognizer,
        upstream_batch: arguments.upstream_batch,
        upstream_realtime: arguments.upstream_realtime,
        ttl_min_seconds: arguments.ttl_min_seconds,
        worker_threads: arguments.worker_threads,
        ..DevOptions::default()
    };
    let running = dev::start(&options).await.map_err(|error| Failure::from_error(&error))?;
    if arguments.json {
        output::say(&running.report().to_line());
    } else {
        output::say(dev::people(&running).map_err(|error| Failure::from_error(&error))?.trim_end());
    }
    ending.asked().await;
    running.shutdown().await;
    Ok(())
}
