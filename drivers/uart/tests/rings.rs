//! The rings between an interrupt and a driver.
#![allow(clippy::unwrap_used, reason = "helpers fail as tests do")]

use core::convert::Infallible;
use core::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use embedded_hal::digital::{ErrorType, OutputPin};
use netdev_uart::{
    Halves, LineError, Receive, Rts, RxReader, RxRing, Serial, Transmit, TxRing, UartLink,
};

fn read(reader: &mut impl Receive) -> Result<Vec<u8>, LineError> {
    let mut buf = [0; 64];
    let length = reader.read(&mut buf)?;
    Ok(buf.iter().copied().take(length).collect())
}

fn push_all<const N: usize>(ring: &RxRing<N>, bytes: &[u8]) -> usize {
    bytes.iter().filter(|byte| ring.push(**byte)).count()
}

#[test]
fn bytes_come_out_in_the_order_they_came_in_round_and_round() {
    let ring = RxRing::<5>::new();
    let mut reader = ring.reader();
    let (mut next, mut expected) = (0_u8, 0_u8);
    for step in [3, 5, 1, 4, 5, 2, 5, 5, 3, 1, 1, 1, 4] {
        for _ in 0..step {
            assert!(ring.push(next));
            next = next.wrapping_add(1);
        }
        assert_eq!(ring.len(), step);
        for byte in read(&mut reader).unwrap() {
            assert_eq!(byte, expected);
            expected += 1;
        }
        assert!(ring.is_empty());
    }
    assert_eq!(next, expected);
}

#[test]
fn a_part_may_be_read() {
    let ring = RxRing::<4>::new();
    assert_eq!(push_all(&ring, b"abcd"), 4);
    let mut buf = [0; 3];
    assert_eq!(ring.reader().read(&mut buf), Ok(3));
    assert_eq!(push_all(&ring, b"ef"), 2);
    assert_eq!(read(&mut ring.reader()), Ok(b"def".to_vec()));
    assert_eq!(ring.reader().read(&mut []), Ok(0));
    assert_eq!(ring.reader().capacity(), 4);
}

#[test]
fn what_overflows_is_told_once_at_its_place() {
    let ring = RxRing::<4>::new();
    let mut reader = ring.reader();
    assert_eq!(push_all(&ring, b"abcdefg"), 4);
    assert_eq!(ring.lost(), 3);
    let mut buf = [0; 2];
    assert_eq!(reader.read(&mut buf), Ok(2));
    assert_eq!(push_all(&ring, b"hi"), 2);
    assert_eq!(read(&mut reader), Ok(b"cd".to_vec()));
    assert_eq!(read(&mut reader), Err(LineError::Lost));
    assert_eq!(read(&mut reader), Ok(b"hi".to_vec()));
    assert_eq!(read(&mut reader), Ok(vec![]));
}

#[test]
fn what_overflows_at_the_end_is_told_without_another_byte() {
    let ring = RxRing::<2>::new();
    let mut reader = ring.reader();
    assert_eq!(push_all(&ring, b"abc"), 2);
    assert_eq!(read(&mut reader), Ok(b"ab".to_vec()));
    assert_eq!(read(&mut reader), Err(LineError::Lost));
    assert_eq!(read(&mut reader), Ok(vec![]));
    assert_eq!(push_all(&ring, b"d"), 1);
    assert_eq!(read(&mut reader), Ok(b"d".to_vec()));
}

#[test]
fn a_uart_that_lost_bytes_by_itself_says_so_at_its_place() {
    let ring = RxRing::<8>::new();
    let mut reader = ring.reader();
    ring.push(b'a');
    ring.lose();
    ring.lose();
    ring.push(b'b');
    assert_eq!(read(&mut reader), Ok(b"a".to_vec()));
    assert_eq!(read(&mut reader), Err(LineError::Lost));
    assert_eq!(read(&mut reader), Ok(b"b".to_vec()));
}

#[test]
fn a_fifth_gap_lasts_until_the_first_was_read() {
    let ring = RxRing::<16>::new();
    let mut reader = ring.reader();
    for byte in b"abcd" {
        ring.lose();
        assert!(ring.push(*byte));
    }
    ring.lose();
    assert!(!ring.push(b'e'));
    assert!(!ring.push(b'f'));
    assert_eq!(read(&mut reader), Err(LineError::Lost));
    assert!(ring.push(b'g'));
    let mut told = Vec::new();
    loop {
        match read(&mut reader) {
            Ok(bytes) if bytes.is_empty() => break,
            Ok(bytes) => told.extend(bytes),
            Err(_) => told.push(b'!'),
        }
    }
    assert_eq!(told, b"a!b!c!d!g");
    assert_eq!(ring.lost(), 2);
}

#[test]
fn every_order_of_pushing_losing_and_reading_tells_the_truth() {
    for seed in 0..300_u64 {
        let ring = RxRing::<3>::new();
        let mut reader = ring.reader();
        let (mut random, mut sent, mut told) = (seed * 2 + 1, Vec::new(), Vec::new());
        for nth in 0..200_u8 {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            match random >> 61 {
                0..=4 if ring.push(nth) => sent.push(Some(nth)),
                0..=4 => sent.push(None),
                5 => {
                    ring.lose();
                    sent.push(None);
                }
                _ => told.extend(look(&mut reader)),
            }
        }
        while let more @ [_, ..] = look(&mut reader).as_slice() {
            told.extend_from_slice(more);
        }
        // More may be lost after a gap was told.
        for bytes in [&mut sent, &mut told] {
            bytes.dedup_by(|next, last| next.is_none() && last.is_none());
        }
        assert_eq!(told, sent, "seed {seed}");
    }
}

/// What one read tells; `None` is a gap.
fn look<const N: usize>(reader: &mut RxReader<'_, N>) -> Vec<Option<u8>> {
    match read(reader) {
        Ok(bytes) => bytes.into_iter().map(Some).collect(),
        Err(_) => vec![None],
    }
}

#[test]
fn an_interrupt_at_any_moment_does_no_harm() {
    static RING: RxRing<7> = RxRing::new();
    let sender = std::thread::spawn(|| {
        for nth in 0..200_000_u32 {
            RING.push(nth.to_le_bytes()[0]);
            if nth.is_multiple_of(5) {
                std::thread::yield_now();
            }
        }
    });
    let mut reader = RING.reader();
    let (mut last, mut gap, mut heard) = (None, false, 0_u32);
    loop {
        let done = sender.is_finished();
        match read(&mut reader) {
            Ok(bytes) if bytes.is_empty() && done => break,
            Ok(bytes) => {
                for byte in bytes {
                    let follows = last.is_none_or(|last: u8| byte == last.wrapping_add(1));
                    assert!(follows || gap, "{last:?} {byte}");
                    (last, gap, heard) = (Some(byte), false, heard + 1);
                }
            }
            Err(error) => {
                assert_eq!(error, LineError::Lost);
                gap = true;
            }
        }
    }
    assert_eq!(heard + RING.lost(), 200_000);
    sender.join().unwrap();
}

#[test]
fn what_is_written_is_popped() {
    let ring = TxRing::<4>::new();
    let started = AtomicUsize::new(0);
    let start = || {
        started.fetch_add(1, Ordering::Relaxed);
    };
    let idle = AtomicUsize::new(0);
    let mut writer = ring.writer(start, || idle.load(Ordering::Relaxed) == 1);
    for _ in 0..3 {
        assert_eq!(writer.write(b"abcdef"), Ok(4));
        assert_eq!(writer.flush(), Err(nb::Error::WouldBlock));
        assert_eq!(ring.pop(), Some(b'a'));
        assert_eq!(writer.write(b"x"), Ok(1));
        let popped: Vec<_> = core::iter::from_fn(|| ring.pop()).collect();
        assert_eq!(popped, b"bcdx");
        assert!(ring.is_empty());
    }
    assert_eq!(started.load(Ordering::Relaxed), 9);
    assert_eq!(writer.flush(), Err(nb::Error::WouldBlock), "the last byte is on the wire");
    idle.store(1, Ordering::Relaxed);
    assert_eq!(writer.flush(), Ok(()));
}

#[test]
fn a_held_ring_gives_nothing() {
    let ring = TxRing::<4>::new();
    let mut writer = ring.writer(|| {}, || true);
    assert_eq!(writer.write(b"ab"), Ok(2));
    ring.hold(true);
    assert_eq!(ring.pop(), None);
    assert_eq!(writer.flush(), Err(nb::Error::WouldBlock));
    ring.hold(false);
    assert_eq!(ring.pop(), Some(b'a'));
}

/// Notes the levels that it was set to.
#[derive(Clone, Default)]
struct Pin(Arc<Mutex<Vec<bool>>>);

impl Pin {
    fn levels(&self) -> Vec<bool> {
        core::mem::take(&mut self.0.lock().unwrap())
    }
}

impl ErrorType for Pin {
    type Error = Infallible;
}

impl OutputPin for Pin {
    fn set_low(&mut self) -> Result<(), Infallible> {
        self.0.lock().unwrap().push(false);
        Ok(())
    }

    fn set_high(&mut self) -> Result<(), Infallible> {
        self.0.lock().unwrap().push(true);
        Ok(())
    }
}

#[test]
fn rts_stops_the_chip_at_the_high_mark_and_lets_it_go_at_the_low_one() {
    let (ring, rts, pin) = (RxRing::<8>::new(), Rts::new(2, 6), Pin::default());
    rts.install(pin.clone()).unwrap();
    assert_eq!(pin.levels(), [false]);
    let mut reader = ring.reader().with_rts(&rts);
    for byte in 0..8 {
        assert!(ring.push(byte));
        rts.update(ring.len()).unwrap();
    }
    assert_eq!(pin.levels(), [true]);
    let mut buf = [0; 3];
    assert_eq!(reader.read(&mut buf), Ok(3));
    assert_eq!(pin.levels(), [], "five wait");
    assert_eq!(reader.read(&mut buf), Ok(3));
    assert_eq!(pin.levels(), [false]);
    assert_eq!(ring.lost(), 0);
}

#[test]
fn a_link_has_the_pins_and_the_rate_that_it_was_given() {
    let (rx, tx, pin) = (RxRing::<8>::new(), TxRing::<8>::new(), Pin::default());
    let halves = || Halves(rx.reader(), tx.writer(|| {}, || true));
    let mut plain = Serial::new(halves());
    assert_eq!(plain.set_enabled(true), Err(LineError::Unsupported));
    assert_eq!(plain.set_baud(9_600), Err(LineError::Unsupported));
    assert_eq!(plain.capacity(), 8);
    let mut rate = 0;
    let mut full = Serial::new(halves()).with_enable(pin.clone()).with_baud(|_, baud| {
        rate = baud;
        if baud > 1_000_000 { Err(LineError::Unsupported) } else { Ok(()) }
    });
    assert_eq!(full.set_enabled(false), Ok(()));
    assert_eq!(full.set_enabled(true), Ok(()));
    assert_eq!(full.set_baud(3_000_000), Err(LineError::Unsupported));
    assert_eq!(full.set_baud(921_600), Ok(()));
    rx.push(b'a');
    assert_eq!(full.read(&mut [0; 4]), Ok(1));
    assert_eq!(full.write(b"b"), Ok(1));
    assert_eq!(full.flush(), Err(nb::Error::WouldBlock));
    drop(full);
    assert_eq!(rate, 921_600);
    assert_eq!(pin.levels(), [false, true]);
}
