//! Making connections.

mod race;

use core::net::SocketAddr;
use core::time::Duration;

use crate::resolve::Candidates;
use crate::socket::Socket;
use crate::{Cause, Connection, Error, Instant, Netdev, Network, Op, TcpConn, UdpConn};
use race::Race;

/// Connects to `addr` with the registered device; see [`Dialer::dial`].
///
/// # Errors
/// As [`Dialer::dial`].
pub fn dial(network: &str, addr: &str) -> Result<Connection, Error> {
    Dialer::new().dial(network, addr)
}

/// Connects to `addr` with this device; see [`Dialer::dial`].
///
/// # Errors
/// As [`Dialer::dial`].
pub fn dial_on(
    device: &'static dyn Netdev,
    network: &str,
    addr: &str,
) -> Result<Connection, Error> {
    Dialer::on(device).dial(network, addr)
}

/// Connects to `addr` with the registered device, within `timeout`; zero means no limit.
///
/// # Errors
/// As [`Dialer::dial`].
pub fn dial_timeout(network: &str, addr: &str, timeout: Duration) -> Result<Connection, Error> {
    Dialer::new().timeout(timeout).dial(network, addr)
}

/// Connects to an address by TCP with the registered device, from a local address if one is given:
/// Go's `DialTCP`.
///
/// # Errors
/// As [`Dialer::dial_tcp`].
pub fn dial_tcp(local: Option<SocketAddr>, remote: SocketAddr) -> Result<TcpConn, Error> {
    Dialer::new().from(local).dial_tcp(remote)
}

/// Connects to an address by UDP with the registered device, from a local address if one is given:
/// Go's `DialUDP`.
///
/// # Errors
/// As [`Dialer::dial_udp`].
pub fn dial_udp(local: Option<SocketAddr>, remote: SocketAddr) -> Result<UdpConn, Error> {
    Dialer::new().from(local).dial_udp(remote)
}

/// How to make a connection: Go's `net.Dialer`.
///
/// ```no_run
/// use core::time::Duration;
///
/// let conn = net::Dialer::new().timeout(Duration::from_secs(5)).dial("tcp", "example.com:80")?;
/// # Ok::<(), net::Error>(())
/// ```
#[derive(Clone, Copy, Default)]
#[must_use]
pub struct Dialer {
    device: Option<&'static dyn Netdev>,
    timeout: Option<Duration>,
    deadline: Option<Instant>,
    local: Option<SocketAddr>,
    keep_alive: Option<Option<Duration>>,
}

impl Dialer {
    /// A dialer for the device that is registered when it dials.
    pub const fn new() -> Self {
        Self { device: None, timeout: None, deadline: None, local: None, keep_alive: None }
    }

    /// A dialer for this device.
    pub const fn on(device: &'static dyn Netdev) -> Self {
        Self { device: Some(device), ..Self::new() }
    }

    /// How long name lookup and connecting may take together; zero means no limit.
    pub const fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = if timeout.is_zero() { None } else { Some(timeout) };
        self
    }

    /// When dialling has to be done; with a timeout, too, the earlier of both counts.
    pub const fn deadline(mut self, at: Instant) -> Self {
        self.deadline = Some(at);
        self
    }

    /// Our own address; port 0 lets the device choose.
    pub const fn local_addr(mut self, addr: SocketAddr) -> Self {
        self.local = Some(addr);
        self
    }

    /// Asks a silent peer this often whether it still lives, `None` for never. A device that cannot
    /// fails the dial.
    ///
    /// Differs from Go: without this call the device does what it does, for many cannot ask.
    pub const fn keep_alive(mut self, period: Option<Duration>) -> Self {
        self.keep_alive = Some(period);
        self
    }

    /// Connects to `addr`, which is `host:port`, a host being a name or a literal address, and a
    /// port a number or a name. No host, or an unspecified one, means this machine.
    ///
    /// A name's addresses are tried in turn. What is left of the time is divided between them, at
    /// least two seconds for each; the error is that of the first. With `tcp` and addresses of both
    /// families, the family of the first address has a head start of 300 ms, then both are tried at
    /// once.
    ///
    /// # Errors
    /// [`Cause::UnknownNetwork`], [`Cause::MissingAddress`], [`Cause::Address`], [`Cause::Lookup`];
    /// [`Cause::DeadlineExceeded`]; the device's.
    pub fn dial(&self, network: &str, addr: &str) -> Result<Connection, Error> {
        let network = Network::parse(network).map_err(|cause| Error::new(Op::Dial, cause))?;
        let (device, deadline) = self.now();
        let failed = |cause| Error { network: Some(network), ..Error::new(Op::Dial, cause) };
        if addr.is_empty() {
            return Err(failed(Cause::MissingAddress));
        }
        let found = Candidates::find(device, network, addr, deadline).map_err(failed)?;
        let socket = Race::new(self, (device, deadline), network, &found).run()?;
        Ok(if network.is_udp() {
            Connection::Udp(UdpConn::new(socket))
        } else {
            Connection::Tcp(TcpConn::new(socket))
        })
    }

    /// Connects to an address by TCP.
    ///
    /// # Errors
    /// As [`dial`](Self::dial).
    pub fn dial_tcp(&self, addr: SocketAddr) -> Result<TcpConn, Error> {
        self.connect(Network::Tcp, addr).map(TcpConn::new)
    }

    /// Gives a datagram socket this address as its only peer.
    ///
    /// # Errors
    /// As [`dial`](Self::dial).
    pub fn dial_udp(&self, addr: SocketAddr) -> Result<UdpConn, Error> {
        self.connect(Network::Udp, addr).map(UdpConn::new)
    }

    const fn from(mut self, local: Option<SocketAddr>) -> Self {
        self.local = local;
        self
    }

    /// The device, and when to be done with it.
    fn now(&self) -> (&'static dyn Netdev, Option<Instant>) {
        let device = self.device.unwrap_or_else(netdev::device);
        let timeout = self.timeout.map(|timeout| device.platform().now() + timeout);
        (device, [timeout, self.deadline].into_iter().flatten().min())
    }

    fn connect(&self, network: Network, addr: SocketAddr) -> Result<Socket, Error> {
        Race::new(self, self.now(), network, &Candidates::one(addr)).run()
    }
}
