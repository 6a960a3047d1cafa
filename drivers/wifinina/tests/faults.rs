//! A chip that stumbles: every call ends, says what was wrong, and the driver works again.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::cast_possible_truncation,
    clippy::std_instead_of_core,
    clippy::large_stack_arrays,
    reason = "helpers of tests fail as tests do"
)]

mod common;

use common::net::{accept, connect, listen, net, peer_listener, send_all};
use common::{Noise, Rig};
use netdev::{
    Error, Event, Fault, HardwareAddr, Netdev, Netlink, Network, SockFlags, Stopped, wait,
};
use netdev_sim::{Loopback, VirtualClock};
use wifinina_sim::Config;

fn rig() -> Rig<VirtualClock> {
    Rig::new(Config::default(), Loopback::new(), VirtualClock::new())
}

fn hardware_addr(rig: &Rig<VirtualClock>, ms: u64) -> Result<HardwareAddr, Stopped> {
    wait(rig.device, rig.in_ms(ms), || rig.device.hardware_addr())
}

const ADDR: HardwareAddr = HardwareAddr([0x24, 0x0A, 0xC4, 1, 2, 3]);

#[test]
fn ready_stuck_high_ends_in_a_fault_and_a_reset_within_a_second_and_a_bit() {
    let rig = rig().joined();
    rig.faults.lock().unwrap().ready_stuck = Some(true);
    let begun = netdev::Platform::now(rig.device.platform());
    let stuck = hardware_addr(&rig, 60_000);
    assert_eq!(stuck, Err(Stopped::Failed(Error::Fault(Fault::Unresponsive))));
    let took = netdev::Platform::now(rig.device.platform()).saturating_since(begun);
    assert!(took.as_millis() < 1_200, "it took {took:?}");
    rig.faults.lock().unwrap().ready_stuck = None;
    assert_eq!(hardware_addr(&rig, 5_000), Ok(ADDR), "works again, after a reset");
    assert_eq!(rig.bench.counters().resets, 2);
    let rig = rig.joined();
    assert_eq!(hardware_addr(&rig, 5_000), Ok(ADDR));
}

#[test]
fn a_chip_that_never_answers_makes_calls_fail_and_not_hang() {
    let rig = rig();
    for level in [false, true] {
        rig.faults.lock().unwrap().ready_stuck = Some(level);
        for _ in 0..3 {
            let link = rig.device.netlink().unwrap();
            let network = Network::wifi("test-ap", "test-pass");
            let answer = wait(rig.device, rig.in_ms(20_000), || link.join(&network));
            assert_eq!(answer, Err(Stopped::Failed(Error::Fault(Fault::Unresponsive))), "{level}");
        }
    }
    rig.faults.lock().unwrap().ready_stuck = None;
    wait(rig.device, rig.in_ms(5_000), || match hardware_addr(&rig, 5_000) {
        Ok(addr) => Ok(addr),
        Err(_) => Err(nb::Error::<Error>::WouldBlock),
    })
    .unwrap();
}

#[test]
fn a_bus_that_reports_errors_is_a_fault() {
    let rig = rig().joined();
    rig.faults.lock().unwrap().bus_broken = true;
    let answer = hardware_addr(&rig, 1_000);
    assert_eq!(answer, Err(Stopped::Failed(Error::Fault(Fault::Bus))));
    rig.faults.lock().unwrap().bus_broken = false;
    wait(rig.device, rig.in_ms(5_000), || match hardware_addr(&rig, 5_000) {
        Ok(addr) => Ok(addr),
        Err(_) => Err(nb::Error::<Error>::WouldBlock),
    })
    .unwrap();
}

/// The data of one reply, with a fault in its frame: noticed, told, and over.
fn spoilt_read(dialled: bool, byte: usize, mask: u8) {
    let case = format!("dialled {dialled}, byte {byte}, bits {mask:#x}");
    let net = net();
    let device = net.rig.device;
    let ((here, there), _listener) = if dialled {
        let (door, at) = peer_listener(net.peer);
        let here = connect(device, at).unwrap();
        ((here, accept(net.peer, door).0), door)
    } else {
        let (listener, addr) = listen(device, 80);
        let there = net.caller(addr);
        ((accept(device, listener).0, there), listener)
    };
    send_all(net.peer, there, &[7; 100]);
    net.pass(20);
    while device.next_event().is_some() {}
    let at = net.rig.faults.lock().unwrap().read + byte;
    net.rig.faults.lock().unwrap().in_read = Some((at, Noise::Flip(mask)));
    let mut buf = vec![0; 4096];
    let read = wait(device, net.rig.in_ms(1_000), || device.recv(here, &mut buf, SockFlags::NONE));
    assert_eq!(read, Err(Stopped::Failed(Error::Fault(Fault::Frame))), "{case}");
    assert_eq!(device.next_event(), Some(Event::Fault(Fault::Frame)), "{case}");
    let after = wait(device, net.rig.in_ms(1_000), || device.recv(here, &mut buf, SockFlags::NONE));
    assert_eq!(after, Err(Stopped::Failed(Error::Fault(Fault::Frame))), "{case}: no hole in it");
    assert_eq!(net.until(|| device.hardware_addr()), ADDR, "{case}");
    assert_eq!(net.rig.bench.counters().resets, 1, "{case}: no reset for that");
}

#[test]
fn six_of_six_kinds_of_framing_fault_in_a_reply_of_data_are_noticed() {
    // Start, command, count, 64 bytes too many, 2,048 too many, end.
    let kinds = [(0, 0x02), (1, 0x01), (2, 0x01), (4, 0xC0), (3, 0x08), (105, 0x10)];
    for dialled in [false, true] {
        for (byte, mask) in kinds {
            spoilt_read(dialled, byte, mask);
        }
    }
}

#[test]
fn every_flipped_bit_in_the_frame_of_an_answer_is_noticed_and_costs_no_reset() {
    for byte in [0, 1, 2, 3, 10] {
        for bit in 0..8 {
            let rig = rig().joined();
            while rig.device.next_event().is_some() {}
            let at = rig.faults.lock().unwrap().read + byte;
            rig.faults.lock().unwrap().in_read = Some((at, Noise::Flip(1 << bit)));
            let answer = hardware_addr(&rig, 1_000);
            // 0xE0 becomes 0xEF by no single flip, so all of these are frames that make no sense.
            assert_eq!(
                answer,
                Err(Stopped::Failed(Error::Fault(Fault::Frame))),
                "byte {byte}, bit {bit}"
            );
            assert_eq!(rig.device.next_event(), Some(Event::Fault(Fault::Frame)));
            assert_eq!(hardware_addr(&rig, 1_000), Ok(ADDR));
            assert_eq!(rig.bench.counters().resets, 1);
        }
    }
}
