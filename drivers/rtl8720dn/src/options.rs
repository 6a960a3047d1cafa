//! Options of sockets, their ends and their addresses.

use core::net::SocketAddr;
use core::time::Duration;

use netdev::{Error, Side, SockOpt};
use netdev_uart::UartLink;

use crate::address::{SOCKADDR_LEN, from_sockaddr};
use crate::codec::Answer;
use crate::codec::Value::{Bin, I32, U32};
use crate::exchange::Owner;
use crate::method::{Method, lwip, value};
use crate::open::socket_error;
use crate::sockets::Kind;
use crate::state::Core;

impl<L: UartLink> Core<'_, L> {
    pub(crate) fn set_sock_opt(&mut self, index: u8, option: SockOpt<'_>) -> nb::Result<(), Error> {
        const SOCKET: i32 = value::SOL_SOCKET;
        const TCP: i32 = value::IPPROTO_TCP;
        let dgram = self.sound(index)?.dgram;
        match option {
            SockOpt::NoDelay(on) if !dgram => {
                self.set(index, TCP, value::TCP_NODELAY, i32::from(on))
            }
            SockOpt::Broadcast(on) if dgram => {
                self.set(index, SOCKET, value::SO_BROADCAST, i32::from(on))
            }
            SockOpt::KeepAlive(None) if !dgram => self.set(index, SOCKET, value::SO_KEEPALIVE, 0),
            SockOpt::KeepAlive(Some(period)) if !dgram => self.keep_alive(index, period),
            _ => Err(Error::Unsupported.into()),
        }
    }

    /// Three options, one after the other.
    fn keep_alive(&mut self, index: u8, period: Duration) -> nb::Result<(), Error> {
        let seconds = i32::try_from(seconds(period)).unwrap_or(i32::MAX);
        let options = [
            (value::IPPROTO_TCP, value::TCP_KEEPIDLE, seconds),
            (value::IPPROTO_TCP, value::TCP_KEEPINTVL, seconds),
            (value::SOL_SOCKET, value::SO_KEEPALIVE, 1),
        ];
        for (level, name, to) in options.into_iter().skip(self.sound(index)?.options_set.into()) {
            self.set(index, level, name, to)?;
            self.sound(index)?.options_set += 1;
        }
        self.sound(index)?.options_set = 0;
        Ok(())
    }

    fn set(&mut self, index: u8, level: i32, name: i32, to: i32) -> nb::Result<(), Error> {
        self.create(index)?;
        self.set_number(index, level, name, to)
    }

    /// Sets an option of a socket that has a number. The chip takes the length as it is told.
    pub(crate) fn set_number(
        &mut self,
        index: u8,
        level: i32,
        name: i32,
        to: i32,
    ) -> nb::Result<(), Error> {
        let number = self.sound(index)?.number()?;
        let owner = Owner::Query(index);
        let to = to.to_le_bytes();
        let values = [I32(number), I32(level), I32(name), Bin(&to), U32(4)];
        let answer = self.ask(owner, &lwip::SETSOCKOPT, &values)?;
        match answer.result() {
            Some(0) => Ok(()),
            _ => Err(socket_error(answer.errno).into()),
        }
    }

    pub(crate) fn shutdown(&mut self, index: u8, side: Side) -> nb::Result<(), Error> {
        let socket = self.sound(index)?;
        if socket.kind != Kind::Stream {
            return Err(Error::NotConnected.into());
        }
        let number = socket.number()?;
        let how = match side {
            Side::Read => value::SHUT_RD,
            Side::Write => value::SHUT_WR,
        };
        // What is being sent comes first.
        if self.is_out(Owner::Write(index)) {
            return Err(nb::Error::WouldBlock);
        }
        let owner = Owner::Query(index);
        let answer = self.ask(owner, &lwip::SHUTDOWN, &[I32(number), I32(how)])?;
        if answer.result() != Some(0) {
            return Err(socket_error(answer.errno).into());
        }
        let socket = self.sound(index)?;
        match side {
            Side::Read => socket.ended = true,
            Side::Write => socket.shut = true,
        }
        Ok(())
    }

    pub(crate) fn local_addr(&mut self, index: u8) -> nb::Result<SocketAddr, Error> {
        let config = self.state.link.address().ok_or(Error::LinkDown)?;
        let socket = self.socket(index)?;
        let port = socket.port;
        if port != 0 {
            return Ok(SocketAddr::new(config.addr, port));
        }
        if socket.kind != Kind::Stream {
            return Err(Error::Unsupported.into());
        }
        let name = self.ask_name(index, &lwip::GETSOCKNAME)?;
        self.socket(index)?.port = name.port();
        Ok(name)
    }

    pub(crate) fn peer_addr(&mut self, index: u8) -> nb::Result<SocketAddr, Error> {
        let socket = self.socket(index)?;
        match socket.kind {
            Kind::Stream | Kind::Datagram(true) if socket.peer.port() != 0 => {
                Ok(SocketAddr::V4(socket.peer))
            }
            Kind::Stream => self.ask_name(index, &lwip::GETPEERNAME),
            _ => Err(Error::NotConnected.into()),
        }
    }

    fn ask_name(&mut self, index: u8, method: &'static Method) -> nb::Result<SocketAddr, Error> {
        let number = self.socket(index)?.number()?;
        let values = [I32(number), U32(SOCKADDR_LEN)];
        let answer = self.ask(Owner::Query(index), method, &values)?;
        let told = Some(&answer).filter(|answer| answer.result() == Some(0));
        let name = told.and_then(Answer::blob).and_then(from_sockaddr);
        Ok(name.map(SocketAddr::V4).ok_or(Error::Unsupported)?)
    }
}

/// At least one.
fn seconds(period: Duration) -> u64 {
    period.as_secs() + u64::from(period.subsec_nanos() > 0)
}
