//! The line, and the one command that is out.
//!
//! An exchange is a state that survives calls: every call takes what has come, gives what can go, and
//! leaves the rest to the next. Nothing here waits.

use core::net::SocketAddrV4;
use core::time::Duration;

use netdev::{AccessPoint, Instant};
use netdev_uart::{LineError, UartLink};

use crate::command::Command;
use crate::op::Op;
use crate::token::{Token, Tokenizer};

/// The line to the module, what came over it, and the command that is out.
pub(crate) struct Exchange<L> {
    pub(crate) link: L,
    pub(crate) tokens: Tokenizer,
    inbox: [u8; INBOX],
    start: u8,
    end: u8,
    /// Bytes are missing behind those in the inbox.
    gap: bool,
    /// The module's rate, and ours.
    pub(crate) baud: u32,
    pub(crate) command: Command,
    pub(crate) flight: Option<Flight>,
    pub(crate) counted: Option<Counted>,
    /// Whose data ended just now: the next token must make sense.
    pub(crate) data_just_ended: u8,
    /// When something last came, and when it was last looked whether something had.
    pub(crate) heard_at: Instant,
}

/// The command that is out.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Flight {
    pub(crate) op: Op,
    pub(crate) phase: Phase,
    pub(crate) since: Instant,
    /// When it was last the module's turn to say something.
    pub(crate) turned_at: Instant,
    pub(crate) deadline: Instant,
    /// How often it was rejected.
    pub(crate) rejected: u8,
    /// Something came that only this command brings about.
    pub(crate) evidence: bool,
    /// Something came, whatever it was.
    pub(crate) heard: bool,
    /// The module complained while it was being sent payload: more came than it wanted.
    pub(crate) surplus: bool,
}

/// How far a command has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// So many of its bytes are out.
    Writing(u16),
    /// Its answer is awaited.
    Waiting,
    /// The module was busy and dropped it: to be written once more, then.
    Repeat(Instant),
    /// The module waits for payload; so many bytes of it are out.
    Payload(u16),
    /// All payload is out.
    Sent,
    /// The module has counted all payload.
    Counted,
}

/// Data that are coming in.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Counted {
    pub(crate) left: u16,
    /// Whose they are; 0: nobody's.
    pub(crate) tag: u8,
    pub(crate) dgram: bool,
    /// A record of the stash takes them.
    pub(crate) stashing: bool,
    /// They were asked for.
    pub(crate) asked: bool,
    pub(crate) from: Option<SocketAddrV4>,
    /// When those that are still to come will have come.
    pub(crate) ripe: Instant,
    /// Since when they wait for somebody to take them.
    pub(crate) since: Instant,
}

/// Who is there to take data, and what has been put there.
pub(crate) enum Sink<'b> {
    Nobody,
    Data { tag: u8, buf: &'b mut [u8], len: usize },
    Networks { found: &'b mut [AccessPoint], len: usize },
}

/// What a look at the line brought.
pub(crate) enum Arrival {
    Nothing,
    Token(Token),
    Lost,
    Broken,
}

impl<L> Exchange<L> {
    pub(crate) const fn new(link: L) -> Self {
        Self {
            link,
            tokens: Tokenizer::new(),
            inbox: [0; INBOX],
            start: 0,
            end: 0,
            gap: false,
            baud: 115_200,
            command: Command::new(),
            flight: None,
            counted: None,
            data_just_ended: 0,
            heard_at: Instant::START,
        }
    }

    /// What `bytes` take on the wire.
    pub(crate) fn wire_time(&self, bytes: usize) -> Duration {
        let bits = u64::try_from(bytes).unwrap_or(u64::MAX).saturating_mul(10_000_000);
        Duration::from_micros(bits / u64::from(self.baud.max(1)))
    }

    pub(crate) fn is_out(&self, op: Op) -> bool {
        self.flight.is_some_and(|flight| flight.op == op)
    }

    /// Forgets the command that is out and what has come, but for what the line itself holds.
    pub(crate) fn forget(&mut self) {
        self.flight = None;
        self.counted = None;
        self.data_just_ended = 0;
        self.start = self.end;
        self.tokens.restart();
    }

    /// Counts as out from now on.
    pub(crate) fn begin(&mut self, op: Op, now: Instant, limit: Duration) {
        self.flight = Some(Flight {
            op,
            phase: Phase::Writing(0),
            since: now,
            turned_at: now,
            deadline: now + limit,
            rejected: 0,
            evidence: false,
            heard: false,
            surplus: false,
        });
        self.tokens.prompt_awaited = op.has_payload();
    }
}

impl<L: UartLink> Exchange<L> {
    /// The next token, if its last byte has come.
    pub(crate) fn arrive(&mut self, now: Instant) -> Arrival {
        loop {
            let (start, end) = (usize::from(self.start), usize::from(self.end));
            if start < end {
                let bytes = self.inbox.get(start..end).unwrap_or_default();
                let (used, token) = self.tokens.push(bytes);
                self.start += u8::try_from(used).unwrap_or(self.end - self.start);
                if let Some(token) = token {
                    return Arrival::Token(token);
                }
                continue;
            }
            let gap = core::mem::take(&mut self.gap);
            let read = if gap { Err(LineError::Lost) } else { self.link.read(&mut self.inbox) };
            match read {
                Ok(0) => return Arrival::Nothing,
                Ok(count) => {
                    (self.start, self.end) = (0, u8::try_from(count.min(INBOX)).unwrap_or(0));
                    self.heard(now);
                }
                Err(LineError::Lost) => return Arrival::Lost,
                Err(_) => return Arrival::Broken,
            }
        }
    }

    /// Takes bytes that are counted, at most as many as there is room.
    pub(crate) fn take(&mut self, buf: &mut [u8], now: Instant) -> Result<usize, LineError> {
        let (start, end) = (usize::from(self.start), usize::from(self.end));
        let waiting = self.inbox.get(start..end).unwrap_or_default();
        let count = if waiting.is_empty() {
            if core::mem::take(&mut self.gap) {
                return Err(LineError::Lost);
            }
            self.link.read(buf)?
        } else {
            let count = waiting.len().min(buf.len());
            let (to, from) = (buf.get_mut(..count), waiting.get(..count));
            if let (Some(to), Some(from)) = (to, from) {
                to.copy_from_slice(from);
            }
            self.start += u8::try_from(count).unwrap_or(0);
            count
        };
        if count > 0 {
            self.heard(now);
        }
        Ok(count)
    }

    /// How many bytes are in hand already.
    pub(crate) fn in_hand(&self) -> usize {
        usize::from(self.end - self.start)
    }

    /// Takes as much into the inbox as it holds. `true`: that was all that has come.
    pub(crate) fn top_up(&mut self, now: Instant) -> bool {
        let (start, end) = (usize::from(self.start), usize::from(self.end));
        self.inbox.copy_within(start..end, 0);
        (self.start, self.end) = (0, self.end - self.start);
        let room = self.inbox.get_mut(usize::from(self.end)..).unwrap_or_default();
        if room.is_empty() || self.gap {
            return false;
        }
        let most = room.len();
        match self.link.read(room) {
            Ok(0) => true,
            Ok(count) => {
                self.end += u8::try_from(count.min(most)).unwrap_or(0);
                self.heard(now);
                count < most
            }
            Err(LineError::Lost) => {
                self.gap = true;
                false
            }
            // It will fail again where that can be told.
            Err(_) => false,
        }
    }

    /// Takes what has come and drops it. Tells whether anything had.
    pub(crate) fn drain(&mut self, now: Instant) -> bool {
        let mut any = self.start < self.end;
        self.start = self.end;
        self.gap = false;
        for _ in 0..DRAIN_READS {
            match self.link.read(&mut self.inbox) {
                Ok(0) => break,
                Ok(_) | Err(LineError::Lost) => any = true,
                Err(_) => break,
            }
        }
        if any {
            self.heard(now);
        }
        any
    }

    fn heard(&mut self, now: Instant) {
        self.heard_at = now;
        if let Some(flight) = &mut self.flight {
            flight.heard = true;
        }
    }

    /// Gives the line what it takes of the command that is out.
    pub(crate) fn write_command(&mut self, now: Instant) -> Result<(), LineError> {
        let Some(flight) = &mut self.flight else { return Ok(()) };
        if matches!(flight.phase, Phase::Repeat(at) if now >= at) {
            flight.phase = Phase::Writing(0);
            self.tokens.prompt_awaited = flight.op.has_payload();
        }
        let Phase::Writing(written) = flight.phase else { return Ok(()) };
        let line = self.command.line().unwrap_or_default();
        let rest = line.get(usize::from(written)..).unwrap_or_default();
        let count = self.link.write(rest)?;
        flight.phase = if count >= rest.len() {
            Phase::Waiting
        } else {
            Phase::Writing(written + u16::try_from(count).unwrap_or(0))
        };
        Ok(())
    }

    /// Gives the line what it takes of `payload` in 2 ms.
    pub(crate) fn write_payload(
        &mut self,
        payload: &[u8],
        clock: &dyn netdev::Platform,
    ) -> Result<usize, LineError> {
        let until = clock.now() + WRITE_LIMIT;
        let mut written = 0;
        for _ in 0..WRITE_TRIES {
            let rest = payload.get(written..).unwrap_or_default();
            if rest.is_empty() {
                break;
            }
            written += self.link.write(rest)?.min(rest.len());
            if clock.now() >= until {
                break;
            }
        }
        Ok(written)
    }
}

const INBOX: usize = 64;
/// Bounds a drain by count: more than any ring holds.
const DRAIN_READS: u32 = 256;
/// What a call may spend on giving payload to the line.
const WRITE_LIMIT: Duration = Duration::from_millis(2);
/// The same by count, where the clock stands still.
const WRITE_TRIES: u32 = 20_000;
