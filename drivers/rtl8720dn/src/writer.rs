//! A frame on its way to the line.

use crate::codec::Request;
use crate::crc::Crc;
use crate::frame::FRAME_HEAD;

/// Gives a frame to the line, piece by piece.
#[derive(Debug)]
pub(crate) struct Writer {
    pub(crate) request: Request,
    /// Bytes given so far; all of them, where nothing is under way.
    given: usize,
    total: usize,
    /// Checksum of what was given of the message.
    crc: Crc,
    /// The owner of the data has left: the chip must drop the frame.
    spoilt: bool,
    /// The most that was taken at once of this frame.
    pub(crate) gulp: usize,
}

impl Writer {
    pub(crate) const IDLE: Self =
        Self { request: Request::EMPTY, given: 0, total: 0, crc: Crc::NEW, spoilt: false, gulp: 0 };

    /// Begins with the frame that was written into `request`.
    pub(crate) fn begin(&mut self) {
        self.given = 0;
        self.total = self.request.total();
        self.crc = Crc::NEW;
        self.spoilt = false;
        self.gulp = 0;
    }

    pub(crate) fn is_idle(&self) -> bool {
        self.given == self.total
    }

    /// Whether it goes no further without its owner.
    pub(crate) fn waits_for_data(&self) -> bool {
        !self.is_idle() && !self.spoilt && self.piece(&[]).is_empty()
    }

    /// Finishes a frame whose data are not coming any more: with zeros in their place, and a last
    /// byte that makes the checksum wrong, so that the chip drops all of it and keeps its place in
    /// the stream of bytes.
    pub(crate) fn spoil(&mut self) {
        if self.given == 0 {
            self.total = 0;
        }
        self.spoilt = true;
    }

    /// Gives `write` pieces until it takes no more, or until the rest of `data` is needed; so many at
    /// most, since one that takes each byte at once may have waited for the one before.
    pub(crate) fn give<E>(
        &mut self,
        data: &[u8],
        mut write: impl FnMut(&[u8]) -> Result<usize, E>,
    ) -> Result<(), E> {
        for _ in 0..PIECES {
            if self.is_idle() {
                break;
            }
            let mut last = [0];
            let piece = if self.spoilt { self.filler(&mut last) } else { self.piece(data) };
            if piece.is_empty() {
                return Ok(());
            }
            let count = write(piece)?.min(piece.len());
            if count == 0 {
                return Ok(());
            }
            let mut crc = self.crc;
            let covered = FRAME_HEAD.saturating_sub(self.given).min(count);
            crc.update(piece.get(covered..count).unwrap_or_default());
            self.crc = crc;
            self.given += count;
            self.gulp = self.gulp.max(count);
        }
        Ok(())
    }

    fn piece<'a>(&'a self, data: &'a [u8]) -> &'a [u8] {
        self.request.rest(self.given, data)
    }

    /// As it should be where the owner's bytes are not needed; zeros in their place.
    fn filler<'a>(&'a self, last: &'a mut [u8; 1]) -> &'a [u8] {
        let piece = self.request.rest(self.given, &[]);
        let left = self.total - self.given;
        let piece = if piece.is_empty() { ZEROS.get(..left).unwrap_or(&ZEROS) } else { piece };
        if let ([_, .., _], true) = (piece, piece.len() == left) {
            return piece.split_last().map_or(piece, |(_, rest)| rest);
        }
        if left > 1 {
            return piece;
        }
        *last = [piece.first().copied().unwrap_or(0)];
        let mut crc = self.crc;
        crc.update(last);
        if crc.value() == self.request.crc() {
            *last = last.map(|byte| byte ^ 1);
        }
        last
    }
}

const PIECES: u32 = 16;
const ZEROS: [u8; 32] = [0; 32];
