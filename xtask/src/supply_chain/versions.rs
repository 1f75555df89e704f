//! Versions below which something is known to be wrong, also where the Rust advisories' database doesn't say so.

use serde::Deserialize;

use crate::Fault;

/// A crate, the first version that is good, and what was wrong before.
const LEAST: &[(&str, &str, &str)] = &[
    ("jsonwebtoken", "10.3.0", "CVE-2026-25537: claims of a wrong type counted as absent; not in RustSec"),
    ("h2", "0.4.16", "RUSTSEC-2026-0258 and RUSTSEC-2024-0332: floods of empty DATA and of CONTINUATION"),
    ("hyper", "1.0.0", "RUSTSEC-2021-0078 and -0079: lenient lengths"),
    ("sqlx-core", "0.8.1", "RUSTSEC-2024-0363: a truncated length of the protocol"),
    ("libsqlite3-sys", "0.25.1", "RUSTSEC-2022-0090: it bundles SQLite before 3.39.2"),
    (
        "rustls-webpki",
        "0.103.13",
        "RUSTSEC-2026-0049, -0098, -0099, -0104: revocation lists and name constraints",
    ),
    ("time", "0.3.47", "RUSTSEC-2026-0009: the stack of its parser"),
    ("bytes", "1.11.1", "RUSTSEC-2026-0007: an overflow in reserve"),
    ("tokio", "1.44.2", "RUSTSEC-2025-0023: its broadcast channel"),
    ("quinn-proto", "0.11.15", "RUSTSEC-2026-0037 and -0185: memory of a peer's choosing"),
    ("tungstenite", "0.20.1", "CVE-2023-43669: quadratic reading of handshakes"),
    ("axum-core", "0.3.0", "RUSTSEC-2022-0055: bodies without a limit"),
    ("ed25519-dalek", "2.0.0", "RUSTSEC-2022-0093: signing with another's public key"),
    ("ring", "0.17.12", "RUSTSEC-2025-0009: a panic in AES"),
    ("openssl", "999.0.0", "it isn't to be there at all"),
];

#[derive(Deserialize)]
struct Lock {
    package: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    version: String,
}

/// Finds what the lock file holds below those.
pub(super) fn old(lock: &str, found: &mut Vec<String>) -> Result<(), Fault> {
    let lock: Lock = toml::from_str(lock).map_err(|error| format!("Cargo.lock: {error}"))?;
    for Package { name, version } in &lock.package {
        let Some((_, least, why)) = LEAST.iter().find(|(other, ..)| other == name) else { continue };
        if numbers(version) < numbers(least) {
            found.push(format!("{name} {version} is older than {least}: {why}"));
        }
    }
    Ok(())
}

/// The three numbers of a version.
fn numbers(version: &str) -> [u64; 3] {
    let mut numbers = [0; 3];
    let plain = version.split(['-', '+']).next().unwrap_or_default();
    for (number, text) in numbers.iter_mut().zip(plain.split('.')) {
        *number = text.parse().unwrap_or_default();
    }
    numbers
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lock(name: &str, version: &str) -> String {
        format!("version = 4\n[[package]]\nname = \"{name}\"\nversion = \"{version}\"\n")
    }

    /// A version that is known to be bad is found; the first good one and all later ones pass.
    #[test]
    fn old_versions_are_found() {
        for (version, bad) in
            [("10.2.9", true), ("9.99.99", true), ("10.3.0", false), ("10.3.0+x", false), ("11.0.0", false)]
        {
            let mut found = Vec::new();
            old(&lock("jsonwebtoken", version), &mut found).unwrap();
            assert_eq!(!found.is_empty(), bad, "{version}: {found:?}");
        }
        let mut found = Vec::new();
        old(&lock("another", "0.0.1"), &mut found).unwrap();
        assert_eq!(found, Vec::<String>::new());
    }
}
