//! Files that are part of the program.

use super::server::{Entry, FileSystem};

/// A read-only set of files: a table of paths and contents, as `include_bytes!` or a crate such as
/// `include_dir` make it. Paths have no slash in front; folders are what the paths say.
///
/// ```
/// use net_http as http;
///
/// static FILES: &[(&str, &[u8])] = &[
///     ("index.html", b"<h1>hello</h1>"),
///     ("img/dot.png", b"\x89PNG\r\n\x1A\n"),
/// ];
///
/// let files = http::FileServer::new(http::Assets::new(FILES).modified(1_704_164_645));
/// # let _ = files;
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Assets<'t> {
    files: &'t [(&'t str, &'static [u8])],
    modified: Option<u64>,
}

impl<'t> Assets<'t> {
    /// A set of these files.
    #[must_use]
    pub const fn new(files: &'t [(&'t str, &'static [u8])]) -> Self {
        Self { files, modified: None }
    }

    /// When they were last changed, in seconds since 1970: browsers need not fetch again what they
    /// have since then.
    #[must_use]
    pub const fn modified(self, unix: u64) -> Self {
        Self { modified: Some(unix), ..self }
    }
}

impl FileSystem for Assets<'_> {
    fn open(&self, path: &str, then: &mut dyn FnMut(Entry<'_>)) {
        let file = self.files.iter().find(|(name, _)| *name == path);
        let inside = |name: &str| {
            path.is_empty() || name.strip_prefix(path).is_some_and(|rest| rest.starts_with('/'))
        };
        if let Some((_, data)) = file {
            then(Entry::Static { data, modified: self.modified });
        } else if self.files.iter().any(|(name, _)| inside(name)) {
            then(Entry::Folder);
        }
    }
}
