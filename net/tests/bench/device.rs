//! A device whose every answer the test decides, on a clock that jumps: `idle` goes straight to the
//! next thing that is due, and runs it. Nothing sleeps.

use core::net::{IpAddr, SocketAddr};
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};

use net::netdev::{
    AddressFamily, Capabilities, Error, Instant, IpConfig, Lookup, Netdev, Netlink, Platform,
    Protocol, Readiness, Remote, Side, SockFd, SockFlags, SockOpt, SockType,
};

pub(crate) const US: SocketAddr =
    SocketAddr::new(IpAddr::V4(core::net::Ipv4Addr::LOCALHOST), 49152);

type Job = Box<dyn FnOnce() + Send>;

/// What a test wrote down for the device, and what the device saw.
pub(crate) struct Bench {
    state: Mutex<State>,
    pub(crate) link: Option<crate::linking::Link>,
}

#[derive(Default)]
pub(crate) struct State {
    now: Instant,
    jobs: Vec<(Instant, Job)>,
    sockets: HashMap<u16, Sock>,
    opened: u16,
    /// Slots in the order of their closing.
    pub(crate) closed: Vec<u16>,
    pub(crate) names: HashMap<String, Vec<IpAddr>>,
    /// Names asked for, and how many lookups are not ended.
    pub(crate) asked: Vec<String>,
    pub(crate) lookups: Vec<String>,
    family: Option<AddressFamily>,
    /// How connecting to an address ends; without an entry it never does.
    pub(crate) peers: HashMap<SocketAddr, Result<(), Error>>,
    pub(crate) tried: Vec<SocketAddr>,
    pub(crate) bind: Option<Error>,
    pub(crate) listen: Option<Error>,
    pub(crate) no_sockets: bool,
    pub(crate) no_inet6: bool,
    pub(crate) no_local_addr: bool,
    pub(crate) options: Vec<String>,
}

#[derive(Default)]
pub(crate) struct Sock {
    local: Option<SocketAddr>,
    datagrams: bool,
    connected: bool,
    pub(crate) inbox: VecDeque<(Vec<u8>, SocketAddr)>,
    pub(crate) ended: bool,
    pub(crate) reset: bool,
    pub(crate) sent: Vec<u8>,
    /// Lengths of what was taken, one for each send.
    pub(crate) sends: Vec<usize>,
    pub(crate) datagrams_sent: Vec<(Vec<u8>, Option<SocketAddr>)>,
    /// How many bytes the device still takes.
    pub(crate) room: usize,
    /// The most that it takes in one step.
    pub(crate) piece: usize,
    /// Sends are posted, and answered only by `answer`.
    pub(crate) posting: bool,
    posted: Option<Vec<u8>>,
    answer: Option<usize>,
    pub(crate) waiting: VecDeque<Result<SocketAddr, Error>>,
    pub(crate) shut: Vec<Side>,
}

impl Bench {
    pub(crate) fn new() -> &'static Self {
        Box::leak(Box::new(Self { state: Mutex::default(), link: None }))
    }

    pub(crate) fn with_link(link: crate::linking::Link) -> &'static Self {
        Box::leak(Box::new(Self { state: Mutex::default(), link: Some(link) }))
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    pub(crate) fn edit<R>(&self, fd: SockFd, edit: impl FnOnce(&mut Sock) -> R) -> R {
        edit(self.state().sockets.get_mut(&fd.slot()).unwrap())
    }

    /// Runs `job` at this many milliseconds, while somebody waits.
    pub(crate) fn at(&self, millis: u64, job: impl FnOnce() + Send + 'static) {
        self.state().jobs.push((ms(millis), Box::new(job)));
    }

    /// The chip answers the send that was posted: it took this many bytes.
    pub(crate) fn answer(&self, fd: SockFd, taken: usize) {
        self.edit(fd, |sock| sock.answer = Some(taken));
    }

    pub(crate) fn open_sockets(&self) -> usize {
        self.state().sockets.len()
    }

    /// A connection to a peer that agrees to everything.
    pub(crate) fn conn(&'static self) -> (Arc<net::TcpConn>, SockFd) {
        let peer = "10.0.0.1:80".parse().unwrap();
        self.state().peers.insert(peer, Ok(()));
        let conn = net::Dialer::on(self).dial_tcp(peer).unwrap();
        let fd = conn.socket().unwrap();
        (Arc::new(conn), fd)
    }

    fn with<R>(
        &self,
        fd: SockFd,
        call: impl FnOnce(&mut Sock) -> nb::Result<R, Error>,
    ) -> nb::Result<R, Error> {
        match self.state().sockets.get_mut(&fd.slot()) {
            Some(sock) => call(sock),
            None => Err(nb::Error::Other(Error::BadSocket)),
        }
    }
}

pub(crate) fn ms(millis: u64) -> Instant {
    Instant::from_micros(millis * 1000)
}

impl State {
    fn open(&mut self, datagrams: bool) -> SockFd {
        self.opened += 1;
        let (room, piece) = (usize::MAX, usize::MAX);
        self.sockets.insert(self.opened, Sock { datagrams, room, piece, ..Sock::default() });
        SockFd::new(self.opened, 1)
    }
}

impl Sock {
    fn take(&mut self, data: &[u8], to: Option<SocketAddr>) -> nb::Result<usize, Error> {
        if self.reset {
            return Err(Error::BrokenPipe.into());
        }
        if self.posting {
            return self.post(data);
        }
        if self.datagrams {
            self.datagrams_sent.push((data.to_vec(), to));
            return Ok(data.len());
        }
        assert!(!data.is_empty(), "an empty write reached the device");
        let count = data.len().min(self.room).min(self.piece);
        self.room -= count;
        self.sent.extend(&data[..count]);
        self.sends.push(count);
        if count == 0 { Err(nb::Error::WouldBlock) } else { Ok(count) }
    }

    fn post(&mut self, data: &[u8]) -> nb::Result<usize, Error> {
        let posted = self.posted.get_or_insert_with(|| data.to_vec());
        assert!(data.starts_with(posted), "not the bytes that are in flight");
        let Some(taken) = self.answer.take() else { return Err(nb::Error::WouldBlock) };
        self.sent.extend(&posted[..taken]);
        self.posted = None;
        Ok(taken)
    }

    fn give(&mut self, buf: &mut [u8]) -> nb::Result<(usize, SocketAddr), Error> {
        if self.reset {
            return Err(Error::ConnectionReset.into());
        }
        let Some((data, from)) = self.inbox.pop_front() else {
            return if self.ended { Ok((0, US)) } else { Err(nb::Error::WouldBlock) };
        };
        let count = data.len().min(buf.len());
        buf[..count].copy_from_slice(&data[..count]);
        if self.datagrams {
            return Ok((data.len(), from));
        }
        if count < data.len() {
            self.inbox.push_front((data[count..].to_vec(), from));
        }
        Ok((count, from))
    }
}

impl Platform for Bench {
    fn now(&self) -> Instant {
        self.state().now
    }

    fn idle(&self, until: Instant) {
        let mut state = self.state();
        let next = state.jobs.iter().map(|(at, _)| *at).min();
        state.now = state.now.max(next.map_or(until, |next| next.min(until)));
        assert!(state.now < ms(3_600_000), "waiting for something that never happens");
        let now = state.now;
        let due: Vec<Job> =
            state.jobs.extract_if(.., |(at, _)| *at <= now).map(|it| it.1).collect();
        drop(state);
        for job in due {
            job();
        }
        std::thread::yield_now();
    }
}

impl Netdev for Bench {
    fn platform(&self) -> &dyn Platform {
        self
    }

    fn drive(&self) -> Option<Instant> {
        None
    }

    fn netlink(&self) -> Option<&dyn Netlink> {
        self.link.as_ref().map(|link| link as &dyn Netlink)
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::new(10)
    }

    fn addr(&self) -> nb::Result<IpConfig, Error> {
        Ok(IpConfig::new(US.ip(), 8))
    }

    fn socket(
        &self,
        family: AddressFamily,
        kind: SockType,
        _: Protocol,
    ) -> nb::Result<SockFd, Error> {
        let mut state = self.state();
        if state.no_inet6 && family == AddressFamily::Inet6 {
            return Err(Error::Unsupported.into());
        }
        if state.no_sockets {
            return Err(Error::NoSockets.into());
        }
        Ok(state.open(kind == SockType::Dgram))
    }

    fn close(&self, fd: SockFd) {
        let mut state = self.state();
        state.sockets.remove(&fd.slot());
        state.closed.push(fd.slot());
    }

    fn connect(&self, fd: SockFd, remote: Remote<'_>) -> nb::Result<(), Error> {
        let Remote::Addr(addr) = remote else { return Err(Error::InvalidInput.into()) };
        let mut state = self.state();
        if state.tried.last() != Some(&addr) {
            state.tried.push(addr);
        }
        (*state.peers.get(&addr).ok_or(nb::Error::WouldBlock)?)?;
        let sock = state.sockets.get_mut(&fd.slot()).unwrap();
        sock.local.get_or_insert(US);
        sock.connected = true;
        Ok(())
    }

    fn send(&self, fd: SockFd, data: &[u8], _: SockFlags) -> nb::Result<usize, Error> {
        self.with(fd, |sock| sock.take(data, None))
    }

    fn recv(&self, fd: SockFd, buf: &mut [u8], _: SockFlags) -> nb::Result<usize, Error> {
        self.with(fd, |sock| Ok(sock.give(buf)?.0))
    }

    fn in_flight(&self, fd: SockFd, side: Side) -> bool {
        self.with(fd, |sock| Ok(side == Side::Write && sock.posted.is_some())).unwrap_or(false)
    }

    fn next_ready(&self, _: Option<SockFd>) -> Readiness {
        Readiness::Unknown
    }

    fn bind(&self, fd: SockFd, mut local: SocketAddr) -> nb::Result<(), Error> {
        if let Some(error) = self.state().bind {
            return Err(error.into());
        }
        if local.port() == 0 {
            local.set_port(50_000 + fd.slot());
        }
        self.with(fd, |sock| {
            sock.local = Some(local);
            Ok(())
        })
    }

    fn listen(&self, _: SockFd, _: u16) -> nb::Result<(), Error> {
        self.state().listen.map_or(Ok(()), |error| Err(error.into()))
    }

    fn accept(&self, fd: SockFd) -> nb::Result<(SockFd, SocketAddr), Error> {
        let next = self.with(fd, |sock| sock.waiting.pop_front().ok_or(nb::Error::WouldBlock))?;
        let from = next?;
        let fd = self.state().open(false);
        self.edit(fd, |sock| sock.local = Some(US));
        Ok((fd, from))
    }

    fn send_to(
        &self,
        fd: SockFd,
        data: &[u8],
        to: SocketAddr,
        _: SockFlags,
    ) -> nb::Result<usize, Error> {
        self.with(fd, |sock| sock.take(data, Some(to)))
    }

    fn recv_from(
        &self,
        fd: SockFd,
        buf: &mut [u8],
        _: SockFlags,
    ) -> nb::Result<(usize, SocketAddr), Error> {
        self.with(fd, |sock| sock.give(buf))
    }

    fn shutdown(&self, fd: SockFd, side: Side) -> nb::Result<(), Error> {
        self.with(fd, |sock| {
            sock.shut.push(side);
            Ok(())
        })
    }

    fn set_sock_opt(&self, _: SockFd, option: SockOpt<'_>) -> nb::Result<(), Error> {
        self.state().options.push(format!("{option:?}"));
        Ok(())
    }

    fn local_addr(&self, fd: SockFd) -> nb::Result<SocketAddr, Error> {
        if self.state().no_local_addr {
            return Err(Error::Unsupported.into());
        }
        self.with(fd, |sock| sock.local.ok_or(Error::InvalidState.into()))
    }

    fn get_host_by_name(
        &self,
        name: &str,
        family: Option<AddressFamily>,
    ) -> nb::Result<Lookup, Error> {
        let mut state = self.state();
        state.asked.push(name.to_string());
        state.lookups.push(name.to_string());
        state.family = family;
        Ok(Lookup::new(0, 1))
    }

    fn lookup_result(&self, _: Lookup, out: &mut [IpAddr]) -> nb::Result<usize, Error> {
        let state = self.state();
        let found = state.names.get(state.lookups.last().unwrap()).ok_or(nb::Error::WouldBlock)?;
        let own = |ip: &&IpAddr| match state.family {
            None => true,
            Some(family) => ip.is_ipv6() == (family == AddressFamily::Inet6),
        };
        let found: Vec<IpAddr> = found.iter().filter(own).copied().collect();
        if found.is_empty() {
            return Err(Error::HostUnknown.into());
        }
        let count = found.len().min(out.len());
        out[..count].copy_from_slice(&found[..count]);
        Ok(count)
    }

    fn end_lookup(&self, _: Lookup) {
        self.state().lookups.pop();
    }
}
