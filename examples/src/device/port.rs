//! A serial port of this PC: a real module on a USB adapter.

use core::time::Duration;
use std::io::{self, ErrorKind};
use std::time::Instant;

use netdev_uart::{LineError, UartLink};
use serial2::SerialPort;

/// A port, 8N1, without flow control. No call waits.
///
/// The system keeps what is not read; what it loses it does not tell.
#[derive(Debug)]
pub(super) struct Port {
    port: SerialPort,
    baud: u32,
    /// When the last bit of what was written leaves, as far as the rate tells.
    busy_until: Instant,
}

impl Port {
    pub(super) fn open(path: &str, baud: u32) -> io::Result<Self> {
        let mut port = SerialPort::open(path, baud)?;
        port.set_read_timeout(Duration::ZERO)?;
        port.set_write_timeout(Duration::ZERO)?;
        // What came before belongs to nobody.
        port.discard_buffers()?;
        Ok(Self { port, baud, busy_until: Instant::now() })
    }
}

impl UartLink for Port {
    fn read(&mut self, buf: &mut [u8]) -> Result<usize, LineError> {
        if buf.is_empty() {
            return Ok(0);
        }
        match self.port.read(buf) {
            // A port that is gone, such as an adapter that was pulled out.
            Ok(0) => Err(LineError::Bus),
            done => not_yet_is_nothing(done),
        }
    }

    fn write(&mut self, bytes: &[u8]) -> Result<usize, LineError> {
        if bytes.is_empty() {
            return Ok(0);
        }
        let length = not_yet_is_nothing(self.port.write(bytes))?;
        let bits = u32::try_from(length).unwrap_or(u32::MAX).saturating_mul(10);
        let took = Duration::from_secs(1) * bits / self.baud.max(1);
        self.busy_until = self.busy_until.max(Instant::now()) + took;
        Ok(length)
    }

    /// Asking the system would wait, so the clock is asked first.
    fn flush(&mut self) -> nb::Result<(), LineError> {
        if Instant::now() < self.busy_until {
            return Err(nb::Error::WouldBlock);
        }
        self.port.flush().map_err(|_| nb::Error::Other(LineError::Bus))
    }

    /// What a terminal of Linux keeps.
    fn capacity(&self) -> usize {
        4096
    }

    fn set_baud(&mut self, baud: u32) -> Result<(), LineError> {
        let mut settings = self.port.get_configuration().map_err(|_| LineError::Bus)?;
        settings.set_baud_rate(baud).map_err(|_| LineError::Unsupported)?;
        self.port.set_configuration(&settings).map_err(|_| LineError::Unsupported)?;
        self.baud = baud;
        Ok(())
    }
}

fn not_yet_is_nothing(done: io::Result<usize>) -> Result<usize, LineError> {
    match done {
        Ok(length) => Ok(length),
        Err(error) => match error.kind() {
            ErrorKind::TimedOut | ErrorKind::WouldBlock | ErrorKind::Interrupted => Ok(0),
            _ => Err(LineError::Bus),
        },
    }
}

#[cfg(all(test, unix))]
mod tests {
    use netdev::StdPlatform;
    use netdev_sim::tunnel::UartServer;
    use netdev_sim::{UartBench, UartChip};

    use super::*;

    /// Says what it hears.
    #[derive(Default)]
    struct Echo(Vec<u8>);

    impl UartChip for Echo {
        fn receive(&mut self, bytes: &[u8], _: netdev::Instant) {
            self.0.extend_from_slice(bytes);
        }

        fn transmit(&mut self, buf: &mut [u8], _: netdev::Instant) -> usize {
            let length = self.0.len().min(buf.len());
            for (place, byte) in buf.iter_mut().zip(self.0.drain(..length)) {
                *place = byte;
            }
            length
        }

        fn next_step(&self) -> Option<netdev::Instant> {
            None
        }

        fn baud(&self) -> u32 {
            115_200
        }

        fn set_enabled(&mut self, _: bool, _: netdev::Instant) {}
    }

    fn until(mut so: impl FnMut() -> bool) {
        let begun = Instant::now();
        while !so() {
            assert!(begun.elapsed() < Duration::from_secs(10), "it did not come");
            std::thread::sleep(Duration::from_micros(200));
        }
    }

    #[test]
    fn every_byte_goes_out_and_comes_back_and_nothing_waits() {
        let bench = UartBench::new(Echo::default(), StdPlatform::new(), 115_200);
        let server = UartServer::builder(&bench).pty().unwrap();
        let mut port = Port::open(server.place(), 115_200).unwrap();
        let mut buf = [0; 512];
        let begun = Instant::now();
        assert_eq!(port.read(&mut buf), Ok(0));
        assert!(begun.elapsed() < Duration::from_millis(500));
        // Twice what a terminal keeps; a chip that is not read is not heard either.
        let said: Vec<u8> = (0..8192_u32).map(|nth| nth.to_le_bytes()[0]).collect();
        let (mut left, mut heard) = (said.as_slice(), Vec::<u8>::new());
        until(|| {
            left = left.get(port.write(left).unwrap()..).unwrap();
            let length = port.read(&mut buf).unwrap();
            heard.extend(buf.iter().take(length));
            heard.len() == said.len()
        });
        assert_eq!(heard, said);
        assert_eq!(port.flush(), Err(nb::Error::WouldBlock));
        until(|| port.flush().is_ok());
        assert_eq!(port.set_baud(921_600), Ok(()));
        assert_eq!(port.set_enabled(true), Err(LineError::Unsupported));
        drop(server);
        until(|| port.read(&mut buf) == Err(LineError::Bus));
    }

    #[test]
    fn a_port_that_is_not_there_says_so() {
        let error = Port::open("/dev/no-such-port", 115_200).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound);
    }
}
