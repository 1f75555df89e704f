//! Reading the regions' sections.

use std::path::PathBuf;

use domain::Region;
use gateway::{CertificateFiles, EngineCapabilities, EngineTlsFiles, Upstream};

use super::database;
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
    settings.ledger_url =
        database::url(&mut section, report, "ledger_url", "ledger_url_file", "ledger_url_env");
    settings.engine_token = secret(&mut section, report);
    settings.engine_tls = engine_tls(&mut section, report);
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

fn engine_tls(section: &mut Section<'_>, report: &mut Report) -> EngineTlsFiles {
    let line =
        section.line(report, "engine_key_file").or_else(|| section.line(report, "engine_certificate_file"));
    let mut file = |key| section.read(report, key, filled).map(PathBuf::from);
    let authorities = file("engine_ca_file");
    let (certificate, key) = (file("engine_certificate_file"), file("engine_key_file"));
    if certificate.is_some() != key.is_some() {
        let message = "engine_certificate_file and engine_key_file belong together: name both or none";
        report.add(line.unwrap_or(1), section.name("engine_key_file"), message);
    }
    let client = certificate.zip(key).map(|(certificate, key)| CertificateFiles { certificate, key });
    EngineTlsFiles { authorities, client }
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
