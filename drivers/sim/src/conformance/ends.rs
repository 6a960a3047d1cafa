//! How connections end, and how some never begin.

use core::net::SocketAddr;

use netdev::{Error, Features, Limits, Side, SockFlags, Stopped};

use super::flow::noise;
use super::pair::{ARRIVAL, Pair};
use super::sock::Sock;
use super::{Bench, Check, Outcome, ensure, expect_eq, failed};

/// Nobody listens there, and the device says so; or nobody is there at all, which is something else.
/// Afterwards it connects elsewhere as if nothing had been.
pub(super) fn refused(bench: &Bench) -> Check {
    bench.needs(Features::TCP_CONNECT)?;
    let (gone, addr) = bench.peer_listener(1)?;
    drop(gone);
    bench.peer().pause(ARRIVAL);
    let refused = told_apart(bench, addr, &[Error::ConnectionRefused]);
    let unanswered = bench.nobody().map_or(Ok(()), |nobody| {
        let addr = SocketAddr::new(nobody, 9);
        told_apart(bench, addr, &[Error::TimedOut, Error::Unreachable])
    });
    let Pair { here, there } = bench.dialled()?;
    here.send_all(b"works")?;
    there.expect(b"works")?;
    refused.and(unanswered)
}

fn told_apart(bench: &Bench, addr: SocketAddr, expected: &[Error]) -> Check {
    let sock = bench.device().tcp()?;
    let answer = sock.connect_error(addr)?;
    if expected.contains(&answer) {
        return Ok(());
    }
    let seen = format!("expected one of {expected:?}, seen {answer:?}");
    bench.limited(Limits::CONNECT_ERRORS_UNTOLD, &seen)
}

/// The end is read after all the data, however late the reader comes, and stays.
pub(super) fn end_after_data(bench: &Bench) -> Check {
    bench.each_pair(|bench, Pair { here, there }| {
        let data = noise(6, 3000);
        there.send_all(&data)?;
        drop(there);
        bench.device().pause(ARRIVAL * 4);
        here.expect(&data)?;
        here.expect_end()
    })
}

/// The peer breaks off: that is no end.
pub(super) fn reset(bench: &Bench) -> Check {
    bench.each_pair(|bench, Pair { here, there }| {
        here.send_all(b"x")?;
        there.expect(b"x")?;
        there.reset()?;
        let mut buf = [0; 16];
        let read = here.party.must_or("recv after a reset", || {
            here.party.netdev().recv(here.fd, &mut buf, SockFlags::NONE)
        })?;
        let end = [Error::ConnectionReset, Error::BrokenPipe, Error::NotConnected];
        here.must_fail("send after a reset", &end, |device, fd| {
            // What is taken before the reset is known is nobody's error.
            device.send(fd, b"x", SockFlags::NONE).and(Err::<(), _>(nb::Error::WouldBlock))
        })?;
        match read {
            Err(Error::ConnectionReset) => Ok(()),
            Ok(0) => bench.limited(Limits::RESET_READS_AS_END, "a reset reads as the end"),
            other => failed(format_args!("recv after a reset: {other:?}")),
        }
    })
}

/// The device ends its direction, and goes on reading.
pub(super) fn half_close(bench: &Bench) -> Check {
    let supported = bench.has(Features::SHUTDOWN);
    bench.each_pair(|_, Pair { here, there }| {
        if !supported {
            return has_no_shutdown(&here, &there);
        }
        here.send_all(b"question")?;
        here.must("shutdown", |device, fd| device.shutdown(fd, Side::Write))?;
        here.must_fail("send after shutdown", &[Error::BrokenPipe], |device, fd| {
            device.send(fd, b"more", SockFlags::NONE)
        })?;
        there.expect(b"question")?;
        there.expect_end()?;
        there.send_all(b"answer")?;
        here.expect(b"answer")?;
        drop(there);
        here.expect_end()
    })
}

/// The peer ends its direction; what it asked for before can still be sent.
pub(super) fn peer_half_close(bench: &Bench) -> Check {
    bench.each_pair(|bench, Pair { here, there }| {
        there.send_all(b"question")?;
        there.must("shutdown", |device, fd| device.shutdown(fd, Side::Write))?;
        here.expect(b"question")?;
        here.expect_end()?;
        let sent = here
            .party
            .must_or("send", || here.party.netdev().send(here.fd, b"answer", SockFlags::NONE))?;
        match sent {
            Ok(6) => {}
            Err(Error::BrokenPipe | Error::NotConnected | Error::ConnectionReset) => {
                let seen = "nothing can be sent after the end was read";
                return bench.limited(Limits::PEER_END_ENDS_BOTH, seen);
            }
            other => return failed(format_args!("send after the peer's end: {other:?}")),
        }
        there.expect(b"answer")?;
        drop(here);
        there.expect_end()
    })
}

fn has_no_shutdown(here: &Sock, there: &Sock) -> Check {
    let no = [Error::Unsupported];
    here.must_fail("shutdown without the feature", &no, |device, fd| {
        device.shutdown(fd, Side::Write)
    })?;
    here.send_all(b"still open")?;
    there.expect(b"still open")?;
    Err(Outcome::Unsupported)
}

/// What was peeked at is still there; a device that cannot says so and loses nothing.
pub(super) fn peek(bench: &Bench) -> Check {
    let supported = bench.has(Features::PEEK);
    bench.each_pair(|bench, Pair { here, there }| {
        there.send_all(b"peekaboo")?;
        bench.device().pause(ARRIVAL);
        let mut buf = [0; 4];
        if !supported {
            here.must_fail("peek without the feature", &[Error::Unsupported], |device, fd| {
                device.recv(fd, &mut buf, SockFlags::PEEK)
            })?;
            here.expect(b"peekaboo")?;
            return Err(Outcome::Unsupported);
        }
        for _ in 0..2 {
            let seen =
                here.must("peek", |device, fd| device.recv(fd, &mut buf, SockFlags::PEEK))?;
            ensure(seen > 0, || "peek saw an end".to_owned())?;
            expect_eq("peek", &buf.get(..seen), &b"peekaboo".get(..seen))?;
        }
        here.expect(b"peekaboo")?;
        drop(there);
        for _ in 0..2 {
            let seen =
                here.must("peek", |device, fd| device.recv(fd, &mut buf, SockFlags::PEEK))?;
            expect_eq("peek at the end", &seen, &0)?;
        }
        here.expect_end()
    })
}

impl Sock {
    /// Why a connect that has to fail does.
    fn connect_error(&self, to: SocketAddr) -> Check<Error> {
        let remote = netdev::Remote::Addr(to);
        let answer = self.party.must_or("connect", || self.party.netdev().connect(self.fd, remote));
        match answer? {
            Err(error) => Ok(error),
            Ok(()) => failed(format_args!("{to} took a connection")),
        }
    }
}

impl super::sock::Party {
    /// Repeats `op` until it has an answer of whatever kind.
    fn must_or<T>(
        &self,
        what: &str,
        op: impl FnMut() -> nb::Result<T, Error>,
    ) -> Check<Result<T, Error>> {
        match self.try_for(super::sock::LONG, op) {
            Ok(value) => Ok(Ok(value)),
            Err(Stopped::Failed(error)) => Ok(Err(error)),
            Err(Stopped::Deadline) => self.complain(what, Stopped::Deadline),
        }
    }
}
