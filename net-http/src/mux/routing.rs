//! Which of some patterns a request goes to.

use core::fmt;

use super::path::{Segments, is_clean};
use super::pattern::{Pattern, Relation};
use crate::wire::ascii::cut_last;

/// The patterns of a router, whatever it keeps them in. A trait object, so that routing exists once in
/// a program.
pub(crate) trait Routes<'r> {
    /// Shows each pattern, in the order of the routes.
    fn each(&self, see: &mut dyn FnMut(Pattern<'r>));
}

impl<'r, I: Iterator<Item = Pattern<'r>> + Clone> Routes<'r> for I {
    fn each(&self, see: &mut dyn FnMut(Pattern<'r>)) {
        self.clone().for_each(see);
    }
}

/// What a router decides about a request.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Decision<'r, 'q> {
    /// This route answers, by its place.
    Route(Pattern<'r>, usize),
    /// The client is sent to this path, which is clean and perhaps has a slash more.
    Redirect(Segments<'q>),
    /// The path is known, but not with this method.
    WrongMethod,
    /// No route.
    NotFound,
}

/// The parts of a request that count.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Question<'q> {
    pub(crate) method: &'q str,
    /// With its port, if it has one.
    pub(crate) host: &'q str,
    pub(crate) path: &'q str,
}

impl<'q> Question<'q> {
    fn connects(&self) -> bool {
        self.method == "CONNECT"
    }

    fn host(&self) -> &'q str {
        if self.connects() { self.host } else { without_port(self.host) }
    }

    fn segments(&self) -> Segments<'q> {
        if self.connects() { Segments::raw(self.path) } else { Segments::cleaned(self.path) }
    }

    /// Decides among `routes`.
    pub(crate) fn decide<'r>(&self, routes: &dyn Routes<'r>) -> Decision<'r, 'q> {
        let path = self.segments();
        let found = self.best(routes, path);
        let exact = found.is_some_and(|(pattern, _)| is_exact(&pattern, path));
        if !exact && !path.has_final_slash() {
            let longer = path.with_slash();
            if self.best(routes, longer).is_some_and(|(pattern, _)| is_exact(&pattern, longer)) {
                return Decision::Redirect(longer);
            }
        }
        if !self.connects() && !is_clean(self.path) {
            return Decision::Redirect(path);
        }
        match found {
            Some((pattern, place)) => Decision::Route(pattern, place),
            None if self.allowed(routes).any() => Decision::WrongMethod,
            None => Decision::NotFound,
        }
    }

    /// The most specific route; a host beats none.
    fn best<'r>(
        &self,
        routes: &dyn Routes<'r>,
        path: Segments<'_>,
    ) -> Option<(Pattern<'r>, usize)> {
        let host = self.host();
        let (mut best, mut next_place) = (None, 0);
        routes.each(&mut |next: Pattern<'r>| {
            let place = next_place;
            next_place += 1;
            let fits = next.takes_method(self.method)
                && (next.host.is_empty() || next.host == host)
                && next.takes_path(path);
            let better = |best: Pattern<'_>| match (best.host.is_empty(), next.host.is_empty()) {
                (true, false) => true,
                (false, true) => false,
                _ => next.relation(&best) == Relation::MoreSpecific,
            };
            if fits && best.is_none_or(|(best, _)| better(best)) {
                best = Some((next, place));
            }
        });
        best
    }

    /// The methods with which the path is known.
    pub(crate) fn allowed<'a, 'r>(&self, routes: &'a dyn Routes<'r>) -> Allowed<'a, 'r, 'q> {
        Allowed { host: self.host(), path: self.segments(), routes }
    }
}

/// Prints as the value of an Allow field: sorted, HEAD beside GET.
#[derive(Clone, Copy)]
pub(crate) struct Allowed<'a, 'r, 'q> {
    host: &'q str,
    path: Segments<'q>,
    routes: &'a dyn Routes<'r>,
}

impl<'r> Allowed<'_, 'r, '_> {
    fn any(&self) -> bool {
        self.after("").is_some()
    }

    /// The first method behind `last` in the order of bytes.
    fn after(&self, last: &str) -> Option<&'r str> {
        let longer = self.path.with_slash();
        let mut first: Option<&'r str> = None;
        self.routes.each(&mut |pattern: Pattern<'r>| {
            let fits = (pattern.host.is_empty() || pattern.host == self.host)
                && (pattern.takes_path(self.path) || pattern.takes_path(longer));
            let head = if pattern.method == "GET" { "HEAD" } else { pattern.method };
            for method in [pattern.method, head] {
                if fits && method > last && first.is_none_or(|first| method < first) {
                    first = Some(method);
                }
            }
        });
        first
    }
}

impl fmt::Display for Allowed<'_, '_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut last = "";
        while let Some(method) = self.after(last) {
            if !last.is_empty() {
                f.write_str(", ")?;
            }
            f.write_str(method)?;
            last = method;
        }
        Ok(())
    }
}

/// Whether nothing, or just the final slash, is left for the pattern's rest.
fn is_exact(pattern: &Pattern<'_>, path: Segments<'_>) -> bool {
    pattern.rest_depth().is_none_or(|depth| path.has_final_slash() && depth == path.count())
}

/// The host without its port; brackets go with it.
fn without_port(host: &str) -> &str {
    let Some((name, _)) = cut_last(host, b':') else { return host };
    match name.strip_prefix('[') {
        Some(inside) => inside.strip_suffix(']').unwrap_or(host),
        None if name.bytes().any(|byte| byte == b':') => host,
        None => name,
    }
}

#[cfg(test)]
pub(crate) mod tests;
