//! The supervisor in the background of whatever waits. There is one background in a program, so this
//! is one test.
#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that panics has failed, helpers included"
)]

#[path = "../link/nina.rs"]
mod nina;
#[path = "../link/rig.rs"]
mod rig;

use core::time::Duration;
use std::sync::Mutex;

use net::link::{LinkEvent, LinkState, NetlinkExt, Supervisor};
use net::netdev::Platform;
use net::{Cause, DeviceError};
use wifinina_sim::Config;

use nina::{HOME, Nina};
use rig::{PERIOD, seconds};

static TOLD: Mutex<Vec<LinkEvent>> = Mutex::new(Vec::new());
static WAITED: Mutex<Option<Cause>> = Mutex::new(None);

/// Notes the event, and tries what a callback must not.
fn note(event: LinkEvent) {
    TOLD.lock().unwrap().push(event);
    let error = net::dial("tcp", "peer.test:7").unwrap_err();
    *WAITED.lock().unwrap() = Some(error.cause);
}

#[test]
fn whoever_waits_keeps_the_link_up() {
    let nina = Nina::new(Config::default());
    let _turn = nina.world.clock.register();
    let device = nina.device;
    net::use_device(device);
    let supervisor: &'static Supervisor =
        Box::leak(Box::new(Supervisor::new(device, HOME).watchdog(PERIOD)));
    assert!(device.net_notify(note).is_err(), "nobody would call");
    supervisor.run();
    device.net_notify(note).unwrap();
    supervisor.wait_up(seconds(30)).unwrap();

    // A server waits in accept, and nothing else goes on.
    let listener = net::listen("tcp", ":80").unwrap();
    listener.set_deadline(Some(device.platform().now() + seconds(300))).unwrap();
    let clock = nina.world.clock.clone();
    let (monitor, peer) = (nina.monitor.clone(), nina.world.peer);
    let outage = nina.world.clock.spawn(move || {
        let pass = |length: Duration| clock.idle(clock.now() + length);
        pass(seconds(10));
        monitor.set_access_points(Vec::new());
        pass(seconds(60));
        let back = wifinina_sim::AccessPoint::new("test-ap", "test-pass");
        monitor.set_access_points(vec![back]);
        pass(seconds(60));
        let client = net::dial_on(peer, "tcp", "10.0.0.1:80").unwrap();
        client.write(b"hello").unwrap();
        client
    });
    let conn = listener.accept().unwrap();
    assert_eq!(conn.read(&mut [0; 8]), Ok(5));
    drop(outage.join().unwrap());
    assert_eq!(supervisor.state(), LinkState::Up);
    let told = core::mem::take(&mut *TOLD.lock().unwrap());
    let down = LinkEvent::Down(DeviceError::LinkDown);
    assert_eq!(told, [LinkEvent::Up, down, LinkEvent::Up]);
    let deadlock = net::LookupErrorKind::Failed(DeviceError::Deadlock);
    assert_eq!(*WAITED.lock().unwrap(), Some(Cause::Lookup(deadlock)));

    supervisor.stop();
    let error = supervisor.wait_up(seconds(30)).unwrap_err();
    assert_eq!(error.cause, Cause::Device(DeviceError::LinkDown));
    // Whoever waits now does not bring the link back.
    listener.set_deadline(Some(device.platform().now() + seconds(60))).unwrap();
    assert!(listener.accept().is_err());
    assert_eq!(supervisor.state(), LinkState::Stopped);
}
