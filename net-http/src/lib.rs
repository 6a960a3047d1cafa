#![doc = include_str!("../README.md")]
#![no_std]
#![allow(dead_code)]

#[cfg(feature = "alloc")]
extern crate alloc;
#[cfg(feature = "std")]
extern crate std;

mod header;
mod mux;
mod query;
mod status;
#[cfg(test)]
mod vectors;
pub mod wire;

pub use query::{Encoded, Query};
pub use status::Status;
pub use wire::sniff::detect_content_type;
pub use wire::version::Version;
