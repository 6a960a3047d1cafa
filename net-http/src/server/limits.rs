//! What a server allows.

use core::time::Duration;

/// Limits of a server. Every one has a default that suits a small device.
///
/// Differs from Go, which by default has none for time.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Limits {
    /// From accept, or from the first byte of a further request, to the end of its head: 10 s. Then
    /// status 408, or nothing if nothing came.
    pub head_time: Duration,
    /// How long a connection may wait for its next request: 60 s.
    pub idle_time: Duration,
    /// How long the client may take for a further KiB of its body: 60 s. A body that fits the
    /// connection's buffer has to come within it. Then status 408, or the handler's read fails.
    pub body_time: Duration,
    /// How long the client may take to accept a further KiB of the answer: 60 s. Then the connection
    /// is cut.
    pub write_time: Duration,
    /// While another request waits for its handler, a handler that waits for its client gets 1 KiB
    /// moved within this time, or is cut off: 1 s. So no client can hold up the others for long. And
    /// when every place is taken, a client that has been silent for so long makes room for a new one.
    pub stall_time: Duration,
    /// Header fields of a request: 500. More: status 431. (Their size is limited by the buffer.)
    pub fields: u16,
    /// Bytes of a request's target: 65,535, so that only the buffer limits them. More: status 414.
    pub target: u16,
    /// A request with both a length and chunks is refused with status 400. Off: as in Go, the chunks
    /// count. What stands behind a proxy that may see it differently should switch it on.
    pub strict_framing: bool,
    /// Bytes of a request's body: 10 MiB. More: status 413, or the handler's read fails.
    pub body: u64,
    /// Bytes of a body that its handler left unread: they are read and thrown away so that the
    /// connection can go on. 256 KiB; with more it is closed.
    pub drain: u64,
}

impl Limits {
    /// The defaults.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            head_time: Duration::from_secs(10),
            idle_time: Duration::from_secs(60),
            body_time: Duration::from_secs(60),
            write_time: Duration::from_secs(60),
            stall_time: Duration::from_secs(1),
            fields: 500,
            target: u16::MAX,
            strict_framing: false,
            body: 10 << 20,
            drain: 256 << 10,
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self::new()
    }
}
