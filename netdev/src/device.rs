//! The seam: what a network device with sockets on board has to do.

use core::net::{IpAddr, SocketAddr};
use core::task::Waker;

use crate::{
    AddressFamily, Capabilities, Error, Instant, Lookup, Netlink, Platform, Protocol, Readiness,
    Remote, Side, SockFd, SockFlags, SockOpt, SockType, Turns,
};

/// A network device that has sockets: a co-processor with TCP/IP in its firmware, a stack in the
/// program, the PC.
///
/// Names and semantics are those of BSD's socket(2); "not yet" is [`nb`]'s. The contract, for
/// whoever writes a device and whoever calls one:
///
/// * **No method waits for the network.** Each does at most one bounded exchange with the chip. What
///   makes the chip itself wait is posted: the call answers `WouldBlock`, and the same call, made
///   again, fetches the answer. [`wait`](crate::wait()) is the one loop that repeats calls.
/// * **`WouldBlock` is the only "not yet".** It also stands for "somebody else has the device just
///   now". While [`in_flight`](Self::in_flight) says that the chip has a call, that call must be
///   repeated with the same bytes, at least as many as before, or as much room to receive into;
///   less is [`InvalidInput`](Error::InvalidInput). One caller per socket and side: `net` sees to that,
///   users of raw sockets see to it themselves.
/// * **Nothing panics**, whatever the chip or a peer sends.
/// * **Handles go stale**: after [`close`](Self::close) every call answers
///   [`BadSocket`](Error::BadSocket), also when the slot has a new owner.
pub trait Netdev: Sync {
    /// The clock and the idling that belong to this device. A test's device brings a virtual one.
    fn platform(&self) -> &dyn Platform;

    /// Moves whatever is in flight one step on and gives closed sockets back. Says when calling
    /// again could matter, if it knows.
    fn drive(&self) -> Option<Instant>;

    /// The link below, where there is one to be joined.
    fn netlink(&self) -> Option<&dyn Netlink>;

    /// What this device with its firmware can do. Before the firmware was asked, what is sure.
    fn capabilities(&self) -> Capabilities;

    /// The device's own address.
    ///
    /// # Errors
    /// `LinkDown` while it has none.
    fn addr(&self) -> nb::Result<IpConfig, Error>;

    /// Opens a socket.
    ///
    /// # Errors
    /// `Unsupported` for a combination that this device does not have; `NoSockets` when all are
    /// taken (while a close is outstanding: `WouldBlock`).
    fn socket(
        &self,
        family: AddressFamily,
        kind: SockType,
        protocol: Protocol,
    ) -> nb::Result<SockFd, Error>;

    /// Gives a socket up. Cannot fail and never waits, so that `Drop` may call it: done at once if
    /// the chip is free, otherwise marked and done by a later call.
    fn close(&self, fd: SockFd);

    /// Connects; `WouldBlock` until the connection stands. A datagram socket gets its peer at once.
    ///
    /// # Errors
    /// `ConnectionRefused`, `TimedOut`, `Unreachable`, as far as the device can tell them apart.
    /// `InvalidInput` for [`Remote::Host`] on a socket that is not [`Protocol::Tls`].
    fn connect(&self, fd: SockFd, remote: Remote<'_>) -> nb::Result<(), Error>;

    /// Sends a prefix of `data` and tells its length, at least one byte unless `data` is empty. A
    /// datagram goes whole or not at all.
    ///
    /// # Errors
    /// `NotConnected`, `ConnectionReset`, `BrokenPipe`, `MessageTooLong`.
    fn send(&self, fd: SockFd, data: &[u8], flags: SockFlags) -> nb::Result<usize, Error>;

    /// Receives into a prefix of `buf` and tells its length.
    ///
    /// On a stream `Ok(0)` is its end, and stays so, unless `buf` is empty. On a datagram socket it
    /// is an empty datagram; what does not fit is lost.
    ///
    /// # Errors
    /// `NotConnected`, `ConnectionReset`.
    fn recv(&self, fd: SockFd, buf: &mut [u8], flags: SockFlags) -> nb::Result<usize, Error>;

    /// Whether the chip has a call of this side whose answer its caller has not been given yet. It
    /// stays true after the chip has answered, until the repeated call has fetched the answer, so
    /// that nobody else's bytes are booked to it.
    fn in_flight(&self, fd: SockFd, side: Side) -> bool;

    /// The next socket, in the device's order, that has something to read, to accept or to report.
    ///
    /// Level, not edge: nothing is consumed, and asking again gives the same answer. With `after`
    /// the search starts behind that socket, so that all can be walked; `None` ends the walk.
    fn next_ready(&self, after: Option<SockFd>) -> Readiness;

    // From here on the default answers `Unsupported`: a driver writes down only what its chip can do.

    /// Gives the socket its local address; port 0 lets the device choose.
    ///
    /// # Errors
    /// `AddrInUse`, `AddrNotAvailable`.
    fn bind(&self, fd: SockFd, local: SocketAddr) -> nb::Result<(), Error> {
        let _ = (fd, local);
        unsupported()
    }

    /// Makes a bound socket a listener that holds up to `backlog` connections until accepted.
    ///
    /// # Errors
    /// `AddrInUse` where the device finds out only now.
    fn listen(&self, fd: SockFd, backlog: u16) -> nb::Result<(), Error> {
        let _ = (fd, backlog);
        unsupported()
    }

    /// Takes the next connection off a listener, with its peer's address.
    ///
    /// # Errors
    /// `NoSockets` leaves the connection in the queue.
    fn accept(&self, fd: SockFd) -> nb::Result<(SockFd, SocketAddr), Error> {
        let _ = fd;
        unsupported()
    }

    /// Sends one datagram to `to`.
    ///
    /// # Errors
    /// `MessageTooLong`; `InvalidState` on a socket that has a peer.
    fn send_to(
        &self,
        fd: SockFd,
        data: &[u8],
        to: SocketAddr,
        flags: SockFlags,
    ) -> nb::Result<usize, Error> {
        let _ = (fd, data, to, flags);
        unsupported()
    }

    /// Receives one datagram and tells its true length, more than `buf.len()` if it was cut, and
    /// its sender.
    ///
    /// # Errors
    /// As [`recv`](Self::recv).
    fn recv_from(
        &self,
        fd: SockFd,
        buf: &mut [u8],
        flags: SockFlags,
    ) -> nb::Result<(usize, SocketAddr), Error> {
        let _ = (fd, buf, flags);
        unsupported()
    }

    /// Ends one direction: after `Side::Write` the peer reads the end.
    ///
    /// # Errors
    /// `NotConnected`.
    fn shutdown(&self, fd: SockFd, side: Side) -> nb::Result<(), Error> {
        let _ = (fd, side);
        unsupported()
    }

    /// Sets an option.
    ///
    /// # Errors
    /// `Unsupported` for an option that would otherwise be ignored.
    fn set_sock_opt(&self, fd: SockFd, option: SockOpt<'_>) -> nb::Result<(), Error> {
        let _ = (fd, option);
        unsupported()
    }

    /// The socket's own address; its port is never 0 once bound or connected.
    ///
    /// # Errors
    /// `Unsupported` where the device cannot know it.
    fn local_addr(&self, fd: SockFd) -> nb::Result<SocketAddr, Error> {
        let _ = fd;
        unsupported()
    }

    /// The peer's address.
    ///
    /// # Errors
    /// `NotConnected`.
    fn peer_addr(&self, fd: SockFd) -> nb::Result<SocketAddr, Error> {
        let _ = fd;
        unsupported()
    }

    /// Starts to look up `name`; with a family, only addresses of that one.
    ///
    /// # Errors
    /// `HostUnknown` for a text that cannot be a name; `Unsupported` where `net` has to ask the
    /// servers of [`addr`](Self::addr) itself.
    fn get_host_by_name(
        &self,
        name: &str,
        family: Option<AddressFamily>,
    ) -> nb::Result<Lookup, Error> {
        let _ = (name, family);
        unsupported()
    }

    /// The addresses found: fills a prefix of `out` and tells its length, at least 1.
    ///
    /// # Errors
    /// `HostUnknown`, `TimedOut`; `BadSocket` for a lookup that was ended.
    fn lookup_result(&self, lookup: Lookup, out: &mut [IpAddr]) -> nb::Result<usize, Error> {
        let _ = (lookup, out);
        unsupported()
    }

    /// Gives a lookup up, finished or not. Like `close`: cannot fail, never waits.
    fn end_lookup(&self, lookup: Lookup) {
        let _ = lookup;
    }

    /// Who is next when several callers want the device at once: what its
    /// [`Exclusive`](crate::Exclusive) keeps. `None` where callers are not in each other's way.
    fn turns(&self) -> Option<&Turns> {
        None
    }

    /// Wakes `waker` once when `side` may have moved on. `false`: no wake-ups here, ask again on a
    /// timer. The newest waker of a side wins, and the ousted one is woken. Register, try once more,
    /// then go to sleep.
    fn wake_on(&self, fd: SockFd, side: Side, waker: &Waker) -> bool {
        let _ = (fd, side, waker);
        false
    }
}

fn unsupported<T>() -> nb::Result<T, Error> {
    Err(nb::Error::Other(Error::Unsupported))
}

/// Addresses of a device, as DHCP or its user gave them.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct IpConfig {
    /// The device's address.
    pub addr: IpAddr,
    /// Length of the network's prefix in bits.
    pub prefix: u8,
    /// The way out of that network.
    pub gateway: Option<IpAddr>,
    /// Name servers, in order of preference.
    pub dns: [Option<IpAddr>; 2],
}

impl IpConfig {
    /// An address and the length of its network's prefix; no gateway, no name servers.
    #[must_use]
    pub const fn new(addr: IpAddr, prefix: u8) -> Self {
        Self { addr, prefix, gateway: None, dns: [None; 2] }
    }
}
