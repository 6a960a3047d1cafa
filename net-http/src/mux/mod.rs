//! Routing.

#[cfg(feature = "alloc")]
pub(crate) mod global;
#[cfg(feature = "alloc")]
mod growing;
mod path;
mod pattern;
mod routing;

#[cfg(feature = "alloc")]
pub use growing::GrowingMux;
pub use pattern::PatternError;

use core::fmt;

use path::Segments;
use pattern::Pattern;
use routing::{Decision, Question, Routes};

use crate::query::Encoded;
use crate::{Failed, Handler, Request, ResponseWriter, Status};

/// A router with room for `N` routes: Go's `ServeMux`, with the patterns of Go 1.22 and later.
///
/// A pattern is `[METHOD ][HOST]/PATH`. `GET` takes HEAD, too. In the path, `{name}` stands for one
/// segment, `{name...}` at the end for the rest, a final slash for a rest without a name, and `{$}`
/// for the end behind a slash. The most specific pattern wins, whatever the order. A path that is
/// not clean, or lacks the final slash, is redirected (status 307); a known path with another method
/// gives status 405, an unknown one 404.
///
/// ```
/// use net_http as http;
///
/// fn root(w: &mut http::ResponseWriter<'_>, _r: &mut http::Request<'_>) {
///     let _ = w.write(b"root");
/// }
///
/// fn item(w: &mut http::ResponseWriter<'_>, r: &mut http::Request<'_>) -> Result<(), http::Error> {
///     match r.path_value("id") {
///         Some(id) => write!(w, "item {id}"),
///         None => http::not_found(w),
///     }
/// }
///
/// let mut mux = http::ServeMux::<4>::new();
/// mux.handle("/{$}", &root)?;
/// mux.handle("GET /item/{id}", &item)?;
/// assert_eq!(mux.handle("/item/{other}/", &item), Ok(()));
/// assert_eq!(mux.handle("GET /item/{other}", &item), Err(http::PatternError::Conflict));
/// # Ok::<(), http::PatternError>(())
/// ```
pub struct ServeMux<'h, const N: usize = 16> {
    routes: [Option<(Pattern<'h>, &'h dyn Handler)>; N],
}

impl<const N: usize> Default for ServeMux<'_, N> {
    fn default() -> Self {
        Self::new()
    }
}

impl<'h, const N: usize> ServeMux<'h, N> {
    /// A router without routes.
    #[must_use]
    pub const fn new() -> Self {
        Self { routes: [None; N] }
    }

    /// Registers a handler.
    ///
    /// # Errors
    /// [`PatternError`]: the pattern is malformed, conflicts with an earlier one, or one too many.
    pub fn handle(
        &mut self,
        pattern: &'h str,
        handler: &'h dyn Handler,
    ) -> Result<(), PatternError> {
        let pattern = Pattern::parse(pattern)?;
        if self.routes.iter().flatten().any(|(earlier, _)| pattern.conflicts_with(earlier)) {
            return Err(PatternError::Conflict);
        }
        let place = self.routes.iter_mut().find(|route| route.is_none());
        *place.ok_or(PatternError::Full)? = Some((pattern, handler));
        Ok(())
    }
}

impl<const N: usize> Handler for ServeMux<'_, N> {
    fn serve(&self, w: &mut ResponseWriter<'_>, r: &mut Request<'_>) -> Result<(), Failed> {
        let patterns = self.routes.iter().flatten().map(|(pattern, _)| *pattern);
        serve(&patterns, &|place| self.routes.get(place)?.map(|(_, handler)| handler), w, r)
    }
}

impl<const N: usize> fmt::Debug for ServeMux<'_, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list()
            .entries(self.routes.iter().flatten().map(|(pattern, _)| pattern.text))
            .finish()
    }
}

/// Sends a request where it belongs.
pub(crate) fn serve<'r>(
    routes: &dyn Routes<'r>,
    handler: &dyn Fn(usize) -> Option<&'r dyn Handler>,
    w: &mut ResponseWriter<'_>,
    r: &mut Request<'_>,
) -> Result<(), Failed> {
    let question = Question { method: r.method, host: r.host, path: r.path };
    if r.target == "*" {
        w.header().set("Connection", "close");
        w.write_header(Status::BAD_REQUEST);
        return Ok(());
    }
    // What goes wrong while writing is known to the writer.
    let _ = match question.decide(routes) {
        Decision::Route(pattern, place) => {
            let handler = handler(place).ok_or(Failed)?;
            return handler
                .serve(w, &mut r.routed(Matched { pattern: Some(pattern), path: r.path }));
        }
        Decision::Redirect(path) => {
            let location = Location { path, query: r.query };
            crate::redirect::redirect_to(w, r, &location, Status::TEMPORARY_REDIRECT)
        }
        Decision::WrongMethod => {
            w.header().set_display("Allow", &question.allowed(routes));
            crate::error(w, Status::METHOD_NOT_ALLOWED.text(), Status::METHOD_NOT_ALLOWED)
        }
        Decision::NotFound => crate::not_found(w),
    };
    Ok(())
}

/// Where a redirected client finds the page.
struct Location<'q> {
    path: Segments<'q>,
    query: &'q str,
}

impl fmt::Display for Location<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.path.fmt(f)?;
        f.write_str(if self.query.is_empty() { "" } else { "?" })?;
        f.write_str(self.query)
    }
}

/// The pattern that led to a handler.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Matched<'a> {
    pattern: Option<Pattern<'a>>,
    /// The path that it matched.
    path: &'a str,
}

impl<'a> Matched<'a> {
    pub(crate) const NONE: Self = Self { pattern: None, path: "" };

    pub(crate) const fn pattern(&self) -> &'a str {
        match &self.pattern {
            Some(pattern) => pattern.text,
            None => "",
        }
    }

    pub(crate) fn value(&self, name: &str) -> Option<Encoded<'a>> {
        self.pattern.and_then(|pattern| pattern.value(name, self.path))
    }
}

#[cfg(test)]
pub(crate) mod vectors {
    use super::{path, routing};
    use crate::vectors::{Group, group};

    pub(crate) static GROUPS: [Group; 3] = [
        group!("mux_match", routing::tests::match_difference),
        group!("mux_register", routing::tests::register_difference),
        group!("path_clean", path::tests::difference),
    ];

    #[test]
    fn routers_answer_as_recorded() {
        GROUPS.iter().for_each(Group::check);
    }
}
