#![doc = include_str!("../README.md")]

mod basic;
mod boot_log;
mod commands;
mod config;
mod counters;
mod dial;
mod dns;
mod faults;
mod firmware;
mod input;
mod links;
mod literals;
mod modem;
mod netconf;
mod output;
mod params;
mod passthrough;
mod persona;
mod receive;
mod send;
mod sendl;
mod server;
mod settings;
mod setup;
mod softap;
mod station;
mod time;
mod tls;
mod wifi;
mod worker;

pub use config::{AccessPoint, Chunks, Config, Trace};
pub use counters::{Counters, Monitor};
pub use faults::{BadFault, Fault, FaultRates};
pub use modem::Modem;
pub use persona::{Persona, Prompt, Series, WhileSending};
