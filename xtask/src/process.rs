//! Starting other programs, with an end to every wait.

use std::ffi::OsStr;
use std::fs::File;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::Fault;

/// How often a running program is looked at.
const POLL_MILLISECONDS: u64 = 50;

/// Runs a program to its end and gives what it wrote to standard output.
pub(crate) fn capture(command: &mut Command) -> Result<String, Fault> {
    let output = command.stdin(Stdio::null()).output().map_err(|error| cannot_start(command, &error))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(format!("`{}` failed ({}): {}", shown(command), output.status, said.trim()));
    }
    String::from_utf8(output.stdout)
        .map_err(|_| format!("`{}` wrote something that isn't UTF-8", shown(command)))
}

/// Whether a program is there and ends well with these arguments.
pub(crate) fn works(program: impl AsRef<OsStr>, arguments: &[&str]) -> bool {
    silent(program, arguments).is_ok_and(|status| status.success())
}

/// Whether a program is there, however it ends.
pub(crate) fn starts(program: impl AsRef<OsStr>, arguments: &[&str]) -> bool {
    silent(program, arguments).is_ok()
}

fn silent(program: impl AsRef<OsStr>, arguments: &[&str]) -> std::io::Result<ExitStatus> {
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status()
}

/// Runs a program that writes where we write.
pub(crate) fn run(command: &mut Command, limit: Duration) -> Result<(), Fault> {
    command.stdin(Stdio::null());
    let child = command.spawn().map_err(|error| cannot_start(command, &error))?;
    finish(command, child, limit)
}

/// Runs a program and keeps all that it writes in a file.
pub(crate) fn run_into(command: &mut Command, log: &Path, limit: Duration) -> Result<(), Fault> {
    let refuse = |error: std::io::Error| format!("{} can't be written: {error}", log.display());
    if let Some(folder) = log.parent() {
        std::fs::create_dir_all(folder).map_err(refuse)?;
    }
    let file = File::create(log).map_err(refuse)?;
    command.stdin(Stdio::null()).stdout(file.try_clone().map_err(refuse)?).stderr(file);
    let child = command.spawn().map_err(|error| cannot_start(command, &error))?;
    finish(command, child, limit)
}

fn finish(command: &Command, mut child: Child, limit: Duration) -> Result<(), Fault> {
    let Some(status) = wait(&mut child, limit)? else {
        // The handle is the program that we started, so nothing else can be hit.
        let _ = child.kill();
        let _ = child.wait();
        return Err(format!("`{}` was ended after {} s, its limit", shown(command), limit.as_secs()));
    };
    if status.success() { Ok(()) } else { Err(format!("`{}` failed ({status})", shown(command))) }
}

fn wait(child: &mut Child, limit: Duration) -> Result<Option<ExitStatus>, Fault> {
    let started = Instant::now();
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return Ok(Some(status)),
            Ok(None) if started.elapsed() >= limit => return Ok(None),
            Ok(None) => thread::sleep(Duration::from_millis(POLL_MILLISECONDS)),
            Err(error) => return Err(format!("waiting for a program failed: {error}")),
        }
    }
}

fn cannot_start(command: &Command, error: &std::io::Error) -> Fault {
    format!("`{}` can't be started: {error}", shown(command))
}

/// A command as one would type it.
fn shown(command: &Command) -> String {
    let mut words = vec![command.get_program().to_string_lossy().into_owned()];
    words.extend(command.get_args().map(|argument| argument.to_string_lossy().into_owned()));
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    const LONG: Duration = Duration::from_secs(60);

    /// A program's exit code decides, and its own words are passed on.
    #[test]
    fn a_failing_program_is_a_fault_that_says_which() {
        assert_eq!(capture(&mut shell("echo well")), Ok("well\n".to_owned()));
        let fault = capture(&mut shell("echo because >&2; exit 3")).unwrap_err();
        assert!(fault.contains("because") && fault.contains("exit 3"), "{fault}");
        assert!(run(&mut shell("exit 0"), LONG).is_ok());
        assert!(run(&mut shell("exit 1"), LONG).is_err());
    }

    /// Nothing can hold the run up for ever.
    #[test]
    fn a_program_over_its_limit_is_ended() {
        let fault = run(&mut shell("exec sleep 600"), Duration::from_millis(1)).unwrap_err();
        assert!(fault.contains("its limit"), "{fault}");
    }

    /// A tool that isn't there is seen as missing, not as an error of ours.
    #[test]
    fn a_missing_program_does_not_work() {
        assert!(works("sh", &["-c", "true"]));
        assert!(!works("sh", &["-c", "false"]));
        assert!(!works("no-such-program-anywhere", &[]));
        assert!(starts("sh", &["-c", "false"]));
        assert!(!starts("no-such-program-anywhere", &[]));
    }
}
