//! The tunnel's client, against its server and against none.

mod toy;

use core::time::Duration;
use std::io::ErrorKind;
use std::net::TcpListener;

use embedded_hal::digital::{InputPin, OutputPin};
use embedded_hal::spi::SpiBus;
use netdev_sim::Polarity;
use netdev_sim::tunnel::Client;

use toy::{rig, until};

#[test]
fn the_client_has_the_lines_and_the_bus() {
    let rig = rig();
    let client = Client::connect(rig.server.addr()).unwrap();
    let (mut bus, mut cs) = (client.bus(), client.chip_select());
    let (mut ready, mut gpio0) = (client.ready(), client.gpio0());
    rig.chip.set(true, false);
    assert_eq!((ready.is_high(), gpio0.is_high()), (Ok(true), Ok(false)));
    rig.chip.set(false, true);
    assert_eq!((ready.is_low(), gpio0.is_low()), (Ok(true), Ok(false)));
    cs.set_low().unwrap();
    bus.write(b"ab").unwrap();
    let mut read = [7; 3];
    bus.read(&mut read).unwrap();
    assert_eq!(read, [0xFF; 3]);
    let mut both = [0; 2];
    bus.transfer(&mut both, b"c").unwrap();
    assert_eq!(both, [!b'c', 0xFF]);
    bus.flush().unwrap();
    cs.set_high().unwrap();
    assert_eq!(ready.is_high(), Ok(false), "and by now it has all happened");
    let heard = ["select", "ab", "\\x00\\x00\\x00", "c\\x00", "deselect"];
    assert_eq!(rig.chip.heard(), heard);
    assert!(client.counters().unwrap().starts_with("{\"cs_cycles\":1,\"bytes\":7,"));
    client.clear_counters().unwrap();
    assert_eq!(rig.bench.counters().bytes, 0);
}

#[test]
fn the_client_sends_and_reads_more_than_a_request_holds() {
    let rig = rig();
    let client = Client::connect(rig.server.addr()).unwrap();
    let mut bus = client.bus();
    bus.write(&vec![1; 1 << 20]).unwrap();
    let mut words: Vec<u8> = (0..200_000_u32).map(|i| i.to_le_bytes()[0]).collect();
    let expected: Vec<u8> = words.iter().map(|byte| !byte).collect();
    bus.transfer_in_place(&mut words).unwrap();
    assert!(words == expected);
    assert_eq!(rig.bench.counters().bytes, (1 << 20) + 200_000);
}

#[test]
fn the_client_does_not_wait_for_a_reset() {
    let rig = rig();
    let client = Client::connect(rig.server.addr()).unwrap();
    let (mut reset, mut ready) = (client.reset(Polarity::ActiveHigh), client.ready());
    let (mut bus, mut cs) = (client.bus(), client.chip_select());
    reset.set_low().unwrap();
    reset.set_high().unwrap();
    assert_eq!(ready.is_high(), Ok(false), "asserting does nothing");
    assert_eq!(rig.bench.counters().resets, 0);
    rig.chip.0.lock().unwrap().boots_slowly = true;
    reset.set_low().unwrap();
    assert_eq!(ready.is_high(), Ok(true));
    cs.set_low().unwrap();
    bus.write(b"unheard").unwrap();
    let mut read = [0; 2];
    bus.read(&mut read).unwrap();
    assert_eq!(read, [0xFF; 2]);
    cs.set_high().unwrap();
    until(|| rig.bench.counters().resets == 1);
    rig.chip.set(false, false);
    until(|| ready.is_high() == Ok(false));
    assert_eq!(rig.chip.heard(), ["reset true", "reset false"]);
    cs.set_low().unwrap();
    bus.write(b"heard").unwrap();
    cs.set_high().unwrap();
    assert_eq!(ready.is_high(), Ok(false));
    assert_eq!(rig.chip.heard(), ["select", "heard", "deselect"]);
}

#[test]
fn a_connection_that_is_lost_is_an_error_of_every_pin() {
    let rig = rig();
    let client = Client::connect(rig.server.addr()).unwrap();
    assert_eq!(client.ready().is_high(), Ok(false));
    drop(rig.server);
    assert!(client.ready().is_high().is_err());
    assert!(client.gpio0().is_high().is_err());
    assert!(client.chip_select().set_low().is_err());
    assert!(client.bus().write(b"a").is_err());
    assert!(client.bus().read(&mut [0]).is_err());
    let mut reset = client.reset(Polarity::ActiveLow);
    reset.set_low().unwrap();
    assert!(reset.set_high().is_err());
    assert!(client.counters().is_err());
}

#[test]
fn an_end_that_does_not_answer_counts_as_lost_after_two_seconds() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let client = Client::connect(silent.local_addr().unwrap()).unwrap();
    let begun = std::time::Instant::now();
    let lost = client.ready().is_high().unwrap_err();
    assert_eq!(lost.kind(), ErrorKind::TimedOut);
    assert_eq!(lost.to_string(), "tunnel: timed out");
    assert!(begun.elapsed() < Duration::from_secs(4));
    assert_eq!(client.chip_select().set_low(), Err(lost), "at once");
}
