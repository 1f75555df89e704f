//! Plans and their limits (protocol 5.5, design 6).

use serde::{Deserialize, Serialize};

use crate::named_enum;

named_enum! {
    /// What a workspace has agreed on.
    Plan {
        /// Trial use.
        Free = "free",
        /// Paid use.
        Pro = "pro",
        /// Several areas, failover regions.
        Enterprise = "enterprise",
    }
}

/// The limits of one plan. All per project unless said otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanLimits {
    /// Realtime sessions open at once.
    pub concurrent_sessions_max: u32,
    /// Batch jobs created per second, and realtime sessions started per second.
    pub creates_per_second_max: u32,
    /// Batch reads per second.
    pub reads_per_second_max: u32,
    /// Temporary keys minted per second, per API key.
    pub mints_per_second_max: u32,
    /// Whether the failover regions may be used, and a key may be linked to several areas.
    pub enterprise: bool,
}

impl Plan {
    /// The limits of the plan where the instance doesn't configure others.
    pub const fn default_limits(self) -> PlanLimits {
        let concurrent_sessions_max = match self {
            Self::Free => 2,
            Self::Pro => 50,
            Self::Enterprise => 100,
        };
        PlanLimits {
            concurrent_sessions_max,
            creates_per_second_max: 10,
            reads_per_second_max: 50,
            mints_per_second_max: 50,
            enterprise: matches!(self, Self::Enterprise),
        }
    }
}
