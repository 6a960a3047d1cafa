#![doc = include_str!("../README.md")]

mod bsd;
mod chip;
mod command;
mod config;
mod counters;
mod errno;
mod files;
mod firmware;
mod frame;
mod gpio0;
mod lwip;
mod persona;
mod pins;
mod ready;
mod slots;
mod strict;
mod system;
mod tcp;
mod trace;
mod udp;
mod wait;
mod wifi;

pub use chip::Chip;
pub use config::{AccessPoint, Alarm, Config, Trace};
pub use counters::{Counters, Monitor};
pub use persona::{Core, Persona};
pub use trace::{command_text, reply_text};
