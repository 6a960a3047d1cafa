//! What crosses the line for what programs do, and how fast, in virtual time. Stands on its own, so
//! that the bench of the workspace can include it.
#![allow(dead_code, reason = "each user takes a part of it")]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::cast_possible_truncation,
    reason = "helpers of tests fail as tests do"
)]

use core::net::{Ipv4Addr, SocketAddr};
use core::time::Duration;

use espat::{Espat, State};
use espat_sim::{Config, Modem, Monitor, Persona};
use netdev::{
    AddressFamily, Instant, Netdev, Network, Platform, Protocol, Remote, SockFd, SockFlags,
    SockType, wait,
};
use netdev_sim::{Internet, SimDevice, SimLink, UartBench, VirtualClock};

const CHIP: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 2);
const PEER: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 9);

/// A line and what is at its ends.
pub(crate) struct Line {
    pub(crate) persona: &'static Persona,
    pub(crate) baud: u32,
    /// The host's receive ring.
    pub(crate) ring: usize,
    /// Data come by themselves.
    pub(crate) active: bool,
    /// From a command, or a payload, until it is answered.
    pub(crate) latency: Duration,
}

impl Line {
    /// At 115,200 with a ring of 2,304 bytes, passive, 1 ms of latency.
    pub(crate) fn new(persona: &'static Persona) -> Self {
        let latency = Duration::from_millis(1);
        Self { persona, baud: 115_200, ring: 2_304, active: false, latency }
    }

    pub(crate) fn lab(&self) -> Lab {
        let clock = VirtualClock::new();
        let internet = Internet::new(&clock);
        let mut config = Config::new(self.persona);
        config.latency = self.latency;
        config.baud = self.baud;
        if std::env::var_os("TRACE").is_some() {
            config.trace = Some(Box::new(|now, line| println!("{now} {line}")));
        }
        let modem = Modem::new(config, Box::new(internet.node(CHIP)));
        let monitor = modem.monitor();
        let bench = UartBench::new(modem, clock.clone(), self.baud);
        let state = State::new(bench.link(self.ring)).at_baud(self.baud);
        let state = if self.active { state.receiving_actively() } else { state };
        let device = Box::leak(Box::new(Espat::new(Box::leak(Box::new(state)), clock.clone())));
        let peer = SimDevice::on(&internet, PEER).leak();
        let lab = Lab { device, bench, monitor, peer, clock, baud: self.baud };
        let link = device.netlink().unwrap();
        lab.until(device, || link.join(&Network::wifi("test-ap", "test-pass")));
        lab
    }
}

/// What one operation cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cost {
    /// Bytes on the line, both ways, besides the payload.
    pub(crate) overhead: u64,
    /// Commands and payloads that the host waited for.
    pub(crate) round_trips: u64,
}

/// A joined device on that line, and a peer.
pub(crate) struct Lab {
    pub(crate) device: &'static Espat<'static, SimLink, VirtualClock>,
    pub(crate) bench: UartBench,
    pub(crate) monitor: Monitor,
    pub(crate) peer: &'static SimDevice,
    pub(crate) clock: VirtualClock,
    baud: u32,
}

impl Lab {
    /// What `count` bytes sent in one piece cost.
    pub(crate) fn cost_of_sending(&self, count: usize) -> Cost {
        let (here, there) = self.pair();
        self.clear();
        self.send_all(here, &vec![7; count]);
        self.pause(20);
        let cost = self.cost(count, 1);
        self.drain(there);
        cost
    }

    /// What `count` bytes received in one piece cost.
    pub(crate) fn cost_of_receiving(&self, count: usize) -> Cost {
        let (here, there) = self.pair();
        self.pause(20);
        self.clear();
        let sent =
            self.until(self.peer, || self.peer.send(there, &vec![7; count], SockFlags::NONE));
        assert_eq!(sent, count);
        let mut buf = vec![0; 4096];
        let mut got = 0;
        while got < count {
            got += self.until(self.device, || self.device.recv(here, &mut buf, SockFlags::NONE));
        }
        self.pause(20);
        self.cost(count, 0)
    }

    /// Share of the line, in percent, that payload gets when `total` bytes are sent in pieces of
    /// `chunk`.
    pub(crate) fn rate_of_sending(&self, chunk: usize, total: usize) -> f64 {
        let (here, there) = self.pair();
        let data = vec![7; chunk];
        let begun = self.clock.now();
        let mut sent = 0;
        while sent < total {
            sent += self.until(self.device, || {
                self.drain(there);
                self.device.send(here, &data, SockFlags::NONE)
            });
        }
        self.share(sent, begun)
    }

    /// The same for receiving, in reads of at most `room` bytes.
    pub(crate) fn rate_of_receiving(&self, room: usize, total: usize) -> f64 {
        let (here, there) = self.pair();
        let data = vec![7; 64 * 1024];
        let mut buf = vec![0; room];
        let _ = self.peer.send(there, &data, SockFlags::NONE);
        self.pause(50);
        let begun = self.clock.now();
        let mut got = 0;
        while got < total {
            got += self.until(self.device, || {
                let _ = self.peer.send(there, &data, SockFlags::NONE);
                self.device.recv(here, &mut buf, SockFlags::NONE)
            });
        }
        self.share(got, begun)
    }

    /// A connection that the device makes.
    pub(crate) fn pair(&self) -> (SockFd, SockFd) {
        let peer: &dyn Netdev = self.peer;
        let door = self.socket(peer);
        let any = SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0));
        self.until(peer, || peer.bind(door, any));
        self.until(peer, || peer.listen(door, 1));
        let port = self.until(peer, || peer.local_addr(door)).port();
        let here = self.socket(self.device);
        let to = Remote::Addr(SocketAddr::from((PEER, port)));
        self.until(self.device, || self.device.connect(here, to));
        let (there, _) = self.until(peer, || peer.accept(door));
        peer.close(door);
        (here, there)
    }

    pub(crate) fn clear(&self) {
        self.bench.clear_counters();
        self.monitor.clear();
    }

    pub(crate) fn pause(&self, ms: u64) {
        let at = self.clock.now() + Duration::from_millis(ms);
        let _ = wait(
            self.device,
            || Some(at),
            || Err::<(), nb::Error<netdev::Error>>(nb::Error::WouldBlock),
        );
    }

    pub(crate) fn send_all(&self, fd: SockFd, mut data: &[u8]) {
        while !data.is_empty() {
            let sent = self.until(self.device, || self.device.send(fd, data, SockFlags::NONE));
            data = &data[sent..];
        }
    }

    fn socket(&self, device: &dyn Netdev) -> SockFd {
        self.until(device, || device.socket(AddressFamily::Inet, SockType::Stream, Protocol::Tcp))
    }

    fn until<T>(&self, device: &dyn Netdev, op: impl FnMut() -> nb::Result<T, netdev::Error>) -> T {
        let at = self.clock.now() + Duration::from_secs(60);
        wait(device, || Some(at), op).unwrap()
    }

    fn drain(&self, there: SockFd) {
        let mut buf = [0; 2048];
        while self.peer.recv(there, &mut buf, SockFlags::NONE).is_ok_and(|len| len > 0) {}
    }

    fn cost(&self, count: usize, payloads: u64) -> Cost {
        let line = self.bench.counters();
        let commands = self.monitor.counters().commands;
        let overhead = line.written + line.read - count as u64;
        Cost { overhead, round_trips: commands + payloads }
    }

    fn share(&self, count: usize, begun: Instant) -> f64 {
        let took = self.clock.now().saturating_since(begun).as_secs_f64();
        count as f64 / took / (f64::from(self.baud) / 10.0) * 100.0
    }
}
