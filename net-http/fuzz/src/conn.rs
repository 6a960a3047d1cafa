//! A connection whose client is the input, on a device that has nothing else.

use core::cell::{Cell, RefCell};
use core::sync::atomic::{AtomicU64, Ordering};
use core::time::Duration;

use net::netdev::{
    AddressFamily, Capabilities, Error as DeviceError, Netlink, Platform, Protocol, Remote, Side,
    SockFlags, SockType,
};
use net::{Addr, Conn, Error, Instant, IpConfig, Netdev, Readiness, SockFd, WriteError};

/// The time, and nothing else.
pub(crate) struct Device(AtomicU64);

impl Device {
    /// That of this thread.
    pub(crate) fn here() -> &'static Self {
        thread_local! {
            static DEVICE: &'static Device = Box::leak(Box::new(Device(AtomicU64::new(0))));
        }
        DEVICE.with(|device| *device)
    }

    pub(crate) fn pass(&self, length: Duration) {
        self.0.fetch_add(length.as_micros() as u64, Ordering::Relaxed);
    }
}

impl Platform for Device {
    fn now(&self) -> Instant {
        Instant::from_micros(self.0.load(Ordering::Relaxed))
    }

    fn idle(&self, until: Instant) {
        self.0.fetch_max(until.as_micros(), Ordering::Relaxed);
    }
}

impl Netdev for Device {
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
        Capabilities::default()
    }

    fn addr(&self) -> nb::Result<IpConfig, DeviceError> {
        Err(DeviceError::Unsupported.into())
    }

    fn socket(
        &self,
        _: AddressFamily,
        _: SockType,
        _: Protocol,
    ) -> nb::Result<SockFd, DeviceError> {
        Err(DeviceError::Unsupported.into())
    }

    fn close(&self, _: SockFd) {}

    fn connect(&self, _: SockFd, _: Remote<'_>) -> nb::Result<(), DeviceError> {
        Err(DeviceError::Unsupported.into())
    }

    fn send(&self, _: SockFd, _: &[u8], _: SockFlags) -> nb::Result<usize, DeviceError> {
        Err(DeviceError::Unsupported.into())
    }

    fn recv(&self, _: SockFd, _: &mut [u8], _: SockFlags) -> nb::Result<usize, DeviceError> {
        Err(DeviceError::Unsupported.into())
    }

    fn in_flight(&self, _: SockFd, _: Side) -> bool {
        false
    }

    fn next_ready(&self, _: Option<SockFd>) -> Readiness {
        Readiness::Unknown
    }
}

/// Gives the input in pieces of at most this size, and then its end; takes as much at a time.
pub(crate) struct Scripted<'i> {
    pub(crate) input: &'i [u8],
    pub(crate) read: Cell<usize>,
    pub(crate) piece: usize,
    pub(crate) sent: &'i RefCell<Vec<u8>>,
}

impl Conn for Scripted<'_> {
    fn device(&self) -> &'static dyn Netdev {
        Device::here()
    }

    fn socket(&self) -> Option<SockFd> {
        None
    }

    fn read(&self, buf: &mut [u8]) -> Result<usize, Error> {
        self.try_read(buf).map_err(|_| closed())
    }

    fn write(&self, data: &[u8]) -> Result<usize, WriteError> {
        self.sent.borrow_mut().extend_from_slice(data);
        Ok(data.len())
    }

    fn try_read(&self, buf: &mut [u8]) -> nb::Result<usize, Error> {
        assert!(!buf.is_empty(), "a read without room says nothing");
        let rest = &self.input[self.read.get()..];
        let count = rest.len().min(buf.len()).min(self.piece);
        buf[..count].copy_from_slice(&rest[..count]);
        self.read.set(self.read.get() + count);
        Ok(count)
    }

    fn try_write(&self, data: &[u8]) -> nb::Result<usize, Error> {
        assert!(!data.is_empty(), "a write of nothing");
        let count = data.len().min(self.piece);
        self.sent.borrow_mut().extend_from_slice(&data[..count]);
        Ok(count)
    }

    fn close(&self) -> Result<(), Error> {
        Ok(())
    }

    fn local_addr(&self) -> Option<Addr> {
        None
    }

    fn remote_addr(&self) -> Option<Addr> {
        None
    }

    fn set_deadline(&self, _: Option<Instant>) -> Result<(), Error> {
        Ok(())
    }

    fn set_read_deadline(&self, _: Option<Instant>) -> Result<(), Error> {
        Ok(())
    }

    fn set_write_deadline(&self, _: Option<Instant>) -> Result<(), Error> {
        Ok(())
    }
}

fn closed() -> Error {
    Error::new(net::Op::Read, net::Cause::Closed)
}
