//! A whole instance in this process.

use sql::DbPlace;
use voxgate::dev::{DevOptions, DevReport, Running, start};

use crate::database::{instance_database, is_on_postgres, place_of, url_for};
use crate::{Api, Caller, TestDatabase};

/// A whole instance in this process, on free ports.
#[derive(Debug)]
pub struct Server {
    running: Running,
    /// Dropped after the instance that uses it.
    _database: Option<TestDatabase>,
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
        let mut options = DevOptions { port: 0, ..options };
        let own = match &options.data_dir {
            None if options.database.is_none() && is_on_postgres() => Some(instance_database()),
            _ => None,
        };
        if let Some(database) = &own {
            options.database = Some(place_of(database));
        } else if let Some(url) = options.data_dir.as_deref().and_then(url_for) {
            options.database = options.database.or_else(|| DbPlace::parse(&url).ok());
        }
        let running =
            start(&options).await.unwrap_or_else(|error| panic!("the instance doesn't start: {error}"));
        Self { running, _database: own }
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
