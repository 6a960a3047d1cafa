//! Files over HTTP.

mod assets;
mod conditions;
mod content;
#[cfg(feature = "std")]
mod dir;
pub(crate) mod mime;
mod parts;
mod range;
mod server;

pub use assets::Assets;
pub use content::{Content, serve_content, serve_static};
#[cfg(feature = "std")]
pub use dir::{Dir, serve_file};
pub use mime::type_by_extension;
pub use server::{Entry, FileServer, FileSystem};
