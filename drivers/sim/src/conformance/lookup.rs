//! Names.

use core::net::{IpAddr, Ipv4Addr};

use netdev::{AddressFamily, Error, Features, Lookup, Netdev};

use super::sock::Party;
use super::{Bench, Check, Outcome, ensure, expect_eq, failed};

/// Names are found, or not; a lookup that was given up is gone, and the next one works.
pub(super) fn names(bench: &Bench) -> Check {
    let device = bench.device();
    let inet = Some(AddressFamily::Inet);
    if !bench.has(Features::NAME_LOOKUP) {
        device.must_fail("lookup without the feature", &[Error::Unsupported], || {
            device.netdev().get_host_by_name("localhost", inet)
        })?;
        return Err(Outcome::Unsupported);
    }
    if let Some((name, addr)) = bench.name() {
        found(device, name, addr)?;
    }
    let unknown = [Error::HostUnknown, Error::TimedOut];
    let asked = Asked::new(device, "no-such-host.invalid")?;
    device.must_fail("a name without an address", &unknown, || asked.result())?;
    for text in ["", &"a".repeat(300)] {
        device.must_fail("what cannot be a name", &[Error::HostUnknown], || {
            device.netdev().get_host_by_name(text, inet)
        })?;
    }
    drop(asked);
    given_up(device)?;
    if let Some((name, addr)) = bench.name() {
        found(device, name, addr)?;
    }
    Ok(())
}

fn found(device: Party, name: &str, addr: Option<IpAddr>) -> Check {
    let asked = Asked::new(device, name)?;
    let found = device.must("lookup", || asked.result())?;
    ensure(!found.is_empty(), || format!("no address of {name}, and no error"))?;
    ensure(found.iter().all(IpAddr::is_ipv4), || format!("asked for IPv4, found {found:?}"))?;
    if let Some(addr) = addr {
        ensure(found.contains(&addr), || format!("{name}: expected {addr}, seen {found:?}"))?;
    }
    // The answer stays until the lookup is ended.
    expect_eq("the same lookup again", &device.must("lookup", || asked.result())?, &found)
}

fn given_up(device: Party) -> Check {
    let asked = Asked::new(device, "no-such-host.invalid")?;
    let lookup = asked.lookup;
    drop(asked);
    let mut out = [IpAddr::V4(Ipv4Addr::UNSPECIFIED)];
    match device.netdev().lookup_result(lookup, &mut out) {
        Err(nb::Error::Other(Error::BadSocket)) => Ok(()),
        // Somebody else has the device for a moment.
        Err(nb::Error::WouldBlock) => device
            .must_fail("an ended lookup", &[Error::BadSocket], || {
                device.netdev().lookup_result(lookup, &mut out)
            })
            .map(|_| ()),
        answer => failed(format_args!("an ended lookup: {answer:?}")),
    }
}

/// A lookup that is ended when dropped.
struct Asked {
    device: &'static dyn Netdev,
    lookup: Lookup,
}

impl Asked {
    fn new(device: Party, name: &str) -> Check<Self> {
        let inet = Some(AddressFamily::Inet);
        let lookup =
            device.must("get_host_by_name", || device.netdev().get_host_by_name(name, inet))?;
        Ok(Self { device: device.netdev(), lookup })
    }

    fn result(&self) -> nb::Result<Vec<IpAddr>, Error> {
        let mut out = [IpAddr::V4(Ipv4Addr::UNSPECIFIED); 4];
        let count = self.device.lookup_result(self.lookup, &mut out)?;
        Ok(out.get(..count).unwrap_or_default().to_vec())
    }
}

impl Drop for Asked {
    fn drop(&mut self) {
        self.device.end_lookup(self.lookup);
    }
}
