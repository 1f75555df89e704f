//! `voxgate config`.

use std::path::{Path, PathBuf};

use clap::Subcommand;
use serde_json::json;

use super::{Failure, instance, output};
use crate::config::{EXAMPLE, Problem, load};

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
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Print a complete commented file
    Example,
}

pub(super) fn run(command: ConfigCommand) -> Result<(), Failure> {
    match command {
        ConfigCommand::Example => output::say(EXAMPLE.trim_end()),
        ConfigCommand::Check { file, json: true } => return check_json(&file),
        ConfigCommand::Check { file, json: false } => {
            let loaded = instance::loaded(&file)?;
            for note in loaded.notes {
                output::remark(&format!("note: {note}"));
            }
            output::say(&format!("{} is fine", file.display()));
        }
    }
    Ok(())
}

fn check_json(file: &Path) -> Result<(), Failure> {
    let checked = load(&instance::read(file)?);
    let (problems, notes) = match &checked {
        Ok(loaded) => (&[][..], &loaded.notes[..]),
        Err(problems) => (&problems[..], &[][..]),
    };
    let problem = |problem: &Problem| json!({"line": problem.line, "setting": problem.setting, "message": problem.message});
    output::say_json(&json!({
        "file": file,
        "fine": checked.is_ok(),
        "problems": problems.iter().map(problem).collect::<Vec<_>>(),
        "notes": notes,
    }))?;
    checked.map(drop).map_err(|_| Failure(format!("{} has mistakes to correct", file.display())))
}
