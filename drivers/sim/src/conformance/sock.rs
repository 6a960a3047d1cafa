//! Sockets of both sides, that close themselves and never wait for ever.

use core::fmt::Debug;
use core::net::{IpAddr, SocketAddr};
use core::time::Duration;

use netdev::{
    AddressFamily, Error, Features, Netdev, Protocol, Remote, SockFd, SockFlags, SockOpt, SockType,
    Stopped, wait,
};

use super::bench::bind_addr;
use super::{Check, ensure, failed};

/// One of the two: whose call it is.
#[derive(Clone, Copy)]
pub(super) struct Party {
    name: &'static str,
    device: &'static dyn Netdev,
    /// Where the other one finds it.
    addr: IpAddr,
    /// Moved along while this one waits: the model of a chip stands still when nobody looks at it.
    other: &'static dyn Netdev,
}

impl Party {
    pub(super) fn new(
        name: &'static str,
        device: &'static dyn Netdev,
        addr: IpAddr,
        other: &'static dyn Netdev,
    ) -> Self {
        Self { name, device, addr, other }
    }

    pub(super) fn netdev(&self) -> &'static dyn Netdev {
        self.device
    }

    pub(super) fn addr(&self) -> IpAddr {
        self.addr
    }

    /// Repeats `op` for so long at most.
    pub(super) fn try_for<T>(
        &self,
        time: Duration,
        mut op: impl FnMut() -> nb::Result<T, Error>,
    ) -> Result<T, Stopped> {
        let deadline = self.device.platform().now() + time;
        wait(
            self.device,
            || Some(deadline),
            || {
                let answer = op();
                self.other.drive();
                answer
            },
        )
    }

    /// Repeats `op` until it succeeds, or this behaviour fails.
    pub(super) fn must<T>(&self, what: &str, op: impl FnMut() -> nb::Result<T, Error>) -> Check<T> {
        self.try_for(LONG, op).or_else(|stopped| self.complain(what, stopped))
    }

    /// Repeats `op`, which has to fail with one of these.
    pub(super) fn must_fail<T: Debug>(
        &self,
        what: &str,
        expected: &[Error],
        op: impl FnMut() -> nb::Result<T, Error>,
    ) -> Check<Error> {
        match self.try_for(LONG, op) {
            Err(Stopped::Failed(error)) if expected.contains(&error) => Ok(error),
            answer => failed(format_args!(
                "{}: {what}: expected one of {expected:?}, seen {answer:?}",
                self.name
            )),
        }
    }

    pub(super) fn complain<T>(&self, what: &str, stopped: Stopped) -> Check<T> {
        failed(match stopped {
            Stopped::Failed(error) => format!("{}: {what}: {error}", self.name),
            Stopped::Deadline => format!("{}: {what}: nothing within {LONG:?}", self.name),
        })
    }

    /// Lets time pass, in which both may move.
    pub(super) fn pause(&self, time: Duration) {
        // It can only end by its deadline.
        let _ = self.try_for(time, || Err::<(), _>(nb::Error::WouldBlock));
    }

    pub(super) fn open(&self, kind: SockType) -> Check<Sock> {
        let protocol = if kind == SockType::Dgram { Protocol::Udp } else { Protocol::Tcp };
        let fd = self.must("socket", || {
            self.device.socket(AddressFamily::of_ip(self.addr), kind, protocol)
        })?;
        Ok(self.adopt(fd))
    }

    pub(super) fn tcp(&self) -> Check<Sock> {
        self.open(SockType::Stream)
    }

    /// A datagram socket with a port.
    pub(super) fn udp(&self) -> Check<Sock> {
        let sock = self.open(SockType::Dgram)?;
        sock.bind(0)?;
        Ok(sock)
    }

    pub(super) fn adopt(&self, fd: SockFd) -> Sock {
        Sock { party: *self, fd }
    }

    /// A listener on a port of the device's choice.
    pub(super) fn listener(&self, backlog: u16) -> Check<Sock> {
        let sock = self.tcp()?;
        sock.bind(0)?;
        sock.must("listen", |device, fd| device.listen(fd, backlog))?;
        Ok(sock)
    }
}

/// A socket that is closed when dropped.
pub(super) struct Sock {
    pub(super) party: Party,
    pub(super) fd: SockFd,
}

impl Drop for Sock {
    fn drop(&mut self) {
        self.party.device.close(self.fd);
    }
}

impl Sock {
    pub(super) fn must<T>(
        &self,
        what: &str,
        mut op: impl FnMut(&'static dyn Netdev, SockFd) -> nb::Result<T, Error>,
    ) -> Check<T> {
        self.party.must(what, || op(self.party.device, self.fd))
    }

    pub(super) fn must_fail<T: Debug>(
        &self,
        what: &str,
        expected: &[Error],
        mut op: impl FnMut(&'static dyn Netdev, SockFd) -> nb::Result<T, Error>,
    ) -> Check<Error> {
        self.party.must_fail(what, expected, || op(self.party.device, self.fd))
    }

    pub(super) fn try_for<T>(
        &self,
        time: Duration,
        mut op: impl FnMut(&'static dyn Netdev, SockFd) -> nb::Result<T, Error>,
    ) -> Result<T, Stopped> {
        self.party.try_for(time, || op(self.party.device, self.fd))
    }

    pub(super) fn bind(&self, port: u16) -> Check {
        let local = SocketAddr::new(bind_addr(self.party.addr), port);
        self.must("bind", |device, fd| device.bind(fd, local))
    }

    /// Where the other side finds this socket.
    pub(super) fn addr(&self) -> Check<SocketAddr> {
        let local = self.must("local_addr", |device, fd| device.local_addr(fd))?;
        ensure(local.port() != 0, || "the port of a bound socket is 0".to_owned())?;
        Ok(SocketAddr::new(self.party.addr, local.port()))
    }

    pub(super) fn connect(&self, to: SocketAddr) -> Check {
        self.must("connect", |device, fd| device.connect(fd, Remote::Addr(to)))
    }

    pub(super) fn accept(&self) -> Check<(Self, SocketAddr)> {
        let (fd, from) = self.must("accept", |device, fd| device.accept(fd))?;
        Ok((self.party.adopt(fd), from))
    }

    pub(super) fn send_all(&self, mut data: &[u8]) -> Check {
        while !data.is_empty() {
            let sent = self.must("send", |device, fd| device.send(fd, data, SockFlags::NONE))?;
            ensure((1..=data.len()).contains(&sent), || {
                format!("send took {sent} of {} bytes", data.len())
            })?;
            data = data.get(sent..).unwrap_or_default();
        }
        Ok(())
    }

    /// What comes next, so many bytes at most; nothing is the end.
    pub(super) fn recv(&self, room: usize) -> Check<Vec<u8>> {
        let mut buf = vec![0; room];
        let received =
            self.must("recv", |device, fd| device.recv(fd, &mut buf, SockFlags::NONE))?;
        ensure(received <= room, || format!("recv tells {received} bytes in {room}"))?;
        buf.truncate(received);
        Ok(buf)
    }

    /// Exactly these bytes come next.
    pub(super) fn expect(&self, expected: &[u8]) -> Check {
        let mut seen = Vec::new();
        while seen.len() < expected.len() {
            let more = self.recv(expected.len() - seen.len())?;
            if more.is_empty() {
                return failed(format_args!(
                    "{}: the end after {} of {} bytes",
                    self.party.name,
                    seen.len(),
                    expected.len()
                ));
            }
            seen.extend(more);
        }
        let same = seen.iter().zip(expected).position(|(seen, expected)| seen != expected);
        ensure(same.is_none(), || {
            format!("{}: byte {same:?} of {} differs", self.party.name, expected.len())
        })
    }

    /// The end comes next, and stays.
    pub(super) fn expect_end(&self) -> Check {
        for _ in 0..3 {
            let more = self.recv(16)?;
            ensure(more.is_empty(), || {
                format!("{}: expected the end, seen {more:?}", self.party.name)
            })?;
        }
        Ok(())
    }

    /// Nothing comes for a while.
    pub(super) fn expect_silence(&self, time: Duration) -> Check {
        let mut buf = [0; 16];
        match self.try_for(time, |device, fd| device.recv(fd, &mut buf, SockFlags::NONE)) {
            Err(Stopped::Deadline) => Ok(()),
            answer => failed(format_args!("{}: not silent: {answer:?}", self.party.name)),
        }
    }

    /// Breaks the connection off.
    pub(super) fn reset(self) -> Check {
        let linger = self.party.device.capabilities().has(Features::LINGER);
        ensure(linger, || format!("the {} cannot break a connection off", self.party.name))?;
        let option = SockOpt::Linger(Some(Duration::ZERO));
        self.must("linger", |device, fd| device.set_sock_opt(fd, option))
    }
}

trait OfIp {
    fn of_ip(addr: IpAddr) -> Self;
}

impl OfIp for AddressFamily {
    fn of_ip(addr: IpAddr) -> Self {
        Self::of(&SocketAddr::new(addr, 0))
    }
}

/// More than anything takes that succeeds: a name that nobody knows, on a chip, is the slowest.
pub(super) const LONG: Duration = Duration::from_secs(30);
