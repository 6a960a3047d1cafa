//! What is done without a caller.

use netdev::Side;
use netdev_uart::UartLink;

use crate::command::CIPCLOSE;
use crate::links::{Link, LinkState};
use crate::op::Op;
use crate::state::Core;

impl<L: UartLink, const N: usize> Core<'_, L, N> {
    pub(crate) fn post_close(&mut self, id: u8) {
        let _ = self.post(Op::Close(id), |it| {
            it.start(CIPCLOSE).number(u32::from(id));
        });
    }

    /// ERROR says that the link was not open, or that the command was garbled: the list will tell.
    pub(crate) fn close_answered(&mut self, id: u8, ok: bool) {
        if ok {
            self.free_link(id);
        } else if self.link(id).is_some_and(|link| !link.is_free()) {
            self.state.resync.links_wanted = true;
        }
    }

    /// Closes links that nobody wants.
    pub(crate) fn close_strays(&mut self) {
        if !self.is_idle() {
            return;
        }
        let stray = |link: &Link| link.stray && link.state == LinkState::Up;
        if let Some(id) = self.state.links.iter().position(stray) {
            self.post_close(u8::try_from(id).unwrap_or(0));
        }
    }

    /// Everything that can be done without a caller, one command at a time.
    pub(crate) fn tend(&mut self) {
        self.tend_resync();
        self.tend_inventory();
        self.reap();
        self.close_strays();
        self.tend_sockets();
        self.tend_wifi();
        self.tend_time();
    }

    /// A payload that its sender does not complete is cancelled: nothing of it goes out.
    pub(crate) fn abandon_payload(&mut self) {
        let Some(flight) = self.state.exchange.flight.take() else { return };
        if let Op::Send(index) = flight.op {
            self.state.resync.doubtful = Some(index);
            self.shared.set_in_flight(index, Side::Write, false);
        }
        self.resynchronise(true);
    }
}
