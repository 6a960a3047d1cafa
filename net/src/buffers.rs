//! Several slices in one write.

use crate::{Conn, WriteError};

/// A list of slices to be written in order: Go's `Buffers`. What was written is taken off the list.
///
/// ```
/// let mut parts: [&[u8]; 2] = [b"GET / HTTP/1.0\r\n", b"\r\n"];
/// let mut buffers = net::Buffers::new(&mut parts);
/// let mut out = [0; 20];
/// assert_eq!((buffers.read(&mut out), buffers.len()), (18, 0));
/// ```
#[derive(Debug, PartialEq, Eq)]
pub struct Buffers<'s, 'a> {
    parts: &'s mut [&'a [u8]],
}

impl<'s, 'a> Buffers<'s, 'a> {
    /// These slices, in this order.
    #[must_use]
    pub const fn new(parts: &'s mut [&'a [u8]]) -> Self {
        Self { parts }
    }

    /// Writes everything as one write: nothing of another writer gets in between, and short slices
    /// leave together.
    ///
    /// # Errors
    /// As [`Conn::write`].
    pub fn write_to(&mut self, conn: &impl Conn) -> Result<usize, WriteError> {
        let outcome = conn.write_parts(self.parts);
        self.consume(match &outcome {
            Ok(written) => *written,
            Err(error) => error.written,
        });
        outcome
    }

    /// Moves a prefix into `buf` and tells its length. Without any slice left that is 0, the end.
    pub fn read(&mut self, buf: &mut [u8]) -> usize {
        let bytes = self.parts.iter().flat_map(|part| part.iter());
        let count = buf.iter_mut().zip(bytes).map(|(to, from)| *to = *from).count();
        self.consume(count);
        count
    }

    /// How many slices are left.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.parts.len()
    }

    /// Whether none is left.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }

    /// Takes bytes off the front, and slices of which nothing is left.
    fn consume(&mut self, mut count: usize) {
        let mut whole = 0;
        for part in self.parts.iter_mut() {
            if count < part.len() {
                *part = part.get(count..).unwrap_or_default();
                break;
            }
            count -= part.len();
            whole += 1;
        }
        let parts = core::mem::take(&mut self.parts);
        self.parts = parts.get_mut(whole..).unwrap_or_default();
    }
}
