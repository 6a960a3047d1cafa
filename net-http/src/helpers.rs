//! Answers that handlers often give.

use core::fmt;

use crate::{Error, ResponseWriter, Status};

/// Answers with an error page: `text` and a line end as plain text. A length that was set is dropped.
///
/// # Errors
/// As [`ResponseWriter::write`].
pub fn error(w: &mut ResponseWriter<'_>, text: &str, status: Status) -> Result<(), Error> {
    error_page(w, &text, status)
}

pub(crate) fn error_page(
    w: &mut ResponseWriter<'_>,
    text: &dyn fmt::Display,
    status: Status,
) -> Result<(), Error> {
    let mut header = w.header();
    header.del("Content-Length");
    header.set("Content-Type", "text/plain; charset=utf-8");
    header.set("X-Content-Type-Options", "nosniff");
    w.write_header(status);
    writeln!(w, "{text}")
}

/// Answers with status 404.
///
/// # Errors
/// As [`ResponseWriter::write`].
pub fn not_found(w: &mut ResponseWriter<'_>) -> Result<(), Error> {
    error(w, "404 page not found", Status::NOT_FOUND)
}
