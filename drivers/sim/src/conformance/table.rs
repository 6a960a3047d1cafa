//! Many sockets: at once, too many, and one after the other.

use netdev::{
    AddressFamily, Error, Features, Limits, Protocol, Remote, SockFd, SockFlags, SockType, Stopped,
};

use super::listen::{greets, greets_both};
use super::pair::{ARRIVAL, Pair, QUIET};
use super::sock::Sock;
use super::{Bench, Check, ensure, expect_eq, failed};

/// Four connections, two of each origin, each with its own bytes.
pub(super) fn several(bench: &Bench) -> Check {
    let makers: [fn(&Bench) -> Check<Pair>; 2] = match each_origin(bench) {
        (true, true) => [Bench::dialled, Bench::accepted],
        (true, false) => [Bench::dialled; 2],
        (false, _) => [Bench::accepted; 2],
    };
    let mut pairs = Vec::new();
    for number in 0..2_u8 {
        for (make, origin) in makers.iter().zip(0_u8..) {
            pairs.push((number * 2 + origin, make(bench)?));
        }
    }
    for (number, Pair { there, .. }) in &pairs {
        there.send_all(&[*number; 100])?;
    }
    for (number, Pair { here, there }) in pairs.iter().rev() {
        here.expect(&[*number; 100])?;
        here.send_all(&[number + 100; 50])?;
        there.expect(&[number + 100; 50])?;
    }
    for (_, Pair { here, there }) in pairs {
        drop(there);
        here.expect_end()?;
    }
    Ok(())
}

/// One peer leaves and the next comes before anybody looks: the first connection has its end to read,
/// not the bytes of its successor.
pub(super) fn successors(bench: &Bench) -> Check {
    bench.needs(Features::TCP_LISTEN)?;
    let door = bench.device().listener(4)?;
    for round in 0..4_u8 {
        let Pair { here, there } = bench.accepted_on(&door)?;
        greets_both(&here, &there)?;
        drop(there);
        if round % 2 == 1 {
            bench.device().pause(ARRIVAL);
        }
        let next = bench.called(&door)?;
        next.send_all(&[round; 20])?;
        bench.device().pause(ARRIVAL);
        here.expect_end()?;
        drop(here);
        let (here, from) = door.accept()?;
        expect_eq("who came next", &from.port(), &bench.seen_from_device(&next)?)?;
        here.expect(&[round; 20])?;
        greets_both(&here, &next)?;
        drop((here, next));
        bench.part();
    }
    bench.parted()
}

/// One peer leaves while two more come, and only then does anybody look at the first connection: it
/// has its end to read, and neither bytes of the others nor a way to send them any or to end them.
pub(super) fn crossing(bench: &Bench) -> Check {
    bench.needs(Features::TCP_LISTEN)?;
    let door = bench.device().listener(4)?;
    for round in 0..3_u8 {
        let Pair { here, there } = bench.accepted_on(&door)?;
        greets_both(&here, &there)?;
        let caller = bench.called(&door)?;
        caller.send_all(b"!")?;
        drop(there);
        let (second, _) = door.accept()?;
        second.expect(b"!")?;
        let second = Pair { here: second, there: caller };
        let caller = bench.called(&door)?;
        caller.send_all(&[round; 20])?;
        bench.device().pause(ARRIVAL);
        match round {
            0 => here.expect_end()?,
            // Whether it says so already or not: it reaches nobody.
            1 => drop(here.try_for(QUIET, |device, fd| device.send(fd, b"lost", SockFlags::NONE))),
            _ => drop(here),
        }
        let (third, from) = door.accept()?;
        expect_eq("who came third", &from.port(), &bench.seen_from_device(&caller)?)?;
        third.expect(&[round; 20])?;
        greets_both(&third, &caller)?;
        greets(&second)?;
        drop((second, third, caller));
        bench.part();
    }
    bench.parted()
}

impl Bench {
    /// Lets what was closed be given back before anybody else comes, for a device whose closing could
    /// hit him.
    fn part(&self) {
        if self.device().netdev().capabilities().limits.contains(Limits::CLOSE_CAN_HIT_NEXT) {
            self.settle();
        }
    }

    /// What was tried with such a device is less than with others.
    fn parted(&self) -> Check {
        if !self.device().netdev().capabilities().limits.contains(Limits::CLOSE_CAN_HIT_NEXT) {
            return Ok(());
        }
        let seen = "nobody came in at the moment of a close";
        self.limited(Limits::CLOSE_CAN_HIT_NEXT, seen)
    }
}

/// When no socket is left the device says so and goes on working; when some are given back it has as
/// many as before.
pub(super) fn exhaustion(bench: &Bench) -> Check {
    bench.needs(Features::TCP_CONNECT)?;
    let most = usize::from(bench.device().netdev().capabilities().sockets);
    let listens = bench.has(Features::TCP_LISTEN);
    let door = if listens { Some(bench.device().listener(2)?) } else { None };
    let mut pairs = fill(bench)?;
    let first = pairs.len() + usize::from(listens);
    ensure((2..=most).contains(&first), || format!("{first} sockets of {most} could be opened"))?;
    if pairs.len() < ENOUGH {
        for pair in pairs.first().into_iter().chain(pairs.last()) {
            greets(pair)?;
        }
        if let Some(door) = &door {
            one_too_many(bench, door, &mut pairs)?;
        }
    }
    drop(pairs);
    bench.settle();
    let pairs = fill(bench)?;
    expect_eq("sockets after all were given back", &(pairs.len() + usize::from(listens)), &first)
}

/// Connects until nothing is left.
fn fill(bench: &Bench) -> Check<Vec<Pair>> {
    let (listener, addr) = bench.peer_listener(8)?;
    let device = bench.device();
    let mut pairs = Vec::new();
    while pairs.len() < ENOUGH {
        let Some(fd) = spare(bench)? else { break };
        let here = device.adopt(fd);
        let connected = device
            .try_for(super::sock::LONG, || device.netdev().connect(here.fd, Remote::Addr(addr)));
        match connected {
            Ok(()) => pairs.push(Pair { here, there: listener.accept()?.0 }),
            Err(Stopped::Failed(Error::NoSockets)) => break,
            Err(stopped) => return device.complain("connect", stopped),
        }
    }
    Ok(pairs)
}

/// A socket, if there is one left.
fn spare(bench: &Bench) -> Check<Option<SockFd>> {
    let device = bench.device();
    let opened = device.try_for(super::sock::LONG, || {
        device.netdev().socket(AddressFamily::Inet, SockType::Stream, Protocol::Tcp)
    });
    match opened {
        Ok(fd) => Ok(Some(fd)),
        Err(Stopped::Failed(Error::NoSockets)) => Ok(None),
        Err(stopped) => device.complain("socket", stopped),
    }
}

/// Somebody connects while no socket is left. Who is told so finds the connection still waiting later;
/// a chip that has no room for it either may drop it, but then the next one comes in.
fn one_too_many(bench: &Bench, door: &Sock, pairs: &mut Vec<Pair>) -> Check {
    let caller = bench.peer().tcp()?;
    let to = Remote::Addr(door.addr()?);
    let stands = caller.try_for(QUIET, |peer, fd| peer.connect(fd, to)).is_ok();
    let answer = door.try_for(QUIET, |device, fd| device.accept(fd));
    pairs.pop();
    bench.settle();
    match answer {
        Ok((fd, _)) => drop(door.party.adopt(fd)),
        Err(Stopped::Failed(Error::NoSockets)) if stands => {
            let (_, from) = door.accept()?;
            expect_eq("who waited", &from.port(), &bench.seen_from_device(&caller)?)?;
        }
        Err(Stopped::Failed(Error::NoSockets) | Stopped::Deadline) => {}
        Err(stopped) => return door.party.complain("accept without a socket left", stopped),
    }
    drop(caller);
    greets(&bench.accepted_on(door)?)
}

/// One connection after the other, dialled and accepted by turns. None is left behind.
pub(super) fn thousand(bench: &Bench) -> Check {
    let (dials, listens) = each_origin(bench);
    ensure(dials || listens, || "neither dials nor listens".to_owned())?;
    let before = spares(bench)?;
    let door = if listens { Some(bench.device().listener(4)?) } else { None };
    for number in 0..bench.connects() {
        let pair = match &door {
            Some(door) if !dials || number % 2 == 1 => bench.accepted_on(door),
            _ => bench.dialled(),
        };
        let done = pair.and_then(|pair| greets(&pair));
        if let Err(outcome) = done {
            return failed(format_args!("connection {number}: {outcome}"));
        }
    }
    drop(door);
    bench.settle();
    expect_eq("sockets that are left", &spares(bench)?, &before)
}

/// How many sockets are left, as far as that is worth counting.
fn spares(bench: &Bench) -> Check<usize> {
    let mut held = Vec::new();
    while held.len() < ENOUGH {
        let Some(fd) = spare(bench)? else { break };
        held.push(bench.device().adopt(fd));
    }
    Ok(held.len())
}

/// Whether the device dials, and whether it listens.
fn each_origin(bench: &Bench) -> (bool, bool) {
    (bench.has(Features::TCP_CONNECT), bench.has(Features::TCP_LISTEN))
}

/// A device with more sockets is taken at its word.
const ENOUGH: usize = 300;
