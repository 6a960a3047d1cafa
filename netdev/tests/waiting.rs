//! The loop that waits, on a clock that jumps.
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

use core::cell::Cell;

use common::TestDevice;
use netdev::{Error, Instant, Platform, Stopped, wait};

fn at(micros: u64) -> Instant {
    Instant::from_micros(micros)
}

#[test]
fn naps_double_from_100_us_to_10_ms_and_never_pass_the_deadline() {
    let device = TestDevice::default();
    let never = || Err::<(), nb::Error<Error>>(nb::Error::WouldBlock);
    assert_eq!(wait(&device, || Some(at(40_000)), never), Err(Stopped::Deadline));
    let naps = device.clock.lock().unwrap().1.clone();
    let lengths: Vec<u64> =
        naps.windows(2).map(|pair| pair[1].as_micros() - pair[0].as_micros()).collect();
    assert_eq!(naps[0], at(100));
    assert_eq!(lengths, [200, 400, 800, 1_600, 3_200, 6_400, 10_000, 10_000, 7_300]);
}

#[test]
fn a_deadline_that_has_passed_wins_over_data_that_waits() {
    let device = TestDevice::default();
    device.idle(at(10));
    let done = || Ok::<u8, nb::Error<Error>>(1);
    assert_eq!(wait(&device, || Some(at(10)), done), Err(Stopped::Deadline));
    assert_eq!(wait(&device, || Some(at(11)), done), Ok(1));
}

#[test]
fn a_deadline_moved_while_waiting_counts_at_the_next_turn() {
    let device = TestDevice::default();
    let (deadline, turns) = (Cell::new(None), Cell::new(0));
    let stopped = wait(
        &device,
        || deadline.get(),
        || {
            turns.set(turns.get() + 1);
            if turns.get() == 3 {
                deadline.set(Some(at(1)));
            }
            Err::<(), nb::Error<Error>>(nb::Error::WouldBlock)
        },
    );
    assert_eq!((stopped, turns.get()), (Err(Stopped::Deadline), 3));
}

#[test]
fn failures_end_the_waiting_at_once() {
    let device = TestDevice::default();
    let refused = || Err::<(), _>(nb::Error::Other(Error::ConnectionRefused));
    assert_eq!(wait(&device, || None, refused), Err(Stopped::Failed(Error::ConnectionRefused)));
    assert_eq!(device.now(), Instant::START);
}
