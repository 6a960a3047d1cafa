#![doc = include_str!("../README.md")]
#![no_std]

#[cfg(feature = "alloc")]
extern crate alloc;
#[cfg(feature = "std")]
extern crate std;

mod client;
mod error;
#[cfg(feature = "alloc")]
mod global;
mod handler;
mod header;
mod helpers;
mod mux;
#[cfg(feature = "std")]
mod os;
mod query;
mod request;
mod server;
mod status;
#[cfg(test)]
mod vectors;
mod wire;

pub use client::{Client, Response, get, head, post};
pub use error::Error;
#[cfg(feature = "alloc")]
pub use global::{listen_and_serve, listen_and_serve_on, serve};
pub use handler::{Failed, Handler, Outcome};
pub use header::{Header, canonical_header_key};
pub use helpers::{error, not_found, redirect};
#[cfg(feature = "alloc")]
pub use mux::GrowingMux;
#[cfg(feature = "alloc")]
pub use mux::global::{DefaultServeMux, handle, handle_func};
pub use mux::{PatternError, ServeMux};
pub use net;
pub use query::{Encoded, Query};
pub use request::Request;
pub use server::{Limits, ResponseWriter, Server, Stop};
pub use status::Status;
pub use wire::chunked;
pub use wire::head::Fields;
pub use wire::response::BadResponse;
pub use wire::sniff::detect_content_type;
pub use wire::version::Version;
