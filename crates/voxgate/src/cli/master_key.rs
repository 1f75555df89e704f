//! `voxgate master-key`.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use control::{MasterKeySource, read_master_key};
use zeroize::Zeroizing;

use super::args::InstanceArgs;
use super::{Failure, environment, instance, output};
use crate::operator::RewrapCall;

#[derive(Debug, Subcommand)]
#[command(after_help = "\
The master key encrypts the private signing keys. Another one is put in its place while the server runs; no temporary key, user
id or pseudonym changes. A server that is stopped in the middle starts again with whichever key fits.

Examples:
  voxgate master-key rewrap --data-dir ./try
  voxgate master-key rewrap --new-file /etc/voxgate/master-2.key --config voxgate.toml
  voxgate master-key rewrap --config voxgate.toml --new-command /usr/local/bin/kms-decrypt voxgate-2")]
pub(super) enum MasterKeyCommand {
    /// Encrypt the private keys under another master key, while the server runs or not
    #[command(after_help = "\
Example:
  voxgate master-key rewrap --new-file /etc/voxgate/master-2.key --config voxgate.toml")]
    Rewrap {
        #[command(flatten)]
        new: NewKeyArgs,
        #[command(flatten)]
        instance: InstanceArgs,
    },
}

/// Where the new key comes from; with none of them the data folder keeps a new one.
#[derive(Debug, Args)]
#[group(multiple = false)]
pub(super) struct NewKeyArgs {
    /// The file that holds the new key; a key of the data folder needs none
    #[arg(long, value_name = "FILE")]
    new_file: Option<PathBuf>,
    /// The environment variable that holds it
    #[arg(long, value_name = "NAME")]
    new_env: Option<String>,
    /// The command that prints it: a program and its arguments, run without a shell; give it last
    #[arg(long, value_name = "WORD", num_args = 1.., allow_hyphen_values = true)]
    new_command: Option<Vec<String>>,
}

impl NewKeyArgs {
    /// What the configuration has to say from then on.
    fn setting(&self) -> &'static str {
        match (&self.new_file, &self.new_env) {
            (Some(_), _) => "file",
            (None, Some(_)) => "env",
            (None, None) => "command",
        }
    }

    fn source(self) -> Result<Option<MasterKeySource>, Failure> {
        match (self.new_file, self.new_env, self.new_command) {
            (Some(path), _, _) => Ok(Some(MasterKeySource::File(path))),
            (None, Some(name), _) => match environment(&name).filter(|text| !text.is_empty()) {
                Some(text) => Ok(Some(MasterKeySource::Text(Zeroizing::new(text)))),
                None => Err(Failure(format!(
                    "the environment variable {name} isn't set: it should hold the new master key"
                ))),
            },
            (None, None, command) => Ok(command.map(MasterKeySource::Command)),
        }
    }
}

pub(super) async fn run(command: MasterKeyCommand) -> Result<(), Failure> {
    let MasterKeyCommand::Rewrap { new, instance } = command;
    let setting = new.setting();
    let new_key = match new.source()? {
        None => None,
        Some(source) => {
            let key = read_master_key(&source, &PathBuf::from(".")).await;
            let key = key.map_err(|error| Failure::from_error(&error))?;
            Some(key.to_text().to_string())
        }
    };
    let answer = instance::call(&instance, RewrapCall { new_key }).await?;
    if instance.json {
        return output::say_json(&answer);
    }
    if answer["changed"] == false {
        output::say("this is the instance's master key already: nothing was changed");
        return Ok(());
    }
    output::say("every private key is encrypted under the new master key");
    if answer["kept_in_data_dir"] == false {
        output::remark(&format!(
            "before the next start, let [master_key] {setting} in the configuration name the new key"
        ));
    }
    output::remark("keep the old key for backups that are older than this: it opens nothing else");
    Ok(())
}
