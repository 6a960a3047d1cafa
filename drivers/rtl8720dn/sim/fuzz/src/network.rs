//! A network whose every answer is drawn from a seed.

use core::net::{IpAddr, Ipv4Addr, SocketAddr};

use netdev::{Error, Side};
use netdev_sim::{Sock, Stack};

pub(crate) struct Moody {
    dice: u64,
    last: u32,
}

impl Moody {
    pub(crate) fn new(seed: u64) -> Self {
        Self { dice: seed, last: 0 }
    }

    /// A number below `sides`.
    fn roll(&mut self, sides: usize) -> usize {
        self.dice ^= self.dice << 13 | 1;
        self.dice ^= self.dice >> 7;
        self.dice ^= self.dice << 17;
        (self.dice >> 16) as usize % sides.max(1)
    }

    /// A new socket, or, one time in `odds`, an error.
    fn open(&mut self, odds: usize, error: Error) -> Result<Sock, Error> {
        self.last += 1;
        if self.roll(odds) == 0 { Err(error) } else { Ok(Sock(self.last)) }
    }

    fn progress(&mut self) -> nb::Result<(), Error> {
        let errors = [Error::ConnectionReset, Error::ConnectionRefused, Error::TimedOut];
        match self.roll(12) {
            at @ 0..=2 => Err(nb::Error::Other(errors[at])),
            3..=5 => Err(nb::Error::WouldBlock),
            _ => Ok(()),
        }
    }

    fn fill(&mut self, buf: &mut [u8]) -> usize {
        let length = self.roll(buf.len().min(3000) + 1);
        buf[..length].fill(b'u');
        length
    }

    fn somebody(&mut self) -> SocketAddr {
        (Ipv4Addr::new(10, 0, 0, 1), 1000 + self.roll(9) as u16).into()
    }
}

impl Stack for Moody {
    fn addr(&self) -> Ipv4Addr {
        Ipv4Addr::new(10, 0, 0, 2)
    }

    fn connect(&mut self, _: SocketAddr) -> Result<Sock, Error> {
        self.open(8, Error::Unreachable)
    }

    fn connected(&mut self, _: Sock) -> nb::Result<(), Error> {
        self.progress()
    }

    fn listen(&mut self, _: u16, _: u16) -> Result<Sock, Error> {
        self.open(8, Error::AddrInUse)
    }

    fn accept(&mut self, _: Sock) -> nb::Result<(Sock, SocketAddr), Error> {
        self.progress()?;
        Ok((self.open(9, Error::BadSocket)?, self.somebody()))
    }

    fn send(&mut self, _: Sock, data: &[u8]) -> nb::Result<usize, Error> {
        self.progress()?;
        Ok(self.roll(data.len() + 1))
    }

    fn recv(&mut self, _: Sock, buf: &mut [u8], _: bool) -> nb::Result<usize, Error> {
        self.progress()?;
        Ok(self.fill(buf))
    }

    fn shutdown(&mut self, _: Sock, _: Side) -> Result<(), Error> {
        if self.roll(4) == 0 { Err(Error::NotConnected) } else { Ok(()) }
    }

    fn close(&mut self, _: Sock) {}

    fn udp(&mut self, _: u16) -> Result<Sock, Error> {
        self.open(8, Error::AddrInUse)
    }

    fn send_to(&mut self, _: Sock, data: &[u8], _: SocketAddr) -> nb::Result<usize, Error> {
        self.progress()?;
        Ok(data.len())
    }

    fn recv_from(
        &mut self,
        _: Sock,
        buf: &mut [u8],
        _: bool,
    ) -> nb::Result<(usize, SocketAddr), Error> {
        self.progress()?;
        Ok((self.fill(buf), self.somebody()))
    }

    fn local_addr(&self, _: Sock) -> Result<SocketAddr, Error> {
        Ok((Ipv4Addr::new(10, 0, 0, 2), 50_000).into())
    }

    fn lookup(&mut self, _: &str) -> nb::Result<Vec<IpAddr>, Error> {
        match self.roll(4) {
            0 => Err(nb::Error::WouldBlock),
            1 => Err(nb::Error::Other(Error::HostUnknown)),
            _ => Ok(vec![IpAddr::V4(Ipv4Addr::new(10, 0, 0, 9))]),
        }
    }
}
