//! Signing keys and API keys: how old, and which expire soon.

use domain::link::Change;
use domain::{SigningKeyState, Timestamp};
use storage::Store;

use super::Report;
use crate::explain::relative;
use crate::operator::CallError;

const ABOUT: &str = "keys";
const DAY_SECONDS: i64 = 24 * 3600;
/// The instance rotates a signing key by itself when its time has come; so long after that it surely hasn't.
const OVERDUE_DAYS: i64 = 7;
/// API keys that expire within this are told.
const SOON_DAYS: i64 = 14;
/// API keys that are told by id.
const NAMED_MAX: usize = 5;

pub(super) async fn look(report: &mut Report, store: &Store, days_max: u32, now: Timestamp) {
    if let Err(error) = signing_keys(report, store, days_max, now).await {
        let CallError(says) = CallError::from_error(&error);
        report.fail(ABOUT, says, "restore a backup (docs/operate/backup.md)");
        return;
    }
    if let Err(error) = api_keys(report, store, now).await {
        let CallError(says) = CallError::from_error(&error);
        report.fail(ABOUT, says, "restore a backup (docs/operate/backup.md)");
    }
}

async fn signing_keys(
    report: &mut Report,
    store: &Store,
    days_max: u32,
    now: Timestamp,
) -> Result<(), storage::StoreError> {
    let keys = store.list_signing_keys().await?;
    let Some(current) = keys.iter().find(|key| key.state == SigningKeyState::Signing) else {
        report.fail(
            ABOUT,
            "no signing key is in use: no temporary key can be minted",
            "start the server once; if that doesn't help, restore a backup (docs/operate/backup.md)",
        );
        return Ok(());
    };
    let kid = &current.verifying_key.kid;
    let age_days = now.micros_since(current.created_at) / 1_000_000 / DAY_SECONDS;
    let says = format!("the signing key {kid} was made {}", relative(current.created_at, now));
    if age_days > i64::from(days_max) + OVERDUE_DAYS {
        report.warn(ABOUT, says, "voxgate signing-keys rotate (docs/operate/rotation.md)");
    } else {
        report.ok(ABOUT, says);
    }
    Ok(())
}

async fn api_keys(report: &mut Report, store: &Store, now: Timestamp) -> Result<(), storage::StoreError> {
    let snapshot = store.snapshot().await?;
    let soon = now.plus_seconds(SOON_DAYS * DAY_SECONDS);
    let mut alive = 0_usize;
    let mut expiring = Vec::new();
    for (_, change) in &snapshot.changes {
        let Change::Key(key) = change else { continue };
        if key.revoked_at.is_some() || key.expires_at.is_some_and(|at| at <= now) {
            continue;
        }
        alive += 1;
        if key.expires_at.is_some_and(|at| at <= soon) {
            expiring.push(key.id);
        }
    }
    if expiring.is_empty() {
        report.ok(ABOUT, format!("{alive} API keys are alive, none expires within {SOON_DAYS} days"));
        return Ok(());
    }
    let named: Vec<String> = expiring.iter().take(NAMED_MAX).map(ToString::to_string).collect();
    let more = expiring.len().saturating_sub(NAMED_MAX);
    let and_more = if more > 0 { format!(" and {more} more") } else { String::new() };
    report.warn(
        ABOUT,
        format!(
            "of {alive} API keys, {} expire within {SOON_DAYS} days: {}{and_more}",
            expiring.len(),
            named.join(", ")
        ),
        "rotate them (voxgate keys rotate), or let them go",
    );
    Ok(())
}
