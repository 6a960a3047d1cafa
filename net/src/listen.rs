//! Making listeners, and end points of datagrams.

use core::net::SocketAddr;

use crate::resolve::Candidates;
use crate::socket::{Socket, until};
use crate::{
    AddrErrorKind, AddressFamily, Cause, Error, Netdev, Network, Op, TcpListener, UdpConn,
};

/// Listens on `addr` with the registered device; see [`listen_on`].
///
/// # Errors
/// As [`listen_on`].
pub fn listen(network: &str, addr: &str) -> Result<TcpListener, Error> {
    listen_on(netdev::device(), network, addr)
}

/// Listens on `addr`, which is `host:port`. No host means every address of the device; port 0 lets
/// the device choose, and [`TcpListener::addr`] tells which.
///
/// Differs from Go: without a host, `tcp` listens on IPv4 only; IPv6 has to be named (`tcp6`).
///
/// # Errors
/// [`Cause::UnknownNetwork`], [`Cause::MissingAddress`], [`Cause::Address`], [`Cause::Lookup`], or
/// the device's: `AddrInUse`, for one.
pub fn listen_on(
    device: &'static dyn Netdev,
    network: &str,
    addr: &str,
) -> Result<TcpListener, Error> {
    let (socket, local) = bound(device, network, addr, false)?;
    let (fd, network) = (socket.fd(), socket.network());
    until(device, None, || device.listen(fd, BACKLOG))
        .and_then(|()| socket.learn_local(None))
        .map_err(|cause| failed(network, Some(local), cause))?;
    Ok(TcpListener::new(socket))
}

/// Opens a socket for datagrams on `addr` with the registered device; see [`listen_packet_on`].
///
/// # Errors
/// As [`listen_packet_on`].
pub fn listen_packet(network: &str, addr: &str) -> Result<UdpConn, Error> {
    listen_packet_on(netdev::device(), network, addr)
}

/// Opens a socket for datagrams from and to everybody on `addr`, which is as for [`listen_on`].
///
/// # Errors
/// As [`listen_on`].
pub fn listen_packet_on(
    device: &'static dyn Netdev,
    network: &str,
    addr: &str,
) -> Result<UdpConn, Error> {
    let (socket, local) = bound(device, network, addr, true)?;
    socket.learn_local(None).map_err(|cause| failed(socket.network(), Some(local), cause))?;
    Ok(UdpConn::new(socket))
}

/// Connections that may wait to be accepted. Devices with less room hold fewer.
const BACKLOG: u16 = 128;

/// A socket on the address asked for.
fn bound(
    device: &'static dyn Netdev,
    network: &str,
    addr: &str,
    datagrams: bool,
) -> Result<(Socket, SocketAddr), Error> {
    let network = Network::parse(network).map_err(|cause| Error::new(Op::Listen, cause))?;
    let local = find(device, network, addr).map_err(|cause| failed(network, None, cause))?;
    let opened = if network.is_udp() == datagrams {
        bind(device, network, local)
    } else {
        Err(AddrErrorKind::UnexpectedType.into())
    };
    match opened {
        Ok(socket) => Ok((socket, local)),
        Err(cause) => Err(failed(network, Some(local), cause)),
    }
}

fn find(device: &dyn Netdev, network: Network, addr: &str) -> Result<SocketAddr, Cause> {
    if addr.is_empty() {
        return Err(Cause::MissingAddress);
    }
    let found = Candidates::find(device, network, addr, None)?;
    found.iter().next().ok_or(AddrErrorKind::NoSuitableAddress.into())
}

fn bind(device: &'static dyn Netdev, network: Network, local: SocketAddr) -> Result<Socket, Cause> {
    let socket = Socket::open(device, network, AddressFamily::of(&local), None)?;
    until(device, None, || device.bind(socket.fd(), local))?;
    socket.assume_local(Some(local));
    Ok(socket)
}

fn failed(network: Network, local: Option<SocketAddr>, cause: Cause) -> Error {
    let addr = local.map(|local| network.addr(local));
    Error { op: Op::Listen, network: Some(network), source: None, addr, cause }
}
