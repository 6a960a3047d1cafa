//! Local ports, of the caller's choice or ours: the firmware does not always tell its own.

use netdev::Error;
use netdev_uart::UartLink;

use crate::sockets::Kind;
use crate::state::Core;

impl<L: UartLink> Core<'_, L> {
    /// Gives a socket a port that the caller left to us.
    pub(crate) fn choose_port(&mut self, index: u8, others: u8) -> Result<(), Error> {
        let port = self.ephemeral_port(index);
        let socket = self.socket(index)?;
        socket.port = port;
        socket.other_ports = others;
        Ok(())
    }

    /// The chip says that the port is taken: tries another, where that is ours to choose.
    pub(crate) fn port_was_taken(&mut self, index: u8) -> Result<(), Error> {
        let others = self.socket(index)?.other_ports.checked_sub(1).ok_or(Error::AddrInUse)?;
        self.choose_port(index, others)
    }

    pub(crate) fn port_is_taken(&self, index: u8, port: u16) -> bool {
        let dgram = self.state.sockets.get(usize::from(index)).is_some_and(|it| it.dgram);
        (0_u8..).zip(&self.state.sockets).any(|(other, socket)| {
            let bound = socket.kind != Kind::Stream;
            other != index && bound && socket.port == port && socket.dgram == dgram
        })
    }

    /// A port of RFC 6335's dynamic range, at random where the platform has random numbers.
    fn ephemeral_port(&mut self, index: u8) -> u16 {
        let mut port = u16::from_be_bytes([self.random(), self.random()]) | 0xC000;
        while self.port_is_taken(index, port) {
            port = port.wrapping_add(1) | 0xC000;
        }
        port
    }
}
