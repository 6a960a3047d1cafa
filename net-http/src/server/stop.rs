//! How a server is told to stop from elsewhere.

use core::sync::atomic::{AtomicBool, Ordering};

/// Asks a server to stop: from a handler, another thread, or an interrupt.
///
/// ```no_run
/// use net_http as http;
///
/// static STOP: http::Stop = http::Stop::new();
///
/// fn quit(_w: &mut http::ResponseWriter<'_>, _r: &mut http::Request<'_>) {
///     STOP.request();
/// }
///
/// let listener = net::listen("tcp", ":80")?;
/// http::Server::<_, 2>::new(listener, &quit).stop_with(&STOP).serve()?;
/// # Ok::<(), http::Error>(())
/// ```
#[derive(Debug, Default)]
pub struct Stop(AtomicBool);

impl Stop {
    /// Nothing requested.
    #[must_use]
    pub const fn new() -> Self {
        Self(AtomicBool::new(false))
    }

    /// Asks for a graceful stop.
    pub fn request(&self) {
        self.0.store(true, Ordering::Release);
    }

    /// Whether a stop was asked for.
    #[must_use]
    pub fn is_requested(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}
