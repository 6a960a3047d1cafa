//! Which of some patterns a request goes to.

use core::fmt;

use super::path::{Segments, is_clean};
use super::pattern::{Pattern, Relation};
use crate::wire::ascii::cut_last;

/// What a router decides about a request.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Decision<'r, 'q, T> {
    /// This route answers.
    Route(Pattern<'r>, T),
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
    pub(crate) fn decide<'r, T: Copy>(
        &self,
        routes: impl Iterator<Item = (Pattern<'r>, T)> + Clone,
    ) -> Decision<'r, 'q, T> {
        let path = self.segments();
        let found = self.best(routes.clone(), path);
        let exact = found.is_some_and(|(pattern, _)| is_exact(&pattern, path));
        if !exact && !path.has_final_slash() {
            let longer = path.with_slash();
            let exact =
                self.best(routes.clone(), longer).is_some_and(|(p, _)| is_exact(&p, longer));
            if exact {
                return Decision::Redirect(longer);
            }
        }
        if !self.connects() && !is_clean(self.path) {
            return Decision::Redirect(path);
        }
        match found {
            Some((pattern, value)) => Decision::Route(pattern, value),
            None if self.allowed(routes).any() => Decision::WrongMethod,
            None => Decision::NotFound,
        }
    }

    /// The most specific route; a host beats none.
    fn best<'r, T: Copy>(
        &self,
        routes: impl Iterator<Item = (Pattern<'r>, T)>,
        path: Segments<'_>,
    ) -> Option<(Pattern<'r>, T)> {
        let host = self.host();
        let fits = |pattern: &Pattern<'_>| {
            pattern.takes_method(self.method)
                && (pattern.host.is_empty() || pattern.host == host)
                && pattern.takes_path(path)
        };
        routes.filter(|(pattern, _)| fits(pattern)).reduce(|best, next| {
            let better = match (best.0.host.is_empty(), next.0.host.is_empty()) {
                (true, false) => true,
                (false, true) => false,
                _ => next.0.relation(&best.0) == Relation::MoreSpecific,
            };
            if better { next } else { best }
        })
    }

    /// The methods with which the path is known.
    pub(crate) fn allowed<'r, T>(
        &self,
        routes: impl Iterator<Item = (Pattern<'r>, T)> + Clone,
    ) -> Allowed<'q, impl Iterator<Item = Pattern<'r>> + Clone> {
        let (host, path) = (self.host(), self.segments());
        Allowed { host, path, patterns: routes.map(|(pattern, _)| pattern) }
    }
}

/// Prints as the value of an Allow field: sorted, HEAD beside GET.
#[derive(Clone)]
pub(crate) struct Allowed<'q, I> {
    host: &'q str,
    path: Segments<'q>,
    patterns: I,
}

impl<'r, I: Iterator<Item = Pattern<'r>> + Clone> Allowed<'_, I> {
    fn any(&self) -> bool {
        self.after("").is_some()
    }

    /// The first method behind `last` in the order of bytes.
    fn after(&self, last: &str) -> Option<&'r str> {
        let longer = self.path.with_slash();
        self.patterns
            .clone()
            .filter(|pattern| pattern.host.is_empty() || pattern.host == self.host)
            .filter(|pattern| pattern.takes_path(self.path) || pattern.takes_path(longer))
            .flat_map(|pattern| {
                [pattern.method, if pattern.method == "GET" { "HEAD" } else { pattern.method }]
            })
            .filter(|method| *method > last)
            .min()
    }
}

impl<'r, I: Iterator<Item = Pattern<'r>> + Clone> fmt::Display for Allowed<'_, I> {
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
mod tests;
