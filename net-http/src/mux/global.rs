//! The router of the program: Go's `DefaultServeMux`.

use alloc::boxed::Box;
use core::cell::Cell;

use critical_section::Mutex;

use super::pattern::{Pattern, PatternError};
use crate::{Failed, Handler, Request, ResponseWriter};

/// A list that only grows: what was registered stays for good, so it is read without a lock.
static ROUTES: Mutex<Cell<Option<&'static Route>>> = Mutex::new(Cell::new(None));

struct Route {
    pattern: Pattern<'static>,
    handler: &'static (dyn Handler + Send + Sync),
    next: Option<&'static Self>,
}

/// The router behind [`handle`], [`handle_func`] and [`listen_and_serve`](crate::listen_and_serve).
#[expect(clippy::exhaustive_structs, reason = "it stands for one thing and has no parts")]
#[derive(Clone, Copy, Debug, Default)]
pub struct DefaultServeMux;

/// Registers a handler with the program's router, for good.
///
/// # Errors
/// [`PatternError`]: the pattern is malformed, or conflicts with an earlier one.
pub fn handle(
    pattern: &'static str,
    handler: impl Handler + Send + Sync + 'static,
) -> Result<(), PatternError> {
    let pattern = Pattern::parse(pattern)?;
    let handler: &'static (dyn Handler + Send + Sync) = Box::leak(Box::new(handler));
    loop {
        let next = first();
        if walk(next).any(|earlier| pattern.conflicts_with(&earlier.pattern)) {
            return Err(PatternError::Conflict);
        }
        // If somebody registers at the same moment, one route of some words is made in vain.
        if publish(Box::leak(Box::new(Route { pattern, handler, next }))) {
            return Ok(());
        }
    }
}

/// Registers a function with the program's router, for good.
///
/// # Errors
/// As [`handle`].
pub fn handle_func(
    pattern: &'static str,
    handler: impl Handler + Send + Sync + 'static,
) -> Result<(), PatternError> {
    handle(pattern, handler)
}

/// Makes `route` the first, unless somebody was quicker.
fn publish(route: &'static Route) -> bool {
    critical_section::with(|cs| {
        let cell = ROUTES.borrow(cs);
        let unchanged = match (cell.get(), route.next) {
            (None, None) => true,
            (Some(now), Some(then)) => same(now, then),
            _ => false,
        };
        if unchanged {
            cell.set(Some(route));
        }
        unchanged
    })
}

fn same(a: &'static Route, b: &'static Route) -> bool {
    core::ptr::eq(a, b)
}

fn first() -> Option<&'static Route> {
    critical_section::with(|cs| ROUTES.borrow(cs).get())
}

fn walk(first: Option<&'static Route>) -> impl Iterator<Item = &'static Route> + Clone {
    core::iter::successors(first, |route| route.next)
}

impl Handler for DefaultServeMux {
    fn serve(&self, w: &mut ResponseWriter<'_>, r: &mut Request<'_>) -> Result<(), Failed> {
        let routes = walk(first());
        let patterns = routes.clone().map(|route| route.pattern);
        let handler = |place| {
            let handler: &dyn Handler = routes.clone().nth(place)?.handler;
            Some(handler)
        };
        super::serve(&patterns, &handler, w, r)
    }
}
