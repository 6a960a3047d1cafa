mod common;
use common::Rig;
use core::net::Ipv4Addr;
use netdev_sim::conformance::{self, Bench};
use netdev_sim::{Internet, SimDevice, VirtualClock};
use wifinina_sim::{Config, Persona};
#[test]
fn one() {
    let clock = VirtualClock::new();
    let internet = Internet::new(&clock);
    internet.name("peer.test", Ipv4Addr::new(10, 0, 0, 9));
    let mut config = Config::new(Persona::by_name(&std::env::var("P").unwrap()).unwrap());
    config.trace = Some(Box::new(|at, line| println!("{at} {line}")));
    let rig = Rig::new(config, internet.node(Ipv4Addr::new(10, 0, 0, 2)), clock.clone()).joined();
    let peer = SimDevice::on(&internet, Ipv4Addr::new(10, 0, 0, 9)).leak();
    let bench = Bench::new(
        rig.device,
        Ipv4Addr::new(10, 0, 0, 2).into(),
        peer,
        Ipv4Addr::new(10, 0, 0, 9).into(),
    )
    .in_virtual_time(&clock)
    .with_name("peer.test", Some(Ipv4Addr::new(10, 0, 0, 9).into()))
    .with_nobody_at(Ipv4Addr::new(10, 0, 0, 99).into());
    let want = std::env::var("B").unwrap();
    for b in conformance::BEHAVIOURS {
        if want.split(',').any(|w| w == b.name) {
            println!("==== {}: {}", b.name, b.run(&bench));
        }
    }
}
