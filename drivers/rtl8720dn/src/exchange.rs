//! The one call that is out: given to the line piece by piece, awaited over any number of calls.

use core::time::Duration;

use netdev::{Fault, Instant};
use netdev_uart::{LineError, UartLink};

use crate::codec::{Answer, Value};
use crate::frame::{Head, Kind};
use crate::method::{Method, callback, lwip, system};
use crate::reader::{Awaited, Awaiting, Frame, Reader};
use crate::writer::Writer;

/// Whose call is out, and so whom its answer belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Owner {
    /// The questions after a reset.
    Boot,
    /// Join, leave, access point.
    Link,
    /// Whatever can be asked again, about this socket or about none.
    Query(u8),
    Lookup,
    Scan,
    /// The look over all sockets.
    Look,
    /// Giving back what nobody knows of.
    Sweep,
    /// Receiving and accepting, by the socket's place in the table.
    Read(u8),
    /// Connecting, sending and closing.
    Write(u8),
}

/// A call that the chip has, or is being given.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Flight {
    pub(crate) owner: Owner,
    pub(crate) method: &'static Method,
    sequence: u32,
    /// Where the data of its answer go.
    pub(crate) room_at: usize,
    pub(crate) room: usize,
    /// What it was asked with, for the owner to remember.
    pub(crate) note: u8,
    /// When the owner was last there to give more of its bytes.
    touched: Instant,
    /// When its last byte was given to the line, and when an answer is likely.
    since: Option<Instant>,
    likely: Instant,
    /// It failed with this answer, and is asked why.
    failed: Option<Answer>,
}

impl Flight {
    fn awaited(&self) -> Awaited {
        let Self { method, sequence, room_at, room, .. } = *self;
        let method = if self.failed.is_some() { &lwip::ERRNO } else { method };
        Awaited { method, sequence, room_at, room }
    }

    /// Whether the chip has all of it.
    pub(crate) fn is_sent(&self) -> bool {
        self.since.is_some()
    }
}

/// The question whether the chip still answers, behind a call that it has not answered. Its answer
/// means that none to that call comes any more: the chip answers in order.
#[derive(Clone, Copy, Debug)]
struct Probe {
    sequence: u32,
    since: Option<Instant>,
    /// It is asked again: it can be lost as well.
    again: bool,
}

/// What came of listening to the line.
#[derive(Debug)]
pub(crate) enum Heard {
    /// The answer of the call that was out, and how many data came with it.
    Answer(Flight, Answer, usize),
    /// The call that was out has no answer, or a damaged one.
    Lost(Flight, Fault),
    /// Something happened in the chip.
    Event([u8; callback::EVENT]),
    /// The chip answers nothing any more.
    Silence(Fault),
}

/// The line, and what is out on it.
///
/// Invariant: at most one call is out, so that an answer that nobody awaits cannot come: a call is
/// given up only when the answer to a later one has come.
#[derive(Debug)]
pub(crate) struct Exchange<L> {
    pub(crate) link: L,
    writer: Writer,
    flight: Option<Flight>,
    probe: Option<Probe>,
    reader: Reader,
    /// Calls of the chip's that it waits for.
    owed: [Option<Head>; 4],
    sequence: u32,
    heard_at: Instant,
    pub(crate) byte: Duration,
}

impl<L> Exchange<L> {
    pub(crate) const fn new(link: L) -> Self {
        Self {
            link,
            writer: Writer::IDLE,
            flight: None,
            probe: None,
            reader: Reader::NEW,
            owed: [None; 4],
            sequence: 0,
            heard_at: Instant::START,
            byte: Duration::from_micros(17),
        }
    }

    pub(crate) fn flight(&self) -> Option<&Flight> {
        self.flight.as_ref()
    }

    pub(crate) fn is_out(&self, owner: Owner) -> bool {
        self.flight.is_some_and(|flight| flight.owner == owner)
    }

    /// Whether a call can be made now.
    pub(crate) fn is_free(&self) -> bool {
        self.flight.is_none()
            && self.probe.is_none()
            && self.writer.is_idle()
            && self.owed.iter().all(Option::is_none)
    }

    /// Forgets what is out: the chip was reset.
    pub(crate) fn forget(&mut self) {
        self.writer = Writer::IDLE;
        self.flight = None;
        self.probe = None;
        self.reader.forget();
        self.owed = [None; 4];
    }
}

impl<L: UartLink> Exchange<L> {
    /// Begins a call; the caller has seen to it that none is out. `false` if it is too long.
    pub(crate) fn post(
        &mut self,
        now: Instant,
        owner: Owner,
        method: &'static Method,
        values: &[Value<'_>],
        answer: (usize, usize, u8),
    ) -> bool {
        let sequence = self.next_sequence();
        if self.writer.request.set_call(method, sequence, values).is_none() {
            return false;
        }
        self.writer.begin();
        let (room_at, room, note) = answer;
        let likely = now + self.times(self.writer.request.total()) + TURNAROUND;
        self.flight = Some(Flight {
            owner,
            method,
            sequence,
            room_at,
            room,
            note,
            touched: now,
            since: None,
            likely,
            failed: None,
        });
        true
    }

    /// Gives the line what it takes: of the call that is out, with its owner's bytes where the owner
    /// is here, and of what the chip waits for.
    pub(crate) fn transmit(&mut self, now: Instant, data: Option<&[u8]>) -> Result<(), LineError> {
        if let Some(flight) = self.flight.as_mut().filter(|_| data.is_some()) {
            flight.touched = now;
        }
        for _ in 0..MESSAGES {
            if !self.writer.is_idle() {
                let link = &mut self.link;
                self.writer.give(data.unwrap_or_default(), |bytes| link.write(bytes))?;
                if !self.writer.is_idle() {
                    return Ok(());
                }
                self.given(now);
            }
            let Some(head) = self.owed.iter_mut().find_map(Option::take) else { break };
            self.writer.request.set_reply(&head);
            self.writer.begin();
        }
        Ok(())
    }

    /// The last byte of a message was given to the line.
    fn given(&mut self, now: Instant) {
        if let Some(Probe { since: since @ None, .. }) = &mut self.probe {
            *since = Some(now);
        } else if let Some(flight) = self.flight.as_mut().filter(|flight| flight.since.is_none()) {
            flight.since = Some(now);
            flight.likely = flight.likely.max(now);
        }
    }

    /// Whether the line waits for bytes of an owner who does not come.
    pub(crate) fn is_orphaned(&self, now: Instant) -> bool {
        self.flight.is_some_and(|flight| {
            self.writer.waits_for_data() && now.saturating_since(flight.touched) >= ORPHAN
        })
    }

    /// Gives up a call of which the chip does not have all: what is begun is finished so that the
    /// chip drops it. Its owner's bytes stay where they are.
    pub(crate) fn spoil(&mut self) -> Option<Owner> {
        let flight = self.flight.take_if(|flight| !flight.is_sent() && flight.failed.is_none())?;
        self.writer.spoil();
        Some(flight.owner)
    }

    /// Whether the line took so much at once that it must have a ring, which will last a while.
    pub(crate) fn took_much(&self) -> bool {
        self.writer.gulp >= RING
    }

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
                    let heard = self.frame(now, &frame);
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
        if self.writer.is_idle() && (sent || self.probe.is_some()) {
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
        [flight, probe]
    }

    fn frame(&mut self, now: Instant, frame: &Frame) -> Option<Heard> {
        if !frame.intact {
            return self.damaged(frame.awaited);
        }
        match (frame.awaited, frame.head.kind) {
            (Some(0), _) => self.answered(now, frame),
            (Some(_), _) => {
                self.probe = None;
                let flight = self.flight.take()?;
                Some(lost(flight, Fault::Unresponsive))
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

    fn answered(&mut self, now: Instant, frame: &Frame) -> Option<Heard> {
        let mut flight = self.flight.take()?;
        let params = frame.head.params().saturating_sub(frame.data);
        let params = self.reader.params().get(..params).unwrap_or(self.reader.params());
        let answer = Answer::new(params);
        if let Some(failed) = flight.failed {
            let errno = answer.result().unwrap_or(0);
            return Some(Heard::Answer(flight, failed.because(errno), 0));
        }
        if !flight.method.errno || answer.result() != Some(-1) {
            return Some(Heard::Answer(flight, answer, frame.data));
        }
        // The reason has to be asked for by the very next call: the next failure overwrites it.
        flight.failed = Some(answer);
        flight.sequence = self.next_sequence();
        flight.since = None;
        self.writer.request.set_call(&lwip::ERRNO, flight.sequence, &[]);
        self.writer.begin();
        flight.likely = now + self.times(self.writer.request.total()) + TURNAROUND;
        self.flight = Some(flight);
        None
    }

    /// A frame came damaged, or only in part.
    fn damaged(&mut self, which: Option<usize>) -> Option<Heard> {
        match which {
            Some(0) => self.flight.take().map(|flight| lost(flight, Fault::Frame)),
            // Whether the chip answers is known now.
            Some(_) => {
                self.probe = None;
                self.flight.take().map(|flight| lost(flight, Fault::Unresponsive))
            }
            None => None,
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
        if late && self.writer.is_idle() {
            self.send_probe(false);
        }
        None
    }

    /// A call that makes the chip wait keeps the probe waiting as well.
    fn probe_is_overdue(&mut self, now: Instant, probe: Probe) -> Option<Heard> {
        let asked = now.saturating_since(probe.since?);
        let flight = self.flight.and_then(|flight| Some((flight.since?, flight.awaited().method)));
        let busy = flight.is_some_and(|(since, it)| now.saturating_since(since) < it.limit());
        if asked < PROBE || busy {
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
        let mark = [Value::U8(sequence.to_le_bytes()[0])];
        self.writer.request.set_call(&system::ACK, sequence, &mark);
        self.writer.begin();
        self.probe = Some(Probe { sequence, since: None, again });
    }

    /// When there could be something to do at the line.
    pub(crate) fn due(&self, now: Instant) -> Option<Instant> {
        if !self.writer.is_idle() {
            return Some(now + if self.took_much() { FEED } else { SOON });
        }
        // Events come at any time, and the ring of the line may be small.
        let ring = self.times(self.link.capacity() / 4).clamp(SOON, LONGEST);
        if self.reader.is_amid() {
            return Some(now + self.times(self.reader.missing()).min(ring));
        }
        let flight = self.flight.filter(Flight::is_sent)?;
        let late = now.saturating_since(flight.likely);
        let patience = if flight.method.is_short() { SHORT.min(ring) } else { ring };
        let again = now + (late / 8).clamp(SOON, patience);
        Some(flight.likely.max(again).min(now + ring))
    }

    /// What so many bytes take on the wire.
    fn times(&self, bytes: usize) -> Duration {
        self.byte * u32::try_from(bytes).unwrap_or(u32::MAX)
    }

    fn next_sequence(&mut self) -> u32 {
        self.sequence = self.sequence.wrapping_add(1);
        self.sequence
    }
}

/// Without the reason for a failure the failure still counts.
fn lost(flight: Flight, fault: Fault) -> Heard {
    match flight.failed {
        Some(answer) => Heard::Answer(flight, answer, 0),
        None => Heard::Lost(flight, fault),
    }
}

/// How long an answer is silent in its middle. The firmware writes head and body one after the other.
const GAP: Duration = Duration::from_millis(50);
/// How long a call may have no answer before the chip is asked whether it still answers, and how long
/// it may take to say so.
const SUSPICION: Duration = Duration::from_millis(150);
const PROBE: Duration = Duration::from_millis(200);
/// How long the line waits for an owner's bytes while somebody else wants it.
const ORPHAN: Duration = Duration::from_millis(500);
/// What the firmware takes for a short call, and what its answer takes on the wire, roughly.
const TURNAROUND: Duration = Duration::from_micros(500);
/// Between two looks: whether the line takes more, whether an answer has come, the same for one that
/// may take long.
const FEED: Duration = Duration::from_micros(400);
const SOON: Duration = Duration::from_micros(100);
const SHORT: Duration = Duration::from_micros(800);
const LONGEST: Duration = Duration::from_millis(10);
/// What no FIFO takes at once.
const RING: usize = 48;
/// Most messages given to the line, and most reads from it, in one call.
const MESSAGES: u32 = 6;
const READS: u32 = 256;
