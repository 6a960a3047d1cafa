//! Bytes that came while nobody was there to take them: whole datagrams, and what a reader left
//! behind when he gave up.

use core::net::{Ipv4Addr, SocketAddrV4};

/// Records one after the other, each with its owner.
pub(crate) struct Stash<const N: usize> {
    bytes: [u8; N],
    len: usize,
}

/// What stands before each record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Head {
    tag: u8,
    /// Bytes that have come, of so many.
    filled: u16,
    size: u16,
    from: SocketAddrV4,
}

impl<const N: usize> Stash<N> {
    pub(crate) const fn new() -> Self {
        Self { bytes: [0; N], len: 0 }
    }

    /// Begins a record of `size` bytes, which are put in by [`fill`](Self::fill). `false`: no room.
    pub(crate) fn begin(&mut self, tag: u8, size: u16, from: Option<SocketAddrV4>) -> bool {
        let end = self.len + HEAD + usize::from(size);
        if end > N {
            return false;
        }
        let from = from.unwrap_or(NOBODY);
        self.put_head(self.len, Head { tag, filled: 0, size, from });
        self.len = end;
        true
    }

    /// The room of the record that was begun last and is not full yet.
    pub(crate) fn room(&mut self) -> Option<&mut [u8]> {
        let (at, head) = self.last()?;
        let start = at + HEAD;
        self.bytes.get_mut(start + usize::from(head.filled)..start + usize::from(head.size))
    }

    /// So many bytes were put into [`room`](Self::room).
    pub(crate) fn fill(&mut self, count: usize) {
        if let Some((at, mut head)) = self.last() {
            let count = u16::try_from(count).unwrap_or(0);
            head.filled = head.filled.saturating_add(count).min(head.size);
            self.put_head(at, head);
        }
    }

    /// The record that was begun last gets no more.
    pub(crate) fn cut(&mut self) {
        if let Some((at, mut head)) = self.last().filter(|(_, head)| head.filled < head.size) {
            head.size = head.filled;
            self.put_head(at, head);
            self.len = at + HEAD + usize::from(head.size);
        }
    }

    /// What room there is for one more record.
    pub(crate) fn free(&self) -> usize {
        N.saturating_sub(self.len + HEAD)
    }

    /// Takes bytes of the oldest record of an owner, also of one that is not full.
    pub(crate) fn take(&mut self, tag: u8, buf: &mut [u8]) -> Option<usize> {
        let (at, mut head) = self.find(tag, |head| head.filled > 0)?;
        let count = buf.len().min(usize::from(head.filled));
        let start = at + HEAD;
        buf.get_mut(..count)?.copy_from_slice(self.bytes.get(start..start + count)?);
        if count == usize::from(head.size) {
            self.remove(at, start + count);
        } else {
            self.remove(start, start + count);
            let taken = u16::try_from(count).unwrap_or(0);
            head.filled -= taken;
            head.size -= taken;
            self.put_head(at, head);
        }
        Some(count)
    }

    /// Takes the oldest datagram of an owner: its length and its sender.
    pub(crate) fn take_datagram(
        &mut self,
        tag: u8,
        buf: &mut [u8],
    ) -> Option<(usize, SocketAddrV4)> {
        let (at, head) = self.find(tag, |head| head.filled == head.size)?;
        let (start, size) = (at + HEAD, usize::from(head.size));
        let count = buf.len().min(size);
        buf.get_mut(..count)?.copy_from_slice(self.bytes.get(start..start + count)?);
        self.remove(at, start + size);
        Some((size, head.from))
    }

    /// Whether an owner has anything to take.
    pub(crate) fn holds(&self, tag: u8, whole: bool) -> bool {
        self.find(tag, |head| if whole { head.filled == head.size } else { head.filled > 0 })
            .is_some()
    }

    /// Drops all that belongs to an owner. A record that is still being filled is kept, for nobody.
    pub(crate) fn forget(&mut self, tag: u8) {
        while let Some((at, mut head)) = self.find(tag, |_| tag != 0) {
            if head.filled == head.size {
                self.remove(at, at + HEAD + usize::from(head.size));
            } else {
                head.tag = 0;
                self.put_head(at, head);
            }
        }
        while let Some((at, head)) = self.find(0, |head| head.filled == head.size) {
            self.remove(at, at + HEAD + usize::from(head.size));
        }
    }

    pub(crate) fn clear(&mut self) {
        self.len = 0;
    }

    fn last(&self) -> Option<(usize, Head)> {
        self.records().last()
    }

    fn find(&self, tag: u8, fits: impl Fn(&Head) -> bool) -> Option<(usize, Head)> {
        self.records().find(|(_, head)| head.tag == tag && fits(head))
    }

    fn records(&self) -> impl Iterator<Item = (usize, Head)> {
        let mut at = 0;
        core::iter::from_fn(move || {
            let head = self.head(at).filter(|_| at < self.len)?;
            let here = at;
            at += HEAD + usize::from(head.size);
            Some((here, head))
        })
    }

    fn head(&self, at: usize) -> Option<Head> {
        let bytes = self.bytes.get(at..at + HEAD)?;
        let &[tag, a, b, c, d, e, f, g, h, i, j] = bytes else { return None };
        Some(Head {
            tag,
            filled: u16::from_le_bytes([a, b]),
            size: u16::from_le_bytes([c, d]),
            from: SocketAddrV4::new(Ipv4Addr::new(e, f, g, h), u16::from_le_bytes([i, j])),
        })
    }

    fn put_head(&mut self, at: usize, head: Head) {
        let ([a, b], [c, d]) = (head.filled.to_le_bytes(), head.size.to_le_bytes());
        let ([e, f, g, h], [i, j]) = (head.from.ip().octets(), head.from.port().to_le_bytes());
        if let Some(place) = self.bytes.get_mut(at..at + HEAD) {
            place.copy_from_slice(&[head.tag, a, b, c, d, e, f, g, h, i, j]);
        }
    }

    fn remove(&mut self, from: usize, to: usize) {
        if from <= to && to <= self.len {
            self.bytes.copy_within(to..self.len, from);
            self.len -= to - from;
        }
    }
}

const HEAD: usize = 11;
const NOBODY: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 0);

#[cfg(test)]
mod tests {
    use super::*;

    fn put<const N: usize>(stash: &mut Stash<N>, tag: u8, bytes: &[u8]) -> bool {
        let from = SocketAddrV4::new(Ipv4Addr::LOCALHOST, u16::from(tag));
        if !stash.begin(tag, u16::try_from(bytes.len()).unwrap(), Some(from)) {
            return false;
        }
        for byte in bytes {
            stash.room().unwrap()[0] = *byte;
            stash.fill(1);
        }
        true
    }

    #[test]
    fn each_owner_gets_its_own_in_order() {
        let mut stash = Stash::<64>::new();
        assert!(
            put(&mut stash, 1, b"abc") && put(&mut stash, 2, b"xy") && put(&mut stash, 1, b"de")
        );
        let mut buf = [0; 8];
        assert_eq!(stash.take(1, &mut buf[..2]), Some(2));
        assert_eq!(&buf[..2], b"ab");
        assert_eq!(stash.take(2, &mut buf), Some(2));
        assert_eq!(stash.take(1, &mut buf), Some(1));
        assert_eq!(stash.take(1, &mut buf), Some(2));
        assert_eq!(&buf[..2], b"de");
        assert_eq!(stash.take(1, &mut buf), None);
        assert_eq!(stash.free(), 64 - HEAD);
    }

    #[test]
    fn datagrams_come_whole_with_their_length_and_sender() {
        let mut stash = Stash::<64>::new();
        assert!(
            put(&mut stash, 7, b"first") && put(&mut stash, 7, b"") && put(&mut stash, 7, b"x")
        );
        let mut buf = [0; 2];
        let from = SocketAddrV4::new(Ipv4Addr::LOCALHOST, 7);
        assert_eq!(stash.take_datagram(7, &mut buf), Some((5, from)));
        assert_eq!(&buf, b"fi");
        assert_eq!(stash.take_datagram(7, &mut buf), Some((0, from)));
        assert_eq!(stash.take_datagram(7, &mut buf), Some((1, from)));
        assert_eq!(stash.take_datagram(7, &mut buf), None);
    }

    #[test]
    fn what_does_not_fit_is_refused_and_what_was_cut_is_short() {
        let mut stash = Stash::<32>::new();
        assert!(!put(&mut stash, 1, &[0; 22]));
        assert!(stash.begin(1, 21, None));
        stash.room().unwrap()[..3].copy_from_slice(b"abc");
        stash.fill(3);
        let mut buf = [0; 32];
        assert!(stash.holds(1, false) && !stash.holds(1, true));
        stash.cut();
        assert_eq!(stash.take_datagram(1, &mut buf).map(|(len, _)| len), Some(3));
        assert_eq!(stash.free(), 21);
    }

    #[test]
    fn bytes_are_taken_from_a_record_that_is_not_full_and_more_follow() {
        let mut stash = Stash::<32>::new();
        assert!(stash.begin(1, 5, None));
        stash.room().unwrap()[..2].copy_from_slice(b"ab");
        stash.fill(2);
        let mut buf = [0; 8];
        assert_eq!(stash.take(1, &mut buf), Some(2));
        assert_eq!(stash.take(1, &mut buf), None);
        stash.room().unwrap()[..3].copy_from_slice(b"cde");
        stash.fill(3);
        assert_eq!(stash.take(1, &mut buf), Some(3));
        assert_eq!(&buf[..3], b"cde");
    }

    #[test]
    fn what_is_forgotten_is_gone_when_its_last_byte_has_come() {
        let mut stash = Stash::<64>::new();
        assert!(put(&mut stash, 1, b"abc") && stash.begin(1, 2, None));
        stash.forget(1);
        assert!(!stash.holds(1, false));
        stash.forget(0);
        stash.fill(2);
        stash.forget(0);
        assert_eq!(stash.free(), 64 - HEAD);
    }
}
