//! Cookies (RFC 6265), as Go reads and writes them.

mod read;
mod text;

pub use read::BadCookie;

use crate::{Request, ResponseWriter};

/// A cookie. Everything is borrowed; what is empty, `None` or false is not sent.
///
/// ```
/// use net_http as http;
///
/// fn count(w: &mut http::ResponseWriter<'_>, r: &mut http::Request<'_>) {
///     let seen = r.cookie("seen").and_then(|cookie| cookie.value.parse().ok()).unwrap_or(0_u32);
///     let mut digits = String::new();
///     let _ = core::fmt::Write::write_fmt(&mut digits, format_args!("{}", seen + 1));
///     let mut cookie = http::Cookie::new("seen", &digits);
///     cookie.path = "/";
///     cookie.max_age = Some(3600);
///     http::set_cookie(w, &cookie);
/// }
/// ```
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cookie<'a> {
    /// A token.
    pub name: &'a str,
    /// Without the quotes, if it had some. What must not be sent is left out when it is.
    pub value: &'a str,
    /// Whether the value stands in quotes.
    pub quoted: bool,
    /// Where it is sent back to, as the beginning of a path.
    pub path: &'a str,
    /// The host, and those below it, that it is sent back to.
    pub domain: &'a str,
    /// When it ends, in seconds since 1970.
    pub expires: Option<i64>,
    /// How many seconds it lasts; 0 and less end it at once.
    pub max_age: Option<i64>,
    /// Only sent over secure connections.
    pub secure: bool,
    /// Not shown to scripts.
    pub http_only: bool,
    /// Whether it goes along with requests that come from other sites.
    pub same_site: Option<SameSite>,
    /// Kept apart for each site that it is embedded in.
    pub partitioned: bool,
    /// The attributes as they came.
    attributes: &'a str,
}

/// Which requests from other sites a cookie goes along with.
#[expect(clippy::exhaustive_enums, reason = "the standard has these")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SameSite {
    /// The attribute is there, and says nothing known.
    Default,
    /// Following a link.
    Lax,
    /// None.
    Strict,
    /// All.
    None,
}

impl<'a> Cookie<'a> {
    /// A cookie without attributes.
    #[must_use]
    pub fn new(name: &'a str, value: &'a str) -> Self {
        Self { name, value, ..Self::default() }
    }
}

impl<'a> Request<'a> {
    /// The cookies, in the order they came; malformed ones are left out.
    pub fn cookies(&self) -> impl Iterator<Item = Cookie<'a>> + use<'a> {
        self.fields().values("Cookie").flat_map(read::cookies)
    }

    /// The first cookie of this name.
    #[must_use]
    pub fn cookie(&self, name: &str) -> Option<Cookie<'a>> {
        self.cookies().find(|cookie| cookie.name == name)
    }
}

/// Adds a `Set-Cookie` field. A cookie whose name is no token is left out.
pub fn set_cookie(w: &mut ResponseWriter<'_>, cookie: &Cookie<'_>) {
    if cookie.has_name() {
        w.header().add_display("Set-Cookie", cookie);
    }
}

#[cfg(test)]
pub(crate) mod tests;
