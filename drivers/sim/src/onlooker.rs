//! Decoded traffic, shown to whoever looks on.

use std::io::{self, Write};

use netdev::Instant;

/// Shows one line on stderr, behind its time. If nobody reads it, nobody misses it: a pager that is
/// closed does not end what it showed.
pub fn on_stderr(at: Instant, line: &str) {
    let _ = writeln!(io::stderr(), "{at} {line}");
}
