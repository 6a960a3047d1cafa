//! Frames out of the bytes that come in, however they are cut.

use crate::codec::Answer;
use crate::crc::Crc;
use crate::frame::{FRAME_HEAD, HEAD, Head, Kind};
use crate::method::{Method, callback};

/// An answer that is awaited.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Awaited {
    pub(crate) method: &'static Method,
    pub(crate) sequence: u32,
    /// Where its data go: from here on, and how many.
    pub(crate) room_at: usize,
    pub(crate) room: usize,
}

impl Awaited {
    fn is(&self, head: &Head) -> bool {
        head.kind == Kind::Reply
            && head.sequence == self.sequence
            && head.service == self.method.service
            && head.method == self.method.id
    }
}

/// The answers that can come, in the order of their calls.
pub(crate) type Awaiting = [Option<Awaited>; 3];

/// A frame that has come in whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Frame {
    pub(crate) head: Head,
    /// Which of the answers that are awaited it is.
    pub(crate) awaited: Option<usize>,
    /// Its checksum is right. Nothing of it counts otherwise.
    pub(crate) intact: bool,
    /// Bytes of it that went where data go.
    pub(crate) data: usize,
}

/// Puts frames together. Each byte goes where it belongs at once, and counts once the last one has
/// come and the checksum is right.
#[derive(Debug)]
pub(crate) struct Reader {
    head: [u8; HEAD],
    /// Parameters without data, and behind them a place for what nobody asked for.
    small: [u8; SMALL + SCRATCH],
    /// Bytes of the frame so far.
    got: usize,
    frame: Option<(Head, Option<usize>)>,
    data_at: usize,
    data: usize,
    crc: Crc,
    /// Something was damaged, and who knows where the next frame begins: only a head that can be
    /// nothing else is believed.
    hunting: bool,
}

impl Reader {
    pub(crate) const NEW: Self = Self {
        head: [0; HEAD],
        small: [0; SMALL + SCRATCH],
        got: 0,
        frame: None,
        data_at: 0,
        data: 0,
        crc: Crc::NEW,
        hunting: false,
    };

    /// Whether a part of a frame is here.
    pub(crate) fn is_amid(&self) -> bool {
        self.got > 0
    }

    /// How many bytes are still to come, as far as that is known.
    pub(crate) fn missing(&self) -> usize {
        let total = self.frame.map_or(HEAD, |(head, _)| FRAME_HEAD + usize::from(head.size));
        total.saturating_sub(self.got)
    }

    /// The length of the data in the frame that is coming in, if it is this one and begins with data.
    pub(crate) fn data_of(&self, which: usize) -> Option<usize> {
        let (_, awaited) = self.frame?;
        (awaited == Some(which) && self.got >= HEAD + 4).then_some(self.data)
    }

    /// Gives the frame up: bytes of it are lost. Tells which of those that are awaited it was.
    pub(crate) fn give_up(&mut self) -> Option<usize> {
        let awaited = self.frame.and_then(|(_, awaited)| awaited);
        self.begin();
        self.hunting = true;
        awaited
    }

    /// Everything that came so far means nothing.
    pub(crate) fn forget(&mut self) {
        self.begin();
        self.hunting = false;
    }

    /// The parameters of the frame that came last, less its data, as far as they are kept.
    pub(crate) fn params(&self) -> &[u8] {
        self.small.get(..SMALL).unwrap_or_default()
    }

    /// Takes in what `read` puts into the slice that it is given. `Ok(None)` is a part of a frame, or
    /// nothing at all if `read` gave nothing.
    pub(crate) fn take<E>(
        &mut self,
        awaiting: &Awaiting,
        data: &mut [u8],
        read: impl FnOnce(&mut [u8]) -> Result<usize, E>,
    ) -> Result<(usize, Option<Frame>), E> {
        let place = self.place();
        let slice = match place {
            Place::Head(at) => self.head.get_mut(at..),
            Place::Small(at, end) => self.small.get_mut(at..end),
            Place::Data(at, end) => data.get_mut(at..end),
        }
        .unwrap_or_default();
        let count = read(slice)?.min(slice.len());
        let slice = slice.get(..count).unwrap_or_default();
        if !matches!(place, Place::Head(_)) {
            self.crc.update(slice);
        }
        self.got += count;
        if count == 0 {
            return Ok((0, None));
        }
        if self.got == HEAD && self.frame.is_none() {
            self.head_is_here(awaiting);
        }
        if self.got == HEAD + 4 {
            self.data_begin(awaiting, data.len());
        }
        Ok((count, self.finished()))
    }

    fn place(&self) -> Place {
        let Some((head, _)) = self.frame else { return Place::Head(self.got) };
        let (at, end) = (self.got.saturating_sub(HEAD), head.params());
        let data = 4..4 + self.data;
        if data.contains(&at) {
            return Place::Data(self.data_at + at - 4, self.data_at + self.data);
        }
        // Without data all lies together; with data, what comes before them does, and what behind.
        let behind = if at < 4 { 0 } else { self.data };
        let end = if at < 4 { end.min(4) } else { end };
        let (at, end) = (at - behind, end.saturating_sub(behind));
        if at < SMALL {
            return Place::Small(at, end.min(SMALL));
        }
        Place::Small(SMALL, SMALL + (end - at).min(SCRATCH))
    }

    /// What begins here is a frame, or the next one is looked for a byte further on. A reply that
    /// nobody awaits cannot be: calls are given up only when it is known that none comes any more.
    fn head_is_here(&mut self, awaiting: &Awaiting) {
        let head = Head::from_bytes(&self.head);
        let whose = |head: &Head| awaiting.iter().position(|it| it.is_some_and(|it| it.is(head)));
        match head.filter(|head| whose(head).is_some() || self.believes(head)) {
            Some(head) => {
                self.frame = Some((head, whose(&head)));
                self.crc = Crc::NEW;
                self.crc.update(self.head.get(FRAME_HEAD..).unwrap_or_default());
                self.data = 0;
            }
            None => {
                self.hunting = true;
                self.head.copy_within(1.., 0);
                self.got -= 1;
            }
        }
    }

    fn believes(&self, head: &Head) -> bool {
        let called = callback::SERVICES.contains(&head.service);
        match head.kind {
            Kind::Reply => false,
            Kind::Oneway if called && head.method == callback::WIFI_EVENT => {
                head.size == callback::EVENT_MESSAGE
            }
            Kind::Oneway | Kind::Invocation => called || !self.hunting,
        }
    }

    /// The length of the data has come.
    fn data_begin(&mut self, awaiting: &Awaiting, most: usize) {
        let Some((head, Some(which))) = self.frame else { return };
        let awaited = awaiting.get(which).copied().flatten();
        let Some(awaited) = awaited.filter(|it| it.method.data) else { return };
        let told = self.small.first_chunk().map_or(0, |it| u32::from_le_bytes(*it));
        let told = usize::try_from(told).unwrap_or(usize::MAX);
        let fits = told <= awaited.room && awaited.room_at + awaited.room <= most;
        if fits && told <= head.params().saturating_sub(4) {
            self.data_at = awaited.room_at;
            self.data = told;
        }
    }

    fn finished(&mut self) -> Option<Frame> {
        let (head, awaited) = self.frame?;
        if self.missing() > 0 {
            return None;
        }
        let intact = self.crc.value() == head.crc;
        let data = self.data;
        self.begin();
        self.hunting = !intact;
        Some(Frame { head, awaited, intact, data })
    }

    fn begin(&mut self) {
        self.got = 0;
        self.frame = None;
        self.data = 0;
    }
}

/// Where the next bytes go.
#[derive(Clone, Copy)]
enum Place {
    Head(usize),
    Small(usize, usize),
    Data(usize, usize),
}

/// Longest parameters that are kept: an event's, with room to spare.
const SMALL: usize = 64;
const _: () = assert!(SMALL >= Answer::ROOM + 4 && SMALL >= 4 + callback::EVENT);
/// What is dropped at a time.
const SCRATCH: usize = 32;
