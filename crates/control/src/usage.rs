//! Usage, summed up.

use std::collections::BTreeMap;

use domain::Timestamp;
use domain::usage::{Day, UsageCounts, UsageKey, UsageQuery};
use storage::{Refusals, StoreError};

use crate::Control;

/// Rows of one answer.
pub const USAGE_ROWS_MAX: u64 = 10_000;
/// Days that are told of where nobody says from when on.
pub const USAGE_DAYS: i64 = 30;

/// Why usage isn't told.
#[derive(Debug, thiserror::Error)]
pub enum UsageError {
    /// More rows than one answer holds.
    #[error(
        "this would be more than {USAGE_ROWS_MAX} rows: ask for fewer days, for one project, API key or client_ref, or \
         group by less"
    )]
    TooManyRows,
    /// The store failed.
    #[error("the usage could not be read")]
    Store(#[from] StoreError),
}

/// The days that are asked for: until today, and 30 days of them, unless told otherwise. `None` where the first comes after
/// the last.
pub fn usage_days(since: Option<Day>, until: Option<Day>, now: Timestamp) -> Option<(Day, Day)> {
    let until = until.unwrap_or_else(|| since.unwrap_or(Day::of(now)).max(Day::of(now)));
    let since = since.unwrap_or_else(|| until.plus_days(1 - USAGE_DAYS));
    (since <= until).then_some((since, until))
}

impl Control {
    /// What was used, in the order of what it is told apart by. Gateways tell what they counted twice a second, so that the
    /// last moment is missing.
    ///
    /// # Errors
    /// See [`UsageError`].
    pub async fn sum_usage(&self, query: &UsageQuery) -> Result<Vec<(UsageKey, UsageCounts)>, UsageError> {
        let rows = self.inner.store.sum_usage(query, USAGE_ROWS_MAX).await?;
        if rows.len() as u64 > USAGE_ROWS_MAX {
            return Err(UsageError::TooManyRows);
        }
        Ok(rows)
    }

    /// How often was refused what [`Control::sum_usage`] tells of, by the reasons.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn sum_refusals(&self, query: &UsageQuery) -> Result<BTreeMap<UsageKey, Refusals>, StoreError> {
        self.inner.store.sum_refusals(query).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whatever is left out, days are told in order and none is told by accident.
    #[test]
    fn days_that_are_left_out() {
        let day = |text: &str| Day::parse(text).unwrap();
        let now = day("2026-11-25").start().plus_seconds(3600);
        let days = |since: Option<&str>, until: Option<&str>| {
            usage_days(since.map(day), until.map(day), now).map(|(since, until)| format!("{since} {until}"))
        };
        assert_eq!(days(None, None).unwrap(), "2026-10-27 2026-11-25");
        assert_eq!(days(Some("2026-11-01"), None).unwrap(), "2026-11-01 2026-11-25");
        assert_eq!(days(None, Some("2026-01-30")).unwrap(), "2026-01-01 2026-01-30");
        assert_eq!(days(Some("2026-11-25"), Some("2026-11-25")).unwrap(), "2026-11-25 2026-11-25");
        assert_eq!(days(Some("2026-12-01"), None).unwrap(), "2026-12-01 2026-12-01");
        assert_eq!(days(Some("2026-11-26"), Some("2026-11-25")), None);
    }
}
