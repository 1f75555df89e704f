//! Rules between settings.

use std::collections::HashMap;
use std::net::SocketAddr;

use control::RegistrationPolicy;

use super::problem::Report;
use super::settings::{ListenerPlace, ListenerSettings, ProxySettings, Serves, Settings};

/// What clients send is secret: without TLS, nothing but this machine may reach a listener. And whom nobody is trusted to
/// speak for can't be told.
pub(super) fn listeners(
    report: &mut Report,
    listeners: &[(usize, ListenerSettings)],
    proxies: &ProxySettings,
) {
    if listeners.is_empty() {
        report.add(1, "listener", "expected at least one [[listener]]");
    }
    for (index, (line, listener)) in listeners.iter().enumerate() {
        let mut add = |key, message: String| report.add(*line, format!("listener[{index}].{key}"), message);
        let is_open = listener.address().is_some_and(|address| needs_tls(listener, address, proxies));
        if is_open {
            add("address", needs_tls_message(&listener.place));
        }
        let same = |(_, other): &(usize, ListenerSettings)| other.place == listener.place;
        if listeners[..index].iter().any(same) && listener.address().is_none_or(|address| address.port() != 0)
        {
            add("address", format!("{} is listed twice", listener.place));
        }
        let is_unix = matches!(listener.place, ListenerPlace::Unix(_));
        if is_unix && !listener.tls.is_empty() {
            let message =
                "a Unix socket carries no TLS: only this machine reaches it. Leave the certificate out";
            add("tls_certificate_file", message.to_owned());
        }
        if listener.proxy_protocol && proxies.trusted.is_empty() && !is_unix {
            let message =
                "the PROXY protocol is believed from trusted proxies alone: name them in trusted_proxies";
            add("proxy_protocol", message.to_owned());
        }
    }
}

/// Whether other machines could reach a listener and overhear it.
pub(crate) fn needs_tls(listener: &ListenerSettings, address: SocketAddr, proxies: &ProxySettings) -> bool {
    !address.ip().is_loopback() && listener.tls.is_empty() && !proxies.behind_tls_proxy
}

/// What to say of one that does.
pub(crate) fn needs_tls_message(place: &ListenerPlace) -> String {
    format!(
        "{place} can be reached from other machines, and it speaks no TLS: name a certificate in tls_certificate_file and its \
         key in tls_key_file, listen on 127.0.0.1 or [::1], or say behind_tls_proxy = true if a proxy in front speaks TLS \
         with clients"
    )
}

/// A host stands for one thing.
pub(super) fn hosts(report: &mut Report, settings: &Settings) {
    let mut owners: HashMap<&str, String> = HashMap::new();
    let hosts = &settings.hosts;
    let mut named: Vec<(&str, String)> = Vec::new();
    named.extend(hosts.management.iter().map(|host| (host.as_str(), "hosts.management".to_owned())));
    named.extend(hosts.portal.iter().map(|host| (host.as_str(), "hosts.portal".to_owned())));
    named
        .extend(hosts.global_realtime.iter().map(|host| (host.as_str(), "hosts.global_realtime".to_owned())));
    for region in &settings.regions {
        let batch = format!("regions.{}.batch_hosts", region.region);
        let realtime = format!("regions.{}.realtime_hosts", region.region);
        named.extend(region.batch_hosts.iter().map(|host| (host.as_str(), batch.clone())));
        named.extend(region.realtime_hosts.iter().map(|host| (host.as_str(), realtime.clone())));
    }
    for (host, owner) in named {
        match owners.get(host) {
            Some(other) if *other != owner => {
                report.add(
                    1,
                    owner,
                    format!("the host {host} is listed in {other} too: a host stands for one thing"),
                );
            }
            _ => {
                owners.insert(host, owner);
            }
        }
    }
}

/// Whoever registers by themselves confirms their address by mail.
pub(super) fn registration(report: &mut Report, settings: &Settings) {
    let by_themselves =
        matches!(settings.registration.policy, RegistrationPolicy::Open | RegistrationPolicy::Domains(_));
    if by_themselves && settings.mail.is_none() && !report.records() {
        let message = "whoever registers by themselves confirms their address by a mail: name a mail server in [mail], or \
                       choose \"invitation\" or \"closed\"";
        report.add(1, "registration.policy", message);
    }
}

/// What is worth a word though it is no mistake.
pub(super) fn notes(settings: &Settings) -> Vec<String> {
    let mut notes = Vec::new();
    if !settings.regions.iter().any(super::RegionSettings::has_engine) {
        notes.push(
            "no region has an engine: batch and realtime answer 503 until one has a batch_upstream or a \
             realtime_upstream"
                .to_owned(),
        );
    }
    if settings.proxies.behind_tls_proxy && settings.proxies.trusted.is_empty() {
        notes.push(
            "behind_tls_proxy is set and trusted_proxies is not: every client seems to come from the proxy's address, so \
             networks of keys and limits per address can't tell clients apart"
                .to_owned(),
        );
    }
    if !settings.listeners.iter().any(|listener| matches!(listener.serves, Serves::Hosts | Serves::Home(_))) {
        notes.push(
            "no listener serves \"hosts\" or \"home:…\": nothing reaches the management API".to_owned(),
        );
    }
    notes
}
