//! What travels between nodes.

use core::net::{Ipv4Addr, SocketAddrV4};

use crate::Sock;

/// Something on its way from one node to another.
#[derive(Debug)]
pub(super) struct Packet {
    pub(super) from: Ipv4Addr,
    pub(super) to: Ipv4Addr,
    pub(super) body: Body,
}

#[derive(Debug)]
pub(super) enum Body {
    /// A call for a connection, the how-manieth it is, and the window of the caller.
    Call { caller: Sock, from: SocketAddrV4, to: SocketAddrV4, attempt: u32, window: usize },
    /// The call was taken by `peer`, who has this window.
    Taken { to: Sock, peer: Sock, window: usize },
    /// Nobody listens there.
    Refused { to: Sock },
    /// Bytes of a stream.
    Data { to: Sock, from: Sock, bytes: Vec<u8> },
    /// The end of a stream.
    End { to: Sock },
    /// The connection is broken off.
    Reset { to: Sock },
    /// So many bytes were read and may be sent again.
    Window { to: Sock, bytes: usize },
    /// A datagram.
    Datagram { from: SocketAddrV4, port: u16, bytes: Vec<u8> },
    /// A node's own timer: a call that is still unanswered has failed.
    Unanswered { caller: Sock },
}

impl Body {
    /// Whether the sender would send it again until it arrives.
    pub(super) fn is_repeated(&self) -> bool {
        !matches!(self, Self::Datagram { .. } | Self::Call { .. })
    }
}
