//! UDP by slot, for firmware without descriptors.
//!
//! A slot has one buffer for the datagram to be sent, one for the datagram that came, and one address
//! for both: the destination that was set, or the sender of what came, whichever was later. So before a
//! send the sender of what waits is asked for, the commands of a send go out back to back, and before
//! the last one the destination is looked at: while a datagram waits to be read, none comes after it.

use core::net::{Ipv4Addr, SocketAddrV4};

use netdev::{Error, Fault};

use crate::command::{
    AVAIL_DATA_TCP, GET_DATABUF_TCP, GET_REMOTE_DATA, INSERT_DATABUF, SEND_DATA_UDP,
    START_CLIENT_TCP_UDP, UDP_MODE,
};
use crate::exchange::Owner;
use crate::look::LOOK;
use crate::sockets::Kind;
use crate::spi::SpiLink;
use crate::state::Core;

/// What a slot is doing in each direction.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SlotDatagram {
    outgoing: Outgoing,
    incoming: Incoming,
}

impl SlotDatagram {
    /// With so many bytes in the slot that are not for its new owner.
    pub(crate) fn new(leftover: u16) -> Self {
        let incoming = if leftover == 0 { Incoming::Look } else { Incoming::Rest(leftover) };
        Self { outgoing: Outgoing::Look, incoming }
    }
}

/// The step whose answer is awaited.
#[derive(Clone, Copy, Debug)]
enum Outgoing {
    /// Whether a datagram waits, whose sender the destination would overwrite.
    Look,
    /// That sender; the datagram has this length.
    Sender(u16),
    Destination(Check),
    Payload(Check),
    /// Whether a datagram came in between, whose sender is the destination now.
    Verify,
    /// One of this length did.
    Late(u16),
    Transmit,
}

/// Whether the destination is to be verified before the datagram goes out.
#[derive(Clone, Copy, Debug)]
enum Check {
    Due,
    Done,
}

impl Check {
    fn next(self) -> Outgoing {
        match self {
            Self::Due => Outgoing::Verify,
            Self::Done => Outgoing::Transmit,
        }
    }
}

#[derive(Clone, Copy, Debug)]
enum Incoming {
    Look,
    /// A datagram of this length is there.
    Sender(u16),
    Data(u16, SocketAddrV4),
    /// What did not fit is read and dropped.
    Rest(u16),
}

impl<L: SpiLink> Core<'_, L> {
    pub(crate) fn send_by_slot(
        &mut self,
        index: u8,
        slot: u8,
        data: &[u8],
        to: SocketAddrV4,
    ) -> nb::Result<usize, Error> {
        loop {
            let outgoing = self.slot_datagram(index)?.outgoing;
            if let Outgoing::Transmit = outgoing {
                let sent = self.ask(Owner::Write(index), &SEND_DATA_UDP, &[&[slot]])?;
                self.slot_datagram(index)?.outgoing = Outgoing::Look;
                let failed = sent.is_zero();
                return if failed { Err(Error::Unreachable.into()) } else { Ok(data.len()) };
            }
            let next = self.send_step(index, slot, outgoing, data, to)?;
            self.slot_datagram(index)?.outgoing = next;
        }
    }

    fn send_step(
        &mut self,
        index: u8,
        slot: u8,
        outgoing: Outgoing,
        data: &[u8],
        to: SocketAddrV4,
    ) -> nb::Result<Outgoing, Error> {
        let owner = Owner::Write(index);
        let (ip, port) = (to.ip().octets(), to.port().to_be_bytes());
        // While a datagram waits to be read the firmware receives no other.
        let incoming = self.slot_datagram(index)?.incoming;
        Ok(match outgoing {
            Outgoing::Look => match incoming {
                Incoming::Look => {
                    let len = self.ask(owner, &AVAIL_DATA_TCP, &[&[slot]])?.array();
                    match u16::from_le_bytes(len.ok_or(Error::Fault(Fault::Frame))?) {
                        0 => Outgoing::Destination(Check::Due),
                        len => Outgoing::Sender(len),
                    }
                }
                Incoming::Sender(len) => Outgoing::Sender(len),
                Incoming::Data(..) | Incoming::Rest(_) => Outgoing::Destination(Check::Done),
            },
            Outgoing::Sender(len) => {
                let from = self.remote_of(owner, slot)?;
                self.slot_datagram(index)?.incoming = Incoming::Data(len, from);
                Outgoing::Destination(Check::Done)
            }
            Outgoing::Destination(check) => {
                let params: [&[u8]; 4] = [&ip, &port, &[slot], &[UDP_MODE]];
                self.ask(owner, &START_CLIENT_TCP_UDP, &params)?;
                if data.is_empty() { check.next() } else { Outgoing::Payload(check) }
            }
            Outgoing::Payload(check) => {
                if self.ask(owner, &INSERT_DATABUF, &[&[slot], data])?.is_zero() {
                    self.slot_datagram(index)?.outgoing = Outgoing::Look;
                    return Err(nb::Error::WouldBlock);
                }
                check.next()
            }
            Outgoing::Verify => {
                let len = self.ask(owner, &AVAIL_DATA_TCP, &[&[slot]])?.array();
                match u16::from_le_bytes(len.ok_or(Error::Fault(Fault::Frame))?) {
                    0 => Outgoing::Transmit,
                    len => Outgoing::Late(len),
                }
            }
            Outgoing::Late(len) => match self.remote_of(owner, slot)? {
                // It came before the destination was set, and nobody knows from whom: it is dropped.
                remote if remote == to => {
                    self.slot_datagram(index)?.incoming = Incoming::Rest(len);
                    Outgoing::Transmit
                }
                from => {
                    self.slot_datagram(index)?.incoming = Incoming::Data(len, from);
                    Outgoing::Destination(Check::Done)
                }
            },
            Outgoing::Transmit => Outgoing::Transmit,
        })
    }

    /// The one address of a slot: the sender of what came, or the destination.
    fn remote_of(&mut self, owner: Owner, slot: u8) -> nb::Result<SocketAddrV4, Error> {
        let answer = self.ask(owner, &GET_REMOTE_DATA, &[&[slot]])?;
        let [a, b, c, d, high, low] = answer.array().ok_or(Error::Fault(Fault::Frame))?;
        Ok(SocketAddrV4::new(Ipv4Addr::new(a, b, c, d), u16::from_be_bytes([high, low])))
    }

    pub(crate) fn recv_by_slot(
        &mut self,
        index: u8,
        slot: u8,
        buf: &mut [u8],
    ) -> nb::Result<(usize, SocketAddrV4), Error> {
        let owner = Owner::Read(index);
        loop {
            let next = match self.slot_datagram(index)?.incoming {
                Incoming::Look => {
                    if !self.may_look(index)? {
                        return Err(nb::Error::WouldBlock);
                    }
                    let answer = self.ask(owner, &AVAIL_DATA_TCP, &[&[slot]])?;
                    match answer.array().map(u16::from_le_bytes) {
                        Some(0) => {
                            self.look_later(index, LOOK);
                            return Err(nb::Error::WouldBlock);
                        }
                        Some(len) => Incoming::Sender(len),
                        None => return Err(Error::Fault(Fault::Frame).into()),
                    }
                }
                Incoming::Sender(len) => Incoming::Data(len, self.remote_of(owner, slot)?),
                Incoming::Data(len, from) => {
                    let read = self.read_datagram(index, slot, len, buf)?;
                    let rest = len.saturating_sub(u16::try_from(read).unwrap_or(len));
                    self.slot_datagram(index)?.incoming = Incoming::Rest(rest);
                    return Ok((usize::from(len), from));
                }
                Incoming::Rest(0) => Incoming::Look,
                Incoming::Rest(rest) => {
                    let read = self.read_datagram(index, slot, rest, &mut [0; 128])?;
                    let read = u16::try_from(read).unwrap_or(rest);
                    // Nothing left although there should be: no reason to go on for ever.
                    Incoming::Rest(if read == 0 { 0 } else { rest.saturating_sub(read) })
                }
            };
            self.slot_datagram(index)?.incoming = next;
        }
    }

    fn read_datagram(
        &mut self,
        index: u8,
        slot: u8,
        len: u16,
        buf: &mut [u8],
    ) -> nb::Result<usize, Error> {
        let room = buf.len().min(usize::from(len));
        if room == 0 {
            return Ok(0);
        }
        let size = u16::try_from(room).unwrap_or(len).to_le_bytes();
        let buf = buf.get_mut(..room).unwrap_or_default();
        let (read, _) = self.read_data(index, &GET_DATABUF_TCP, &[&[slot], &size], buf)?;
        Ok(read)
    }

    fn slot_datagram(&mut self, index: u8) -> Result<&mut SlotDatagram, Error> {
        match &mut self.sound(index)?.kind {
            Kind::Datagram(datagram) => Ok(&mut datagram.slot),
            _ => Err(Error::InvalidState),
        }
    }
}
