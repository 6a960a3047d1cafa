//! A network that does as it likes, and mostly little.

use core::net::{IpAddr, Ipv4Addr, SocketAddr};

use netdev::{Error, Side};
use netdev_sim::{Sock, Stack};

/// Every answer is drawn; all of them follow from the seed.
pub(crate) struct Moody {
    random: u64,
    last: u32,
}

impl Moody {
    pub(crate) fn new(seed: u64) -> Self {
        Self { random: seed, last: 0 }
    }

    fn draw(&mut self, sides: u64) -> u64 {
        self.random =
            self.random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963);
        (self.random >> 33) % sides
    }

    fn sock(&mut self) -> Sock {
        self.last += 1;
        Sock(self.last)
    }

    /// One in `sides` fails, twice as many have to wait.
    fn mood(&mut self, sides: u64) -> nb::Result<(), Error> {
        match self.draw(sides) {
            0 => Err(Error::ConnectionReset.into()),
            1 | 2 => Err(nb::Error::WouldBlock),
            _ => Ok(()),
        }
    }

    /// Now and then something arrives: mostly a few bytes, seldom as much as fits, or the end.
    fn arrive(&mut self, buf: &mut [u8]) -> nb::Result<usize, Error> {
        let most = match self.draw(64) {
            0 => return Err(Error::ConnectionReset.into()),
            1 => 0,
            2 => buf.len(),
            3..=9 => buf.len().min(40),
            _ => return Err(nb::Error::WouldBlock),
        };
        let count = self.draw(most as u64 + 1) as usize;
        buf[..count].fill(0x5A);
        Ok(count)
    }

    fn peer(&mut self) -> SocketAddr {
        let port = 1 + self.draw(65_535) as u16;
        SocketAddr::from((Ipv4Addr::LOCALHOST, port))
    }
}

impl Stack for Moody {
    fn addr(&self) -> Ipv4Addr {
        Ipv4Addr::LOCALHOST
    }

    fn connect(&mut self, _: SocketAddr) -> Result<Sock, Error> {
        if self.draw(8) == 0 { Err(Error::Unreachable) } else { Ok(self.sock()) }
    }

    fn connected(&mut self, _: Sock) -> nb::Result<(), Error> {
        self.mood(16)
    }

    fn listen(&mut self, _: u16, _: u16) -> Result<Sock, Error> {
        if self.draw(8) == 0 { Err(Error::AddrInUse) } else { Ok(self.sock()) }
    }

    fn accept(&mut self, _: Sock) -> nb::Result<(Sock, SocketAddr), Error> {
        match self.draw(8) {
            0 => Ok((self.sock(), self.peer())),
            _ => Err(nb::Error::WouldBlock),
        }
    }

    fn send(&mut self, _: Sock, data: &[u8]) -> nb::Result<usize, Error> {
        self.mood(16)?;
        let most = data.len() as u64;
        Ok(if most == 0 { 0 } else { 1 + self.draw(most) as usize })
    }

    fn recv(&mut self, _: Sock, buf: &mut [u8], _: bool) -> nb::Result<usize, Error> {
        self.arrive(buf)
    }

    fn shutdown(&mut self, _: Sock, _: Side) -> Result<(), Error> {
        Ok(())
    }

    fn close(&mut self, _: Sock) {}

    fn udp(&mut self, _: u16) -> Result<Sock, Error> {
        if self.draw(8) == 0 { Err(Error::AddrInUse) } else { Ok(self.sock()) }
    }

    fn send_to(&mut self, _: Sock, data: &[u8], _: SocketAddr) -> nb::Result<usize, Error> {
        self.mood(16)?;
        Ok(data.len())
    }

    fn recv_from(
        &mut self,
        _: Sock,
        buf: &mut [u8],
        _: bool,
    ) -> nb::Result<(usize, SocketAddr), Error> {
        Ok((self.arrive(buf)?, self.peer()))
    }

    fn local_addr(&self, _: Sock) -> Result<SocketAddr, Error> {
        Ok(SocketAddr::from((Ipv4Addr::LOCALHOST, 1)))
    }

    fn lookup(&mut self, _: &str) -> nb::Result<Vec<IpAddr>, Error> {
        match self.draw(4) {
            0 => Err(nb::Error::WouldBlock),
            1 => Err(Error::HostUnknown.into()),
            _ => Ok(vec![IpAddr::V4(Ipv4Addr::LOCALHOST)]),
        }
    }
}
