//! The supervisor over the WiFiNINA driver and its simulated firmware.

use core::sync::atomic::Ordering;
use core::time::Duration;

use net::link::{ConnectParams, LinkEvent, LinkState, NetlinkExt, Supervisor};
use net::netdev::{AccessPoint as Heard, Fault, Network};
use net::{Cause, DeviceError};
use wifinina_sim::{AccessPoint, Config};

use crate::nina::{HOME, Nina};
use crate::rig::{PERIOD, Watched, seconds, told};

#[test]
fn an_access_point_that_vanishes_is_noticed_and_joined_again_when_it_returns() {
    let nina = Nina::new(Config::default());
    let watched = nina.watched();
    nina.set_networks(&[]);
    let noticed = watched.until(LinkState::Joining, seconds(10));
    assert!(noticed <= PERIOD, "{noticed:?}");
    assert_eq!(told(), [LinkEvent::Down(DeviceError::LinkDown)]);
    assert!(!watched.main_loop(seconds(3600), || watched.supervisor.state() != LinkState::Joining));
    nina.set_networks(&[("test-ap", "test-pass")]);
    let back = watched.until(LinkState::Up, seconds(60));
    assert!(back <= seconds(30) + seconds(3), "{back:?}");
    assert_eq!(told(), [LinkEvent::Up]);
}

#[test]
fn connections_end_with_an_error_that_says_so_and_listeners_come_back() {
    let nina = Nina::new(Config::default());
    let watched = nina.watched();
    let listener = net::listen_on(nina.device, "tcp", ":80").unwrap();
    let remote = net::listen_on(nina.world.peer, "tcp", ":7").unwrap();
    let conn = net::dial_on(nina.device, "tcp", "peer.test:7").unwrap();
    let _accepted = remote.accept().unwrap();

    nina.wires.lock().unwrap().dead = true;
    let noticed = watched.until(LinkState::Joining, seconds(10));
    assert!(noticed <= PERIOD, "{noticed:?}");
    let error = conn.read(&mut [0; 8]).unwrap_err();
    assert_eq!(error.cause, Cause::Device(DeviceError::Fault(Fault::Restarted)));
    assert!(error.to_string().ends_with(": network device was reset"), "{error}");
    watched.until(LinkState::Up, seconds(60));
    assert!(nina.resets.load(Ordering::Relaxed) >= 2);

    assert!(matches!(listener.try_accept(), Err(nb::Error::WouldBlock)));
    serves(&nina, &watched, &listener);
}

/// A client connects to port 80 of the chip, and the listener takes it.
fn serves(nina: &Nina, watched: &Watched, listener: &net::TcpListener) {
    // While it comes back, accepting goes on.
    watched.main_loop(seconds(1), || {
        assert!(matches!(listener.try_accept(), Err(nb::Error::WouldBlock)));
        listener.socket().is_some()
    });
    let client = net::dial_on(nina.world.peer, "tcp", "10.0.0.1:80").unwrap();
    client.write(b"hello").unwrap();
    let mut accepted = None;
    let took = watched.main_loop(seconds(5), || {
        accepted = listener.try_accept().ok();
        accepted.is_some()
    });
    assert!(took, "nobody was accepted");
    assert_eq!(accepted.unwrap().read(&mut [0; 8]), Ok(5));
}

#[test]
fn a_listener_survives_a_chip_that_reboots_by_itself() {
    let nina = Nina::new(Config::default());
    let watched = nina.watched();
    let listener = net::listen_on(nina.device, "tcp", "10.0.0.1:80").unwrap();
    let commands = nina.wires.lock().unwrap().commands;
    nina.wires.lock().unwrap().reboot_before = Some(commands + 1);
    watched.until(LinkState::Joining, PERIOD);
    watched.until(LinkState::Up, seconds(60));
    serves(&nina, &watched, &listener);
}

#[test]
fn a_link_that_drops_keeps_the_listener() {
    let nina = Nina::new(Config::default());
    let watched = nina.watched();
    let listener = net::listen_on(nina.device, "tcp", ":80").unwrap();
    nina.monitor.drop_link(8);
    watched.until(LinkState::Joining, PERIOD);
    watched.until(LinkState::Up, seconds(30));
    serves(&nina, &watched, &listener);
}

#[test]
fn a_wrong_passphrase_is_told_and_not_tried_for_ever() {
    let nina = Nina::new(Config::default());
    let wrong = ConnectParams::new("test-ap", "not-the-one").retries(None);
    let watched = Watched::new(nina.device, wrong);
    let error = watched.supervisor.wait_up(seconds(600)).unwrap_err();
    assert_eq!(error.cause, Cause::Device(DeviceError::AuthFailed));
    assert_eq!(error.to_string(), "join: authentication failed");
    assert!(watched.now().as_micros() < 60_000_000, "{}", watched.now());
    assert_eq!(told(), [LinkEvent::Failed(error.cause)]);
    assert_eq!(watched.supervisor.state(), LinkState::Failed(error.cause));
}

#[test]
fn a_passphrase_that_is_changed_and_changed_back_does_not_end_the_watch() {
    let nina = Nina::new(Config::default());
    let watched = nina.watched();
    nina.set_networks(&[]);
    watched.until(LinkState::Joining, PERIOD);
    nina.set_networks(&[("test-ap", "new-secret")]);
    assert!(!watched.main_loop(seconds(600), || watched.supervisor.state() != LinkState::Joining));
    nina.set_networks(&[("test-ap", "test-pass")]);
    watched.until(LinkState::Up, seconds(60));
}

#[test]
fn a_chip_that_reboots_between_any_two_commands_is_brought_back() {
    for before in 1..40 {
        let nina = Nina::new(Config::default());
        nina.wires.lock().unwrap().reboot_before = Some(before);
        let watched = Watched::new(nina.device, HOME.retries(None));
        watched.until(LinkState::Up, seconds(120));
        // With the link up, on the watchdog's own commands.
        let commands = nina.wires.lock().unwrap().commands;
        nina.wires.lock().unwrap().reboot_before = Some(commands + before);
        assert!(
            watched
                .main_loop(seconds(600), || { nina.wires.lock().unwrap().reboot_before.is_none() }),
            "{before}: the chip was not spoken to"
        );
        watched.until(LinkState::Joining, PERIOD);
        watched.until(LinkState::Up, seconds(120));
        watched.supervisor.stop();
        watched.until(LinkState::Stopped, seconds(1));
        told();
    }
}

#[test]
fn a_chip_that_dies_with_nothing_being_sent_is_noticed_within_the_period() {
    for after in [1, 500, 1_000, 1_999, 2_000, 3_333] {
        let nina = Nina::new(Config::default());
        let watched = nina.watched();
        watched.main_loop(Duration::from_millis(after), || false);
        nina.wires.lock().unwrap().dead = true;
        let noticed = watched.until(LinkState::Joining, seconds(20));
        assert!(noticed <= PERIOD, "{after}: {noticed:?}");
        let events = told();
        assert!(
            matches!(events[..], [LinkEvent::Down(DeviceError::Fault(_))]),
            "{after}: {events:?}"
        );
        let back = watched.until(LinkState::Up, seconds(30));
        assert!(back < seconds(5), "{after}: {back:?}");
        told();
    }
}

#[test]
fn settings_are_applied_again_after_a_reset() {
    let address = {
        let mut config = net::IpConfig::new([10, 0, 0, 1].into(), 24);
        config.gateway = Some([10, 0, 0, 254].into());
        config
    };
    let nina = Nina::new(Config::default());
    let watched = Watched::new(nina.device, HOME.address(address).host_name("sensor-7")).up();
    let config = || netdev::wait(nina.device, || None, || nina.device.addr()).unwrap();
    assert_eq!((config().addr, config().gateway), (address.addr, address.gateway));
    nina.wires.lock().unwrap().dead = true;
    watched.until(LinkState::Joining, PERIOD);
    watched.until(LinkState::Up, seconds(60));
    assert_eq!((config().addr, config().gateway), (address.addr, address.gateway));
}

const OTHERS: &[Network<'static>] =
    &[Network::wifi("work", "work-pass"), Network::wifi("cafe", "")];

#[test]
fn networks_are_tried_in_order_of_preference() {
    let nina = Nina::new(Config::default());
    nina.set_networks(&[("cafe", ""), ("work", "work-pass")]);
    let params = ConnectParams::new("home", "home-pass").others(OTHERS);
    let watched = Watched::new(nina.device, params).up();
    assert!(watched.now().as_micros() < 30_000_000);
    // The one it is in vanishes: the next in line is joined.
    nina.set_networks(&[("cafe", "")]);
    watched.until(LinkState::Joining, PERIOD);
    watched.until(LinkState::Up, seconds(60));
}

#[test]
fn the_strongest_network_is_tried_first() {
    let nina = Nina::new(Config::default());
    let mut far = AccessPoint::new("home", "home-pass");
    far.rssi = -80;
    let mut near = AccessPoint::new("work", "work-pass");
    near.rssi = -50;
    nina.monitor.set_access_points(vec![far, near]);
    let params = ConnectParams::new("home", "home-pass").others(OTHERS);
    let found = Box::leak(Box::new([Heard::EMPTY; 10]));
    let supervisor = Supervisor::new(nina.device, params).by_signal(found);
    let watched = Watched::with(supervisor.watchdog(PERIOD), nina.device).up();
    let rssi = || nina.device.netlink().unwrap().rssi();
    assert_eq!(netdev::wait(nina.device, || None, rssi), Ok(-50));
    assert_eq!(watched.supervisor.state(), LinkState::Up);
}

#[test]
fn leaving_the_network_stops_the_watch() {
    let nina = Nina::new(Config::default());
    let watched = nina.watched();
    nina.device.net_disconnect().unwrap();
    watched.until(LinkState::Stopped, seconds(1));
    assert!(!watched.main_loop(seconds(100), || watched.supervisor.state() != LinkState::Stopped));
    assert_eq!(told(), [LinkEvent::Down(DeviceError::LinkDown)]);
    watched.supervisor.start();
    watched.until(LinkState::Up, seconds(30));
}

#[test]
fn joining_without_a_supervisor_retries_with_growing_pauses() {
    let nina = Nina::new(Config::default());
    nina.set_networks(&[]);
    let start = nina.device.platform().now();
    let pauses = (seconds(1), seconds(8));
    let params = HOME.retries(Some(5)).pauses(pauses.0, pauses.1);
    let error = nina.device.net_connect(&params).unwrap_err();
    assert_eq!(error.cause, Cause::Device(DeviceError::NoSuchNetwork));
    // Pauses of 1, 2, 4, 8 and 8 s, each shortened by up to a half; a try takes about a second.
    let took = nina.device.platform().now().saturating_since(start);
    assert!(took > seconds(11) && took < seconds(35), "{took:?}");

    nina.set_networks(&[("test-ap", "test-pass")]);
    nina.device.net_connect(&params).unwrap();
}

#[test]
fn an_access_point_of_our_own_is_watched_like_a_link() {
    let nina = Nina::new(Config::default());
    let params = ConnectParams::access_point("sensor", "setup-me").channel(11);
    let watched = Watched::new(nina.device, params).up();
    assert!(!watched.main_loop(seconds(60), || watched.supervisor.state() != LinkState::Up));
    nina.wires.lock().unwrap().dead = true;
    watched.until(LinkState::Joining, PERIOD);
    watched.until(LinkState::Up, seconds(30));
}
