//! Datagrams.

use core::net::SocketAddr;
use core::time::Duration;

use netdev::{Error, Features, Limits, Remote, SockFlags, SockType, Stopped};

use super::flow::noise;
use super::pair::{ARRIVAL, QUIET};
use super::sock::{LONG, Sock};
use super::{Bench, Check, Outcome, ensure, expect_eq, failed};

/// A datagram socket on each side: the device's, the peer's, and where each is found.
struct Ends {
    here: Sock,
    here_at: SocketAddr,
    there: Sock,
    there_at: SocketAddr,
}

impl Bench {
    fn datagrams(&self) -> Check<Ends> {
        if !self.has(Features::UDP) {
            self.device().must_fail("udp without the feature", &[Error::Unsupported], || {
                let family = netdev::AddressFamily::Inet;
                let netdev = self.device().netdev();
                netdev.socket(family, SockType::Dgram, netdev::Protocol::Udp)
            })?;
            return Err(Outcome::Unsupported);
        }
        let (here, there) = (self.device().udp()?, self.peer().udp()?);
        let (here_at, there_at) = (here.addr()?, there.addr()?);
        Ok(Ends { here, here_at, there, there_at })
    }

    /// Largest datagram that both are asked for.
    fn largest(&self) -> u16 {
        self.device().netdev().capabilities().datagram.min(ETHERNET)
    }
}

/// Each datagram arrives whole, with the device's address; one that is too large is refused.
pub(super) fn send(bench: &Bench) -> Check {
    let Ends { here, here_at, there, there_at } = bench.datagrams()?;
    bench.needs(Features::UDP_SEND_TO)?;
    let largest = usize::from(bench.largest());
    for length in [1, 100, largest] {
        let data = noise(7, length);
        here.send_to(&data, there_at)?;
        there.expect_datagram(&data, here_at)?;
    }
    let limit = usize::from(bench.device().netdev().capabilities().datagram);
    let long = noise(7, limit + 1);
    here.must_fail("a datagram that is too long", &[Error::MessageTooLong], |device, fd| {
        device.send_to(fd, &long, there_at, SockFlags::NONE)
    })?;
    here.send_to(b"still works", there_at)?;
    there.expect_datagram(b"still works", here_at)
}

/// One read gives one datagram and its sender, from several senders.
pub(super) fn receive(bench: &Bench) -> Check {
    let Ends { here, here_at, there, there_at } = bench.datagrams()?;
    let other = bench.peer().udp()?;
    let other_at = other.addr()?;
    for length in [1, 100, usize::from(bench.largest())] {
        let data = noise(8, length);
        there.send_to(&data, here_at)?;
        here.expect_datagram(&data, there_at)?;
        other.send_to(b"from elsewhere", here_at)?;
        here.expect_datagram(b"from elsewhere", other_at)?;
    }
    expect_eq("silence", &here.recv_from(16, QUIET)?, &None)
}

/// Ten datagrams at once.
pub(super) fn burst(bench: &Bench) -> Check {
    let Ends { here, here_at, there, there_at } = bench.datagrams()?;
    for number in 0..BURST {
        there.send_to(&[number; 64], here_at)?;
    }
    let mut next = 0;
    let mut lost = 0;
    while let Some((length, data, from)) = here.recv_from(128, QUIET)? {
        expect_eq("length and sender", &(length, from), &(64, there_at))?;
        let number = data.first().copied().unwrap_or(u8::MAX);
        let whole = data.iter().all(|&byte| byte == number);
        ensure(whole && (next..BURST).contains(&number), || {
            format!("datagram {number} after {next}, whole: {whole}")
        })?;
        lost += number - next;
        next = number + 1;
    }
    lost += BURST - next;
    if lost == 0 {
        return Ok(());
    }
    let seen = format!("{lost} of {BURST} datagrams at once were lost");
    bench.limited(Limits::DATAGRAM_BURST_LOST, &seen)
}

/// What does not fit is lost, and said to be; the next datagram is whole.
pub(super) fn cut(bench: &Bench) -> Check {
    let Ends { here, here_at, there, there_at } = bench.datagrams()?;
    let data = noise(9, 100);
    there.send_to(&data, here_at)?;
    there.send_to(b"next", here_at)?;
    let Some((length, seen, from)) = here.recv_from(40, LONG)? else {
        return failed("no datagram came");
    };
    expect_eq("sender", &from, &there_at)?;
    expect_eq("what fits", &Some(seen.as_slice()), &data.get(..40))?;
    ensure(length > 40, || format!("a cut datagram is told as {length} bytes in 40"))?;
    here.expect_datagram(b"next", there_at)?;
    if length == data.len() {
        return Ok(());
    }
    bench.limited(Limits::CUT_DATAGRAM_UNTOLD, "of a cut datagram only that it was cut is told")
}

/// A datagram without bytes is one.
pub(super) fn empty(bench: &Bench) -> Check {
    let Ends { here, here_at, there, there_at } = bench.datagrams()?;
    let mut lost = Vec::new();
    for (name, from, from_at, to, to_at) in
        [("sent", &here, here_at, &there, there_at), ("received", &there, there_at, &here, here_at)]
    {
        from.send_to(&[], to_at)?;
        from.send_to(b"behind it", to_at)?;
        match to.recv_from(16, LONG)? {
            Some((0, _, sender)) => {
                expect_eq("sender", &sender, &from_at)?;
                to.expect_datagram(b"behind it", from_at)?;
            }
            Some((9, _, _)) => lost.push(name),
            other => return failed(format_args!("an empty datagram {name}: {other:?}")),
        }
    }
    if lost.is_empty() {
        return Ok(());
    }
    let seen = format!("empty datagrams are lost when {}", lost.join(" and "));
    bench.limited(Limits::EMPTY_DATAGRAMS_LOST, &seen)
}

/// With a peer, plain sends go there and nobody else is heard; without one they are refused.
pub(super) fn with_peer(bench: &Bench) -> Check {
    let Ends { here, here_at, there, there_at } = bench.datagrams()?;
    here.must_fail("send without a peer", &[Error::DestinationRequired], |device, fd| {
        device.send(fd, b"x", SockFlags::NONE)
    })?;
    here.must("connect", |device, fd| device.connect(fd, Remote::Addr(there_at)))?;
    let told = here.must("peer_addr", |device, fd| device.peer_addr(fd))?;
    expect_eq("peer_addr", &told, &there_at)?;
    here.send_all(b"to the peer")?;
    there.expect_datagram(b"to the peer", here_at)?;
    here.must_fail("send_to with a peer", &[Error::InvalidState], |device, fd| {
        device.send_to(fd, b"x", there_at, SockFlags::NONE)
    })?;
    let other = bench.peer().udp()?;
    other.send_to(b"not the peer", here_at)?;
    bench.device().pause(ARRIVAL);
    there.send_to(b"the peer", here_at)?;
    expect_eq("recv", &here.recv(64)?.as_slice(), &b"the peer".as_slice())?;
    expect_eq("silence", &here.recv_from(16, QUIET)?, &None)
}

/// True length, what fitted, and the sender.
type Datagram = (usize, Vec<u8>, SocketAddr);

impl Sock {
    fn send_to(&self, data: &[u8], to: SocketAddr) -> Check {
        let sent =
            self.must("send_to", |device, fd| device.send_to(fd, data, to, SockFlags::NONE))?;
        expect_eq("bytes sent of a datagram", &sent, &data.len())
    }

    /// The next datagram, if one comes in time.
    fn recv_from(&self, room: usize, time: Duration) -> Check<Option<Datagram>> {
        let mut buf = vec![0; room];
        let received =
            self.try_for(time, |device, fd| device.recv_from(fd, &mut buf, SockFlags::NONE));
        match received {
            Ok((length, from)) => {
                buf.truncate(length);
                Ok(Some((length, buf, from)))
            }
            Err(Stopped::Deadline) => Ok(None),
            Err(stopped) => self.party.complain("recv_from", stopped),
        }
    }

    fn expect_datagram(&self, data: &[u8], from: SocketAddr) -> Check {
        let Some((length, seen, sender)) = self.recv_from(data.len() + 16, LONG)? else {
            return failed(format_args!("a datagram of {} bytes did not come", data.len()));
        };
        expect_eq("length and sender", &(length, sender), &(data.len(), from))?;
        ensure(seen == data, || format!("a datagram of {length} bytes came with others"))
    }
}

/// The largest payload in one Ethernet frame.
const ETHERNET: u16 = 1472;
const BURST: u8 = 10;
