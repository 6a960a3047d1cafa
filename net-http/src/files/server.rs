//! A handler for a tree of files.

use core::fmt;

use super::content::{Body, serve_body};
#[cfg(feature = "alloc")]
use alloc::boxed::Box;

use super::content::Content;
use crate::query::Encoded;
use crate::wire::ascii::{cut_last, hex_digit};
use crate::{Error, Failed, Handler, Request, ResponseWriter, Status};

/// Where a [`FileServer`] finds its files.
pub trait FileSystem {
    /// Looks a path up: clean, decoded, without a slash in front or behind; the root is empty. Calls
    /// `then` with what it found, or not at all.
    fn open(&self, path: &str, then: &mut dyn FnMut(Entry<'_>));
}

/// Something that a path leads to.
#[non_exhaustive]
pub enum Entry<'f> {
    /// A folder.
    Folder,
    /// A file that is part of the program. The server sends it beside its other work.
    Static {
        /// What is in it.
        data: &'static [u8],
        /// When it was changed, in seconds since 1970.
        modified: Option<u64>,
    },
    /// A file that is read while its handler runs.
    File {
        /// What is in it.
        content: &'f mut dyn Content,
        /// When it was changed, in seconds since 1970.
        modified: Option<u64>,
    },
    /// A file that the server reads and sends beside its other work.
    #[cfg(feature = "alloc")]
    Owned {
        /// What is in it.
        content: Box<dyn Content + Send>,
        /// When it was changed, in seconds since 1970.
        modified: Option<u64>,
    },
}

impl fmt::Debug for Entry<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if matches!(self, Self::Folder) { "Folder" } else { "File" })
    }
}

/// Serves a tree of files: Go's `FileServer`. Ranges and conditions are honoured, types told by the
/// extension or the content; `index.html` stands for its folder, whose path ends in a slash.
///
/// No path leads out of the tree: dots are resolved before a file is looked up.
///
/// Differs from Go: a folder without `index.html` is not listed, but unknown (404).
#[derive(Clone, Copy, Debug)]
pub struct FileServer<F> {
    files: F,
}

impl<F: FileSystem> FileServer<F> {
    /// Serves these files.
    pub const fn new(files: F) -> Self {
        Self { files }
    }
}

impl<F: FileSystem> Handler for FileServer<F> {
    fn serve(&self, w: &mut ResponseWriter<'_>, r: &mut Request<'_>) -> Result<(), Failed> {
        serve_path(&self.files, w, r).map_err(|_| Failed)
    }
}

fn serve_path(
    files: &dyn FileSystem,
    w: &mut ResponseWriter<'_>,
    r: &Request<'_>,
) -> Result<(), Error> {
    let mut room = [0; PATH_MAX];
    let Some(path) = clean_path(r.path, &mut room) else {
        return crate::not_found(w);
    };
    if ends_with(r.path, "/index.html") {
        return redirect_here(w, r, &"./");
    }
    let slash = r.path.is_empty() || r.path.ends_with('/');
    let mut result = None;
    files.open(path, &mut |entry| {
        let body = body_of(entry);
        result = Some(match body {
            None if slash => Ok(false),
            None => redirect_here(w, r, &format_args!("{}/", base(path))).map(|()| true),
            Some(_) if slash => {
                redirect_here(w, r, &format_args!("../{}", base(path))).map(|()| true)
            }
            Some((body, modified)) => serve_body(w, r, path, modified, body).map(|()| true),
        });
    });
    match result {
        Some(Ok(true)) => Ok(()),
        Some(Err(error)) => Err(error),
        Some(Ok(false)) => serve_index(files, w, r, path),
        None => crate::not_found(w),
    }
}

/// A folder is served by its `index.html`.
fn serve_index(
    files: &dyn FileSystem,
    w: &mut ResponseWriter<'_>,
    r: &Request<'_>,
    folder: &str,
) -> Result<(), Error> {
    let mut room = [0; PATH_MAX];
    let separator = if folder.is_empty() { "" } else { "/" };
    let mut length = 0;
    for part in [folder, separator, "index.html"] {
        let Some(place) = room.get_mut(length..length + part.len()) else {
            return crate::not_found(w);
        };
        place.copy_from_slice(part.as_bytes());
        length += part.len();
    }
    let path = core::str::from_utf8(room.get(..length).unwrap_or_default()).unwrap_or_default();
    let mut result = None;
    files.open(path, &mut |entry| {
        if let Some((body, modified)) = body_of(entry) {
            result = Some(serve_body(w, r, path, modified, body));
        }
    });
    result.unwrap_or_else(|| crate::not_found(w))
}

/// The content of a file; `None` for a folder.
fn body_of(entry: Entry<'_>) -> Option<(Body<'_>, Option<u64>)> {
    match entry {
        Entry::Folder => None,
        Entry::Static { data, modified } => Some((Body::Static(data), modified)),
        Entry::File { content, modified } => Some((Body::Read(content), modified)),
        #[cfg(feature = "alloc")]
        Entry::Owned { content, modified } => Some((Body::Owned(content), modified)),
    }
}

/// Status 301 to a path beside this one, with the query kept. A path with an escaped slash is not
/// what the client will make of the answer, and so unknown.
fn redirect_here(
    w: &mut ResponseWriter<'_>,
    r: &Request<'_>,
    to: &dyn fmt::Display,
) -> Result<(), Error> {
    let escaped_slash = |part: &[u8]| matches!(part, [b'%', b'2', b'f' | b'F']);
    if r.path.as_bytes().windows(3).any(escaped_slash) {
        return crate::not_found(w);
    }
    let query = r.query;
    let mark = if query.is_empty() { "" } else { "?" };
    w.header().set_display("Location", &format_args!("{to}{mark}{query}"));
    w.write_header(Status::MOVED_PERMANENTLY);
    Ok(())
}

/// The last segment.
fn base(path: &str) -> &str {
    cut_last(path, b'/').map_or(path, |(_, base)| base)
}

/// Whether the decoded path ends like this.
fn ends_with(path: &str, end: &str) -> bool {
    let count = Encoded::path(path).bytes().count();
    count >= end.len() && Encoded::path(path).bytes().skip(count - end.len()).eq(end.bytes())
        || end.strip_prefix('/') == Some(path)
}

/// Decodes a path and resolves its dots. No slash stands in front or behind. `None` if it is too
/// long, not UTF-8, or has a NUL.
fn clean_path<'b>(path: &str, room: &'b mut [u8]) -> Option<&'b str> {
    let (mut rest, mut length) = (path.as_bytes(), 0);
    loop {
        let start = length;
        let mut more = false;
        while let [first, behind @ ..] = rest {
            let (byte, next) = match (first, behind) {
                (b'%', [high, low, next @ ..]) => (hex_digit(*high)? << 4 | hex_digit(*low)?, next),
                _ => (*first, behind),
            };
            rest = next;
            if byte == b'/' {
                more = true;
                break;
            }
            if byte == 0 {
                return None;
            }
            *room.get_mut(length)? = byte;
            length += 1;
        }
        match room.get(start..length)? {
            b"" | b"." => length = start,
            b".." => {
                let before = room.get(..start.saturating_sub(1))?;
                length = before.iter().rposition(|&byte| byte == b'/').map_or(0, |at| at + 1);
            }
            _ => {
                *room.get_mut(length)? = b'/';
                length += 1;
            }
        }
        if !more {
            break;
        }
    }
    core::str::from_utf8(room.get(..length.saturating_sub(1))?).ok()
}

/// Longest path, in bytes.
const PATH_MAX: usize = if cfg!(feature = "std") { 1024 } else { 128 };

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_never_lead_out() {
        let cases = [
            ("", ""),
            ("/", ""),
            ("/a", "a"),
            ("a/b/", "a/b"),
            ("/../../etc/passwd", "etc/passwd"),
            ("/a/%2e%2e/%2E%2e/b", "b"),
            ("/a//./b/..", "a"),
            ("/a/..%2f..%2fb", "b"),
            ("/%2e%2e%2f", ""),
            ("/..a/b..", "..a/b.."),
        ];
        for (path, clean) in cases {
            assert_eq!(clean_path(path, &mut [0; 64]), Some(clean), "{path}");
        }
        assert_eq!(clean_path("/a%00b", &mut [0; 64]), None);
        assert_eq!(clean_path("/a%FF", &mut [0; 64]), None);
        assert_eq!(clean_path("/0123456789", &mut [0; 8]), None);
    }

    #[test]
    fn the_index_is_known_by_its_decoded_path() {
        assert!(ends_with("/a/index.html", "/index.html"));
        assert!(ends_with("/a/%69ndex.html", "/index.html"));
        assert!(ends_with("index.html", "/index.html"));
        assert!(!ends_with("/aindex.html", "/index.html"));
    }
}
