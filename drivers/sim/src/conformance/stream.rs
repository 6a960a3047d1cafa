//! Bytes over TCP.

use core::net::SocketAddr;
use core::time::Duration;

use netdev::{Error, Features, Limits, Side, SockFlags, SockType, Stopped};

use super::flow::{Flow, PIECE, fill, noise, pump};
use super::pair::{ARRIVAL, Pair, QUIET, timed_out};
use super::sock::Sock;
use super::{Bench, Check, ensure, expect_eq, failed};

/// The device connects; bytes go there and back; both sides see each other's address.
pub(super) fn client(bench: &Bench) -> Check {
    let device = bench.device();
    if !bench.has(Features::TCP_CONNECT) {
        return says_unsupported(bench);
    }
    let (listener, addr) = bench.peer_listener(1)?;
    let here = device.tcp()?;
    here.connect(addr)?;
    let (there, from) = listener.accept()?;
    expect_eq("the device's address", &from.ip(), &device.addr())?;
    greet(&Pair { here, there }, from, addr)
}

/// The peer connects to a listener of the device.
pub(super) fn server(bench: &Bench) -> Check {
    bench.needs(Features::TCP_LISTEN)?;
    let listener = bench.device().listener(1)?;
    let addr = listener.addr()?;
    let there = bench.called(&listener)?;
    let port = bench.seen_from_device(&there)?;
    let silent = listener.try_for(SILENT, |device, fd| device.accept(fd));
    let taken = silent.map(|(fd, from)| (bench.device().adopt(fd), from));
    let silent = taken.is_ok();
    let (here, from) = taken.or_else(|_| {
        there.send_all(b"first")?;
        let (here, from) = listener.accept()?;
        here.expect(b"first")?;
        Ok((here, from))
    })?;
    expect_eq("the port of who was accepted", &from.port(), &port)?;
    expect_eq("the address of who was accepted", &from.ip(), &bench.peer().addr())?;
    greet(&Pair { here, there }, addr, from)?;
    if silent {
        return Ok(());
    }
    let seen = "a connection is accepted only after its peer has sent something";
    bench.limited(Limits::ACCEPTED_AFTER_DATA, seen)
}

fn greet(pair: &Pair, local: SocketAddr, remote: SocketAddr) -> Check {
    let Pair { here, there } = pair;
    let told = here.must("peer_addr", |device, fd| device.peer_addr(fd))?;
    expect_eq("peer_addr", &told, &remote)?;
    match here.party.netdev().local_addr(here.fd) {
        Ok(told) => expect_eq("the port of local_addr", &told.port(), &local.port())?,
        Err(nb::Error::WouldBlock | nb::Error::Other(Error::Unsupported)) => {}
        Err(error) => return failed(format_args!("local_addr: {error:?}")),
    }
    let nothing = here.must("empty send", |device, fd| device.send(fd, &[], SockFlags::NONE))?;
    expect_eq("an empty send", &nothing, &0)?;
    here.send_all(b"hello")?;
    there.expect(b"hello")?;
    there.send_all(b"world!")?;
    let nothing =
        here.must("empty recv", |device, fd| device.recv(fd, &mut [], SockFlags::NONE))?;
    expect_eq("an empty recv", &nothing, &0)?;
    here.expect(b"world!")?;
    here.expect_silence(ARRIVAL)?;
    here.party.netdev().close(here.fd);
    there.expect_end()
}

fn says_unsupported(bench: &Bench) -> Check {
    let device = bench.device();
    let opened = device.open(SockType::Stream);
    ensure(opened.is_err(), || "a socket that cannot connect was opened".to_owned())?;
    bench.needs(Features::TCP_CONNECT)
}

/// 64 KiB each way at the same time.
pub(super) fn both_directions(bench: &Bench) -> Check {
    bench.each_pair(|_, Pair { here, there }| {
        let (out, back) = (noise(1, 65_536), noise(2, 65_536));
        pump(&mut [Flow::new(&here, &there, &out), Flow::new(&there, &here, &back)])
    })
}

pub(super) fn mebibyte_sent(bench: &Bench) -> Check {
    bench.each_pair(|_, Pair { here, there }| {
        let data = noise(3, 1 << 20);
        pump(&mut [Flow::new(&here, &there, &data)])?;
        drop(here);
        there.expect_end()
    })
}

pub(super) fn mebibyte_received(bench: &Bench) -> Check {
    bench.each_pair(|_, Pair { here, there }| {
        let data = noise(4, 1 << 20);
        pump(&mut [Flow::new(&there, &here, &data)])?;
        drop(there);
        here.expect_end()
    })
}

/// The peer does not read: the device takes a part, then nothing more, and goes on working. Once the
/// peer reads, it gets exactly what was taken.
pub(super) fn partial_sends(bench: &Bench) -> Check {
    bench.each_pair(|bench, Pair { here, there }| {
        let data = noise(5, MUCH);
        let (mut taken, answer) = fill(&here, &data);
        ensure(timed_out(&answer), || format!("expected \"not yet\", seen {answer:?}"))?;
        ensure(taken > 0, || "nothing was taken at all".to_owned())?;
        let answered = answered(&here, data.get(taken..taken + PIECE).unwrap_or_default())?;
        taken += answered.unwrap_or(0);
        let in_chip = answered.is_none();
        if !in_chip {
            meanwhile(bench)?;
        }
        let data = data.get(..taken + PIECE).unwrap_or_default();
        pump(&mut [Flow::resumed(&here, &there, data, taken)])?;
        drop(here);
        there.expect_end()?;
        if in_chip {
            let seen = "a write waits inside the chip until the peer reads";
            return bench.limited(Limits::WRITE_CAN_STALL_CHIP, seen);
        }
        Ok(())
    })
}

/// What became of a send that the device may have had when its deadline passed: how much it took, or
/// nothing, because it goes on having it. A short exchange with a chip is over in no time.
fn answered(here: &Sock, piece: &[u8]) -> Check<Option<usize>> {
    let settled = here.try_for(QUIET, |device, fd| {
        if !device.in_flight(fd, Side::Write) {
            return Ok(0);
        }
        device.send(fd, piece, SockFlags::NONE)
    });
    match settled {
        Ok(count) => Ok(Some(count)),
        Err(Stopped::Deadline) => Ok(None),
        Err(stopped) => here.party.complain("send", stopped),
    }
}

/// Another connection is not held up.
fn meanwhile(bench: &Bench) -> Check {
    let dial = bench.has(Features::TCP_CONNECT);
    let Pair { here, there } = if dial { bench.dialled()? } else { bench.accepted()? };
    here.send_all(b"meanwhile")?;
    there.expect(b"meanwhile")
}

/// How long the device may take to accept.
const SILENT: Duration = Duration::from_secs(2);
/// More than anything between two sockets holds.
const MUCH: usize = 32 << 20;
