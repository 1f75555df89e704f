//! `voxgate config`.

use super::args::ConfigCommand;
use super::{Failure, instance, output};
use crate::config::EXAMPLE;

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
