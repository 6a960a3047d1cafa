//! Booting, joining, and what is asked about the link.

mod common;

use common::{Rig, recv_exactly, send_all};
use espat_sim::Persona;
use netdev::Netdev;

#[test]
fn every_persona_boots_joins_and_talks() {
    for persona in Persona::ALL {
        let rig = Rig::new(persona).joined();
        assert_eq!(rig.device.addr().unwrap().addr, common::CHIP);
        let (here, there) = rig.dialled();
        send_all(rig.device, here, b"hello");
        assert_eq!(recv_exactly(rig.peer, there, 5), b"hello");
        send_all(rig.peer, there, b"hello back");
        assert_eq!(recv_exactly(rig.device, here, 10), b"hello back");
        rig.device.close(here);
        rig.pause(100);
        rig.assert_faultless();
    }
}
