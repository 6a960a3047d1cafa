//! Handlers around handlers.

use crate::mux::Matched;
use crate::{Failed, Handler, Request, ResponseWriter, Status};

/// What [`strip_prefix`] gives.
#[derive(Clone, Copy, Debug)]
pub struct StripPrefix<'p, H> {
    prefix: &'p str,
    handler: H,
}

/// A handler that takes `prefix` off the path and calls another one; without it in the path the answer
/// is 404. Prefix and path are compared as they were sent.
///
/// ```
/// use net_http as http;
///
/// static FILES: &[(&str, &[u8])] = &[("index.html", b"<h1>hello</h1>")];
///
/// let files = http::strip_prefix("/static/", http::FileServer::new(http::Assets::new(FILES)));
/// let mut mux = http::ServeMux::<2>::new();
/// mux.handle("/static/", &files)?;
/// # Ok::<(), http::PatternError>(())
/// ```
pub const fn strip_prefix<H: Handler>(prefix: &str, handler: H) -> StripPrefix<'_, H> {
    StripPrefix { prefix, handler }
}

impl<H: Handler> Handler for StripPrefix<'_, H> {
    fn serve(&self, w: &mut ResponseWriter<'_>, r: &mut Request<'_>) -> Result<(), Failed> {
        match r.path.strip_prefix(self.prefix) {
            Some(path) => self.handler.serve(w, &mut r.with_path(path)),
            None => crate::not_found(w).map_err(|_| Failed),
        }
    }
}

/// What [`max_bytes`] gives.
#[derive(Clone, Copy, Debug)]
pub struct MaxBytes<H> {
    bytes: u64,
    handler: H,
}

/// A handler that calls another one with a body of at most `bytes`, whatever the server allows: see
/// [`Request::limit_body`]. Go's `MaxBytesHandler`.
pub const fn max_bytes<H: Handler>(bytes: u64, handler: H) -> MaxBytes<H> {
    MaxBytes { bytes, handler }
}

impl<H: Handler> Handler for MaxBytes<H> {
    fn serve(&self, w: &mut ResponseWriter<'_>, r: &mut Request<'_>) -> Result<(), Failed> {
        r.limit_body(self.bytes);
        self.handler.serve(w, r)
    }
}

/// What [`redirect_handler`] gives.
#[derive(Clone, Copy, Debug)]
pub struct RedirectHandler<'u> {
    url: &'u str,
    status: Status,
}

/// A handler that sends every client to `url`: see [`redirect`](crate::redirect).
#[must_use]
pub const fn redirect_handler(url: &str, status: Status) -> RedirectHandler<'_> {
    RedirectHandler { url, status }
}

impl Handler for RedirectHandler<'_> {
    fn serve(&self, w: &mut ResponseWriter<'_>, r: &mut Request<'_>) -> Result<(), Failed> {
        crate::redirect(w, r, self.url, self.status).map_err(|_| Failed)
    }
}

impl<'a> Request<'a> {
    /// The same request for a handler further in.
    pub(crate) fn routed<'b>(&'b self, matched: Matched<'b>) -> Request<'b> {
        Request { fields: self.fields.clone(), matched, ..*self }
    }

    fn with_path<'b>(&'b self, path: &'b str) -> Request<'b> {
        Request { fields: self.fields.clone(), path, ..*self }
    }
}
