//! Making listeners, and end points of datagrams.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use netdev::Features;

use crate::resolve::Candidates;
use crate::socket::{Socket, until};
use crate::{
    AddrErrorKind, AddressFamily, Cause, DeviceError, Error, Netdev, Network, Op, SockOpt,
    TcpListener, UdpConn,
};

/// Listens on `addr` with the registered device; see [`ListenConfig::listen`].
///
/// # Errors
/// As [`ListenConfig::listen`].
pub fn listen(network: &str, addr: &str) -> Result<TcpListener, Error> {
    ListenConfig::new().listen(network, addr)
}

/// Listens on `addr` with this device; see [`ListenConfig::listen`].
///
/// # Errors
/// As [`ListenConfig::listen`].
pub fn listen_on(
    device: &'static dyn Netdev,
    network: &str,
    addr: &str,
) -> Result<TcpListener, Error> {
    ListenConfig::on(device).listen(network, addr)
}

/// Listens on an address with the registered device: Go's `ListenTCP`.
///
/// # Errors
/// As [`ListenConfig::listen`].
pub fn listen_tcp(addr: SocketAddr) -> Result<TcpListener, Error> {
    ListenConfig::new().listen_tcp(addr)
}

/// Opens a socket for datagrams on `addr` with the registered device; see
/// [`ListenConfig::listen_packet`].
///
/// # Errors
/// As [`ListenConfig::listen`].
pub fn listen_packet(network: &str, addr: &str) -> Result<UdpConn, Error> {
    ListenConfig::new().listen_packet(network, addr)
}

/// Opens a socket for datagrams on `addr` with this device; see [`ListenConfig::listen_packet`].
///
/// # Errors
/// As [`ListenConfig::listen`].
pub fn listen_packet_on(
    device: &'static dyn Netdev,
    network: &str,
    addr: &str,
) -> Result<UdpConn, Error> {
    ListenConfig::on(device).listen_packet(network, addr)
}

/// Opens a socket for datagrams on an address with the registered device: Go's `ListenUDP`.
///
/// # Errors
/// As [`ListenConfig::listen`].
pub fn listen_udp(addr: SocketAddr) -> Result<UdpConn, Error> {
    ListenConfig::new().listen_udp(addr)
}

/// How to listen: Go's `net.ListenConfig`.
#[derive(Clone, Copy)]
#[must_use]
pub struct ListenConfig {
    device: Option<&'static dyn Netdev>,
    backlog: u16,
}

impl Default for ListenConfig {
    fn default() -> Self {
        Self::new()
    }
}

impl ListenConfig {
    /// Listens with the device that is registered then.
    pub const fn new() -> Self {
        Self { device: None, backlog: BACKLOG }
    }

    /// Listens with this device.
    pub const fn on(device: &'static dyn Netdev) -> Self {
        Self { device: Some(device), backlog: BACKLOG }
    }

    /// How many connections may wait to be accepted, 128 otherwise. Devices with less room hold
    /// fewer.
    pub const fn backlog(mut self, connections: u16) -> Self {
        self.backlog = connections;
        self
    }

    /// Listens on `addr`, which is `host:port`. No host, or an unspecified one, means every address
    /// of the device, with `tcp` those of both families; port 0 lets the device choose, and
    /// [`TcpListener::addr`] tells which. Nothing at all means any port of every address.
    ///
    /// # Errors
    /// [`Cause::UnknownNetwork`], [`Cause::Address`], [`Cause::Lookup`], or the device's:
    /// `AddrInUse`, for one.
    pub fn listen(&self, network: &str, addr: &str) -> Result<TcpListener, Error> {
        let (network, local) = self.find(network, addr)?;
        if network.is_udp() {
            let cause = AddrErrorKind::UnexpectedType.into();
            return Err(failed(network, Some(local), cause));
        }
        self.listen_at(network, local)
    }

    /// Listens on an address: Go's `ListenTCP`.
    ///
    /// # Errors
    /// As [`listen`](Self::listen).
    pub fn listen_tcp(&self, addr: SocketAddr) -> Result<TcpListener, Error> {
        self.listen_at(Network::Tcp, addr)
    }

    /// Opens a socket for datagrams from and to everybody on `addr`, which is as for
    /// [`listen`](Self::listen).
    ///
    /// # Errors
    /// As [`listen`](Self::listen).
    pub fn listen_packet(&self, network: &str, addr: &str) -> Result<UdpConn, Error> {
        let (network, local) = self.find(network, addr)?;
        if !network.is_udp() {
            let cause = AddrErrorKind::UnexpectedType.into();
            return Err(failed(network, Some(local), cause));
        }
        self.packets_at(network, local)
    }

    /// Opens a socket for datagrams on an address: Go's `ListenUDP`.
    ///
    /// # Errors
    /// As [`listen`](Self::listen).
    pub fn listen_udp(&self, addr: SocketAddr) -> Result<UdpConn, Error> {
        self.packets_at(Network::Udp, addr)
    }

    fn listen_at(&self, network: Network, local: SocketAddr) -> Result<TcpListener, Error> {
        let device = self.device();
        let open = || {
            let socket = bind(device, network, local)?;
            until(device, None, || device.listen(socket.fd(), self.backlog))?;
            socket.learn_local(None)?;
            Ok(socket)
        };
        open()
            .map(|socket| TcpListener::new(socket, self.backlog))
            .map_err(|cause| failed(network, Some(local), cause))
    }

    fn packets_at(&self, network: Network, local: SocketAddr) -> Result<UdpConn, Error> {
        let open = || {
            let socket = bind(self.device(), network, local)?;
            socket.learn_local(None)?;
            Ok(socket)
        };
        open().map(UdpConn::new).map_err(|cause| failed(network, Some(local), cause))
    }

    /// Network and address that the texts name.
    fn find(&self, network: &str, addr: &str) -> Result<(Network, SocketAddr), Error> {
        let network = Network::parse(network).map_err(|cause| Error::new(Op::Listen, cause))?;
        Candidates::find(self.device(), network, addr, None)
            .and_then(|found| found.iter().next().ok_or(AddrErrorKind::NoSuitableAddress.into()))
            .map(|local| (network, local))
            .map_err(|cause| failed(network, None, cause))
    }

    fn device(&self) -> &'static dyn Netdev {
        self.device.unwrap_or_else(netdev::device)
    }
}

/// Connections that may wait to be accepted.
const BACKLOG: u16 = 128;

/// A socket on the address asked for. Every address of a network that leaves the family open is one
/// socket for both, where the device has such.
fn bind(device: &'static dyn Netdev, network: Network, local: SocketAddr) -> Result<Socket, Cause> {
    let every = local.ip().to_canonical().is_unspecified() && network.family().is_none();
    if !every {
        return bind_one(device, network, local, false);
    }
    if device.capabilities().has(Features::INET6) {
        let both = SocketAddr::new(IpAddr::V6(Ipv6Addr::UNSPECIFIED), local.port());
        match bind_one(device, network, both, true) {
            Err(Cause::Device(error)) if error != DeviceError::AddrInUse => {}
            bound => return bound,
        }
    }
    let four = SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), local.port());
    bind_one(device, network, four, false)
}

fn bind_one(
    device: &'static dyn Netdev,
    network: Network,
    local: SocketAddr,
    both: bool,
) -> Result<Socket, Cause> {
    let socket = Socket::open(device, network, AddressFamily::of(&local))?;
    let fd = socket.fd();
    if both {
        until(device, None, || device.set_sock_opt(fd, SockOpt::Ipv6Only(false)))?;
    }
    until(device, None, || device.bind(fd, local))?;
    socket.assume_local(Some(local));
    Ok(socket)
}

fn failed(network: Network, local: Option<SocketAddr>, cause: Cause) -> Error {
    let addr = local.map(|local| network.addr(local));
    Error { op: Op::Listen, network: Some(network), source: None, addr, cause }
}
