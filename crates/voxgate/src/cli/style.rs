//! Colours: only on a terminal, and never where `NO_COLOR` is set.

use std::io::{self, IsTerminal as _};

use super::environment;

/// What a colour says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tone {
    /// Fine.
    Good,
    /// Worth a look.
    Doubtful,
    /// Wrong.
    Bad,
    /// A heading.
    Strong,
}

/// Paints, or leaves texts as they are.
#[derive(Debug, Clone, Copy)]
pub(super) struct Painter {
    has_colour: bool,
}

impl Painter {
    pub(super) fn for_stdout() -> Self {
        Self::new(io::stdout().is_terminal(), environment)
    }

    pub(super) fn for_stderr() -> Self {
        Self::new(io::stderr().is_terminal(), environment)
    }

    /// `NO_COLOR` counts when it isn't empty (no-color.org); a terminal may also say that it is a dumb one.
    fn new(is_terminal: bool, environment: impl Fn(&str) -> Option<String>) -> Self {
        let unwanted = environment("NO_COLOR").is_some_and(|value| !value.is_empty());
        let is_dumb = environment("TERM").is_some_and(|kind| kind == "dumb");
        Self { has_colour: is_terminal && !unwanted && !is_dumb }
    }

    pub(super) fn paint(self, text: &str, tone: Tone) -> String {
        if !self.has_colour {
            return text.to_owned();
        }
        let code = match tone {
            Tone::Good => "32",
            Tone::Doubtful => "33",
            Tone::Bad => "31",
            Tone::Strong => "1",
        };
        format!("\u{1b}[{code}m{text}\u{1b}[0m")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is piped into a file holds no escape sequences, and who wants no colours gets none.
    #[test]
    fn colours_are_for_terminals() {
        let with = |is_terminal: bool, name: &'static str, value: &'static str| {
            let painter = Painter::new(is_terminal, |asked| (asked == name).then(|| value.to_owned()));
            painter.paint("x", Tone::Bad)
        };
        assert_eq!(with(true, "TERM", "xterm"), "\u{1b}[31mx\u{1b}[0m");
        assert_eq!(with(true, "NO_COLOR", ""), "\u{1b}[31mx\u{1b}[0m");
        for (is_terminal, name, value) in
            [(false, "TERM", "xterm"), (true, "NO_COLOR", "1"), (true, "TERM", "dumb")]
        {
            assert_eq!(with(is_terminal, name, value), "x", "{name}={value}");
        }
    }
}
