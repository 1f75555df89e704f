//! A command that prints the master key: how a key management service is asked for it. Run without a shell, for a bounded
//! time, with a bounded output. The key comes by standard output alone, and stands in no error.

use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::process::Command;
use zeroize::Zeroizing;

/// How long the command may take.
pub const KEY_COMMAND_SECONDS_MAX: u64 = 30;
/// Its standard output, in bytes: a key and the white space around it.
const OUTPUT_BYTES_MAX: usize = 1024;
/// Its standard error, in bytes, of what is read at all.
const COMPLAINT_BYTES_MAX: usize = 16 * 1024;
/// What of its standard error is told, in characters: the end, where the reason stands.
const TOLD_CHARACTERS_MAX: usize = 300;

/// Why a command gave no key.
#[derive(Debug, thiserror::Error)]
pub enum KeyCommandError {
    /// There is nothing to run.
    #[error("the command is empty: expected a program and its arguments")]
    Empty,
    /// It doesn't start.
    #[error("{program} can't be run: give the whole path of a program that this user may run")]
    Start {
        /// The program.
        program: String,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// It failed.
    #[error("{program} failed ({status}): {complaint}")]
    Failed {
        /// The program.
        program: String,
        /// How it ended.
        status: String,
        /// The end of what it said on standard error.
        complaint: String,
    },
    /// It takes too long.
    #[error("{program} gave no key within {KEY_COMMAND_SECONDS_MAX} seconds, and was ended")]
    TooSlow {
        /// The program.
        program: String,
    },
    /// It says too much, or not text.
    #[error(
        "{program} printed something else than a key: expected nothing but the key on standard output, at most {OUTPUT_BYTES_MAX} bytes"
    )]
    Output {
        /// The program.
        program: String,
    },
}

/// Runs a command and takes what it prints.
pub(crate) async fn run(command: &[String]) -> Result<Zeroizing<String>, KeyCommandError> {
    run_within(command, Duration::from_secs(KEY_COMMAND_SECONDS_MAX)).await
}

async fn run_within(command: &[String], limit: Duration) -> Result<Zeroizing<String>, KeyCommandError> {
    let (program, arguments) = command.split_first().ok_or(KeyCommandError::Empty)?;
    let name = || program.clone();
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .map_err(|source| KeyCommandError::Start { program: name(), source })?;
    let (output, complaint) = (child.stdout.take(), child.stderr.take());
    let whole = async {
        let (output, complaint) =
            tokio::join!(read(output, OUTPUT_BYTES_MAX + 1), read(complaint, COMPLAINT_BYTES_MAX));
        // With more than that it may never end by itself.
        if output.len() > OUTPUT_BYTES_MAX {
            return Err(KeyCommandError::Output { program: name() });
        }
        let status =
            child.wait().await.map_err(|source| KeyCommandError::Start { program: name(), source })?;
        Ok((output, complaint, status))
    };
    let ended = tokio::time::timeout(limit, whole).await;
    let (output, complaint, status) = ended.map_err(|_| KeyCommandError::TooSlow { program: name() })??;
    if !status.success() {
        return Err(KeyCommandError::Failed {
            program: name(),
            status: status.to_string(),
            complaint: told(&complaint),
        });
    }
    match std::str::from_utf8(&output) {
        Ok(text) => Ok(Zeroizing::new(text.to_owned())),
        Err(_) => Err(KeyCommandError::Output { program: name() }),
    }
}

/// What a stream says, up to a limit. A stream that breaks has said what it has said.
async fn read(stream: Option<impl AsyncRead + Unpin>, bytes_max: usize) -> Zeroizing<Vec<u8>> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(bytes_max));
    if let Some(stream) = stream {
        drop(stream.take(bytes_max as u64).read_to_end(&mut bytes).await);
    }
    bytes
}

/// The end of a complaint in one harmless line.
fn told(complaint: &[u8]) -> String {
    let text = String::from_utf8_lossy(complaint);
    let words: Vec<&str> = text.split(|letter: char| letter.is_whitespace() || letter.is_control()).collect();
    let line = words.into_iter().filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
    if line.is_empty() {
        return String::from("it said nothing on standard error");
    }
    let skipped = line.chars().count().saturating_sub(TOLD_CHARACTERS_MAX);
    line.chars().skip(skipped).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn sh(script: &str) -> Result<String, KeyCommandError> {
        let command = ["/bin/sh", "-c", script].map(str::to_owned);
        run(&command).await.map(|text| text.to_string())
    }

    /// The key is what the command prints, whatever else it says on standard error.
    #[tokio::test]
    async fn the_output_is_the_key() {
        assert_eq!(sh("echo asking >&2; echo 00ff").await.unwrap(), "00ff\n");
    }

    /// Arguments are handed over as they are: no shell reads them.
    #[tokio::test]
    async fn no_shell_is_in_between() {
        let command = ["/bin/echo", "$HOME; `id`", "a  b"].map(str::to_owned);
        assert_eq!(run(&command).await.unwrap().as_str(), "$HOME; `id` a  b\n");
    }

    /// Each way to fail says what was wrong, and what the command said on standard error; what stood on standard output is
    /// in no error.
    #[tokio::test]
    async fn failures_are_told_without_the_key() {
        let failed = sh("echo secret; printf 'no \\033[31mrights\\n' >&2; exit 3").await.unwrap_err();
        let said = format!("{failed} {failed:?}");
        assert!(said.contains("no [31mrights"), "{said}");
        assert!(
            said.contains("exit status: 3") && !said.contains("secret") && !said.contains('\u{1b}'),
            "{said}"
        );
        assert!(matches!(sh("kill -9 $$").await.unwrap_err(), KeyCommandError::Failed { .. }));
        assert!(matches!(sh("printf '\\377'").await.unwrap_err(), KeyCommandError::Output { .. }));
        assert!(matches!(run(&[]).await.unwrap_err(), KeyCommandError::Empty));
        let missing = run(&["/nonexistent/kms".to_owned()]).await.unwrap_err();
        assert!(missing.to_string().contains("/nonexistent/kms"), "{missing}");
    }

    /// A command that never stops talking costs a bounded memory, and is ended.
    #[tokio::test]
    async fn endless_output_is_cut() {
        assert!(matches!(sh("yes secret").await.unwrap_err(), KeyCommandError::Output { .. }));
    }

    /// A command that hangs is ended when its time is over.
    #[tokio::test]
    async fn a_command_that_hangs_is_ended() {
        let command = ["/bin/sleep", "1000"].map(str::to_owned);
        let ended = run_within(&command, Duration::from_millis(50)).await;
        assert!(matches!(ended.unwrap_err(), KeyCommandError::TooSlow { .. }));
    }

    /// Of a long complaint the end is told.
    #[test]
    fn long_complaints_are_cut() {
        let long = format!("{} the reason", "x".repeat(1000));
        assert_eq!(told(long.as_bytes()).chars().count(), TOLD_CHARACTERS_MAX);
        assert!(told(long.as_bytes()).ends_with("the reason"));
        assert!(told(b" \n").contains("nothing"));
    }
}
