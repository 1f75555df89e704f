//! The clock. Temporary keys live by it: one that is wrong refuses good ones, or lets expired ones in.

use domain::{Clock, Timestamp};
use http::{HeaderMap, header};
use storage::Store;

use super::Report;
use crate::explain::relative;

/// Differences up to this are the leeway of temporary keys.
const SKEW_SECONDS_WARN: i64 = 5;
/// Beyond this temporary keys are refused as not yet valid.
const SKEW_SECONDS_FAIL: i64 = 60;
const REMEDY: &str = "let both machines take the time from the same source (chrony, systemd-timesyncd)";

/// The instance has never written at a later time than now.
pub(super) async fn against_database(report: &mut Report, store: &Store, clock: &dyn Clock) {
    let Ok(keys) = store.list_signing_keys().await else { return };
    let now = clock.now();
    match keys.iter().map(|key| key.created_at).max() {
        Some(newest) if newest > now => report.fail(
            "clock",
            format!(
                "this machine's clock is behind: the instance made a signing key {}",
                relative(newest, now)
            ),
            "set the clock, and keep it right (chrony, systemd-timesyncd)",
        ),
        Some(_) | None => report.ok("clock", format!("it is {now}, later than everything that was written")),
    }
}

/// The clock of another machine, by the `Date` of its answer. `asked` and `answered` are this machine's times around it.
pub(super) fn against_answer(
    report: &mut Report,
    whose: &str,
    headers: &HeaderMap,
    asked: Timestamp,
    answered: Timestamp,
) {
    let date = headers.get(header::DATE).and_then(|value| value.to_str().ok()).and_then(parse_date);
    let Some(date) = date else { return };
    // The date is cut to seconds and was written somewhere between asking and answering: only what is beyond that counts.
    let early = asked.as_seconds() - 1 - date.as_seconds();
    let late = date.as_seconds() - answered.as_seconds();
    let skew = early.max(late).max(0);
    if skew <= SKEW_SECONDS_WARN {
        report.ok("clock", format!("{whose} has the same time as this machine"));
        return;
    }
    let direction = if early > late { "behind" } else { "ahead of" };
    let says = format!("the clock of {whose} is {skew} seconds {direction} this machine's");
    if skew <= SKEW_SECONDS_FAIL {
        report.warn("clock", says, REMEDY);
    } else {
        report.fail("clock", says, REMEDY);
    }
}

fn parse_date(text: &str) -> Option<Timestamp> {
    let time = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text).ok()?;
    Some(Timestamp::from_seconds(time.as_second()))
}

#[cfg(test)]
mod tests {
    use super::super::Level;
    use super::*;

    /// A clock that is apart is found by the date of any answer, and a slow answer isn't taken for it.
    #[test]
    fn skew_is_measured() {
        let date = parse_date("Wed, 25 Nov 2026 03:31:34 GMT").unwrap();
        assert_eq!(date, Timestamp::parse_rfc3339("2026-11-25T03:31:34Z").unwrap());
        let headers =
            HeaderMap::from_iter([(header::DATE, "Wed, 25 Nov 2026 03:31:34 GMT".parse().unwrap())]);
        for (asked, answered, level) in [
            (0, 0, Level::Ok),
            (-20, 1, Level::Ok),
            (5, 5, Level::Ok),
            (7, 7, Level::Warning),
            (-30, -30, Level::Warning),
            (90, 90, Level::Failed),
            (-90, -90, Level::Failed),
        ] {
            let mut report = Report::default();
            against_answer(
                &mut report,
                "it",
                &headers,
                date.plus_seconds(asked),
                date.plus_seconds(answered),
            );
            assert_eq!(report.findings()[0].level, level, "{asked} {answered}: {report:?}");
        }
    }
}
