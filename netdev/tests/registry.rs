//! Registration is global, so all of it is one test.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::cast_possible_truncation,
    clippy::std_instead_of_core,
    clippy::large_stack_arrays,
    reason = "helpers of tests fail as tests do"
)]
#![cfg(feature = "std")]

mod common;

use common::TestDevice;
use netdev::{Error, Netdev, SockFd, SockFlags};

#[test]
fn without_a_device_every_call_says_so_and_a_new_device_replaces_the_old() {
    let nobody = netdev::device();
    assert_eq!(nobody.addr(), Err(nb::Error::Other(Error::NoDevice)));
    let fd = SockFd::new(0, 0);
    assert_eq!(nobody.send(fd, b"x", SockFlags::NONE), Err(nb::Error::Other(Error::NoDevice)));
    assert_eq!(nobody.listen(fd, 1), Err(nb::Error::Other(Error::NoDevice)));
    let link = nobody.netlink().expect("a link that says so, too");
    assert_eq!(link.leave(), Err(nb::Error::Other(Error::NoDevice)));

    let first: &'static TestDevice = Box::leak(Box::default());
    let second: &'static TestDevice = Box::leak(Box::default());
    assert!(netdev::use_device(first).is_none());
    let replaced = netdev::use_device(second).expect("the first one");
    assert!(core::ptr::addr_eq(replaced, first as &dyn Netdev));
    assert!(core::ptr::addr_eq(netdev::device(), second as &dyn Netdev));
}
