//! A network in memory, in virtual time.

mod arrive;
mod net;
mod node;
mod packet;
mod socket;

use core::fmt;
use core::net::Ipv4Addr;
use core::time::Duration;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::VirtualClock;
use net::Net;

pub use node::Node;

/// Nodes that reach each other, on a [`VirtualClock`]; each is a [`Stack`](crate::Stack).
///
/// TCP as its users see it: a bounded window, so that sends are partial and then "not yet"; half
/// close; a reset when unread data is closed, or data meets a closed socket; a backlog, beyond which
/// a connect is tried again after 1, 2, 4 s; refusal where nobody listens; a time-out where nobody
/// is. UDP with a bounded queue, where what does not fit is lost. Names. Nothing is lost or reordered
/// on the way, and bandwidth has no bound.
///
/// Everything that is on its way rings the clock when it arrives
/// ([`VirtualClock::set_alarm`]), so that a device that notices by itself wakes in time.
///
/// ```
/// use netdev::Platform;
/// use netdev_sim::{Internet, Stack, VirtualClock};
///
/// let clock = VirtualClock::new();
/// let internet = Internet::new(&clock);
/// let mut server = internet.node([10, 0, 0, 1].into());
/// let mut client = internet.node([10, 0, 0, 2].into());
///
/// let listener = server.listen(80, 4)?;
/// let sock = client.connect(([10, 0, 0, 1], 80).into())?;
/// assert!(client.connected(sock).is_err(), "it takes a round trip");
/// clock.spend(core::time::Duration::from_millis(1));
/// assert!(client.connected(sock).is_ok());
/// assert!(server.accept(listener).is_ok());
/// # Ok::<(), netdev::Error>(())
/// ```
#[derive(Clone)]
pub struct Internet {
    net: Arc<Mutex<Net>>,
}

impl Internet {
    /// A network without nodes. One way takes 100 us; an unanswered connect fails after 18 s.
    #[must_use]
    pub fn new(clock: &VirtualClock) -> Self {
        Self { net: Arc::new(Mutex::new(Net::new(clock.clone()))) }
    }

    /// The node at an address; it comes into being when first asked for.
    #[must_use]
    pub fn node(&self, addr: Ipv4Addr) -> Node {
        self.lock().add_node(addr);
        Node::new(self.net.clone(), addr)
    }

    /// The clock that this network runs on.
    #[must_use]
    pub fn clock(&self) -> VirtualClock {
        self.lock().clock().clone()
    }

    /// Gives an address a name; a name may have several.
    pub fn name(&self, name: &str, addr: Ipv4Addr) {
        self.lock().add_name(name, addr);
    }

    /// How long one way takes between any two nodes, from now on.
    pub fn set_delay(&self, delay: Duration) {
        self.lock().set_delay(delay);
    }

    /// How long the way from one node to another takes, from now on; not the way back.
    pub fn set_delay_between(&self, from: Ipv4Addr, to: Ipv4Addr, delay: Duration) {
        self.lock().set_delay_between(from, to, delay);
    }

    /// After what time a connect that nobody answers has failed.
    pub fn set_connect_timeout(&self, timeout: Duration) {
        self.lock().set_connect_timeout(timeout);
    }

    fn lock(&self) -> MutexGuard<'_, Net> {
        lock(&self.net)
    }
}

impl fmt::Debug for Internet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Internet").finish_non_exhaustive()
    }
}

/// The network as of now: what was due has arrived.
fn lock(net: &Mutex<Net>) -> MutexGuard<'_, Net> {
    let mut net = net.lock().unwrap_or_else(PoisonError::into_inner);
    net.catch_up();
    net
}
