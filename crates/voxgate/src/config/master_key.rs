//! Where the master key comes from, and where it will come from after a re-wrap.

use std::path::PathBuf;

use super::problem::Report;
use super::reader::{Section, filled, list};
use super::settings::MasterKeyPlace;

/// A command, in words.
const COMMAND_WORDS_MAX: usize = 64;

/// The present place and the next one.
pub(super) fn master_key(
    root: &mut Section<'_>,
    report: &mut Report,
) -> (MasterKeyPlace, Option<MasterKeyPlace>) {
    let mut section = root.section(report, "master_key");
    let present = place(&mut section, report).unwrap_or(MasterKeyPlace::Folder);
    let mut below = section.section(report, "next");
    let next = place(&mut below, report);
    below.finish(report);
    section.finish(report);
    (present, next)
}

/// The one place that a section names. What is named beside it is a mistake.
fn place(section: &mut Section<'_>, report: &mut Report) -> Option<MasterKeyPlace> {
    let lines = ["env", "command"].map(|key| (section.line(report, key), section.name(key)));
    let file = section.read(report, "file", filled).map(|path| MasterKeyPlace::File(PathBuf::from(path)));
    let variable = section.read(report, "env", filled).map(MasterKeyPlace::Variable);
    let command = section
        .read(report, "command", |value| match list(filled)(value)? {
            words if words.is_empty() || words.len() > COMMAND_WORDS_MAX => {
                Err(format!("expected a program and its arguments, 1 to {COMMAND_WORDS_MAX} words"))
            }
            words => Ok(words),
        })
        .map(MasterKeyPlace::Command);
    let mut named = file;
    for (other, (line, name)) in [variable, command].into_iter().zip(lines) {
        match (&named, other) {
            (None, other) => named = other,
            (Some(_), Some(_)) => {
                report.add(line.unwrap_or(1), name, "another place is named already: keep one of them");
            }
            (Some(_), None) => {}
        }
    }
    named
}

#[cfg(test)]
mod tests {
    use super::super::{Settings, load};
    use super::*;

    fn read(text: &str) -> Settings {
        load(text).unwrap_or_else(|problems| panic!("{problems:?}")).settings
    }

    /// Each place is read, for the present and for the next key.
    #[test]
    fn every_place_is_read() {
        let command =
            || MasterKeyPlace::Command(vec!["/bin/kms".to_owned(), "--key".to_owned(), "a b".to_owned()]);
        for (text, place) in [
            ("file = \"/etc/a.key\"", MasterKeyPlace::File(PathBuf::from("/etc/a.key"))),
            ("env = \"KEY\"", MasterKeyPlace::Variable("KEY".to_owned())),
            ("command = [\"/bin/kms\", \"--key\", \"a b\"]", command()),
        ] {
            assert_eq!(read(&format!("[master_key]\n{text}")).master_key, place);
            let settings = read(&format!("[master_key.next]\n{text}"));
            assert_eq!(
                (settings.master_key, settings.next_master_key),
                (MasterKeyPlace::Folder, Some(place))
            );
        }
        assert_eq!(read("[master_key]\n[master_key.next]\n").next_master_key, None);
    }

    /// Two places for one key, and a command that is none, are told with their lines.
    #[test]
    fn one_place_is_enough() {
        for (text, expected) in [
            ("[master_key]\nfile = \"a\"\nenv = \"B\"", "line 3: master_key.env"),
            ("[master_key]\nenv = \"B\"\ncommand = [\"c\"]", "line 3: master_key.command"),
            ("[master_key.next]\nfile = \"a\"\ncommand = [\"c\"]", "line 3: master_key.next.command"),
            ("[master_key]\ncommand = []", "line 2: master_key.command"),
            ("[master_key]\ncommand = \"kms decrypt\"", "line 2: master_key.command"),
        ] {
            let problems: Vec<String> = load(text).unwrap_err().iter().map(ToString::to_string).collect();
            assert!(problems.len() == 1 && problems[0].starts_with(expected), "{problems:?}");
        }
    }
}
