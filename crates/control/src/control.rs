//! Opening the control plane, and what every use case shares.

use std::sync::Arc;

use credentials::Jwks;
use domain::{Clock, InstanceId, Rng, Timestamp};
use storage::StoreError;
use verify::Tables;

use crate::{ControlConfig, Gateways, TtlSeconds};

/// Why the control plane doesn't open.
#[derive(Debug, thiserror::Error)]
pub enum ControlError {
    /// The data folder can't be used.
    #[error("the data folder {path} can't be used: it must be a folder that this user may write to")]
    DataFolder {
        /// Which folder.
        path: std::path::PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// The master key can't be read.
    #[error(
        "the master key in {path} can't be used: expected 32 bytes as 64 hexadecimal digits or as base64"
    )]
    MasterKey {
        /// Which file, or where else it came from.
        path: String,
    },
    /// The master key is another one than the instance was made with.
    #[error(
        "this is not the master key that the instance was made with: restore the original key; without it its signing \
         keys can't be opened"
    )]
    WrongMasterKey,
    /// The store failed.
    #[error("the store failed")]
    Store(#[from] StoreError),
    /// A signing key could not be made or read.
    #[error("a signing key can't be used: {0}")]
    SigningKey(String),
}

/// The control plane.
#[derive(Debug)]
pub struct Control {}

impl Control {
    /// Opens the control plane; makes the instance's id, master key and signing key at first start.
    ///
    /// # Errors
    /// See [`ControlError`].
    pub async fn open(
        config: ControlConfig,
        clock: Arc<dyn Clock>,
        rng: Arc<dyn Rng>,
    ) -> Result<Arc<Self>, ControlError> {
        todo!("{config:?} {clock:?} {rng:?}")
    }

    /// Writes what is gathered in memory; call before the process ends.
    pub async fn close(&self) {
        todo!()
    }

    /// The tables that this process verifies management calls and mints with.
    pub fn tables(&self) -> &Arc<Tables> {
        todo!()
    }

    /// The public keys that verify this instance's temporary keys.
    pub fn jwks(&self) -> Arc<Jwks> {
        todo!()
    }

    /// The `iss` of this instance's temporary keys.
    pub fn instance_id(&self) -> InstanceId {
        todo!()
    }

    /// How long temporary keys may live.
    pub fn ttl_seconds(&self) -> &TtlSeconds {
        todo!()
    }

    /// The connected gateways.
    pub fn gateways(&self) -> &Gateways {
        todo!()
    }

    /// The present moment, by the clock that control was opened with.
    pub fn now(&self) -> Timestamp {
        todo!()
    }
}
