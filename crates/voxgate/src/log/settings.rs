//! How a process logs, as plain data.

use std::collections::BTreeMap;

use domain::named_enum;

named_enum! {
    /// How log lines look.
    LogFormat {
        /// For people.
        People = "people",
        /// One JSON object per line.
        Json = "json",
    }
}

named_enum! {
    /// From which importance on something is logged.
    LogLevel {
        /// Nothing.
        Off = "off",
        /// Only what needs somebody's attention.
        Error = "error",
        /// And what may need it.
        Warn = "warn",
        /// And each request and change.
        Info = "info",
        /// And what helps to find mistakes.
        Debug = "debug",
    }
}

named_enum! {
    /// What can have a level of its own.
    LogTarget {
        /// One line for each request and session.
        Access = "access",
        /// The program itself.
        Voxgate = "voxgate",
        /// The data plane.
        Gateway = "gateway",
        /// The control plane.
        Control = "control",
        /// The management API.
        Management = "management",
        /// The portal.
        Portal = "portal",
        /// Job owners and usage of regions.
        Ledger = "ledger",
        /// The control plane's database.
        Storage = "storage",
        /// Databases in general.
        Sql = "sql",
        /// The sandbox engine.
        Sandbox = "sandbox",
        /// The libraries below.
        Libraries = "libraries",
    }
}

/// How a process logs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogSettings {
    /// How lines look.
    pub format: LogFormat,
    /// What is logged, but for parts with a level of their own.
    pub level: LogLevel,
    /// Parts with a level of their own.
    pub levels: BTreeMap<LogTarget, LogLevel>,
}

impl Default for LogSettings {
    fn default() -> Self {
        Self { format: LogFormat::People, level: LogLevel::Info, levels: BTreeMap::new() }
    }
}

impl LogSettings {
    /// The level of a part.
    pub fn level_of(&self, target: LogTarget) -> LogLevel {
        let usual = if target == LogTarget::Libraries { LogLevel::Warn } else { self.level };
        self.levels.get(&target).copied().unwrap_or(usual)
    }
}
