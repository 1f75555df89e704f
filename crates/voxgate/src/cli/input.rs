//! Secrets that come in: on standard input, or typed at a terminal that doesn't show them.

use std::io::{self, BufRead as _, Read as _, Write as _};

use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use zeroize::Zeroizing;

use super::Failure;

/// A credential on standard input, in bytes.
const CREDENTIAL_BYTES_MAX: u64 = 8192;

fn unreadable(error: &io::Error) -> Failure {
    Failure(format!("standard input can't be read: {error}"))
}

/// A credential from standard input, without white space around it.
pub(super) fn credential() -> Result<Zeroizing<String>, Failure> {
    let mut text = Zeroizing::new(String::new());
    io::stdin()
        .lock()
        .take(CREDENTIAL_BYTES_MAX)
        .read_to_string(&mut text)
        .map_err(|error| unreadable(&error))?;
    Ok(Zeroizing::new(text.trim().to_owned()))
}

/// A secret typed at the terminal, unseen.
pub(super) async fn secret(prompt: &str) -> Result<Zeroizing<String>, Failure> {
    typed(prompt).await
}

/// An answer typed at the terminal.
pub(super) fn answer(prompt: &str) -> Result<Zeroizing<String>, Failure> {
    drop(write!(io::stderr(), "{prompt}").and_then(|()| io::stderr().flush()));
    line()
}

/// A line typed at the terminal, unseen.
async fn typed(prompt: &str) -> Result<Zeroizing<String>, Failure> {
    let unseen = Unseen::begin()?;
    drop(write!(io::stderr(), "{prompt}").and_then(|()| io::stderr().flush()));
    // Whoever interrupts gets a terminal back that shows what is typed.
    let answer = tokio::select! {
        line = tokio::task::spawn_blocking(line) => line.map_err(|error| Failure::from_error(&error))?,
        _ = tokio::signal::ctrl_c() => {
            drop(unseen);
            std::process::exit(crate::signal::ENDED_BY_SIGNAL);
        }
    };
    drop(unseen);
    drop(writeln!(io::stderr()));
    answer
}

/// A line of standard input, without its end.
fn line() -> Result<Zeroizing<String>, Failure> {
    let mut text = Zeroizing::new(String::new());
    io::stdin().lock().take(CREDENTIAL_BYTES_MAX).read_line(&mut text).map_err(|error| unreadable(&error))?;
    Ok(Zeroizing::new(text.trim_end_matches(['\r', '\n']).to_owned()))
}

/// The terminal shows nothing until this is dropped.
struct Unseen(Termios);

impl Unseen {
    fn begin() -> Result<Self, Failure> {
        let no_terminal = |error| Failure(format!("the terminal can't hide what is typed: {error}"));
        let before = tcgetattr(io::stdin()).map_err(no_terminal)?;
        let mut hidden = before.clone();
        hidden.local_modes.remove(LocalModes::ECHO);
        tcsetattr(io::stdin(), OptionalActions::Flush, &hidden).map_err(no_terminal)?;
        Ok(Self(before))
    }
}

impl Drop for Unseen {
    fn drop(&mut self) {
        // A terminal that is gone has nothing to show.
        let _ = tcsetattr(io::stdin(), OptionalActions::Flush, &self.0);
    }
}
