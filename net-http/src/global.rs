//! Serving with the program's router and, unless another is named, the registered device.

use net::Listener;
use net::netdev::Netdev;

use crate::{DefaultServeMux, Error, Server};

/// Connections that [`listen_and_serve`] and its siblings keep at most, each with 2 KiB; a PC has room
/// for more.
const CONNS: usize = if cfg!(feature = "std") { 64 } else { 8 };
const HEAD: usize = 2048;

/// Listens on `addr` with the registered device and serves what was registered with
/// [`handle_func`](crate::handle_func), until the listener fails.
///
/// Eight connections with 2 KiB each (64 with `std`), or fewer where the device has fewer sockets. When
/// all are taken a new client replaces the one that has been idle or silent for longest.
///
/// Differs from Go: there the number of connections has no limit. For other sizes, limits, or a way to stop, make a
/// [`Server`].
///
/// # Errors
/// What listening says, or what ended the listener.
pub fn listen_and_serve(addr: &str) -> Result<(), Error> {
    listen_and_serve_on(net::netdev::device(), addr)
}

/// The same with this device.
///
/// # Errors
/// As [`listen_and_serve`].
pub fn listen_and_serve_on(device: &'static dyn Netdev, addr: &str) -> Result<(), Error> {
    serve(net::listen_on(device, "tcp", addr)?)
}

/// The same with a listener that is there already, so that its address can be told before.
///
/// # Errors
/// What ended the listener.
pub fn serve<L: Listener>(listener: L) -> Result<(), Error> {
    Server::<L, CONNS, HEAD>::new(listener, &DefaultServeMux).serve()
}
