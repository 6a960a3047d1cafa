//! Local ports, of the caller's choice or ours.

use netdev::Error;

use crate::sockets::Kind;
use crate::spi::SpiLink;
use crate::state::Core;

impl<L: SpiLink> Core<'_, L> {
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
        let socket = self.socket(index)?;
        socket.port = 0;
        let others = socket.other_ports.checked_sub(1).ok_or(Error::AddrInUse)?;
        self.choose_port(index, others)
    }

    pub(crate) fn port_is_taken(&self, index: u8, port: u16) -> bool {
        (0_u8..).zip(&self.state.sockets).any(|(other, socket)| {
            let same = self.state.sockets.get(usize::from(index)).map(|it| it.dgram);
            let bound = !matches!(
                socket.kind,
                Kind::Stream(_) | Kind::Ended | Kind::Stopped(_) | Kind::Doomed(_)
            );
            other != index && bound && socket.port == port && same == Some(socket.dgram)
        })
    }

    /// A port of RFC 6335's dynamic range, at random where the platform has random numbers.
    fn ephemeral_port(&mut self, index: u8) -> u16 {
        let mut seed = [0; 2];
        if self.call.platform.fill_random(&mut seed).is_err() {
            let [.., high, low] = self.call.now().as_micros().to_be_bytes();
            seed = [high, low];
        }
        let mut port = u16::from_be_bytes(seed) | 0xC000;
        while self.port_is_taken(index, port) {
            port = port.wrapping_add(1) | 0xC000;
        }
        port
    }

    /// The port of a listener that nobody holds: taken first where the choice is ours, since the chip
    /// goes on spending a socket on it.
    pub(crate) fn idle_listener(&self, index: u8) -> Option<u16> {
        let mut kept = self.state.kept.iter().flatten().map(|kept| kept.port);
        kept.find(|&port| !self.port_is_taken(index, port))
    }

    /// The slot of the listener on this port, held or kept.
    pub(crate) fn listener_slot(&self, port: u16) -> Option<u8> {
        let mut kept = self.state.kept.iter().flatten();
        let mut held = self.state.sockets.iter().filter(|socket| socket.port == port);
        let held = held.find_map(|socket| match socket.kind {
            Kind::Listener(listener) => Some(listener.slot),
            _ => None,
        });
        held.or_else(|| kept.find(|kept| kept.port == port).map(|kept| kept.slot))
    }
}

/// How many ports of our own choice are tried.
pub(crate) const OTHER_PORTS: u8 = 8;
