//! The TCP/IP stack inside a simulated chip: what it is made of, and what lies behind it.

use core::net::{IpAddr, Ipv4Addr, SocketAddr};

use netdev::{Error, Side};

/// One socket of a [`Stack`]. Numbers are never used again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Sock(pub u32);

/// Sockets behind a simulated chip, or behind a device of the bench: nothing waits here.
///
/// Two of them: a node of the network in memory, in virtual time, and a bridge to the PC's own
/// loopback sockets, in real time. Quirks of a firmware (its queue limits, its descriptor numbers)
/// belong to the chip's model and not in here.
pub trait Stack: Send {
    /// The node's own IPv4 address.
    fn addr(&self) -> Ipv4Addr;

    /// Starts a TCP connection.
    ///
    /// # Errors
    /// `Unsupported` for a family that this stack lacks.
    fn connect(&mut self, remote: SocketAddr) -> Result<Sock, Error>;

    /// `WouldBlock` while a connection is being made.
    ///
    /// # Errors
    /// `ConnectionRefused`, `TimedOut`, `Unreachable`.
    fn connected(&mut self, sock: Sock) -> nb::Result<(), Error>;

    /// Starts to listen on all addresses; port 0 lets the stack choose.
    ///
    /// # Errors
    /// `AddrInUse`.
    fn listen(&mut self, port: u16, backlog: u16) -> Result<Sock, Error>;

    /// Takes a connection off a listener.
    ///
    /// # Errors
    /// `BadSocket`.
    fn accept(&mut self, listener: Sock) -> nb::Result<(Sock, SocketAddr), Error>;

    /// How many connections wait on a listener, for a stack that knows without taking one.
    fn waiting(&self, _listener: Sock) -> Option<usize> {
        None
    }

    /// Sends a prefix of `data` on a connected socket (TCP, or UDP with a peer).
    ///
    /// # Errors
    /// `ConnectionReset`, `BrokenPipe`, `NotConnected`.
    fn send(&mut self, sock: Sock, data: &[u8]) -> nb::Result<usize, Error>;

    /// Receives into a prefix of `buf`; `Ok(0)` is the end of the stream. With `peek` it stays.
    ///
    /// # Errors
    /// `ConnectionReset`, `NotConnected`.
    fn recv(&mut self, sock: Sock, buf: &mut [u8], peek: bool) -> nb::Result<usize, Error>;

    /// Ends one direction.
    ///
    /// # Errors
    /// `NotConnected`.
    fn shutdown(&mut self, sock: Sock, side: Side) -> Result<(), Error>;

    /// Closes; what was sent still goes out. Unread data makes it a reset, as in BSD.
    fn close(&mut self, sock: Sock);

    /// Closes and tells the peer so at once, by a reset. A stack that cannot closes as usual.
    fn abort(&mut self, sock: Sock) {
        self.close(sock);
    }

    /// Opens a UDP socket on all addresses; port 0 lets the stack choose.
    ///
    /// # Errors
    /// `AddrInUse`.
    fn udp(&mut self, port: u16) -> Result<Sock, Error>;

    /// Sends one datagram.
    ///
    /// # Errors
    /// `MessageTooLong`, `Unreachable`.
    fn send_to(&mut self, sock: Sock, data: &[u8], to: SocketAddr) -> nb::Result<usize, Error>;

    /// Receives one datagram: its true length, and who sent it.
    ///
    /// # Errors
    /// `BadSocket`.
    fn recv_from(
        &mut self,
        sock: Sock,
        buf: &mut [u8],
        peek: bool,
    ) -> nb::Result<(usize, SocketAddr), Error>;

    /// The socket's own address.
    ///
    /// # Errors
    /// `BadSocket`.
    fn local_addr(&self, sock: Sock) -> Result<SocketAddr, Error>;

    /// Looks a name up; repeated with the same name until it has an answer.
    ///
    /// # Errors
    /// `HostUnknown`, `TimedOut`.
    fn lookup(&mut self, name: &str) -> nb::Result<Vec<IpAddr>, Error>;
}
