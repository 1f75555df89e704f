//! Asking an administration listener whether its instance is ready, as probes in images without a shell do.

use std::net::SocketAddr;

use http::StatusCode;

use crate::remote::{HttpClient, HttpError};

/// Why an instance gave no answer.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// Nobody answers.
    #[error("nothing answers at {address}: {source}. Is the instance running, with this [admin] address?")]
    Silent {
        /// Where.
        address: SocketAddr,
        /// What happened.
        #[source]
        source: HttpError,
    },
    /// What answers isn't an administration listener.
    #[error("what answers at {0} isn't Voxgate's administration listener")]
    Foreign(SocketAddr),
}

/// Asks an instance whether it is ready, and returns that and what it said.
///
/// # Errors
/// See [`AskError`].
pub async fn ask_ready(address: SocketAddr) -> Result<(bool, String), AskError> {
    let silent = |source| AskError::Silent { address, source };
    let client = HttpClient::new(None).map_err(silent)?;
    let answer = client.get(&format!("http://{address}/readyz")).await.map_err(silent)?;
    let said = String::from_utf8_lossy(&answer.body).trim_end().to_owned();
    match answer.status {
        StatusCode::OK => Ok((true, said)),
        StatusCode::SERVICE_UNAVAILABLE => Ok((false, said)),
        _ => Err(AskError::Foreign(address)),
    }
}
