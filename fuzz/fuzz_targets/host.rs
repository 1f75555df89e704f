//! Any `Host` value: it is read without a crash, its case and its port change nothing, and only names that were given are found.

#![no_main]

use std::sync::LazyLock;

// The one file instead of its crate, which would take minutes to build.
#[path = "../../crates/gateway/src/host.rs"]
mod host;

use domain::Region;
use host::{HostMap, HostTarget, Place};
use libfuzzer_sys::fuzz_target;

const KNOWN: [(&str, HostTarget); 4] = [
    ("eu1.asr.example.org", HostTarget::Batch(Region::Eu1)),
    ("eu.rt.example.org", HostTarget::Realtime(Place::Region(Region::Eu1))),
    ("global.rt.example.org", HostTarget::Realtime(Place::Global)),
    ("[::1]", HostTarget::Other),
];

static HOSTS: LazyLock<HostMap> = LazyLock::new(|| {
    let mut hosts = HostMap::default();
    for (name, target) in KNOWN {
        hosts.insert(name, target);
    }
    hosts
});

fuzz_target!(|data: &[u8]| {
    let text = String::from_utf8_lossy(data);
    let found = HOSTS.find(&text);
    assert_eq!(found, HOSTS.find(&text.to_ascii_uppercase()));
    if let Some(target) = found {
        let name = text.to_ascii_lowercase();
        assert!(KNOWN.iter().any(|(known, meant)| *meant == target && name.starts_with(known)));
        let rest = KNOWN.iter().find_map(|(known, _)| name.strip_prefix(known)).unwrap_or_default();
        assert!(
            rest.is_empty()
                || rest.strip_prefix(':').is_some_and(|port| port.bytes().all(|b| b.is_ascii_digit()))
        );
    }
    for (name, target) in KNOWN {
        assert_eq!(HOSTS.find(name), Some(target));
        assert_eq!(HOSTS.find(&format!("{name}:8443")), Some(target));
    }
});
