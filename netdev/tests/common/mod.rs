//! A device that does nothing, on a clock that jumps.
#![allow(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use std::sync::Mutex;

use netdev::{
    AddressFamily, Capabilities, Error, Instant, IpConfig, Netdev, Netlink, Platform, Protocol,
    Readiness, Remote, Side, SockFd, SockFlags, SockType,
};

#[derive(Default)]
pub(crate) struct TestDevice {
    /// The present, and every moment that somebody idled until.
    pub(crate) clock: Mutex<(Instant, Vec<Instant>)>,
}

impl Platform for TestDevice {
    fn now(&self) -> Instant {
        self.clock.lock().unwrap().0
    }

    fn idle(&self, until: Instant) {
        let mut clock = self.clock.lock().unwrap();
        clock.0 = clock.0.max(until);
        clock.1.push(until);
    }
}

fn unsupported<T>() -> nb::Result<T, Error> {
    Err(nb::Error::Other(Error::Unsupported))
}

impl Netdev for TestDevice {
    fn platform(&self) -> &dyn Platform {
        self
    }
    fn drive(&self) -> Option<Instant> {
        None
    }
    fn netlink(&self) -> Option<&dyn Netlink> {
        None
    }
    fn capabilities(&self) -> Capabilities {
        Capabilities::new(0)
    }
    fn addr(&self) -> nb::Result<IpConfig, Error> {
        unsupported()
    }
    fn socket(&self, _: AddressFamily, _: SockType, _: Protocol) -> nb::Result<SockFd, Error> {
        unsupported()
    }
    fn close(&self, _: SockFd) {}
    fn connect(&self, _: SockFd, _: Remote<'_>) -> nb::Result<(), Error> {
        unsupported()
    }
    fn send(&self, _: SockFd, _: &[u8], _: SockFlags) -> nb::Result<usize, Error> {
        unsupported()
    }
    fn recv(&self, _: SockFd, _: &mut [u8], _: SockFlags) -> nb::Result<usize, Error> {
        unsupported()
    }
    fn in_flight(&self, _: SockFd, _: Side) -> bool {
        false
    }
    fn next_ready(&self, _: Option<SockFd>) -> Readiness {
        Readiness::Unknown
    }
}
