//! `voxgate serve`.

use std::path::PathBuf;

use clap::Args;

use super::{Failure, environment, instance};
use crate::signal::Ending;
use crate::{log, serve};

#[derive(Debug, Args)]
pub(super) struct ServeArgs {
    /// The configuration file; voxgate config example prints one
    #[arg(long, value_name = "FILE")]
    pub(super) config: PathBuf,
}

pub(super) async fn run(arguments: ServeArgs) -> Result<(), Failure> {
    let loaded = instance::loaded(&arguments.config)?;
    log::start(loaded.settings.log);
    for note in loaded.notes {
        tracing::warn!("{note}");
    }
    let ending = Ending::listen().map_err(|error| Failure::from_error(&error))?;
    let running =
        serve::start(&loaded.settings, &environment).await.map_err(|error| Failure::from_error(&error))?;
    tracing::info!(data_dir = %loaded.settings.data_dir.display(), "voxgate is ready");
    ending.asked().await;
    tracing::info!("asked to end: finishing what is under way");
    running.shutdown().await;
    Ok(())
}
