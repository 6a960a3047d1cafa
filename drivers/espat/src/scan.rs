//! Looking for networks.

use netdev::{AccessPoint, Error};
use netdev_uart::UartLink;

use crate::command::CWLAP;
use crate::exchange::Sink;
use crate::op::Op;
use crate::state::Core;

impl<L: UartLink, const N: usize> Core<'_, L, N> {
    /// Looks for networks. The lines come over seconds; each call puts those that have come where the
    /// caller wants them, so the same array has to come each time.
    pub(crate) fn scan(&mut self, found: &mut [AccessPoint]) -> nb::Result<usize, Error> {
        let before = if self.state.exchange.is_out(Op::Scan) { self.state.wifi.found } else { 0 };
        let before = before.min(found.len());
        let done = self.state.mails.has(Op::Scan);
        let mut sink = Sink::Networks { found, len: before };
        if !done {
            self.enter(&mut sink)?;
        }
        if let (Sink::Networks { len, .. }, false) = (&sink, done) {
            self.state.wifi.found = *len;
        }
        let total = self.state.wifi.found;
        if let Some(answer) = self.state.mails.take(Op::Scan, self.now) {
            answer?;
            return Ok(total);
        }
        if self.state.exchange.is_out(Op::Scan) || !self.may_start(Op::Scan) {
            return Err(nb::Error::WouldBlock);
        }
        self.state.wifi.found = 0;
        self.post(Op::Scan, |it| {
            it.start(CWLAP);
        })?;
        Err(nb::Error::WouldBlock)
    }
}
