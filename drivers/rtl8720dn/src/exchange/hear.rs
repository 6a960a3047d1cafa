//! What comes in on the line, and what does not.

use core::time::Duration;

use netdev::{Fault, Instant};
use netdev_uart::{LineError, UartLink};

use super::{Exchange, FLIGHT, Flight, Heard, PROBE, Probe};
use crate::codec::Answer;
use crate::frame::{Head, Kind};
use crate::method::{callback, system};
use crate::reader::{Awaited, Awaiting, Frame};

impl<L: UartLink> Exchange<L> {
    /// Reads what has come in, until something of it means something. `data` is where data go.
    pub(crate) fn hear(&mut self, now: Instant, data: &mut [u8]) -> Option<Heard> {
        for _ in 0..READS {
            let awaiting = self.awaiting();
            let link = &mut self.link;
            match self.reader.take(&awaiting, data, |slice| link.read(slice)) {
                Ok((0, _)) => break,
                Ok((_, None)) => self.heard_at = now,
                Ok((_, Some(frame))) => {
                    self.heard_at = now;
                    let heard = self.frame(&frame);
                    if heard.is_some() {
                        return heard;
                    }
                }
                Err(LineError::Lost) => {
                    let lost = self.reader.give_up();
                    if let Some(heard) = self.damaged(lost) {
                        return Some(heard);
                    }
                    self.suspect();
                }
                Err(_) => return Some(Heard::Silence(Fault::Bus)),
            }
        }
        self.overdue(now)
    }

    /// An answer may have been among the bytes that were lost: whether one comes is asked at once.
    fn suspect(&mut self) {
        let sent = self.flight.is_some_and(|flight| flight.is_sent());
        if sent || self.probe.is_some() {
            self.send_probe(self.probe.is_some_and(|probe| probe.again));
        }
    }

    fn awaiting(&self) -> Awaiting {
        let flight = self.flight.filter(Flight::is_sent).map(|flight| flight.awaited());
        let probe = self.probe.map(|probe| Awaited {
            method: &system::ACK,
            sequence: probe.sequence,
            room_at: 0,
            room: 0,
        });
        let next = self.next.filter(Flight::is_sent).map(|flight| flight.awaited());
        [flight, probe, next]
    }

    fn frame(&mut self, frame: &Frame) -> Option<Heard> {
        if !frame.intact {
            return self.damaged(frame.awaited);
        }
        match (frame.awaited, frame.head.kind) {
            (Some(FLIGHT), _) => self.answered(frame),
            // Answers come in order, so that of the call before them never will.
            (Some(_), _) => {
                self.probe = None;
                self.land(Fault::Unresponsive)
            }
            (None, Kind::Invocation) => {
                if let Some(place) = self.owed.iter_mut().find(|place| place.is_none()) {
                    *place = Some(frame.head);
                }
                None
            }
            (None, _) => self.event(&frame.head),
        }
    }

    fn event(&self, head: &Head) -> Option<Heard> {
        let known =
            callback::SERVICES.contains(&head.service) && head.method == callback::WIFI_EVENT;
        let (_, rest) = self.reader.params().split_first_chunk::<4>()?;
        let event = rest.first_chunk().copied()?;
        known.then_some(Heard::Event(event))
    }

    fn answered(&mut self, frame: &Frame) -> Option<Heard> {
        let mut flight = self.flight.take()?;
        let params = frame.head.params().saturating_sub(frame.data);
        let params = self.reader.params().get(..params).unwrap_or(self.reader.params());
        let answer = Answer::new(params);
        if flight.failed.is_none()
            && flight.method.errno
            && answer.result() == Some(-1)
            && self.next.is_none()
        {
            flight.failed = Some(answer);
            flight.sequence = self.next_sequence();
            flight.since = None;
            self.flight = Some(flight);
            return None;
        }
        self.flight = self.next.take();
        Some(match flight.failed {
            Some(failed) => {
                let errno = answer.result().unwrap_or(0);
                Heard::Answer(flight, failed.because(errno), 0)
            }
            None => Heard::Answer(flight, answer, frame.data),
        })
    }

    /// The call that is out has no answer any more.
    fn land(&mut self, fault: Fault) -> Option<Heard> {
        let flight = self.flight.take()?;
        self.flight = self.next.take();
        // Without the reason for a failure the failure still counts.
        Some(match flight.failed {
            Some(answer) => Heard::Answer(flight, answer, 0),
            None => Heard::Lost(flight, fault),
        })
    }

    /// A frame came damaged, or only in part.
    fn damaged(&mut self, which: Option<usize>) -> Option<Heard> {
        match which? {
            FLIGHT => self.land(Fault::Frame),
            // Whether the chip answers is known now.
            PROBE => {
                self.probe = None;
                self.land(Fault::Unresponsive)
            }
            _ => self.land(Fault::Unresponsive),
        }
    }

    /// What should have come by now and has not.
    fn overdue(&mut self, now: Instant) -> Option<Heard> {
        if self.reader.is_amid() && now.saturating_since(self.heard_at) >= GAP {
            let lost = self.reader.give_up();
            return self.damaged(lost);
        }
        if let Some(probe) = self.probe {
            return self.probe_is_overdue(now, probe);
        }
        let late = now.saturating_since(self.flight?.since?) >= SUSPICION;
        if late {
            self.send_probe(false);
        }
        None
    }

    /// A call that makes the chip wait keeps the probe waiting as well.
    fn probe_is_overdue(&mut self, now: Instant, probe: Probe) -> Option<Heard> {
        let asked = now.saturating_since(probe.since?);
        let flight = self.flight.and_then(|flight| Some((flight.since?, flight.awaited().method)));
        let busy = flight.is_some_and(|(since, it)| now.saturating_since(since) < it.limit());
        if asked < ACK || busy {
            return None;
        }
        if probe.again {
            return Some(Heard::Silence(Fault::Unresponsive));
        }
        self.send_probe(true);
        None
    }

    fn send_probe(&mut self, again: bool) {
        let sequence = self.next_sequence();
        self.probe = Some(Probe { sequence, since: None, again });
    }
}

/// How long an answer is silent in its middle. The firmware writes head and body one after the other.
const GAP: Duration = Duration::from_millis(50);
/// How long a call may have no answer before the chip is asked whether it still answers, and how long
/// it may take to say so.
const SUSPICION: Duration = Duration::from_millis(150);
const ACK: Duration = Duration::from_millis(200);
/// Most reads from the line in one call.
const READS: u32 = 256;
