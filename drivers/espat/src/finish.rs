//! What the end of a command means.

use core::time::Duration;

use netdev::{Error, Fault};
use netdev_uart::UartLink;

use crate::arrivals::Final;
use crate::connect::QUICK;
use crate::exchange::{Flight, Phase};
use crate::op::{LinkStep, Op, Query};
use crate::state::Core;

impl<L: UartLink, const N: usize> Core<'_, L, N> {
    /// The command that is out has ended.
    pub(crate) fn finish(&mut self, result: Final) {
        let Some(flight) = self.state.exchange.flight.take() else { return };
        self.state.exchange.tokens.prompt_awaited = false;
        let ok = result == Final::Ok;
        match flight.op {
            Op::Probe => self.probed(result),
            Op::Cancel => self.cancelled(ok || result == Final::Canceled),
            Op::Reset => self.reset_taken(),
            Op::Setup(step) => self.set_up(step, result),
            Op::Sync => self.synchronised(result),
            Op::Links => self.links_answered(ok),
            Op::Lengths => self.lengths_answered(ok),
            Op::Senders(on) => self.senders_set(on, ok),
            Op::Passive(id, on) => self.passive_set(id, on, ok),
            Op::Start(index, id) => {
                let quick = self.now.saturating_since(flight.since) < QUICK;
                self.started(index, id, ok, flight.evidence, quick);
            }
            Op::Options(index, _) => self.options_set(index, ok),
            Op::Close(id) => self.close_answered(id, ok),
            Op::Serve(index) => self.serving(index, ok),
            Op::ServeTimeout => {}
            Op::StopServing => self.stopped_serving(),
            Op::Send(index) => self.send_ended(index, &flight, result),
            Op::Receive(index, id) => self.receive_ended(index, id, &flight, ok),
            Op::Lookup => self.looked_up(ok),
            Op::Scan | Op::Query(_) | Op::Link(_) => self.question_ended(flight.op, ok),
            Op::TimeServer => {
                let told = self.state.firmware.at_least(2, 2);
                self.state.time.configured(ok, told, self.now);
            }
            Op::Time => self.time_told(),
        }
    }

    fn question_ended(&mut self, op: Op, ok: bool) {
        let reply = self.state.reply;
        let failure = match op {
            // `+PING:TIMEOUT`, which is no number, and an address that nobody answers for.
            Op::Query(Query::Ping) => Error::TimedOut,
            Op::Link(LinkStep::Join) => join_error(reply.number),
            Op::Link(LinkStep::AccessPoint)
            | Op::Query(Query::SetAddress | Query::SetHostName | Query::SetNameServers) => {
                Error::InvalidInput
            }
            Op::Query(Query::Rssi) => Error::LinkDown,
            _ => Error::Fault(Fault::Chip(0)),
        };
        self.deliver(op, if ok { Ok(reply) } else { Err(failure) });
    }

    /// The answer is late, or something happened that makes it worthless. What the module did with
    /// the command is unknown.
    pub(crate) fn expire(&mut self) {
        let Some(flight) = self.state.exchange.flight else { return };
        match flight.op {
            Op::Probe | Op::Cancel | Op::Reset | Op::Setup(_) | Op::Sync => {
                self.finish(Final::Silent);
            }
            op => {
                self.state.exchange.flight = None;
                self.answer_lost(op, &flight);
            }
        }
    }

    fn answer_lost(&mut self, op: Op, flight: &Flight) {
        let fault = Error::Fault(Fault::Unresponsive);
        let mut cancel = false;
        match op {
            Op::Send(index) => cancel = self.send_lost(index, flight),
            Op::Receive(index, _) => self.receive_lost(index, flight),
            Op::Start(index, id) => self.start_lost(index, id),
            Op::Serve(index) => self.serve_lost(index),
            Op::Lookup => self.lookup_lost(),
            Op::Query(_) | Op::Link(_) | Op::Scan => self.deliver(op, Err(fault)),
            Op::TimeServer => self.state.time.joined(),
            _ => {}
        }
        self.resynchronise(cancel);
    }

    /// Deadlines, pauses within lines, and steps that are due.
    pub(crate) fn check_time(&mut self) {
        // While something comes, the answer may be behind it.
        let flows = self.now.saturating_since(self.state.exchange.heard_at) < FLOWING;
        let late = self.state.exchange.flight.is_some_and(|flight| {
            let most = flight.deadline + if flows { FLOOD } else { Duration::ZERO };
            self.now >= most
        });
        if late {
            self.expire();
        }
        let exchange = &mut self.state.exchange;
        let stuck = exchange.counted.is_none()
            && exchange.tokens.is_inside_line()
            && self.now.saturating_since(exchange.heard_at) >= LINE_PAUSE;
        if stuck {
            exchange.tokens.damage();
            exchange.tokens.restart();
            let awaited = exchange
                .flight
                .is_some_and(|it| it.op.has_payload() && matches!(it.phase, Phase::Waiting));
            exchange.tokens.prompt_awaited = awaited;
            self.suspect();
        }
        self.check_abandoned();
    }
}

/// `+CWJAP:<code>`.
fn join_error(code: u32) -> Error {
    match code {
        1 => Error::TimedOut,
        2 => Error::AuthFailed,
        3 => Error::NoSuchNetwork,
        _ => Error::LinkDown,
    }
}

/// A line whose end does not come in this time has lost it.
const LINE_PAUSE: Duration = Duration::from_millis(200);
/// What came so short a time ago may go on.
const FLOWING: Duration = Duration::from_millis(50);
/// How much longer an answer is waited for behind what nobody asked for.
const FLOOD: Duration = Duration::from_secs(5);
