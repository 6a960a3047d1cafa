//! Threads, in virtual time and outside.

use core::any::Any;
use std::thread::{self, JoinHandle};

use super::{Bench, Check, Outcome};
use crate::Task;

/// A thread of a behaviour. All that it waits for is bounded, so it ends.
pub(super) enum Job<T> {
    Virtual(Task<T>),
    Real(JoinHandle<T>),
}

impl Bench {
    pub(super) fn spawn<T, F>(&self, work: F) -> Job<T>
    where
        T: Send + 'static,
        F: FnOnce() -> T + Send + 'static,
    {
        match self.clock() {
            Some(clock) => Job::Virtual(clock.spawn(work)),
            None => Job::Real(thread::spawn(work)),
        }
    }
}

impl<T> Job<T> {
    pub(super) fn join(self) -> Check<T> {
        let ended = match self {
            Self::Virtual(task) => task.join(),
            Self::Real(thread) => thread.join(),
        };
        ended.map_err(|panic| Outcome::Failed(panic_text(&*panic)))
    }
}

/// What somebody panicked with.
pub(super) fn panic_text(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
    format!("panicked: {}", text.unwrap_or("without a message"))
}
