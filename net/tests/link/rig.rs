//! A supervised device, its chip, and a peer on the same network in memory.
#![allow(dead_code, reason = "each test uses a part of it")]

use core::net::Ipv4Addr;
use core::time::Duration;

use net::link::{ConnectParams, LinkEvent, LinkState, Supervisor};
use net::{Instant, Netdev};
use netdev_sim::{Internet, SimDevice, VirtualClock};

pub(crate) const CHIP: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);
pub(crate) const PEER: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 2);

/// The watchdog's period in these tests.
pub(crate) const PERIOD: Duration = Duration::from_secs(4);

pub(crate) fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

/// What surrounds a chip.
pub(crate) struct World {
    pub(crate) clock: VirtualClock,
    pub(crate) internet: Internet,
    pub(crate) peer: &'static dyn Netdev,
}

impl World {
    pub(crate) fn new() -> Self {
        let clock = VirtualClock::new();
        let internet = Internet::new(&clock);
        internet.name("peer.test", PEER);
        let peer = SimDevice::on(&internet, PEER).leak();
        Self { clock, internet, peer }
    }
}

/// A device and who looks after it.
pub(crate) struct Watched {
    pub(crate) device: &'static dyn Netdev,
    pub(crate) supervisor: &'static Supervisor,
}

/// What the supervisor of the test's own thread told, in order. Each test has a thread.
pub(crate) fn told() -> Vec<LinkEvent> {
    TOLD.with_borrow_mut(core::mem::take)
}

std::thread_local! {
    static TOLD: core::cell::RefCell<Vec<LinkEvent>> = const { core::cell::RefCell::new(Vec::new()) };
}

fn note(event: LinkEvent) {
    TOLD.with_borrow_mut(|told| told.push(event));
}

impl Watched {
    pub(crate) fn new(device: &'static dyn Netdev, params: ConnectParams<'static>) -> Self {
        Self::with(Supervisor::new(device, params).watchdog(PERIOD), device)
    }

    pub(crate) fn with(supervisor: Supervisor, device: &'static dyn Netdev) -> Self {
        let supervisor: &'static Supervisor = Box::leak(Box::new(supervisor));
        supervisor.notify(note);
        supervisor.start();
        Self { device, supervisor }
    }

    pub(crate) fn up(self) -> Self {
        self.supervisor.wait_up(seconds(60)).unwrap();
        assert_eq!(told(), [LinkEvent::Up]);
        self
    }

    pub(crate) fn now(&self) -> Instant {
        self.device.platform().now()
    }

    /// The main loop of an application, until `done` or for so long; true if it was done.
    pub(crate) fn main_loop(&self, time: Duration, mut done: impl FnMut() -> bool) -> bool {
        let end = self.now() + time;
        while self.now() < end {
            let due = self.supervisor.poll();
            if done() {
                return true;
            }
            let nap = self.now() + Duration::from_millis(10);
            self.device.platform().idle(due.min(nap).min(end));
        }
        false
    }

    /// How long it takes until the link stands so.
    pub(crate) fn until(&self, state: LinkState, at_most: Duration) -> Duration {
        let start = self.now();
        let reached = self.main_loop(at_most, || self.supervisor.state() == state);
        assert!(reached, "{:?} and not {state:?} after {at_most:?}", self.supervisor.state());
        self.now().saturating_since(start)
    }
}
