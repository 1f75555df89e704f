//! Host names, and what they stand for.

use std::collections::HashMap;

use domain::Region;

/// Where a realtime request arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Place {
    /// At one region's endpoint.
    Region(Region),
    /// At `global.rt`, which goes to the nearest region that the key may use.
    Global,
}

/// What a host name stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum HostTarget {
    /// A region's Jobs API.
    Batch(Region),
    /// A realtime endpoint.
    Realtime(Place),
    /// Everything that isn't the gateway's: management, portal.
    Other,
}

/// Host names, lower case and without port, and what they stand for.
#[derive(Debug, Clone, Default)]
pub struct HostMap(HashMap<String, HostTarget>);

impl HostMap {
    /// Adds a host name in any case.
    pub fn insert(&mut self, host: &str, target: HostTarget) {
        self.0.insert(host.to_ascii_lowercase(), target);
    }

    /// What a `Host` value stands for; its case and its port don't matter.
    pub fn find(&self, host: &str) -> Option<HostTarget> {
        let name = host_name(host);
        match self.0.get(name) {
            Some(target) => Some(*target),
            None => self.0.get(name.to_ascii_lowercase().as_str()).copied(),
        }
    }
}

/// A `Host` value without its port.
fn host_name(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if !name.is_empty() && port.bytes().all(|digit| digit.is_ascii_digit()) => name,
        _ => host,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A host is found in any case and with any port, and nothing else is.
    #[test]
    fn hosts_are_case_insensitive() {
        let mut map = HostMap::default();
        map.insert("EU1.asr.example.org", HostTarget::Batch(Region::Eu1));
        map.insert("[::1]", HostTarget::Other);
        for host in ["eu1.asr.example.org", "Eu1.ASR.example.org:8443", "eu1.asr.example.org:80"] {
            assert_eq!(map.find(host), Some(HostTarget::Batch(Region::Eu1)), "{host}");
        }
        assert_eq!(map.find("[::1]:80"), Some(HostTarget::Other));
        for host in ["", "eu1.asr.example.org.evil", "xeu1.asr.example.org", "eu1.asr.example.org:80x", ":80"]
        {
            assert_eq!(map.find(host), None, "{host}");
        }
    }
}
