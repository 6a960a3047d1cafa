//! The conformance suite on the PC's own sockets, with the device itself as its peer.

use core::net::{IpAddr, Ipv4Addr};

use netdev_host::HostDevice;
use netdev_sim::conformance::{self, Bench};

#[test]
fn the_host_device_conforms() {
    let device = Box::leak(Box::new(HostDevice::new().unwrap()));
    let here = IpAddr::V4(Ipv4Addr::LOCALHOST);
    let bench = Bench::new(device, here, device, here).with_name("localhost", Some(here));
    let mut rows = 0;
    let summary = conformance::run(&bench, &mut |name, outcome| {
        println!("{name}: {outcome}");
        rows += 1;
    });
    assert_eq!((summary.ok, summary.failed), (rows, 0), "nothing is limited here");
    assert_eq!(device.stats().open, 0, "sockets were left open");
}
