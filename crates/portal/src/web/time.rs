//! Times as people read them: in the zone of their account.

use domain::{TIME_ZONE_DEFAULT, Timestamp};
use jiff::tz::TimeZone;

/// The zone that a page shows times in.
#[derive(Debug, Clone)]
pub(crate) struct Zone(TimeZone);

/// A moment in two forms: for people and for machines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ShownTime {
    /// Date, time to the minute and the zone's abbreviation.
    pub(crate) text: String,
    /// Date alone.
    pub(crate) date: String,
    /// RFC 3339, in UTC.
    pub(crate) iso: String,
}

impl Zone {
    /// The zone of this IANA name; UTC where it is unknown.
    pub(crate) fn named(name: &str) -> Self {
        Self::parse(name).unwrap_or_else(|| Self(TimeZone::UTC))
    }

    /// The zone of this IANA name, if there is one.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        if name == TIME_ZONE_DEFAULT {
            return Some(Self(TimeZone::UTC));
        }
        TimeZone::get(name).ok().map(Self)
    }

    /// Reads what a field of a form holds: a day, which stands for its beginning, or a day and a time, both in this zone.
    pub(crate) fn read(&self, text: &str) -> Option<Timestamp> {
        let day = || text.parse::<jiff::civil::Date>().ok().map(|day| day.at(0, 0, 0, 0));
        let is_day = text.len() == "2027-01-31".len();
        let moment = if is_day { day() } else { text.parse::<jiff::civil::DateTime>().ok() }?;
        let moment = moment.to_zoned_datetime(self.0.clone()).ok()?;
        Some(Timestamp::from_micros(moment.timestamp().as_microsecond()))
    }

    /// A moment as a field for a day and a time holds it.
    pub(crate) fn field(&self, at: Timestamp) -> String {
        let moment = jiff::Timestamp::from_microsecond(at.as_micros()).unwrap_or_default();
        moment.to_zoned_datetime(self.0.clone()).strftime("%Y-%m-%dT%H:%M").to_string()
    }

    /// A moment in this zone.
    pub(crate) fn show(&self, at: Timestamp) -> ShownTime {
        let moment = jiff::Timestamp::from_microsecond(at.as_micros()).unwrap_or_default();
        let local = moment.to_zoned_datetime(self.0.clone());
        ShownTime {
            text: local.strftime("%Y-%m-%d %H:%M %Z").to_string(),
            date: local.strftime("%Y-%m-%d").to_string(),
            iso: at.to_rfc3339(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a form says is meant in the zone that its page shows; anything but a day, with or without a time, is none.
    #[test]
    fn fields_are_local() {
        let berlin = Zone::named("Europe/Berlin");
        let at = berlin.read("2026-11-26T06:00").unwrap();
        assert_eq!(at, Timestamp::from_seconds(1_795_669_200));
        assert_eq!(berlin.field(at), "2026-11-26T06:00");
        assert_eq!(berlin.read("2026-11-26").unwrap(), at.plus_seconds(-6 * 3600));
        for wrong in [
            "",
            "tomorrow",
            "2026-02-30",
            "2026-11-26T25:00",
            "-009999-01-01",
            "2026-11-26T06:00Z",
            "26-11-26",
        ] {
            assert_eq!(berlin.read(wrong), None, "{wrong}");
        }
    }

    /// Times are shown in the zone that was chosen, and in UTC where there is none.
    #[test]
    fn times_are_local() {
        let at = Timestamp::from_seconds(1_795_669_200);
        assert_eq!(Zone::named("UTC").show(at).text, "2026-11-26 05:00 UTC");
        assert_eq!(Zone::named("Europe/Berlin").show(at).text, "2026-11-26 06:00 CET");
        assert_eq!(Zone::named("No/Where").show(at).text, "2026-11-26 05:00 UTC");
        assert!(Zone::parse("No/Where").is_none());
    }
}
