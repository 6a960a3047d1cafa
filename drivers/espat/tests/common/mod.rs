//! A driver on a simulated line to a simulated modem, in virtual time.
#![allow(dead_code, reason = "each test file uses a part of it")]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::panic,
    reason = "helpers of tests fail as tests do"
)]

use core::net::{Ipv4Addr, SocketAddr};
use core::time::Duration;

use espat::{Espat, State};
use espat_sim::{Config, Modem, Monitor, Persona};
use netdev::{
    AddressFamily, Instant, Netdev, Network, Platform, Protocol, Remote, SockFd, SockFlags,
    SockType, Stopped, wait,
};
use netdev_sim::{Internet, SimDevice, SimLink, UartBench, VirtualClock};

pub(crate) const CHIP: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 2);
pub(crate) const PEER: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 9);

pub(crate) type Device = Espat<'static, SimLink, VirtualClock>;

/// A modem in reach of `test-ap`, its line, the device on it, and a peer on the same network.
pub(crate) struct Rig {
    pub(crate) device: &'static Device,
    pub(crate) bench: UartBench,
    pub(crate) monitor: Monitor,
    pub(crate) peer: &'static SimDevice,
    pub(crate) internet: Internet,
    pub(crate) clock: VirtualClock,
}

/// What a rig is made of.
pub(crate) struct Parts {
    pub(crate) config: Config,
    pub(crate) baud: u32,
    pub(crate) ring: usize,
    pub(crate) state: fn(SimLink) -> State<SimLink>,
}

impl Parts {
    pub(crate) fn new(persona: &'static Persona) -> Self {
        let config = Config::new(persona);
        Self { config, baud: 115_200, ring: 2_304, state: State::new }
    }

    pub(crate) fn rig(self) -> Rig {
        let clock = VirtualClock::new();
        let internet = Internet::new(&clock);
        internet.name("peer.test", PEER);
        let mut config = self.config;
        if std::env::var_os("TRACE").is_some() {
            config.trace = Some(Box::new(|now, line| println!("{now} {line}")));
        }
        let modem = Modem::new(config, Box::new(internet.node(CHIP)));
        let monitor = modem.monitor();
        let bench = UartBench::new(modem, clock.clone(), self.baud);
        let state = Box::leak(Box::new((self.state)(bench.link(self.ring)).at_baud(self.baud)));
        let device = Box::leak(Box::new(Espat::new(state, clock.clone())));
        let peer = SimDevice::on(&internet, PEER).leak();
        Rig { device, bench, monitor, peer, internet, clock }
    }
}

impl Rig {
    pub(crate) fn new(persona: &'static Persona) -> Self {
        Parts::new(persona).rig()
    }

    /// Joins the default network.
    pub(crate) fn joined(self) -> Self {
        let link = self.device.netlink().unwrap();
        let network = Network::wifi("test-ap", "test-pass");
        wait(self.device, self.in_ms(30_000), || link.join(&network)).unwrap();
        self.assert_faultless();
        self.monitor.clear();
        self
    }

    pub(crate) fn in_ms(&self, ms: u64) -> impl Fn() -> Option<Instant> + use<> {
        let at = self.clock.now() + Duration::from_millis(ms);
        move || Some(at)
    }

    pub(crate) fn pause(&self, ms: u64) {
        let _ = wait(self.device, self.in_ms(ms), || {
            Err::<(), nb::Error<netdev::Error>>(nb::Error::WouldBlock)
        });
    }

    /// Nothing happened that the real firmware would choke on.
    pub(crate) fn assert_faultless(&self) {
        let offences = self.monitor.counters().offence_list();
        let found: Vec<_> = offences.iter().filter(|(_, count)| *count > 0).collect();
        assert!(found.is_empty(), "the modem was given what it chokes on: {found:?}");
    }

    /// A connection that the device makes: its end and the peer's.
    pub(crate) fn dialled(&self) -> (SockFd, SockFd) {
        let (door, at) = listen(self.peer, PEER, 0);
        let here = connect(self.device, at).unwrap();
        let (there, _) = accept(self.peer, door);
        self.peer.close(door);
        (here, there)
    }
}

pub(crate) fn soon(device: &dyn Netdev) -> impl Fn() -> Option<Instant> + use<> {
    let at = device.platform().now() + Duration::from_secs(40);
    move || Some(at)
}

pub(crate) fn socket(device: &dyn Netdev) -> SockFd {
    let open = || device.socket(AddressFamily::Inet, SockType::Stream, Protocol::Tcp);
    wait(device, soon(device), open).unwrap()
}

pub(crate) fn udp(device: &dyn Netdev, port: u16) -> SockFd {
    let open = || device.socket(AddressFamily::Inet, SockType::Dgram, Protocol::Udp);
    let fd = wait(device, soon(device), open).unwrap();
    let any = SocketAddr::from((Ipv4Addr::UNSPECIFIED, port));
    wait(device, soon(device), || device.bind(fd, any)).unwrap();
    fd
}

pub(crate) fn listen(device: &dyn Netdev, addr: Ipv4Addr, port: u16) -> (SockFd, SocketAddr) {
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

pub(crate) fn send_all(device: &dyn Netdev, fd: SockFd, mut data: &[u8]) {
    while !data.is_empty() {
        let sent = wait(device, soon(device), || device.send(fd, data, SockFlags::NONE)).unwrap();
        data = &data[sent..];
    }
}

pub(crate) fn recv_some(device: &dyn Netdev, fd: SockFd) -> Result<Vec<u8>, Stopped> {
    let mut buf = vec![0; 2048];
    let len = wait(device, soon(device), || device.recv(fd, &mut buf, SockFlags::NONE))?;
    buf.truncate(len);
    Ok(buf)
}

pub(crate) fn recv_exactly(device: &dyn Netdev, fd: SockFd, count: usize) -> Vec<u8> {
    let mut got = Vec::new();
    while got.len() < count {
        let more = recv_some(device, fd).unwrap();
        assert!(!more.is_empty(), "the end after {} of {count} bytes", got.len());
        got.extend(more);
    }
    got
}

pub(crate) fn accept(device: &dyn Netdev, fd: SockFd) -> (SockFd, SocketAddr) {
    wait(device, soon(device), || device.accept(fd)).unwrap()
}
