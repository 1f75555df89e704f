//! The sandbox engines of a dev instance: one per region, each with its own folder and its own loopback port.

use std::path::Path;

use domain::Region;
use gateway::Upstream;
use gateway::config::InvalidUpstream;
use sandbox::{Sandbox, SandboxConfig};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::{DevError, DevOptions};
use crate::folder::make_private;
use crate::wire::bind;

/// Where the engines of one region are.
#[derive(Debug, Clone)]
pub(super) struct Engine {
    pub(super) region: Region,
    pub(super) batch: Upstream,
    pub(super) realtime: Upstream,
}

/// The engines that run in this process.
#[derive(Debug, Default)]
pub(super) struct Engines {
    tasks: JoinSet<()>,
    stop: CancellationToken,
}

impl Engines {
    /// Starts a sandbox for each region, unless real engines take its whole place.
    pub(super) async fn start(
        &mut self,
        options: &DevOptions,
        data_dir: &Path,
    ) -> Result<Vec<Engine>, DevError> {
        let batch =
            options.upstream_batch.as_deref().map(|url| upstream("--upstream-batch", url)).transpose()?;
        let realtime = options
            .upstream_realtime
            .as_deref()
            .map(|url| upstream("--upstream-realtime", url))
            .transpose()?;
        let mut engines = Vec::new();
        for region in Region::ALL.iter().copied() {
            if let (Some(batch), Some(realtime)) = (&batch, &realtime) {
                engines.push(Engine { region, batch: batch.clone(), realtime: realtime.clone() });
                continue;
            }
            let sandbox = self.sandbox(options, region, data_dir).await?;
            engines.push(Engine {
                region,
                batch: batch.clone().unwrap_or_else(|| sandbox.clone()),
                realtime: realtime.clone().unwrap_or(sandbox),
            });
        }
        Ok(engines)
    }

    async fn sandbox(
        &mut self,
        options: &DevOptions,
        region: Region,
        data_dir: &Path,
    ) -> Result<Upstream, DevError> {
        let folder = data_dir.join("engine").join(region.as_str());
        make_private(&folder)?;
        let config = SandboxConfig {
            data_dir: folder,
            recognizer: options.recognizer.clone(),
            engine_name: region.as_str().to_owned(),
        };
        let engine = Sandbox::open(config).await?;
        let listener = bind((std::net::Ipv4Addr::LOCALHOST, 0).into())
            .await
            .map_err(|source| DevError::Port { port: 0, source })?;
        let address = listener.local_addr().map_err(|source| DevError::Port { port: 0, source })?;
        let stop = self.stop.clone();
        self.tasks.spawn(async move {
            if let Err(error) = engine.serve(listener, stop).await {
                tracing::error!(%error, %region, "the sandbox engine stopped");
            }
        });
        upstream("the sandbox", &format!("http://{address}"))
    }

    /// Stops the sandboxes and waits for them.
    pub(super) async fn shutdown(mut self) {
        self.stop.cancel();
        while self.tasks.join_next().await.is_some() {}
    }
}

fn upstream(option: &'static str, url: &str) -> Result<Upstream, DevError> {
    Upstream::parse(url).map_err(|source: InvalidUpstream| DevError::Upstream { option, source })
}
