//! Signing keys over the management API.

use ::http::Method;
use serde_json::{Value, json};

use super::Remote;
use super::call::not_remote;
use crate::operator::{CallError, SigningKeyCall, shapes};

impl Remote {
    /// Runs a call about signing keys.
    pub(super) async fn signing_keys(&self, call: SigningKeyCall) -> Result<Value, CallError> {
        match call {
            SigningKeyCall::List => {
                let keys = self.get("/v1/signing-keys").await?;
                Ok(shapes::SIGNING_KEY.of_all(keys["signing_keys"].as_array().map_or(&[], Vec::as_slice)))
            }
            SigningKeyCall::Rotate { now } => {
                let rotated =
                    self.send(Method::POST, "/v1/signing-keys/rotate", &json!({"now": now})).await?;
                Ok(shapes::SIGNING_KEY.of(&rotated))
            }
            SigningKeyCall::Revoke { .. } => {
                Err(not_remote("revoking a signing key", "it ends every session that was opened with it"))
            }
        }
    }
}
