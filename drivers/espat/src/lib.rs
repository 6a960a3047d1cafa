#![no_std]
#![doc = include_str!("../README.md")]
#![allow(dead_code, reason = "the device that uses it comes next")]

mod command;
mod reply;
mod token;
