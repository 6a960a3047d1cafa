//! The simulated serial line: its time, its ring, its pieces.
#![allow(clippy::unwrap_used, reason = "helpers fail as tests do")]

mod uart_toy;

use core::time::Duration;
use std::sync::{Arc, Mutex};

use embedded_io::{Read, Write as _};
use netdev::{Instant, Platform, StdPlatform};
use netdev_sim::{UartBench, UartVcd, VirtualClock};
use netdev_uart::{LineError, UartLink};
use uart_toy::Toy;

/// 10 µs a byte.
const BAUD: u32 = 1_000_000;

fn rig() -> (Toy, UartBench, VirtualClock) {
    let (toy, clock) = (Toy::new(BAUD), VirtualClock::new());
    let bench = UartBench::new(toy.clone(), clock.clone(), BAUD);
    (toy, bench, clock)
}

fn at(micros: u64) -> Instant {
    Instant::from_micros(micros)
}

#[test]
fn a_piece_arrives_when_its_last_bit_does() {
    let (toy, bench, clock) = rig();
    let mut link = bench.link(16);
    assert_eq!(link.write(b"hello"), Ok(5));
    assert_eq!(link.flush(), Err(nb::Error::WouldBlock));
    clock.idle(at(50));
    assert_eq!(toy.pieces(), []);
    clock.idle(at(60));
    assert_eq!(link.flush(), Ok(()));
    assert_eq!(toy.pieces(), [(at(51), b"hello".to_vec())]);
}

#[test]
fn a_pause_begins_a_new_piece() {
    let (toy, bench, clock) = rig();
    let mut link = bench.link(16);
    assert_eq!(link.write(b"abc"), Ok(3));
    clock.idle(at(40));
    assert_eq!(link.write(b"+++"), Ok(3));
    clock.idle(at(200));
    assert_eq!(link.read(&mut [0; 4]), Ok(0));
    assert_eq!(toy.pieces(), [(at(31), b"abc".to_vec()), (at(71), b"+++".to_vec())]);
}

#[test]
fn a_transmitter_that_never_runs_empty_makes_one_run_in_pieces_of_120() {
    let (toy, bench, clock) = rig();
    let mut link = bench.link(16);
    let bytes = [b'x'; 300];
    let mut sent = 0;
    while sent < bytes.len() {
        sent += link.write(&bytes[sent..]).unwrap();
    }
    while link.flush().is_err() {}
    assert!((3_001..3_004).contains(&clock.now().as_micros()), "{}", clock.now());
    let lengths: Vec<_> = toy.pieces().iter().map(|(at, it)| (at.as_micros(), it.len())).collect();
    assert_eq!(lengths, [(1_201, 120), (2_401, 120), (3_001, 60)]);
}

#[test]
fn the_transmitter_takes_its_fifo_and_the_byte_on_the_wire() {
    let (_, bench, clock) = rig();
    bench.set_tx_fifo(4);
    let mut link = bench.link(16);
    assert_eq!(link.write(&[0; 100]), Ok(5));
    assert_eq!(link.write(&[0; 100]), Ok(0));
    clock.idle(at(12));
    assert_eq!(link.write(&[0; 100]), Ok(1));
}

#[test]
fn bytes_come_in_one_at_a_time() {
    let (toy, bench, clock) = rig();
    let mut link = bench.link(16);
    toy.say(at(100), b"abcd");
    let mut buf = [0; 8];
    clock.idle(at(125));
    assert_eq!(link.read(&mut buf), Ok(2));
    clock.idle(at(138));
    assert_eq!(link.read(&mut buf), Ok(1));
    assert_eq!(buf[0], b'c');
    clock.idle(at(139));
    assert_eq!(link.read(&mut buf), Ok(1));
}

#[test]
fn what_the_ring_has_no_room_for_is_lost_at_its_place() {
    let (toy, bench, clock) = rig();
    let mut link = bench.link(4);
    toy.say(at(0), b"abcdefgh");
    let mut buf = [0; 8];
    // Six bytes have arrived, four of them were kept.
    clock.idle(at(65));
    assert_eq!(link.read(&mut buf), Ok(4));
    clock.idle(at(100));
    assert_eq!(link.read(&mut buf), Err(LineError::Lost));
    assert_eq!(link.read(&mut buf), Ok(2));
    assert_eq!(&buf[..2], b"gh");
    assert_eq!(bench.counters().overruns, 2);
    assert_eq!(bench.counters().read, 8);
}

#[test]
fn with_rts_nothing_is_lost() {
    let (toy, bench, clock) = rig();
    bench.set_flow_control(true);
    let mut link = bench.link(64);
    let said: Vec<u8> = (0..=255).collect();
    toy.say(at(0), &said);
    let (mut heard, mut buf) = (Vec::new(), [0; 64]);
    while heard.len() < said.len() {
        clock.idle(clock.now() + Duration::from_millis(5));
        let length = link.read(&mut buf).unwrap();
        assert!(length > 0, "{heard:?}");
        heard.extend_from_slice(&buf[..length]);
    }
    assert_eq!(heard, said);
    assert_eq!(bench.counters().overruns, 0);
}

#[test]
fn a_chip_that_is_not_ready_is_waited_for_where_cts_is_wired() {
    let (toy, bench, clock) = rig();
    let mut link = bench.link(16);
    toy.set_ready(false);
    assert_eq!(link.write(b"lost"), Ok(4));
    clock.idle(at(100));
    assert_eq!(link.flush(), Ok(()));
    toy.pieces();
    bench.set_flow_control(true);
    bench.set_tx_fifo(2);
    assert_eq!(link.write(b"kept"), Ok(2));
    clock.idle(at(1_000));
    assert_eq!(link.flush(), Err(nb::Error::WouldBlock));
    assert_eq!(toy.pieces(), []);
    toy.set_ready(true);
    assert_eq!(link.read(&mut [0; 1]), Ok(0));
    clock.idle(at(1_100));
    assert_eq!(link.flush(), Ok(()));
    assert_eq!(toy.pieces()[0].1, b"ke");
}

#[test]
fn both_read_garbage_at_different_rates_until_the_rates_agree() {
    let (toy, bench, clock) = rig();
    let mut link = bench.link(64);
    link.set_baud(115_200).unwrap();
    assert_eq!(link.write(b"AT\r\n"), Ok(4));
    clock.idle(at(1_000));
    assert_eq!(link.read(&mut [0; 8]), Ok(0));
    let heard: Vec<u8> = toy.pieces().concat_bytes();
    assert!(!heard.is_empty() && heard != b"AT\r\n", "{heard:?}");
    toy.say(at(1_000), b"OK\r\n");
    clock.idle(at(2_000));
    let mut buf = [0; 8];
    assert_ne!(link.read(&mut buf), Ok(4));
    link.set_baud(BAUD).unwrap();
    while link.read(&mut buf) != Ok(0) {}
    toy.say(at(2_100), b"OK\r\n");
    clock.idle(at(3_000));
    assert_eq!(link.read(&mut buf), Ok(4));
    assert_eq!(&buf[..4], b"OK\r\n");
}

#[test]
fn switching_off_forgets_what_was_under_way() {
    let (toy, bench, clock) = rig();
    let mut link = bench.link(64);
    toy.say(at(0), b"abcdefgh");
    clock.idle(at(35));
    link.set_enabled(false).unwrap();
    assert_eq!(link.write(b"nobody"), Ok(6));
    clock.idle(at(1_000));
    link.set_enabled(true).unwrap();
    clock.idle(at(2_000));
    assert_eq!(link.read(&mut [0; 8]), Ok(3));
    assert_eq!(toy.pieces(), []);
    assert_eq!(toy.events(), ["off", "on"]);
    assert_eq!(bench.counters().resets, 1);
}

#[test]
fn a_sleeping_host_is_woken_by_a_byte_by_room_and_by_the_chip() {
    let (toy, bench, clock) = rig();
    let mut link = bench.link(64);
    let host = clock.with_alarms();
    let far = at(1_000_000);
    toy.say(at(500), b"a");
    assert_eq!(link.read(&mut [0; 8]), Ok(0));
    host.idle(far); // the chip begins to speak
    assert_eq!(clock.now(), at(500));
    assert_eq!(link.read(&mut [0; 8]), Ok(0));
    host.idle(far);
    assert_eq!(clock.now(), at(510));
    bench.set_tx_fifo(2);
    assert_eq!(link.read(&mut [0; 8]), Ok(1));
    assert_eq!(link.write(b"abcdef"), Ok(3));
    host.idle(far); // room
    assert_eq!(clock.now(), at(522));
    assert_eq!(link.flush(), Err(nb::Error::WouldBlock));
    host.idle(far); // everything is sent
    assert_eq!(clock.now(), at(542));
    assert_eq!(link.flush(), Ok(()));
}

#[test]
fn lines_that_cannot_do_it_say_so() {
    let (_, bench, _) = rig();
    let mut link = bench.link(64).with_fixed_baud().without_enable_pin();
    assert_eq!(link.set_baud(9_600), Err(LineError::Unsupported));
    assert_eq!(link.set_enabled(false), Err(LineError::Unsupported));
    bench.set_broken(Some(LineError::Bus));
    assert_eq!(link.read(&mut [0; 8]), Err(LineError::Bus));
    assert_eq!(link.write(b"x"), Err(LineError::Bus));
    bench.set_broken(None);
    assert_eq!(link.write(b"x"), Ok(1));
}

#[test]
fn a_hal_sees_the_same_line() {
    let (toy, bench, clock) = rig();
    let mut serial = bench.serial(64);
    serial.write_all(b"hello").unwrap();
    serial.flush().unwrap();
    assert_eq!(toy.pieces().concat_bytes(), b"hello");
    toy.say(clock.now() + Duration::from_secs(1), b"world");
    let mut buf = [0; 5];
    serial.read_exact(&mut buf).unwrap();
    assert_eq!(&buf, b"world");
}

#[test]
fn on_a_real_clock_everything_is_there_at_once_and_nothing_overflows() {
    let toy = Toy::new(BAUD);
    let clock = StdPlatform::new();
    let bench = UartBench::new(toy.clone(), clock, BAUD);
    let mut link = bench.link(8);
    assert_eq!(link.write(&vec![7; 5_000]), Ok(5_000));
    assert_eq!(toy.pieces().concat_bytes().len(), 5_000);
    toy.say(at(0), &[9; 20]);
    let mut buf = [0; 64];
    let lengths: Vec<_> = (0..4).map(|_| link.read(&mut buf).unwrap()).collect();
    assert_eq!(lengths, [8, 8, 4, 0]);
    assert_eq!(bench.counters().overruns, 0);
}

trait Pieces {
    fn concat_bytes(self) -> Vec<u8>;
}

impl Pieces for Vec<(Instant, Vec<u8>)> {
    fn concat_bytes(self) -> Vec<u8> {
        self.into_iter().flat_map(|(_, bytes)| bytes).collect()
    }
}

#[test]
fn a_recording_shows_bytes_where_they_were_on_the_wire() {
    let (toy, bench, clock) = rig();
    let file = Shared::default();
    bench.observe(Box::new(UartVcd::new(file.clone()).unwrap()));
    let mut link = bench.link(16);
    assert_eq!(link.write(b"U"), Ok(1));
    toy.say(at(5), &[0x0F]);
    clock.idle(at(50));
    link.set_enabled(false).unwrap();
    drop((bench, link));
    let text = String::from_utf8(file.0.lock().unwrap().clone()).unwrap();
    let (_, body) = text.split_once("$end\n#0\n").unwrap();
    let (_, body) = body.split_once("$end\n").unwrap();
    // Bit by bit: U is 1 0 1 0 1 0 1 0 from its lowest bit on, then the stop bit.
    let expected = "#1000\nb01010101 t\n0T\n#2000\n1T\n#3000\n0T\n#4000\n1T\n#5000\n0T\n\
        b00001111 r\n0R\n#6000\n1T\n1R\n#7000\n0T\n1R\n#8000\n1T\n1R\n#9000\n0T\n1R\n\
        #10000\n1T\n0R\n#11000\nbz t\n0R\n#12000\n0R\n#13000\n0R\n#14000\n1R\n#15000\nbz r\n\
        #51000\n0e\n";
    assert_eq!(body, expected);
}

/// A file that the test can look into.
#[derive(Clone, Default)]
struct Shared(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
