//! The line of JSON that tells scripts where everything is (design 14).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The endpoints of a region.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RegionReport {
    /// Base of its Jobs API.
    pub batch_url: String,
    /// Its realtime WebSocket, where it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub realtime_url: Option<String>,
}

/// The ready account.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountReport {
    /// Its e-mail address.
    pub email: String,
    /// Its password.
    pub password: String,
}

impl std::fmt::Debug for AccountReport {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AccountReport").field("email", &self.email).finish_non_exhaustive()
    }
}

/// Where everything is, and the ready credentials.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DevReport {
    /// The portal.
    pub portal_url: String,
    /// Base of the management API, without `/v1`.
    pub management_url: String,
    /// Base of the Jobs API of the home region.
    pub batch_url: String,
    /// The realtime WebSocket of the home region.
    pub realtime_url: String,
    /// The realtime WebSocket that goes to the nearest region that the key may use.
    pub global_realtime_url: String,
    /// The administration listener: `/livez`, `/readyz`, `/metrics`, `/feed`.
    pub admin_url: String,
    /// Each region's own endpoints.
    pub regions: BTreeMap<String, RegionReport>,
    /// The ready account.
    pub account: AccountReport,
    /// The number of the ready project.
    pub project_id: i64,
    /// The ready API key.
    pub api_key: String,
    /// The ready management token.
    pub management_token: String,
}

impl std::fmt::Debug for DevReport {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DevReport").field("portal_url", &self.portal_url).finish_non_exhaustive()
    }
}

impl DevReport {
    /// The one line.
    pub fn to_line(&self) -> String {
        serde_json::to_string(self).expect("plain texts and numbers always are JSON")
    }
}
