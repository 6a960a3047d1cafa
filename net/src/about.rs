//! Errors with the texts that the caller passed in, printed as Go prints them.

use core::fmt;

use crate::{AddrErrorKind, Cause, Error, LookupErrorKind, Network, split_host_port};

impl Error {
    /// Prints the error as Go does, with the texts that the call was given: an error that is `Copy`
    /// holds none of them.
    ///
    /// ```
    /// let error = net::dial("tcp", "10.0.0.1").unwrap_err();
    /// let text = error.about("tcp", "10.0.0.1").to_string();
    /// assert_eq!(text, "dial tcp: address 10.0.0.1: missing port in address");
    /// ```
    #[must_use]
    pub const fn about<'a>(&'a self, network: &'a str, addr: &'a str) -> About<'a> {
        About { error: Some(self), cause: self.cause, network, addr }
    }
}

impl Cause {
    /// Prints the cause as Go does, with the texts that the call was given: what Go's `Resolve`
    /// functions return.
    #[must_use]
    pub const fn about<'a>(self, network: &'a str, addr: &'a str) -> About<'a> {
        About { error: None, cause: self, network, addr }
    }
}

/// An error and the texts that it is about. Made by [`Error::about`] and [`Cause::about`].
#[derive(Clone, Copy, Debug)]
pub struct About<'a> {
    error: Option<&'a Error>,
    cause: Cause,
    network: &'a str,
    addr: &'a str,
}

impl About<'_> {
    /// With networks of raw IP the address is nothing but a host.
    fn host(&self) -> &str {
        if self.network.starts_with("ip") {
            return self.addr;
        }
        split_host_port(self.addr).map_or(self.addr, |(host, _)| host)
    }

    fn port(&self) -> &str {
        split_host_port(self.addr).map_or(self.addr, |(_, port)| port)
    }

    /// The part of the texts that an address error names.
    fn address(&self, kind: AddrErrorKind) -> &str {
        match kind {
            AddrErrorKind::InvalidPort => self.port(),
            AddrErrorKind::NoSuitableAddress | AddrErrorKind::UnknownZone => self.host(),
            AddrErrorKind::UnknownProtocol => {
                self.network.rsplit_once(':').map_or("", |(_, protocol)| protocol)
            }
            _ => self.addr,
        }
    }

    fn fmt_cause(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.cause {
            Cause::UnknownNetwork => write!(f, "unknown network {}", self.network),
            Cause::Address(kind) => match self.address(kind) {
                "" => fmt::Display::fmt(&kind, f),
                part => write!(f, "address {part}: {kind}"),
            },
            Cause::Lookup(LookupErrorKind::UnknownPort) => {
                let datagrams = Network::parse(self.network).is_ok_and(Network::is_udp);
                let kind = if datagrams { "udp" } else { "tcp" };
                write!(f, "lookup {kind}/{}: {}", self.port(), LookupErrorKind::UnknownPort)
            }
            Cause::Lookup(kind) => write!(f, "lookup {}: {kind}", self.host()),
            other => fmt::Display::fmt(&other, f),
        }
    }
}

impl fmt::Display for About<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.error {
            // With an address of its own it lacks nothing.
            Some(error) if error.addr.is_some() => fmt::Display::fmt(error, f),
            Some(error) => {
                f.write_str(error.op.name())?;
                if !self.network.is_empty() {
                    write!(f, " {}", self.network)?;
                }
                f.write_str(": ")?;
                self.fmt_cause(f)
            }
            None => self.fmt_cause(f),
        }
    }
}
