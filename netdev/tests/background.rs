//! The background is global, so its test has a process of its own.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::cast_possible_truncation,
    clippy::std_instead_of_core,
    clippy::large_stack_arrays,
    reason = "helpers of tests fail as tests do"
)]
#![cfg(feature = "std")]

mod common;

use core::sync::atomic::{AtomicU32, Ordering};
use core::time::Duration;
use std::sync::Mutex;

use common::TestDevice;
use netdev::{Background, Error, Instant, Netdev, Stopped, wait};

#[derive(Default)]
struct Rude {
    device: TestDevice,
    steps: AtomicU32,
    answer: Mutex<Option<Result<(), Stopped>>>,
}

impl Background for Rude {
    fn step(&self, now: Instant) -> Option<Instant> {
        self.steps.fetch_add(1, Ordering::SeqCst);
        *self.answer.lock().unwrap() = Some(wait(&self.device, || None, || Ok(())));
        Some(now + Duration::from_micros(50))
    }
}

#[test]
fn a_background_steps_between_tries_and_may_not_wait_itself() {
    let rude: &'static Rude = Box::leak(Box::default());
    assert!(netdev::set_background(rude).is_none());
    let never = || Err::<(), nb::Error<Error>>(nb::Error::WouldBlock);
    let deadline = rude.device.platform().now() + Duration::from_micros(200);
    assert_eq!(wait(&rude.device, || Some(deadline), never), Err(Stopped::Deadline));
    assert_eq!(rude.steps.load(Ordering::SeqCst), 4, "it asked for 50 us, a nap was 100");
    let answer = *rude.answer.lock().unwrap();
    assert_eq!(answer, Some(Err(Stopped::Failed(Error::Deadlock))));
}
