//! Times in words.

use domain::Timestamp;

const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// How far a moment is from now: `in 57 minutes`, `3 days ago`.
pub fn relative(moment: Timestamp, now: Timestamp) -> String {
    let seconds = moment.as_seconds().saturating_sub(now.as_seconds());
    match seconds {
        0 => "now".to_owned(),
        1.. => format!("in {}", span(seconds)),
        _ => format!("{} ago", span(seconds.saturating_neg())),
    }
}

/// The largest unit that says enough: two of it at least, or one smaller unit is taken.
fn span(seconds: i64) -> String {
    for (unit, name) in [(DAY, "days"), (HOUR, "hours"), (MINUTE, "minutes")] {
        if seconds >= 2 * unit {
            return format!("{} {name}", seconds / unit);
        }
    }
    if seconds == 1 { "1 second".to_owned() } else { format!("{seconds} seconds") }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// People read "in 59 minutes", not a number of seconds.
    #[test]
    fn spans_are_for_people() {
        let now = Timestamp::from_seconds(1_000_000);
        for (seconds, said) in [
            (0, "now"),
            (1, "in 1 second"),
            (119, "in 119 seconds"),
            (120, "in 2 minutes"),
            (3599, "in 59 minutes"),
            (-7200, "2 hours ago"),
            (-1, "1 second ago"),
            (3 * DAY, "in 3 days"),
        ] {
            assert_eq!(relative(now.plus_seconds(seconds), now), said);
        }
        assert!(relative(Timestamp::from_micros(i64::MIN), now).ends_with("days ago"));
    }
}
