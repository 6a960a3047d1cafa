//! Name lookup.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "helpers of tests")]

mod common;

use core::net::{IpAddr, Ipv4Addr};

use common::{device, far, wait};
use netdev::{AddressFamily, Error, Netdev, Platform, Stopped};
use netdev_host::HostDevice;

fn find(
    device: &HostDevice,
    name: &str,
    family: Option<AddressFamily>,
) -> Result<Vec<IpAddr>, Stopped> {
    let lookup = wait(device, || device.get_host_by_name(name, family))?;
    let mut out = [IpAddr::V4(Ipv4Addr::UNSPECIFIED); 8];
    let found = wait(device, || device.lookup_result(lookup, &mut out));
    device.end_lookup(lookup);
    Ok(out[..found?].to_vec())
}

#[test]
fn localhost_is_this_pc() {
    let found = find(device(), "localhost", Some(AddressFamily::Inet)).unwrap();
    assert_eq!(found, [IpAddr::V4(Ipv4Addr::LOCALHOST)]);
    assert!(find(device(), "localhost", None).unwrap().iter().all(IpAddr::is_loopback));
}

#[test]
fn a_literal_is_answered_at_once() {
    let device = device();
    let lookup = device.get_host_by_name("192.0.2.7", None).unwrap();
    let mut out = [IpAddr::V4(Ipv4Addr::UNSPECIFIED); 2];
    assert_eq!(device.lookup_result(lookup, &mut out), Ok(1));
    assert_eq!(out[0], IpAddr::from([192, 0, 2, 7]));
    device.end_lookup(lookup);
    let wrong_family = find(device, "::1", Some(AddressFamily::Inet));
    assert_eq!(wrong_family, Err(Stopped::Failed(Error::HostUnknown)));
}

#[test]
fn what_cannot_be_a_name_is_unknown() {
    for name in ["", "not a name", "\0", "name.invalid."] {
        let answer = find(device(), name, None);
        assert_eq!(answer, Err(Stopped::Failed(Error::HostUnknown)), "{name:?}");
    }
}

#[test]
fn an_ended_lookup_is_forgotten() {
    let device = device();
    let lookup = device.get_host_by_name("localhost", None).unwrap();
    device.end_lookup(lookup);
    let mut out = [IpAddr::V4(Ipv4Addr::UNSPECIFIED); 2];
    let answer = device.lookup_result(lookup, &mut out);
    assert_eq!(answer, Err(nb::Error::Other(Error::BadSocket)));
    let next = device.get_host_by_name("127.0.0.1", None).unwrap();
    assert_ne!(lookup, next);
    device.end_lookup(lookup);
    assert_eq!(device.lookup_result(next, &mut out), Ok(1), "the stale token ended nothing");
}

#[test]
fn the_end_of_a_lookup_ends_idling() {
    let device = device();
    let lookup = device.get_host_by_name("localhost", None).unwrap();
    let mut out = [IpAddr::V4(Ipv4Addr::UNSPECIFIED); 8];
    let until = far(device);
    while device.lookup_result(lookup, &mut out) == Err(nb::Error::WouldBlock) {
        device.idle(until);
    }
    assert!(device.now() < until, "idle slept through");
    device.end_lookup(lookup);
}
