//! Datagrams.

use core::cell::RefCell;
use core::net::SocketAddr;

use mio::net::UdpSocket;
use netdev::{AddressFamily, Error, SockFd};

use crate::error::translate;
use crate::flags::{READ, WRITE};
use crate::reactor::Reactor;
use crate::socket::{Io, Phase, Socket};

/// Largest payload of a datagram over IPv4: what the length fields leave (RFC 768, RFC 791).
pub(crate) const LARGEST: u16 = u16::MAX - 8 - 20;

impl Socket {
    /// Makes a new datagram socket one that can be used. It must be in the table.
    pub(crate) fn watch_datagrams(&self, reactor: &Reactor, fd: SockFd) -> Result<(), Error> {
        let raw = self.fresh().take().ok_or(Error::InvalidState)?;
        let mut udp = UdpSocket::from_std(raw.into());
        reactor.watch(&mut udp, fd).map_err(|error| translate(&error))?;
        self.become_io(Io::Datagram(udp));
        Ok(())
    }

    pub(crate) fn connect_datagram(&self, remote: SocketAddr) -> Result<(), Error> {
        self.check_family(remote)?;
        self.udp()?.connect(remote).map_err(|error| translate(&error))?;
        self.enter(Phase::Connected);
        Ok(())
    }

    pub(crate) fn send_datagram(&self, data: &[u8]) -> nb::Result<usize, Error> {
        let udp = self.udp()?;
        if self.phase() != Phase::Connected {
            return Err(nb::Error::Other(Error::DestinationRequired));
        }
        self.take_error()?;
        self.attempt(WRITE, || udp.send(data), |_| false)
    }

    pub(crate) fn send_datagram_to(&self, data: &[u8], to: SocketAddr) -> nb::Result<usize, Error> {
        let udp = self.udp()?;
        if self.phase() == Phase::Connected {
            return Err(nb::Error::Other(Error::InvalidState));
        }
        let to = self.in_own_family(to);
        self.check_family(to)?;
        self.attempt(WRITE, || udp.send_to(data, to), |_| false)
    }

    /// One datagram, its true length and its sender. The system cuts what does not fit without a
    /// word, so a datagram that might not fit is taken into a buffer where every one does.
    pub(crate) fn recv_datagram(
        &self,
        buf: &mut [u8],
        peek: bool,
    ) -> nb::Result<(usize, SocketAddr), Error> {
        let udp = self.udp()?;
        self.take_error()?;
        let take = |buf: &mut [u8]| if peek { udp.peek_from(buf) } else { udp.recv_from(buf) };
        if buf.len() >= WHOLE {
            return self.attempt(READ, || take(buf), |_| false);
        }
        if !self.flags().has(READ) {
            return Err(nb::Error::WouldBlock);
        }
        SCRATCH.with_borrow_mut(|scratch| {
            scratch.resize(WHOLE, 0);
            let (length, from) = self.attempt(READ, || take(scratch), |_| false)?;
            for (to, from) in buf.iter_mut().zip(scratch.iter().take(length)) {
                *to = *from;
            }
            Ok((length, from))
        })
    }

    fn udp(&self) -> Result<&UdpSocket, Error> {
        match self.io() {
            Some(Io::Datagram(udp)) => Ok(udp),
            _ => Err(Error::InvalidState),
        }
    }

    /// A socket of IPv6 speaks with peers of IPv4 by addresses of its own family.
    fn in_own_family(&self, addr: SocketAddr) -> SocketAddr {
        match addr {
            SocketAddr::V4(four) if self.family() == AddressFamily::Inet6 => {
                SocketAddr::new(four.ip().to_ipv6_mapped().into(), four.port())
            }
            addr => addr,
        }
    }

    fn check_family(&self, addr: SocketAddr) -> Result<(), Error> {
        let same = AddressFamily::of(&addr) == self.family();
        if same { Ok(()) } else { Err(Error::InvalidInput) }
    }
}

/// Room for any datagram.
const WHOLE: usize = 1 << 16;

thread_local! {
    static SCRATCH: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}
