//! How a program ends.

use core::fmt;
use std::io::{self, Write};
use std::process::ExitCode;

/// Why a program gives up: one line for people, and an exit code for scripts.
#[derive(Debug)]
pub struct Failure {
    code: u8,
    text: String,
}

impl Failure {
    /// Something in the world does not play along: exit code 1.
    #[must_use]
    pub fn new(text: impl fmt::Display) -> Self {
        Self { code: 1, text: text.to_string() }
    }

    /// The program was called wrongly: exit code 2.
    #[must_use]
    pub fn usage(text: impl fmt::Display) -> Self {
        Self { code: 2, text: text.to_string() }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl<E: core::error::Error> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::new(error)
    }
}

/// Tells a failure on stderr, and the exit code.
#[must_use]
pub fn finish(program: &str, result: Result<(), Failure>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            let _ = writeln!(io::stderr(), "{program}: {failure}");
            ExitCode::from(failure.code)
        }
    }
}
