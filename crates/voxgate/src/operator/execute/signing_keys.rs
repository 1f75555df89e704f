//! Running calls about signing keys and the master key.

use control::{Actor, SignFrom};
use credentials::MasterKey;
use serde_json::{Value, json};

use super::{Operator, failed};
use crate::operator::{CallError, RewrapCall, SigningKeyCall, views};

impl Operator {
    /// Runs a call about signing keys.
    pub(super) async fn signing_keys(&self, call: SigningKeyCall) -> Result<Value, CallError> {
        match call {
            SigningKeyCall::List => {
                let keys = self.control.signing_keys().await.map_err(failed)?;
                Ok(keys.iter().map(views::signing_key).collect())
            }
            SigningKeyCall::Rotate { now } => {
                let from = if now { SignFrom::Now } else { SignFrom::PublishedAhead };
                let rotated =
                    self.control.rotate_signing_key(&Actor::OPERATOR, from).await.map_err(failed)?;
                let mut answer = views::signing_key(&rotated.key);
                answer["revision"] = json!(rotated.revision);
                Ok(answer)
            }
            SigningKeyCall::Revoke { kid } => {
                let revision =
                    self.control.revoke_signing_key(&Actor::OPERATOR, &kid).await.map_err(failed)?;
                Ok(json!({"kid": kid, "revision": revision}))
            }
        }
    }

    /// Seals everything under another master key.
    pub(super) async fn rewrap(&self, call: RewrapCall) -> Result<Value, CallError> {
        let new = call.new_key.as_deref().map(MasterKey::from_text).transpose().map_err(failed)?;
        let rewrapped = self.control.rewrap(&Actor::OPERATOR, new).await.map_err(failed)?;
        Ok(json!({"changed": rewrapped.changed, "kept_in_data_dir": rewrapped.is_kept_in_folder}))
    }
}
