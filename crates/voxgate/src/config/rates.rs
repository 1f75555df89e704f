//! Reading how fast the management API may be called.

use management::ManagementLimits;

use super::problem::Report;
use super::reader::{Section, small_integer};

/// Calls per second that a setting may allow.
const PER_SECOND_MAX: u32 = 1_000_000;

/// Reads `[management]`.
pub(super) fn rates(root: &mut Section<'_>, report: &mut Report) -> ManagementLimits {
    let mut section = root.section(report, "management");
    let default = ManagementLimits::default();
    let mut rate =
        |key, default| section.read(report, key, small_integer(1, PER_SECOND_MAX)).unwrap_or(default);
    let limits = ManagementLimits {
        credential_calls_per_second_max: rate(
            "credential_calls_per_second_max",
            default.credential_calls_per_second_max,
        ),
        network_calls_per_second_max: rate(
            "network_calls_per_second_max",
            default.network_calls_per_second_max,
        ),
        network_failures_per_second_max: rate(
            "network_failures_per_second_max",
            default.network_failures_per_second_max,
        ),
    };
    section.finish(report);
    limits
}
