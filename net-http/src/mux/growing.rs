//! A router that grows.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;

use super::pattern::{Pattern, PatternError};
use crate::{Failed, Handler, Request, ResponseWriter};

/// A router without a limit, whose handlers may be closures that own what they need. Otherwise as
/// [`ServeMux`](crate::ServeMux).
///
/// ```
/// use net_http as http;
///
/// let greeting = String::from("hello");
/// let mut mux = http::GrowingMux::new();
/// mux.handle("/hello", move |w: &mut http::ResponseWriter<'_>, _: &mut http::Request<'_>| {
///     w.write(greeting.as_bytes()).map(|_| ())
/// })?;
/// assert_eq!(mux.handle("/hello", http::DefaultServeMux), Err(http::PatternError::Conflict));
/// # Ok::<(), http::PatternError>(())
/// ```
#[derive(Default)]
pub struct GrowingMux<'h> {
    routes: Vec<(Pattern<'h>, Box<dyn Handler + Send + Sync + 'h>)>,
}

impl<'h> GrowingMux<'h> {
    /// A router without routes.
    #[must_use]
    pub const fn new() -> Self {
        Self { routes: Vec::new() }
    }

    /// Registers a handler.
    ///
    /// # Errors
    /// [`PatternError`]: the pattern is malformed, or conflicts with an earlier one.
    pub fn handle(
        &mut self,
        pattern: &'h str,
        handler: impl Handler + Send + Sync + 'h,
    ) -> Result<(), PatternError> {
        let pattern = Pattern::parse(pattern)?;
        if self.routes.iter().any(|(earlier, _)| pattern.conflicts_with(earlier)) {
            return Err(PatternError::Conflict);
        }
        self.routes.push((pattern, Box::new(handler)));
        Ok(())
    }
}

impl Handler for GrowingMux<'_> {
    fn serve(&self, w: &mut ResponseWriter<'_>, r: &mut Request<'_>) -> Result<(), Failed> {
        let patterns = self.routes.iter().map(|(pattern, _)| *pattern);
        let handler = |place: usize| {
            let (_, handler) = self.routes.get(place)?;
            let handler: &dyn Handler = &**handler;
            Some(handler)
        };
        super::serve(&patterns, &handler, w, r)
    }
}

impl fmt::Debug for GrowingMux<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.routes.iter().map(|(pattern, _)| pattern.text)).finish()
    }
}
