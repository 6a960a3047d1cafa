//! Outgoing connections: by descriptor where the firmware can, so that a dead host freezes nobody;
//! otherwise by slot, posted.

use core::net::SocketAddrV4;

use netdev::{Error, Fault};

use crate::command::{
    BIND, CONNECT, FIONBIO, GET_SOCKET, GETSOCKOPT, IOCTL, NO_SOCKET, POLL, POLL_FAILED,
    POLL_WRITABLE, SO_ERROR, SOCK_STREAM, SOCKET, START_CLIENT_TCP, TCP_MODE, errno,
};
use crate::exchange::{Owner, REJECTED};
use crate::look::LOOK;
use crate::sockets::{Channel, Kind};
use crate::spi::SpiLink;
use crate::state::Core;
use crate::stream::Stream;

/// How far a connect has come: the step whose answer is awaited.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Connect {
    /// A descriptor is asked for.
    Open,
    /// It is made non-blocking.
    Unblock(u8),
    /// It gets its local port.
    Bind(u8),
    /// The connect is started.
    Start(u8),
    /// It runs; the descriptor is asked whether it became writable.
    Run(u8),
    /// It ended, one way or the other.
    Outcome(u8),
    /// A slot is asked for.
    Slot,
    /// The firmware connects it, and does nothing else meanwhile.
    Dial(u8),
}

impl Connect {
    /// What the chip has to close if the connect is given up here.
    pub(crate) fn channel(self) -> Option<Channel> {
        match self {
            Self::Open | Self::Slot => None,
            Self::Unblock(fd)
            | Self::Bind(fd)
            | Self::Start(fd)
            | Self::Run(fd)
            | Self::Outcome(fd) => Some(Channel::Descriptor(fd)),
            // STOP on a slot that was not taken does nothing.
            Self::Dial(slot) => Some(Channel::Slot(slot)),
        }
    }
}

impl<L: SpiLink> Core<'_, L> {
    pub(crate) fn connect(&mut self, index: u8, remote: SocketAddrV4) -> nb::Result<(), Error> {
        let descriptors = self.state.firmware.descriptors;
        let socket = self.sound(index)?;
        match socket.kind {
            // START_CLIENT_TCP has no place for a local port.
            Kind::Fresh if socket.port != 0 && !descriptors => {
                return Err(Error::Unsupported.into());
            }
            Kind::Fresh => {
                socket.peer = remote;
                let first = if descriptors { Connect::Open } else { Connect::Slot };
                socket.kind = Kind::Connect(first);
            }
            Kind::Connect(_) => {}
            _ => return Err(Error::InvalidState.into()),
        }
        loop {
            let socket = self.sound(index)?;
            let Kind::Connect(step) = socket.kind else { return Ok(()) };
            let remote = socket.peer;
            let next = self.connect_step(index, step, remote).map_err(|error| {
                error.map(|error| {
                    self.fail_socket(index, error);
                    error
                })
            })?;
            self.sound(index)?.kind = next;
        }
    }

    fn connect_step(
        &mut self,
        index: u8,
        step: Connect,
        remote: SocketAddrV4,
    ) -> nb::Result<Kind, Error> {
        let owner = Owner::Write(index);
        let (ip, port) = (remote.ip().octets(), remote.port().to_be_bytes());
        Ok(Kind::Connect(match step {
            Connect::Open => {
                let fd = self.ask(owner, &SOCKET, &[&[SOCK_STREAM], &[0]])?.byte();
                match fd.ok_or(Error::Fault(Fault::Frame))? {
                    NO_SOCKET => return Err(self.out_of_descriptors().into()),
                    fd => Connect::Unblock(fd),
                }
            }
            Connect::Unblock(fd) => {
                self.unblock(owner, fd)?;
                let bound = self.sound(index)?.port != 0;
                if bound { Connect::Bind(fd) } else { Connect::Start(fd) }
            }
            Connect::Bind(fd) => {
                let port = self.sound(index)?.port.to_be_bytes();
                let answer = self.ask(owner, &BIND, &[&[fd], &port])?;
                match answer.errno {
                    _ if !answer.is_zero() => Connect::Start(fd),
                    errno::EADDRINUSE => {
                        self.port_was_taken(index)?;
                        Connect::Bind(fd)
                    }
                    errno => return Err(connect_error(errno).into()),
                }
            }
            Connect::Start(fd) => return self.connect_start(index, fd, remote),
            Connect::Run(fd) => return self.connect_running(index, fd),
            Connect::Outcome(fd) => {
                let name = SO_ERROR.to_le_bytes();
                let answer = self.ask(owner, &GETSOCKOPT, &[&[fd], &name, &[4]])?;
                match answer.bytes().first().copied().unwrap_or(errno::ECONNABORTED) {
                    errno::NONE => return Ok(connected(fd)),
                    errno => return Err(connect_error(errno).into()),
                }
            }
            Connect::Slot => {
                let slot = self.ask(owner, &GET_SOCKET, &[])?.byte();
                match slot.ok_or(Error::Fault(Fault::Frame))? {
                    NO_SOCKET => return Err(self.out_of_slots()),
                    slot => Connect::Dial(slot),
                }
            }
            Connect::Dial(slot) => {
                let params: [&[u8]; 4] = [&ip, &port, &[slot], &[TCP_MODE]];
                let answer = self.ask(owner, &START_CLIENT_TCP, &params)?;
                if answer.is_zero() {
                    return Err(Error::ConnectionRefused.into());
                }
                return Ok(Kind::Stream(Stream::new(Channel::Slot(slot), false)));
            }
        }))
    }

    fn connect_start(
        &mut self,
        index: u8,
        fd: u8,
        remote: SocketAddrV4,
    ) -> nb::Result<Kind, Error> {
        let (ip, port) = (remote.ip().octets(), remote.port().to_be_bytes());
        let answer = self.ask(Owner::Write(index), &CONNECT, &[&[fd], &ip, &port])?;
        match answer.errno {
            errno::NONE if !answer.is_zero() => Ok(connected(fd)),
            errno::EISCONN => Ok(connected(fd)),
            errno::EINPROGRESS | errno::EALREADY | errno::EAGAIN => {
                self.look_later(index, LOOK);
                Ok(Kind::Connect(Connect::Run(fd)))
            }
            errno => Err(connect_error(errno).into()),
        }
    }

    fn connect_running(&mut self, index: u8, fd: u8) -> nb::Result<Kind, Error> {
        let owner = Owner::Write(index);
        if !self.is_out(owner) && self.call.now() < self.sound(index)?.look_at {
            return Err(nb::Error::WouldBlock);
        }
        let flags = self.ask(owner, &POLL, &[&[fd]])?.byte().unwrap_or(POLL_FAILED);
        self.look_later(index, LOOK);
        if flags & POLL_FAILED != 0 {
            // The firmware could not look. Another CONNECT tells how far the first has come.
            return Ok(Kind::Connect(Connect::Start(fd)));
        }
        if flags & POLL_WRITABLE != 0 {
            return Ok(Kind::Connect(Connect::Outcome(fd)));
        }
        Err(nb::Error::WouldBlock)
    }

    /// Makes a descriptor non-blocking, before anything can wait inside the chip.
    pub(crate) fn unblock(&mut self, owner: Owner, fd: u8) -> nb::Result<(), Error> {
        let (request, on) = (FIONBIO.to_le_bytes(), 1_u32.to_le_bytes());
        let answer = self.ask(owner, &IOCTL, &[&[fd], &request, &on])?;
        if answer.bytes().is_empty() { Err(Error::Fault(REJECTED).into()) } else { Ok(()) }
    }
}

fn connected(fd: u8) -> Kind {
    Kind::Stream(Stream::new(Channel::Descriptor(fd), false))
}

/// lwIP reports a refused connect as a reset, and SYNs that nobody answered as an abort.
fn connect_error(errno: u8) -> Error {
    match errno {
        errno::ECONNRESET => Error::ConnectionRefused,
        errno::ETIMEDOUT | errno::ECONNABORTED => Error::TimedOut,
        errno::EHOSTUNREACH => Error::Unreachable,
        errno::EADDRINUSE => Error::AddrInUse,
        errno::ENFILE | errno::ENOBUFS => Error::NoSockets,
        other => Error::Fault(Fault::Chip(u16::from(other))),
    }
}
