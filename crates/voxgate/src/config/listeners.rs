//! Reading `[[listener]]`, and which proxies in front are believed.

use std::net::SocketAddr;
use std::path::PathBuf;

use domain::Region;
use gateway::{CertificateFiles, ClientHeader};
use toml::de::DeValue;

use super::problem::Report;
use super::reader::{Section, choice, filled, flag, list, network, parsed};
use super::settings::{ListenerPlace, ListenerSettings, ProxySettings, Serves};

/// What an address on this machine alone begins with.
const UNIX: &str = "unix:";

/// Reads all listeners, each with the line where it begins; `None` where the file names none.
pub(super) fn listeners(
    root: &mut Section<'_>,
    report: &mut Report,
) -> Option<Vec<(usize, ListenerSettings)>> {
    let sections = root.sections(report, "listener")?;
    Some(sections.into_iter().filter_map(|(line, section)| listener(line, section, report)).collect())
}

fn listener(line: usize, mut section: Section<'_>, report: &mut Report) -> Option<(usize, ListenerSettings)> {
    let has_address = section.line(report, "address").is_some();
    let socket_line = section.line(report, "socket");
    let address = section.read(report, "address", parsed(place));
    let socket = section.read(report, "socket", filled).map(ListenerPlace::Inherited);
    match (has_address, socket_line) {
        (false, None) => report.add(
            line,
            section.name("address"),
            "missing: expected an address with a port, as in 127.0.0.1:8080, or the name of a socket from systemd in socket",
        ),
        (true, Some(line)) => {
            report.add(line, section.name("socket"), "address says it already: keep one of the two");
        }
        _ => {}
    }
    let serves = section.read(report, "serves", parsed(serves)).unwrap_or(Serves::Hosts);
    let tls = certificates(&mut section, report);
    let proxy_protocol = section.read(report, "proxy_protocol", flag).unwrap_or_default();
    section.finish(report);
    Some((line, ListenerSettings { place: address.or(socket)?, serves, tls, proxy_protocol }))
}

fn place(text: &str) -> Result<ListenerPlace, String> {
    if let Some(path) = text.strip_prefix(UNIX) {
        let path = PathBuf::from(path);
        return if path.is_absolute() {
            Ok(ListenerPlace::Unix(path))
        } else {
            Err(format!("expected a whole path, as in unix:/run/voxgate/http.sock, found \"{text}\""))
        };
    }
    text.parse::<SocketAddr>().map(ListenerPlace::Address).map_err(|_| {
        format!("expected an address with a port, as in 127.0.0.1:8080 or [::1]:8080, found \"{text}\"")
    })
}

fn serves(text: &str) -> Result<Serves, String> {
    if text == "hosts" {
        return Ok(Serves::Hosts);
    }
    let (name, is_home) = match text.strip_prefix("home:") {
        Some(name) => (name, true),
        None => (text, false),
    };
    match Region::from_name(name) {
        Some(region) if is_home => Ok(Serves::Home(region)),
        Some(region) => Ok(Serves::Region(region)),
        None => {
            let names: Vec<&str> = Region::ALL.iter().map(|region| region.as_str()).collect();
            Err(format!(
                "expected \"hosts\", a region ({}), or \"home:\" and a region, found \"{text}\"",
                names.join(", ")
            ))
        }
    }
}

/// The certificates of a listener with their keys; none where it speaks no TLS.
fn certificates(section: &mut Section<'_>, report: &mut Report) -> Vec<CertificateFiles> {
    let certificates = section.read(report, "tls_certificate_file", files).unwrap_or_default();
    let keys = section.read(report, "tls_key_file", files).unwrap_or_default();
    if certificates.len() != keys.len() {
        let message = format!(
            "expected as many keys as certificates, in the same order, found {} and {}",
            keys.len(),
            certificates.len()
        );
        let line =
            section.line(report, "tls_key_file").or_else(|| section.line(report, "tls_certificate_file"));
        report.add(line.unwrap_or(1), section.name("tls_key_file"), message);
    }
    certificates
        .into_iter()
        .zip(keys)
        .map(|(certificate, key)| CertificateFiles { certificate, key })
        .collect()
}

/// One file, or a list of them.
fn files(value: &DeValue<'_>) -> Result<Vec<PathBuf>, String> {
    match value.as_array() {
        Some(_) => list(filled)(value).map(|paths| paths.into_iter().map(PathBuf::from).collect()),
        None => filled(value).map(|path| vec![PathBuf::from(path)]),
    }
}

/// Reads which proxies are believed.
pub(super) fn proxies(root: &mut Section<'_>, report: &mut Report) -> ProxySettings {
    let default = ProxySettings::default();
    let everybody = "whoever connects could say that it is anybody";
    ProxySettings {
        behind_tls_proxy: root.read(report, "behind_tls_proxy", flag).unwrap_or(default.behind_tls_proxy),
        trusted: root
            .read(report, "trusted_proxies", list(parsed(|text| network(text, everybody))))
            .unwrap_or(default.trusted),
        header: root
            .read(report, "client_address_header", choice(ClientHeader::ALL, ClientHeader::as_str))
            .unwrap_or(default.header),
    }
}
