//! The conformance suite notices what is wrong: devices that lie in one way each.
#![allow(clippy::indexing_slicing, clippy::print_stdout, reason = "helpers of tests")]

use core::net::{IpAddr, Ipv4Addr, SocketAddr};
use core::sync::atomic::{AtomicU32, Ordering};

use netdev::{
    AddressFamily, Capabilities, Error, Instant, IpConfig, Limits, Lookup, Netdev, Netlink,
    Platform, Protocol, Readiness, Remote, Side, SockFd, SockFlags, SockOpt, SockType,
};
use netdev_sim::conformance::{self, Bench, Outcome};
use netdev_sim::{Internet, SimDevice, VirtualClock};

const DEVICE: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);
const PEER: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 2);

#[derive(Clone, Copy, Debug, PartialEq)]
enum Lie {
    /// One byte in the middle of a stream is another.
    Garbles,
    /// It says that it sent all, and sent less.
    LosesPartOfSends,
    PeekTakes,
    ResetIsEnd,
    /// The same, and a flag says so.
    ResetIsEndByName,
    EndComesEarly,
    ShutdownDoesNothing,
    NothingIsReady,
    EverythingIsReady,
    CloseDoesNothing,
    CutDatagramsLookWhole,
    EmptyDatagramsVanish,
    DriveWantsMore,
    RefusalIsTimeout,
    PortStaysZero,
    AcceptPanics,
    SendWorksWithoutPeer,
}

struct Liar {
    honest: SimDevice,
    lie: Lie,
    count: AtomicU32,
}

impl Liar {
    fn tells(&self, lie: Lie) -> bool {
        self.lie == lie
    }

    /// Now and then.
    fn sometimes(&self) -> bool {
        self.count.fetch_add(1, Ordering::Relaxed) % 7 == 6
    }
}

impl Netdev for Liar {
    fn platform(&self) -> &dyn Platform {
        self.honest.platform()
    }

    fn drive(&self) -> Option<Instant> {
        if self.tells(Lie::DriveWantsMore) { Some(Instant::START) } else { self.honest.drive() }
    }

    fn netlink(&self) -> Option<&dyn Netlink> {
        None
    }

    fn capabilities(&self) -> Capabilities {
        let honest = self.honest.capabilities();
        if self.tells(Lie::ResetIsEndByName) {
            honest.limited(Limits::RESET_READS_AS_END)
        } else {
            honest
        }
    }

    fn addr(&self) -> nb::Result<IpConfig, Error> {
        self.honest.addr()
    }

    fn socket(
        &self,
        family: AddressFamily,
        kind: SockType,
        protocol: Protocol,
    ) -> nb::Result<SockFd, Error> {
        self.honest.socket(family, kind, protocol)
    }

    fn close(&self, fd: SockFd) {
        if !(self.tells(Lie::CloseDoesNothing) && self.sometimes()) {
            self.honest.close(fd);
        }
    }

    fn connect(&self, fd: SockFd, remote: Remote<'_>) -> nb::Result<(), Error> {
        match self.honest.connect(fd, remote) {
            Err(nb::Error::Other(Error::ConnectionRefused))
                if self.tells(Lie::RefusalIsTimeout) =>
            {
                Err(nb::Error::Other(Error::TimedOut))
            }
            answer => answer,
        }
    }

    fn send(&self, fd: SockFd, data: &[u8], flags: SockFlags) -> nb::Result<usize, Error> {
        if self.tells(Lie::LosesPartOfSends) && data.len() > 100 {
            let sent = self.honest.send(fd, data, flags)?;
            return Ok((sent + 1).min(data.len()));
        }
        match self.honest.send(fd, data, flags) {
            Err(nb::Error::Other(Error::DestinationRequired))
                if self.tells(Lie::SendWorksWithoutPeer) =>
            {
                Ok(data.len())
            }
            answer => answer,
        }
    }

    fn recv(&self, fd: SockFd, buf: &mut [u8], flags: SockFlags) -> nb::Result<usize, Error> {
        let flags = if self.tells(Lie::PeekTakes) { SockFlags::NONE } else { flags };
        let answer = self.honest.recv(fd, buf, flags);
        match answer {
            Ok(count) if count > 50 && self.tells(Lie::Garbles) => buf[50] ^= 1,
            Err(nb::Error::Other(Error::ConnectionReset))
                if [Lie::ResetIsEnd, Lie::ResetIsEndByName].contains(&self.lie) =>
            {
                return Ok(0);
            }
            Err(nb::Error::WouldBlock) if self.tells(Lie::EndComesEarly) && self.sometimes() => {
                return Ok(0);
            }
            _ => {}
        }
        answer
    }

    fn in_flight(&self, fd: SockFd, side: Side) -> bool {
        self.honest.in_flight(fd, side)
    }

    fn next_ready(&self, after: Option<SockFd>) -> Readiness {
        match self.lie {
            Lie::NothingIsReady => Readiness::None,
            Lie::EverythingIsReady => {
                let next = after.map_or(0, |fd| fd.slot() + 1);
                let fd = (next..256).flat_map(|slot| {
                    (0..2000).map(move |generation| SockFd::new(slot, generation))
                });
                let open = |fd: &SockFd| self.honest.local_addr(*fd).is_ok();
                fd.into_iter().find(open).map_or(Readiness::None, Readiness::Socket)
            }
            _ => self.honest.next_ready(after),
        }
    }

    fn bind(&self, fd: SockFd, local: SocketAddr) -> nb::Result<(), Error> {
        self.honest.bind(fd, local)
    }

    fn listen(&self, fd: SockFd, backlog: u16) -> nb::Result<(), Error> {
        self.honest.listen(fd, backlog)
    }

    fn accept(&self, fd: SockFd) -> nb::Result<(SockFd, SocketAddr), Error> {
        assert!(!self.tells(Lie::AcceptPanics), "on purpose");
        self.honest.accept(fd)
    }

    fn send_to(
        &self,
        fd: SockFd,
        data: &[u8],
        to: SocketAddr,
        flags: SockFlags,
    ) -> nb::Result<usize, Error> {
        if data.is_empty() && self.tells(Lie::EmptyDatagramsVanish) {
            return Ok(0);
        }
        self.honest.send_to(fd, data, to, flags)
    }

    fn recv_from(
        &self,
        fd: SockFd,
        buf: &mut [u8],
        flags: SockFlags,
    ) -> nb::Result<(usize, SocketAddr), Error> {
        let (length, from) = self.honest.recv_from(fd, buf, flags)?;
        let cut = self.tells(Lie::CutDatagramsLookWhole);
        Ok((if cut { length.min(buf.len()) } else { length }, from))
    }

    fn shutdown(&self, fd: SockFd, side: Side) -> nb::Result<(), Error> {
        if self.tells(Lie::ShutdownDoesNothing) { Ok(()) } else { self.honest.shutdown(fd, side) }
    }

    fn set_sock_opt(&self, fd: SockFd, option: SockOpt<'_>) -> nb::Result<(), Error> {
        self.honest.set_sock_opt(fd, option)
    }

    fn local_addr(&self, fd: SockFd) -> nb::Result<SocketAddr, Error> {
        let mut addr = self.honest.local_addr(fd)?;
        if self.tells(Lie::PortStaysZero) {
            addr.set_port(0);
        }
        Ok(addr)
    }

    fn peer_addr(&self, fd: SockFd) -> nb::Result<SocketAddr, Error> {
        self.honest.peer_addr(fd)
    }

    fn get_host_by_name(
        &self,
        name: &str,
        family: Option<AddressFamily>,
    ) -> nb::Result<Lookup, Error> {
        self.honest.get_host_by_name(name, family)
    }

    fn lookup_result(&self, lookup: Lookup, out: &mut [IpAddr]) -> nb::Result<usize, Error> {
        self.honest.lookup_result(lookup, out)
    }

    fn end_lookup(&self, lookup: Lookup) {
        self.honest.end_lookup(lookup);
    }
}

/// The rows that are not ok.
fn wrong_rows(lie: Lie, wanted: impl Fn(&str) -> bool) -> Vec<(&'static str, Outcome)> {
    let clock = VirtualClock::new();
    let internet = Internet::new(&clock);
    internet.name("peer.test", PEER);
    let honest = SimDevice::on(&internet, DEVICE);
    let device = Box::leak(Box::new(Liar { honest, lie, count: AtomicU32::new(0) }));
    let peer = SimDevice::on(&internet, PEER).leak();
    let bench = Bench::new(device, DEVICE.into(), peer, PEER.into())
        .in_virtual_time(&clock)
        .with_name("peer.test", Some(PEER.into()))
        .with_nobody_at(Ipv4Addr::new(10, 0, 0, 99).into())
        .with_connects(20);
    let mut rows = Vec::new();
    conformance::run_some(&bench, wanted, &mut |name, outcome| {
        if *outcome != Outcome::Ok {
            println!("{lie:?}: {name}: {outcome}");
            rows.push((name, outcome.clone()));
        }
    });
    rows
}

#[test]
fn each_lie_fails_the_row_that_is_about_it() {
    for (lie, row) in [
        (Lie::Garbles, "1 MiB received"),
        (Lie::LosesPartOfSends, "1 MiB sent"),
        (Lie::LosesPartOfSends, "partial sends"),
        (Lie::PeekTakes, "peek"),
        (Lie::ResetIsEnd, "reset"),
        (Lie::EndComesEarly, "both directions at once"),
        (Lie::ShutdownDoesNothing, "half close"),
        (Lie::NothingIsReady, "next_ready is honest"),
        (Lie::EverythingIsReady, "next_ready is honest"),
        (Lie::CloseDoesNothing, "stale handles"),
        (Lie::CloseDoesNothing, "a thousand connects"),
        (Lie::CutDatagramsLookWhole, "udp cut datagram"),
        (Lie::EmptyDatagramsVanish, "udp empty datagram"),
        (Lie::DriveWantsMore, "waiting does not spin"),
        (Lie::RefusalIsTimeout, "refused connect"),
        (Lie::PortStaysZero, "bind to port 0"),
        (Lie::AcceptPanics, "tcp server"),
        (Lie::SendWorksWithoutPeer, "udp with a peer"),
    ] {
        let rows = wrong_rows(lie, |name| name == row);
        assert!(matches!(&rows[..], [(_, Outcome::Failed(_))]), "{lie:?} in {row}: {rows:?}");
    }
}

#[test]
fn a_named_limit_makes_it_limited_by_that_name() {
    let rows = wrong_rows(Lie::ResetIsEndByName, |_| true);
    let [("reset", Outcome::Limited(why))] = &rows[..] else { panic!("{rows:?}") };
    assert!(why.starts_with("RESET_READS_AS_END, "), "{why}");
}

#[test]
fn a_row_that_fails_or_panics_does_not_disturb_the_others() {
    let rows = wrong_rows(Lie::CutDatagramsLookWhole, |_| true);
    assert!(matches!(&rows[..], [("udp cut datagram", Outcome::Failed(_))]), "{rows:?}");
    let rows = wrong_rows(Lie::AcceptPanics, |name| name.contains("udp") || name == "tcp server");
    let [("tcp server", Outcome::Failed(why))] = &rows[..] else { panic!("{rows:?}") };
    assert_eq!(why, "panicked: on purpose");
}
