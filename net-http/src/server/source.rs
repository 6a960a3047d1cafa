//! What the server sends after a handler has returned.

use core::fmt;

#[cfg(feature = "alloc")]
use alloc::boxed::Box;

#[cfg(feature = "alloc")]
use crate::files::Content;

/// The rest of a body that is not in the response buffer.
#[derive(Default)]
pub(crate) enum Source {
    #[default]
    None,
    /// Lives as long as the program.
    Static(&'static [u8]),
    /// Is read piece by piece: from there, and so many bytes.
    #[cfg(feature = "alloc")]
    Read(Box<dyn Content + Send>, u64, u64),
}

impl Source {
    pub(crate) fn is_empty(&self) -> bool {
        match self {
            Self::None => true,
            Self::Static(rest) => rest.is_empty(),
            #[cfg(feature = "alloc")]
            Self::Read(_, _, left) => *left == 0,
        }
    }

    /// Reads the next piece into `room`. `None`: it cannot be read, and so the answer stays short.
    #[cfg(feature = "alloc")]
    pub(crate) fn read(&mut self, room: &mut [u8]) -> Option<usize> {
        let Self::Read(content, at, left) = self else { return Some(0) };
        let most = usize::try_from(*left).unwrap_or(usize::MAX).min(room.len());
        let count = content.read_at(*at, room.get_mut(..most)?).ok().filter(|count| *count > 0)?;
        let count = count.min(most);
        *at += u64::try_from(count).ok()?;
        *left -= u64::try_from(count).ok()?;
        Some(count)
    }
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "none",
            Self::Static(_) => "static",
            #[cfg(feature = "alloc")]
            Self::Read(..) => "read",
        })
    }
}
