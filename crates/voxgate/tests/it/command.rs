//! Running the built program, for the tests of the command line.

use std::path::Path;
use std::process::{Output, Stdio};

use serde_json::Value;
use testkit::within;
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

pub(crate) const BINARY: &str = env!("CARGO_BIN_EXE_voxgate");

/// Runs the program with nothing on standard input.
pub(crate) async fn run(arguments: &[&str]) -> Output {
    run_with(arguments, &[], "").await
}

/// Runs the program with a text on standard input.
pub(crate) async fn run_with_input(arguments: &[&str], input: &str) -> Output {
    run_with(arguments, &[], input).await
}

/// Runs the program with environment variables and a text on standard input.
pub(crate) async fn run_with(arguments: &[&str], environment: &[(&str, &str)], input: &str) -> Output {
    let mut child = Command::new(BINARY)
        .args(arguments)
        .envs(environment.iter().copied())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    // A program that reads nothing may be gone by now.
    drop(stdin.write_all(input.as_bytes()).await);
    drop(stdin);
    within("the command", child.wait_with_output()).await.unwrap()
}

pub(crate) fn out(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

pub(crate) fn err(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// What a command printed that must have gone well.
#[track_caller]
pub(crate) fn ok(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(0), "{}{}", out(output), err(output));
    out(output)
}

/// What a command said that must have failed with exit code 1.
#[track_caller]
pub(crate) fn failed(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(1), "{}{}", out(output), err(output));
    err(output)
}

/// The JSON of a command that must have gone well.
#[track_caller]
pub(crate) fn json(output: &Output) -> Value {
    let text = ok(output);
    serde_json::from_str(&text).unwrap_or_else(|_| panic!("no JSON: {text}"))
}

/// The built program, for tests that start it as a server.
pub(crate) fn binary() -> &'static Path {
    Path::new(BINARY)
}
