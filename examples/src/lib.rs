#![doc = include_str!("../README.md")]

pub mod device;
mod failure;
mod logging;
pub mod options;
mod output;

pub use failure::{Failure, finish};
pub use output::{announce, say};
