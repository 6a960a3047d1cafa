//! A joined chip and a peer, and what is done with them.

use core::net::{Ipv4Addr, SocketAddr};
use core::time::Duration;

use netdev::{
    AddressFamily, Instant, Netdev, Network, Protocol, Remote, SockFd, SockFlags, SockType, wait,
};
use netdev_sim::{Internet, SimDevice, VirtualClock};

pub(crate) const CHIP: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 2);
pub(crate) const PEER: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 9);

/// A network in memory, without delay.
pub(crate) fn internet(clock: &VirtualClock) -> Internet {
    let internet = Internet::new(clock);
    internet.set_delay(Duration::ZERO);
    internet
}

/// A joined chip and a peer on one network in memory, without delay.
pub(crate) struct Lab<B> {
    pub(crate) device: &'static dyn Netdev,
    pub(crate) peer: &'static SimDevice,
    pub(crate) bench: B,
    pub(crate) internet: Internet,
}

impl<B> Lab<B> {
    /// Joins a device to the network; its chip sits on that network as [`CHIP`].
    pub(crate) fn new(internet: Internet, bench: B, device: &'static dyn Netdev) -> Self {
        let link = device.netlink().expect("a link");
        let network = Network::wifi("test-ap", "test-pass");
        wait(device, || None, || link.join(&network)).expect("the network lets it in");
        let peer = SimDevice::on(&internet, PEER).leak();
        Self { device, peer, bench, internet }
    }

    pub(crate) fn now(&self) -> Instant {
        self.device.platform().now()
    }

    pub(crate) fn wait<T>(&self, op: impl FnMut() -> nb::Result<T, netdev::Error>) -> T {
        let deadline = self.now() + Duration::from_secs(20);
        wait(self.device, || Some(deadline), op).expect("works within 20 s")
    }

    /// Lets time pass with nobody asking for anything.
    pub(crate) fn rest(&self, length: Duration) {
        let until = self.now() + length;
        while self.now() < until {
            self.device.drive();
            self.device.platform().idle(until);
        }
    }

    pub(crate) fn settle(&self) {
        self.rest(Duration::from_millis(20));
    }

    pub(crate) fn socket(&self, device: &dyn Netdev) -> SockFd {
        self.wait(|| device.socket(AddressFamily::Inet, SockType::Stream, Protocol::Tcp))
    }

    pub(crate) fn listener(&self) -> (SockFd, SocketAddr) {
        let fd = self.socket(self.device);
        self.wait(|| self.device.bind(fd, (Ipv4Addr::UNSPECIFIED, 80).into()));
        self.wait(|| self.device.listen(fd, 1));
        (fd, (CHIP, 80).into())
    }

    pub(crate) fn peer_connect(&self, to: SocketAddr) -> SockFd {
        let fd = self.socket(self.peer);
        self.wait(|| self.peer.connect(fd, Remote::Addr(to)));
        fd
    }

    /// As [`peer_connect`](Self::peer_connect), while the chip's side goes on.
    pub(crate) fn peer_connect_while(&self, to: SocketAddr, mut step: impl FnMut()) -> SockFd {
        let fd = self.socket(self.peer);
        self.wait(|| {
            step();
            self.peer.connect(fd, Remote::Addr(to))
        });
        fd
    }

    /// A connection that the chip dialled: its end and the peer's.
    pub(crate) fn pair(&self) -> (SockFd, SockFd) {
        let door = self.socket(self.peer);
        self.wait(|| self.peer.bind(door, (Ipv4Addr::UNSPECIFIED, 7).into()));
        self.wait(|| self.peer.listen(door, 1));
        let here = self.socket(self.device);
        self.wait(|| self.device.connect(here, Remote::Addr((PEER, 7).into())));
        let (there, _) = self.wait(|| self.peer.accept(door));
        (here, there)
    }

    /// A connection that the chip accepted.
    pub(crate) fn accepted_pair(&self) -> (SockFd, SockFd) {
        let (listener, addr) = self.listener();
        let there = self.peer_connect(addr);
        let (here, _) = self.wait(|| self.device.accept(listener));
        (here, there)
    }

    pub(crate) fn send_some(&self, fd: SockFd, data: &[u8]) -> usize {
        self.wait(|| self.device.send(fd, data, SockFlags::NONE))
    }

    pub(crate) fn send_all(&self, fd: SockFd, mut data: &[u8]) {
        while !data.is_empty() {
            data = &data[self.send_some(fd, data)..];
        }
    }

    pub(crate) fn recv(&self, fd: SockFd, buf: &mut [u8]) -> usize {
        self.wait(|| self.device.recv(fd, buf, SockFlags::NONE))
    }

    pub(crate) fn peer_send(&self, fd: SockFd, data: &[u8]) {
        self.wait(|| self.peer.send(fd, data, SockFlags::NONE));
    }

    /// Reads up to `most` bytes that the chip sent; without a limit, what is there.
    pub(crate) fn drain_peer(&self, fd: SockFd, most: usize) {
        let (mut got, mut buf) = (0, [0; 8192]);
        while got < most {
            match self.peer.recv(fd, &mut buf, SockFlags::NONE) {
                Ok(len) if len > 0 => got += len,
                Err(nb::Error::WouldBlock) if most < usize::MAX => {
                    self.device.drive();
                    self.device.platform().idle(self.now());
                }
                _ => return,
            }
        }
    }
}
