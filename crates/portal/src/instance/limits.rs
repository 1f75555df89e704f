//! Limits of one workspace, as a form has them: an empty field keeps the plan's.

use domain::OwnLimits;
use serde::Deserialize;

/// Seconds of an hour.
const HOUR_SECONDS: u32 = 3600;

/// What is changed.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Fields {
    pub(super) plan: String,
    pub(super) concurrent_sessions_max: String,
    pub(super) creates_per_second_max: String,
    pub(super) reads_per_second_max: String,
    pub(super) mints_per_second_max: String,
    pub(super) audio_hours_per_month_max: String,
    /// `yes`, `no`, or empty.
    pub(super) enterprise: String,
}

fn text(value: Option<u32>) -> String {
    value.map(|value| value.to_string()).unwrap_or_default()
}

fn number(text: &str) -> Result<Option<u32>, &'static str> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    let is_digits = text.bytes().all(|byte| byte.is_ascii_digit());
    let number = text.parse().ok().filter(|_| is_digits);
    number
        .map(Some)
        .ok_or("A limit is a whole number, at most 4294967295. Leave it empty to keep the plan's.")
}

impl Fields {
    /// What a workspace has now.
    pub(super) fn of(plan: &str, own: &OwnLimits) -> Self {
        let enterprise = match own.enterprise {
            Some(true) => "yes",
            Some(false) => "no",
            None => "",
        };
        Self {
            plan: plan.to_owned(),
            concurrent_sessions_max: text(own.concurrent_sessions_max),
            creates_per_second_max: text(own.creates_per_second_max),
            reads_per_second_max: text(own.reads_per_second_max),
            mints_per_second_max: text(own.mints_per_second_max),
            audio_hours_per_month_max: text(
                own.audio_seconds_per_month_max.map(|seconds| seconds / HOUR_SECONDS),
            ),
            enterprise: enterprise.to_owned(),
        }
    }

    /// The limits, where `present` are those that hold.
    pub(super) fn read(&self, present: OwnLimits) -> Result<OwnLimits, &'static str> {
        let hours = number(&self.audio_hours_per_month_max)?;
        let seconds = |hours: u32| {
            hours
                .checked_mul(HOUR_SECONDS)
                .ok_or("Hours of audio are at most 1193046. Leave the field empty for no limit.")
        };
        let enterprise = match self.enterprise.as_str() {
            "yes" => Some(true),
            "no" => Some(false),
            "" => None,
            _ => return Err("Enterprise is yes, no, or the plan's."),
        };
        // A part of an hour that was set elsewhere is kept where the field wasn't touched.
        let untouched = hours == present.audio_seconds_per_month_max.map(|seconds| seconds / HOUR_SECONDS);
        let audio_seconds_per_month_max =
            if untouched { present.audio_seconds_per_month_max } else { hours.map(seconds).transpose()? };
        Ok(OwnLimits {
            concurrent_sessions_max: number(&self.concurrent_sessions_max)?,
            creates_per_second_max: number(&self.creates_per_second_max)?,
            reads_per_second_max: number(&self.reads_per_second_max)?,
            mints_per_second_max: number(&self.mints_per_second_max)?,
            audio_seconds_per_month_max,
            enterprise,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Limits survive the form; an empty field is the plan's limit, which isn't the same as 0, and no other text is a number.
    #[test]
    fn limits_survive_the_form() {
        let own = OwnLimits {
            concurrent_sessions_max: Some(0),
            reads_per_second_max: Some(u32::MAX),
            audio_seconds_per_month_max: Some(5400),
            enterprise: Some(false),
            ..OwnLimits::default()
        };
        let fields = Fields::of("pro", &own);
        assert_eq!(fields.read(own), Ok(own));
        assert_eq!(
            Fields { audio_hours_per_month_max: "2".to_owned(), ..fields.clone() }.read(own),
            Ok(OwnLimits { audio_seconds_per_month_max: Some(7200), ..own })
        );
        let plan = Fields::of("pro", &OwnLimits::default());
        assert_eq!(plan.read(own), Ok(OwnLimits::default()));
        for wrong in ["-1", "+1", "1.5", "1e3", "4294967296", "x", "１"] {
            let fields = Fields { concurrent_sessions_max: wrong.to_owned(), ..plan.clone() };
            assert!(fields.read(own).is_err(), "{wrong}");
        }
        let hours = Fields { audio_hours_per_month_max: "1193047".to_owned(), ..plan };
        assert!(hours.read(own).is_err());
    }
}
