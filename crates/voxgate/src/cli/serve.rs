//! `voxgate serve`.

use std::path::{Path, PathBuf};

use clap::Args;
use domain::EmailLinkPurpose;

use super::{Failure, environment, instance, output};
use crate::config::Settings;
use crate::log::{self, Logging};
use crate::signal::{Ending, Reload};
use crate::wire::Instance;
use crate::{process, serve, systemd};

#[derive(Debug, Args)]
pub(super) struct ServeArgs {
    /// The configuration file; voxgate config example prints one
    #[arg(long, value_name = "FILE")]
    pub(super) config: PathBuf,
}

pub(super) async fn run(arguments: ServeArgs) -> Result<(), Failure> {
    let loaded = instance::loaded(&arguments.config)?;
    let logging = log::start(&loaded.settings.log);
    process::forbid_core_dumps().map_err(|error| {
        Failure(format!("core dumps can't be forbidden, and one would hold every key in plain: {error}"))
    })?;
    let granted = process::raise_files_max();
    tracing::info!(files_max = granted.files_max, "so many files and connections may be open");
    for note in loaded.notes {
        tracing::warn!("{note}");
    }
    let mut ending = Ending::listen().map_err(|error| Failure::from_error(&error))?;
    let mut reload = Reload::listen().map_err(|error| Failure::from_error(&error))?;
    let running = serve::start_logging(&loaded.settings, &environment, Some(logging.dropped_lines()))
        .await
        .map_err(|error| Failure::from_error(&error))?;
    tracing::info!(data_dir = %loaded.settings.data_dir.display(), "voxgate is ready");
    offer_set_up(&loaded.settings, &running).await?;
    let shutdown = running.shutdown_token().clone();
    systemd::ready();
    tokio::spawn(systemd::watchdog(std::sync::Arc::clone(running.gateway()), shutdown.clone()));
    loop {
        tokio::select! {
            () = ending.asked() => break,
            // By voxgate drain.
            () = shutdown.cancelled() => break,
            () = reload.asked() => read_again(&arguments.config, &logging, &running),
        }
    }
    ending.now_at_once();
    systemd::stopping();
    tracing::info!("asked to end: finishing what is under way");
    running.shutdown().await;
    tracing::info!("ended");
    Ok(())
}

/// Whoever starts an instance without any account gets a link to make the first one. There is no default password.
async fn offer_set_up(settings: &Settings, running: &Instance) -> Result<(), Failure> {
    let link = running.control().first_set_up_link().await.map_err(|error| Failure::from_error(&error))?;
    let Some(secret) = link else { return Ok(()) };
    output::say(
        "This instance has no account yet. Open this link to make the first one, an operator's; it works once, for a day:",
    );
    let path = EmailLinkPurpose::FirstOperator.link_path(secret.expose());
    output::say(&serve::portal_address(settings, &path));
    Ok(())
}

/// Reads certificates and the log's levels again; all else needs a restart. A file with mistakes changes nothing.
fn read_again(config: &Path, logging: &Logging, running: &Instance) {
    systemd::reloading();
    running.reload_certificates();
    match instance::loaded(config) {
        Ok(loaded) => {
            logging.set_levels(&loaded.settings.log);
            tracing::info!("certificates and the log's levels were read again");
        }
        Err(Failure(why)) => tracing::error!("the log's levels stay as they were: {why}"),
    }
    systemd::ready();
}
