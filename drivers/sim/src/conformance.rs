//! The conformance suite: what every [`Netdev`](netdev::Netdev) has to do, one function per behaviour.
//!
//! A [`Bench`] holds the device under test and a peer that it can reach. In virtual time both live on
//! one [`VirtualClock`]; on real clocks the peer is usually the PC's own sockets. Every wait of the
//! suite is bounded, and each behaviour closes what it opened, also when it fails.
//!
//! ```
//! use netdev_sim::{Internet, SimDevice, VirtualClock, conformance};
//!
//! let clock = VirtualClock::new();
//! let internet = Internet::new(&clock);
//! let device = SimDevice::on(&internet, [10, 0, 0, 1].into()).leak();
//! let peer = SimDevice::on(&internet, [10, 0, 0, 2].into()).leak();
//! internet.name("peer.test", [10, 0, 0, 2].into());
//!
//! let bench = conformance::Bench::new(device, [10, 0, 0, 1].into(), peer, [10, 0, 0, 2].into())
//!     .in_virtual_time(&clock)
//!     .with_name("peer.test", Some([10, 0, 0, 2].into()));
//! let summary = conformance::run(&bench, &mut |name, outcome| println!("{name}: {outcome}"));
//! assert_eq!(summary.failed, 0);
//! ```

mod bench;
mod datagram;
mod ends;
mod flow;
mod job;
mod listen;
mod lookup;
mod misuse;
mod pair;
mod ready;
mod shared;
mod sock;
mod stream;
mod table;

use core::fmt;
use core::panic::AssertUnwindSafe;
use std::panic::catch_unwind;

use crate::VirtualClock;
pub use bench::Bench;

/// What came of trying one behaviour.
#[expect(clippy::exhaustive_enums, reason = "whoever reports has to handle all four")]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is as it should be.
    Ok,
    /// The device cannot do this, and says so.
    Unsupported,
    /// It is not quite as it should be, and a flag in [`Capabilities::limits`] says so: the flag's
    /// name, and what was seen.
    ///
    /// [`Capabilities::limits`]: netdev::Capabilities::limits
    Limited(String),
    /// What was expected, and what was seen instead.
    Failed(String),
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ok => f.write_str("ok"),
            Self::Unsupported => f.write_str("unsupported"),
            Self::Limited(reason) => write!(f, "limited: {reason}"),
            Self::Failed(why) => write!(f, "FAILED: {why}"),
        }
    }
}

/// One thing that every device has to do, or to say that it cannot.
#[derive(Clone, Copy, Debug)]
pub struct Behaviour {
    /// A few words, the same in every report.
    pub name: &'static str,
    check: fn(&Bench) -> Check,
}

impl Behaviour {
    const fn new(name: &'static str, check: fn(&Bench) -> Check) -> Self {
        Self { name, check }
    }

    /// Tries it. A panic, of the device or of the suite, is a failure.
    #[must_use]
    pub fn run(&self, bench: &Bench) -> Outcome {
        let _registered = bench.clock().map(VirtualClock::register);
        let tried = catch_unwind(AssertUnwindSafe(|| (self.check)(bench)));
        let cleaned = catch_unwind(AssertUnwindSafe(|| bench.settle()));
        match (tried, cleaned) {
            (Err(panic), _) | (_, Err(panic)) => Outcome::Failed(job::panic_text(&*panic)),
            (Ok(Ok(())), Ok(())) => Outcome::Ok,
            (Ok(Err(outcome)), Ok(())) => outcome,
        }
    }
}

/// How many behaviours came out which way.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// As they should be.
    pub ok: u32,
    /// Said to be missing.
    pub unsupported: u32,
    /// Limited by the firmware, by name.
    pub limited: u32,
    /// Wrong.
    pub failed: u32,
}

impl Summary {
    fn count(&mut self, outcome: &Outcome) {
        *match outcome {
            Outcome::Ok => &mut self.ok,
            Outcome::Unsupported => &mut self.unsupported,
            Outcome::Limited(_) => &mut self.limited,
            Outcome::Failed(_) => &mut self.failed,
        } += 1;
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { ok, unsupported, limited, failed } = self;
        write!(f, "{ok} ok, {unsupported} unsupported, {limited} limited, {failed} FAILED")
    }
}

/// Tries every behaviour in turn and reports each as it is done.
pub fn run(bench: &Bench, report: &mut dyn FnMut(&'static str, &Outcome)) -> Summary {
    run_some(bench, |_| true, report)
}

/// The same with those behaviours whose names are wanted.
pub fn run_some(
    bench: &Bench,
    wanted: impl Fn(&str) -> bool,
    report: &mut dyn FnMut(&'static str, &Outcome),
) -> Summary {
    let mut summary = Summary::default();
    for behaviour in BEHAVIOURS.iter().filter(|behaviour| wanted(behaviour.name)) {
        let outcome = behaviour.run(bench);
        report(behaviour.name, &outcome);
        summary.count(&outcome);
    }
    summary
}

/// All behaviours, the simple ones first.
pub const BEHAVIOURS: &[Behaviour] = &[
    Behaviour::new("tcp client", stream::client),
    Behaviour::new("tcp server", stream::server),
    Behaviour::new("refused connect", ends::refused),
    Behaviour::new("both directions at once", stream::both_directions),
    Behaviour::new("1 MiB sent", stream::mebibyte_sent),
    Behaviour::new("1 MiB received", stream::mebibyte_received),
    Behaviour::new("partial sends", stream::partial_sends),
    Behaviour::new("end after all data", ends::end_after_data),
    Behaviour::new("reset", ends::reset),
    Behaviour::new("half close", ends::half_close),
    Behaviour::new("peer's half close", ends::peer_half_close),
    Behaviour::new("peek", ends::peek),
    Behaviour::new("udp send", datagram::send),
    Behaviour::new("udp receive", datagram::receive),
    Behaviour::new("udp burst", datagram::burst),
    Behaviour::new("udp cut datagram", datagram::cut),
    Behaviour::new("udp empty datagram", datagram::empty),
    Behaviour::new("udp with a peer", datagram::with_peer),
    Behaviour::new("name lookup", lookup::names),
    Behaviour::new("bind to port 0", listen::port_zero),
    Behaviour::new("bind to what is not free", listen::taken),
    Behaviour::new("backlog", listen::backlog),
    Behaviour::new("several sockets at once", table::several),
    Behaviour::new("successors", table::successors),
    Behaviour::new("no bytes cross connections", table::crossing),
    Behaviour::new("exhaustion and recovery", table::exhaustion),
    Behaviour::new("stale handles", misuse::stale_handles),
    Behaviour::new("misuse", misuse::wrong_state),
    Behaviour::new("next_ready is honest", ready::honest),
    Behaviour::new("waiting does not spin", ready::naps),
    Behaviour::new("close ends a pending call", shared::close_ends_calls),
    Behaviour::new("deadlines moved while waiting", shared::moved_deadlines),
    Behaviour::new("two writers", shared::two_writers),
    Behaviour::new("two readers", shared::two_readers),
    Behaviour::new("a thousand connects", table::thousand),
];

/// `Err` is every outcome but [`Outcome::Ok`].
type Check<T = ()> = Result<T, Outcome>;

fn failed<T>(why: impl fmt::Display) -> Check<T> {
    Err(Outcome::Failed(why.to_string()))
}

fn ensure(holds: bool, otherwise: impl FnOnce() -> String) -> Check {
    if holds { Ok(()) } else { failed(otherwise()) }
}

fn expect_eq<T: PartialEq + fmt::Debug>(what: &str, seen: &T, expected: &T) -> Check {
    ensure(seen == expected, || format!("{what}: expected {expected:?}, seen {seen:?}"))
}
