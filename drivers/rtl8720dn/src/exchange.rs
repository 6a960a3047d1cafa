//! The one call that is out: given to the line piece by piece, awaited over any number of calls.

mod hear;

use core::time::Duration;

use netdev::{Fault, Instant};
use netdev_uart::{LineError, UartLink};

use crate::codec::{Answer, Value};
use crate::frame::Head;
use crate::method::{Method, callback, lwip, system};
use crate::reader::{Awaited, Reader};
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

/// Whose bytes the line is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Writing {
    /// The call's, or those of the question why it failed.
    Call,
    /// Those of the receive behind it.
    Next,
    Probe,
    /// An answer to the chip.
    Reply,
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
/// Invariant: what is out is one call, and behind a receive whose answer is coming in perhaps the next
/// receive of the same socket. A call is given up only when it is known that no answer comes any more,
/// so that one that nobody awaits cannot come.
#[derive(Debug)]
pub(crate) struct Exchange<L> {
    pub(crate) link: L,
    writer: Writer,
    writing: Writing,
    flight: Option<Flight>,
    /// A receive behind the one whose answer is coming in.
    next: Option<Flight>,
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
            writing: Writing::Call,
            flight: None,
            next: None,
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
            && self.next.is_none()
            && self.probe.is_none()
            && self.writer.is_idle()
            && self.owed.iter().all(Option::is_none)
    }

    /// Forgets what is out: the chip was reset.
    pub(crate) fn forget(&mut self) {
        self.writer = Writer::IDLE;
        self.flight = None;
        self.next = None;
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
        self.flight = self.prepare(now, owner, method, values, answer);
        self.writing = Writing::Call;
        self.flight.is_some()
    }

    /// Begins a receive behind the one whose answer is coming in, which the caller has seen to.
    pub(crate) fn follow(
        &mut self,
        now: Instant,
        owner: Owner,
        method: &'static Method,
        values: &[Value<'_>],
        answer: (usize, usize, u8),
    ) {
        self.next = self.prepare(now, owner, method, values, answer);
        self.writing = Writing::Next;
    }

    fn prepare(
        &mut self,
        now: Instant,
        owner: Owner,
        method: &'static Method,
        values: &[Value<'_>],
        (room_at, room, note): (usize, usize, u8),
    ) -> Option<Flight> {
        let sequence = self.next_sequence();
        self.writer.request.set_call(method, sequence, values)?;
        self.writer.begin();
        let likely = now + self.times(self.writer.request.total()) + TURNAROUND;
        Some(Flight {
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
        })
    }

    /// How many bytes before the end of an answer the next question is worth asking: it takes 28, and
    /// the chip some time; but what is still to come takes room in the ring.
    pub(crate) fn lead(&self) -> usize {
        (self.link.capacity() / 12).min(LEAD)
    }

    /// The receive whose answer is coming in full, and how many bytes of it are still to come, if
    /// nothing else is to be said: another one may follow.
    pub(crate) fn receiving(&self) -> Option<(Flight, usize)> {
        let flight = self.flight.filter(|flight| flight.is_sent() && flight.failed.is_none())?;
        let quiet = self.next.is_none() && self.probe.is_none() && self.writer.is_idle();
        let owes = self.owed.iter().any(Option::is_some);
        let full = self.reader.data_of(FLIGHT) == Some(flight.room);
        (quiet && !owes && full).then_some((flight, self.reader.missing()))
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
            if !self.next_message(now) {
                break;
            }
        }
        Ok(())
    }

    /// Prepares what is to be said beside calls. The reason for a failure first: it has to be asked
    /// for by the very next call, since the next failure overwrites it.
    fn next_message(&mut self, now: Instant) -> bool {
        let unasked = |flight: &&mut Flight| flight.failed.is_some() && flight.since.is_none();
        if let Some(flight) = self.flight.as_mut().filter(unasked) {
            self.writer.request.set_call(&lwip::ERRNO, flight.sequence, &[]);
            self.writing = Writing::Call;
            flight.likely = now + TURNAROUND * 2;
        } else if let Some(Probe { sequence, since: None, .. }) = self.probe {
            let mark = [Value::U8(sequence.to_le_bytes()[0])];
            self.writer.request.set_call(&system::ACK, sequence, &mark);
            self.writing = Writing::Probe;
        } else if let Some(head) = self.owed.iter_mut().find_map(Option::take) {
            self.writer.request.set_reply(&head);
            self.writing = Writing::Reply;
        } else {
            return false;
        }
        self.writer.begin();
        true
    }

    /// The last byte of a message was given to the line.
    fn given(&mut self, now: Instant) {
        let flight = match self.writing {
            Writing::Call => &mut self.flight,
            Writing::Next => &mut self.next,
            Writing::Probe => {
                if let Some(probe) = &mut self.probe {
                    probe.since = Some(now);
                }
                return;
            }
            Writing::Reply => return,
        };
        if let Some(flight) = flight {
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
        self.writing = Writing::Reply;
        Some(flight.owner)
    }

    /// Whether the line took so much at once that it must have a ring, which will last a while.
    pub(crate) fn took_much(&self) -> bool {
        self.writer.gulp >= RING
    }

    /// When there could be something to do at the line.
    pub(crate) fn due(&self, now: Instant) -> Option<Instant> {
        if !self.writer.is_idle() {
            return Some(now + if self.took_much() { FEED } else { SOON });
        }
        // Events come at any time, and the ring of the line may be small.
        let ring = self.times(self.link.capacity() / 4).clamp(SOON, LONGEST);
        if self.reader.is_amid() {
            let missing = self.reader.missing();
            let missing = missing.checked_sub(self.lead() / 2).unwrap_or(missing);
            return Some(now + self.times(missing).min(ring));
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
/// Places in what is awaited.
const FLIGHT: usize = 0;
const PROBE: usize = 1;
/// What comes in while a question is asked and the firmware wakes up for it.
const LEAD: usize = 144;
/// Most messages given to the line in one call.
const MESSAGES: u32 = 6;
