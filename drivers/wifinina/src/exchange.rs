//! The one command in flight: frames over the link, READY awaited, replies fetched.

use core::time::Duration;

use netdev::{Fault, Instant, Platform};

use crate::command::{Command, ERRNO, GET_FW_VERSION};
use crate::frame::{
    Answer, DATA_HEAD, END, ERROR, HEAD, Malformed, REPLY, Reader, SENDER_HEAD, START, Writer,
    data_len, sender,
};
use crate::spi::{BusError, SpiLink};

/// One call into the driver, and the time it may spend with the chip.
pub(crate) struct Call<'c> {
    pub(crate) platform: &'c dyn Platform,
    pub(crate) until: Instant,
}

impl<'c> Call<'c> {
    /// A call that starts now.
    pub(crate) fn begin(platform: &'c dyn Platform) -> Self {
        Self { platform, until: platform.now() + CALL }
    }

    pub(crate) fn now(&self) -> Instant {
        self.platform.now()
    }
}

/// Whose command is out, and so whom its answer belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Owner {
    /// The questions after a reset.
    Boot,
    /// Join and leave.
    Link,
    /// Whoever asks for what can be asked again.
    Query,
    /// The name lookup.
    Lookup,
    Scan,
    Ping,
    /// Freeing slots that nobody knows of.
    Sweep,
    /// Receiving and accepting on a socket, by its place in the table.
    Read(u8),
    /// Connecting, sending and closing.
    Write(u8),
    /// Emptying a listener that nobody holds, by its place among those.
    Stray(u8),
}

impl Owner {
    /// A fingerprint (FNV-1a) of what is asked. What a socket asks follows from the socket.
    pub(crate) fn tag(self, params: &[&[u8]]) -> u16 {
        if matches!(self, Self::Read(_) | Self::Write(_)) {
            return 0;
        }
        let bytes = params.iter().flat_map(|param| param.iter());
        let hash = bytes.fold(0x811C_9DC5_u32, |hash, &byte| {
            (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
        });
        let [a, b, c, d] = hash.to_be_bytes();
        u16::from_be_bytes([a ^ c, b ^ d])
    }
}

/// A command that the chip has.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Flight {
    pub(crate) command: &'static Command,
    pub(crate) owner: Owner,
    pub(crate) since: Instant,
    /// Tells questions of one owner apart that differ in their parameters only.
    pub(crate) tag: u16,
    /// Bytes asked for, for a reply that is data.
    asked: usize,
    reason: Reason,
}

/// An answer of 0 whose reason the very next command has to ask for: the firmware forgets it.
#[derive(Clone, Copy, Debug)]
enum Reason {
    None,
    Due(Answer),
    Asked(Answer),
}

impl Flight {
    /// Whether only the owner has room for the reply.
    pub(crate) fn is_data(&self) -> bool {
        (self.command.data || self.command.names) && matches!(self.reason, Reason::None)
    }
}

/// The link and the command that is out on it.
///
/// Invariant: `Some(flight)` means that the chip owes exactly one reply (or, with a reason due, that
/// nothing but ERRNO may be sent). `None` means that it takes a command.
pub(crate) struct Exchange<L> {
    pub(crate) link: L,
    flight: Option<Flight>,
    /// Since when READY has been high without a command out.
    busy_since: Option<Instant>,
}

impl<L> Exchange<L> {
    pub(crate) const fn new(link: L) -> Self {
        Self { link, flight: None, busy_since: None }
    }

    pub(crate) fn flight(&self) -> Option<Flight> {
        self.flight
    }

    /// Forgets what is out: the chip was reset.
    pub(crate) fn forget(&mut self) {
        self.flight = None;
        self.busy_since = None;
    }
}

impl<L: SpiLink> Exchange<L> {
    /// Sends a command; the caller has seen to it that none is out.
    pub(crate) fn post(
        &mut self,
        call: &Call<'_>,
        owner: Owner,
        command: &'static Command,
        params: &[&[u8]],
        asked: usize,
    ) -> nb::Result<(), Fault> {
        self.transmit(call, command, params)?;
        let (since, tag) = (call.now(), owner.tag(params));
        self.flight = Some(Flight { command, owner, since, tag, asked, reason: Reason::None });
        Ok(())
    }

    /// Fetches the answer of the command that is out, if it has come or comes within the call.
    pub(crate) fn fetch(&mut self, call: &Call<'_>) -> nb::Result<Answer, Fault> {
        loop {
            let Some(flight) = self.flight else { return Err(nb::Error::WouldBlock) };
            match flight.reason {
                Reason::None => {
                    let answer = self.fetch_plain(call, flight)?;
                    if !(flight.command.errno && answer.is_zero()) {
                        return Ok(answer);
                    }
                    self.flight = Some(Flight { reason: Reason::Due(answer), ..flight });
                }
                Reason::Due(answer) => {
                    self.transmit(call, &ERRNO, &[]).map_err(|error| self.fail(error))?;
                    let since = call.now();
                    let reason = Reason::Asked(answer);
                    self.flight = Some(Flight { reason, since, ..flight });
                }
                Reason::Asked(answer) => {
                    let errno = self.fetch_reply(call, flight, &ERRNO)?;
                    let errno = errno.byte().ok_or(Fault::Frame)?;
                    return Ok(answer.with_errno(errno));
                }
            }
        }
    }

    /// Fetches data into `buf`, and tells their length, one more than `buf` holds if there were
    /// more. Without any, the reason stands in the answer; otherwise the sender, for commands that
    /// tell one.
    pub(crate) fn fetch_data(
        &mut self,
        call: &Call<'_>,
        buf: &mut [u8],
    ) -> nb::Result<(usize, Answer), Fault> {
        let Some(flight) = self.flight else { return Err(nb::Error::WouldBlock) };
        if matches!(flight.reason, Reason::None) {
            self.await_reply(call, flight)?;
            self.flight = None;
            let buf = buf.get_mut(..flight.asked).unwrap_or_default();
            let (len, from) = self.selected(call, |link| read_data(link, flight.command, buf))?;
            if len > 0 || !flight.command.errno {
                return Ok((len, from));
            }
            self.flight = Some(Flight { reason: Reason::Due(from), ..flight });
        }
        self.fetch(call).map(|answer| (0, answer))
    }

    /// Fetches a list of names and hands each to `note`, cut to 32 bytes.
    pub(crate) fn fetch_names(
        &mut self,
        call: &Call<'_>,
        note: impl FnMut(&[u8]),
    ) -> nb::Result<(), Fault> {
        let Some(flight) = self.flight else { return Err(nb::Error::WouldBlock) };
        self.await_reply(call, flight)?;
        self.flight = None;
        let read = self.selected(call, |link| read_names(link, flight.command, note));
        read.map_err(nb::Error::Other)
    }

    /// Takes the reply that is due off the bus, unread: its owner is gone.
    pub(crate) fn discard(&mut self, call: &Call<'_>) -> nb::Result<(), Fault> {
        let Some(flight) = self.flight else { return Ok(()) };
        if !matches!(flight.reason, Reason::Due(_)) {
            self.await_reply(call, flight)?;
            self.selected(call, |link| link.read(&mut [0; 4]).map_err(bus))?;
        }
        self.flight = None;
        Ok(())
    }

    /// Finds the phase of the bus again after a frame that made no sense, without a reset: at most
    /// one reply is pending, so a question is answered by its own reply, or by a stale one and then
    /// an error for the bytes that were clocked meanwhile. `false`: the chip has to be reset.
    pub(crate) fn resynchronise(&mut self, call: &Call<'_>) -> bool {
        self.forget();
        let mut reply = [0; HEAD];
        let question = self.patient(call, |link| {
            Writer::frame(&GET_FW_VERSION, &[], |piece| link.write(piece)).map_err(bus)
        });
        for _ in 0..2 {
            let read = self.patient(call, |link| link.read(&mut reply).map_err(bus));
            if question.is_err() || read.is_err() {
                return false;
            }
            let [start, code, end, ..] = reply;
            let answered = [start, code] == [START, GET_FW_VERSION.code | REPLY];
            if answered || [start, code, end] == [ERROR, 0, END] {
                return true;
            }
        }
        false
    }

    fn transmit(
        &mut self,
        call: &Call<'_>,
        command: &Command,
        params: &[&[u8]],
    ) -> nb::Result<(), Fault> {
        if !self.spin(call, call.until, false)? {
            let since = *self.busy_since.get_or_insert(call.now());
            return Err(overdue(call, since, STUCK));
        }
        self.busy_since = None;
        self.selected(call, |link| {
            Writer::frame(command, params, |piece| link.write(piece)).map_err(bus)
        })
        .map_err(nb::Error::Other)
    }

    fn fetch_plain(&mut self, call: &Call<'_>, flight: Flight) -> nb::Result<Answer, Fault> {
        self.fetch_reply(call, flight, flight.command)
    }

    fn fetch_reply(
        &mut self,
        call: &Call<'_>,
        flight: Flight,
        command: &Command,
    ) -> nb::Result<Answer, Fault> {
        self.await_reply(call, flight)?;
        self.flight = None;
        self.selected(call, |link| read_answer(link, command)).map_err(nb::Error::Other)
    }

    /// A command that makes the firmware wait is not spun for: its answer takes as long as it takes.
    fn await_reply(&mut self, call: &Call<'_>, flight: Flight) -> nb::Result<(), Fault> {
        let until = if flight.command.blocks { call.now() } else { call.until };
        if self.spin(call, until, false)? {
            return Ok(());
        }
        let limit = Duration::from_millis(u64::from(flight.command.limit_ms));
        Err(overdue(call, flight.since, limit))
    }

    /// Whether READY took this level before `until`. Looks at least once, and only so often.
    #[inline(never)]
    fn spin(&mut self, call: &Call<'_>, until: Instant, busy: bool) -> Result<bool, Fault> {
        for _ in 0..LOOKS {
            if self.link.busy().map_err(bus)? == busy {
                return Ok(true);
            }
            if call.now() >= until {
                return Ok(false);
            }
        }
        Ok(false)
    }

    /// Runs `body` with chip-select low and answered by READY, and lets it rise whatever happens.
    fn selected<T>(
        &mut self,
        call: &Call<'_>,
        body: impl FnOnce(&mut L) -> Result<T, Fault>,
    ) -> Result<T, Fault> {
        self.select(call)?;
        let done = body(&mut self.link);
        self.deselect()?;
        done
    }

    /// Lets chip-select fall, and rise again if READY does not answer.
    #[inline(never)]
    fn select(&mut self, call: &Call<'_>) -> Result<(), Fault> {
        self.link.select().map_err(bus)?;
        let why = match self.spin(call, call.now() + SELECT, true) {
            Ok(true) => return Ok(()),
            Ok(false) => Fault::Unresponsive,
            Err(fault) => fault,
        };
        self.deselect()?;
        Err(why)
    }

    #[inline(never)]
    fn deselect(&mut self) -> Result<(), Fault> {
        self.link.deselect().map_err(bus)
    }

    fn patient<T>(
        &mut self,
        call: &Call<'_>,
        body: impl FnOnce(&mut L) -> Result<T, Fault>,
    ) -> Result<T, Fault> {
        if !self.spin(call, call.now() + SELECT, false)? {
            return Err(Fault::Unresponsive);
        }
        self.selected(call, body)
    }

    fn fail(&mut self, error: nb::Error<Fault>) -> nb::Error<Fault> {
        if matches!(error, nb::Error::Other(_)) {
            self.flight = None;
        }
        error
    }
}

fn read_answer<L: SpiLink>(link: &mut L, command: &Command) -> Result<Answer, Fault> {
    let mut head = [0; HEAD];
    link.read(&mut head).map_err(bus)?;
    let mut reader = Reader::new(command, head).map_err(malformed)?;
    let mut piece = [0; Answer::ROOM + 1];
    while let Some(wanted) = reader.wants() {
        let piece = piece.get_mut(..wanted).ok_or(Fault::Frame)?;
        link.read(piece).map_err(bus)?;
        reader.take(piece).map_err(malformed)?;
    }
    reader.finish(command).map_err(malformed)
}

/// Adafruit's firmware answers a failed scan with a count of 254 and nothing behind it.
fn read_names<L: SpiLink>(
    link: &mut L,
    command: &Command,
    mut note: impl FnMut(&[u8]),
) -> Result<(), Fault> {
    let mut head = [0; HEAD];
    link.read(&mut head).map_err(bus)?;
    let [start, code, count, mut next] = head;
    if start != START || code != command.code | REPLY || count > NAMES {
        return Err(Fault::Frame);
    }
    for _ in 0..count {
        let mut piece = [0; NAME + 1];
        let piece = piece.get_mut(..=usize::from(next)).ok_or(Fault::Frame)?;
        link.read(piece).map_err(bus)?;
        let (&mut behind, name) = piece.split_last_mut().ok_or(Fault::Frame)?;
        note(name);
        next = behind;
    }
    if next == END { Ok(()) } else { Err(Fault::Frame) }
}

fn read_data<L: SpiLink>(
    link: &mut L,
    command: &Command,
    buf: &mut [u8],
) -> Result<(usize, Answer), Fault> {
    let mut head = [0; DATA_HEAD];
    link.read(&mut head).map_err(bus)?;
    let mut len = data_len(command, head).map_err(malformed)?;
    let mut from = Answer::EMPTY;
    if command.sender {
        let mut head = [0; SENDER_HEAD];
        link.read(&mut head).map_err(bus)?;
        if len != ADDRESS {
            return Err(Fault::Frame);
        }
        (from, len) = sender(head).map_err(malformed)?;
    }
    // A datagram is asked for with a byte more than fits, so that a cut one is noticed.
    let beyond = usize::from(len > buf.len() && command.sender);
    if len > buf.len() + beyond {
        return Err(Fault::Frame);
    }
    if len > beyond {
        link.read(buf.get_mut(..len - beyond).unwrap_or_default()).map_err(bus)?;
    }
    let mut tail = [0; 2];
    let tail = tail.get_mut(..=beyond).unwrap_or_default();
    link.read(tail).map_err(bus)?;
    if tail.last() == Some(&END) { Ok((len, from)) } else { Err(Fault::Frame) }
}

fn overdue(call: &Call<'_>, since: Instant, limit: Duration) -> nb::Error<Fault> {
    if call.now().saturating_since(since) >= limit {
        nb::Error::Other(Fault::Unresponsive)
    } else {
        nb::Error::WouldBlock
    }
}

fn bus(_: BusError) -> Fault {
    Fault::Bus
}

fn malformed(why: Malformed) -> Fault {
    match why {
        Malformed::Frame => Fault::Frame,
        Malformed::Rejected => REJECTED,
    }
}

/// The firmware's `EF`: it does not know the command, or could not do it.
pub(crate) const REJECTED: Fault = Fault::Chip(ERROR as u16);
/// Most networks in a scan that are believed, and the bytes of a name.
const NAMES: u8 = 64;
const NAME: usize = 32;
/// Bytes of an address.
const ADDRESS: usize = 4;
/// What one call may spend with the chip.
const CALL: Duration = Duration::from_millis(5);
/// How long READY may take to answer chip-select.
const SELECT: Duration = Duration::from_millis(5);
/// How long READY may stay high without a command out.
const STUCK: Duration = Duration::from_secs(1);
/// Most looks at READY in one wait, should the clock stand still.
const LOOKS: u32 = 200_000;
