//! What answers a request.

use crate::{Request, ResponseWriter};

/// Answers requests: Go's `http.Handler`.
///
/// Every function or closure with this shape is one; it returns nothing, or a `Result`:
///
/// ```
/// use net_http as http;
///
/// fn hello(w: &mut http::ResponseWriter<'_>, _r: &mut http::Request<'_>) {
///     let _ = w.write(b"hello");
/// }
///
/// fn careful(w: &mut http::ResponseWriter<'_>, r: &mut http::Request<'_>) -> Result<(), http::Error> {
///     write!(w, "you asked for {}", r.path())
/// }
///
/// let handlers: [&dyn http::Handler; 2] = [&hello, &careful];
/// ```
pub trait Handler {
    /// Answers one request.
    ///
    /// # Errors
    /// [`Failed`] cuts the connection: what was not sent yet is not sent. Other connections go on.
    fn serve(&self, w: &mut ResponseWriter<'_>, r: &mut Request<'_>) -> Result<(), Failed>;
}

/// A handler gave up. What stands for Go's panic in a handler.
#[expect(clippy::exhaustive_structs, reason = "there is nothing more to say")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Failed;

/// What functions that are handlers return.
pub trait Outcome {
    /// As a handler's result.
    ///
    /// # Errors
    /// [`Failed`] for any error.
    fn into_result(self) -> Result<(), Failed>;
}

impl Outcome for () {
    fn into_result(self) -> Result<(), Failed> {
        Ok(())
    }
}

impl<E> Outcome for Result<(), E> {
    fn into_result(self) -> Result<(), Failed> {
        self.map_err(|_| Failed)
    }
}

impl<F, R> Handler for F
where
    F: Fn(&mut ResponseWriter<'_>, &mut Request<'_>) -> R,
    R: Outcome,
{
    fn serve(&self, w: &mut ResponseWriter<'_>, r: &mut Request<'_>) -> Result<(), Failed> {
        self(w, r).into_result()
    }
}
