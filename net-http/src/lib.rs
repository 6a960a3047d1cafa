#![doc = include_str!("../README.md")]
#![no_std]

#[cfg(feature = "alloc")]
extern crate alloc;
#[cfg(feature = "std")]
extern crate std;

mod auth;
mod client;
mod cookie;
mod error;
mod files;
#[cfg(feature = "alloc")]
mod global;
mod handler;
mod header;
mod helpers;
mod mux;
#[cfg(feature = "std")]
mod os;
mod query;
#[cfg(test)]
mod recorder;
mod redirect;
mod request;
mod server;
mod status;
mod url;
#[cfg(test)]
mod vectors;
mod wire;
mod wrap;

pub use auth::basic_auth;
pub use client::{Client, Response, get, head, post};
pub use cookie::{BadCookie, Cookie, SameSite, set_cookie};
pub use error::Error;
pub use files::{
    Assets, Content, Entry, FileServer, FileSystem, serve_content, serve_static, type_by_extension,
};
#[cfg(feature = "std")]
pub use files::{Dir, serve_file};
#[cfg(feature = "alloc")]
pub use global::{listen_and_serve, listen_and_serve_on, serve};
pub use handler::{Failed, Handler, Outcome};
pub use header::{Header, canonical_header_key};
pub use helpers::{error, not_found};
#[cfg(feature = "alloc")]
pub use mux::GrowingMux;
#[cfg(feature = "alloc")]
pub use mux::global::{DefaultServeMux, handle, handle_func};
pub use mux::{PatternError, ServeMux};
pub use net;
pub use query::{Encoded, Query};
pub use redirect::redirect;
pub use request::Request;
#[cfg(feature = "std")]
pub use server::serve_on_threads;
pub use server::{Hijacked, Limits, OneConn, ResponseWriter, Server, Shared, Stop, serve_conn};
pub use status::Status;
pub use url::{BadUrl, Url, path_escape, query_escape};
pub use wire::chunked;
pub use wire::head::Fields;
pub use wire::response::BadResponse;
pub use wire::sniff::detect_content_type;
pub use wire::version::Version;
pub use wrap::{MaxBytes, RedirectHandler, StripPrefix, max_bytes, redirect_handler, strip_prefix};
