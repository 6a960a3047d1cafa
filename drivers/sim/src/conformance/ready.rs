//! What `next_ready` says, compared with what the calls say.

use core::time::Duration;

use netdev::{Features, Readiness, SockFd, SockFlags, Stopped};

use super::pair::{ARRIVAL, Pair, QUIET};
use super::sock::Sock;
use super::{Bench, Check, ensure, expect_eq, failed};

/// It never says "none" while something waits, names only sockets that have something, consumes
/// nothing, and its walk ends. A device without [`Features::READINESS`] may say "unknown".
pub(super) fn honest(bench: &Bench) -> Check {
    bench.each_pair(|bench, Pair { here, there }| {
        quiet(bench, &[&here])?;
        there.send_all(b"news")?;
        told(bench, &here)?;
        told(bench, &here)?;
        here.expect(b"news")?;
        quiet(bench, &[&here])?;
        drop(there);
        told(bench, &here)?;
        here.expect_end()
    })?;
    if bench.has(Features::TCP_LISTEN) {
        let listener = bench.device().listener(1)?;
        quiet(bench, &[&listener])?;
        let caller = bench.called(&listener)?;
        caller.send_all(bench.opener())?;
        told(bench, &listener)?;
        let (here, _) = listener.accept()?;
        here.expect(bench.opener())?;
        quiet(bench, &[&listener])?;
    }
    if bench.has(Features::UDP) {
        let (here, there) = (bench.device().udp()?, bench.peer().udp()?);
        quiet(bench, &[&here])?;
        let to = here.addr()?;
        there.must("send_to", |device, fd| device.send_to(fd, b"x", to, SockFlags::NONE))?;
        told(bench, &here)?;
    }
    Ok(())
}

/// While nothing comes, a call that waits is repeated now and then, and not without a pause: the
/// device's hint when to be driven again is not in the past all the time.
pub(super) fn naps(bench: &Bench) -> Check {
    bench.each_pair(|_, Pair { here, there: _there }| {
        let mut tries = 0;
        let mut buf = [0; 16];
        let answer = here.try_for(QUIET, |device, fd| {
            tries += 1;
            device.recv(fd, &mut buf, SockFlags::NONE)
        });
        expect_eq("a silent connection", &answer, &Err(Stopped::Deadline))?;
        let mut turns = 0;
        let _ = here.try_for(QUIET, |_, _| {
            turns += 1;
            Err::<(), _>(nb::Error::WouldBlock)
        });
        ensure(tries.max(turns) <= MANY, || {
            format!("in {QUIET:?} a recv was tried {tries} times, something else {turns} times")
        })
    })
}

/// Nothing waits: none of these may be named, unless a call on it has an answer.
fn quiet(bench: &Bench, socks: &[&Sock]) -> Check {
    bench.device().pause(ARRIVAL);
    for sock in socks {
        let named = walk(bench)?.contains(&sock.fd);
        ensure(!named, || "a socket is named that has nothing".to_owned())?;
    }
    Ok(())
}

/// Something waits on this one, and within a moment that is told, or not known.
fn told(bench: &Bench, sock: &Sock) -> Check {
    let knows = bench.has(Features::READINESS);
    let device = bench.device();
    let seen = device.try_for(SOON, || match device.netdev().next_ready(None) {
        Readiness::None => Err(nb::Error::WouldBlock),
        Readiness::Socket(fd) if fd == sock.fd => Ok(true),
        Readiness::Socket(_) => Ok(walk(bench).is_ok_and(|found| found.contains(&sock.fd))),
        Readiness::Unknown => Ok(!knows),
    });
    match seen {
        Ok(true) => Ok(()),
        Ok(false) => failed("a socket that has something is not named"),
        Err(_) => failed("\"none\", although something waits"),
    }
}

/// All sockets that are named, as far as that is known.
fn walk(bench: &Bench) -> Check<Vec<SockFd>> {
    let mut found: Vec<SockFd> = Vec::new();
    while let Readiness::Socket(fd) = bench.device().netdev().next_ready(found.last().copied()) {
        found.push(fd);
        if found.len() > usize::from(u16::MAX) {
            return failed("the walk does not end");
        }
    }
    Ok(found)
}

/// Later than this nobody may be told.
const SOON: Duration = Duration::from_secs(2);
/// Tries in [`QUIET`], a pause of 300 us between two on average.
const MANY: u32 = 1000;
