//! Names by the device.

use core::net::{IpAddr, Ipv4Addr};

use crate::socket::until;
use crate::{
    AddrErrorKind, AddressFamily, Cause, DeviceError, Error, Instant, LookupErrorKind, Netdev, Op,
};

/// Looks a name up with the registered device; see [`lookup_host_on`].
///
/// # Errors
/// As [`lookup_host_on`].
pub fn lookup_host(name: &str, found: &mut [IpAddr]) -> Result<usize, Error> {
    lookup_host_on(netdev::device(), name, found)
}

/// Looks a name up: Go's `LookupHost` and `LookupIP`. Fills a prefix of `found` with its addresses,
/// of both families, and tells how many; the text of an address gives that address.
///
/// # Errors
/// [`Cause::Lookup`]: the name has no address, nobody answered in time, or the device could not ask.
pub fn lookup_host_on(
    device: &'static dyn Netdev,
    name: &str,
    found: &mut [IpAddr],
) -> Result<usize, Error> {
    match (crate::netip::addr(name), found) {
        (Some((ip, _)), [first, ..]) => {
            *first = ip.to_canonical();
            Ok(1)
        }
        (_, found) => find_addrs(device, None, name, None, found)
            .map_err(|cause| Error::new(Op::Lookup, cause)),
    }
}

/// Fills a prefix of `out` with the addresses of a name, in the device's order, and tells its
/// length, at least 1.
pub(crate) fn find_addrs(
    device: &dyn Netdev,
    family: Option<AddressFamily>,
    name: &str,
    deadline: Option<Instant>,
    out: &mut [IpAddr],
) -> Result<usize, Cause> {
    let mut count = ask(device, name, family, deadline, out)?;
    let (found, room) = out.split_at_mut(count.min(out.len()));
    if family.is_none() && room.is_empty() && found.len() > 1 && found.iter().all(IpAddr::is_ipv6) {
        // There may be IPv4 addresses behind those that fit: half of the room is theirs.
        let (six, four) = found.split_at_mut(found.len() / 2);
        let more = ask(device, name, Some(AddressFamily::Inet), deadline, four);
        count = six.len() + more.unwrap_or(four.len());
    }
    keep_suitable(out, count, family)
}

/// Takes out what is of another family than asked for.
fn keep_suitable(
    out: &mut [IpAddr],
    count: usize,
    family: Option<AddressFamily>,
) -> Result<usize, Cause> {
    let mut kept = 0;
    for at in 0..count.min(out.len()) {
        let Some(ip) = out.get(at).map(IpAddr::to_canonical) else { break };
        let own = if ip.is_ipv6() { AddressFamily::Inet6 } else { AddressFamily::Inet };
        if family.is_none_or(|family| family == own)
            && let Some(place) = out.get_mut(kept)
        {
            *place = ip;
            kept += 1;
        }
    }
    if kept == 0 { Err(AddrErrorKind::NoSuitableAddress.into()) } else { Ok(kept) }
}

pub(crate) const UNSPECIFIED: IpAddr = IpAddr::V4(Ipv4Addr::UNSPECIFIED);

/// Asks the device for the addresses of a name.
fn ask(
    device: &dyn Netdev,
    name: &str,
    family: Option<AddressFamily>,
    deadline: Option<Instant>,
    answer: &mut [IpAddr],
) -> Result<usize, Cause> {
    let asked = until(device, deadline, || device.get_host_by_name(name, family));
    let answered = asked.and_then(|token| {
        let lookup = Ended { device, token };
        until(device, deadline, || device.lookup_result(lookup.token, answer))
    });
    answered.map_err(|cause| Cause::Lookup(why(cause)))
}

/// Ends a lookup on every path.
struct Ended<'a> {
    device: &'a dyn Netdev,
    token: netdev::Lookup,
}

impl Drop for Ended<'_> {
    fn drop(&mut self) {
        self.device.end_lookup(self.token);
    }
}

fn why(cause: Cause) -> LookupErrorKind {
    match cause {
        Cause::DeadlineExceeded | Cause::Device(DeviceError::TimedOut) => LookupErrorKind::TimedOut,
        Cause::Device(error) if error != DeviceError::HostUnknown => LookupErrorKind::Failed(error),
        _ => LookupErrorKind::NoSuchHost,
    }
}
