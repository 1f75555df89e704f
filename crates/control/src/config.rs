//! What the control plane is told when it opens.

use std::path::PathBuf;

use domain::{Algorithm, Plan, PlanLimits, Product};
use verify::Leeway;

/// How to open the control plane.
#[derive(Debug, Clone)]
pub struct ControlConfig {
    /// Where the instance keeps its files; made if it is missing.
    pub data_dir: PathBuf,
    /// The database, as in `sqlite:///var/lib/voxgate/voxgate.db`; `None` means `voxgate.db` in the data folder.
    pub database_url: Option<String>,
    /// Where the master key comes from.
    pub master_key: MasterKeySource,
    /// The algorithm of signing keys that are made from now on.
    pub algorithm: Algorithm,
    /// How long temporary keys may live, per product.
    pub ttl_seconds: TtlSeconds,
    /// Limits of plans that differ from the built-in ones.
    pub plan_limits: PlanOverrides,
    /// Leeway of the control plane's own tables.
    pub leeway: Leeway,
}

impl ControlConfig {
    /// Everything by default, in this folder.
    pub fn in_folder(data_dir: impl Into<PathBuf>) -> Self {
        Self {
            data_dir: data_dir.into(),
            database_url: None,
            master_key: MasterKeySource::Folder,
            algorithm: Algorithm::EdDsa,
            ttl_seconds: TtlSeconds::default(),
            plan_limits: PlanOverrides::default(),
            leeway: Leeway::default(),
        }
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
}

impl std::fmt::Debug for MasterKeySource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Folder => f.write_str("Folder"),
            Self::File(path) => f.debug_tuple("File").field(path).finish(),
            Self::Text(_) => f.write_str("Text(…)"),
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
}
