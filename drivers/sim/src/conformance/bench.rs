//! The device under test and its surroundings.

use core::fmt;
use core::net::{IpAddr, Ipv4Addr};
use core::time::Duration;

use netdev::{Features, Limits, Netdev};

use super::sock::Party;
use super::{Check, Outcome};
use crate::VirtualClock;

/// A device under test, a peer that it reaches and that reaches it, and what is known about the
/// network between them.
///
/// The peer may be any device that lacks nothing: [`SimDevice`](crate::SimDevice) in virtual time, the
/// PC's own sockets on the real clock. It may even be the device itself.
pub struct Bench {
    device: &'static dyn Netdev,
    device_addr: IpAddr,
    peer: &'static dyn Netdev,
    peer_addr: IpAddr,
    clock: Option<VirtualClock>,
    name: Option<(String, Option<IpAddr>)>,
    nobody: Option<IpAddr>,
    connects: u32,
}

impl Bench {
    /// A bench on real clocks. `device_addr` is where the peer finds the device, `peer_addr` where the
    /// device finds the peer.
    #[must_use]
    pub fn new(
        device: &'static dyn Netdev,
        device_addr: IpAddr,
        peer: &'static dyn Netdev,
        peer_addr: IpAddr,
    ) -> Self {
        Self {
            device,
            device_addr,
            peer,
            peer_addr,
            clock: None,
            name: None,
            nobody: None,
            connects: 1000,
        }
    }

    /// The same in virtual time: the clock is the one of both devices.
    #[must_use]
    pub fn in_virtual_time(mut self, clock: &VirtualClock) -> Self {
        self.clock = Some(clock.clone());
        self
    }

    /// The same with a name that the device can look up, and its address if that is known. Without
    /// one only the failing of lookups is tried.
    #[must_use]
    pub fn with_name(mut self, name: &str, addr: Option<IpAddr>) -> Self {
        self.name = Some((name.to_owned(), addr));
        self
    }

    /// The same with an address where nobody is, so that a connect stays unanswered.
    #[must_use]
    pub fn with_nobody_at(mut self, addr: IpAddr) -> Self {
        self.nobody = Some(addr);
        self
    }

    /// The same with another number of connects than a thousand, for a device that is slow.
    #[must_use]
    pub fn with_connects(mut self, connects: u32) -> Self {
        self.connects = connects;
        self
    }

    pub(super) fn clock(&self) -> Option<&VirtualClock> {
        self.clock.as_ref()
    }

    /// The device under test.
    pub(super) fn device(&self) -> Party {
        Party::new("device", self.device, self.device_addr, self.peer)
    }

    pub(super) fn peer(&self) -> Party {
        Party::new("peer", self.peer, self.peer_addr, self.device)
    }

    pub(super) fn name(&self) -> Option<(&str, Option<IpAddr>)> {
        self.name.as_ref().map(|(name, addr)| (name.as_str(), *addr))
    }

    pub(super) fn nobody(&self) -> Option<IpAddr> {
        self.nobody
    }

    pub(super) fn connects(&self) -> u32 {
        self.connects
    }

    pub(super) fn has(&self, features: Features) -> bool {
        self.device.capabilities().has(features)
    }

    /// Goes on only with a device that has these.
    pub(super) fn needs(&self, features: Features) -> Check {
        if self.has(features) { Ok(()) } else { Err(Outcome::Unsupported) }
    }

    /// What was seen is not as it should be. Whether the device says so, by this limit?
    pub(super) fn limited<T>(&self, limit: Limits, seen: &str) -> Check<T> {
        let name = limit.names().next().unwrap_or_default();
        Err(if self.device.capabilities().limits.contains(limit) {
            Outcome::Limited(format!("{name}, {seen}"))
        } else {
            Outcome::Failed(format!("{seen}, and the device does not name the limit {name}"))
        })
    }

    /// Lets what was closed be given back, and what is under way arrive.
    pub(super) fn settle(&self) {
        self.device().pause(SETTLE);
    }
}

impl fmt::Debug for Bench {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bench")
            .field("device_addr", &self.device_addr)
            .field("peer_addr", &self.peer_addr)
            .finish_non_exhaustive()
    }
}

/// Where a socket is bound that is to be reached at `addr`: loopback only there, all else from
/// everywhere, since an address may be translated on the way.
pub(super) fn bind_addr(addr: IpAddr) -> IpAddr {
    if addr.is_loopback() { addr } else { IpAddr::V4(Ipv4Addr::UNSPECIFIED) }
}

const SETTLE: Duration = Duration::from_millis(30);
