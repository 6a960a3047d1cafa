//! Calls that make no sense get an error, and harm nobody.

use core::fmt::Debug;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use netdev::{
    AddressFamily, Error, Features, Lookup, Netdev, Protocol, Remote, Side, SockFd, SockFlags,
    SockOpt, SockType,
};

use super::listen::greets;
use super::pair::Pair;
use super::{Bench, Check, ensure, expect_eq, failed};

/// A handle that was closed reaches nothing, also when its slot has a new owner.
pub(super) fn stale_handles(bench: &Bench) -> Check {
    let device = bench.device();
    let mut stale = Vec::new();
    for _ in 0..20 {
        let sock = device.tcp()?;
        stale.push(sock.fd);
        drop(sock);
    }
    let live =
        if bench.has(Features::TCP_CONNECT) { bench.dialled()? } else { bench.accepted()? };
    stale.extend([SockFd::new(u16::MAX, 1), SockFd::new(live.here.fd.slot(), 0)]);
    stale.retain(|fd| *fd != live.here.fd);
    for &fd in &stale {
        reaches_nothing(device.netdev(), fd)?;
    }
    let nowhere = Lookup::new(u16::MAX, 1);
    device.netdev().end_lookup(nowhere);
    if bench.has(Features::NAME_LOOKUP) {
        device.must_fail("a lookup from nowhere", &[Error::BadSocket], || {
            device.netdev().lookup_result(nowhere, &mut [IpAddr::V4(Ipv4Addr::UNSPECIFIED)])
        })?;
    }
    greets(&live)
}

fn reaches_nothing(device: &dyn Netdev, fd: SockFd) -> Check {
    let to = SocketAddr::from((Ipv4Addr::LOCALHOST, 9));
    let none = SockFlags::NONE;
    let mut buf = [0; 4];
    let has = |features| device.capabilities().has(features);
    bad("connect", device.connect(fd, Remote::Addr(to)))?;
    bad("send", device.send(fd, b"x", none))?;
    bad("recv", device.recv(fd, &mut buf, none))?;
    bad("bind", device.bind(fd, SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0))))?;
    bad("listen", device.listen(fd, 1))?;
    bad("accept", device.accept(fd))?;
    bad("local_addr", device.local_addr(fd))?;
    bad("peer_addr", device.peer_addr(fd))?;
    if has(Features::UDP) {
        bad("send_to", device.send_to(fd, b"x", to, none))?;
        bad("recv_from", device.recv_from(fd, &mut buf, none))?;
    }
    if has(Features::SHUTDOWN) {
        bad("shutdown", device.shutdown(fd, Side::Write))?;
    }
    if has(Features::NO_DELAY) {
        bad("set_sock_opt", device.set_sock_opt(fd, SockOpt::NoDelay(true)))?;
    }
    let flying = device.in_flight(fd, Side::Read) || device.in_flight(fd, Side::Write);
    ensure(!flying, || "a stale handle has a call in flight".to_owned())?;
    device.next_ready(Some(fd));
    // Closing twice closes nobody else's.
    device.close(fd);
    Ok(())
}

fn bad<T: Debug>(call: &str, answer: nb::Result<T, Error>) -> Check {
    match answer {
        Err(nb::Error::Other(Error::BadSocket)) => Ok(()),
        answer => failed(format_args!("{call} with a stale handle: {answer:?}")),
    }
}

/// Calls that do not fit the state of a socket.
pub(super) fn wrong_state(bench: &Bench) -> Check {
    let device = bench.device();
    let fresh = device.tcp()?;
    let mut buf = [0; 4];
    fresh.must_fail("send on a fresh socket", &[Error::NotConnected], |device, fd| {
        device.send(fd, b"x", SockFlags::NONE)
    })?;
    fresh.must_fail("recv on a fresh socket", &[Error::NotConnected], |device, fd| {
        device.recv(fd, &mut buf, SockFlags::NONE)
    })?;
    fresh.must_fail("peer_addr of a fresh socket", &[Error::NotConnected], Netdev::peer_addr)?;
    fresh.must_fail("accept on a fresh socket", &[Error::InvalidState], Netdev::accept)?;
    fresh.must_fail("a host for plain TCP", &[Error::InvalidInput], |device, fd| {
        device.connect(fd, Remote::Host("localhost", 80))
    })?;
    let six = SocketAddr::from((Ipv6Addr::LOCALHOST, 9));
    let family = [Error::Unsupported, Error::InvalidInput, Error::AddrNotAvailable];
    fresh
        .must_fail("another family", &family, |device, fd| device.connect(fd, Remote::Addr(six)))?;
    device.must_fail("a stream of datagrams", &[Error::Unsupported], || {
        device.netdev().socket(AddressFamily::Inet, SockType::Stream, Protocol::Udp)
    })?;
    drop(fresh);
    bench.each_pair(|bench, pair| {
        let Pair { here, there } = &pair;
        let other = SocketAddr::new(bench.peer().addr(), 9);
        here.must_fail("connecting twice", &[Error::InvalidState], |device, fd| {
            device.connect(fd, Remote::Addr(other))
        })?;
        here.must_fail("listening while connected", &[Error::InvalidState], |device, fd| {
            device.listen(fd, 1)
        })?;
        greets(&pair)?;
        expect_eq("silence", &there.expect_silence(super::pair::ARRIVAL), &Ok(()))
    })
}
