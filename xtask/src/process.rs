//! Running other programs.

use core::time::Duration;
use std::ffi::OsStr;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Instant;

use crate::Outcome;

/// The cargo that runs this program, or the one on the path.
pub(crate) fn cargo() -> Command {
    Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}

/// Runs a program, its output shown; fails unless it succeeds.
pub(crate) fn run(command: &mut Command) -> Outcome {
    let status = command.status().map_err(|error| cannot_start(command, &error))?;
    check(command, status)
}

/// Runs a program and returns what it printed; fails unless it succeeds.
pub(crate) fn capture(command: &mut Command) -> Outcome<String> {
    let output = command.output().map_err(|error| cannot_start(command, &error))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(format!("`{}` failed: {}", line(command), said.trim()));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Runs a program, shows each line it prints, and hands the line to `each`.
pub(crate) fn watch(command: &mut Command, mut each: impl FnMut(&str)) -> Outcome<ExitStatus> {
    let mut child =
        command.stdout(Stdio::piped()).spawn().map_err(|error| cannot_start(command, &error))?;
    if let Some(output) = child.stdout.take() {
        for line in BufReader::new(output).split(b'\n').map_while(Result::ok) {
            let line = String::from_utf8_lossy(&line);
            println!("{line}");
            each(&line);
        }
    }
    child.wait().map_err(|error| error.to_string())
}

/// Runs a program, its output shown; ends it after `limit`.
pub(crate) fn run_within(command: &mut Command, limit: Duration) -> Outcome {
    let mut child = command.spawn().map_err(|error| cannot_start(command, &error))?;
    match wait_within(&mut child, limit)? {
        Some(status) => check(command, status),
        None => Err(format!("`{}` took longer than {} s", line(command), limit.as_secs())),
    }
}

/// Waits for a child, and ends it after `limit`; `None` means it had to be ended.
fn wait_within(child: &mut Child, limit: Duration) -> Outcome<Option<ExitStatus>> {
    let start = Instant::now();
    loop {
        if let Some(status) = child.try_wait().map_err(|error| error.to_string())? {
            return Ok(Some(status));
        }
        if start.elapsed() >= limit {
            end(child);
            return Ok(None);
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Ends a child, whatever state it is in.
pub(crate) fn end(child: &mut Child) {
    let _ = child.kill();
    let _ = child.wait();
}

/// Whether a program of this name is on the path.
pub(crate) fn is_installed(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

/// A command as it would be typed, for messages.
pub(crate) fn line(command: &Command) -> String {
    let words = core::iter::once(command.get_program()).chain(command.get_args());
    words.map(OsStr::to_string_lossy).collect::<Vec<_>>().join(" ")
}

fn check(command: &Command, status: ExitStatus) -> Outcome {
    if status.success() {
        return Ok(());
    }
    Err(format!("`{}` failed ({status})", line(command)))
}

fn cannot_start(command: &Command, error: &std::io::Error) -> String {
    format!("cannot start `{}`: {error}", line(command))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_takes_too_long_is_ended() {
        let start = Instant::now();
        let outcome = run_within(Command::new("sleep").arg("30"), Duration::from_millis(100));
        assert!(outcome.is_err_and(|reason| reason.contains("sleep 30")));
        assert!(start.elapsed() < Duration::from_secs(10));
    }

    #[test]
    fn a_missing_program_is_an_error_and_not_a_panic() {
        assert!(run(&mut Command::new("no-such-program")).is_err());
        assert!(!is_installed("no-such-program"));
    }
}
