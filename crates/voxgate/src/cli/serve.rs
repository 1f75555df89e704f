//! `voxgate serve`.

use std::path::Path;

use super::{Failure, environment, instance};
use crate::signal::Ending;
use crate::{log, serve};

pub(super) async fn run(config: &Path) -> Result<(), Failure> {
    let loaded = instance::loaded(config)?;
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
