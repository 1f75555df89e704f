//! The order in which things are looked at.

use std::path::PathBuf;

use control::ControlConfig;
use domain::Clock;

use super::{Report, certificates, clock, database, engines, files, keys, listeners, server, system};
use crate::config::Settings;
use crate::remote::{HttpClient, HttpError, ServerUrl};
use crate::serve::Environment;

/// What is examined.
#[derive(Debug)]
pub struct Deployment {
    /// How the control plane is opened; names the data folder.
    pub control: ControlConfig,
    /// The configuration, where there is one.
    pub settings: Option<Settings>,
    /// Its file.
    pub config_file: Option<PathBuf>,
    /// The address at which clients reach it.
    pub server: Option<ServerUrl>,
    /// Certificate authorities to trust beside the machine's.
    pub ca_file: Option<PathBuf>,
}

/// Looks at everything.
///
/// # Errors
/// When the file of certificate authorities can't be used.
pub async fn examine(
    deployment: &Deployment,
    clock: &dyn Clock,
    environment: Environment<'_>,
) -> Result<Report, HttpError> {
    let http = HttpClient::new(deployment.ca_file.as_deref())?;
    let mut report = Report::default();
    files::look(&mut report, deployment);
    let running = server::look(&mut report, deployment).await;
    system::look(&mut report, deployment, running.as_ref());
    if let Some(store) = database::look(&mut report, deployment).await {
        clock::against_database(&mut report, &store, clock).await;
        keys::look(&mut report, &store, deployment.control.signing_key_days_max, clock.now()).await;
        drop(store.close().await);
    }
    if let Some(settings) = &deployment.settings {
        certificates::look(&mut report, settings, clock.now());
        listeners::look(&mut report, settings, running.is_some()).await;
        engines::look(&mut report, settings, clock, environment).await;
    }
    if let Some(address) = &deployment.server {
        server::look_from_outside(&mut report, &http, address, clock).await;
    }
    Ok(report)
}
