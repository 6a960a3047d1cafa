//! Answers that handlers often give.

use core::fmt;

use crate::{Error, Request, ResponseWriter, Status};

/// Answers with an error page: `text` and a line end as plain text. A length that was set is dropped.
///
/// # Errors
/// As [`ResponseWriter::write`].
pub fn error(w: &mut ResponseWriter<'_>, text: &str, status: Status) -> Result<(), Error> {
    let mut header = w.header();
    header.del("Content-Length");
    header.set("Content-Type", "text/plain; charset=utf-8");
    header.set("X-Content-Type-Options", "nosniff");
    w.write_header(status);
    w.write(text.as_bytes())?;
    w.write(b"\n").map(|_| ())
}

/// Answers with status 404.
///
/// # Errors
/// As [`ResponseWriter::write`].
pub fn not_found(w: &mut ResponseWriter<'_>) -> Result<(), Error> {
    error(w, "404 page not found", Status::NOT_FOUND)
}

/// Sends the client to another URL: Go's `http.Redirect`.
///
/// Differs from Go: a relative `url` is sent as it is (RFC 9110 section 10.2.2 lets the client
/// resolve it).
///
/// # Errors
/// As [`ResponseWriter::write`].
pub fn redirect(
    w: &mut ResponseWriter<'_>,
    r: &Request<'_>,
    url: &str,
    status: Status,
) -> Result<(), Error> {
    redirect_to(w, r, &url, status)
}

pub(crate) fn redirect_to(
    w: &mut ResponseWriter<'_>,
    r: &Request<'_>,
    url: &dyn fmt::Display,
    status: Status,
) -> Result<(), Error> {
    let mut header = w.header();
    let typed = header.get("Content-Type").is_some();
    header.set_display("Location", url);
    if !typed && matches!(r.method(), "GET" | "HEAD") {
        header.set("Content-Type", "text/html; charset=utf-8");
    }
    w.write_header(status);
    if typed || r.method() != "GET" {
        return Ok(());
    }
    w.write(b"<a href=\"")?;
    write!(w, "{}", Escaped(url))?;
    w.write(b"\">")?;
    w.write(status.text().as_bytes())?;
    w.write(b"</a>.\n\n").map(drop)
}

/// Text that is safe inside HTML, also inside quotes.
struct Escaped<'a>(&'a dyn fmt::Display);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Write::write_fmt(&mut Escape(f), format_args!("{}", self.0))
    }
}

struct Escape<'a, 'b>(&'a mut fmt::Formatter<'b>);

impl fmt::Write for Escape<'_, '_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        text.chars().try_for_each(|letter| match letter {
            '&' => self.0.write_str("&amp;"),
            '<' => self.0.write_str("&lt;"),
            '>' => self.0.write_str("&gt;"),
            '"' => self.0.write_str("&#34;"),
            '\'' => self.0.write_str("&#39;"),
            other => self.0.write_char(other),
        })
    }
}
