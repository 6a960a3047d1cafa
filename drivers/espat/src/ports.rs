//! Local ports, of the caller's choice or ours.

use core::net::SocketAddr;

use netdev::Error;
use netdev_uart::UartLink;

use crate::sockets::Kind;
use crate::state::Core;

impl<L: UartLink, const N: usize> Core<'_, L, N> {
    pub(crate) fn bind(&mut self, index: u8, local: SocketAddr) -> nb::Result<(), Error> {
        if !local.ip().is_ipv4() {
            return Err(Error::Unsupported.into());
        }
        let ours = self.state.wifi.address();
        if !local.ip().is_unspecified() && ours.is_none_or(|it| it.addr != local.ip()) {
            return Err(Error::AddrNotAvailable.into());
        }
        let socket = self.sound(index)?;
        if socket.kind != Kind::Fresh || socket.port != 0 {
            return Err(Error::InvalidState.into());
        }
        if local.port() != 0 && self.port_is_taken(index, local.port()) {
            return Err(Error::AddrInUse.into());
        }
        if local.port() == 0 {
            self.choose_port(index, OTHER_PORTS)?;
        } else {
            self.socket(index)?.port = local.port();
        }
        Ok(())
    }

    /// Gives a socket a port that the caller left to us.
    pub(crate) fn choose_port(&mut self, index: u8, others: u8) -> Result<(), Error> {
        let port = self.ephemeral_port(index);
        let socket = self.socket(index)?;
        socket.port = port;
        socket.other_ports = others;
        Ok(())
    }

    /// The module refuses: tries another port, where that is ours to choose.
    pub(crate) fn port_was_taken_or(&mut self, index: u8, error: Error) {
        let Ok(socket) = self.socket(index) else { return };
        let down = error == Error::LinkDown;
        match socket.other_ports.checked_sub(1) {
            Some(others) if !down => {
                let _ = self.choose_port(index, others);
            }
            _ => self.refuse(index, if down { error } else { Error::AddrInUse }),
        }
    }

    pub(crate) fn port_is_taken(&self, index: u8, port: u16) -> bool {
        let same = self.state.sockets.get(usize::from(index)).map(|it| it.dgram);
        (0_u8..).zip(&self.state.sockets).any(|(other, socket)| {
            let bound = !matches!(socket.kind, Kind::Stream | Kind::Connecting);
            let closing = self.shared.handles.is_closing(usize::from(other));
            other != index && bound && !closing && socket.port == port && same == Some(socket.dgram)
        })
    }

    /// A port of RFC 6335's dynamic range, at random where the platform has random numbers.
    fn ephemeral_port(&mut self, index: u8) -> u16 {
        let mut seed = [0; 2];
        if self.platform.fill_random(&mut seed).is_err() {
            let [.., high, low] = self.now.as_micros().to_be_bytes();
            seed = [high, low];
        }
        let mut port = u16::from_be_bytes(seed) | 0xC000;
        while self.port_is_taken(index, port) {
            port = port.wrapping_add(1) | 0xC000;
        }
        port
    }
}

/// How many ports of our own choice are tried.
pub(crate) const OTHER_PORTS: u8 = 8;
