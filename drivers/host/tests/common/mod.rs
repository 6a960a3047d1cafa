//! Sockets of one device whose every wait is bounded.
#![allow(dead_code, unreachable_pub, missing_docs, reason = "each test file uses its part")]

use core::net::{Ipv4Addr, SocketAddr};
use core::time::Duration;

use netdev::{
    AddressFamily, Error, Instant, Netdev, Platform, Protocol, Remote, Side, SockFd, SockFlags,
    SockType, Stopped,
};
use netdev_host::HostDevice;

pub const LOOPBACK: SocketAddr = SocketAddr::new(core::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// Longer than anything here takes; a test that gets here has failed.
pub const LONG: Duration = Duration::from_secs(5);

pub fn device() -> &'static HostDevice {
    Box::leak(Box::new(HostDevice::new().unwrap()))
}

/// A socket that closes itself.
pub struct Sock {
    pub device: &'static HostDevice,
    pub fd: SockFd,
}

impl Drop for Sock {
    fn drop(&mut self) {
        self.device.close(self.fd);
    }
}

pub fn wait<T>(
    device: &HostDevice,
    op: impl FnMut() -> nb::Result<T, Error>,
) -> Result<T, Stopped> {
    let deadline = device.now() + LONG;
    netdev::wait(device, || Some(deadline), op)
}

impl Sock {
    pub fn tcp(device: &'static HostDevice) -> Self {
        Self::of(device, AddressFamily::Inet, SockType::Stream)
    }

    pub fn udp(device: &'static HostDevice) -> Self {
        Self::of(device, AddressFamily::Inet, SockType::Dgram)
    }

    pub fn of(device: &'static HostDevice, family: AddressFamily, kind: SockType) -> Self {
        let protocol = if kind == SockType::Dgram { Protocol::Udp } else { Protocol::Tcp };
        let fd = wait(device, || device.socket(family, kind, protocol)).unwrap();
        Self { device, fd }
    }

    pub fn listener(device: &'static HostDevice) -> Self {
        let socket = Self::tcp(device);
        device.bind(socket.fd, LOOPBACK).unwrap();
        device.listen(socket.fd, 16).unwrap();
        socket
    }

    /// A datagram socket with a port.
    pub fn bound_udp(device: &'static HostDevice) -> Self {
        let socket = Self::udp(device);
        device.bind(socket.fd, LOOPBACK).unwrap();
        socket
    }

    pub fn addr(&self) -> SocketAddr {
        self.device.local_addr(self.fd).unwrap()
    }

    pub fn connect(&self, to: SocketAddr) -> Result<(), Stopped> {
        wait(self.device, || self.device.connect(self.fd, Remote::Addr(to)))
    }

    pub fn accept(&self) -> Self {
        let (fd, _) = wait(self.device, || self.device.accept(self.fd)).unwrap();
        Self { device: self.device, fd }
    }

    pub fn send(&self, data: &[u8]) -> Result<usize, Stopped> {
        wait(self.device, || self.device.send(self.fd, data, SockFlags::NONE))
    }

    pub fn send_all(&self, mut data: &[u8]) -> Result<(), Stopped> {
        while !data.is_empty() {
            data = &data[self.send(data)?..];
        }
        Ok(())
    }

    pub fn recv(&self, buf: &mut [u8]) -> Result<usize, Stopped> {
        wait(self.device, || self.device.recv(self.fd, buf, SockFlags::NONE))
    }

    pub fn peek(&self, buf: &mut [u8]) -> Result<usize, Stopped> {
        wait(self.device, || self.device.recv(self.fd, buf, SockFlags::PEEK))
    }

    pub fn recv_from(&self, buf: &mut [u8]) -> Result<(usize, SocketAddr), Stopped> {
        wait(self.device, || self.device.recv_from(self.fd, buf, SockFlags::NONE))
    }

    pub fn send_to(&self, data: &[u8], to: SocketAddr) -> Result<usize, Stopped> {
        wait(self.device, || self.device.send_to(self.fd, data, to, SockFlags::NONE))
    }

    pub fn shutdown(&self, side: Side) -> nb::Result<(), Error> {
        self.device.shutdown(self.fd, side)
    }

    /// Everything up to the end of the stream.
    pub fn read_to_end(&self) -> Result<Vec<u8>, Stopped> {
        let (mut all, mut buf) = (Vec::new(), vec![0; 8192]);
        loop {
            match self.recv(&mut buf)? {
                0 => return Ok(all),
                got => all.extend_from_slice(&buf[..got]),
            }
        }
    }
}

/// Both ends of a connection.
pub fn pair(device: &'static HostDevice) -> (Sock, Sock) {
    let listener = Sock::listener(device);
    let client = Sock::tcp(device);
    client.connect(listener.addr()).unwrap();
    (client, listener.accept())
}

/// Bytes that repeat only after a long while.
pub fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x2545_F491_4F6C_DD1D_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[0]
    };
    (0..length).map(|_| next()).collect()
}

/// Far enough away that only news can end an idling.
pub fn far(device: &HostDevice) -> Instant {
    device.now() + LONG
}
