//! `voxgate signing-keys`.

use clap::Subcommand;
use domain::Kid;

use super::args::{Confirmation, InstanceArgs};
use super::{Failure, instance, output};
use crate::operator::SigningKeyCall;

#[derive(Debug, Subcommand)]
#[command(after_help = "\
Examples:
  voxgate signing-keys list --config voxgate.toml
  voxgate signing-keys rotate --config voxgate.toml
  voxgate signing-keys revoke kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k --yes --config voxgate.toml")]
pub(super) enum SigningKeysCommand {
    /// List the keys that sign temporary keys, and where each stands in its life
    #[command(after_help = "\
Example:
  voxgate signing-keys list --config voxgate.toml")]
    List {
        #[command(flatten)]
        instance: InstanceArgs,
    },
    /// Bring a new signing key: published now, signing once everybody had the time to fetch it
    #[command(after_help = "\
Example:
  voxgate signing-keys rotate --config voxgate.toml")]
    Rotate {
        /// Sign with it at once; offline verifiers that keep the key set refuse its tokens until they fetch it anew
        #[arg(long)]
        now: bool,
        #[command(flatten)]
        instance: InstanceArgs,
    },
    /// Revoke a signing key that someone else may have had: all that it signed is refused at once, its sessions end
    #[command(after_help = "\
Example:
  voxgate signing-keys revoke kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k --yes --config voxgate.toml")]
    Revoke {
        /// Its kid, as voxgate signing-keys list shows it
        #[arg(value_parser = parse_kid, allow_hyphen_values = true)]
        kid: Kid,
        #[command(flatten)]
        confirmation: Confirmation,
        #[command(flatten)]
        instance: InstanceArgs,
    },
}

const COLUMNS: [&str; 6] = ["kid", "algorithm", "state", "created_at", "signs_from", "retired_at"];

pub(super) async fn run(command: SigningKeysCommand) -> Result<(), Failure> {
    match command {
        SigningKeysCommand::List { instance } => {
            let answer = instance::call(&instance, SigningKeyCall::List).await?;
            if instance.json {
                return output::say_json(&answer);
            }
            output::say_table(&answer, &COLUMNS);
        }
        SigningKeysCommand::Rotate { now, instance } => {
            let answer = instance::call(&instance, SigningKeyCall::Rotate { now }).await?;
            if instance.json {
                return output::say_json(&answer);
            }
            let kid = output::cell(&answer["kid"]);
            if now {
                output::say(&format!("{kid} signs from now on"));
            } else {
                let from = output::cell(&answer["signs_from"]);
                output::say(&format!("{kid} is published, and signs from {from} on"));
            }
        }
        SigningKeysCommand::Revoke { kid, confirmation, instance } => {
            confirmation.needed("revoking a signing key ends every temporary key that it signed")?;
            let answer = instance::call(&instance, SigningKeyCall::Revoke { kid: kid.clone() }).await?;
            if instance.json {
                return output::say_json(&answer);
            }
            output::say(&format!("revoked {kid}, and everything that it signed"));
        }
    }
    Ok(())
}

fn parse_kid(text: &str) -> Result<Kid, String> {
    let is_kid = (1..=64).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_');
    if is_kid {
        return Ok(Kid::new(text));
    }
    Err("expected a signing key's kid: voxgate signing-keys list shows it".to_owned())
}
