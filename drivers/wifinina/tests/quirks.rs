//! Quirks of the firmware that bear on the link, on datagrams and on the bus, one test each; the numbers
//! are those of docs/firmware/wifinina.md.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "helpers of tests fail as tests do"
)]

mod common;

use core::net::{IpAddr, Ipv4Addr, SocketAddr};
use core::time::Duration;
use std::sync::{Arc, Mutex};

use common::net::{
    CHIP, Net, PEER, WITHOUT_ACCEPT_FLAG, connect, listen, net, net_of, net_with, peer_listener,
    send_all, soon,
};
use netdev::{
    AccessPoint, AccessPointSettings, AddressFamily, Error, Fault, HardwareAddr, IpConfig,
    LinkStatus, Netdev, Network, Protocol, SockFd, SockFlags, SockType, Stopped, wait,
};
use netdev_sim::SimDevice;
use wifinina_sim::{Config, Persona};

/// A datagram socket of `device` on a port of its choice, and where it is found.
fn udp(net: &Net, device: &dyn Netdev, ip: Ipv4Addr) -> (SockFd, SocketAddr) {
    let fd = net.until(|| device.socket(AddressFamily::Inet, SockType::Dgram, Protocol::Udp));
    net.until(|| device.bind(fd, (Ipv4Addr::UNSPECIFIED, 0).into()));
    let port = net.until(|| device.local_addr(fd)).port();
    (fd, (ip, port).into())
}

fn receive(net: &Net, device: &dyn Netdev, fd: SockFd) -> (Vec<u8>, SocketAddr) {
    let mut buf = [0; 64];
    let (len, from) = net.until(|| {
        net.rig.device.drive();
        device.recv_from(fd, &mut buf, SockFlags::NONE)
    });
    (buf[..len].to_vec(), from)
}

fn send(net: &Net, device: &dyn Netdev, fd: SockFd, data: &[u8], to: SocketAddr) {
    assert_eq!(net.until(|| device.send_to(fd, data, to, SockFlags::NONE)), data.len());
}

#[test]
fn q2_hardware_addresses_are_in_their_natural_order_on_every_persona() {
    for persona in Persona::ALL {
        let net = net_of(persona);
        let link = net.rig.device.netlink().unwrap();
        let own = net.until(|| link.hardware_addr());
        assert_eq!(own, HardwareAddr([0x24, 0x0A, 0xC4, 1, 2, 3]), "{}", persona.name);
        let mut found = [AccessPoint::EMPTY; 4];
        assert_eq!(net.until(|| link.scan(&mut found)), 1);
        let bssid = HardwareAddr([0x02, 0x00, 0x5E, 0x10, 0x20, 0x30]);
        assert_eq!(found[0].bssid, bssid, "{}", persona.name);
    }
}

#[test]
fn q4_no_datagram_slot_is_asked_for_its_state() {
    for persona in WITHOUT_ACCEPT_FLAG {
        let net = net_of(persona);
        let (fd, _) = udp(&net, net.rig.device, CHIP);
        let nothing = wait(net.rig.device, net.rig.in_ms(3_000), || {
            net.rig.device.recv_from(fd, &mut [0; 8], SockFlags::NONE)
        });
        assert_eq!(nothing, Err(Stopped::Deadline));
        assert_eq!(net.rig.monitor.counters().state_of_non_streams, 0);
    }
}

#[test]
fn q5_datagrams_come_once_the_connection_below_them_is_read() {
    for persona in Persona::ALL {
        let net = net_of(persona);
        let (listener, addr) = listen(net.rig.device, 80);
        let (there, here) = net.accepted(listener, addr);
        let (fd, at) = udp(&net, net.rig.device, CHIP);
        let (from, _) = udp(&net, net.peer, PEER);
        send_all(net.peer, there, b"unread");
        net.pass(50);
        send(&net, net.peer, from, b"datagram", at);
        let mut buf = [0; 8];
        let early = wait(net.rig.device, net.rig.in_ms(100), || {
            net.rig.device.recv_from(fd, &mut buf, SockFlags::NONE)
        });
        let by_slot = persona.name == "arduino-1.4.8" || persona.name == "adafruit-1.7.7";
        assert_eq!(early.is_err(), by_slot, "{}", persona.name);
        if by_slot {
            net.until(|| net.rig.device.recv(here, &mut [0; 64], SockFlags::NONE));
            assert_eq!(receive(&net, net.rig.device, fd).0, b"datagram");
        }
    }
}

#[test]
fn q6_what_a_closed_socket_left_unread_is_not_the_next_ones() {
    for persona in WITHOUT_ACCEPT_FLAG {
        let net = net_of(persona);
        let (fd, at) = udp(&net, net.rig.device, CHIP);
        let (from, _) = udp(&net, net.peer, PEER);
        send(&net, net.peer, from, &[b'x'; 100], at);
        let mut buf = [0; 10];
        let (len, _) = net.until(|| net.rig.device.recv_from(fd, &mut buf, SockFlags::NONE));
        assert_eq!(len, 100);
        net.rig.device.close(fd);
        net.pass(100);
        let (fd, at) = udp(&net, net.rig.device, CHIP);
        let nothing = wait(net.rig.device, net.rig.in_ms(200), || {
            net.rig.device.recv_from(fd, &mut [0; 64], SockFlags::NONE)
        });
        assert_eq!(nothing, Err(Stopped::Deadline), "{}", persona.name);
        send(&net, net.peer, from, b"news", at);
        assert_eq!(receive(&net, net.rig.device, fd).0, b"news", "{}", persona.name);
    }
}

#[test]
fn q7_a_datagram_that_waits_keeps_its_sender_when_another_goes_out() {
    for persona in Persona::ALL {
        let net = net_of(persona);
        let (fd, at) = udp(&net, net.rig.device, CHIP);
        let (asker, asker_at) = udp(&net, net.peer, PEER);
        let (other, other_at) = udp(&net, net.peer, PEER);
        send(&net, net.peer, asker, b"question", at);
        net.pass(60);
        send(&net, net.rig.device, fd, b"news", other_at);
        assert_eq!(receive(&net, net.peer, other).0, b"news", "{}", persona.name);
        let (question, from) = receive(&net, net.rig.device, fd);
        assert_eq!((&question[..], from), (&b"question"[..], asker_at), "{}", persona.name);
        net.rig.assert_faultless();
    }
}

#[test]
fn q7_a_datagram_that_comes_in_between_does_not_redirect_the_one_that_leaves() {
    let mut lost = 0;
    // Wherever between the commands of a send it arrives.
    for delay_us in (0..3_000).step_by(100) {
        let net = net_of(&Persona::ARDUINO_1_4_8);
        net.internet.set_delay(Duration::from_micros(delay_us));
        let (fd, at) = udp(&net, net.rig.device, CHIP);
        let (asker, asker_at) = udp(&net, net.peer, PEER);
        let (other, other_at) = udp(&net, net.peer, PEER);
        net.pass(60);
        send(&net, net.peer, asker, b"question", at);
        send(&net, net.rig.device, fd, b"news", other_at);
        assert_eq!(receive(&net, net.peer, other).0, b"news", "{delay_us} us");
        // One whose sender was overwritten is lost rather than somebody else's.
        let mut buf = [0; 64];
        let device = net.rig.device;
        let found =
            wait(device, net.rig.in_ms(200), || device.recv_from(fd, &mut buf, SockFlags::NONE));
        assert!(
            [Ok((8, asker_at)), Err(Stopped::Deadline)].contains(&found),
            "{delay_us} us: {found:?}"
        );
        lost += usize::from(found.is_err());
        net.rig.assert_faultless();
    }
    assert!(lost <= 5, "{lost} of 30 were lost");
}

#[test]
fn q13_a_datagram_that_does_not_fit_is_refused() {
    for persona in Persona::ALL {
        let net = net_of(persona);
        let device = net.rig.device;
        let (fd, _) = udp(&net, device, CHIP);
        let (other, to) = udp(&net, net.peer, PEER);
        let most = usize::from(device.capabilities().datagram);
        let refused = wait(device, soon(device), || {
            device.send_to(fd, &vec![1; most + 1], to, SockFlags::NONE)
        });
        assert_eq!(refused, Err(Stopped::Failed(Error::MessageTooLong)), "{}", persona.name);
        send(&net, device, fd, &vec![1; most], to);
        let mut buf = vec![0; 2_000];
        let (len, _) = net.until(|| net.peer.recv_from(other, &mut buf, SockFlags::NONE));
        assert_eq!(len, most);
        assert_eq!(net.rig.monitor.counters().datagram_overflows, 0);
        net.rig.assert_faultless();
    }
}

#[test]
fn q16_the_0_that_answers_a_static_address_is_no_failure() {
    let net = net();
    let link = net.rig.device.netlink().unwrap();
    let mut config = IpConfig::new(IpAddr::from([10, 0, 0, 50]), 24);
    config.gateway = Some(IpAddr::from([10, 0, 0, 1]));
    assert_eq!(
        wait(net.rig.device, soon(net.rig.device), || link.set_address(Some(&config))),
        Ok(())
    );
    net.rig.assert_faultless();
}

#[test]
fn q20_texts_that_overrun_the_firmwares_buffers_are_refused() {
    let net = net();
    let link = net.rig.device.netlink().unwrap();
    let (long, longer, longest) = ("x".repeat(33), "x".repeat(64), "x".repeat(256));
    let refused = Err(nb::Error::Other(Error::InvalidInput));
    assert_eq!(link.join(&Network::wifi(&long, "test-pass")), refused);
    assert_eq!(link.join(&Network::wifi("test-ap", &longer)), refused);
    assert_eq!(link.start_access_point(&AccessPointSettings::new(&long, "test-pass")), refused);
    assert_eq!(link.start_access_point(&AccessPointSettings::new("own", &longer)), refused);
    assert_eq!(link.set_host_name(&long), refused);
    let unknown = Err(nb::Error::Other(Error::HostUnknown));
    assert_eq!(net.rig.device.get_host_by_name(&longest, None).map(|_| ()), unknown);
    assert_eq!(net.rig.monitor.counters().long_strings, 0);
    net.rig.assert_faultless();
}

#[test]
fn q21_the_garbage_behind_a_failed_answer_is_nobodys_address() {
    let net = net();
    let device = net.rig.device;
    let (fd, at) = udp(&net, device, CHIP);
    // Every one of these looks finds nothing, and the firmware answers what stood in its memory.
    let nothing =
        wait(device, net.rig.in_ms(500), || device.recv_from(fd, &mut [0; 8], SockFlags::NONE));
    assert_eq!(nothing, Err(Stopped::Deadline));
    let (from, sender) = udp(&net, net.peer, PEER);
    send(&net, net.peer, from, b"", at);
    assert_eq!(receive(&net, device, fd), (Vec::new(), sender));
}

#[test]
fn q22_no_receive_of_a_datagram_asks_for_more_than_the_firmware_can_hold() {
    let net = net();
    let (fd, at) = udp(&net, net.rig.device, CHIP);
    let (from, _) = udp(&net, net.peer, PEER);
    send(&net, net.peer, from, &[7; 1_472], at);
    let mut buf = vec![0; 16 * 1024];
    let (len, _) = net.until(|| net.rig.device.recv_from(fd, &mut buf, SockFlags::NONE));
    assert_eq!(len, 1_472);
    assert_eq!(net.rig.monitor.counters().oversize_requests, 0);
    net.rig.assert_faultless();
}

#[test]
fn q24_the_answer_of_an_abandoned_question_is_taken_off_the_bus() {
    let net = net();
    net.internet.name("slow.test", PEER);
    net.internet.set_delay(Duration::from_millis(50));
    let device = net.rig.device;
    let link = device.netlink().unwrap();
    for _ in 0..5 {
        let lookup = device.get_host_by_name("slow.test", None).unwrap();
        device.end_lookup(lookup);
        assert_eq!(net.until(|| link.status()), LinkStatus::Up);
    }
    let counters = net.rig.monitor.counters();
    assert_eq!((counters.replies_lost, counters.commands_swallowed), (0, 0));
    net.rig.assert_faultless();
}

#[test]
fn q25_a_scan_ends_the_link_and_the_driver_knows() {
    let net = net();
    let device = net.rig.device;
    let link = device.netlink().unwrap();
    net.until(|| link.scan(&mut [AccessPoint::EMPTY; 4]));
    assert_eq!(device.addr(), Err(nb::Error::Other(Error::LinkDown)));
    assert_eq!(net.until(|| link.status()), LinkStatus::Down);
    net.join();
    assert!(net.until(|| device.addr()).addr == IpAddr::V4(CHIP));
}

#[test]
fn q26_without_a_link_the_address_that_the_firmware_remembers_is_not_told() {
    for persona in Persona::ALL {
        let net = net_of(persona);
        let device = net.rig.device;
        let link = device.netlink().unwrap();
        net.until(|| link.leave());
        let down = Err(nb::Error::Other(Error::LinkDown));
        assert_eq!(device.addr().map(|_| ()), down, "{}", persona.name);
        assert_eq!(link.rssi().map(|_| ()), down, "{}", persona.name);
    }
}

#[test]
fn q29_a_failed_lookup_does_not_tell_the_address_of_the_one_before() {
    for persona in Persona::ALL {
        let net = net_of(persona);
        net.internet.name("peer.test", PEER);
        let device = net.rig.device;
        let look_up = |name: &str| {
            let lookup = net.until(|| device.get_host_by_name(name, None));
            let mut found = [IpAddr::V4(Ipv4Addr::UNSPECIFIED)];
            let done = wait(device, soon(device), || device.lookup_result(lookup, &mut found));
            device.end_lookup(lookup);
            done.map(|_| found[0])
        };
        assert_eq!(look_up("peer.test"), Ok(PEER.into()), "{}", persona.name);
        let failed = look_up("nobody.test");
        assert_eq!(failed, Err(Stopped::Failed(Error::HostUnknown)), "{}", persona.name);
    }
}

#[test]
fn q30_a_scan_of_more_networks_than_are_believed_is_a_fault() {
    let many = |count: usize| {
        let mut config = Config::new(&Persona::ADAFRUIT_3_3_0);
        let more = (1..count).map(|n| wifinina_sim::AccessPoint::new(&format!("ap-{n}"), ""));
        config.access_points.extend(more);
        net_with(config)
    };
    let scan = |net: &Net| {
        let link = net.rig.device.netlink().unwrap();
        let mut found = [AccessPoint::EMPTY; 8];
        wait(net.rig.device, soon(net.rig.device), || link.scan(&mut found))
    };
    assert_eq!(scan(&many(20)), Ok(8), "no cap at ten");
    assert_eq!(scan(&many(80)), Err(Stopped::Failed(Error::Fault(Fault::Frame))));
}

#[test]
fn q30_a_scan_that_failed_in_the_chip_is_a_fault_and_the_driver_works_on() {
    let mut config = Config::new(&Persona::ADAFRUIT_3_3_0);
    config.scan_fails = true;
    let net = net_with(config);
    let link = net.rig.device.netlink().unwrap();
    let mut found = [AccessPoint::EMPTY; 8];
    let failed = wait(net.rig.device, soon(net.rig.device), || link.scan(&mut found));
    assert_eq!(failed, Err(Stopped::Failed(Error::Fault(Fault::Frame))));
    net.join();
    assert_eq!(net.until(|| link.status()), LinkStatus::Up);
}

/// A joined chip whose commands and replies are written down.
fn traced(persona: &'static Persona) -> (Net, Arc<Mutex<Vec<String>>>) {
    let lines = Arc::new(Mutex::new(Vec::new()));
    let mut config = Config::new(persona);
    let sink = lines.clone();
    config.trace = Some(Box::new(move |_, line| sink.lock().unwrap().push(line.to_owned())));
    (net_with(config), lines)
}

#[test]
fn q32_a_join_under_way_is_not_started_again() {
    let (net, lines) = traced(&Persona::ADAFRUIT_3_3_0);
    lines.lock().unwrap().clear();
    net.join();
    let joins = lines.lock().unwrap().iter().filter(|it| it.contains("SET_PASSPHRASE")).count();
    assert_eq!(joins, 1, "asked for as often as it was waited for");
}

#[test]
fn q33_every_command_is_a_multiple_of_four_bytes() {
    for persona in Persona::ALL {
        let net = net_of(persona);
        let device = net.rig.device;
        let (door, at) = peer_listener(net.peer);
        let fd = connect(device, at).unwrap();
        let there: (SockFd, _) = net.until(|| net.peer.accept(door));
        for len in 1..20 {
            send_all(device, fd, &vec![len; usize::from(len)]);
            assert_eq!(net.peer_recv(there.0).len(), usize::from(len));
        }
        assert_eq!(net.rig.monitor.counters().unaligned_commands, 0, "{}", persona.name);
        net.rig.assert_faultless();
    }
}

#[test]
fn an_answer_counts_for_the_question_that_was_asked_and_for_no_other() {
    let (net, lines) = traced(&Persona::ARDUINO_2_0_0);
    let link = net.rig.device.netlink().unwrap();
    net.rig.faults.lock().unwrap().slow = true;
    assert_eq!(link.set_host_name("first"), Err(nb::Error::WouldBlock));
    *net.rig.faults.lock().unwrap() = common::Faults::default();
    net.until(|| link.set_host_name("second"));
    net.until(|| link.status());
    let lines = lines.lock().unwrap();
    let names: Vec<bool> = lines
        .iter()
        .filter(|it| it.contains("SET_HOSTNAME"))
        .map(|it| it.contains("second"))
        .collect();
    assert_eq!(names, [false, true]);
}

#[test]
fn a_peer_that_does_not_read_costs_the_bus_little() {
    let net = net();
    let device = net.rig.device;
    let (door, at) = peer_listener(net.peer);
    let fd = connect(device, at).unwrap();
    let _there: (SockFd, _) = net.until(|| SimDevice::accept(net.peer, door));
    let data = vec![7; 4_000];
    while wait(device, net.rig.in_ms(300), || device.send(fd, &data, SockFlags::NONE)).is_ok() {}
    net.rig.bench.clear_counters();
    let stalled = wait(device, net.rig.in_ms(1_000), || device.send(fd, &data, SockFlags::NONE));
    assert_eq!(stalled, Err(Stopped::Deadline));
    let bytes = net.rig.bench.counters().bytes;
    assert!(bytes < 20_000, "{bytes} bytes in a second");
}
