//! From a fresh socket to a connection, a listener, or a datagram socket with a port.

use core::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use core::time::Duration;

use netdev::{Error, Fault};
use netdev_uart::UartLink;

use crate::address::{SOCKADDR_LEN, to_sockaddr};
use crate::codec::Value::{Bin, I32, Null, Present, U32};
use crate::exchange::Owner;
use crate::method::{errno, lwip, value};
use crate::sockets::{Connecting, Kind, Opening};
use crate::state::Core;

impl<L: UartLink> Core<'_, L> {
    pub(crate) fn connect(&mut self, index: u8, remote: SocketAddrV4) -> nb::Result<(), Error> {
        let socket = self.sound(index)?;
        match socket.kind {
            Kind::Fresh => {
                socket.peer = remote;
                socket.kind = Kind::Connecting(Connecting::Create);
            }
            Kind::Connecting(_) => {}
            _ => return Err(Error::InvalidState.into()),
        }
        for _ in 0..STEPS {
            let Kind::Connecting(step) = self.sound(index)?.kind else { return Ok(()) };
            let next = self.connect_step(index, step).map_err(|error| {
                error.map(|error| {
                    self.fail_socket(index, error);
                    error
                })
            })?;
            self.sound(index)?.kind = next;
        }
        Err(nb::Error::WouldBlock)
    }

    fn connect_step(&mut self, index: u8, step: Connecting) -> nb::Result<Kind, Error> {
        let owner = Owner::Write(index);
        Ok(Kind::Connecting(match step {
            Connecting::Create => {
                self.create(index)?;
                Connecting::Unblock
            }
            Connecting::Unblock => {
                self.unblock(index)?;
                let bound = self.sound(index)?.port != 0;
                if bound { Connecting::Bind } else { Connecting::Start }
            }
            Connecting::Bind => {
                if self.bind_number(index)? {
                    Connecting::Start
                } else {
                    Connecting::Bind
                }
            }
            Connecting::Start => {
                let socket = self.sound(index)?;
                let (number, peer) = (socket.number()?, to_sockaddr(socket.peer));
                let values = [I32(number), Bin(&peer), U32(SOCKADDR_LEN)];
                let answer = self.ask(owner, &lwip::CONNECT, &values)?;
                match answer.errno {
                    _ if answer.result() == Some(0) => return Ok(Kind::Stream),
                    errno::EISCONN => return Ok(Kind::Stream),
                    // What went wrong, if anything did, is asked for at the end.
                    errno::EINPROGRESS | errno::EALREADY | errno::EAGAIN | 0 => Connecting::Run,
                    errno => return Err(connect_error(errno).into()),
                }
            }
            Connecting::Run => {
                if !self.is_writable(index)? {
                    return Err(nb::Error::WouldBlock);
                }
                Connecting::Outcome
            }
            Connecting::Outcome => {
                let number = self.sound(index)?.number()?;
                let room = [0; 4];
                let level = I32(value::SOL_SOCKET);
                let values = [I32(number), level, I32(value::SO_ERROR), Bin(&room), U32(4)];
                let answer = self.ask(owner, &lwip::GETSOCKOPT, &values)?;
                let error = answer.array().map_or(errno::ECONNABORTED, i32::from_le_bytes);
                return match error {
                    0 if answer.result() == Some(0) => Ok(Kind::Stream),
                    errno => Err(connect_error(errno).into()),
                };
            }
        }))
    }

    /// Whether the chip takes bytes for a socket, or has news of its connect; asked now and then,
    /// and never waited for longer than a moment inside the chip.
    pub(crate) fn is_writable(&mut self, index: u8) -> nb::Result<bool, Error> {
        let owner = Owner::Write(index);
        let now = self.call.now();
        if !self.is_out(owner) && self.socket(index)?.mail.is_none() {
            let at = self.socket(index)?.write_at;
            if now < at {
                return Err(nb::Error::WouldBlock);
            }
        }
        let number = self.socket(index)?.number()?;
        let set = fd_set(1 << (number & 7));
        let wait = timeval(WRITABLE);
        let values = [I32(number + 1), Null, Present(&set), Null, Present(&wait)];
        let answer = self.ask(owner, &lwip::SELECT, &values)?;
        let writable = answer.result() != Some(0);
        // Others have their turn between two such questions.
        let pause = if writable { Duration::ZERO } else { PAUSE };
        self.socket(index)?.write_at = self.call.now() + pause;
        Ok(writable)
    }

    /// Has the chip give the socket a number, if it has none.
    pub(crate) fn create(&mut self, index: u8) -> nb::Result<(), Error> {
        let socket = self.sound(index)?;
        if socket.id.is_some() && socket.mail.is_none() {
            return Ok(());
        }
        let (kind, protocol) = if socket.dgram {
            (value::SOCK_DGRAM, value::IPPROTO_UDP)
        } else {
            (value::SOCK_STREAM, value::IPPROTO_TCP)
        };
        let values = [I32(value::AF_INET), I32(kind), I32(protocol)];
        let answer = self.ask(Owner::Write(index), &lwip::SOCKET, &values)?;
        match answer.result() {
            Some(0..) => Ok(()),
            Some(_) => Err(Error::NoSockets.into()),
            None => Err(Error::Fault(Fault::Frame).into()),
        }
    }

    /// Any bit but this one is refused, and the socket would go on blocking the whole chip.
    fn unblock(&mut self, index: u8) -> nb::Result<(), Error> {
        let number = self.sound(index)?.number()?;
        let values = [I32(number), I32(value::F_SETFL), I32(value::O_NONBLOCK)];
        let answer = self.ask(Owner::Write(index), &lwip::FCNTL, &values)?;
        if answer.result() == Some(0) { Ok(()) } else { Err(socket_error(answer.errno).into()) }
    }

    /// Whether the port could be had; if not, and it is ours to choose, another one is next.
    fn bind_number(&mut self, index: u8) -> nb::Result<bool, Error> {
        let socket = self.sound(index)?;
        let (number, port) = (socket.number()?, socket.port);
        let name = to_sockaddr(SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, port));
        let values = [I32(number), Bin(&name), U32(SOCKADDR_LEN)];
        let answer = self.ask(Owner::Write(index), &lwip::BIND, &values)?;
        match answer.errno {
            _ if answer.result() == Some(0) => Ok(true),
            errno::EADDRINUSE => {
                self.port_was_taken(index)?;
                Ok(false)
            }
            errno => Err(socket_error(errno).into()),
        }
    }

    pub(crate) fn bind(&mut self, index: u8, local: SocketAddr) -> nb::Result<(), Error> {
        let socket = self.sound(index)?;
        if matches!(socket.kind, Kind::Opening(_)) && socket.dgram {
            return self.open(index, false);
        }
        if !local.ip().is_ipv4() {
            return Err(Error::Unsupported.into());
        }
        let ours = self.state.link.address();
        if !local.ip().is_unspecified() && ours.is_none_or(|it| it.addr != local.ip()) {
            return Err(Error::AddrNotAvailable.into());
        }
        if local.port() != 0 && self.port_is_taken(index, local.port()) {
            return Err(Error::AddrInUse.into());
        }
        let socket = self.sound(index)?;
        if socket.kind != Kind::Fresh || socket.port != 0 {
            return Err(Error::InvalidState.into());
        }
        let dgram = socket.dgram;
        if local.port() == 0 {
            self.choose_port(index, OTHER_PORTS)?;
        } else {
            socket.port = local.port();
        }
        if dgram { self.open(index, false) } else { Ok(()) }
    }

    pub(crate) fn listen(&mut self, index: u8, backlog: u16) -> nb::Result<(), Error> {
        let socket = self.sound(index)?;
        if socket.dgram {
            return Err(Error::Unsupported.into());
        }
        match socket.kind {
            Kind::Listener => return Ok(()),
            Kind::Fresh if socket.port == 0 => self.choose_port(index, OTHER_PORTS)?,
            Kind::Fresh | Kind::Opening(_) => {}
            _ => return Err(Error::InvalidState.into()),
        }
        self.backlog(index, backlog)
    }

    fn backlog(&mut self, index: u8, backlog: u16) -> nb::Result<(), Error> {
        // Also what the firmware's own queue holds.
        let socket = self.sound(index)?;
        if socket.sending == 0 {
            socket.sending = backlog.clamp(1, 255);
        }
        self.open(index, true)?;
        self.sound(index)?.sending = 0;
        Ok(())
    }

    /// Opens a socket on its port. Repeated until done.
    pub(crate) fn open(&mut self, index: u8, listener: bool) -> nb::Result<(), Error> {
        for _ in 0..STEPS {
            let socket = self.sound(index)?;
            let step = match socket.kind {
                Kind::Opening(step) => step,
                Kind::Fresh => Opening::Create,
                _ => return Ok(()),
            };
            socket.kind = Kind::Opening(step);
            let next = self.open_step(index, step, listener).map_err(|error| {
                error.map(|error| {
                    self.stay_fresh(index);
                    error
                })
            })?;
            self.sound(index)?.kind = next;
        }
        Err(nb::Error::WouldBlock)
    }

    /// What could not be opened can be tried again, or bound elsewhere.
    fn stay_fresh(&mut self, index: u8) {
        if let Ok(socket) = self.socket(index) {
            socket.kind = Kind::Fresh;
            socket.port = 0;
        }
    }

    fn open_step(&mut self, index: u8, step: Opening, listener: bool) -> nb::Result<Kind, Error> {
        Ok(Kind::Opening(match step {
            Opening::Create => {
                self.create(index)?;
                if self.sound(index)?.port == 0 {
                    self.choose_port(index, OTHER_PORTS)?;
                }
                if listener { Opening::Reuse } else { Opening::Bind }
            }
            // A port is free again although connections of its former listener linger.
            Opening::Reuse => {
                self.set_number(index, value::SOL_SOCKET, value::SO_REUSEADDR, 1)?;
                Opening::Bind
            }
            Opening::Bind => match self.bind_number(index)? {
                false => Opening::Bind,
                true if listener => Opening::Listen,
                true => return Ok(Kind::Datagram(false)),
            },
            Opening::Listen => {
                let socket = self.sound(index)?;
                let (number, backlog) = (socket.number()?, i32::from(socket.sending));
                let values = [I32(number), I32(backlog)];
                let answer = self.ask(Owner::Write(index), &lwip::LISTEN, &values)?;
                if answer.result() != Some(0) {
                    return Err(socket_error(answer.errno).into());
                }
                Opening::Unblock
            }
            Opening::Unblock => {
                self.unblock(index)?;
                return Ok(Kind::Listener);
            }
        }))
    }
}

/// A set of sockets, in as many bytes as the longest of the known layouts has.
pub(crate) fn fd_set(bits: u8) -> [u8; 8] {
    [bits, 0, 0, 0, 0, 0, 0, 0]
}

/// Seconds and microseconds.
pub(crate) fn timeval(length: Duration) -> [u8; 8] {
    let [a, b, c, d] = length.subsec_micros().to_le_bytes();
    let [e, f, g, h] = u32::try_from(length.as_secs()).unwrap_or(u32::MAX).to_le_bytes();
    [e, f, g, h, a, b, c, d]
}

/// lwIP reports a refused connect as a reset, and SYNs that nobody answered as an abort.
fn connect_error(errno: i32) -> Error {
    match errno {
        errno::ECONNRESET => Error::ConnectionRefused,
        errno::ECONNABORTED => Error::TimedOut,
        errno => socket_error(errno),
    }
}

pub(crate) fn socket_error(errno: i32) -> Error {
    match errno {
        errno::ECONNRESET | errno::ECONNABORTED => Error::ConnectionReset,
        errno::ENOTCONN => Error::BrokenPipe,
        errno::EHOSTUNREACH => Error::Unreachable,
        errno::EADDRINUSE => Error::AddrInUse,
        errno::ENFILE | errno::ENOBUFS | errno::ENOMEM => Error::NoSockets,
        other => Error::Fault(Fault::Chip(u16::try_from(other).unwrap_or(0))),
    }
}

/// Most steps in one call.
const STEPS: u32 = 10;
/// How many ports of our own choice are tried.
const OTHER_PORTS: u8 = 8;
/// How long the chip waits for a socket to become writable, and how long it is left alone then.
const WRITABLE: Duration = Duration::from_millis(10);
const PAUSE: Duration = Duration::from_millis(2);
