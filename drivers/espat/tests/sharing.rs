//! Several users of one line: readers who give up, writers who do, datagrams in between.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "helpers of tests fail as tests do"
)]

mod common;

use core::net::SocketAddr;
use core::time::Duration;

use common::{CHIP, PEER, Parts, Rig, recv_exactly, recv_some, send_all, udp};
use espat::State;
use espat_sim::{Fault, FaultRates, Persona};
use netdev::{Error, Netdev, Platform, Side, SockFlags, SockOpt, Stopped, wait};

fn noise(seed: u32, count: usize) -> Vec<u8> {
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_le_bytes()[3]
    };
    (0..count).map(|_| next()).collect()
}

#[test]
fn a_reader_who_gives_up_holds_nobody_up_and_loses_nothing() {
    for persona in Persona::ALL {
        let rig = Rig::new(persona).joined();
        let (gone, far) = rig.dialled();
        let (here, there) = rig.dialled();
        let left = noise(1, 1400);
        send_all(rig.peer, far, &left);
        rig.pause(50);
        // He asks, the module answers, and he is not there.
        let mut buf = vec![0; 2048];
        let begun = rig.device.recv(gone, &mut buf, SockFlags::NONE);
        assert_eq!(begun, Err(nb::Error::WouldBlock));
        let data = noise(2, 5000);
        send_all(rig.device, here, &data);
        assert_eq!(recv_exactly(rig.peer, there, data.len()), data);
        send_all(rig.peer, there, &data[..3000]);
        assert_eq!(recv_exactly(rig.device, here, 3000), data[..3000]);
        assert_eq!(recv_exactly(rig.device, gone, left.len()), left, "{}", persona.name);
        rig.assert_faultless();
    }
}

#[test]
fn a_writer_who_gives_up_before_the_prompt_leaves_nothing_in_the_stream() {
    for persona in Persona::ALL {
        let rig = Rig::new(persona).joined();
        let (here, there) = rig.dialled();
        let begun = rig.device.send(here, b"never", SockFlags::NONE);
        assert_eq!(begun, Err(nb::Error::WouldBlock));
        assert!(rig.device.in_flight(here, Side::Write));
        rig.pause(3_000);
        send_all(rig.device, here, b"this one");
        assert_eq!(recv_exactly(rig.peer, there, 8), b"this one", "{}", persona.name);
        rig.device.close(here);
        let end = wait(rig.peer, rig.in_ms(5_000), || {
            rig.device.drive();
            rig.peer.recv(there, &mut [0; 8], SockFlags::NONE)
        });
        assert_eq!(end, Ok(0), "{}", persona.name);
    }
}

#[test]
fn a_socket_that_is_closed_in_the_middle_of_a_payload_leaves_nothing_of_it() {
    for persona in Persona::ALL {
        let rig = Rig::new(persona).joined();
        let (here, there) = rig.dialled();
        let (other, far) = rig.dialled();
        let data = noise(3, 2048);
        // Long enough for the prompt and a part of the payload.
        let until = rig.clock.now() + Duration::from_millis(60);
        let cut =
            wait(rig.device, || Some(until), || rig.device.send(here, &data, SockFlags::NONE));
        assert_eq!(cut, Err(Stopped::Deadline));
        rig.device.close(here);
        send_all(rig.device, other, b"goes on");
        assert_eq!(recv_exactly(rig.peer, far, 7), b"goes on", "{}", persona.name);
        let mut buf = [0; 64];
        let end = wait(rig.peer, rig.in_ms(10_000), || {
            rig.device.drive();
            rig.peer.recv(there, &mut buf, SockFlags::NONE)
        });
        assert_eq!(end, Ok(0), "{}: nothing came before the end", persona.name);
        let cancelled = rig.monitor.counters().canceled_sends;
        assert_eq!(cancelled, 1, "{}", persona.name);
        rig.assert_faultless();
    }
}

#[test]
fn streams_and_datagrams_side_by_side_stay_whole() {
    for persona in Persona::ALL {
        let rig = Rig::new(persona).joined();
        let (here, there) = rig.dialled();
        let socket = udp(rig.device, 4_000);
        let far = udp(rig.peer, 0);
        let to = SocketAddr::from((CHIP, 4_000));
        let from = wait(rig.peer, rig.in_ms(1_000), || rig.peer.local_addr(far)).unwrap().port();
        for round in 0..20_u8 {
            let data = noise(u32::from(round), 300 + usize::from(round) * 40);
            let told = rig.peer.send_to(far, &[round; 200], to, SockFlags::NONE);
            assert_eq!(told, Ok(200));
            send_all(rig.peer, there, &data);
            assert_eq!(recv_exactly(rig.device, here, data.len()), data, "{}", persona.name);
            send_all(rig.device, here, &data);
            assert_eq!(recv_exactly(rig.peer, there, data.len()), data, "{}", persona.name);
            let mut buf = [0; 256];
            let (len, sender) = wait(rig.device, rig.in_ms(5_000), || {
                rig.device.recv_from(socket, &mut buf, SockFlags::NONE)
            })
            .unwrap();
            assert_eq!((&buf[..len], sender), (&[round; 200][..], SocketAddr::from((PEER, from))));
        }
        rig.device.close(socket);
        rig.pause(100);
        let data = noise(99, 4_000);
        send_all(rig.peer, there, &data);
        assert_eq!(recv_exactly(rig.device, here, data.len()), data, "{}", persona.name);
        rig.assert_faultless();
    }
}

#[test]
fn mischief_by_chance_ends_in_intact_data_or_an_error() {
    for seed in 0..8 {
        for persona in [&Persona::V1_7, &Persona::V4_1] {
            let mut parts = Parts::new(persona);
            parts.config.fault_seed = seed;
            let rates =
                Fault::ALL.iter().fold(FaultRates::default(), |it, (_, kind)| it.with(*kind, 0.03));
            parts.config.faults = rates;
            let rig = parts.rig();
            let netlink = rig.device.netlink().unwrap();
            let network = netdev::Network::wifi("test-ap", "test-pass");
            for _ in 0..3 {
                let _ = wait(rig.device, rig.in_ms(60_000), || netlink.join(&network));
                let told = format!("{} seed {seed}", persona.name);
                let _ = transfer(&rig, &told);
            }
        }
    }
}

/// Sends and receives 2 KiB on a connection; what arrives is right as far as it goes.
fn transfer(rig: &Rig, told: &str) -> Result<(), Stopped> {
    let (door, at) = common::listen(rig.peer, PEER, 0);
    let here = common::connect(rig.device, at)?;
    let met = wait(rig.peer, rig.in_ms(1_000), || rig.peer.accept(door));
    rig.peer.close(door);
    let Ok((there, _)) = met else { return Ok(()) };
    let data = noise(7, 2_000);
    let _ = rig.peer.send(there, &data, SockFlags::NONE);
    let mut got = Vec::new();
    let mut rest = &data[..];
    let mut buf = vec![0; 512];
    let done = loop {
        if rest.is_empty() && got.len() == data.len() {
            break Ok(());
        }
        if !rest.is_empty() {
            match wait(rig.device, rig.in_ms(60_000), || {
                rig.device.send(here, rest, SockFlags::NONE)
            }) {
                Ok(count) => rest = &rest[count..],
                Err(why) => break Err(why),
            }
        }
        match wait(rig.device, rig.in_ms(60_000), || {
            rig.device.recv(here, &mut buf, SockFlags::NONE)
        }) {
            Ok(0) => break Err(Stopped::Failed(Error::ConnectionReset)),
            Ok(count) => got.extend(&buf[..count]),
            Err(why) => break Err(why),
        }
        assert!(data.starts_with(&got), "{told}: bytes that nobody sent");
    };
    rig.device.close(here);
    rig.pause(200);
    let mut seen = Vec::new();
    while let Ok(count) = rig.peer.recv(there, &mut buf, SockFlags::NONE) {
        if count == 0 {
            break;
        }
        seen.extend(&buf[..count]);
    }
    assert!(data.starts_with(&seen), "{told}: bytes that we did not send");
    rig.peer.close(there);
    assert_ne!(done, Err(Stopped::Deadline), "{told}: hangs");
    done
}

#[test]
fn options_are_set_on_connections_that_stand() {
    let rig = Rig::new(&Persona::V4_1).joined();
    let (here, there) = rig.dialled();
    let period = SockOpt::KeepAlive(Some(Duration::from_secs(30)));
    wait(rig.device, rig.in_ms(1_000), || rig.device.set_sock_opt(here, period)).unwrap();
    wait(rig.device, rig.in_ms(1_000), || rig.device.set_sock_opt(here, SockOpt::NoDelay(false)))
        .unwrap();
    rig.pause(50);
    send_all(rig.device, here, b"still works");
    assert_eq!(recv_exactly(rig.peer, there, 11), b"still works");
    rig.assert_faultless();
    let old = Rig::new(&Persona::V1_7).joined();
    let (here, _) = old.dialled();
    let refused = wait(old.device, old.in_ms(1_000), || {
        old.device.set_sock_opt(here, SockOpt::NoDelay(true))
    });
    assert_eq!(refused, Err(Stopped::Failed(Error::Unsupported)));
}

#[test]
fn data_that_come_by_themselves_and_find_no_room_end_in_an_error_and_not_in_a_gap() {
    let mut parts = Parts::new(&Persona::V4_1);
    parts.state = |link| State::new(link).receiving_actively();
    parts.ring = 512;
    let rig = parts.rig().joined();
    let (here, there) = rig.dialled();
    let data = noise(4, 20_000);
    let _ = rig.peer.send(there, &data, SockFlags::NONE);
    // Nobody reads meanwhile.
    rig.clock.spend(Duration::from_secs(2));
    let mut got = Vec::new();
    let end = loop {
        match recv_some(rig.device, here) {
            Ok(more) if more.is_empty() => break Ok(()),
            Ok(more) => got.extend(more),
            Err(why) => break Err(why),
        }
    };
    assert!(data.starts_with(&got));
    assert!(matches!(end, Err(Stopped::Failed(_))), "{end:?} after {}", got.len());
    rig.device.close(here);
    let (here, there) = rig.dialled();
    send_all(rig.device, here, b"works");
    assert_eq!(recv_exactly(rig.peer, there, 5), b"works");
}
