//! `test`: everything that needs only Rust.

use crate::workspace::Workspace;
use crate::{Outcome, core_only, only_flags, process};

pub(crate) const HELP: &str =
    "run everything that needs only Rust (--no-skip: a skipped part is a failure)";

/// How many tests and parts went which way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Counts {
    passed: u32,
    failed: u32,
    skipped: u32,
}

pub(crate) fn run(arguments: &[String]) -> Outcome {
    only_flags(arguments, &["--no-skip"])?;
    let workspace = Workspace::load()?;
    let mut counts = Counts::default();
    core_only_parts(&workspace, &mut counts);
    if !cargo_test(&workspace, &mut counts)? && counts.failed == 0 {
        // Nothing ran that could have failed: it did not build.
        counts.failed = 1;
    }
    let Counts { passed, failed, skipped } = counts;
    println!("{passed} passed, {failed} failed, {skipped} skipped");
    if failed > 0 {
        return Err("some of the tests failed".into());
    }
    if skipped > 0 && !arguments.is_empty() {
        return Err(format!("{skipped} skipped, and nothing may be"));
    }
    Ok(())
}

/// The builds for chips, as far as there is a compiler for them. Each target counts as one test.
fn core_only_parts(workspace: &Workspace, counts: &mut Counts) {
    for builds in core_only::all() {
        let compiler = match builds.compiler() {
            Ok(compiler) => compiler,
            Err(reason) => {
                println!("skipped: {} ({reason})", builds.name);
                counts.skipped += 1;
                continue;
            }
        };
        match builds.run(workspace, &compiler) {
            Ok(()) => {
                println!("{}: ok ({})", builds.name, compiler.describe());
                counts.passed += 1;
            }
            Err(reason) => {
                println!("{}: FAILED: {reason}", builds.name);
                counts.failed += 1;
            }
        }
    }
}

/// Unit, integration and doc tests of every member. Tests marked `ignore` count as skipped.
fn cargo_test(workspace: &Workspace, counts: &mut Counts) -> Outcome<bool> {
    let mut cargo = process::cargo();
    cargo.current_dir(&workspace.root).args(["test", "--workspace", "--no-fail-fast"]);
    let status = process::watch(&mut cargo, |line| counts.add_line(line))?;
    Ok(status.success())
}

impl Counts {
    /// Adds what a closing line of a test program says; other lines say nothing.
    fn add_line(&mut self, line: &str) {
        let Some(result) = line.trim().strip_prefix("test result: ") else { return };
        self.passed += number_before(result, "passed");
        self.failed += number_before(result, "failed");
        self.skipped += number_before(result, "ignored");
    }
}

/// `3` of `ok. 3 passed; 0 failed` for `passed`; 0 if the word is not there.
fn number_before(text: &str, word: &str) -> u32 {
    let words: Vec<&str> = text.split_whitespace().collect();
    let pairs = words.iter().zip(words.iter().skip(1));
    let mut found = pairs.filter(|(_, next)| next.trim_end_matches(';') == word);
    found.next().and_then(|(number, _)| number.parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn closing_lines_add_up_and_other_lines_count_nothing() {
        let mut counts = Counts::default();
        counts.add_line("running 3 tests");
        counts.add_line("test a ... ok");
        counts.add_line(
            "test result: FAILED. 12 passed; 1 failed; 2 ignored; 0 measured; 5 filtered out; \
             finished in 0.00s",
        );
        counts.add_line("test result: ok. 30 passed; 0 failed; 0 ignored; 0 measured; 0 filtered");
        assert_eq!(counts, Counts { passed: 42, failed: 1, skipped: 2 });
    }
}
