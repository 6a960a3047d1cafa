//! The HTTP client.

mod exchange;
mod outgoing;
mod response;

pub use response::Response;

use core::time::Duration;

use net::netdev::Netdev;

use crate::Error;

/// Asks for a URL with the registered device.
///
/// ```no_run
/// use net_http as http;
///
/// let mut answer = http::get("http://example.com/")?;
/// let mut page = [0; 1024];
/// let page = answer.read_to_end(&mut page)?;
/// # Ok::<(), http::Error>(())
/// ```
///
/// # Errors
/// As [`Client::send`].
pub fn get(url: &str) -> Result<Response, Error> {
    Client::new().get(url)
}

/// Asks for the header of a URL with the registered device.
///
/// # Errors
/// As [`Client::send`].
pub fn head(url: &str) -> Result<Response, Error> {
    Client::new().head(url)
}

/// Sends a body to a URL with the registered device.
///
/// # Errors
/// As [`Client::send`].
pub fn post(url: &str, content_type: &str, body: &[u8]) -> Result<Response, Error> {
    Client::new().post(url, content_type, body)
}

/// Makes requests: Go's `http.Client`. `HEAD` is the largest head of an answer, in bytes, and also
/// the largest of a request.
///
/// Differs from Go: a connection is used for one request; redirects are not followed; without a
/// timeout, connecting, the head of the answer, and every wait for more of its body may take 30 s
/// each.
#[derive(Clone, Copy)]
#[must_use]
pub struct Client<const HEAD: usize = 2048> {
    device: Option<&'static dyn Netdev>,
    timeout: Option<Duration>,
}

impl<const HEAD: usize> Default for Client<HEAD> {
    fn default() -> Self {
        Self { device: None, timeout: None }
    }
}

impl Client {
    /// A client for the device that is registered when it is used, with the default size.
    pub const fn new() -> Self {
        Self { device: None, timeout: None }
    }

    /// A client for this device, with the default size.
    pub const fn on(device: &'static dyn Netdev) -> Self {
        Self { device: Some(device), timeout: None }
    }
}

impl<const HEAD: usize> Client<HEAD> {
    /// The same client with heads of up to `N` bytes.
    pub const fn head_size<const N: usize>(self) -> Client<N> {
        Client { device: self.device, timeout: self.timeout }
    }

    /// How long one exchange may take: lookup, connecting, the head, and reading all of the body.
    pub const fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Asks for a URL.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub fn get(&self, url: &str) -> Result<Response<HEAD>, Error> {
        self.send("GET", url, &[], None)
    }

    /// Asks for the header of a URL.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub fn head(&self, url: &str) -> Result<Response<HEAD>, Error> {
        self.send("HEAD", url, &[], None)
    }

    /// Sends a body to a URL.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub fn post(
        &self,
        url: &str,
        content_type: &str,
        body: &[u8],
    ) -> Result<Response<HEAD>, Error> {
        self.send("POST", url, &[("Content-Type", content_type)], Some(body))
    }

    /// Makes a request and reads the head of its answer; interim ones (1xx) are skipped. Any status
    /// is a success.
    ///
    /// `fields` go into the request as they are. `Host`, `Content-Length` and `Connection` are the
    /// client's business and are left out.
    ///
    /// # Errors
    /// [`Error::BadUrl`], also for a URL with a user name; [`Error::UnsupportedScheme`] for all but
    /// `http`; [`Error::InvalidField`]; [`Error::HeaderTooLarge`] if the request does not fit;
    /// [`Error::BadResponse`], [`Error::UnexpectedEnd`]; [`Error::Net`] with what dialling, writing
    /// or reading say.
    pub fn send(
        &self,
        method: &str,
        url: &str,
        fields: &[(&str, &str)],
        body: Option<&[u8]>,
    ) -> Result<Response<HEAD>, Error> {
        let device = self.device.unwrap_or_else(net::netdev::device);
        let mut buffer = [0; HEAD];
        let request = outgoing::Outgoing { method, url, fields, body };
        let incoming = exchange::exchange(device, self.timeout, &request, &mut buffer)?;
        Ok(Response::new(incoming, buffer))
    }
}

impl<const HEAD: usize> core::fmt::Debug for Client<HEAD> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Client").field("timeout", &self.timeout).finish_non_exhaustive()
    }
}
