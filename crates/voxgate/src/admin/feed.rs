//! How far the feed has come.

use domain::Timestamp;
use serde::Serialize;

use super::Admin;

/// The feed at both ends.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    /// The newest revision that the control plane has.
    revision: u64,
    /// Every connected gateway, as the control plane knows it.
    gateways: Vec<GatewayReport>,
    /// The gateway of this process, as it sees itself.
    here: Here,
}

#[derive(Debug, Serialize)]
struct GatewayReport {
    name: String,
    enforced: u64,
    /// Revisions that it doesn't enforce yet.
    lag: u64,
    heard_at: Option<String>,
    unheard_seconds: Option<i64>,
}

#[derive(Debug, Serialize)]
struct Here {
    revision: u64,
    is_loaded: bool,
    is_away: bool,
    is_stale: bool,
    heard_at: Option<String>,
    unheard_seconds: Option<i64>,
    staleness_seconds_max: u64,
    /// Changes that could not be applied.
    skipped: u64,
}

/// Whole seconds from a moment until now.
pub(super) fn seconds_since(then: Timestamp, now: Timestamp) -> i64 {
    const SECOND_MICROS: i64 = 1_000_000;
    now.micros_since(then).max(0) / SECOND_MICROS
}

/// Looks at both ends.
pub(super) fn report(admin: &Admin) -> Report {
    let now = admin.control.now();
    let age = |heard: Option<Timestamp>| heard.map(|then| seconds_since(then, now));
    let gateways = admin.control.gateways().health().into_iter().map(|gateway| GatewayReport {
        enforced: gateway.enforced.0,
        lag: gateway.newest.0.saturating_sub(gateway.enforced.0),
        heard_at: gateway.heard_at.map(Timestamp::to_rfc3339),
        unheard_seconds: age(gateway.heard_at),
        name: gateway.name,
    });
    let gateways = gateways.collect();
    let feed = admin.gateway.feed();
    let here = Here {
        revision: feed.revision.0,
        is_loaded: feed.is_loaded,
        is_away: feed.is_away,
        is_stale: feed.is_stale,
        heard_at: feed.heard_at.map(Timestamp::to_rfc3339),
        unheard_seconds: age(feed.heard_at),
        staleness_seconds_max: admin.gateway.limits().staleness_seconds_max,
        skipped: feed.skipped,
    };
    Report { revision: admin.control.tables().revision().0, gateways, here }
}
