//! Asking for what comes next while the rest of an answer is still on the line.
//!
//! Only for a stream that flows: the answer before this one was full, and so is this one. The next data
//! then begin to come when these end, and wait here for the reader.

use netdev_uart::UartLink;

use crate::codec::Value::{I32, U32};
use crate::exchange::Owner;
use crate::method::{lwip, value};
use crate::state::Core;

impl<L: UartLink> Core<'_, L> {
    /// Asks, if it is time to.
    pub(crate) fn ask_ahead(&mut self) {
        let Some((flight, missing)) = self.state.exchange.receiving() else { return };
        let Owner::Read(index) = flight.owner else { return };
        let nothing_lies_here = self.state.sockets.iter().all(|socket| socket.parked.is_none())
            && self.state.scan.taken() == 0;
        let closing = self.shared.handles.is_closing(usize::from(index));
        let Ok(socket) = self.socket(index) else { return };
        let (flows, number) = (socket.flows && flight.note == 0, socket.number());
        let wanted = usize::from(socket.wanted);
        let near = missing <= self.state.exchange.lead();
        let takes = flight.method.id == lwip::RECV.id && near;
        let Ok(number) = number else { return };
        let free = !closing && !self.yields(flight.owner);
        if !(flows && takes && nothing_lies_here && free) || wanted < LARGE {
            return;
        }
        // What is still to come of this answer waits in the ring as well.
        let room = wanted.min(self.ring().saturating_sub(missing));
        let behind = flight.room_at + flight.room;
        let at = if flight.room_at >= room { 0 } else { behind };
        let fits = at + room <= self.data.len() && room + SPARE <= self.data.len();
        if !fits || room < wanted - wanted / 4 {
            return;
        }
        let asked = u32::try_from(room).unwrap_or(0);
        let values = [I32(number), U32(asked), I32(value::MSG_DONTWAIT), U32(0)];
        let now = self.call.now();
        self.state.exchange.follow(now, flight.owner, &lwip::RECV, &values, (at, room, 0));
        let _ = self.state.exchange.transmit(now, None);
    }
}

/// Smaller ones would be cut too short by what the ring has to hold meanwhile.
const LARGE: usize = 512;
/// Room that is left for others.
const SPARE: usize = 256;
