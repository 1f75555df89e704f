//! The limits that a temporary key is minted with.

use clap::Args;
use domain::limits::LOCK_BYTES_MAX;
use domain::{Leash, Networks};
use ipnet::IpNet;
use serde_json::Value;

/// What the key's sessions are held to.
#[derive(Debug, Args)]
#[command(next_help_heading = "Limits of its sessions")]
pub(super) struct LeashArgs {
    /// Sessions open at once
    #[arg(long, value_name = "COUNT", value_parser = at_least_one())]
    max_sessions: Option<u32>,
    /// Sessions that it may start in total
    #[arg(long, value_name = "COUNT", value_parser = at_least_one())]
    uses: Option<u32>,
    /// How long one session may last
    #[arg(long, value_name = "SECONDS", value_parser = at_least_one())]
    max_session_seconds: Option<u32>,
    /// Audio over all its sessions
    #[arg(long, value_name = "SECONDS", value_parser = at_least_one())]
    max_audio_seconds: Option<u32>,
    /// End its sessions when it expires
    #[arg(long)]
    end_at_expiry: bool,
    /// The pages that may open sessions, as in https://app.example.com
    #[arg(long, value_name = "ORIGIN", value_delimiter = ',', value_parser = parse_origin)]
    origins: Vec<String>,
    /// The networks that sessions may come from, as in 192.0.2.0/24
    #[arg(long, value_name = "CIDR", value_delimiter = ',')]
    networks: Vec<IpNet>,
    /// What StartRecognition must contain, as in '{"transcription_config":{"language":"en"}}'
    #[arg(long, value_name = "JSON", value_parser = parse_lock)]
    lock: Option<String>,
}

impl From<LeashArgs> for Leash {
    fn from(arguments: LeashArgs) -> Self {
        let LeashArgs { max_sessions, uses, max_session_seconds, max_audio_seconds, .. } = arguments;
        let LeashArgs { end_at_expiry, origins, networks, lock, .. } = arguments;
        Self {
            max_sessions,
            uses,
            max_session_seconds,
            max_audio_seconds,
            end_at_expiry,
            origins,
            networks: Networks(networks),
            lock,
        }
    }
}

fn at_least_one() -> clap::builder::RangedI64ValueParser<u32> {
    clap::value_parser!(u32).range(1..)
}

fn parse_origin(text: &str) -> Result<String, String> {
    if domain::leash::is_origin(text) {
        return Ok(text.to_owned());
    }
    Err("expected a scheme, a host and perhaps a port, as in https://app.example.com".to_owned())
}

/// Kept compact, as it is signed.
fn parse_lock(text: &str) -> Result<String, String> {
    let value: Value = serde_json::from_str(text).map_err(|error| format!("expected JSON: {error}"))?;
    let compact = value.to_string();
    // Also as it was given: what is written anew has no name twice any more.
    if credentials::token::is_lock(text.trim()) && credentials::token::is_lock(&compact) {
        return Ok(compact);
    }
    Err(format!("expected one JSON object of at most {LOCK_BYTES_MAX} bytes in which no name stands twice"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A lock is one small object that everybody reads the same way.
    #[test]
    fn locks_are_read_in_one_way() {
        assert_eq!(parse_lock(r#" { "a" : [ 1 ] } "#).unwrap(), r#"{"a":[1]}"#);
        let long = format!(r#"{{"a":"{}"}}"#, "x".repeat(600));
        for wrong in ["", "[]", "1", r#"{"a":1,"a":2}"#, "{", &long] {
            assert!(parse_lock(wrong).is_err(), "{wrong}");
        }
    }
}
