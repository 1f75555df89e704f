//! From settings to what is let through.

use tracing_subscriber::EnvFilter;

use super::{LogSettings, LogTarget};

/// The filter of these settings.
pub(super) fn of(settings: &LogSettings) -> EnvFilter {
    EnvFilter::new(text(settings))
}

fn text(settings: &LogSettings) -> String {
    let level = |target| settings.level_of(target);
    let mut text = level(LogTarget::Libraries).to_string();
    for target in LogTarget::ALL.iter().filter(|target| **target != LogTarget::Libraries) {
        text.push_str(&format!(",{target}={}", level(*target)));
    }
    text
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::super::LogLevel;
    use super::*;

    /// Libraries below log statements and heads at finer levels: they stay at warnings whatever is asked for in general.
    #[test]
    fn libraries_stay_quiet() {
        let settings = LogSettings { level: LogLevel::Debug, ..LogSettings::default() };
        let text = text(&settings);
        assert!(text.starts_with("warn,access=debug,"), "{text}");
        assert!(of(&settings).to_string().contains("gateway=debug"));
    }

    /// What is set for one part holds for that part alone.
    #[test]
    fn a_part_has_its_own_level() {
        let levels =
            BTreeMap::from([(LogTarget::Access, LogLevel::Off), (LogTarget::Libraries, LogLevel::Error)]);
        let text = text(&LogSettings { levels, ..LogSettings::default() });
        assert!(text.starts_with("error,access=off,voxgate=info"), "{text}");
    }
}
