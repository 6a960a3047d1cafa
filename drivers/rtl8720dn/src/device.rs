//! The device: netdev's traits, thin, over the state of [`Core`].

use core::fmt;
use core::net::{IpAddr, SocketAddr};

use netdev::{
    AccessPoint, AccessPointSettings, AddressFamily, Capabilities, Error, Event, Exclusive,
    Features, HardwareAddr, Instant, IpConfig, Limits, LinkStatus, Lookup, Netdev, Netlink,
    Network, Platform, PowerMode, Protocol, Readiness, Remote, Side, SockFd, SockFlags, SockOpt,
    SockType, Turns,
};
use netdev_uart::UartLink;

use crate::method::{most, value};
use crate::shared::Shared;
use crate::state::{Call, Core, State};

/// An RTL8720DN co-processor.
///
/// Nothing moves before the first call, which resets and boots the chip (about 0.9 s, during which
/// calls answer `WouldBlock`).
pub struct Rtl8720dn<'s, L, P, const ROOM: usize = 4080> {
    state: Exclusive<&'s mut State<L, ROOM>>,
    shared: Shared,
    platform: P,
}

impl<'s, L: UartLink, P: Platform, const ROOM: usize> Rtl8720dn<'s, L, P, ROOM> {
    /// A device over its memory and the board's clock.
    pub const fn new(state: &'s mut State<L, ROOM>, platform: P) -> Self {
        Self { state: Exclusive::new(state), shared: Shared::new(), platform }
    }

    /// Runs one call with the state in hand and the chip booted.
    fn with<R>(
        &self,
        mut call: impl FnMut(&mut Core<'_, L>) -> nb::Result<R, Error>,
    ) -> nb::Result<R, Error> {
        let mut answer = Err(nb::Error::WouldBlock);
        self.run(&mut |core| answer = call(core))?;
        answer
    }

    /// As [`with`](Self::with), for one socket.
    fn with_socket<R>(
        &self,
        fd: SockFd,
        mut call: impl FnMut(&mut Core<'_, L>, u8) -> nb::Result<R, Error>,
    ) -> nb::Result<R, Error> {
        let mut answer = Err(nb::Error::WouldBlock);
        self.run_socket(fd, &mut |core, index| answer = call(core, index))?;
        answer
    }

    /// What does not depend on the answer, so that it exists once in a program.
    #[inline(never)]
    fn run(&self, call: &mut dyn FnMut(&mut Core<'_, L>)) -> nb::Result<(), Error> {
        self.state.try_with(|state| {
            let mut core = self.core(state);
            core.enter()?;
            call(&mut core);
            Ok(())
        })
    }

    #[inline(never)]
    fn run_socket(
        &self,
        fd: SockFd,
        call: &mut dyn FnMut(&mut Core<'_, L>, u8),
    ) -> nb::Result<(), Error> {
        self.shared.handles.slot(fd)?;
        self.state.try_with(|state| {
            let mut core = self.core(state);
            let entered = core.enter();
            let index = core.index(fd)?;
            if entered.is_err() {
                // Whoever lost something with a chip that is booting is told at once.
                core.sound(index)?;
            }
            entered?;
            call(&mut core, index);
            Ok(())
        })
    }

    fn core<'c>(&'c self, state: &'c mut State<L, ROOM>) -> Core<'c, L> {
        let State { inner, data } = state;
        Core { state: inner, data, shared: &self.shared, call: Call::begin(&self.platform) }
    }
}

impl<L, P, const ROOM: usize> fmt::Debug for Rtl8720dn<'_, L, P, ROOM> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rtl8720dn").finish_non_exhaustive()
    }
}

impl<L: UartLink, P: Platform, const ROOM: usize> Netdev for Rtl8720dn<'_, L, P, ROOM> {
    fn platform(&self) -> &dyn Platform {
        &self.platform
    }

    fn drive(&self) -> Option<Instant> {
        self.state
            .if_home(|state| {
                let mut core = self.core(state);
                if core.enter().is_ok() {
                    core.reap_lookup();
                    core.look();
                }
                core.due()
            })
            .flatten()
    }

    fn netlink(&self) -> Option<&dyn Netlink> {
        Some(self)
    }

    fn turns(&self) -> Option<&Turns> {
        Some(self.state.turns())
    }

    fn capabilities(&self) -> Capabilities {
        CAPABILITIES
    }

    fn addr(&self) -> nb::Result<IpConfig, Error> {
        self.with(|core| Ok(core.state.link.address().ok_or(Error::LinkDown)?))
    }

    fn socket(
        &self,
        family: AddressFamily,
        kind: SockType,
        protocol: Protocol,
    ) -> nb::Result<SockFd, Error> {
        let dgram = match (family, kind, protocol) {
            (AddressFamily::Inet, SockType::Stream, Protocol::Tcp) => false,
            (AddressFamily::Inet, SockType::Dgram, Protocol::Udp) => true,
            _ => return Err(Error::Unsupported.into()),
        };
        self.with(|core| {
            let fd = self.shared.handles.open()?;
            let index = core.index(fd)?;
            core.socket(index)?.dgram = dgram;
            Ok(fd)
        })
    }

    fn close(&self, fd: SockFd) {
        if self.shared.handles.mark_closed(fd) {
            self.state.if_home(|state| {
                let mut core = self.core(state);
                if core.enter().is_err() {
                    core.reap();
                }
            });
        }
    }

    fn connect(&self, fd: SockFd, remote: Remote<'_>) -> nb::Result<(), Error> {
        let remote = match remote {
            Remote::Addr(SocketAddr::V4(addr)) => addr,
            Remote::Addr(SocketAddr::V6(_)) => return Err(Error::Unsupported.into()),
            Remote::Host(..) => return Err(Error::InvalidInput.into()),
        };
        self.with_socket(fd, |core, index| {
            if core.socket(index)?.dgram {
                return core.connect_datagram(index, remote);
            }
            core.connect(index, remote)
        })
    }

    fn send(&self, fd: SockFd, data: &[u8], flags: SockFlags) -> nb::Result<usize, Error> {
        plain(flags)?;
        self.with_socket(fd, |core, index| {
            if core.socket(index)?.dgram {
                return core.send_datagram(index, data, None);
            }
            core.send(index, data)
        })
    }

    fn recv(&self, fd: SockFd, buf: &mut [u8], flags: SockFlags) -> nb::Result<usize, Error> {
        let peek = flags.contains(SockFlags::PEEK);
        self.with_socket(fd, |core, index| {
            if core.socket(index)?.dgram {
                let (len, _) = core.recv_datagram(index, buf, peek)?;
                return Ok(len.min(buf.len()));
            }
            core.recv(index, buf, peek)
        })
    }

    fn in_flight(&self, fd: SockFd, side: Side) -> bool {
        // What was received is kept until somebody has room for it.
        let slot = self.shared.handles.slot(fd);
        side == Side::Write && slot.is_ok_and(|slot| self.shared.is_sending(slot))
    }

    fn next_ready(&self, after: Option<SockFd>) -> Readiness {
        self.state.if_home(|state| self.core(state).next_ready(after)).unwrap_or(Readiness::Unknown)
    }

    fn bind(&self, fd: SockFd, local: SocketAddr) -> nb::Result<(), Error> {
        self.with_socket(fd, |core, index| core.bind(index, local))
    }

    fn listen(&self, fd: SockFd, backlog: u16) -> nb::Result<(), Error> {
        self.with_socket(fd, |core, index| core.listen(index, backlog))
    }

    fn accept(&self, fd: SockFd) -> nb::Result<(SockFd, SocketAddr), Error> {
        self.with_socket(fd, |core, index| core.accept(index))
    }

    fn send_to(
        &self,
        fd: SockFd,
        data: &[u8],
        to: SocketAddr,
        flags: SockFlags,
    ) -> nb::Result<usize, Error> {
        plain(flags)?;
        let SocketAddr::V4(to) = to else { return Err(Error::Unsupported.into()) };
        self.with_socket(fd, |core, index| core.send_datagram(index, data, Some(to)))
    }

    fn recv_from(
        &self,
        fd: SockFd,
        buf: &mut [u8],
        flags: SockFlags,
    ) -> nb::Result<(usize, SocketAddr), Error> {
        let peek = flags.contains(SockFlags::PEEK);
        self.with_socket(fd, |core, index| core.recv_datagram(index, buf, peek))
    }

    fn shutdown(&self, fd: SockFd, side: Side) -> nb::Result<(), Error> {
        self.with_socket(fd, |core, index| core.shutdown(index, side))
    }

    fn set_sock_opt(&self, fd: SockFd, option: SockOpt<'_>) -> nb::Result<(), Error> {
        self.with_socket(fd, |core, index| core.set_sock_opt(index, option))
    }

    fn local_addr(&self, fd: SockFd) -> nb::Result<SocketAddr, Error> {
        self.with_socket(fd, |core, index| core.local_addr(index))
    }

    fn peer_addr(&self, fd: SockFd) -> nb::Result<SocketAddr, Error> {
        self.with_socket(fd, |core, index| core.peer_addr(index))
    }

    fn get_host_by_name(
        &self,
        name: &str,
        family: Option<AddressFamily>,
    ) -> nb::Result<Lookup, Error> {
        self.with(|core| core.start_lookup(name, family))
    }

    fn lookup_result(&self, lookup: Lookup, out: &mut [IpAddr]) -> nb::Result<usize, Error> {
        self.with(|core| core.lookup_result(lookup, out))
    }

    fn end_lookup(&self, lookup: Lookup) {
        self.shared.lookups.mark_closed(SockFd::new(lookup.slot(), lookup.generation()));
        self.state.if_home(|state| self.core(state).reap_lookup());
    }
}

/// No flag of a send means anything to this firmware.
fn plain(flags: SockFlags) -> Result<(), Error> {
    if flags == SockFlags::NONE { Ok(()) } else { Err(Error::Unsupported) }
}

impl<L: UartLink, P: Platform, const ROOM: usize> Netlink for Rtl8720dn<'_, L, P, ROOM> {
    fn join(&self, network: &Network<'_>) -> nb::Result<(), Error> {
        self.with(|core| core.join(network))
    }

    fn leave(&self) -> nb::Result<(), Error> {
        self.with(|core| core.leave())
    }

    fn status(&self) -> nb::Result<LinkStatus, Error> {
        self.with(|core| core.status())
    }

    fn reset(&self) -> nb::Result<(), Error> {
        self.state.try_with(|state| self.core(state).reset())
    }

    fn hardware_addr(&self) -> nb::Result<HardwareAddr, Error> {
        self.with(|core| core.hardware_addr())
    }

    fn next_event(&self) -> Option<Event> {
        self.state.if_home(|state| state.inner.events.pop()).flatten()
    }

    fn scan(&self, found: &mut [AccessPoint]) -> nb::Result<usize, Error> {
        self.with(|core| core.scan(found))
    }

    fn rssi(&self) -> nb::Result<i16, Error> {
        self.with(|core| core.rssi())
    }

    fn start_access_point(&self, settings: &AccessPointSettings<'_>) -> nb::Result<(), Error> {
        self.with(|core| core.start_access_point(settings))
    }

    fn set_address(&self, config: Option<&IpConfig>) -> nb::Result<(), Error> {
        self.with(|core| core.set_address(config))
    }

    fn set_name_servers(&self, servers: &[IpAddr]) -> nb::Result<(), Error> {
        self.with(|core| core.set_name_servers(servers))
    }

    fn set_power(&self, mode: PowerMode) -> nb::Result<(), Error> {
        self.with(|core| core.set_power(mode))
    }
}

/// The same for every firmware since 2.0.
const CAPABILITIES: Capabilities = Capabilities::new(value::SOCKETS as u16)
    .datagrams(most::DATAGRAM)
    .with(
        Features::TCP_CONNECT
            .with(Features::TCP_LISTEN)
            .with(Features::UDP_SEND_TO)
            .with(Features::NAME_LOOKUP)
            .with(Features::SHUTDOWN)
            .with(Features::PEEK)
            .with(Features::KEEP_ALIVE)
            .with(Features::NO_DELAY),
    )
    .limited(
        Limits::EMPTY_DATAGRAMS_LOST
            .with(Limits::DATAGRAM_BURST_LOST)
            .with(Limits::CALLS_BLOCK_CHIP),
    );
