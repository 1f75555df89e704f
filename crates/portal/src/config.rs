//! What the portal is told by whoever starts it.

/// The endpoints of one region.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegionEndpoints {
    /// Its name.
    pub region: String,
    /// The area that it belongs to.
    pub area: String,
    /// Base of the Jobs API.
    pub batch_url: String,
    /// The realtime WebSocket, where there is one.
    pub realtime_url: Option<String>,
    /// Whether only enterprise workspaces may use it.
    pub enterprise: bool,
}

/// Where this instance is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoints {
    /// Base of the management API, without `/v1`.
    pub management_url: String,
    /// The Jobs API that examples use.
    pub batch_url: String,
    /// The realtime WebSocket that examples use.
    pub realtime_url: Option<String>,
    /// The realtime WebSocket that goes to the nearest region.
    pub global_realtime_url: Option<String>,
    /// All regions.
    pub regions: Vec<RegionEndpoints>,
}

/// What the portal needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PortalConfig {
    /// Where browsers reach the portal, as in `https://portal.example.org`: what links in mails begin with. Never taken from
    /// a request.
    pub base_url: String,
    /// Where this instance is reached.
    pub endpoints: Endpoints,
    /// Other providers that people can sign in with.
    pub providers: Vec<control::ProviderConfig>,
    /// Whether this is `voxgate dev`.
    pub is_dev: bool,
    /// Where the documentation is published, if it is.
    pub docs_url: Option<String>,
    /// Whom users turn to, if anybody is named.
    pub support_contact: Option<String>,
}
