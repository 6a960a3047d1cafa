//! Making connections.

use core::net::SocketAddr;
use core::time::Duration;

use crate::resolve::{Candidates, to_dial};
use crate::socket::{Socket, until};
use crate::{
    AddrErrorKind, AddressFamily, Cause, Connection, Error, Instant, Netdev, Network, Op, Remote,
    SockOpt, TcpConn, UdpConn,
};

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
    /// least two seconds for each; the error is that of the first.
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
        let socket = self.first_of(device, network, &found, deadline)?;
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
        let (device, deadline) = self.now();
        self.connect(device, Network::Tcp, addr, deadline).map(TcpConn::new)
    }

    /// The device, and when to be done with it.
    fn now(&self) -> (&'static dyn Netdev, Option<Instant>) {
        let device = self.device.unwrap_or_else(netdev::device);
        let timeout = self.timeout.map(|timeout| device.platform().now() + timeout);
        (device, [timeout, self.deadline].into_iter().flatten().min())
    }

    fn first_of(
        &self,
        device: &'static dyn Netdev,
        network: Network,
        found: &Candidates,
        deadline: Option<Instant>,
    ) -> Result<Socket, Error> {
        let mut first = None;
        let mut left = found.iter().len();
        for addr in found.iter() {
            let limit = deadline.map(|at| share(device.platform().now(), at, left));
            match self.connect(device, network, addr, limit) {
                Ok(socket) => return Ok(socket),
                Err(error) => _ = first.get_or_insert(error),
            }
            left -= 1;
        }
        let nowhere = Cause::Address(AddrErrorKind::NoSuitableAddress);
        Err(first.unwrap_or(Error { network: Some(network), ..Error::new(Op::Dial, nowhere) }))
    }

    fn connect(
        &self,
        device: &'static dyn Netdev,
        network: Network,
        addr: SocketAddr,
        deadline: Option<Instant>,
    ) -> Result<Socket, Error> {
        let addr = to_dial(addr);
        self.try_connect(device, network, addr, deadline).map_err(|cause| {
            let source = self.local.map(|local| network.addr(local));
            let addr = Some(network.addr(addr));
            Error { op: Op::Dial, network: Some(network), source, addr, cause }
        })
    }

    /// The socket is closed on every way out but the good one.
    fn try_connect(
        &self,
        device: &'static dyn Netdev,
        network: Network,
        addr: SocketAddr,
        deadline: Option<Instant>,
    ) -> Result<Socket, Cause> {
        let family = AddressFamily::of(&addr);
        if self.local.is_some_and(|local| AddressFamily::of(&local) != family) {
            return Err(AddrErrorKind::MismatchedLocalAddress.into());
        }
        let mut socket = Socket::open(device, network, family, deadline)?;
        let fd = socket.fd();
        if let Some(local) = self.local {
            until(device, deadline, || device.bind(fd, local))?;
        }
        if let Some(period) = self.keep_alive.filter(|_| !network.is_udp()) {
            let option = SockOpt::KeepAlive(period);
            until(device, deadline, || device.set_sock_opt(fd, option))?;
        }
        until(device, deadline, || device.connect(fd, Remote::Addr(addr)))?;
        socket.set_remote(addr);
        socket.learn_local(deadline)?;
        Ok(socket)
    }
}

/// When the next of `left` addresses has to be connected, if all must be tried before `deadline`.
fn share(now: Instant, deadline: Instant, left: usize) -> Instant {
    let left = u32::try_from(left.max(1)).unwrap_or(u32::MAX);
    let time = deadline.saturating_since(now);
    now + (time / left).max(AT_LEAST.min(time))
}

/// Time that each address gets, as long as there is so much.
const AT_LEAST: Duration = Duration::from_secs(2);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_is_shared_but_not_below_two_seconds() {
        let second = |at: u64| Instant::from_micros(at * 1_000_000);
        for (time, left, gets) in [(30, 3, 10), (30, 1, 30), (5, 3, 2), (1, 3, 1), (0, 3, 0)] {
            let limit = share(second(7), second(7 + time), left);
            assert_eq!(limit, second(7 + gets), "{time} s for {left}");
        }
        assert_eq!(share(second(7), second(3), 1), second(7), "already late");
    }
}
