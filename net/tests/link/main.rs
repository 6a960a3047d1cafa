//! The link supervisor on the simulated chips, in virtual time: hours of outages cost nothing.
#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that panics has failed, helpers included"
)]

mod nina;
mod rig;
mod uart;
mod wifinina;
