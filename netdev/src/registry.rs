//! The device behind the free functions of `net` and `net-http`.

use core::cell::Cell;

use critical_section::Mutex;

use crate::{
    AddressFamily, Capabilities, Error, Instant, IpConfig, Netdev, Netlink, Platform, Protocol,
    Readiness, Remote, Side, SockFd, SockFlags, SockType,
};

static DEVICE: Mutex<Cell<Option<&'static dyn Netdev>>> = Mutex::new(Cell::new(None));

/// Makes `device` the one behind `net`'s free functions, and returns the one it replaces.
///
/// Connections carry their own device: those of the replaced one go on working.
pub fn use_device(device: &'static dyn Netdev) -> Option<&'static dyn Netdev> {
    critical_section::with(|cs| DEVICE.borrow(cs).replace(Some(device)))
}

/// The registered device; before the first [`use_device`], one that answers
/// [`NoDevice`](Error::NoDevice) to every call.
#[must_use]
pub fn device() -> &'static dyn Netdev {
    critical_section::with(|cs| DEVICE.borrow(cs).get()).unwrap_or(&NoDevice)
}

struct NoDevice;

impl Platform for NoDevice {
    fn now(&self) -> Instant {
        Instant::START
    }

    fn idle(&self, _until: Instant) {}

    fn fill_random(&self, _buffer: &mut [u8]) -> Result<(), Error> {
        Err(Error::NoDevice)
    }
}

macro_rules! no_device {
    ($($name:ident($($arg:ty),*) -> $ok:ty;)+) => {
        $(fn $name(&self, $(_: $arg),*) -> nb::Result<$ok, Error> {
            Err(nb::Error::Other(Error::NoDevice))
        })+
    };
}

impl Netdev for NoDevice {
    fn platform(&self) -> &dyn Platform {
        self
    }

    fn drive(&self) -> Option<Instant> {
        None
    }

    fn netlink(&self) -> Option<&dyn Netlink> {
        Some(self)
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::default()
    }

    fn socket(&self, _: AddressFamily, _: SockType, _: Protocol) -> nb::Result<SockFd, Error> {
        Err(nb::Error::Other(Error::NoDevice))
    }

    fn close(&self, _: SockFd) {}

    fn in_flight(&self, _: SockFd, _: Side) -> bool {
        false
    }

    fn next_ready(&self, _: Option<SockFd>) -> Readiness {
        Readiness::None
    }

    no_device! {
        addr() -> IpConfig;
        connect(SockFd, Remote<'_>) -> ();
        send(SockFd, &[u8], SockFlags) -> usize;
        recv(SockFd, &mut [u8], SockFlags) -> usize;
        bind(SockFd, core::net::SocketAddr) -> ();
        listen(SockFd, u16) -> ();
        accept(SockFd) -> (SockFd, core::net::SocketAddr);
        send_to(SockFd, &[u8], core::net::SocketAddr, SockFlags) -> usize;
        recv_from(SockFd, &mut [u8], SockFlags) -> (usize, core::net::SocketAddr);
        shutdown(SockFd, Side) -> ();
        set_sock_opt(SockFd, crate::SockOpt<'_>) -> ();
        local_addr(SockFd) -> core::net::SocketAddr;
        peer_addr(SockFd) -> core::net::SocketAddr;
        get_host_by_name(&str, Option<AddressFamily>) -> crate::Lookup;
        lookup_result(crate::Lookup, &mut [core::net::IpAddr]) -> usize;
    }
}

impl Netlink for NoDevice {
    no_device! {
        join(&crate::Network<'_>) -> ();
        leave() -> ();
        status() -> crate::LinkStatus;
        reset() -> ();
        hardware_addr() -> crate::HardwareAddr;
        scan(&mut [crate::AccessPoint]) -> usize;
        rssi() -> i16;
        start_access_point(&crate::AccessPointSettings<'_>) -> ();
        set_address(Option<&IpConfig>) -> ();
        set_host_name(&str) -> ();
        set_name_servers(&[core::net::IpAddr]) -> ();
        set_power(crate::PowerMode) -> ();
        ping(core::net::IpAddr, u8) -> core::time::Duration;
        clock() -> Option<u64>;
    }

    fn next_event(&self) -> Option<crate::Event> {
        None
    }
}
