//! One direction of a pipe: a write that is on offer, a piece of it at a time.

use core::cell::RefCell;

use critical_section::Mutex;

/// Bytes that cross at once. They are copied with interrupts off, so there are few of them; reads and
/// writes of any length are made of such pieces.
pub(super) const STAGE: usize = 128;

pub(super) struct Lane(Mutex<RefCell<Offer>>);

/// A write under way.
struct Offer {
    stage: [u8; STAGE],
    /// What of the stage was not read yet.
    start: usize,
    end: usize,
    /// Bytes of this write that were put on the stage so far, out of all.
    staged: usize,
    total: usize,
    /// Whether there is a write at all.
    open: bool,
    /// Counts writes, so that a read takes from one only.
    number: u32,
    /// A read has met a write of nothing.
    met: bool,
}

/// What a read has got so far.
pub(super) struct Pulled {
    pub(super) count: usize,
    /// The write that it came from.
    number: Option<u32>,
}

impl Pulled {
    pub(super) const fn new() -> Self {
        Self { count: 0, number: None }
    }
}

impl Lane {
    pub(super) const fn new() -> Self {
        Self(Mutex::new(RefCell::new(Offer {
            stage: [0; STAGE],
            start: 0,
            end: 0,
            staged: 0,
            total: 0,
            open: false,
            number: 0,
            met: false,
        })))
    }

    /// Offers `data`, of which the first `total` bytes count; true once they were read.
    pub(super) fn push(&self, data: &[u8], total: usize) -> bool {
        self.with(|offer| offer.push(data, total))
    }

    /// Takes what is on offer; true if that is all that this read can get.
    pub(super) fn pull(&self, buf: &mut [u8], pulled: &mut Pulled) -> bool {
        self.with(|offer| offer.pull(buf, pulled))
    }

    /// How much of the write was read.
    pub(super) fn taken(&self) -> usize {
        self.with(|offer| offer.taken())
    }

    /// Ends the write and tells how much of it was read, and whether that is all.
    pub(super) fn finish(&self) -> (usize, bool) {
        self.with(|offer| {
            let all = !offer.live();
            offer.open = false;
            (offer.taken(), all)
        })
    }

    fn with<T>(&self, f: impl FnOnce(&mut Offer) -> T) -> T {
        critical_section::with(|cs| f(&mut self.0.borrow_ref_mut(cs)))
    }
}

impl Offer {
    fn push(&mut self, data: &[u8], total: usize) -> bool {
        if !self.open {
            (self.start, self.end, self.staged, self.total) = (0, 0, 0, total);
            (self.open, self.met) = (true, false);
            self.number = self.number.wrapping_add(1);
        }
        if self.start == self.end {
            let rest = data.get(self.staged..self.total).unwrap_or_default();
            self.start = 0;
            self.end = copy(&mut self.stage, rest);
            self.staged += self.end;
        }
        !self.live()
    }

    fn pull(&mut self, buf: &mut [u8], pulled: &mut Pulled) -> bool {
        let begun = pulled.number.is_some();
        if !self.live() || (begun && pulled.number != Some(self.number)) {
            return begun;
        }
        pulled.number = Some(self.number);
        if self.total == 0 {
            self.met = true;
            return true;
        }
        let staged = self.stage.get(self.start..self.end).unwrap_or_default();
        let count = copy(buf.get_mut(pulled.count..).unwrap_or_default(), staged);
        self.start += count;
        pulled.count += count;
        pulled.count >= buf.len() || !self.live()
    }

    fn taken(&self) -> usize {
        self.staged - (self.end - self.start)
    }

    /// Whether there is a write that was not read to its end.
    fn live(&self) -> bool {
        self.open && if self.total == 0 { !self.met } else { self.taken() < self.total }
    }
}

/// Copies as much as fits and tells how much that is.
fn copy(to: &mut [u8], from: &[u8]) -> usize {
    let count = to.len().min(from.len());
    to.iter_mut().zip(from).for_each(|(to, from)| *to = *from);
    count
}
