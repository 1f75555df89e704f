//! Certificates of listeners: when they end, whether they name our hosts, whether the key is theirs.

use std::path::Path;

use domain::Timestamp;
use gateway::CertificateFiles;
use rustls::crypto::aws_lc_rs::sign::any_supported_type;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use x509_parser::extensions::GeneralName;

use super::Report;
use crate::config::{ListenerSettings, Serves, Settings};
use crate::explain::relative;

const ABOUT: &str = "certificates";
const DAY_SECONDS: i64 = 24 * 3600;
/// Whoever renews certificates by a program has done so before this.
const SOON_DAYS: i64 = 14;

/// What a certificate says.
#[derive(Debug)]
struct Facts {
    names: Vec<String>,
    begins: Timestamp,
    ends: Timestamp,
}

pub(super) fn look(report: &mut Report, settings: &Settings, now: Timestamp) {
    for listener in settings.listeners.iter().filter(|listener| !listener.tls.is_empty()) {
        let mut names = Vec::new();
        for files in &listener.tls {
            match read(files) {
                Ok(facts) => {
                    time(report, &files.certificate, &facts, now);
                    names.extend(facts.names);
                }
                Err(says) => report.fail(
                    ABOUT,
                    says,
                    "renew the certificate; certificate and key are PEM files that belong together",
                ),
            }
        }
        hosts(report, settings, listener, &names);
    }
}

fn read(files: &CertificateFiles) -> Result<Facts, String> {
    let shown = files.certificate.display();
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_file_iter(&files.certificate)
        .and_then(|found| found.collect())
        .map_err(|error| format!("{shown} can't be read: {error}"))?;
    let Some(first) = chain.first() else { return Err(format!("{shown} holds no certificate")) };
    let facts = facts(first).ok_or_else(|| format!("{shown} holds something that is no certificate"))?;
    let key = PrivateKeyDer::from_pem_file(&files.key)
        .map_err(|error| format!("{} can't be read: {error}", files.key.display()))?;
    let key = any_supported_type(&key)
        .map_err(|error| format!("{} can't be used: {error}", files.key.display()))?;
    CertifiedKey::new(chain, key)
        .keys_match()
        .map_err(|_| format!("the key {} doesn't belong to the certificate {shown}", files.key.display()))?;
    Ok(facts)
}

fn facts(certificate: &CertificateDer<'_>) -> Option<Facts> {
    let (_, parsed) = x509_parser::parse_x509_certificate(certificate.as_ref()).ok()?;
    let alternative = parsed.subject_alternative_name().ok().flatten();
    let names = alternative.iter().flat_map(|extension| &extension.value.general_names);
    let names = names.filter_map(|name| match name {
        GeneralName::DNSName(name) => Some(name.to_ascii_lowercase()),
        _ => None,
    });
    Some(Facts {
        names: names.collect(),
        begins: Timestamp::from_seconds(parsed.validity().not_before.timestamp()),
        ends: Timestamp::from_seconds(parsed.validity().not_after.timestamp()),
    })
}

fn time(report: &mut Report, file: &Path, facts: &Facts, now: Timestamp) {
    let shown = file.display();
    if facts.ends <= now {
        report.fail(
            ABOUT,
            format!("{shown} ended {}", relative(facts.ends, now)),
            "renew it: clients refuse to connect",
        );
    } else if facts.begins > now {
        let says = format!("{shown} begins {}", relative(facts.begins, now));
        report.fail(
            ABOUT,
            says,
            "compare this machine's clock with the authority's: clients refuse to connect",
        );
    } else if facts.ends <= now.plus_seconds(SOON_DAYS * DAY_SECONDS) {
        let says = format!("{shown} ends {}", relative(facts.ends, now));
        report.warn(ABOUT, says, "renew it; a new file is taken without a restart");
    } else {
        report.ok(ABOUT, format!("{shown} ends {}, and its key is right", relative(facts.ends, now)));
    }
}

/// Whether the certificates of a listener name every host that is served there.
fn hosts(report: &mut Report, settings: &Settings, listener: &ListenerSettings, names: &[String]) {
    let missing: Vec<&str> = served(settings, listener.serves)
        .into_iter()
        .filter(|host| !names.iter().any(|name| covers(name, host)))
        .collect();
    if missing.is_empty() {
        report.ok(
            ABOUT,
            format!("the certificates at {} name every host that is served there", listener.place),
        );
        return;
    }
    report.warn(
        ABOUT,
        format!("no certificate at {} names {}", listener.place, missing.join(", ")),
        "have the certificate name these hosts too, or take the hosts out of the configuration if nobody uses them",
    );
}

/// The hosts by which clients reach what a listener serves. One that serves a region whatever the host has that region's.
fn served(settings: &Settings, serves: Serves) -> Vec<&str> {
    let others = || {
        let hosts = &settings.hosts;
        hosts.management.iter().chain(&hosts.portal).map(String::as_str)
    };
    let mut found: Vec<&str> = match serves {
        Serves::Hosts => others().chain(settings.hosts.global_realtime.iter().map(String::as_str)).collect(),
        Serves::Home(_) => others().collect(),
        Serves::Region(_) => Vec::new(),
    };
    for region in settings.regions.iter().filter(|region| region.has_engine()) {
        let is_here = match serves {
            Serves::Hosts => true,
            Serves::Home(home) | Serves::Region(home) => region.region == home,
        };
        if is_here {
            found.extend(region.batch_hosts.iter().chain(&region.realtime_hosts).map(String::as_str));
        }
    }
    found
}

/// A name of a certificate covers a host: exactly, or by a star in place of its first label.
fn covers(name: &str, host: &str) -> bool {
    if name == host {
        return true;
    }
    match (name.strip_prefix("*."), host.split_once('.')) {
        (Some(parent), Some((label, rest))) => !label.is_empty() && parent == rest,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::super::Level;
    use super::*;
    use crate::config::load;

    struct Certificate {
        folder: tempfile::TempDir,
    }

    impl Certificate {
        fn new(names: &[&str], days: i64) -> Self {
            let folder = tempfile::tempdir().unwrap();
            let mut params = rcgen::CertificateParams::new(
                names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>(),
            )
            .unwrap();
            params.not_before = rcgen::date_time_ymd(2026, 1, 1);
            params.not_after = params.not_before
                + std::time::Duration::from_secs(u64::try_from(days * DAY_SECONDS).unwrap());
            let key = rcgen::KeyPair::generate().unwrap();
            let certificate = params.self_signed(&key).unwrap();
            std::fs::write(folder.path().join("cert.pem"), certificate.pem()).unwrap();
            std::fs::write(folder.path().join("key.pem"), key.serialize_pem()).unwrap();
            Self { folder }
        }

        fn look(&self, key: &str, now: &str) -> Report {
            let text = format!(
                "domain = \"voice.example\"\n[hosts]\nportal = []\nglobal_realtime = []\n[[listener]]\n\
                 address = \"127.0.0.1:0\"\ntls_certificate_file = \"{0}/cert.pem\"\ntls_key_file = \"{1}\"\n\
                 [regions.eu1]\nbatch_upstream = \"http://127.0.0.1:1\"\n",
                self.folder.path().display(),
                key,
            );
            let settings = load(&text).unwrap_or_else(|problems| panic!("{problems:?}")).settings;
            let mut report = Report::default();
            look(&mut report, &settings, Timestamp::parse_rfc3339(now).unwrap());
            report
        }

        fn key(&self) -> String {
            self.folder.path().join("key.pem").display().to_string()
        }
    }

    /// A certificate that names every host and goes on for a while is fine; one that ends is told before it does.
    #[test]
    fn the_end_is_told_in_time() {
        let certificate =
            Certificate::new(&["*.voice.example", "eu1.asr.voice.example", "eu.rt.voice.example"], 90);
        for (now, level) in [
            ("2026-02-01T00:00:00Z", Level::Ok),
            ("2026-03-25T00:00:00Z", Level::Warning),
            ("2026-04-10T00:00:00Z", Level::Failed),
            ("2025-12-01T00:00:00Z", Level::Failed),
        ] {
            let report = certificate.look(&certificate.key(), now);
            assert_eq!(report.findings()[0].level, level, "{now}: {report:?}");
            assert_eq!(report.findings()[1].level, Level::Ok, "{report:?}");
        }
    }

    /// A host that no certificate names, and a key of another certificate, are found.
    #[test]
    fn what_clients_would_refuse_is_found() {
        let certificate = Certificate::new(&["mp.voice.example"], 90);
        let report = certificate.look(&certificate.key(), "2026-02-01T00:00:00Z");
        assert_eq!(report.findings()[1].level, Level::Warning);
        assert!(report.findings()[1].says.contains("eu1.asr.voice.example"), "{report:?}");
        let other = Certificate::new(&["mp.voice.example"], 90);
        let report = certificate.look(&other.key(), "2026-02-01T00:00:00Z");
        assert_eq!(report.findings()[0].level, Level::Failed);
        assert!(report.findings()[0].says.contains("doesn't belong"), "{report:?}");
    }

    /// A star stands for one label, as clients take it.
    #[test]
    fn stars_stand_for_one_label() {
        assert!(covers("*.voice.example", "mp.voice.example") && covers("a.b", "a.b"));
        assert!(!covers("*.voice.example", "eu1.asr.voice.example"));
        assert!(!covers("*.voice.example", "voice.example") && !covers("*.b", ".b"));
    }
}
