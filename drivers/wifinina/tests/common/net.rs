//! A chip on a network in memory, in virtual time, and a peer that lacks nothing.
#![allow(dead_code, reason = "each test file uses a part of it")]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "helpers of tests fail as tests do"
)]

use core::net::{Ipv4Addr, SocketAddr};
use core::time::Duration;

use netdev::{
    AddressFamily, Error, Instant, LinkStatus, Netdev, Network, Protocol, Remote, SockFd,
    SockFlags, SockType, Stopped, wait,
};
use netdev_sim::{Internet, SimDevice, VirtualClock};
use wifinina_sim::{Config, Persona};

use super::Rig;

pub(crate) const CHIP: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 2);
pub(crate) const PEER: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 9);
/// Firmware without the accept flag keeps a list of its own of what came in.
pub(crate) const WITHOUT_ACCEPT_FLAG: [&Persona; 2] =
    [&Persona::ARDUINO_1_4_8, &Persona::ADAFRUIT_1_7_7];

/// A joined chip and a peer's device, one clock.
pub(crate) struct Net {
    pub(crate) rig: Rig<VirtualClock>,
    pub(crate) peer: &'static SimDevice,
    pub(crate) internet: Internet,
    pub(crate) clock: VirtualClock,
}

/// The reference firmware.
pub(crate) fn net() -> Net {
    net_of(&Persona::ARDUINO_2_0_0)
}

pub(crate) fn net_of(persona: &'static Persona) -> Net {
    net_with(Config::new(persona))
}

pub(crate) fn net_with(config: Config) -> Net {
    let clock = VirtualClock::new();
    let internet = Internet::new(&clock);
    let rig = Rig::new(config, internet.node(CHIP), clock.clone()).joined();
    let peer = SimDevice::on(&internet, PEER).leak();
    Net { rig, peer, internet, clock }
}

/// Twenty seconds from now: longer than anything here takes.
pub(crate) fn soon(device: &dyn Netdev) -> impl Fn() -> Option<Instant> + use<> {
    let at = device.platform().now() + Duration::from_secs(20);
    move || Some(at)
}

pub(crate) fn socket(device: &dyn Netdev) -> SockFd {
    let open = || device.socket(AddressFamily::Inet, SockType::Stream, Protocol::Tcp);
    wait(device, soon(device), open).unwrap()
}

/// A listener of the chip's; port 0 leaves the choice to it.
pub(crate) fn listen(device: &dyn Netdev, port: u16) -> (SockFd, SocketAddr) {
    listen_at(device, CHIP, port)
}

/// A listener of the peer's on a port of its choice.
pub(crate) fn peer_listener(peer: &SimDevice) -> (SockFd, SocketAddr) {
    listen_at(peer, PEER, 0)
}

fn listen_at(device: &dyn Netdev, addr: Ipv4Addr, port: u16) -> (SockFd, SocketAddr) {
    let fd = socket(device);
    let any = SocketAddr::from((Ipv4Addr::UNSPECIFIED, port));
    wait(device, soon(device), || device.bind(fd, any)).unwrap();
    wait(device, soon(device), || device.listen(fd, 4)).unwrap();
    let port = wait(device, soon(device), || device.local_addr(fd)).unwrap().port();
    (fd, SocketAddr::from((addr, port)))
}

pub(crate) fn connect(device: &dyn Netdev, to: SocketAddr) -> Result<SockFd, Stopped> {
    let fd = socket(device);
    wait(device, soon(device), || device.connect(fd, Remote::Addr(to))).map(|()| fd)
}

pub(crate) fn accept(device: &dyn Netdev, fd: SockFd) -> (SockFd, SocketAddr) {
    wait(device, soon(device), || device.accept(fd)).unwrap()
}

pub(crate) fn send_all(device: &dyn Netdev, fd: SockFd, mut data: &[u8]) {
    while !data.is_empty() {
        let sent = wait(device, soon(device), || device.send(fd, data, SockFlags::NONE)).unwrap();
        data = &data[sent..];
    }
}

pub(crate) fn recv_some(device: &dyn Netdev, fd: SockFd) -> Result<Vec<u8>, Stopped> {
    let mut buf = [0; 2048];
    let len = wait(device, soon(device), || device.recv(fd, &mut buf, SockFlags::NONE))?;
    Ok(buf[..len].to_vec())
}

impl Net {
    /// Waits while the chip moves.
    pub(crate) fn until<T>(&self, op: impl FnMut() -> nb::Result<T, Error>) -> T {
        wait(self.rig.device, soon(self.rig.device), op).unwrap()
    }

    /// Time in which the chip is looked at.
    pub(crate) fn pass(&self, ms: u64) {
        let nothing = || Err::<(), nb::Error<Error>>(nb::Error::WouldBlock);
        assert!(wait(self.rig.device, self.rig.in_ms(ms), nothing).is_err());
    }

    /// Somebody who is connected before the chip looks again.
    pub(crate) fn caller(&self, addr: SocketAddr) -> SockFd {
        connect(self.peer, addr).unwrap()
    }

    /// The peer's end of a connection over which it has sent a byte, and the driver's.
    pub(crate) fn accepted(&self, listener: SockFd, to: SocketAddr) -> (SockFd, SockFd) {
        let there = socket(self.peer);
        self.until(|| self.peer.connect(there, Remote::Addr(to)));
        self.until(|| self.peer.send(there, b"x", SockFlags::NONE));
        let (here, _) = accept(self.rig.device, listener);
        assert_eq!(recv_some(self.rig.device, here).unwrap(), b"x");
        (there, here)
    }

    /// What the peer reads next, while the chip moves too.
    pub(crate) fn peer_recv(&self, there: SockFd) -> Vec<u8> {
        let mut buf = [0; 2048];
        let len = self.until(|| {
            self.rig.device.drive();
            self.peer.recv(there, &mut buf, SockFlags::NONE)
        });
        buf[..len].to_vec()
    }

    /// The link goes down, and the driver is told so.
    pub(crate) fn lose_link(&self) {
        self.rig.monitor.drop_link(200);
        let link = self.rig.device.netlink().unwrap();
        assert_eq!(self.until(|| link.status()), LinkStatus::Down);
    }

    pub(crate) fn join(&self) {
        let link = self.rig.device.netlink().unwrap();
        self.until(|| link.join(&Network::wifi("test-ap", "test-pass")));
    }
}
