//! Lines on stdout.

use core::fmt;
use std::io::{self, Write};

use crate::Failure;

/// Tells, as the first line, where a server listens. Scripts wait for it.
///
/// # Errors
/// If nobody reads stdout.
pub fn announce(addr: impl fmt::Display) -> Result<(), Failure> {
    say(format_args!("LISTEN {addr}"))
}

/// One line, at once.
///
/// # Errors
/// If nobody reads stdout.
pub fn say(line: impl fmt::Display) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    writeln!(out, "{line}").and_then(|()| out.flush())?;
    Ok(())
}
