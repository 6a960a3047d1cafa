//! A driver on a simulated serial line to a simulated chip.
#![allow(dead_code, reason = "each test file uses a part of it")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "helpers of tests fail as tests do"
)]

use core::time::Duration;

use core::net::SocketAddr;

use netdev::{
    AddressFamily, Error, Instant, Netdev, Network, Platform, Protocol, Remote, SockFd, SockFlags,
    SockType, Stopped, wait,
};
use netdev_sim::{Pace, SimLink, Stack, UartBench};
use rtl8720dn::{Rtl8720dn, State};
use rtl8720dn_sim::{Chip, Config, Monitor};

/// What the host's ring holds, unless a test says otherwise.
pub(crate) const RING: usize = 4096;

/// A chip in reach of `test-ap`, its line, and the device on it.
pub(crate) struct Rig<P: Platform + 'static> {
    pub(crate) device: &'static Rtl8720dn<'static, SimLink, P>,
    pub(crate) bench: UartBench,
    pub(crate) monitor: Monitor,
    pub(crate) clock: P,
}

impl<P: Platform + Pace + Clone + 'static> Rig<P> {
    pub(crate) fn new(config: Config, stack: impl Stack + 'static, clock: P) -> Self {
        Self::with_link(config, stack, clock, |bench| bench.link(RING))
    }

    pub(crate) fn with_link(
        mut config: Config,
        stack: impl Stack + 'static,
        clock: P,
        link: impl FnOnce(&UartBench) -> SimLink,
    ) -> Self {
        if std::env::var_os("TRACE").is_some() {
            config.trace = Some(Box::new(|now, line| eprintln!("{now} {line}")));
        }
        let chip = Chip::new(config, Box::new(stack));
        let monitor = chip.monitor();
        let bench = UartBench::new(chip, clock.clone(), 614_400);
        let state = Box::leak(Box::new(State::new(link(&bench))));
        let device = Box::leak(Box::new(Rtl8720dn::new(state, clock.clone())));
        Self { device, bench, monitor, clock }
    }

    /// A deadline this many milliseconds from now.
    pub(crate) fn in_ms(&self, ms: u64) -> impl Fn() -> Option<Instant> + use<P> {
        let at = self.now() + Duration::from_millis(ms);
        move || Some(at)
    }

    pub(crate) fn now(&self) -> Instant {
        Platform::now(self.device.platform())
    }

    /// Repeats a call for so long at most.
    pub(crate) fn wait<T>(
        &self,
        ms: u64,
        op: impl FnMut() -> nb::Result<T, Error>,
    ) -> Result<T, Stopped> {
        wait(self.device, self.in_ms(ms), op)
    }

    /// Lets time pass, in which the driver may move.
    pub(crate) fn pause(&self, ms: u64) {
        let _ = self.wait(ms, || Err::<(), _>(nb::Error::WouldBlock));
    }

    /// Joins the default network.
    pub(crate) fn joined(self) -> Self {
        let link = self.device.netlink().unwrap();
        let network = Network::wifi("test-ap", "test-pass");
        self.wait(20_000, || link.join(&network)).unwrap();
        self.monitor.clear();
        self
    }

    /// Nothing happened that the real firmware would choke on.
    pub(crate) fn assert_faultless(&self) {
        let offences = self.monitor.counters().offence_list();
        let found: Vec<_> = offences.iter().filter(|(_, count)| *count > 0).collect();
        assert!(found.is_empty(), "the chip was given what it chokes on: {found:?}");
    }

    pub(crate) fn socket(&self, kind: SockType) -> SockFd {
        let protocol = if kind == SockType::Dgram { Protocol::Udp } else { Protocol::Tcp };
        self.wait(1_000, || self.device.socket(AddressFamily::Inet, kind, protocol)).unwrap()
    }

    pub(crate) fn connected(&self, to: SocketAddr) -> SockFd {
        let fd = self.socket(SockType::Stream);
        self.wait(5_000, || self.device.connect(fd, Remote::Addr(to))).unwrap();
        fd
    }

    pub(crate) fn listener(&self, port: u16) -> SockFd {
        let fd = self.socket(SockType::Stream);
        let local = SocketAddr::from(([0; 4], port));
        self.wait(1_000, || self.device.bind(fd, local)).unwrap();
        self.wait(1_000, || self.device.listen(fd, 4)).unwrap();
        fd
    }

    pub(crate) fn send(&self, fd: SockFd, data: &[u8]) -> Result<usize, Stopped> {
        self.wait(5_000, || self.device.send(fd, data, SockFlags::NONE))
    }

    pub(crate) fn recv(&self, fd: SockFd, buf: &mut [u8]) -> Result<usize, Stopped> {
        self.wait(5_000, || self.device.recv(fd, buf, SockFlags::NONE))
    }
}
