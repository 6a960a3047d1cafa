//! Connections between the device and its peer, made from either side.

use core::net::SocketAddr;
use core::time::Duration;

use netdev::{Features, Limits, Stopped};

use super::sock::{LONG, Sock};
use super::{Bench, Check, Outcome, failed};

/// Both ends of a connection.
pub(super) struct Pair {
    /// The device's end.
    pub(super) here: Sock,
    /// The peer's end.
    pub(super) there: Sock,
}

impl Bench {
    /// A connection that the device makes.
    pub(super) fn dialled(&self) -> Check<Pair> {
        self.needs(Features::TCP_CONNECT)?;
        let listener = self.peer().listener(1)?;
        let here = self.device().tcp()?;
        here.connect(listener.addr()?)?;
        let (there, _) = listener.accept()?;
        Ok(Pair { here, there })
    }

    /// A connection that the device accepts.
    pub(super) fn accepted(&self) -> Check<Pair> {
        self.needs(Features::TCP_LISTEN)?;
        let listener = self.device().listener(1)?;
        self.accepted_on(&listener)
    }

    /// The same on a listener that is there already. What others left waiting on it is closed.
    pub(super) fn accepted_on(&self, listener: &Sock) -> Check<Pair> {
        let there = self.called(listener)?;
        let expected = self.seen_from_device(&there)?;
        let opener = self.opener();
        there.send_all(opener)?;
        for _ in 0..STRAYS {
            let (here, from) = listener.accept()?;
            if from.port() == expected {
                here.expect(opener)?;
                return Ok(Pair { here, there });
            }
        }
        failed("accept: the connection is not among those that were accepted")
    }

    /// The peer's end of a connection to the device that waits to be accepted. Both sides move until
    /// it stands.
    pub(super) fn called(&self, listener: &Sock) -> Check<Sock> {
        let there = self.peer().tcp()?;
        there.connect(listener.addr()?)?;
        Ok(there)
    }

    /// What a peer has to send before the device can accept it.
    pub(super) fn opener(&self) -> &'static [u8] {
        let limits = self.device().netdev().capabilities().limits;
        if limits.contains(Limits::ACCEPTED_AFTER_DATA) { b"!" } else { b"" }
    }

    /// The port that the device should see as its peer's.
    pub(super) fn seen_from_device(&self, there: &Sock) -> Check<u16> {
        Ok(there.addr()?.port())
    }

    /// Tries the same on connections of both origins and tells the worst that came of it.
    pub(super) fn each_pair(&self, check: impl Fn(&Self, Pair) -> Check) -> Check {
        self.each_of(Self::dialled, Self::accepted, check)
    }

    /// The same with whatever is made of such connections.
    pub(super) fn each_of<T>(
        &self,
        dialled: impl FnOnce(&Self) -> Check<T>,
        accepted: impl FnOnce(&Self) -> Check<T>,
        check: impl Fn(&Self, T) -> Check,
    ) -> Check {
        let dialled = dialled(self).and_then(|made| check(self, made));
        // What the first one left must not disturb the second.
        self.settle();
        let accepted = accepted(self).and_then(|made| check(self, made));
        worst(named("dialled", dialled), named("accepted", accepted))
    }

    /// Where the peer listens, as the device sees it.
    pub(super) fn peer_listener(&self, backlog: u16) -> Check<(Sock, SocketAddr)> {
        let listener = self.peer().listener(backlog)?;
        let addr = listener.addr()?;
        Ok((listener, addr))
    }
}

/// Which kind of connection it was, behind the reason.
fn named(origin: &str, checked: Check) -> Check {
    checked.map_err(|outcome| match outcome {
        Outcome::Failed(why) => Outcome::Failed(format!("{why} ({origin})")),
        Outcome::Limited(why) => Outcome::Limited(format!("{why} ({origin})")),
        other => other,
    })
}

/// A failure counts most, then a limit; what one of them lacks does not count if the other has it.
fn worst(one: Check, other: Check) -> Check {
    match (one, other) {
        (Err(Outcome::Failed(one)), Err(Outcome::Failed(other))) => {
            failed(format_args!("{one}; {other}"))
        }
        (Err(Outcome::Limited(one)), Err(Outcome::Limited(other))) => {
            Err(Outcome::Limited(format!("{one}; {other}")))
        }
        (Err(failed @ Outcome::Failed(_)), _) | (_, Err(failed @ Outcome::Failed(_))) => {
            Err(failed)
        }
        (Err(limit @ Outcome::Limited(_)), _) | (_, Err(limit @ Outcome::Limited(_))) => Err(limit),
        (Ok(()), _) | (_, Ok(())) => Ok(()),
        (unsupported, _) => unsupported,
    }
}

/// Whether a wait ended by its deadline, for waits that should.
pub(super) fn timed_out<T>(answer: &Result<T, Stopped>) -> bool {
    matches!(answer, Err(Stopped::Deadline))
}

/// Connections that others may have left on a listener.
const STRAYS: usize = 16;

/// Long enough for what was sent to have arrived.
pub(super) const ARRIVAL: Duration = Duration::from_millis(50);
/// How long nothing has to happen before it is believed that nothing will.
pub(super) const QUIET: Duration = Duration::from_millis(300);

const _: () = assert!(QUIET.as_nanos() < LONG.as_nanos());
