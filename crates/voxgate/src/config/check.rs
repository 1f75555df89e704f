//! Rules between settings.

use std::collections::HashMap;

use super::problem::Report;
use super::settings::{ListenerSettings, Serves, Settings};

/// What clients send is secret: without TLS, nothing but this machine may reach a listener.
pub(super) fn listeners(
    report: &mut Report,
    listeners: &[(usize, ListenerSettings)],
    behind_tls_proxy: bool,
) {
    if listeners.is_empty() {
        report.add(1, "listener", "expected at least one [[listener]]");
    }
    for (index, (line, listener)) in listeners.iter().enumerate() {
        if !listener.address.ip().is_loopback() && !behind_tls_proxy {
            let message = format!(
                "{} can be reached from other machines, and this version speaks no TLS: listen on 127.0.0.1 or [::1], or \
                 say behind_tls_proxy = true if a proxy in front speaks TLS with clients",
                listener.address
            );
            report.add(*line, format!("listener[{index}].address"), message);
        }
        let taken = listeners[..index].iter().any(|(_, other)| other.address == listener.address);
        if taken && listener.address.port() != 0 {
            report.add(
                *line,
                format!("listener[{index}].address"),
                format!("{} is listed twice", listener.address),
            );
        }
    }
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
    if !settings.listeners.iter().any(|listener| matches!(listener.serves, Serves::Hosts | Serves::Home(_))) {
        notes.push(
            "no listener serves \"hosts\" or \"home:…\": nothing reaches the management API".to_owned(),
        );
    }
    notes
}
