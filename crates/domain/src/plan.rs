//! Plans and their limits (protocol 5.5, design 6).

use serde::{Deserialize, Serialize};

use crate::limits::{KEYS_PER_PROJECT_MAX, PROJECTS_PER_WORKSPACE_MAX};
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
    /// Projects of one workspace.
    #[serde(default = "projects_max")]
    pub projects_max: u32,
    /// API keys of one project that are alive, without imported ones.
    #[serde(default = "api_keys_per_project_max")]
    pub api_keys_per_project_max: u32,
    /// Audio of the workspace in a UTC month, batch and realtime together, in seconds; none doesn't limit.
    #[serde(default)]
    pub audio_seconds_per_month_max: Option<u32>,
    /// Whether the failover regions may be used, and a key may be linked to several areas.
    pub enterprise: bool,
}

/// What held before plans could say it.
const fn projects_max() -> u32 {
    PROJECTS_PER_WORKSPACE_MAX
}

const fn api_keys_per_project_max() -> u32 {
    KEYS_PER_PROJECT_MAX
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
            projects_max: projects_max(),
            api_keys_per_project_max: api_keys_per_project_max(),
            audio_seconds_per_month_max: None,
            enterprise: matches!(self, Self::Enterprise),
        }
    }
}

/// The limits of one workspace where they differ from its plan's; `None` keeps the plan's. What each limits stands at
/// [`PlanLimits`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct OwnLimits {
    /// Realtime sessions open at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub concurrent_sessions_max: Option<u32>,
    /// Batch jobs created, and realtime sessions started, per second.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub creates_per_second_max: Option<u32>,
    /// Batch reads per second.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reads_per_second_max: Option<u32>,
    /// Temporary keys minted per second, per API key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mints_per_second_max: Option<u32>,
    /// Audio of the workspace in a UTC month, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub audio_seconds_per_month_max: Option<u32>,
    /// Whether the failover regions may be used, and a key may be linked to several areas.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enterprise: Option<bool>,
}

impl OwnLimits {
    /// The limits that hold: the workspace's own, and the plan's for the rest.
    #[must_use]
    pub fn over(self, plan: PlanLimits) -> PlanLimits {
        PlanLimits {
            concurrent_sessions_max: self.concurrent_sessions_max.unwrap_or(plan.concurrent_sessions_max),
            creates_per_second_max: self.creates_per_second_max.unwrap_or(plan.creates_per_second_max),
            reads_per_second_max: self.reads_per_second_max.unwrap_or(plan.reads_per_second_max),
            mints_per_second_max: self.mints_per_second_max.unwrap_or(plan.mints_per_second_max),
            audio_seconds_per_month_max: self
                .audio_seconds_per_month_max
                .or(plan.audio_seconds_per_month_max),
            enterprise: self.enterprise.unwrap_or(plan.enterprise),
            ..plan
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A workspace's own limit counts, and what it doesn't say stays the plan's, also when the plan changes later.
    #[test]
    fn own_limits_stand_over_the_plans() {
        let own =
            OwnLimits { concurrent_sessions_max: Some(0), enterprise: Some(true), ..OwnLimits::default() };
        for plan in Plan::ALL {
            let limits = own.over(plan.default_limits());
            assert_eq!((limits.concurrent_sessions_max, limits.enterprise), (0, true));
            assert_eq!(limits.reads_per_second_max, plan.default_limits().reads_per_second_max);
            assert_eq!(OwnLimits::default().over(limits), limits);
        }
        assert_eq!(serde_json::to_string(&OwnLimits::default()).unwrap(), "{}");
    }
}
