//! What Go was recorded to answer, case by case.
//!
//! Each group runs its file in `testdata/`, and the file of the same name in every folder that the
//! environment variable `GO_VECTORS` names (colon separated). It prints how many cases it ran and
//! which failed. A case that is meant to differ has a rule here and a line in `docs/porting.md`, and
//! neither without the other.
#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that panics has failed, helpers included"
)]

mod addresses;
mod dialling;
mod harness;
mod pipes;
mod scripts;
