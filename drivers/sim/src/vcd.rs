//! Recordings of buses for the viewers of logic analysers.

mod spi;
mod uart;

use std::io::{self, BufWriter, Write};

pub use spi::Vcd;
pub use uart::UartVcd;

/// A value change dump (IEEE 1364-2005 section 18) as it is written. Times are in nanoseconds.
struct Dump<W: Write> {
    out: BufWriter<W>,
    /// The last time that was written.
    time: u64,
}

impl<W: Write> Dump<W> {
    fn new(out: W, header: &str) -> io::Result<Self> {
        let mut out = BufWriter::new(out);
        out.write_all(header.as_bytes())?;
        out.flush()?;
        Ok(Self { out, time: 0 })
    }

    fn level(&mut self, at: u64, line: char, high: bool) -> io::Result<()> {
        self.at(at)?;
        writeln!(self.out, "{}{line}", u8::from(high))
    }

    /// A byte on a vector of 8 bits; `None` floats.
    fn byte(&mut self, at: u64, vector: char, byte: Option<u8>) -> io::Result<()> {
        self.at(at)?;
        match byte {
            Some(byte) => writeln!(self.out, "b{byte:08b} {vector}"),
            None => writeln!(self.out, "bz {vector}"),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }

    /// Time goes on to there; it never goes back.
    fn at(&mut self, time: u64) -> io::Result<()> {
        if time > self.time {
            self.time = time;
            writeln!(self.out, "#{time}")?;
        }
        Ok(())
    }
}
