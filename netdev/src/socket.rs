//! Sockets by BSD's names: families, types, protocols, flags, options, handles.

use core::net::SocketAddr;
use core::time::Duration;

/// A socket of one device. Opaque, `Copy`, and worthless once closed.
///
/// The generation is new each time a slot is given out, so that a stale handle gives
/// [`BadSocket`](crate::Error::BadSocket) and never reaches a newer socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct SockFd {
    slot: u16,
    generation: u16,
}

impl SockFd {
    /// A handle; only drivers make them.
    #[must_use]
    pub const fn new(slot: u16, generation: u16) -> Self {
        Self { slot, generation }
    }

    /// The index into the driver's table.
    #[must_use]
    pub const fn slot(self) -> u16 {
        self.slot
    }

    /// Which owner of that slot this is.
    #[must_use]
    pub const fn generation(self) -> u16 {
        self.generation
    }
}

/// Address family, `AF_*` of socket(2).
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum AddressFamily {
    /// `AF_INET`: IPv4.
    Inet,
    /// `AF_INET6`: IPv6.
    Inet6,
}

impl AddressFamily {
    /// The family of an address.
    #[must_use]
    pub const fn of(addr: &SocketAddr) -> Self {
        match addr {
            SocketAddr::V4(_) => Self::Inet,
            SocketAddr::V6(_) => Self::Inet6,
        }
    }
}

/// Socket type, `SOCK_*` of socket(2).
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum SockType {
    /// `SOCK_STREAM`: a byte stream with an end.
    Stream,
    /// `SOCK_DGRAM`: datagrams, which may be empty and have no end.
    Dgram,
}

/// Protocol, `IPPROTO_*` of socket(2).
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Protocol {
    /// `IPPROTO_TCP`.
    Tcp,
    /// `IPPROTO_UDP`.
    Udp,
    /// A byte stream inside a TLS session that the device runs. Never plain TCP.
    Tls,
}

/// Flags of send(2) and recv(2), `MSG_*`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct SockFlags(u8);

impl SockFlags {
    /// No flag.
    pub const NONE: Self = Self(0);
    /// `MSG_PEEK`: what is received stays in the queue.
    pub const PEEK: Self = Self(1);

    /// Whether every flag of `other` is set here.
    #[must_use]
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

/// One direction of a socket.
#[expect(clippy::exhaustive_enums, reason = "a connection has two directions")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Side {
    /// Receiving, and accepting on a listener.
    Read,
    /// Sending, and connecting.
    Write,
}

/// Whom to connect to.
#[expect(clippy::exhaustive_enums, reason = "a device has to handle every kind")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Remote<'a> {
    /// An address.
    Addr(SocketAddr),
    /// A name and a port, for [`Protocol::Tls`] only: the name is sent (SNI) and checked against
    /// the certificate.
    Host(&'a str, u16),
}

/// A socket option, its value inside.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum SockOpt<'a> {
    /// `SO_KEEPALIVE`, with the period of its probes; `None` switches it off.
    KeepAlive(Option<Duration>),
    /// `SO_LINGER`: how long close goes on sending what is queued; `None` is the device's own way.
    Linger(Option<Duration>),
    /// `TCP_NODELAY`: small writes are not held back.
    NoDelay(bool),
    /// `IPV6_V6ONLY`, before binding: with `false` a socket of IPv6 that is bound to the unspecified
    /// address takes what comes over IPv4, too, and speaks with such peers.
    Ipv6Only(bool),
    /// `SO_BROADCAST`: datagrams may go to the broadcast address.
    Broadcast(bool),
    /// Which roots a TLS session trusts.
    TlsRoots(TlsRoots<'a>),
    /// Our own certificate and key (PEM or DER, as the device takes them).
    TlsIdentity {
        /// Certificate chain, leaf first.
        cert: &'a [u8],
        /// Private key.
        key: &'a [u8],
    },
    /// Protocols to offer (RFC 7301), most wanted first.
    TlsAlpn(&'a [&'a str]),
    /// `false` accepts any certificate, and only this call makes it so.
    TlsVerify(bool),
}

/// Where the certificates come from that a TLS session trusts.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum TlsRoots<'a> {
    /// The bundle inside the device's firmware.
    BuiltIn,
    /// PEM text.
    Pem(&'a [u8]),
    /// One certificate in DER.
    Der(&'a [u8]),
    /// A numbered store of the chip.
    Slot(u8),
}

/// A name lookup that is under way. Like a socket, it has a generation and must be ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Lookup {
    slot: u16,
    generation: u16,
}

impl Lookup {
    /// A token; only drivers make them.
    #[must_use]
    pub const fn new(slot: u16, generation: u16) -> Self {
        Self { slot, generation }
    }

    /// The index into the driver's table.
    #[must_use]
    pub const fn slot(self) -> u16 {
        self.slot
    }

    /// Which owner of that slot this is.
    #[must_use]
    pub const fn generation(self) -> u16 {
        self.generation
    }
}

/// What a device knows about sockets with something to do.
#[expect(clippy::exhaustive_enums, reason = "a server has to handle every answer")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Readiness {
    /// The device cannot tell: ask each socket.
    Unknown,
    /// No socket has anything to read, to accept, or an end to report.
    None,
    /// A receive or accept on this one will not be "not yet" (or fails, which is news too).
    Socket(SockFd),
}
