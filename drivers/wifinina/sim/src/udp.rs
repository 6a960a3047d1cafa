//! Datagrams of the slots: the firmware's UDP class.

use core::net::{Ipv4Addr, SocketAddrV4};

use crate::firmware::Firmware;
use crate::gpio0::Look;
use crate::lwip::{DGRAM, Fd};
use crate::persona::Core;

#[derive(Debug)]
pub(crate) struct Udp {
    pub(crate) fd: Option<Fd>,
    /// The destination, and the last sender: one place for both (Q7).
    pub(crate) remote: SocketAddrV4,
    received: Vec<u8>,
    read: usize,
    sending: Vec<u8>,
}

impl Default for Udp {
    fn default() -> Self {
        Self {
            fd: None,
            remote: SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 0),
            received: Vec::new(),
            read: 0,
            sending: Vec::new(),
        }
    }
}

impl Firmware {
    /// Binds. Only the socket is new: the destination, what waits to be sent and what is left of a
    /// datagram stay. The socket that was there is overwritten, not closed (Q6); Adafruit 3.x stops first.
    pub(crate) fn begin_udp(&mut self, slot: u8, port: u16) -> bool {
        if self.persona.core == Core::Esp32 {
            self.stop_udp(slot);
        }
        let fd = self.datagram_socket(port);
        let Some(at) = self.slot_mut(slot) else { return false };
        at.udp.fd = fd;
        fd.is_some()
    }

    fn datagram_socket(&mut self, port: u16) -> Option<Fd> {
        let made = self.lwip.socket(DGRAM);
        let fd = self.note(made)?;
        let bound = self.lwip.bind(fd, port);
        if self.note(bound).is_none() {
            let _ = self.lwip.close(fd);
            return None;
        }
        let _ = self.lwip.set_non_blocking(fd, true);
        Some(fd)
    }

    /// Sets the destination and empties the buffer; makes no socket, except on Adafruit 3.x.
    pub(crate) fn begin_packet(&mut self, slot: u8, remote: SocketAddrV4) -> bool {
        let Some(at) = self.slot_mut(slot) else { return false };
        at.udp.remote = remote;
        at.udp.sending.clear();
        if self.persona.core == Core::Esp32 && self.slot(slot).is_some_and(|at| at.udp.fd.is_none())
        {
            let fd = self.datagram_socket(0);
            if let Some(at) = self.slot_mut(slot) {
                at.udp.fd = fd;
            }
            return fd.is_some();
        }
        true
    }

    /// Appends. Beyond its buffer the Arduino firmware corrupts memory (Q13); Adafruit 3.x sends
    /// what it has.
    pub(crate) fn write_datagram(&mut self, slot: u8, data: &[u8]) -> bool {
        let limit = self.persona.datagram_buffer;
        let flushes = self.persona.core == Core::Esp32;
        let Some(at) = self.slot_mut(slot) else { return false };
        at.udp.sending.extend_from_slice(data);
        while self.slot(slot).is_some_and(|at| at.udp.sending.len() > limit) {
            self.monitor.count(|c| c.datagram_overflows += 1);
            let Some(at) = self.slot_mut(slot) else { return false };
            let rest = at.udp.sending.split_off(limit);
            if !flushes {
                break;
            }
            self.send_datagram(slot);
            if let Some(at) = self.slot_mut(slot) {
                at.udp.sending = rest;
            }
        }
        !data.is_empty()
    }

    /// Sends the buffer and keeps it: asked again, it sends it again.
    pub(crate) fn send_datagram(&mut self, slot: u8) -> bool {
        let Some(at) = self.slots.get(usize::from(slot)) else { return false };
        let Some(fd) = at.udp.fd else { return false };
        let sent = self.lwip.send_to(fd, &at.udp.sending, at.udp.remote);
        self.note(sent).is_some()
    }

    /// Closes. Adafruit 3.x empties the buffers, the others keep them; the destination stays in all.
    pub(crate) fn stop_udp(&mut self, slot: u8) {
        let empties = self.persona.core == Core::Esp32;
        let Some(at) = self.slot_mut(slot) else { return };
        if empties {
            at.udp = Udp { fd: at.udp.fd, remote: at.udp.remote, ..Udp::default() };
        }
        if let Some(fd) = at.udp.fd.take() {
            let _ = self.lwip.close(fd);
        }
    }

    /// Bytes left of the current datagram.
    pub(crate) fn datagram_rest(&self, slot: u8) -> usize {
        self.slot(slot).map_or(0, |at| at.udp.received.len() - at.udp.read)
    }

    pub(crate) fn read_datagram(&mut self, slot: u8, limit: usize, peek: bool) -> Vec<u8> {
        let Some(at) = self.slot_mut(slot) else { return Vec::new() };
        let udp = &mut at.udp;
        let bytes: Vec<u8> = udp.received.iter().skip(udp.read).take(limit).copied().collect();
        if !peek {
            udp.read += bytes.len();
        }
        bytes
    }

    /// Readable with a rest; without one, receives the next datagram. An empty one is swallowed.
    pub(crate) fn look_at_datagrams(&mut self, slot: u8) -> Look {
        if self.datagram_rest(slot) > 0 {
            return Look { readable: true, received: false };
        }
        let Some(fd) = self.slot(slot).and_then(|at| at.udp.fd) else { return Look::default() };
        let limit = self.persona.datagram_buffer;
        let Ok((bytes, from)) = self.lwip.recv_from(fd, limit) else { return Look::default() };
        let readable = !bytes.is_empty();
        if let Some(at) = self.slot_mut(slot) {
            at.udp.remote = from;
            at.udp.received = bytes;
            at.udp.read = 0;
        }
        Look { readable, received: true }
    }
}
