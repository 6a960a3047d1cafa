//! HALs with embedded-io's traits, as links.
#![allow(clippy::unwrap_used, reason = "helpers fail as tests do")]

use core::time::Duration;
use std::collections::VecDeque;

use embedded_io::{Error, ErrorKind, ErrorType, Read, ReadReady, Write, WriteReady};
use netdev::{Instant, Platform};
use netdev_sim::{UartBench, UartChip, VirtualClock};
use netdev_uart::{Io, LineError, Serial, UartLink};

/// Says what it hears, some time later.
#[derive(Default)]
struct Echo(VecDeque<(Instant, u8)>);

impl UartChip for Echo {
    fn receive(&mut self, bytes: &[u8], now: Instant) {
        self.0.extend(bytes.iter().map(|byte| (now + Duration::from_millis(1), *byte)));
    }

    fn transmit(&mut self, buf: &mut [u8], now: Instant) -> usize {
        let due = self.0.iter().take_while(|(at, _)| *at <= now).count().min(buf.len());
        for (place, (_, byte)) in buf.iter_mut().zip(self.0.drain(..due)) {
            *place = byte;
        }
        due
    }

    fn next_step(&self) -> Option<Instant> {
        self.0.front().map(|(at, _)| *at)
    }

    fn baud(&self) -> u32 {
        115_200
    }

    fn set_enabled(&mut self, _: bool, _: Instant) {}
}

#[test]
fn a_kilobyte_goes_through_a_hal_and_comes_back() {
    let clock = VirtualClock::new();
    let bench = UartBench::new(Echo::default(), clock.clone(), 115_200);
    let mut link = Serial::new(Io::new(bench.serial(256), 256));
    let said: Vec<u8> = (0..1_024_u32).map(|nth| (nth % 251).to_le_bytes()[0]).collect();
    let (mut sent, mut heard, mut buf) = (0, Vec::<u8>::new(), [0; 64]);
    while heard.len() < said.len() {
        sent += link.write(said.get(sent..).unwrap()).unwrap();
        let length = link.read(&mut buf).unwrap();
        heard.extend(buf.iter().take(length));
    }
    assert_eq!(heard, said);
    assert_eq!(link.flush(), Ok(()));
    // 89 ms each way, of which the second began when the first 120 bytes were there.
    assert!(clock.now().as_micros() < 110_000, "{}", clock.now());
    assert_eq!(bench.counters().overruns, 0);
}

#[test]
fn an_overrun_of_the_hal_is_told_at_its_place() {
    let clock = VirtualClock::new();
    let bench = UartBench::new(Echo::default(), clock.clone(), 115_200);
    let mut link = Serial::new(Io::new(bench.serial(4), 4));
    assert_eq!(link.write(b"abcdef"), Ok(6));
    clock.idle(Instant::from_micros(1_000_000));
    let mut buf = [0; 64];
    assert_eq!(link.read(&mut buf), Ok(4));
    assert_eq!(link.read(&mut buf), Err(LineError::Lost));
    assert_eq!(link.read(&mut buf), Ok(0));
}

/// A UART that answers from a script.
#[derive(Default)]
struct Scripted {
    reads: VecDeque<Result<u8, Why>>,
    room: usize,
    written: Vec<u8>,
    busy: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Why(ErrorKind);

impl core::fmt::Display for Why {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{:?}", self.0)
    }
}

impl core::error::Error for Why {}

impl Error for Why {
    fn kind(&self) -> ErrorKind {
        self.0
    }
}

impl ErrorType for Scripted {
    type Error = Why;
}

impl Read for Scripted {
    /// One byte at a time, as HALs without a buffer do; blocks if there is none.
    fn read(&mut self, buf: &mut [u8]) -> Result<usize, Why> {
        assert!(!self.reads.is_empty(), "a read that would block");
        *buf.first_mut().unwrap() = self.reads.pop_front().unwrap()?;
        Ok(1)
    }
}

impl ReadReady for Scripted {
    fn read_ready(&mut self) -> Result<bool, Why> {
        Ok(!self.reads.is_empty())
    }
}

impl Write for Scripted {
    /// Blocks until all of it is sent, as some HALs do.
    fn write(&mut self, buf: &[u8]) -> Result<usize, Why> {
        assert!(buf.len() <= self.room, "a write that would block");
        self.room -= buf.len();
        self.written.extend_from_slice(buf);
        Ok(buf.len())
    }

    fn flush(&mut self) -> Result<(), Why> {
        assert!(!self.busy, "a flush that would block");
        Ok(())
    }
}

impl WriteReady for Scripted {
    fn write_ready(&mut self) -> Result<bool, Why> {
        Ok(self.room > 0)
    }
}

#[test]
fn nothing_is_called_that_would_block() {
    let uart = Scripted { room: 3, reads: [Ok(b'a'), Ok(b'b')].into(), ..Scripted::default() };
    let mut io = Io::new(uart, 1).with_idle(|uart| !uart.busy);
    io.uart().busy = true;
    let mut link = Serial::new(io).with_baud(|io, _| {
        io.uart().busy = false;
        Ok(())
    });
    assert_eq!(link.write(b"hello"), Ok(3));
    assert_eq!(link.write(b"lo"), Ok(0));
    assert_eq!(link.read(&mut [0; 8]), Ok(2));
    assert_eq!(link.read(&mut [0; 8]), Ok(0));
    assert_eq!(link.flush(), Err(nb::Error::WouldBlock));
    link.set_baud(1).unwrap();
    assert_eq!(link.flush(), Ok(()));
}

#[test]
fn errors_come_after_the_bytes_before_them() {
    let failed = |kind| Err(Why(kind));
    let reads =
        [Ok(b'a'), failed(ErrorKind::Other), Ok(b'b'), failed(ErrorKind::NotConnected), Ok(b'c')];
    let mut link = Serial::new(Io::new(Scripted { reads: reads.into(), ..Scripted::default() }, 1));
    let mut buf = [0; 8];
    assert_eq!(link.read(&mut buf), Ok(1));
    assert_eq!(link.read(&mut buf), Err(LineError::Lost));
    assert_eq!(link.read(&mut buf), Ok(1));
    assert_eq!(link.read(&mut buf), Err(LineError::Bus));
    assert_eq!(link.read(&mut buf), Ok(1));
    assert_eq!(buf[0], b'c');
}

#[cfg(feature = "embedded-io-06")]
mod v06 {
    use embedded_io_06 as v06;
    use netdev_uart::V06;

    use super::*;

    /// A UART that says one byte, then that it was overrun.
    struct Old(u8);

    #[derive(Debug)]
    struct Overrun;

    impl v06::Error for Overrun {
        fn kind(&self) -> v06::ErrorKind {
            v06::ErrorKind::Other
        }
    }

    impl v06::ErrorType for Old {
        type Error = Overrun;
    }

    impl v06::Read for Old {
        fn read(&mut self, buf: &mut [u8]) -> Result<usize, Overrun> {
            self.0 += 1;
            if self.0 == 2 {
                return Err(Overrun);
            }
            *buf.first_mut().unwrap() = b'x';
            Ok(1)
        }
    }

    impl v06::ReadReady for Old {
        fn read_ready(&mut self) -> Result<bool, Overrun> {
            Ok(self.0 < 2)
        }
    }

    impl v06::Write for Old {
        fn write(&mut self, buf: &[u8]) -> Result<usize, Overrun> {
            Ok(buf.len())
        }

        fn flush(&mut self) -> Result<(), Overrun> {
            Ok(())
        }
    }

    impl v06::WriteReady for Old {
        fn write_ready(&mut self) -> Result<bool, Overrun> {
            Ok(true)
        }
    }

    #[test]
    fn old_hals_do_as_well() {
        let mut link = Serial::new(Io::new(V06(Old(0)), 1));
        let mut buf = [0; 8];
        assert_eq!(link.write(b"hello"), Ok(5));
        assert_eq!(link.flush(), Ok(()));
        assert_eq!(link.read(&mut buf), Ok(1));
        assert_eq!(link.read(&mut buf), Err(LineError::Lost));
        assert_eq!(link.read(&mut buf), Ok(0));
    }
}
