//! The attack suite: starts an instance with a recording engine behind it, and tries every way in.
//!
//! `arena/` is where it happens, `wire/` what is said there, `classes/` holds the cases, one file or folder per class, each
//! with controls: valid requests that must be accepted, so that refusing everything shows nothing.

mod arena;
mod classes;
mod floods;
mod timing;
mod trial;
mod wire;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;

use crate::classes::Class;

/// What went wrong, for people.
pub(crate) type Fault = String;

#[derive(Debug, Parser)]
#[command(name = "attack", about = "Attacks a running Voxgate in every known way")]
struct Cli {
    /// The program to attack; the one beside this one if left out
    #[arg(long)]
    program: Option<PathBuf>,
    /// Classes to run, separated by commas; all of them if left out
    #[arg(long, value_delimiter = ',', value_enum)]
    only: Vec<Class>,
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// Flood it instead, with well-behaved clients beside
    #[arg(long)]
    floods: bool,
    /// How long each flood lasts
    #[arg(long, default_value_t = 60)]
    seconds: u64,
    /// Floods to run, separated by commas; all of them if left out
    #[arg(long, value_delimiter = ',', value_enum)]
    flood: Vec<floods::Kind>,
    /// Measure instead whether comparisons of secrets show what they compare
    #[arg(long)]
    timing: bool,
}

#[tokio::main]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    match run(&cli).await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(fault) => {
            eprintln!("attack: {fault}");
            ExitCode::FAILURE
        }
    }
}

async fn run(cli: &Cli) -> Result<bool, Fault> {
    if cli.timing {
        return Ok(timing::run());
    }
    let program = cli.program.clone().map_or_else(beside_this, Ok)?;
    if cli.floods {
        return floods::run(&program, cli.seconds, &cli.flood).await;
    }
    classes::run(&program, &cli.only, cli.json).await
}

fn beside_this() -> Result<PathBuf, Fault> {
    let this = std::env::current_exe().map_err(|error| format!("where this program is: {error}"))?;
    Ok(this.with_file_name("voxgate"))
}
