//! The command line as a page of documentation, made from its declaration.

use std::fmt::Write as _;

use clap::{Arg, Command};

use super::args;

/// The page `docs/reference/cli.md`.
pub(super) fn page() -> String {
    let mut command = args::command().disable_help_subcommand(true);
    command.build();
    let mut page = String::from(
        "# Commands\n\nMade by `voxgate reference` from the declaration of the command line; a test keeps it current. Exit codes \
         are 0 (done), 1 (failed) and 2 (not understood). Failures go to standard error.\n",
    );
    section(&mut page, &command, 2);
    page
}

fn section(page: &mut String, command: &Command, depth: usize) {
    let mut command = command.clone();
    let name = command.get_bin_name().unwrap_or_else(|| command.get_name()).to_owned();
    let about = command.get_about().map(ToString::to_string).unwrap_or_default();
    let usage = command.render_usage().to_string();
    let usage = usage.strip_prefix("Usage: ").unwrap_or(&usage);
    put(page, &format!("\n{} {name}\n\n{about}.\n\n```text\n{usage}\n```\n", "#".repeat(depth.min(4))));
    let arguments: Vec<&Arg> = command.get_arguments().filter(|argument| is_shown(argument)).collect();
    if !arguments.is_empty() {
        put(page, "\n| | |\n|---|---|\n");
        for argument in arguments {
            put(page, &format!("| `{}` | {} |\n", spelled(argument), described(argument)));
        }
    }
    if let Some(examples) = command.get_after_help() {
        put(page, &format!("\n```text\n{}\n```\n", examples.to_string().trim_end()));
    }
    for sub in command.get_subcommands().filter(|sub| !sub.is_hide_set()) {
        section(page, sub, depth + 1);
    }
}

fn is_shown(argument: &Arg) -> bool {
    !argument.is_hide_set() && !matches!(argument.get_id().as_str(), "help" | "version")
}

/// How an argument is typed.
fn spelled(argument: &Arg) -> String {
    let values = argument.get_value_names().unwrap_or_default();
    let takes_value = argument.get_action().takes_values();
    let value = values.first().filter(|_| takes_value).map(|value| format!("<{value}>"));
    match (argument.get_long(), value) {
        (Some(long), Some(value)) => format!("--{long} {value}"),
        (Some(long), None) => format!("--{long}"),
        (None, Some(value)) => value,
        (None, None) => argument.get_id().to_string(),
    }
}

fn described(argument: &Arg) -> String {
    let help = argument
        .get_help()
        .map(ToString::to_string)
        .unwrap_or_default()
        .replace('\n', " ")
        .replace('|', "\\|");
    let default: Vec<String> =
        argument.get_default_values().iter().map(|value| value.to_string_lossy().into_owned()).collect();
    let has_default = argument.get_action().takes_values() && default.iter().any(|value| !value.is_empty());
    let default = if has_default { format!(" Default: `{}`.", default.join(",")) } else { String::new() };
    format!("{help}.{default}")
}

fn put(page: &mut String, text: &str) {
    // Writing to a String can't fail.
    let _ = page.write_str(text);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The page in the repository says what the program does: `cargo run -- reference > docs/reference/cli.md` renews it.
    #[test]
    fn the_page_is_current() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/reference/cli.md");
        let committed = std::fs::read_to_string(path).unwrap_or_default();
        assert!(
            committed == page(),
            "docs/reference/cli.md is outdated: cargo run -- reference > docs/reference/cli.md"
        );
    }

    /// Whoever asks a command for help sees it used.
    #[test]
    fn every_command_shows_an_example() {
        fn look(command: &Command, without: &mut Vec<String>) {
            let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            if !help.contains("Example") || !help.contains("  voxgate ") && !help.contains(" voxgate ") {
                without.push(command.get_bin_name().unwrap_or_else(|| command.get_name()).to_owned());
            }
            command.get_subcommands().filter(|sub| !sub.is_hide_set()).for_each(|sub| look(sub, without));
        }
        let mut command = args::command().disable_help_subcommand(true);
        command.build();
        let mut without = Vec::new();
        look(&command, &mut without);
        assert!(without.is_empty(), "no example in the help of {without:?}");
    }
}
