//! A whole instance in this process.

use voxgate::dev::{DevOptions, DevReport, Running, start};

use crate::{Api, Caller};

/// A whole instance in this process, on free ports.
#[derive(Debug)]
pub struct Server {
    running: Running,
}

impl Server {
    /// Starts one in a temporary folder.
    ///
    /// # Panics
    /// When it doesn't start.
    pub async fn start() -> Self {
        Self::start_with(DevOptions::default()).await
    }

    /// Starts one with options; the port is free whatever they say.
    ///
    /// # Panics
    /// When it doesn't start.
    pub async fn start_with(options: DevOptions) -> Self {
        let options = DevOptions { port: 0, ..options };
        let running =
            start(&options).await.unwrap_or_else(|error| panic!("the instance doesn't start: {error}"));
        Self { running }
    }

    /// Where everything is.
    pub const fn report(&self) -> &DevReport {
        self.running.report()
    }

    /// The running instance.
    pub const fn running(&self) -> &Running {
        &self.running
    }

    /// A client of the port that routes by path.
    pub fn home(&self) -> Api {
        Api::new(&self.report().management_url)
    }

    /// A client of one region.
    ///
    /// # Panics
    /// When there is no such region.
    pub fn region(&self, region: &str) -> Api {
        Api::new(&self.report().regions[region].batch_url)
    }

    /// The holder of the ready API key.
    pub fn key(&self) -> Caller {
        Caller::api_key(&self.report().api_key)
    }

    /// The holder of the ready management token.
    pub fn manager(&self) -> Caller {
        Caller::management_token(&self.report().management_token)
    }

    /// Ends it.
    pub async fn shutdown(self) {
        self.running.shutdown().await;
    }
}
