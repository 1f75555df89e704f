//! What usage is measured in, and how it is said.

use domain::usage::UsageCounts;

/// One measure of usage: a plot and its table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Measure {
    /// Audio that was transcribed.
    Audio,
    /// Realtime sessions that were begun.
    Sessions,
    /// Requests of any kind.
    Requests,
    /// Requests and sessions that were refused.
    Refusals,
}

/// The unit that values of a measure are said in: one for a whole plot and its table.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Unit {
    /// Its name, where it isn't the thing itself.
    pub(crate) name: Option<&'static str>,
    /// How many of what is counted make one.
    counted: f64,
    /// Digits after the point.
    digits: usize,
}

const WHOLE: Unit = Unit { name: None, counted: 1.0, digits: 0 };
const HOURS: Unit = Unit { name: Some("hours"), counted: 3_600_000.0, digits: 2 };
const MINUTES: Unit = Unit { name: Some("minutes"), counted: 60_000.0, digits: 2 };
const SECONDS: Unit = Unit { name: Some("seconds"), counted: 1_000.0, digits: 1 };

impl Measure {
    /// All of them, in the order of the page.
    pub(crate) const ALL: [Self; 4] = [Self::Audio, Self::Sessions, Self::Requests, Self::Refusals];

    /// Its name in ids.
    pub(crate) const fn id(self) -> &'static str {
        match self {
            Self::Audio => "audio",
            Self::Sessions => "sessions",
            Self::Requests => "requests",
            Self::Refusals => "refusals",
        }
    }

    /// Its name for people.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Audio => "Audio",
            Self::Sessions => "Sessions",
            Self::Requests => "Requests",
            Self::Refusals => "Refusals",
        }
    }

    /// What was counted: milliseconds of audio, or things.
    pub(crate) const fn counted(self, counts: UsageCounts) -> u64 {
        match self {
            Self::Audio => counts.audio_millis,
            Self::Sessions => counts.sessions,
            Self::Requests => counts.requests,
            Self::Refusals => counts.refusals,
        }
    }

    /// The unit in which the largest value of a plot reads well, and all others with it.
    pub(crate) const fn unit(self, counted_max: u64) -> Unit {
        match self {
            Self::Audio if counted_max >= 3_600_000 => HOURS,
            Self::Audio if counted_max >= 60_000 => MINUTES,
            Self::Audio => SECONDS,
            Self::Sessions | Self::Requests | Self::Refusals => WHOLE,
        }
    }
}

impl Unit {
    /// Whether there are no halves of it.
    pub(crate) const fn is_whole(self) -> bool {
        self.digits == 0
    }

    /// What was counted, in this unit.
    #[expect(clippy::cast_precision_loss, reason = "a plot shows no 16th digit")]
    pub(crate) fn of(self, counted: u64) -> f64 {
        counted as f64 / self.counted
    }

    /// What was counted, as it is said: with thin groups of thousands.
    pub(crate) fn say(self, counted: u64) -> String {
        if self.is_whole() {
            return grouped(&counted.to_string());
        }
        grouped(&format!("{:.*}", self.digits, self.of(counted)))
    }
}

/// A number with a comma between thousands; what stands after a point is left as it is.
pub(crate) fn grouped(number: &str) -> String {
    let whole = number.split_once('.').map_or(number, |(whole, _)| whole);
    let mut text = String::with_capacity(number.len() + whole.len() / 3);
    for (index, digit) in whole.char_indices() {
        if index > 0 && (whole.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text.push_str(&number[whole.len()..]);
    text
}

/// The number at a line of an axis: as short as it can be said.
pub(crate) fn say_line(value: f64) -> String {
    if value >= 10_000.0 {
        for (size, letter) in [(1e12, 'T'), (1e9, 'G'), (1e6, 'M'), (1e3, 'k')] {
            if value >= size {
                return format!("{}{letter}", trimmed(value / size));
            }
        }
    }
    trimmed(value)
}

fn trimmed(value: f64) -> String {
    let text = format!("{value:.3}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers are said as people read them, in a unit that fits the largest of a plot.
    #[test]
    fn numbers_read_well() {
        let say = |measure: Measure, counted: u64| {
            let unit = measure.unit(counted);
            format!("{} {}", unit.say(counted), unit.name.unwrap_or_default())
        };
        assert_eq!(say(Measure::Audio, 0), "0.0 seconds");
        assert_eq!(say(Measure::Audio, 4_250), "4.2 seconds");
        assert_eq!(say(Measure::Audio, 90_000), "1.50 minutes");
        assert_eq!(say(Measure::Audio, 3_600_000 * 12_345), "12,345.00 hours");
        assert_eq!(say(Measure::Requests, 1_234_567), "1,234,567 ");
        assert_eq!(say(Measure::Sessions, 999), "999 ");
        assert_eq!(grouped("100"), "100");
        assert_eq!(grouped("1000.125"), "1,000.125");
        for (value, said) in [
            (0.0, "0"),
            (0.1 + 0.2, "0.3"),
            (250.0, "250"),
            (5_000.0, "5000"),
            (20_000.0, "20k"),
            (1.5e6, "1.5M"),
        ] {
            assert_eq!(say_line(value), said);
        }
    }
}
