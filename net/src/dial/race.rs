//! The addresses of a name, tried in turn; with both families of them, two turns side by side.

use core::time::Duration;

use super::Dialer;
use crate::resolve::{Candidates, to_dial};
use crate::socket::{Socket, wait};
use crate::{
    AddrErrorKind, AddressFamily, Cause, DeviceError, Error, Instant, Netdev, Network, Op, Remote,
    SockOpt,
};

/// All that is tried for one dial.
pub(super) struct Race<'a> {
    dialer: &'a Dialer,
    device: &'static dyn Netdev,
    network: Network,
    found: &'a Candidates,
    deadline: Option<Instant>,
    tracks: [Track; 2],
}

/// Addresses that are tried one after the other.
#[derive(Default)]
struct Track {
    /// The family; `None` for all that were found.
    six: Option<bool>,
    /// When it may start.
    from: Instant,
    /// How many of its addresses were begun.
    begun: usize,
    attempt: Option<Attempt>,
    /// Why the first address failed.
    error: Option<Error>,
    /// There are no more addresses.
    over: bool,
}

/// One address being connected.
struct Attempt {
    addr: core::net::SocketAddr,
    until: Option<Instant>,
    socket: Option<Socket>,
    done: Stage,
}

/// The last thing that was done with a socket.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    Nothing,
    Bound,
    Prepared,
    Connected,
}

impl<'a> Race<'a> {
    pub(super) fn new(
        dialer: &'a Dialer,
        (device, deadline): (&'static dyn Netdev, Option<Instant>),
        network: Network,
        found: &'a Candidates,
    ) -> Self {
        let now = device.platform().now();
        let first = found.iter().next().map(|addr| addr.is_ipv6());
        // As in Go, only networks that leave the family open are raced.
        let six = first.filter(|_| network == Network::Tcp);
        let other = Track { six: six.map(|six| !six), from: now + HEAD_START, ..Track::default() };
        let tracks =
            [Track { six, from: now, ..Track::default() }, Track { over: six.is_none(), ..other }];
        Self { dialer, device, network, found, deadline, tracks }
    }

    /// Waits for the first address that connects; otherwise the error is that of the first one.
    pub(super) fn run(mut self) -> Result<Socket, Error> {
        loop {
            if let Some(end) = self.step() {
                return end;
            }
            // What a track waits for is handled by its step, so the wait ends there and goes on.
            let (next, mut end) = (self.next_event(), None);
            let waited = wait(self.device, &|| next, &mut || {
                end = self.step();
                if end.is_some() { Ok(()) } else { Err(nb::Error::WouldBlock) }
            });
            match (end, waited) {
                (Some(end), _) => return end,
                (None, Err(cause)) if cause != Cause::DeadlineExceeded => {
                    return Err(self.failed(None, cause));
                }
                (None, _) => {}
            }
        }
    }

    fn step(&mut self) -> Option<Result<Socket, Error>> {
        for at in 0..self.tracks.len() {
            let mut track = core::mem::take(self.tracks.get_mut(at)?);
            let won = self.step_track(&mut track);
            let failed = track.over;
            *self.tracks.get_mut(at)? = track;
            if won.is_some() {
                return won.map(Ok);
            }
            if failed && let [_, second] = &mut self.tracks {
                second.from = Instant::START; // no need to give a head start any more
            }
        }
        let over = self.tracks.iter().all(|track| track.over);
        over.then(|| Err(self.first_error()))
    }

    /// One step of a track; the socket once it is connected.
    fn step_track(&self, track: &mut Track) -> Option<Socket> {
        let now = self.device.platform().now();
        if track.over || now < track.from {
            return None;
        }
        loop {
            let mut attempt = match track.attempt.take() {
                Some(attempt) => attempt,
                None => match self.next_attempt(track, now) {
                    Some(attempt) => attempt,
                    None => {
                        track.over = true;
                        return None;
                    }
                },
            };
            let end = match self.refusal(&attempt, now) {
                Some(cause) => Err(nb::Error::Other(cause)),
                None => self.advance(&mut attempt),
            };
            match end {
                Ok(()) => return attempt.socket,
                Err(nb::Error::WouldBlock) => {
                    track.attempt = Some(attempt);
                    return None;
                }
                Err(nb::Error::Other(cause)) => {
                    let error = self.failed(Some(attempt.addr), cause);
                    track.error = first_that_tells(track.error, Some(error));
                }
            }
        }
    }

    /// The next address, and its share of the time.
    fn next_attempt(&self, track: &mut Track, now: Instant) -> Option<Attempt> {
        let mut rest = self.found.of_family(track.six).skip(track.begun);
        let addr = to_dial(rest.next()?);
        let left = rest.count() + 1;
        track.begun += 1;
        let until = self.deadline.map(|at| share(now, at, left));
        Some(Attempt { addr, until, socket: None, done: Stage::Nothing })
    }

    /// Why an address need not be tried, or no longer.
    fn refusal(&self, attempt: &Attempt, now: Instant) -> Option<Cause> {
        if self.dialer.local.is_some_and(|local| local.is_ipv4() != attempt.addr.is_ipv4()) {
            return Some(AddrErrorKind::MismatchedLocalAddress.into());
        }
        attempt.until.filter(|at| now >= *at).map(|_| Cause::DeadlineExceeded)
    }

    /// Does what can be done for an address without waiting.
    fn advance(&self, attempt: &mut Attempt) -> nb::Result<(), Cause> {
        let device = self.device;
        let Attempt { addr, socket, done, .. } = attempt;
        let family = AddressFamily::of(addr);
        let socket = match socket {
            Some(socket) => socket,
            None => socket.insert(Socket::try_open(device, self.network, family)?),
        };
        let fd = socket.fd();
        if *done == Stage::Nothing {
            if let Some(local) = self.dialer.local {
                told(device.bind(fd, local))?;
            }
            *done = Stage::Bound;
        }
        if *done == Stage::Bound {
            if let Some(period) = self.dialer.keep_alive.filter(|_| !self.network.is_udp()) {
                told(device.set_sock_opt(fd, SockOpt::KeepAlive(period)))?;
            }
            *done = Stage::Prepared;
        }
        if *done == Stage::Prepared {
            told(device.connect(fd, Remote::Addr(*addr)))?;
            socket.set_remote(*addr);
            *done = Stage::Connected;
        }
        if socket.try_learn_local() { Ok(()) } else { Err(nb::Error::WouldBlock) }
    }

    /// When a track goes on by itself.
    fn next_event(&self) -> Option<Instant> {
        let of = |track: &Track| match &track.attempt {
            _ if track.over => None,
            Some(attempt) => attempt.until,
            None => Some(track.from),
        };
        self.tracks.iter().filter_map(of).min()
    }

    fn first_error(&self) -> Error {
        let errors = self.tracks.iter().map(|track| track.error);
        errors
            .fold(None, first_that_tells)
            .unwrap_or_else(|| self.failed(None, AddrErrorKind::NoSuitableAddress.into()))
    }

    fn failed(&self, addr: Option<core::net::SocketAddr>, cause: Cause) -> Error {
        Error {
            op: Op::Dial,
            network: Some(self.network),
            source: addr.and(self.dialer.local).map(|local| self.network.addr(local)),
            addr: addr.map(|addr| self.network.addr(addr)),
            cause,
        }
    }
}

/// That a device has no sockets of a family tells less than what became of the other one.
fn first_that_tells(first: Option<Error>, next: Option<Error>) -> Option<Error> {
    let lacks_family = |error: &Error| error.cause == Cause::Device(DeviceError::Unsupported);
    if first.as_ref().is_none_or(lacks_family) { next.or(first) } else { first }
}

fn told<T>(answer: nb::Result<T, DeviceError>) -> nb::Result<T, Cause> {
    answer.map_err(|error| error.map(Cause::Device))
}

/// When the next of `left` addresses has to be connected, if all must be tried before `deadline`.
fn share(now: Instant, deadline: Instant, left: usize) -> Instant {
    let left = u32::try_from(left.max(1)).unwrap_or(u32::MAX);
    let time = deadline.saturating_since(now);
    now + (time / left).max(AT_LEAST.min(time))
}

/// Time that each address gets, as long as there is so much.
const AT_LEAST: Duration = Duration::from_secs(2);
/// How long the other family waits, as in Go.
const HEAD_START: Duration = Duration::from_millis(300);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_is_shared_but_not_below_two_seconds() {
        let second = |at: u64| Instant::from_micros(at * 1_000_000);
        for (time, left, gets) in [(30, 3, 10), (30, 1, 30), (5, 3, 2), (1, 3, 1), (0, 3, 0)] {
            let limit = share(second(7), second(7 + time), left);
            assert_eq!(limit, second(7 + gets), "{time} s for {left}");
        }
        assert_eq!(share(second(7), second(3), 1), second(7), "already late");
    }
}
