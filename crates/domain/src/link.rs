//! The messages between the control plane and the gateways (design 12). In one process they travel through
//! channels, over machines through one authenticated stream per gateway.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{
    ApiKeyId, AreaSet, ClientRef, InstanceId, Kid, ManagementTokenId, Networks, PermissionSet, PlanLimits,
    Product, ProductSet, ProjectId, QuotaScope, Reason, Region, SecretHash, SessionId, TemporaryKeyId,
    Timestamp, VerifyingKey, WorkspaceId,
};

/// How often control says that it is there while it has nothing else to say, in seconds.
pub const HEARTBEAT_SECONDS: u64 = 5;

/// The number of a change in the feed; later changes have larger ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Revision(pub u64);

impl std::fmt::Display for Revision {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// An API key as gateways know it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyRecord {
    /// Its id.
    pub id: ApiKeyId,
    /// SHA-256 of the secret.
    pub hash: SecretHash,
    /// The project that it belongs to.
    pub project_id: ProjectId,
    /// The areas that it is linked to.
    pub areas: AreaSet,
    /// The products that it may be used for.
    pub products: ProductSet,
    /// From when on it is refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    /// The networks that it may be used from.
    #[serde(default)]
    pub networks: Networks,
    /// Isolates it to this client_ref.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_ref: Option<ClientRef>,
    /// When it was revoked; it stays in the tables so that its holder can be told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked_at: Option<Timestamp>,
}

/// A management token as verifiers know it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManagementTokenRecord {
    /// Its id.
    pub id: ManagementTokenId,
    /// SHA-256 of the secret.
    pub hash: SecretHash,
    /// The workspace that it may manage.
    pub workspace_id: WorkspaceId,
    /// What it may do.
    pub permissions: PermissionSet,
    /// When it was revoked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked_at: Option<Timestamp>,
}

/// One piece of state that verification needs. Applying a change twice is the same as applying it once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Change {
    /// Which instance this is.
    Instance {
        /// The `iss` of its temporary keys.
        id: InstanceId,
    },
    /// A workspace was made, or its limits changed.
    Workspace {
        /// Its id.
        id: WorkspaceId,
        /// Its limits.
        limits: PlanLimits,
    },
    /// A workspace was closed: everything in it is revoked.
    WorkspaceClosed {
        /// Its id.
        id: WorkspaceId,
    },
    /// A project was made.
    Project {
        /// Its id.
        id: ProjectId,
        /// The workspace that owns it.
        workspace_id: WorkspaceId,
    },
    /// A project was deleted: everything in it is revoked.
    ProjectDeleted {
        /// Its id.
        id: ProjectId,
    },
    /// An API key was made, changed or revoked.
    Key(KeyRecord),
    /// A management token was made, changed or revoked.
    ManagementToken(ManagementTokenRecord),
    /// A signing key was published, or is retiring.
    SigningKey(VerifyingKey),
    /// A signing key is gone: what it signed has expired.
    SigningKeyRemoved {
        /// Its kid.
        kid: Kid,
    },
    /// A signing key is in doubt: nothing that it signed is valid, and what was opened with it ends.
    SigningKeyRevoked {
        /// Its kid.
        kid: Kid,
    },
    /// One temporary key was revoked.
    TemporaryKeyRevoked {
        /// Its jti.
        id: TemporaryKeyId,
        /// When the entry may be forgotten: the key is expired by then.
        forget_at: Timestamp,
    },
    /// A client_ref was shut out: its temporary keys minted before this revision die, none is minted.
    ClientRefRevoked {
        /// The project that it belongs to.
        project_id: ProjectId,
        /// The client_ref.
        client_ref: ClientRef,
    },
    /// A client_ref may be minted for again; what was minted before stays dead.
    ClientRefReadmitted {
        /// The project that it belongs to.
        project_id: ProjectId,
        /// The client_ref.
        client_ref: ClientRef,
        /// The newest revision that revoked it: temporary keys from before stay dead.
        revoked_at: Revision,
        /// When the entry may be forgotten: those temporary keys are expired by then.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        forget_at: Option<Timestamp>,
    },
    /// A quota on audio was set, or taken away.
    Quota {
        /// The project that it belongs to.
        project_id: ProjectId,
        /// What of it.
        scope: QuotaScope,
        /// So much in a UTC month; none takes the quota away.
        audio_seconds_per_month_max: Option<u32>,
    },
}

/// All state at a revision, as the changes that make it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    /// The newest revision in it.
    pub revision: Revision,
    /// The changes that make it, each with the revision that it came with.
    pub changes: Vec<(Revision, Change)>,
}

/// Which open sessions a command speaks of; absent fields don't narrow.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct SessionFilter {
    /// The workspace that asks; left out only where the whole instance is asked about.
    pub workspace_id: Option<WorkspaceId>,
    /// Only this one.
    #[serde(default)]
    pub session_id: Option<SessionId>,
    /// Only this project.
    pub project_id: Option<ProjectId>,
    /// Only this API key and what it minted.
    pub api_key_id: Option<ApiKeyId>,
    /// Only this client_ref.
    pub client_ref: Option<ClientRef>,
    /// Only this region.
    pub region: Option<Region>,
}

/// An open session, as the registry tells it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SessionInfo {
    /// Its id.
    pub session_id: SessionId,
    /// The workspace.
    pub workspace_id: WorkspaceId,
    /// The project.
    pub project_id: ProjectId,
    /// The API key, or the parent of the temporary key.
    pub api_key_id: ApiKeyId,
    /// The temporary key, if one opened it.
    pub temporary_key_id: Option<TemporaryKeyId>,
    /// The client_ref.
    pub client_ref: Option<ClientRef>,
    /// The region.
    pub region: Region,
    /// The product.
    pub product: Product,
    /// When it was opened.
    pub started_at: Timestamp,
    /// Audio received, in seconds.
    pub audio_seconds: f64,
    /// Bytes received from the client.
    pub received_bytes: u64,
    /// The client's address.
    pub peer: std::net::IpAddr,
}

/// Control plane to gateway.
#[derive(Debug, Clone)]
pub enum ToGateway {
    /// Everything; replaces what the gateway knows.
    Snapshot(Arc<Snapshot>),
    /// The changes of one revision.
    Change {
        /// The revision.
        revision: Revision,
        /// What changed.
        changes: Arc<[Change]>,
    },
    /// Control is there and this is its newest revision. Sent when nothing else is, so that silence means something; the gateway
    /// answers with what it enforces.
    Heartbeat {
        /// The newest revision.
        newest: Revision,
    },
    /// End a session. A command: never in a snapshot, never replayed.
    EndSession {
        /// The workspace that asks; another's session is unknown.
        workspace_id: WorkspaceId,
        /// Which one.
        session_id: SessionId,
        /// What to tell the client.
        reason: String,
    },
    /// A usage batch, and all before it, are counted: the gateway may forget them. A command.
    UsageCounted {
        /// The batch's number.
        number: u64,
    },
    /// List open sessions. A command.
    ListSessions {
        /// Comes back in the answer.
        request: u64,
        /// Which ones.
        filter: SessionFilter,
    },
}

/// One line of usage: what happened under one principal in one region since the last batch.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct UsageRecord {
    /// The project.
    pub project_id: ProjectId,
    /// The API key, or the parent.
    pub api_key_id: ApiKeyId,
    /// The client_ref.
    pub client_ref: Option<ClientRef>,
    /// The region.
    pub region: Region,
    /// The product.
    pub product: Product,
    /// The UTC day: seconds of its start since the epoch.
    pub day: Timestamp,
    /// Requests.
    pub requests: u64,
    /// Sessions begun.
    pub sessions: u64,
    /// Audio, in milliseconds.
    pub audio_millis: u64,
    /// Bytes from clients.
    pub received_bytes: u64,
    /// Refusals.
    pub refusals: u64,
    /// The same refusals, by their reasons.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub refused: BTreeMap<Reason, u64>,
}

/// The beginning or the end of a session, for whoever wants to be told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionEvent {
    /// When.
    pub at: Timestamp,
    /// The session.
    pub session_id: SessionId,
    /// The workspace.
    pub workspace_id: WorkspaceId,
    /// The project.
    pub project_id: ProjectId,
    /// The API key, or the parent of the temporary key.
    pub api_key_id: ApiKeyId,
    /// The temporary key, if one opened it.
    pub temporary_key_id: Option<TemporaryKeyId>,
    /// The client_ref.
    pub client_ref: Option<ClientRef>,
    /// The region.
    pub region: Region,
    /// The product.
    pub product: Product,
    /// How it ended, if it has.
    pub end: Option<SessionEnd>,
}

/// How a session ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionEnd {
    /// The type of the `Error` that the client got, `closed` where either end closed by itself, `client_gone`, or
    /// [`GATEWAY_STOPPED`].
    pub kind: String,
    /// The code of the close frame that the client got, if it got one.
    pub close_code: Option<u16>,
    /// What the client was told, if it was; or what is known instead.
    pub reason: Option<String>,
    /// How long it lasted, in seconds, if that is known.
    pub seconds: Option<u64>,
    /// Audio received, in milliseconds, if that is known.
    pub audio_millis: Option<u64>,
}

/// How a session ended whose gateway stopped, by a crash or a kill, before it could end it.
pub const GATEWAY_STOPPED: &str = "gateway_stopped";

impl SessionEnd {
    /// The end of a session whose gateway stopped before it could end it.
    pub fn with_its_gateway() -> Self {
        let reason =
            "The gateway stopped before it could end the session. What was used until then is in the usage.";
        Self {
            kind: GATEWAY_STOPPED.to_owned(),
            close_code: None,
            reason: Some(reason.to_owned()),
            seconds: None,
            audio_millis: None,
        }
    }
}

/// Gateway to control plane.
#[derive(Debug, Clone)]
pub enum FromGateway {
    /// Everything up to this revision is enforced.
    Applied {
        /// The revision.
        revision: Revision,
    },
    /// The answer to [`ToGateway::ListSessions`].
    Sessions {
        /// The request that it answers.
        request: u64,
        /// What is open.
        sessions: Vec<SessionInfo>,
    },
    /// Usage, numbered so that each batch is counted exactly once.
    UsageBatch {
        /// The batch's number, rising by one.
        number: u64,
        /// What happened.
        records: Vec<UsageRecord>,
    },
    /// Sessions that began or ended, numbered as usage is, and counted and forgotten like it.
    SessionEvents {
        /// The batch's number.
        number: u64,
        /// What happened.
        events: Vec<SessionEvent>,
    },
    /// When API keys were last used, they or their temporary keys.
    LastUsed {
        /// Key and time.
        keys: Vec<(ApiKeyId, Timestamp)>,
        /// Parent and time, where it was a temporary key that was used.
        temporary_keys: Vec<(ApiKeyId, Timestamp)>,
    },
    /// Whether the engines answer.
    Health {
        /// Region and whether its engine answers.
        engines: Vec<(Region, bool)>,
    },
}
