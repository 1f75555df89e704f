//! Whether the instance should get requests.
//!
//! It shouldn't while it ends, and while its gateway would refuse everybody: before the first snapshot, and once it has heard
//! nothing for too long. A database or ledger that doesn't answer is told, but takes nothing away from keys that are verified
//! in memory: an instance that then called itself not ready would turn a part's failure into one of the whole.

use std::time::Duration;

use serde::Serialize;
use tokio::time::timeout;

use super::Admin;

/// How long a database may take to answer, in seconds.
const ANSWER_SECONDS_MAX: u64 = 2;

/// What is known of one part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Component {
    ok: bool,
    /// What is wrong, and what follows from it.
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
}

/// Each part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Components {
    /// Whether it goes on taking requests.
    drain: Component,
    /// Whether it knows whom to let in.
    feed: Component,
    database: Component,
    ledgers: Component,
    signing_keys: Component,
}

/// The whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Report {
    status: &'static str,
    components: Components,
}

impl Component {
    const FINE: Self = Self { ok: true, detail: None };

    fn broken(detail: impl Into<String>) -> Self {
        Self { ok: false, detail: Some(detail.into()) }
    }
}

impl Report {
    fn of(components: Components) -> Self {
        let Components { drain, feed, database, ledgers, signing_keys } = &components;
        let status = if !(drain.ok && feed.ok) {
            "not_ready"
        } else if database.ok && ledgers.ok && signing_keys.ok {
            "ready"
        } else {
            "degraded"
        };
        Self { status, components }
    }

    /// Whether it should get requests.
    pub(super) fn is_ready(&self) -> bool {
        self.status != "not_ready"
    }
}

/// Looks at every part.
pub(super) async fn check(admin: &Admin) -> Report {
    let (database, ledgers) = tokio::join!(database(admin), ledgers(admin));
    Report::of(Components {
        drain: drain(admin),
        feed: feed(admin),
        database,
        ledgers,
        signing_keys: signing_keys(admin),
    })
}

fn drain(admin: &Admin) -> Component {
    if admin.shutdown.is_cancelled() {
        return Component::broken("The instance is ending: it takes no new connections.");
    }
    Component::FINE
}

fn feed(admin: &Admin) -> Component {
    let feed = admin.gateway.feed();
    if !feed.is_loaded {
        return Component::broken(
            "The gateway has not heard from the control plane yet, and refuses everybody.",
        );
    }
    if feed.is_stale {
        return Component::broken(
            "The gateway has not heard from the control plane for longer than staleness_seconds_max, and refuses everybody.",
        );
    }
    Component::FINE
}

async fn database(admin: &Admin) -> Component {
    let limit = Duration::from_secs(ANSWER_SECONDS_MAX);
    match timeout(limit, admin.control.check_database()).await {
        Ok(Ok(())) => Component::FINE,
        Ok(Err(_)) | Err(_) => Component::broken(
            "The database doesn't answer: nothing can be made, changed or revoked. Keys that exist are verified.",
        ),
    }
}

async fn ledgers(admin: &Admin) -> Component {
    let limit = Duration::from_secs(ANSWER_SECONDS_MAX);
    let mut silent = Vec::new();
    for (region, ledger) in admin.gateway.ledgers() {
        if !matches!(timeout(limit, ledger.open_intents()).await, Ok(Ok(_))) {
            silent.push(region.as_str());
        }
    }
    if silent.is_empty() {
        return Component::FINE;
    }
    Component::broken(format!(
        "No ledger answers for {}: jobs can't be made or read there.",
        silent.join(", ")
    ))
}

fn signing_keys(admin: &Admin) -> Component {
    if admin.control.jwks().keys().is_empty() {
        return Component::broken("There is no signing key: no temporary key can be minted.");
    }
    Component::FINE
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(broken: &[&str]) -> Report {
        let part = |name| if broken.contains(&name) { Component::broken("x") } else { Component::FINE };
        Report::of(Components {
            drain: part("drain"),
            feed: part("feed"),
            database: part("database"),
            ledgers: part("ledgers"),
            signing_keys: part("signing_keys"),
        })
    }

    /// A database that is away doesn't take the instance out of service, since keys are verified without it; an end or a gateway
    /// that refuses everybody does.
    #[test]
    fn what_takes_an_instance_out_of_service() {
        assert_eq!(report(&[]).status, "ready");
        for part in ["database", "ledgers", "signing_keys"] {
            assert_eq!((report(&[part]).status, report(&[part]).is_ready()), ("degraded", true));
        }
        for part in ["drain", "feed"] {
            assert_eq!(
                (report(&[part, "database"]).status, report(&[part]).is_ready()),
                ("not_ready", false)
            );
        }
    }
}
