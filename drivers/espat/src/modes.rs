//! How data come on each link: asked for, or by themselves, and with their senders or without.

use netdev_uart::UartLink;

use crate::command::{ALL, CIPDINFO, CIPRECVMODE, CIPRECVTYPE};
use crate::firmware::Receive;
use crate::links::Link;
use crate::op::Op;
use crate::sockets::Kind;
use crate::state::Core;

impl<L: UartLink, const N: usize> Core<'_, L, N> {
    /// Sets how data come on a link that is to be opened. `true`: that is under way.
    pub(crate) fn settle_mode(&mut self, id: u8, dgram: bool) -> bool {
        match self.state.firmware.receive {
            Receive::Active => false,
            Receive::ByType => {
                // Passive reads run datagrams together; by themselves they come one by one.
                let active = dgram || self.state.active;
                let differs = self.link(id).is_some_and(|link| link.active != active);
                if differs {
                    self.post_passive(id, !active);
                }
                differs
            }
            Receive::ByMode => {
                let passive = self.passive_wanted();
                let differs = self.state.passive != passive;
                if differs {
                    self.post_passive(LINKS_ALL, passive);
                }
                differs
            }
        }
    }

    /// Whether all links are to be read by asking, where there is one setting for all.
    fn passive_wanted(&self) -> bool {
        let datagrams = self.has_datagrams() && !self.state.firmware.datagrams_always_active();
        !self.state.active && !datagrams
    }

    fn has_datagrams(&self) -> bool {
        self.state.sockets.iter().any(|it| matches!(it.kind, Kind::Opening | Kind::Datagram))
    }

    /// Nobody needs to know senders any more; and links that were left otherwise are set back.
    pub(crate) fn settle_senders(&mut self) {
        if !self.is_idle() {
            return;
        }
        if self.state.senders && !self.has_datagrams() {
            self.post_senders(false);
            return;
        }
        match self.state.firmware.receive {
            Receive::ByMode if self.state.passive != self.passive_wanted() => {
                let passive = self.passive_wanted();
                self.post_passive(LINKS_ALL, passive);
            }
            Receive::ByType => {
                // An id that datagrams had may be given to the server's next guest.
                let wanted = self.state.active;
                let odd = |link: &Link| !link.udp && link.active != wanted;
                let found = (0_u8..).zip(&self.state.links).find(|(_, link)| odd(link));
                if let Some((id, _)) = found {
                    self.post_passive(id, !wanted);
                }
            }
            _ => {}
        }
    }

    pub(crate) fn post_senders(&mut self, on: bool) {
        let _ = self.post(Op::Senders(on), |it| {
            it.start(CIPDINFO).number(u32::from(on));
        });
    }

    pub(crate) fn senders_set(&mut self, on: bool, ok: bool) {
        if ok {
            self.state.senders = on;
            self.state.exchange.tokens.senders_told = on;
        } else {
            self.setting_refused();
        }
    }

    fn post_passive(&mut self, id: u8, on: bool) {
        let by_type = self.state.firmware.receive == Receive::ByType;
        let _ = self.post(Op::Passive(id, on), |it| {
            if by_type {
                it.start(CIPRECVTYPE).number(u32::from(id)).number(u32::from(on));
            } else {
                it.start(CIPRECVMODE).number(u32::from(on));
            }
        });
    }

    pub(crate) fn passive_set(&mut self, id: u8, on: bool, ok: bool) {
        if !ok {
            return self.setting_refused();
        }
        if id == LINKS_ALL {
            self.state.passive = on;
            self.state.links.iter_mut().for_each(|link| link.active = !on);
        } else if let Some(link) = self.link(id) {
            link.active = !on;
        }
    }

    /// What every module takes was refused: it may be another one than we think, after a reset that
    /// nobody noticed.
    fn setting_refused(&mut self) {
        self.resynchronise(false);
    }
}

#[expect(clippy::cast_possible_truncation, reason = "it is 5")]
const LINKS_ALL: u8 = ALL as u8;
