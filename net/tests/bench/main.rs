//! The crate on a device whose every answer the test decides, in virtual time.
#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test that panics has failed, helpers included"
)]

mod closing;
mod datagrams;
mod deadlines;
mod device;
mod dialling;
mod families;
mod linking;
mod listening;
mod reading;
mod writing;
