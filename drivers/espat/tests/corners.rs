//! What is left unfinished, what is refused, and what goes wrong behind somebody else's data.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "helpers of tests fail as tests do"
)]

mod common;
#[path = "common/puppet.rs"]
mod puppet;

use core::net::{Ipv4Addr, SocketAddr};
use core::time::Duration;

use common::{CHIP, Parts, recv_exactly, send_all};
use espat::{Espat, State};
use espat_sim::{Config, Modem, Persona};
use netdev::{
    AddressFamily, Error, Instant, IpConfig, Netdev, Network, Platform, Protocol, SockFlags,
    SockType, Stopped, wait,
};
use netdev_sim::{Internet, UartBench, VirtualClock};
use puppet::Show;

/// A board that has no clock of its own.
struct Timeless(VirtualClock);

impl Platform for Timeless {
    fn now(&self) -> Instant {
        self.0.now()
    }

    fn idle(&self, until: Instant) {
        self.0.idle(until);
    }
}

#[test]
fn a_clock_that_is_kept_is_the_platforms_too() {
    for persona in Persona::ALL {
        let clock = VirtualClock::new();
        let internet = Internet::new(&clock);
        let mut config = Config::new(persona);
        config.unix_time = Some(1_800_000_000);
        let modem = Modem::new(config, Box::new(internet.node(CHIP)));
        let bench = UartBench::new(modem, clock.clone(), 115_200);
        let mut state: State<_> = State::new(bench.link(2_304)).keeping_time("pool.ntp.org");
        let device = Espat::new(&mut state, Timeless(clock.clone()));
        let at = clock.now() + Duration::from_secs(30);
        let network = Network::wifi("test-ap", "test-pass");
        wait(&device, || Some(at), || device.netlink().unwrap().join(&network)).unwrap();
        assert_eq!(device.platform().unix_time(), None, "{}", persona.name);
        let at = clock.now() + Duration::from_secs(20);
        let never = || Err::<(), nb::Error<Error>>(nb::Error::WouldBlock);
        let _ = wait(&device, || Some(at), never);
        let told = device.platform().unix_time();
        let expected = 1_800_000_000 + clock.now().as_micros() / 1_000_000;
        // The module tells whole seconds, and the platform counts whole ones from there.
        assert!(told.is_some_and(|it| it.abs_diff(expected) <= 2), "{}: {told:?}", persona.name);
        bench.clear_counters();
        let at = clock.now() + Duration::from_secs(60);
        let _ = wait(&device, || Some(at), never);
        assert_eq!(bench.counters().written, 0, "{}: known, and asked again", persona.name);
    }
}

#[test]
fn a_clock_that_the_firmware_refuses_to_keep_is_an_error() {
    let show = Show::new("4.1.0");
    for _ in 0..1000 {
        show.puppet().on("AT+CIPSNTPCFG", puppet::ERROR);
    }
    let link = show.device.netlink().unwrap();
    let told = show.until(10, || link.clock());
    assert!(matches!(told, Err(Stopped::Failed(_))), "{told:?}");
}

/// Bytes that stand in the firmware's input as payload must not be completed by our own commands.
#[test]
fn a_reset_in_the_middle_of_a_send_puts_nothing_into_the_stream() {
    for persona in Persona::ALL {
        for ms in [168, 170, 172, 174] {
            reset_in_a_send(persona, ms);
        }
    }
}

fn reset_in_a_send(persona: &'static Persona, ms: u64) {
    let mut parts = Parts::new(persona);
    parts.state = |link| State::new(link.without_enable_pin());
    let rig = parts.rig();
    let link = rig.device.netlink().unwrap();
    let network = Network::wifi("test-ap", "test-pass");
    wait(rig.device, rig.in_ms(30_000), || link.join(&network)).unwrap();
    let (here, there) = rig.dialled();
    let data = [b'x'; 2000];
    let half = wait(rig.device, rig.in_ms(ms), || rig.device.send(here, &data, SockFlags::NONE));
    let half_sent = half == Err(Stopped::Deadline);
    assert!(half_sent, "{} {ms} ms: {half:?}", persona.name);
    let done = wait(rig.device, rig.in_ms(60_000), || link.reset());
    assert_eq!(done, Ok(()), "{}", persona.name);
    let mut got = Vec::new();
    let mut buf = [0; 2048];
    while let Ok(len @ 1..) = rig.peer.recv(there, &mut buf, SockFlags::NONE) {
        got.extend(&buf[..len]);
    }
    let told = String::from_utf8_lossy(&got);
    assert!(data.starts_with(&got), "{} {ms} ms: {told}", persona.name);
}

#[test]
fn an_answer_is_missed_behind_datagrams_that_keep_coming() {
    let show = Show::new("4.1.0");
    let device = show.device;
    let fd = show
        .until(5, || device.socket(AddressFamily::Inet, SockType::Dgram, Protocol::Udp))
        .unwrap();
    let any = SocketAddr::from((Ipv4Addr::UNSPECIFIED, 5000));
    show.until(5, || device.bind(fd, any)).unwrap();
    let stream = show.connected();
    for nth in 0..600 {
        let line = "\r\n+IPD,4,3,\"10.0.0.9\",7:abc\r\n";
        show.puppet().say_later(Duration::from_millis(nth * 100), line);
    }
    show.puppet().on("AT+CIPCLOSE", "");
    show.commands();
    device.close(stream);
    show.pause(20_000);
    let commands = show.commands();
    assert!(commands.iter().any(|it| it == "AT+CIPMUX?"), "{commands:?}");
}

#[test]
fn an_address_that_is_set_while_the_link_is_up_is_told() {
    for persona in Persona::ALL {
        let rig = common::Rig::new(persona).joined();
        let link = rig.device.netlink().unwrap();
        let config = IpConfig::new(Ipv4Addr::new(10, 0, 0, 2).into(), 8);
        let set = wait(rig.device, rig.in_ms(9_000), || link.set_address(Some(&config)));
        assert_eq!(set, Ok(()));
        rig.pause(3_000);
        let told = rig.device.addr().unwrap();
        assert_eq!((told.addr, told.prefix), (CHIP.into(), 8), "{}", persona.name);
    }
}

#[test]
fn a_notice_of_nothing_is_looked_into() {
    let show = Show::new("4.1.0");
    let fd = show.connected();
    show.puppet().say("\r\n+IPD,4,0\r\n");
    show.puppet().on("AT+CIPSTATE", "+CIPSTATE:4,\"TCP\",\"10.0.0.9\",7,50000,0\r\n\r\nOK\r\n");
    show.puppet().on("AT+CIPRECVLEN", "+CIPRECVLEN:0,0,0,0,1\r\n\r\nOK\r\n");
    show.puppet().on("AT+CIPRECVDATA=4,1", "+CIPRECVDATA:1,x\r\nOK\r\n");
    assert_eq!(show.recv(fd), Ok(b"x".to_vec()));
}

#[test]
fn a_notice_that_is_garbled_is_looked_into_among_lines_of_a_log() {
    let show = Show::new("4.1.0");
    let fd = show.connected();
    show.puppet().say("\r\n+IPD,4,\r\n");
    for nth in 1..120 {
        show.puppet().say_later(Duration::from_millis(nth * 100), "to read 75 bytes\r\n");
    }
    let listed = "+CIPSTATE:4,\"TCP\",\"10.0.0.9\",7,50000,0\r\n\r\nOK\r\n";
    for _ in 0..40 {
        show.puppet().on("AT+CIPSTATE", listed);
        show.puppet().on("AT+CIPRECVLEN", "+CIPRECVLEN:0,0,0,0,1\r\n\r\nOK\r\n");
    }
    show.puppet().on("AT+CIPRECVDATA=4,1", "+CIPRECVDATA:1,x\r\nOK\r\n");
    assert_eq!(show.recv(fd), Ok(b"x".to_vec()));
}

#[test]
fn a_rate_that_fails_takes_nothing_but_time_wherever_the_module_was_found() {
    let mut parts = Parts::new(&Persona::V4_1);
    parts.config.baud = 9_600;
    parts.state = |link| State::new(link).raised_to(6_000_000);
    let rig = parts.rig();
    let link = rig.device.netlink().unwrap();
    let joined =
        wait(rig.device, rig.in_ms(60_000), || link.join(&Network::wifi("test-ap", "test-pass")));
    assert_eq!(joined, Ok(()));
    rig.dialled();
}

#[test]
fn with_flow_control_a_module_is_told_so_and_works() {
    for persona in Persona::ALL {
        let mut parts = Parts::new(persona);
        parts.state = |link| State::new(link).with_flow_control().raised_to(921_600);
        let rig = parts.rig().joined();
        let (here, there) = rig.dialled();
        let data = vec![7; 20_000];
        send_all(rig.device, here, &data);
        assert_eq!(recv_exactly(rig.peer, there, 20_000), data);
        rig.assert_faultless();
    }
}
