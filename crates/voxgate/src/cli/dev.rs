//! `voxgate dev`.

use super::args::DevArgs;
use super::{Failure, output};
use crate::dev::{self, DevOptions};
use crate::log::{self, LogSettings};
use crate::signal::Ending;

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
