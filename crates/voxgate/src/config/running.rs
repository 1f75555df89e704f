//! Reading what is for whoever runs the instance: the log, the administration listener, traces.

use std::net::SocketAddr;

use control::WebhookReach;

use super::problem::Report;
use super::reader::{Section, choice, filled, flag, host, list, network, parsed, small_integer, text};
use crate::admin::AdminSettings;
use crate::log::{LogFormat, LogLevel, LogSettings, LogTarget};
use crate::telemetry::TelemetrySettings;

/// Reads `[log]`.
pub(super) fn log(root: &mut Section<'_>, report: &mut Report) -> LogSettings {
    let mut section = root.section(report, "log");
    let default = LogSettings::default();
    let format = section.read(report, "format", choice(LogFormat::ALL, LogFormat::as_str));
    let level = section.read(report, "level", choice(LogLevel::ALL, LogLevel::as_str));
    let mut of_parts = section.section(report, "levels");
    let mut levels = default.levels;
    for target in LogTarget::ALL.iter().copied() {
        let level = of_parts.read(report, target.as_str(), choice(LogLevel::ALL, LogLevel::as_str));
        levels.extend(level.map(|level| (target, level)));
    }
    of_parts.finish(report);
    section.finish(report);
    LogSettings { format: format.unwrap_or(default.format), level: level.unwrap_or(default.level), levels }
}

/// Reads `[admin]`.
pub(super) fn admin(root: &mut Section<'_>, report: &mut Report) -> AdminSettings {
    let mut section = root.section(report, "admin");
    let line = section.line(report, "address").unwrap_or(1);
    let address = section.read(report, "address", |value| {
        let text = text(value)?;
        if text.is_empty() {
            return Ok(None);
        }
        let expected = || {
            format!(
                "expected an address with a port, as in 127.0.0.1:9180, or \"\" for none, found \"{text}\""
            )
        };
        text.parse::<SocketAddr>().map(Some).map_err(|_| expected())
    });
    let open_to_network = section.read(report, "open_to_network", flag).unwrap_or(false);
    let settings =
        AdminSettings { address: address.unwrap_or(AdminSettings::default().address), open_to_network };
    if let Some(address) = settings.address.filter(|address| !address.ip().is_loopback())
        && !open_to_network
    {
        let message = format!(
            "{address} can be reached from other machines, and this listener asks nobody who they are: listen on 127.0.0.1 or \
             [::1], or say open_to_network = true if that network is yours alone"
        );
        report.add(line, section.name("address"), message);
    }
    section.finish(report);
    settings
}

/// Reads `[telemetry]`.
pub(super) fn telemetry(root: &mut Section<'_>, report: &mut Report) -> TelemetrySettings {
    let mut section = root.section(report, "telemetry");
    let default = TelemetrySettings::default();
    let settings = TelemetrySettings {
        otlp_endpoint: section.read(report, "otlp_endpoint", parsed(super::load::web_url)),
        service_name: section.read(report, "service_name", filled).unwrap_or(default.service_name),
        sampled_per_million: section
            .read(report, "sampled_per_million", small_integer(0, gateway::trace::SAMPLED_OF))
            .unwrap_or(default.sampled_per_million),
    };
    section.finish(report);
    settings
}

/// Reads `[webhooks]`: where they may be.
pub(super) fn webhooks(root: &mut Section<'_>, report: &mut Report) -> WebhookReach {
    let mut section = root.section(report, "webhooks");
    let everybody = "whoever may set a webhook could have this server call any machine that it reaches";
    let networks = section.read(report, "allowed_networks", list(parsed(|text| network(text, everybody))));
    let allowed_hosts = section.read(report, "allowed_hosts", list(host));
    section.finish(report);
    WebhookReach { allowed_hosts, allowed_networks: networks.unwrap_or_default(), loopback: false }
}
