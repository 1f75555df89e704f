//! The command line: what can be typed, and what comes out. Exit codes are 0, 1 (failed) and 2 (usage).

mod args;
mod audit;
mod backup;
mod client_refs;
mod completions;
mod config;
mod database;
mod dev;
mod doctor;
mod drain;
mod gateways;
mod health;
mod import;
mod input;
mod instance;
mod jobs;
mod keys;
mod leash;
mod master_key;
mod mint;
mod output;
mod progress;
mod projects;
mod quotas;
mod reference;
mod serve;
mod sessions;
mod signing_keys;
mod style;
mod table;
mod temporary_keys;
mod tokens;
mod usage;
mod users;
mod verify;
mod webhooks;
mod workspaces;

use std::process::ExitCode;

use clap::FromArgMatches as _;

use args::{Cli, Command};

/// What a command failed with: a sentence that says what was wrong, what was expected and what to do.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Failure(pub String);

impl Failure {
    fn from_error(error: &dyn std::error::Error) -> Self {
        Self(crate::operator::CallError::from_error(error).0)
    }
}

/// Runs the program.
pub fn main() -> ExitCode {
    let mut command = args::command();
    let parsed = Cli::from_arg_matches_mut(&mut command.get_matches_mut());
    let cli = parsed.unwrap_or_else(|error| error.format(&mut command).exit());
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            output::complain(&format!("the system gives no threads: {error}"));
            return ExitCode::FAILURE;
        }
    };
    match runtime.block_on(run(cli.command)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            output::complain(&failure.0);
            ExitCode::FAILURE
        }
    }
}

async fn run(command: Command) -> Result<(), Failure> {
    match command {
        Command::Dev(arguments) => dev::run(arguments).await,
        Command::Serve(arguments) => serve::run(arguments).await,
        Command::Config(command) => config::run(command),
        Command::Users(command) => users::run(command).await,
        Command::Workspaces(command) => workspaces::run(command).await,
        Command::Projects(command) => projects::run(command).await,
        Command::Keys(command) => keys::run(command).await,
        Command::TemporaryKeys(command) => temporary_keys::run(command).await,
        Command::Tokens(command) => tokens::run(command).await,
        Command::Sessions(command) => sessions::run(command).await,
        Command::Usage(arguments) => usage::run(arguments).await,
        Command::Quotas(command) => quotas::run(command).await,
        Command::Webhooks(command) => webhooks::run(command).await,
        Command::ClientRefs(command) => client_refs::run(command).await,
        Command::SigningKeys(command) => signing_keys::run(command).await,
        Command::MasterKey(command) => master_key::run(command).await,
        Command::Mint(arguments) => mint::run(arguments).await,
        Command::Verify(arguments) => verify::run(arguments).await,
        Command::Jobs(command) => jobs::run(command).await,
        Command::Audit(command) => audit::run(command).await,
        Command::Backup(arguments) => backup::backup(arguments).await,
        Command::Restore(arguments) => backup::restore_backup(arguments).await,
        Command::Gateways(arguments) => gateways::run(arguments).await,
        Command::Health(arguments) => health::run(arguments).await,
        Command::Drain(arguments) => drain::run(arguments).await,
        Command::Doctor(arguments) => doctor::run(arguments).await,
        Command::Completions(arguments) => {
            completions::print(&arguments);
            Ok(())
        }
        Command::Man(arguments) => completions::man(&arguments),
        Command::Reference => {
            output::say(reference::page().trim_end());
            Ok(())
        }
        Command::Version => {
            output::say(concat!("voxgate ", env!("CARGO_PKG_VERSION")));
            Ok(())
        }
    }
}

/// The environment, for the one layer that may read it.
#[expect(clippy::disallowed_methods, reason = "the command line is where the environment comes in")]
fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok()
}
