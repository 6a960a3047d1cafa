//! Routing.

mod path;
mod pattern;
mod routing;

pub use pattern::PatternError;
