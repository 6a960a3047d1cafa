//! Several threads on one connection, through `net`.

use core::net::SocketAddr;
use core::time::Duration;
use std::sync::Arc;

use net::{Addr, Cause, Dialer, TcpConn, TcpListener};
use netdev::{Error, Features, Instant, SockFlags, Stopped};

use super::bench::bind_addr;
use super::flow::noise;
use super::listen::greets;
use super::pair::{ARRIVAL, Pair};
use super::sock::{LONG, Sock};
use super::{Bench, Check, Outcome, ensure, expect_eq, failed};

/// A connection that threads share. It is closed when the behaviour is over, however it ends.
struct Shared {
    here: Arc<TcpConn>,
    there: Sock,
}

impl Drop for Shared {
    fn drop(&mut self) {
        let _ = self.here.close();
    }
}

impl Bench {
    fn net_dialled(&self) -> Check<Shared> {
        self.needs(Features::TCP_CONNECT)?;
        let (listener, addr) = self.peer_listener(1)?;
        let dialer = Dialer::on(self.device().netdev()).timeout(LONG);
        let here = dialer.dial_tcp(addr).map_err(net_failed)?;
        let (there, _) = listener.accept()?;
        Ok(Shared { here: Arc::new(here), there })
    }

    fn net_accepted(&self) -> Check<Shared> {
        let (listener, addr) = self.net_listener()?;
        let there = self.peer().tcp()?;
        there.connect(addr)?;
        let port = self.seen_from_device(&there)?;
        let opener = self.opener();
        there.send_all(opener)?;
        loop {
            let here = listener.accept().map_err(net_failed)?;
            if here.remote_addr().is_some_and(|from| port_of(from) == port) {
                let mut buf = vec![0; opener.len()];
                here.read(&mut buf).map_err(net_failed)?;
                expect_eq("what came first", &buf.as_slice(), &opener)?;
                return Ok(Shared { here: Arc::new(here), there });
            }
        }
    }

    /// A listener of the device, and where the peer finds it.
    fn net_listener(&self) -> Check<(TcpListener, SocketAddr)> {
        self.needs(Features::TCP_LISTEN)?;
        let device = self.device();
        let any = SocketAddr::new(bind_addr(device.addr()), 0).to_string();
        let listener = net::listen_on(device.netdev(), "tcp", &any).map_err(net_failed)?;
        listener.set_deadline(Some(self.soon(LONG))).map_err(net_failed)?;
        let port = listener.addr().map_or(0, port_of);
        Ok((listener, SocketAddr::new(device.addr(), port)))
    }

    fn each_shared(&self, check: impl Fn(&Self, Shared) -> Check) -> Check {
        self.each_of(Self::net_dialled, Self::net_accepted, check)
    }

    fn soon(&self, time: Duration) -> Instant {
        self.device().netdev().platform().now() + time
    }

    /// How long `act` makes a pending call of another thread still take, and what it answers.
    fn ends<T: Send + 'static>(
        &self,
        pending: impl FnOnce() -> T + Send + 'static,
        act: impl FnOnce() -> Check,
    ) -> Check<T> {
        let platform = self.device().netdev().platform();
        let job = self.spawn(move || (pending(), platform.now()));
        self.device().pause(ARRIVAL);
        let start = platform.now();
        act()?;
        let (answer, end) = job.join()?;
        let took = end.saturating_since(start);
        ensure(took < AT_ONCE, || format!("a pending call ended only after {took:?}"))?;
        Ok(answer)
    }
}

/// Reads, writes and accepts that wait end when somebody closes.
pub(super) fn close_ends_calls(bench: &Bench) -> Check {
    bench.each_pair(|bench, Pair { here, there: _there }| {
        let (party, fd) = (here.party, here.fd);
        let pending = move || {
            let mut buf = [0; 16];
            party.try_for(LONG, || party.netdev().recv(fd, &mut buf, SockFlags::NONE))
        };
        let answer = bench.ends(pending, move || {
            drop(here);
            Ok(())
        })?;
        expect_eq("a pending recv", &answer, &Err(Stopped::Failed(Error::BadSocket)))
    })?;
    bench.each_shared(|bench, shared| {
        let (reader, closer) = (shared.here.clone(), shared.here.clone());
        let answer = bench
            .ends(move || reader.read(&mut [0; 16]), move || closer.close().map_err(net_failed))?;
        expect_eq("a pending read", &answer.map_err(|error| error.cause()), &Err(Cause::Closed))?;
        let again = shared.here.close().map_err(|error| error.cause());
        expect_eq("a second close", &again, &Err(Cause::Closed))
    })?;
    bench.each_shared(|bench, shared| {
        let (writer, closer) = (shared.here.clone(), shared.here.clone());
        let much = vec![10; MUCH];
        let pending = move || writer.write(&much);
        let answer = bench.ends(pending, move || closer.close().map_err(net_failed))?;
        let cause = answer.map_err(|error| error.error.cause());
        expect_eq("a pending write", &cause, &Err(Cause::Closed))
    })?;
    if bench.has(Features::TCP_LISTEN) {
        let listener = Arc::new(bench.net_listener()?.0);
        let closer = listener.clone();
        let answer = bench.ends(
            move || listener.accept().map(drop),
            move || closer.close().map_err(net_failed),
        )?;
        expect_eq("a pending accept", &answer.map_err(|error| error.cause()), &Err(Cause::Closed))?;
    }
    bench.settle();
    let works = if bench.has(Features::TCP_CONNECT) { bench.dialled() } else { bench.accepted() };
    greets(&works?)
}

/// A deadline that is moved counts for calls that wait already, earlier and later; after it nothing is
/// read, and when it is moved again all goes on.
pub(super) fn moved_deadlines(bench: &Bench) -> Check {
    bench.each_shared(|bench, shared| {
        let Shared { here, there } = &shared;
        here.set_read_deadline(Some(bench.soon(LONG))).map_err(net_failed)?;
        let (reader, mover) = (here.clone(), here.clone());
        let past = Some(Instant::START);
        let answer = bench
            .ends(read_some(reader), move || mover.set_read_deadline(past).map_err(net_failed))?;
        expect_eq("a read whose deadline was moved to the past", &answer, &Err(LATE))?;

        there.send_all(b"late")?;
        bench.device().pause(ARRIVAL);
        let answer = read_some(here.clone())();
        expect_eq("a read after its deadline, with data waiting", &answer, &Err(LATE))?;
        here.set_read_deadline(None).map_err(net_failed)?;
        expect_eq("a read without a deadline", &read_some(here.clone())(), &Ok(b"late".to_vec()))?;

        here.set_read_deadline(Some(bench.soon(ARRIVAL * 2))).map_err(net_failed)?;
        let job = bench.spawn(read_some(here.clone()));
        bench.device().pause(ARRIVAL);
        here.set_read_deadline(Some(bench.soon(LONG))).map_err(net_failed)?;
        bench.device().pause(ARRIVAL * 3);
        there.send_all(b"in time")?;
        expect_eq("a read whose deadline was moved away", &job.join()?, &Ok(b"in time".to_vec()))
    })?;
    bench.each_shared(write_deadline)?;
    if !bench.has(Features::TCP_LISTEN) {
        return Ok(());
    }
    let (listener, _) = bench.net_listener()?;
    listener.set_deadline(Some(bench.soon(ARRIVAL))).map_err(net_failed)?;
    let answer = listener.accept().map(drop).map_err(|error| error.cause());
    expect_eq("an accept after its deadline", &answer, &Err(LATE))
}

fn write_deadline(bench: &Bench, shared: Shared) -> Check {
    shared.here.set_write_deadline(Some(bench.soon(LONG))).map_err(net_failed)?;
    let (writer, mover) = (shared.here.clone(), shared.here.clone());
    let much = vec![11; MUCH];
    let pending = move || writer.write(&much);
    let past = Some(Instant::START);
    let answer = bench.ends(pending, move || {
        // Over a serial line the first piece alone takes longer than anything else here.
        bench.device().pause(PIECE);
        mover.set_write_deadline(past).map_err(net_failed)
    })?;
    match answer {
        Err(error) if error.error.cause() == LATE && error.written > 0 => Ok(()),
        answer => failed(format_args!("a write whose deadline was moved to the past: {answer:?}")),
    }
}

fn read_some(conn: Arc<TcpConn>) -> impl FnOnce() -> Result<Vec<u8>, Cause> + Send + 'static {
    move || {
        let mut buf = vec![0; 64];
        let count = conn.read(&mut buf).map_err(|error| error.cause())?;
        buf.truncate(count);
        Ok(buf)
    }
}

/// Records of two writers arrive whole, in each writer's own order.
pub(super) fn two_writers(bench: &Bench) -> Check {
    bench.each_shared(|bench, shared| {
        let deadline = Some(bench.soon(LONG));
        shared.here.set_write_deadline(deadline).map_err(net_failed)?;
        let jobs = [0, 1].map(|writer| {
            let conn = shared.here.clone();
            bench.spawn(move || {
                (0..RECORDS).try_for_each(|number| conn.write(&record(writer, number)).map(drop))
            })
        });
        let mut next = [0; 2];
        for _ in 0..2 * RECORDS {
            let head = shared.there.recv(1)?;
            let writer = head.first().copied().unwrap_or(u8::MAX);
            let Some(number) = next.get_mut(usize::from(writer)) else {
                return failed(format_args!("a record that begins with {writer}"));
            };
            let record = record(writer, *number);
            shared.there.expect(record.get(1..).unwrap_or_default())?;
            *number += 1;
        }
        for job in jobs {
            expect_eq("a write", &job.join()?, &Ok(()))?;
        }
        Ok(())
    })
}

fn record(writer: u8, number: u8) -> Vec<u8> {
    let mut record = vec![writer, number];
    record.extend(noise(u64::from(writer) << 8 | u64::from(number), 2998));
    record
}

/// Two readers get every byte once, each of them in the order of the stream.
pub(super) fn two_readers(bench: &Bench) -> Check {
    bench.each_shared(|bench, shared| {
        let deadline = Some(bench.soon(LONG));
        shared.here.set_read_deadline(deadline).map_err(net_failed)?;
        let jobs = [0, 1].map(|_| {
            let conn = shared.here.clone();
            bench.spawn(move || read_to_end(&conn))
        });
        let sent: Vec<u8> = (0..=u8::MAX).flat_map(|byte| [byte; 100]).collect();
        let ended = shared.there.send_all(&sent);
        // The end, also if not all could be sent.
        shared.there.party.netdev().close(shared.there.fd);
        let mut all = Vec::new();
        for job in jobs {
            let read = job.join()?.map_err(net_failed)?;
            ensure(read.is_sorted(), || "a reader's bytes are out of order".to_owned())?;
            all.extend(read);
        }
        ended?;
        all.sort_unstable();
        ensure(all == sent, || format!("{} bytes read of {}, or others", all.len(), sent.len()))
    })
}

fn read_to_end(conn: &TcpConn) -> Result<Vec<u8>, net::Error> {
    let (mut all, mut buf) = (Vec::new(), [0; 500]);
    loop {
        match conn.read(&mut buf)? {
            0 => return Ok(all),
            count => all.extend(buf.iter().take(count)),
        }
    }
}

fn port_of(addr: Addr) -> u16 {
    match addr {
        Addr::Tcp(addr) | Addr::Udp(addr) => addr.port(),
        _ => 0,
    }
}

fn net_failed(error: impl Into<net::Error>) -> Outcome {
    Outcome::Failed(error.into().to_string())
}

const LATE: Cause = Cause::DeadlineExceeded;
/// A call that was ended ends within this.
const AT_ONCE: Duration = Duration::from_secs(1);
/// Long enough for some of a write to have been taken.
const PIECE: Duration = Duration::from_millis(500);
/// Of each writer.
const RECORDS: u8 = 20;
/// More than anything between two sockets holds.
const MUCH: usize = 32 << 20;
