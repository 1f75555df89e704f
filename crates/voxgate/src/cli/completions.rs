//! `voxgate completions` and `voxgate man`, made from the declaration of the command line.

use std::path::PathBuf;

use clap::Args;
use clap_complete::Shell;

use super::Failure;
use super::args;
use super::output;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  voxgate completions bash > ~/.local/share/bash-completion/completions/voxgate
  voxgate completions zsh > ~/.zfunc/_voxgate
  voxgate completions fish > ~/.config/fish/completions/voxgate.fish")]
pub(super) struct CompletionsArgs {
    /// The shell: bash, zsh, fish, elvish or powershell
    #[arg(value_enum, hide_possible_values = true)]
    pub(super) shell: Shell,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  voxgate man /usr/local/share/man/man1
  voxgate man . && man ./voxgate-keys-create.1")]
pub(super) struct ManArgs {
    /// The folder, which must be there
    #[arg(value_name = "DIR")]
    pub(super) folder: PathBuf,
}

/// Prints a shell's completions.
pub(super) fn print(arguments: &CompletionsArgs) {
    let mut text = Vec::new();
    clap_complete::generate(arguments.shell, &mut args::command(), "voxgate", &mut text);
    output::say(String::from_utf8_lossy(&text).trim_end());
}

/// Writes a page for each command.
pub(super) fn man(arguments: &ManArgs) -> Result<(), Failure> {
    let command = args::command().disable_help_subcommand(true);
    clap_mangen::generate_to(command, &arguments.folder).map_err(|error| {
        Failure(format!(
            "the man pages can't be written to {}: {error}. Give a folder that is there",
            arguments.folder.display()
        ))
    })?;
    output::remark(&format!("wrote the man pages to {}", arguments.folder.display()));
    Ok(())
}
