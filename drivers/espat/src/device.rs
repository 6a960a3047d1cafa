//! The device: netdev's traits, thin, over the state of [`Core`].

use core::fmt;
use core::net::{IpAddr, SocketAddr};
use core::time::Duration;

use netdev::{
    AccessPoint, AccessPointSettings, AddressFamily, Capabilities, Error, Event, Exclusive,
    HardwareAddr, Instant, IpConfig, LinkStatus, Lookup, Netdev, Netlink, Network, Platform,
    PowerMode, Protocol, Readiness, Remote, Side, SockFd, SockFlags, SockOpt, SockType,
};
use netdev_uart::UartLink;

use crate::boot::Power;
use crate::exchange::Sink;
use crate::shared::Shared;
use crate::sockets::Kind;
use crate::state::{Core, State};
use crate::time::Clocked;

/// An ESP-AT module.
///
/// Nothing moves before the first call, which resets the module and sets it up (a second or two, in
/// which calls answer `WouldBlock`).
pub struct Espat<'s, L, P, const STASH: usize = 2048> {
    state: Exclusive<&'s mut State<L, STASH>>,
    clocked: Clocked<P>,
}

impl<'s, L: UartLink, P: Platform, const N: usize> Espat<'s, L, P, N> {
    /// A device over its memory and the board's clock.
    pub const fn new(state: &'s mut State<L, N>, platform: P) -> Self {
        Self {
            state: Exclusive::new(state),
            clocked: Clocked { board: platform, shared: Shared::new() },
        }
    }

    /// Runs one call with the state in hand, the module up, and what has come taken.
    fn with<R>(
        &self,
        mut call: impl FnMut(&mut Core<'_, L, N>) -> nb::Result<R, Error>,
    ) -> nb::Result<R, Error> {
        let mut answer = Err(nb::Error::WouldBlock);
        self.run(true, &mut |core| answer = call(core))?;
        answer
    }

    /// As [`with`](Self::with), for one socket.
    fn with_socket<R>(
        &self,
        fd: SockFd,
        mut call: impl FnMut(&mut Core<'_, L, N>, u8) -> nb::Result<R, Error>,
    ) -> nb::Result<R, Error> {
        let mut answer = Err(nb::Error::WouldBlock);
        self.run_socket(fd, true, &mut |core, index| answer = call(core, index))?;
        answer
    }

    /// What does not depend on the answer, so that it exists once in a program.
    #[inline(never)]
    fn run(&self, enter: bool, call: &mut dyn FnMut(&mut Core<'_, L, N>)) -> nb::Result<(), Error> {
        self.state.try_with(|state| {
            let mut core = self.core(state);
            if enter {
                core.enter(&mut Sink::Nobody)?;
            }
            call(&mut core);
            core.write_out();
            Ok(())
        })
    }

    #[inline(never)]
    fn run_socket(
        &self,
        fd: SockFd,
        enter: bool,
        call: &mut dyn FnMut(&mut Core<'_, L, N>, u8),
    ) -> nb::Result<(), Error> {
        self.shared().handles.slot(fd)?;
        let mut known = Ok(());
        self.run(enter, &mut |core| known = core.index(fd).map(|index| call(core, index)))?;
        Ok(known?)
    }

    fn shared(&self) -> &Shared {
        &self.clocked.shared
    }

    fn core<'c>(&'c self, state: &'c mut State<L, N>) -> Core<'c, L, N> {
        Core {
            state,
            shared: self.shared(),
            platform: &self.clocked.board,
            now: self.clocked.board.now(),
        }
    }
}

impl<L, P, const N: usize> fmt::Debug for Espat<'_, L, P, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Espat").finish_non_exhaustive()
    }
}

impl<L: UartLink, P: Platform, const N: usize> Netdev for Espat<'_, L, P, N> {
    fn platform(&self) -> &dyn Platform {
        &self.clocked
    }

    fn drive(&self) -> Option<Instant> {
        self.state
            .if_home(|state| {
                let mut core = self.core(state);
                let _ = core.enter(&mut Sink::Nobody);
                core.due()
            })
            .flatten()
    }

    fn netlink(&self) -> Option<&dyn Netlink> {
        Some(self)
    }

    fn turns(&self) -> Option<&netdev::Turns> {
        Some(self.state.turns())
    }

    fn capabilities(&self) -> Capabilities {
        self.shared().capabilities()
    }

    fn addr(&self) -> nb::Result<IpConfig, Error> {
        self.with(|core| Ok(core.state.wifi.address().ok_or(Error::LinkDown)?))
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
            let fd = self.shared().handles.open()?;
            let index = core.index(fd)?;
            core.socket(index)?.dgram = dgram;
            Ok(fd)
        })
    }

    fn close(&self, fd: SockFd) {
        if self.shared().handles.mark_closed(fd) {
            self.state.if_home(|state| {
                let mut core = self.core(state);
                if core.state.boot.power == Power::On {
                    core.move_line(&mut Sink::Nobody);
                }
                core.reap();
                core.write_out();
            });
        }
    }

    fn connect(&self, fd: SockFd, remote: Remote<'_>) -> nb::Result<(), Error> {
        let remote = match remote {
            Remote::Addr(SocketAddr::V4(addr)) => Ok(addr),
            Remote::Addr(SocketAddr::V6(_)) => Err(Error::Unsupported),
            Remote::Host(..) => Err(Error::InvalidInput),
        };
        self.with_socket(fd, |core, index| {
            if core.socket(index)?.dgram {
                return core.connect_datagram(index, remote?);
            }
            core.connect(index, remote?)
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
        plain(flags)?;
        let mut answer = Err(nb::Error::WouldBlock);
        // The line is looked at with the caller's buffer in hand, so that data go straight there.
        self.run_socket(fd, false, &mut |core, index| {
            let dgram = core.socket(index).is_ok_and(|socket| socket.dgram);
            answer = if dgram {
                core.enter(&mut Sink::Nobody)
                    .and_then(|()| core.recv_datagram(index, buf))
                    .map(|(len, _)| len.min(buf.len()))
            } else {
                core.recv(index, buf)
            };
        })?;
        answer
    }

    fn in_flight(&self, fd: SockFd, side: Side) -> bool {
        self.shared().handles.slot(fd).is_ok_and(|slot| self.shared().in_flight(slot, side))
    }

    fn next_ready(&self, after: Option<SockFd>) -> Readiness {
        self.state
            .if_home(|state| {
                let mut core = self.core(state);
                if core.state.boot.power == Power::On {
                    core.move_line(&mut Sink::Nobody);
                }
                core.next_ready(after)
            })
            .unwrap_or(Readiness::Unknown)
    }

    fn bind(&self, fd: SockFd, local: SocketAddr) -> nb::Result<(), Error> {
        self.with_socket(fd, |core, index| {
            if core.socket(index)?.dgram {
                return core.bind_datagram(index, local);
            }
            core.bind(index, local)
        })
    }

    fn listen(&self, fd: SockFd, _backlog: u16) -> nb::Result<(), Error> {
        self.with_socket(fd, |core, index| core.listen(index))
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
        plain(flags)?;
        self.with_socket(fd, |core, index| core.recv_datagram(index, buf))
    }

    fn set_sock_opt(&self, fd: SockFd, option: SockOpt<'_>) -> nb::Result<(), Error> {
        self.with_socket(fd, |core, index| core.set_option(index, option))
    }

    fn local_addr(&self, fd: SockFd) -> nb::Result<SocketAddr, Error> {
        self.with_socket(fd, |core, index| {
            let port = core.local_port(index)?;
            let config = core.state.wifi.address().ok_or(Error::LinkDown)?;
            Ok(SocketAddr::new(config.addr, port))
        })
    }

    fn peer_addr(&self, fd: SockFd) -> nb::Result<SocketAddr, Error> {
        self.with_socket(fd, |core, index| {
            let socket = core.socket(index)?;
            let known = match socket.kind {
                Kind::Stream => true,
                Kind::Datagram => socket.connected,
                _ => false,
            };
            if known { Ok(SocketAddr::V4(socket.peer)) } else { Err(Error::NotConnected.into()) }
        })
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
        self.shared().lookups.mark_closed(SockFd::new(lookup.slot(), lookup.generation()));
        self.state.if_home(|state| self.core(state).reap_lookup());
    }
}

/// No flag means anything to this firmware.
fn plain(flags: SockFlags) -> Result<(), Error> {
    if flags == SockFlags::NONE { Ok(()) } else { Err(Error::Unsupported) }
}

impl<L: UartLink, P: Platform, const N: usize> Netlink for Espat<'_, L, P, N> {
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

    fn scan(&self, found: &mut [AccessPoint]) -> nb::Result<usize, Error> {
        self.state.try_with(|state| self.core(state).scan(found))
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

    fn set_host_name(&self, name: &str) -> nb::Result<(), Error> {
        self.with(|core| core.set_host_name(name))
    }

    fn set_name_servers(&self, servers: &[IpAddr]) -> nb::Result<(), Error> {
        self.with(|core| core.set_name_servers(servers))
    }

    fn set_power(&self, mode: PowerMode) -> nb::Result<(), Error> {
        self.with(|core| core.set_power(mode))
    }

    /// The firmware has no parameter for the hop limit: only its own, 64, can be had.
    fn ping(&self, host: IpAddr, hop_limit: u8) -> nb::Result<Duration, Error> {
        if hop_limit != 64 {
            return Err(Error::Unsupported.into());
        }
        self.with(|core| core.ping(host))
    }

    fn clock(&self) -> nb::Result<Option<u64>, Error> {
        self.with(|core| core.clock())
    }

    fn next_event(&self) -> Option<Event> {
        self.state.if_home(|state| state.events.pop()).flatten()
    }
}
