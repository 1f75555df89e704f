//! `voxgate config`.

use std::path::PathBuf;

use clap::Subcommand;

use super::{Failure, instance, output};
use crate::config::EXAMPLE;

#[derive(Debug, Subcommand)]
#[command(after_help = "\
Examples:
  voxgate config example > voxgate.toml
  voxgate config check voxgate.toml")]
pub(super) enum ConfigCommand {
    /// Tell everything that is wrong with a file, with line numbers
    Check {
        /// The file
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
    /// Print a complete commented file
    Example,
}

pub(super) fn run(command: ConfigCommand) -> Result<(), Failure> {
    match command {
        ConfigCommand::Example => output::say(EXAMPLE.trim_end()),
        ConfigCommand::Check { file } => {
            let loaded = instance::loaded(&file)?;
            for note in loaded.notes {
                output::remark(&format!("note: {note}"));
            }
            output::say(&format!("{} is fine", file.display()));
        }
    }
    Ok(())
}
