//! Quirks of the firmware that bear on connections and listeners, one test each; the numbers are those
//! of docs/firmware/wifinina.md.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "helpers of tests fail as tests do"
)]

mod common;

use core::net::SocketAddr;
use core::time::Duration;

use common::net::{
    Net, PEER, WITHOUT_ACCEPT_FLAG, accept, connect, listen, net, net_of, peer_listener, recv_some,
    send_all, socket, soon,
};
use netdev::{Error, Fault, Netdev, Platform, Remote, SockFd, SockFlags, Stopped, wait};
use wifinina_sim::Persona;

#[test]
fn q1_a_listener_is_asked_with_the_accept_flag_spelt_out() {
    for persona in Persona::ALL {
        let net = net_of(persona);
        let (listener, addr) = listen(net.rig.device, 80);
        net.accepted(listener, addr);
        net.pass(100);
        assert_eq!(net.rig.monitor.counters().accept_by_padding, 0, "{}", persona.name);
        net.rig.assert_faultless();
    }
}

#[test]
fn q3_a_closed_listener_is_not_stopped_and_its_port_is_listened_on_again() {
    for persona in Persona::ALL {
        let net = net_of(persona);
        for _ in 0..12 {
            let (listener, addr) = listen(net.rig.device, 80);
            let (there, here) = net.accepted(listener, addr);
            for fd in [here, listener] {
                net.rig.device.close(fd);
            }
            net.peer.close(there);
        }
        assert_eq!(net.rig.monitor.counters().listeners_stopped, 0, "{}", persona.name);
        net.rig.assert_faultless();
    }
}

#[test]
fn q4_no_listener_is_asked_for_its_state() {
    for persona in Persona::ALL {
        let net = net_of(persona);
        let (listener, _) = listen(net.rig.device, 80);
        let nobody = wait(net.rig.device, net.rig.in_ms(3_000), || net.rig.device.accept(listener));
        assert_eq!(nobody, Err(Stopped::Deadline));
        assert_eq!(net.rig.monitor.counters().state_of_non_streams, 0, "{}", persona.name);
    }
}

#[test]
fn q6_nothing_is_started_on_a_slot_that_is_taken() {
    for persona in Persona::ALL {
        let net = net_of(persona);
        let (listener, addr) = listen(net.rig.device, 80);
        let (door, at) = peer_listener(net.peer);
        for _ in 0..30 {
            let (there, here) = net.accepted(listener, addr);
            let dialled = connect(net.rig.device, at).unwrap();
            let (inside, _) = accept(net.peer, door);
            for fd in [here, dialled] {
                net.rig.device.close(fd);
            }
            for fd in [there, inside] {
                net.peer.close(fd);
            }
        }
        assert_eq!(net.rig.monitor.counters().starts_on_occupied, 0, "{}", persona.name);
        net.rig.assert_faultless();
    }
}

#[test]
fn q9_a_peer_that_does_not_read_stops_the_chip_for_ten_seconds_at_most() {
    let net = net_of(&Persona::ARDUINO_1_4_8);
    let device = net.rig.device;
    let (listener, addr) = listen(device, 80);
    let (_there, here) = net.accepted(listener, addr);
    let begun = net.clock.now();
    let stopped = loop {
        match wait(device, soon(device), || device.send(here, &[7; 1000], SockFlags::NONE)) {
            Ok(_) => assert!(net.clock.now().saturating_since(begun) < Duration::from_secs(15)),
            Err(stopped) => break stopped,
        }
    };
    assert_eq!(stopped, Stopped::Failed(Error::Fault(Fault::Restarted)));
    assert!(net.clock.now().saturating_since(begun) < Duration::from_secs(11));
    net.join();
    device.close(listener);
    let (listener, addr) = listen(device, 80);
    net.accepted(listener, addr);
}

#[test]
fn q9_an_accepted_connection_does_not_block_where_it_can_be_told_not_to() {
    let net = net();
    let device = net.rig.device;
    let (listener, addr) = listen(device, 80);
    let (_there, here) = net.accepted(listener, addr);
    let until = net.rig.in_ms(300);
    while wait(device, &until, || device.send(here, &[7; 1000], SockFlags::NONE)).is_ok() {}
    assert_eq!(net.rig.monitor.counters().blocked_commands, 0);
    let lively = net.accepted(listener, addr);
    send_all(device, lively.1, b"still here");
    assert_eq!(net.peer_recv(lively.0), b"still here");
}

#[test]
fn q10_a_connection_of_a_lost_link_is_given_back_before_its_number_is_somebody_elses() {
    for persona in Persona::ALL {
        let net = net_of(persona);
        let device = net.rig.device;
        let (listener, addr) = listen(device, 80);
        let (_, accepted) = net.accepted(listener, addr);
        let (door, at) = peer_listener(net.peer);
        let dialled = connect(device, at).unwrap();
        net.lose_link();
        net.join();
        // Both get numbers that the old ones had.
        let (there, here) = net.accepted(listener, addr);
        let newer = connect(device, at).unwrap();
        accept(net.peer, door);
        let (inside, _) = accept(net.peer, door);
        for old in [accepted, dialled] {
            assert_eq!(recv_some(device, old), Err(Stopped::Failed(Error::LinkDown)));
            device.close(old);
        }
        net.pass(50);
        for (here, there) in [(here, there), (newer, inside)] {
            send_all(device, here, b"still here");
            assert_eq!(net.peer_recv(there), b"still here", "{}", persona.name);
            send_all(net.peer, there, b"me too");
            assert_eq!(recv_some(device, here).unwrap(), b"me too", "{}", persona.name);
        }
        net.rig.assert_faultless();
    }
}

#[test]
fn q10_a_read_on_a_descriptor_that_went_with_its_link_ends_although_nobody_tells() {
    let net = net();
    let device = net.rig.device;
    let (door, at) = peer_listener(net.peer);
    let dialled = connect(device, at).unwrap();
    accept(net.peer, door);
    assert_eq!(device.recv(dialled, &mut [0; 8], SockFlags::NONE), Err(nb::Error::WouldBlock));
    net.rig.monitor.drop_link(200);
    assert_eq!(recv_some(device, dialled), Err(Stopped::Failed(Error::ConnectionReset)));
    device.close(dialled);
}

/// The first of three connections has ended, and the firmware has given its descriptor to the third,
/// which has sent `data`. Here: the first's end, the listener, and the peer's third end.
fn crossed(net: &Net, data: &[u8]) -> (SockFd, SockFd, SockFd) {
    let (device, peer) = (net.rig.device, net.peer);
    let (listener, addr) = listen(device, 80);
    let (there, first) = net.accepted(listener, addr);
    // The firmware's other task takes the second in advance, and has no look at the first.
    let second = socket(peer);
    net.until(|| peer.connect(second, Remote::Addr(addr)));
    net.until(|| peer.send(second, b"y", SockFlags::NONE));
    peer.close(there);
    let (second, _) = accept(device, listener);
    assert_eq!(recv_some(device, second).unwrap(), b"y");
    let third = socket(peer);
    net.until(|| peer.connect(third, Remote::Addr(addr)));
    net.until(|| peer.send(third, data, SockFlags::NONE));
    net.pass(50);
    (first, listener, third)
}

#[test]
fn q11_an_old_connection_reads_its_end_and_not_the_bytes_of_whoever_has_its_descriptor_now() {
    for persona in WITHOUT_ACCEPT_FLAG {
        let net = net_of(persona);
        let device = net.rig.device;
        let (first, listener, third) = crossed(&net, b"mine");
        assert_eq!(recv_some(device, first).unwrap(), b"", "{}", persona.name);
        let (here, _) = accept(device, listener);
        assert_eq!(recv_some(device, here).unwrap(), b"mine");
        send_all(device, here, b"yours");
        assert_eq!(net.peer_recv(third), b"yours");
        net.rig.assert_faultless();
    }
}

#[test]
fn q11_an_old_connection_sends_nothing_to_whoever_has_its_descriptor_now() {
    let net = net_of(&Persona::ARDUINO_1_4_8);
    let device = net.rig.device;
    let (first, listener, third) = crossed(&net, b"mine");
    let sent = wait(device, soon(device), || device.send(first, b"not for you", SockFlags::NONE));
    assert_eq!(sent, Err(Stopped::Failed(Error::BrokenPipe)));
    let (here, _) = accept(device, listener);
    assert_eq!(recv_some(device, here).unwrap(), b"mine");
    let nothing = net.peer.recv(third, &mut [0; 16], SockFlags::NONE);
    assert_eq!(nothing, Err(nb::Error::WouldBlock));
    net.rig.assert_faultless();
}

#[test]
fn q11_closing_an_old_connection_leaves_whoever_has_its_descriptor_now_alone() {
    let net = net_of(&Persona::ARDUINO_1_4_8);
    let device = net.rig.device;
    let (first, listener, third) = crossed(&net, b"mine");
    device.close(first);
    let (here, _) = accept(device, listener);
    assert_eq!(recv_some(device, here).unwrap(), b"mine");
    send_all(net.peer, third, b"still there");
    assert_eq!(recv_some(device, here).unwrap(), b"still there");
    net.rig.assert_faultless();
}

#[test]
fn q11_a_connection_that_nobody_looks_at_does_not_keep_its_successor_from_being_accepted() {
    let net = net_of(&Persona::ARDUINO_1_4_8);
    let device = net.rig.device;
    let (first, listener, _) = crossed(&net, b"mine");
    let (here, _) = accept(device, listener);
    assert_eq!(recv_some(device, here).unwrap(), b"mine");
    assert_eq!(recv_some(device, first).unwrap(), b"");
    net.rig.assert_faultless();
}

#[test]
fn q11_a_successor_that_goes_without_a_word_leaves_no_slot_behind() {
    let net = net_of(&Persona::ARDUINO_1_4_8);
    let device = net.rig.device;
    for _ in 0..12 {
        let (listener, addr) = listen(device, 80);
        let (there, first) = net.accepted(listener, addr);
        let second = net.caller(addr);
        send_all(net.peer, second, b"y");
        net.pass(15);
        net.peer.close(there);
        let (here, _) = accept(device, listener);
        let third = net.caller(addr);
        net.pass(15);
        device.close(first);
        net.pass(15);
        net.peer.close(third);
        device.close(here);
        net.peer.close(second);
        device.close(listener);
        net.pass(400);
    }
    let (door, at) = peer_listener(net.peer);
    for _ in 0..9 {
        connect(device, at).unwrap();
        accept(net.peer, door);
    }
    net.rig.assert_faultless();
}

#[test]
fn q11_a_peer_that_always_waits_does_not_fill_the_list_with_stale_entries() {
    for persona in WITHOUT_ACCEPT_FLAG {
        let net = net_of(persona);
        let device = net.rig.device;
        let (listener, addr) = listen(device, 80);
        let mut next = net.caller(addr);
        for number in 0..60 {
            net.until(|| net.peer.send(next, b"x", SockFlags::NONE));
            let accepted = wait(device, net.rig.in_ms(2_000), || device.accept(listener));
            let (here, _) = accepted
                .unwrap_or_else(|stopped| panic!("{}, client {number}: {stopped:?}", persona.name));
            let there = core::mem::replace(&mut next, net.caller(addr));
            device.close(here);
            net.peer.close(there);
        }
        // The list has a place for two at once.
        let (other, _) = net.accepted(listener, addr);
        for there in [next, other] {
            net.until(|| net.peer.send(there, b"z", SockFlags::NONE));
        }
        let (here, _) = accept(device, listener);
        assert!(!recv_some(device, here).unwrap().is_empty());
        assert_eq!(net.rig.monitor.counters().peers_dropped, 0);
        net.rig.assert_faultless();
    }
}

#[test]
fn q12_no_read_asks_for_more_than_the_firmware_can_hold() {
    for persona in Persona::ALL {
        let net = net_of(persona);
        let device = net.rig.device;
        let (listener, addr) = listen(device, 80);
        let (there, here) = net.accepted(listener, addr);
        send_all(net.peer, there, &vec![9; 5_000]);
        net.pass(50);
        let mut buf = vec![0; 16 * 1024];
        let mut got = 0;
        while got < 5_000 {
            got += net.until(|| device.recv(here, &mut buf, SockFlags::NONE));
        }
        assert_eq!(net.rig.monitor.counters().oversize_requests, 0, "{}", persona.name);
        net.rig.assert_faultless();
    }
}

#[test]
fn q14_when_no_slot_is_left_none_is_named() {
    for persona in Persona::ALL {
        let net = net_of(persona);
        let device = net.rig.device;
        let (door, at) = peer_listener(net.peer);
        let mut opened = 0;
        let stopped = loop {
            let open = || {
                let (family, kind) = (netdev::AddressFamily::Inet, netdev::SockType::Stream);
                device.socket(family, kind, netdev::Protocol::Tcp)
            };
            let fd = match wait(device, soon(device), open) {
                Ok(fd) => fd,
                Err(stopped) => break stopped,
            };
            match wait(device, soon(device), || device.connect(fd, Remote::Addr(at))) {
                Ok(()) => opened += 1,
                Err(stopped) => break stopped,
            }
            accept(net.peer, door);
            assert!(opened <= 10);
        };
        assert_eq!(stopped, Stopped::Failed(Error::NoSockets), "{}", persona.name);
        assert_eq!(net.rig.monitor.counters().invalid_slots, 0);
        net.rig.assert_faultless();
    }
}

#[test]
fn q15_bytes_of_ones_are_data_and_no_data_is_none() {
    for persona in Persona::ALL {
        let net = net_of(persona);
        let (listener, addr) = listen(net.rig.device, 80);
        let (there, here) = net.accepted(listener, addr);
        let nothing = wait(net.rig.device, net.rig.in_ms(50), || {
            net.rig.device.recv(here, &mut [0; 4], SockFlags::NONE)
        });
        assert_eq!(nothing, Err(Stopped::Deadline), "{}", persona.name);
        send_all(net.peer, there, &[0xFF, 0x00, 0xFF]);
        assert_eq!(recv_some(net.rig.device, here).unwrap(), [0xFF, 0x00, 0xFF]);
    }
}

#[test]
fn q19_the_garbage_bit_of_a_poll_is_ignored() {
    let net = net();
    let device = net.rig.device;
    let (door, at) = peer_listener(net.peer);
    let dialled = connect(device, at).unwrap();
    let (there, _) = accept(net.peer, door);
    // The bit comes and goes: a thousand polls have seen both.
    let nothing =
        wait(device, net.rig.in_ms(3_000), || device.recv(dialled, &mut [0; 4], SockFlags::NONE));
    assert_eq!(nothing, Err(Stopped::Deadline));
    send_all(net.peer, there, b"data");
    assert_eq!(recv_some(device, dialled).unwrap(), b"data");
}

#[test]
fn q28_a_peer_that_is_gone_before_its_address_was_asked_for_has_none() {
    for persona in Persona::ALL {
        let net = net_of(persona);
        let device = net.rig.device;
        let (listener, addr) = listen(device, 80);
        for round in 0..20 {
            let hasty = net.caller(addr);
            send_all(net.peer, hasty, b"x");
            // The chip has named it, and is asked for its address only later.
            let _ =
                wait(device, net.rig.in_ms(round), || device.accept(listener)).map(|(fd, from)| {
                    assert_eq!(from.ip(), PEER, "{}", persona.name);
                    device.close(fd);
                });
            net.peer.close(hasty);
            if let Ok((fd, from)) = wait(device, net.rig.in_ms(30), || device.accept(listener)) {
                assert_eq!(from.ip(), PEER, "{}: {from}", persona.name);
                device.close(fd);
            }
        }
        let (there, here) = net.accepted(listener, addr);
        send_all(device, here, b"well");
        assert_eq!(net.peer_recv(there), b"well");
        net.rig.assert_faultless();
    }
}

#[test]
fn q31_each_listener_has_a_slot_and_a_port_of_its_own() {
    let net = net_of(&Persona::ADAFRUIT_3_3_0);
    let device = net.rig.device;
    let doors: Vec<(SockFd, SocketAddr)> = (0..3).map(|_| listen(device, 0)).collect();
    for (listener, addr) in &doors {
        let (there, here) = net.accepted(*listener, *addr);
        device.close(here);
        net.peer.close(there);
    }
    for (listener, addr) in doors {
        device.close(listener);
        let (again, same) = listen(device, addr.port());
        assert_eq!(same, addr);
        let (there, here) = net.accepted(again, addr);
        device.close(here);
        net.peer.close(there);
    }
    net.rig.assert_faultless();
}
