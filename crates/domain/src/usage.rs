//! Usage, as it is asked for.

use crate::{ApiKeyId, ClientRef, Product, ProjectId, Region, Timestamp, WorkspaceId, bit_set, named_enum};

/// Seconds of a day.
const DAY_SECONDS: i64 = 86_400;

named_enum! {
    /// How the speech API was used.
    Mode {
        /// Request by request.
        Batch = "batch",
        /// By sessions.
        Realtime = "realtime",
    }
}

impl Mode {
    /// The mode of a product.
    pub const fn of(product: Product) -> Self {
        match product {
            Product::Batch | Product::Tts => Self::Batch,
            Product::Rt | Product::Flow => Self::Realtime,
        }
    }
}

named_enum! {
    /// What usage is told apart by.
    UsageGroup {
        /// The UTC day.
        Day = "day",
        /// The project.
        Project = "project",
        /// The API key, itself and what it minted.
        ApiKey = "api_key",
        /// The end user.
        ClientRef = "client_ref",
        /// The region.
        Region = "region",
        /// The mode.
        Mode = "mode",
    }
}

bit_set! {
    /// What usage is told apart by.
    UsageGroups of UsageGroup in u8
}

/// A UTC day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day(Timestamp);

impl Day {
    /// The day in which a moment lies.
    pub const fn of(moment: Timestamp) -> Self {
        Self(Timestamp::from_seconds(moment.as_seconds().div_euclid(DAY_SECONDS) * DAY_SECONDS))
    }

    /// When it begins.
    pub const fn start(self) -> Timestamp {
        self.0
    }

    /// The day so many days later; earlier if that is negative.
    #[must_use]
    pub const fn plus_days(self, days: i64) -> Self {
        Self(self.0.plus_seconds(days.saturating_mul(DAY_SECONDS)))
    }

    /// Reads `2027-01-31`, and nothing else.
    pub fn parse(text: &str) -> Option<Self> {
        let is_form = text.len() == 10
            && text.bytes().enumerate().all(|(index, byte)| match index {
                4 | 7 => byte == b'-',
                _ => byte.is_ascii_digit(),
            });
        if !is_form {
            return None;
        }
        Timestamp::parse_rfc3339(&format!("{text}T00:00:00Z")).map(Self)
    }
}

impl std::fmt::Display for Day {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let text = self.0.to_rfc3339();
        f.write_str(text.get(..10).unwrap_or(&text))
    }
}

/// Which usage is summed up; absent fields don't narrow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsageQuery {
    /// The workspace that asks.
    pub workspace_id: WorkspaceId,
    /// The first day.
    pub since: Day,
    /// The last day.
    pub until: Day,
    /// Only this project.
    pub project_id: Option<ProjectId>,
    /// Only this API key and what it minted.
    pub api_key_id: Option<ApiKeyId>,
    /// Only this end user.
    pub client_ref: Option<ClientRef>,
    /// Only this region.
    pub region: Option<Region>,
    /// What it is told apart by; nothing makes one sum of all.
    pub groups: UsageGroups,
}

/// What usage came to for one combination of what it is told apart by; what it isn't told apart by is `None`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct UsageKey {
    /// The day.
    pub day: Option<Day>,
    /// The project.
    pub project_id: Option<ProjectId>,
    /// The API key.
    pub api_key_id: Option<ApiKeyId>,
    /// The end user; the inner `None` is nobody in particular.
    pub client_ref: Option<Option<ClientRef>>,
    /// The region.
    pub region: Option<Region>,
    /// The mode.
    pub mode: Option<Mode>,
}

/// What usage came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct UsageCounts {
    /// Requests.
    pub requests: u64,
    /// Sessions begun.
    pub sessions: u64,
    /// Audio, in milliseconds.
    pub audio_millis: u64,
    /// Bytes from clients.
    pub received_bytes: u64,
    /// Refusals.
    pub refusals: u64,
}

impl UsageCounts {
    /// Audio, in seconds.
    #[expect(clippy::cast_precision_loss, reason = "exact for the first 285,000 years")]
    pub fn audio_seconds(self) -> f64 {
        self.audio_millis as f64 / 1000.0
    }

    /// Both together.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self {
            requests: self.requests.saturating_add(other.requests),
            sessions: self.sessions.saturating_add(other.sessions),
            audio_millis: self.audio_millis.saturating_add(other.audio_millis),
            received_bytes: self.received_bytes.saturating_add(other.received_bytes),
            refusals: self.refusals.saturating_add(other.refusals),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A day has one spelling, and days that aren't are refused.
    #[test]
    fn days_are_read_exactly() {
        let day = Day::parse("2024-02-29").unwrap();
        assert_eq!(
            (day.to_string().as_str(), day.plus_days(1).to_string().as_str()),
            ("2024-02-29", "2024-03-01")
        );
        assert_eq!(Day::of(day.start().plus_seconds(86_399)), day);
        for wrong in
            ["", "2023-02-29", "2024-2-29", "2024-02-29T00:00:00Z", "24-02-29", "2024-02-2x", "2024/02/29"]
        {
            assert_eq!(Day::parse(wrong), None, "{wrong}");
        }
    }

    proptest! {
        /// Every day survives its text form, and nothing else is read.
        #[test]
        fn text_round_trip(days in 0_i64..200_000, text in ".{0,12}") {
            let day = Day::of(Timestamp::from_seconds(0)).plus_days(days);
            prop_assert_eq!(Day::parse(&day.to_string()), Some(day));
            if let Some(day) = Day::parse(&text) {
                prop_assert_eq!(day.to_string(), text);
            }
        }
    }
}
