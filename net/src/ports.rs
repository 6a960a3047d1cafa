//! Ports by number and by name.

use crate::AddrErrorKind::{self, InvalidPort};
use crate::{Cause, Error, LookupErrorKind, Network, Op};

/// The port of a service: Go's `LookupPort`. Numbers pass, names are found in a small table,
/// whatever their case.
///
/// # Errors
/// [`Cause::Address`] for a number above 65535, [`Cause::Lookup`] for a name that is not in the
/// table, [`Cause::UnknownNetwork`].
///
/// ```
/// assert_eq!(net::lookup_port("tcp", "https"), Ok(443));
/// ```
pub fn lookup_port(network: &str, service: &str) -> Result<u16, Error> {
    let network = Network::parse(network).map_err(|cause| Error::new(Op::Lookup, cause))?;
    parse_port(network, service)
        .map_err(|cause| Error { network: Some(network), ..Error::new(Op::Lookup, cause) })
}

/// An empty port is 0; a sign and leading zeros pass.
pub(crate) fn parse_port(network: Network, port: &str) -> Result<u16, Cause> {
    match number(port) {
        Some(number) => Ok(number?),
        None => named(network, port).ok_or(Cause::Lookup(LookupErrorKind::UnknownPort)),
    }
}

/// `None` for anything that is not a number.
fn number(port: &str) -> Option<Result<u16, AddrErrorKind>> {
    let digits = port.strip_prefix(['+', '-']).unwrap_or(port);
    let mut value = Some(0_u16);
    for byte in digits.bytes() {
        let digit = byte.checked_sub(b'0').filter(|digit| *digit < 10)?;
        value = value.and_then(|value| value.checked_mul(10)?.checked_add(digit.into()));
    }
    let negative = port.starts_with('-') && value != Some(0);
    Some(value.filter(|_| !negative).ok_or(InvalidPort))
}

fn named(network: Network, name: &str) -> Option<u16> {
    let table = if network.is_udp() { UDP } else { TCP };
    let mut rows = table.iter().chain(BOTH);
    rows.find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, port)| *port)
}

/// Names from IANA's registry of services.
const BOTH: &[(&str, u16)] = &[("domain", 53), ("http", 80), ("https", 443), ("echo", 7)];

const TCP: &[(&str, u16)] = &[
    ("ftp", 21),
    ("ssh", 22),
    ("telnet", 23),
    ("smtp", 25),
    ("pop3", 110),
    ("imap", 143),
    ("imap2", 143),
    ("submissions", 465),
    ("ftps", 990),
    ("imaps", 993),
    ("pop3s", 995),
    ("mqtt", 1883),
    ("secure-mqtt", 8883),
];

const UDP: &[(&str, u16)] =
    &[("tftp", 69), ("ntp", 123), ("snmp", 161), ("syslog", 514), ("mdns", 5353), ("coap", 5683)];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_pass_with_sign_and_zeros_but_not_beyond_the_range() {
        for (text, port) in [("", 0), ("+80", 80), ("00080", 80), ("65535", 65535), ("-0", 0)] {
            assert_eq!(parse_port(Network::Tcp, text), Ok(port), "{text}");
        }
        for text in ["65536", "-1", "99999999999999999999"] {
            assert_eq!(parse_port(Network::Tcp, text), Err(Cause::Address(InvalidPort)), "{text}");
        }
    }

    #[test]
    fn names_ignore_case_and_belong_to_a_protocol() {
        assert_eq!(parse_port(Network::Tcp4, "HTTP"), Ok(80));
        assert_eq!(parse_port(Network::Udp, "ntp"), Ok(123));
        for text in ["ntp", "0x50", " 80", "80\n", "nosuchservice"] {
            let unknown = Err(Cause::Lookup(LookupErrorKind::UnknownPort));
            assert_eq!(parse_port(Network::Tcp, text), unknown, "{text}");
        }
    }
}
