#![doc = include_str!("../README.md")]

pub mod device;
mod failure;
mod logging;
pub mod options;
mod output;
pub mod page;

pub use failure::{Failure, finish};
pub use output::{announce, say};
