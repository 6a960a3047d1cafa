//! The table, and whether every limit was kept.

use core::fmt::Display;
use std::process::ExitCode;

/// The table, and whether every limit was kept.
#[derive(Default)]
pub(crate) struct Report {
    missed: usize,
}

impl Report {
    pub(crate) fn at_most(&mut self, name: &str, measured: f64, limit: f64) {
        self.at_most_if(name, measured, Some(limit));
    }

    pub(crate) fn at_most_if(&mut self, name: &str, measured: f64, limit: Option<f64>) {
        self.line(name, measured, "at most", limit, limit.is_none_or(|it| measured <= it));
    }

    pub(crate) fn at_least(&mut self, name: &str, measured: f64, limit: Option<f64>) {
        self.line(name, measured, "at least", limit, limit.is_none_or(|it| measured >= it));
    }

    fn line(&mut self, name: &str, measured: f64, word: &str, limit: Option<f64>, kept: bool) {
        let limit = limit.map_or_else(String::new, |it| format!("{word} {it}"));
        let verdict: &dyn Display = if kept { &"" } else { &"MISSED" };
        println!("{name:<72} {measured:>9.2}  {limit:<16}{verdict}");
        self.missed += usize::from(!kept);
    }

    pub(crate) fn finish(self) -> ExitCode {
        if self.missed == 0 {
            return ExitCode::SUCCESS;
        }
        println!("{} limits missed", self.missed);
        ExitCode::FAILURE
    }
}
