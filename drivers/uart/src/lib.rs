#![no_std]
#![doc = include_str!("../README.md")]

mod link;

pub use link::{LineError, UartLink};
