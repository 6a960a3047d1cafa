#![doc = include_str!("../README.md")]
#![no_std]
#![allow(dead_code, reason = "the device comes next")]

mod address;
mod codec;
mod crc;
mod frame;
#[cfg(test)]
mod golden;
mod method;
mod reader;
