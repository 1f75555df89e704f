//! Reading the regions' sections.

use std::path::PathBuf;

use domain::Region;
use gateway::{EngineCapabilities, Upstream};

use super::problem::Report;
use super::reader::{Section, choice, filled, host, list, parsed};
use super::settings::{EngineAbility, RegionSettings, SecretPlace};

/// Reads `[regions.…]`.
pub(super) fn regions(root: &mut Section<'_>, report: &mut Report, domain: &str) -> Vec<RegionSettings> {
    let mut sections = root.section(report, "regions");
    let regions =
        Region::ALL.iter().map(|region| self::region(&mut sections, report, *region, domain)).collect();
    sections.finish(report);
    regions
}

fn region(sections: &mut Section<'_>, report: &mut Report, region: Region, domain: &str) -> RegionSettings {
    let mut section = sections.section(report, region.as_str());
    let mut settings = RegionSettings::under(region, domain);
    if let Some(hosts) = section.read(report, "batch_hosts", list(host)) {
        settings.batch_hosts = hosts;
    }
    settings.batch_upstream = section.read(report, "batch_upstream", upstream());
    settings.tts_upstream = section.read(report, "tts_upstream", upstream());
    if region.has_realtime() {
        if let Some(hosts) = section.read(report, "realtime_hosts", list(host)) {
            settings.realtime_hosts = hosts;
        }
        settings.realtime_upstream = section.read(report, "realtime_upstream", upstream());
    }
    settings.engine_token = secret(&mut section, report);
    if let Some(abilities) =
        section.read(report, "engine_can", list(choice(EngineAbility::ALL, EngineAbility::as_str)))
    {
        settings.capabilities = EngineCapabilities {
            wait: abilities.contains(&EngineAbility::Wait),
            delete: abilities.contains(&EngineAbility::Delete),
            log: abilities.contains(&EngineAbility::Log),
        };
    }
    section.finish(report);
    settings
}

fn upstream() -> impl Fn(&toml::de::DeValue<'_>) -> Result<Upstream, String> {
    parsed(|url| Upstream::parse(url).map_err(|error| error.to_string()))
}

fn secret(section: &mut Section<'_>, report: &mut Report) -> Option<SecretPlace> {
    let line = section.line(report, "engine_token_env");
    let file = section.read(report, "engine_token_file", filled).map(PathBuf::from);
    let variable = section.read(report, "engine_token_env", filled);
    match (file, variable) {
        (Some(_), Some(_)) => {
            let message = "engine_token_file says it already: keep one of the two";
            report.add(line.unwrap_or(1), section.name("engine_token_env"), message);
            None
        }
        (Some(path), None) => Some(SecretPlace::File(path)),
        (None, Some(name)) => Some(SecretPlace::Variable(name)),
        (None, None) => None,
    }
}
