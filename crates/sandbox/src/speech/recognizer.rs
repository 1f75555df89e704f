//! The command that gives real words: `CMD {wav}`, run without a shell.

use crate::limits::{RECOGNIZER_COMPLAINT_BYTES_MAX, RECOGNIZER_SECONDS_MAX, RECOGNIZER_TEXT_BYTES_MAX};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::{Child, Command};

/// What stands in the command line for the path of the audio.
const PLACE: &str = "{wav}";

/// Variables that start so may hold secrets of Voxgate; the command doesn't get them.
const PRIVATE_VARIABLES: &str = "VOXGATE_";

/// Why a command line can't be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CommandLineError {
    /// Nothing to run.
    #[error("the recogniser command is empty, expected a program and its arguments with {PLACE} among them")]
    Empty,
    /// A quote that has no end.
    #[error("the recogniser command has an unclosed {0} quote")]
    Quote(char),
    /// The audio isn't mentioned.
    #[error("the recogniser command doesn't say where the audio goes: put {PLACE} among its arguments")]
    NoPlace,
}

/// Why a call of the recogniser gave no text. Safe to show to the owner of the job.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum RecognizerError {
    #[error("the recogniser could not be started: {0}")]
    Start(String),
    #[error("the recogniser took longer than {RECOGNIZER_SECONDS_MAX} seconds")]
    TooSlow,
    #[error("the recogniser printed more than {RECOGNIZER_TEXT_BYTES_MAX} bytes")]
    TooMuch,
    #[error("the recogniser failed ({status})")]
    Failed { status: String, complaint: String },
    #[error("the recogniser's output could not be read: {0}")]
    Output(String),
}

impl RecognizerError {
    /// What the command wrote about it, for the log.
    pub(crate) fn complaint(&self) -> &str {
        match self {
            RecognizerError::Failed { complaint, .. } => complaint,
            _ => "",
        }
    }
}

/// A parsed command line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Recognizer {
    program: String,
    arguments: Vec<String>,
}

impl Recognizer {
    pub(crate) fn parse(line: &str) -> Result<Recognizer, CommandLineError> {
        let mut parts = split(line)?.into_iter();
        let program = parts.next().filter(|program| !program.is_empty()).ok_or(CommandLineError::Empty)?;
        let arguments: Vec<String> = parts.collect();
        if !arguments.iter().any(|argument| argument.contains(PLACE)) {
            return Err(CommandLineError::NoPlace);
        }
        Ok(Recognizer { program, arguments })
    }

    /// Runs the command over a WAV file. Dropping the future kills the command.
    pub(crate) async fn run(&self, wav: &Path) -> Result<String, RecognizerError> {
        let limit = Duration::from_secs(RECOGNIZER_SECONDS_MAX);
        self.run_within(wav, limit).await
    }

    async fn run_within(&self, wav: &Path, limit: Duration) -> Result<String, RecognizerError> {
        let mut child = self.start(wav).map_err(|error| RecognizerError::Start(error.to_string()))?;
        match tokio::time::timeout(limit, collect(&mut child)).await {
            Ok(result) => result,
            Err(_) => Err(RecognizerError::TooSlow),
        }
    }

    fn start(&self, wav: &Path) -> std::io::Result<Child> {
        let mut command = Command::new(&self.program);
        command.args(self.arguments.iter().map(|argument| fill(argument, wav)));
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with(PRIVATE_VARIABLES) {
                command.env_remove(name);
            }
        }
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true).spawn()
    }
}

/// Puts the path where the argument wants it; a path need not be UTF-8.
fn fill(argument: &str, wav: &Path) -> OsString {
    let mut filled = OsString::new();
    for (number, part) in argument.split(PLACE).enumerate() {
        if number > 0 {
            filled.push(wav);
        }
        filled.push(part);
    }
    filled
}

async fn collect(child: &mut Child) -> Result<String, RecognizerError> {
    let broken = |error: std::io::Error| RecognizerError::Output(error.to_string());
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let (text, complaint) = tokio::join!(read_text(stdout), read_tail(stderr));
    // Only now: a command that printed too much is stopped, not waited for.
    let text = text?;
    let status = child.wait().await.map_err(broken)?;
    if !status.success() {
        let complaint = String::from_utf8_lossy(&complaint.map_err(broken)?).trim().to_owned();
        return Err(RecognizerError::Failed { status: status.to_string(), complaint });
    }
    Ok(String::from_utf8_lossy(&text).into_owned())
}

async fn read_text(output: Option<impl AsyncRead + Unpin>) -> Result<Vec<u8>, RecognizerError> {
    let mut text = Vec::new();
    let Some(output) = output else { return Ok(text) };
    let mut output = output.take(RECOGNIZER_TEXT_BYTES_MAX as u64 + 1);
    output.read_to_end(&mut text).await.map_err(|error| RecognizerError::Output(error.to_string()))?;
    if text.len() > RECOGNIZER_TEXT_BYTES_MAX {
        return Err(RecognizerError::TooMuch);
    }
    Ok(text)
}

/// Reads all, keeps the end.
async fn read_tail(output: Option<impl AsyncRead + Unpin>) -> std::io::Result<Vec<u8>> {
    let mut tail = Vec::new();
    let Some(mut output) = output else { return Ok(tail) };
    let mut buffer = vec![0; 4096];
    loop {
        let count = output.read(&mut buffer).await?;
        if count == 0 {
            return Ok(tail);
        }
        tail.extend_from_slice(&buffer[..count]);
        let extra = tail.len().saturating_sub(RECOGNIZER_COMPLAINT_BYTES_MAX);
        tail.drain(..extra);
    }
}

/// Splits a command line as a shell would, with quotes and backslashes, and nothing else of a shell.
fn split(line: &str) -> Result<Vec<String>, CommandLineError> {
    let mut parts = Vec::new();
    let mut part: Option<String> = None;
    let mut quote = None;
    let mut characters = line.chars();
    while let Some(character) = characters.next() {
        match (quote, character) {
            (Some(open), _) if character == open => quote = None,
            (None | Some('"'), '\\') => part.get_or_insert_default().extend(characters.next()),
            (Some(_), _) => part.get_or_insert_default().push(character),
            (None, '"' | '\'') => {
                quote = Some(character);
                part.get_or_insert_default();
            }
            (None, _) if character.is_whitespace() => parts.extend(part.take()),
            (None, _) => part.get_or_insert_default().push(character),
        }
    }
    if let Some(open) = quote {
        return Err(CommandLineError::Quote(open));
    }
    parts.extend(part);
    Ok(parts)
}

/// A file that is removed when nobody needs it any more.
#[derive(Debug)]
pub(crate) struct TemporaryFile {
    path: PathBuf,
}

impl TemporaryFile {
    pub(crate) fn new(path: PathBuf) -> TemporaryFile {
        TemporaryFile { path }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for TemporaryFile {
    fn drop(&mut self) {
        // It may never have been made.
        let _ = std::fs::remove_file(&self.path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Command lines split as in a shell, without doing anything else that a shell does.
    #[test]
    fn command_lines_split_as_in_a_shell() {
        let recognizer = Recognizer::parse(r#"  /bin/a "b c" 'd "e' f\ g --in={wav} "" $HOME "#).unwrap();
        assert_eq!(recognizer.program, "/bin/a");
        assert_eq!(recognizer.arguments, ["b c", "d \"e", "f g", "--in={wav}", "", "$HOME"]);
        assert_eq!(fill("--in={wav}", Path::new("/x y")), "--in=/x y");
    }

    /// Command lines that can't work are refused, each with what is wrong.
    #[test]
    fn unusable_command_lines_are_refused() {
        assert_eq!(Recognizer::parse("   "), Err(CommandLineError::Empty));
        assert_eq!(Recognizer::parse("'' {wav}"), Err(CommandLineError::Empty));
        assert_eq!(Recognizer::parse("a 'b {wav}"), Err(CommandLineError::Quote('\'')));
        assert_eq!(Recognizer::parse("a b"), Err(CommandLineError::NoPlace));
        assert!(Recognizer::parse("a {wav}").is_ok());
    }

    async fn run(line: &str) -> Result<String, RecognizerError> {
        Recognizer::parse(line).unwrap().run(Path::new("/tmp/some.wav")).await
    }

    /// The text is what the command prints; failing, missing and babbling commands say so.
    #[tokio::test]
    async fn commands_give_text_or_a_reason() {
        assert_eq!(run("printf '%s\\n' {wav}").await.unwrap().trim(), "/tmp/some.wav");
        let failed = run("sh -c 'echo broken >&2; exit 3' {wav}").await.unwrap_err();
        assert_eq!(failed.complaint(), "broken");
        assert!(failed.to_string().contains("exit status: 3"));
        assert!(matches!(run("/nonexistent/recogniser {wav}").await, Err(RecognizerError::Start(_))));
        assert_eq!(run("sh -c 'yes' {wav}").await, Err(RecognizerError::TooMuch));
    }

    /// A command that doesn't end is stopped.
    #[tokio::test]
    async fn commands_are_limited_in_time() {
        let recognizer = Recognizer::parse("sleep 1000 {wav}").unwrap();
        let recognizer = Recognizer { arguments: vec!["1000".to_owned()], ..recognizer };
        let result = recognizer.run_within(Path::new("x"), Duration::from_millis(50)).await;
        assert_eq!(result, Err(RecognizerError::TooSlow));
    }

    proptest! {
        /// No command line makes the splitter panic, and what was quoted comes back whole.
        #[test]
        fn any_command_line_is_survived(line: String, words in proptest::collection::vec("[^']{0,8}", 0..6)) {
            let _ = split(&line);
            let quoted: Vec<String> = words.iter().map(|word| format!("'{word}'")).collect();
            prop_assert_eq!(split(&quoted.join(" ")).unwrap(), words);
        }
    }
}
