//! The conformance suite on the bench's own device, in virtual time.
#![allow(clippy::print_stdout, reason = "a row that fails is to be read")]

use core::net::Ipv4Addr;

use netdev_sim::conformance::{self, Bench};
use netdev_sim::{Internet, SimDevice, VirtualClock};

const DEVICE: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);
const PEER: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 2);

#[test]
fn the_sim_device_conforms() {
    let clock = VirtualClock::new();
    let internet = Internet::new(&clock);
    internet.name("peer.test", PEER);
    let device = SimDevice::on(&internet, DEVICE).leak();
    let peer = SimDevice::on(&internet, PEER).leak();
    let bench = Bench::new(device, DEVICE.into(), peer, PEER.into())
        .in_virtual_time(&clock)
        .with_name("peer.test", Some(PEER.into()))
        .with_nobody_at(Ipv4Addr::new(10, 0, 0, 99).into());
    let mut rows = 0;
    let summary = conformance::run(&bench, &mut |name, outcome| {
        println!("{name}: {outcome}");
        rows += 1;
    });
    assert_eq!((summary.ok, summary.failed), (rows, 0), "nothing is limited here");
}
