//! What the control plane is told when it opens.

use std::path::PathBuf;

use domain::{Algorithm, Plan, PlanLimits, Product, Workspace};
use storage::DbPlace;
use verify::Leeway;

use crate::{Registration, SecondFactorPolicy, SignInLimits, WebhookReach};

/// The database in the data folder.
const DATABASE_FILE: &str = "voxgate.db";

/// How old a signing key becomes where nothing else is said, in days.
pub const SIGNING_KEY_DAYS_MAX: u32 = 90;
/// How long a signing key is published before its first use where nothing else is said, in seconds.
pub const PUBLISH_AHEAD_SECONDS: u32 = 3600;

/// How to open the control plane.
#[derive(Debug, Clone)]
pub struct ControlConfig {
    /// Where the instance keeps its files; made if it is missing.
    pub data_dir: PathBuf,
    /// The database; `None` means SQLite in `voxgate.db` in the data folder.
    pub database: Option<DbPlace>,
    /// Where the master key comes from.
    pub master_key: MasterKeySource,
    /// Where a re-wrap leads to: tried at start where the master key doesn't fit any more.
    pub next_master_key: Option<MasterKeySource>,
    /// The algorithm of signing keys that are made from now on.
    pub algorithm: Algorithm,
    /// How old a signing key may become until another one signs, in days.
    pub signing_key_days_max: u32,
    /// How long a signing key is published before its first use, in seconds; longer than key sets may be kept.
    pub publish_ahead_seconds: u32,
    /// How long temporary keys may live, per product.
    pub ttl_seconds: TtlSeconds,
    /// Limits of plans that differ from the built-in ones.
    pub plan_limits: PlanOverrides,
    /// Leeway of the control plane's own tables.
    pub leeway: Leeway,
    /// How long what nobody relies on is kept.
    pub retention: Retention,
    /// How accounts are made by those who want one.
    pub registration: Registration,
    /// How often passwords may be tried, and mails asked for.
    pub sign_in: SignInLimits,
    /// Whether whoever signs in needs a second factor.
    pub second_factor: SecondFactorPolicy,
    /// Where webhooks may be.
    pub webhooks: WebhookReach,
}

impl ControlConfig {
    /// Everything by default, in this folder.
    pub fn in_folder(data_dir: impl Into<PathBuf>) -> Self {
        Self {
            data_dir: data_dir.into(),
            database: None,
            master_key: MasterKeySource::Folder,
            next_master_key: None,
            algorithm: Algorithm::EdDsa,
            signing_key_days_max: SIGNING_KEY_DAYS_MAX,
            publish_ahead_seconds: PUBLISH_AHEAD_SECONDS,
            ttl_seconds: TtlSeconds::default(),
            plan_limits: PlanOverrides::default(),
            leeway: Leeway::default(),
            retention: Retention::default(),
            registration: Registration::default(),
            sign_in: SignInLimits::default(),
            second_factor: SecondFactorPolicy::Offered,
            webhooks: WebhookReach::default(),
        }
    }

    /// How long a temporary key may live, in seconds. Never less than with the usual ranges: before this was noted at each start
    /// they may have been longer.
    pub(crate) fn longest_ttl_seconds(&self) -> i64 {
        self.ttl_seconds.longest_seconds().max(TtlSeconds::default().longest_seconds()).into()
    }

    /// Where the database is.
    pub fn database_place(&self) -> DbPlace {
        self.database.clone().unwrap_or_else(|| DbPlace::File(self.data_dir.join(DATABASE_FILE)))
    }
}

/// How long what nobody relies on is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// Entries of the feed, in days. A gateway that was away for longer begins anew with a snapshot.
    pub feed_days_max: u32,
    /// API keys after they were revoked, in days; 0 keeps them. Later they are unknown, and no longer in lists.
    pub revoked_key_days_max: u32,
}

impl Default for Retention {
    fn default() -> Self {
        Self { feed_days_max: 30, revoked_key_days_max: 400 }
    }
}

/// Where the master key comes from, under which private keys are sealed.
#[derive(Clone)]
pub enum MasterKeySource {
    /// `master.key` in the data folder, made with mode 0600 at first start.
    Folder,
    /// This file; never made.
    File(PathBuf),
    /// The key itself, as hexadecimal or base64 text.
    Text(zeroize::Zeroizing<String>),
    /// What this command prints: a program and its arguments, run without a shell.
    Command(Vec<String>),
}

impl MasterKeySource {
    /// Whether the instance keeps the key by itself.
    pub const fn is_folder(&self) -> bool {
        matches!(self, Self::Folder)
    }
}

impl std::fmt::Debug for MasterKeySource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Folder => f.write_str("Folder"),
            Self::File(path) => f.debug_tuple("File").field(path).finish(),
            Self::Text(_) => f.write_str("Text(…)"),
            // Its arguments may say more than everybody should read.
            Self::Command(command) => f.debug_tuple("Command").field(&command.first()).finish(),
        }
    }
}

/// How long a temporary key may live, both ends allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TtlRange {
    /// Shortest, in seconds.
    pub min_seconds: u32,
    /// Longest, in seconds.
    pub max_seconds: u32,
}

impl TtlRange {
    /// Whether a ttl is within the range.
    pub const fn contains(self, ttl_seconds: u32) -> bool {
        self.min_seconds <= ttl_seconds && ttl_seconds <= self.max_seconds
    }
}

/// The range of `ttl` for each product (design 4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TtlSeconds {
    /// Of `batch`.
    pub batch: TtlRange,
    /// Of `rt`.
    pub rt: TtlRange,
    /// Of `tts`.
    pub tts: TtlRange,
    /// Of `flow`.
    pub flow: TtlRange,
}

impl Default for TtlSeconds {
    fn default() -> Self {
        let long = TtlRange { min_seconds: 60, max_seconds: 86_400 };
        Self { batch: TtlRange { min_seconds: 60, max_seconds: 3_600 }, rt: long, tts: long, flow: long }
    }
}

impl TtlSeconds {
    /// The range of one product.
    pub const fn of(&self, product: Product) -> TtlRange {
        match product {
            Product::Batch => self.batch,
            Product::Rt => self.rt,
            Product::Tts => self.tts,
            Product::Flow => self.flow,
        }
    }

    /// The longest ttl of any product: what was minted earlier than that is expired.
    pub fn longest_seconds(&self) -> u32 {
        Product::ALL.iter().map(|product| self.of(*product).max_seconds).max().unwrap_or(0)
    }
}

/// Limits of plans where the instance configures its own; `None` keeps the built-in ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PlanOverrides {
    /// Of `free`.
    pub free: Option<PlanLimits>,
    /// Of `pro`.
    pub pro: Option<PlanLimits>,
    /// Of `enterprise`.
    pub enterprise: Option<PlanLimits>,
}

impl PlanOverrides {
    /// The limits of a plan on this instance.
    pub fn limits(&self, plan: Plan) -> PlanLimits {
        let configured = match plan {
            Plan::Free => self.free,
            Plan::Pro => self.pro,
            Plan::Enterprise => self.enterprise,
        };
        configured.unwrap_or_else(|| plan.default_limits())
    }

    /// The limits of a workspace on this instance: its own, and its plan's for the rest.
    pub fn of(&self, workspace: &Workspace) -> PlanLimits {
        workspace.own_limits.over(self.limits(workspace.plan))
    }
}
