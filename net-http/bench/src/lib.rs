//! What the servers have in common.

use std::sync::atomic::{AtomicU64, Ordering};

/// The body of `/hello`.
pub const HELLO: &[u8] = b"hello, world";
/// The body of `/file`.
pub static FILE: [u8; 10 * 1024] = [b'x'; 10 * 1024];

/// Counts requests, and ends the program after as many as the first argument says, so that a profiler
/// sees that many and no more.
pub struct Count {
    left: AtomicU64,
}

impl Count {
    /// Without an argument there is no end.
    pub fn from_arguments() -> Self {
        let count = std::env::args().nth(1).and_then(|count| count.parse().ok());
        Self { left: AtomicU64::new(count.unwrap_or(u64::MAX)) }
    }

    /// One more. `true`: it was the last.
    pub fn is_last(&self) -> bool {
        self.left.fetch_sub(1, Ordering::Relaxed) == 1
    }
}

/// Tells where a server listens.
pub fn announce(addr: impl std::fmt::Display) {
    println!("LISTEN {addr}");
}
