//! Listeners and ports.

use core::net::{IpAddr, Ipv4Addr, SocketAddr};

use netdev::{Error, Features, Limits, Remote, SockType};

use super::pair::{Pair, QUIET};
use super::sock::Sock;
use super::{Bench, Check, ensure, expect_eq, failed};

/// Each socket gets a port of its own, and is reached there.
pub(super) fn port_zero(bench: &Bench) -> Check {
    bench.needs(Features::TCP_LISTEN)?;
    let device = bench.device();
    let one = device.listener(1)?;
    let only = device.netdev().capabilities().limits.contains(Limits::ONE_LISTENER);
    if only {
        ensure(one.addr()?.port() != 0, || "a listener on port 0".to_owned())?;
        let second = device.tcp()?;
        second.bind(0)?;
        second.must_fail("a second listener", &[Error::NoSockets], |device, fd| {
            device.listen(fd, 1)
        })?;
        greets(&bench.accepted_on(&one)?)?;
    } else {
        let other = device.listener(1)?;
        let ports = (one.addr()?.port(), other.addr()?.port());
        ensure(ports.0 != ports.1, || format!("two listeners on port {}", ports.0))?;
        for listener in [&one, &other] {
            greets(&bench.accepted_on(listener)?)?;
        }
    }
    if bench.has(Features::UDP) {
        let (one, other) = (device.udp()?, device.udp()?);
        let ports = (one.addr()?.port(), other.addr()?.port());
        ensure(ports.0 != ports.1, || format!("two datagram sockets on port {}", ports.0))?;
    }
    if only {
        return bench.limited(Limits::ONE_LISTENER, "a second listener is refused");
    }
    Ok(())
}

/// A port that is taken, an address that is not ours, a second address; and a port that was given
/// back.
pub(super) fn taken(bench: &Bench) -> Check {
    bench.needs(Features::TCP_LISTEN)?;
    let device = bench.device();
    let listener = device.listener(1)?;
    let port = listener.addr()?.port();
    let local = SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), port);
    let late = device.tcp()?;
    late.must_fail("listening where somebody listens", &[Error::AddrInUse], |device, fd| {
        device.bind(fd, local)?;
        device.listen(fd, 1)
    })?;
    drop(late);
    greets(&bench.accepted_on(&listener)?)?;
    drop(listener);
    bench.settle();
    let again = device.tcp()?;
    again.bind(port)?;
    again.must("listen again", |device, fd| device.listen(fd, 1))?;
    greets(&bench.accepted_on(&again)?)?;
    let lost = device.tcp()?;
    let elsewhere = SocketAddr::from((DOCUMENTATION, 0));
    lost.must_fail("binding to a foreign address", &[Error::AddrNotAvailable], |device, fd| {
        device.bind(fd, elsewhere)
    })?;
    lost.bind(0)?;
    let first = lost.addr()?;
    lost.must_fail("binding twice", &[Error::InvalidState, Error::InvalidInput], |device, fd| {
        device.bind(fd, SocketAddr::new(local.ip(), 0))
    })?;
    expect_eq("the address after a second bind", &lost.addr()?, &first)
}

/// Connections stand before they are accepted, and are accepted later, all of them.
pub(super) fn backlog(bench: &Bench) -> Check {
    bench.needs(Features::TCP_LISTEN)?;
    let listener = bench.device().listener(u16::from(CALLS))?;
    let to = Remote::Addr(listener.addr()?);
    let mut waiting = Vec::new();
    for _ in 0..CALLS {
        waiting.push(bench.peer().open(SockType::Stream)?);
    }
    let mut stand = 0;
    for (number, call) in (0..CALLS).zip(&waiting) {
        // One that does not get through goes on trying meanwhile.
        if call.try_for(QUIET, |device, fd| device.connect(fd, to)).is_ok() {
            call.send_all(&[number])?;
            stand += 1;
        }
    }
    let mut served = Vec::new();
    for (number, call) in (0..CALLS).zip(&waiting) {
        if number >= stand {
            call.must("connect", |device, fd| device.connect(fd, to))?;
            call.send_all(&[number])?;
        }
        let (here, from) = listener.accept()?;
        let caller = waiting
            .iter()
            .zip(0..CALLS)
            .find(|(call, _)| bench.seen_from_device(call).is_ok_and(|port| port == from.port()));
        let Some((_, number)) = caller else {
            return failed(format_args!("{from} was accepted, who is not one of ours"));
        };
        here.expect(&[number])?;
        served.push((number, here));
    }
    served.sort_unstable_by_key(|(number, _)| *number);
    let accepted: Vec<u8> = served.iter().map(|(number, _)| *number).collect();
    expect_eq("who was accepted", &accepted, &(0..CALLS).collect())?;
    if stand == CALLS {
        return Ok(());
    }
    let seen = format!("{stand} of {CALLS} connections stood before they were accepted");
    bench.limited(Limits::BACKLOG_OF_ONE, &seen)
}

/// Both ends of a new connection are of use.
pub(super) fn greets(pair: &Pair) -> Check {
    greets_both(&pair.here, &pair.there)
}

pub(super) fn greets_both(here: &Sock, there: &Sock) -> Check {
    here.send_all(b"hello")?;
    there.expect(b"hello")?;
    there.send_all(b"hello back")?;
    here.expect(b"hello back")
}

const CALLS: u8 = 4;
/// An address of nobody's (RFC 5737).
const DOCUMENTATION: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
