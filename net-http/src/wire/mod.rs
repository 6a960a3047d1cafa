//! HTTP/1.1 on the wire, pure: bytes in, values out. No I/O, no allocation.

pub(crate) mod ascii;
pub mod chunked;
pub(crate) mod date;
pub(crate) mod fields;
pub(crate) mod head;
pub(crate) mod request;
pub(crate) mod response;
pub(crate) mod sniff;
pub(crate) mod target;
pub(crate) mod version;
