//! The supervisor over the drivers of the chips on a serial line, and their simulated firmware.

use core::time::Duration;

use espat::Espat;
use espat_sim::{Modem, Persona};
use net::link::{ConnectParams, LinkEvent, LinkState};
use net::{Cause, DeviceError, Netdev};
use netdev_sim::UartBench;
use rtl8720dn::Rtl8720dn;

use crate::rig::{CHIP, PERIOD, Watched, World, seconds, told};

const HOME: ConnectParams<'static> =
    ConnectParams::new("test-ap", "test-pass").timeout(Duration::from_secs(30));

/// A chip on its line, and what can befall it.
struct Uart {
    name: &'static str,
    world: World,
    device: &'static dyn Netdev,
    vanish: Box<dyn Fn()>,
    come_back: Box<dyn Fn()>,
    reboot: Box<dyn Fn()>,
    /// Until the driver resets it, it says nothing.
    kill: Box<dyn Fn()>,
}

fn espat(persona: &'static Persona) -> Uart {
    let world = World::new();
    let mut config = espat_sim::Config::new(persona);
    config.baud = 921_600;
    let modem = Modem::new(config, Box::new(world.internet.node(CHIP)));
    let monitor = modem.monitor();
    let bench = UartBench::new(modem, world.clock.clone(), 921_600);
    let state = Box::leak(Box::new(espat::State::new(bench.link(2_304)).at_baud(921_600)));
    let device: &'static Espat<'static, _, _> =
        Box::leak(Box::new(Espat::new(state, world.clock.clone())));
    let [a, b, c] = [(); 3].map(|()| monitor.clone());
    Uart {
        name: "espat",
        world,
        device,
        vanish: Box::new(move || a.vanish()),
        come_back: Box::new(move || b.come_back()),
        reboot: Box::new(move || c.reboot()),
        kill: Box::new(move || bench.set_enabled(false)),
    }
}

fn rtl8720dn() -> Uart {
    let world = World::new();
    let node = Box::new(world.internet.node(CHIP));
    let chip = rtl8720dn_sim::Chip::new(rtl8720dn_sim::Config::default(), node);
    let monitor = chip.monitor();
    let bench = UartBench::new(chip, world.clock.clone(), 614_400);
    let state = Box::leak(Box::new(rtl8720dn::State::new(bench.link(4_096))));
    let device: &'static Rtl8720dn<'static, _, _> =
        Box::leak(Box::new(Rtl8720dn::new(state, world.clock.clone())));
    let [a, b, c, d] = [(); 4].map(|()| monitor.clone());
    Uart {
        name: "rtl8720dn",
        world,
        device,
        vanish: Box::new(move || a.lose_access_points()),
        come_back: Box::new(move || b.restore_access_points()),
        reboot: Box::new(move || c.reboot()),
        kill: Box::new(move || d.halt()),
    }
}

fn chips() -> [fn() -> Uart; 3] {
    [|| espat(&Persona::V2_4), || espat(&Persona::V4_1), rtl8720dn]
}

fn watched(chip: &Uart) -> Watched {
    Watched::new(chip.device, HOME).up()
}

#[test]
fn an_access_point_that_vanishes_is_noticed_and_joined_again_when_it_returns() {
    for make in chips() {
        let chip = make();
        let watched = watched(&chip);
        (chip.vanish)();
        let noticed = watched.until(LinkState::Joining, seconds(20));
        assert!(noticed <= PERIOD, "{}: {noticed:?}", chip.name);
        assert!(matches!(told()[..], [LinkEvent::Down(_)]), "{}", chip.name);
        watched.main_loop(seconds(600), || watched.supervisor.state() != LinkState::Joining);
        assert_eq!(watched.supervisor.state(), LinkState::Joining, "{}", chip.name);
        (chip.come_back)();
        watched.until(LinkState::Up, seconds(120));
        assert_eq!(told(), [LinkEvent::Up], "{}", chip.name);
    }
}

#[test]
fn a_wrong_passphrase_is_told() {
    for make in chips() {
        let chip = make();
        let wrong = ConnectParams::new("test-ap", "not-the-one").timeout(seconds(30));
        let watched = Watched::new(chip.device, wrong);
        let error = watched.supervisor.wait_up(seconds(600)).unwrap_err();
        let refused = Cause::Device(DeviceError::AuthFailed);
        assert_eq!(error.cause, refused, "{}", chip.name);
        assert_eq!(told(), [LinkEvent::Failed(refused)], "{}", chip.name);
    }
}

#[test]
fn a_chip_that_reboots_at_any_moment_is_brought_back() {
    for make in chips() {
        for millis in (0..6_000).step_by(700) {
            let chip = make();
            let watched = Watched::new(chip.device, HOME.retries(None));
            watched.main_loop(Duration::from_millis(millis), || false);
            (chip.reboot)();
            // Wherever it was, the link is up after a while and stays.
            watched.main_loop(seconds(120), || false);
            assert_eq!(watched.supervisor.state(), LinkState::Up, "{} at {millis}", chip.name);
            (chip.reboot)();
            let noticed = watched.until(LinkState::Joining, seconds(20));
            assert!(noticed <= PERIOD, "{} at {millis}: {noticed:?}", chip.name);
            watched.until(LinkState::Up, seconds(120));
            watched.supervisor.stop();
            watched.until(LinkState::Stopped, seconds(1));
            told();
        }
    }
}

#[test]
fn a_chip_that_dies_with_nothing_being_sent_is_noticed_and_its_listeners_come_back() {
    for make in chips() {
        let chip = make();
        let watched = watched(&chip);
        let listener = net::listen_on(chip.device, "tcp", ":80").unwrap();
        let remote = net::listen_on(chip.world.peer, "tcp", ":7").unwrap();
        let conn = net::dial_on(chip.device, "tcp", "peer.test:7").unwrap();
        let _accepted = remote.accept().unwrap();
        (chip.kill)();
        let noticed = watched.until(LinkState::Joining, seconds(20));
        assert!(noticed <= PERIOD, "{}: {noticed:?}", chip.name);
        let error = conn.read(&mut [0; 8]).unwrap_err();
        assert!(matches!(error.cause, Cause::Device(_)), "{}: {error}", chip.name);
        watched.until(LinkState::Up, seconds(120));
        watched.main_loop(seconds(5), || {
            assert!(matches!(listener.try_accept(), Err(nb::Error::WouldBlock)), "{}", chip.name);
            false
        });
        let client = net::dial_on(chip.world.peer, "tcp", "10.0.0.1:80").unwrap();
        client.write(b"hello").unwrap();
        let mut accepted = None;
        let took = watched.main_loop(seconds(5), || {
            accepted = listener.try_accept().ok();
            accepted.is_some()
        });
        assert!(took, "{}: nobody was accepted", chip.name);
        assert_eq!(accepted.unwrap().read(&mut [0; 8]), Ok(5), "{}", chip.name);
        told();
    }
}
