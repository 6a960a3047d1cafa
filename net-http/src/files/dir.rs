//! Files of a folder, with the standard library.

use std::boxed::Box;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Component, Path, PathBuf};

use super::content::{Body, Content, serve_body};
use super::server::{Entry, FileSystem};
use crate::{Error, Request, ResponseWriter};

/// The files below a folder of this system: Go's `http.Dir`.
///
/// Differs from Go: links that lead out of the folder are not followed.
#[derive(Clone, Debug)]
pub struct Dir {
    root: PathBuf,
}

impl Dir {
    /// The files below `root`.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// Where a path of the tree leads, if that is inside.
    fn locate(&self, path: &str) -> Option<PathBuf> {
        let path = Path::new(path);
        let plain = |part| matches!(part, Component::Normal(_));
        if !path.components().all(plain) || path.to_str()?.contains('\\') {
            return None;
        }
        let root = self.root.canonicalize().ok()?;
        let found = root.join(path).canonicalize().ok()?;
        found.starts_with(&root).then_some(found)
    }
}

impl FileSystem for Dir {
    fn open(&self, path: &str, then: &mut dyn FnMut(Entry<'_>)) {
        let Some(place) = self.locate(path) else { return };
        match opened(&place) {
            Ok(None) => then(Entry::Folder),
            Ok(Some((content, modified))) => {
                then(Entry::Owned { content: Box::new(content), modified });
            }
            Err(error) => net::netdev::warn!("{}: {}", path, ErrorText(&error)),
        }
    }
}

/// Answers with one file of this system, whatever the path of the request: Go's `ServeFile`.
///
/// # Errors
/// As [`ResponseWriter::write`]. A file that cannot be opened is answered with 404.
pub fn serve_file(
    w: &mut ResponseWriter<'_>,
    r: &Request<'_>,
    place: impl AsRef<Path>,
) -> Result<(), Error> {
    let place = place.as_ref();
    match opened(place) {
        Ok(Some((content, modified))) => {
            let name = place.to_string_lossy();
            serve_body(w, r, &name, modified, Body::Owned(Box::new(content)))
        }
        _ => crate::not_found(w),
    }
}

/// A file that is open.
struct OpenFile {
    file: File,
    size: u64,
    /// Where the next read would start.
    at: u64,
}

/// Opens a file; `None` for a folder.
fn opened(place: &Path) -> std::io::Result<Option<(OpenFile, Option<u64>)>> {
    let file = File::open(place)?;
    let about = file.metadata()?;
    if about.is_dir() {
        return Ok(None);
    }
    if !about.is_file() {
        return Err(std::io::ErrorKind::Unsupported.into());
    }
    let since = about.modified().ok().and_then(|at| at.duration_since(std::time::UNIX_EPOCH).ok());
    let size = about.len();
    Ok(Some((OpenFile { file, size, at: 0 }, since.map(|since| since.as_secs()))))
}

impl Content for OpenFile {
    fn size(&self) -> u64 {
        self.size
    }

    fn read_at(&mut self, at: u64, buf: &mut [u8]) -> Result<usize, Error> {
        if self.at != at {
            self.file.seek(SeekFrom::Start(at)).map_err(|_| Error::Content)?;
        }
        let count = self.file.read(buf).map_err(|_| Error::Content)?;
        self.at = at + u64::try_from(count).unwrap_or(0);
        Ok(count)
    }
}

/// An error of the system for both kinds of log.
struct ErrorText<'a>(&'a std::io::Error);

impl core::fmt::Display for ErrorText<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(feature = "defmt")]
impl defmt::Format for ErrorText<'_> {
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::write!(f, "{}", defmt::Display2Format(self.0));
    }
}
