//! A host that knows the protocol document and nothing of the model, and a network by hand.

#![allow(dead_code, reason = "each test file uses its part")]

mod net;

use core::time::Duration;

use netdev::Instant;
use netdev_sim::{Lines, SpiChip};
use wifinina_sim::{AccessPoint, Chip, Config};

pub use net::{Net, Peer};

/// Drives the bus in virtual time.
pub struct Host {
    pub chip: Chip,
    pub now: Instant,
    pub net: Net,
}

/// The session's network in the golden vectors.
pub fn config() -> Config {
    let mut config = Config::default();
    config.access_points = vec![AccessPoint::new("oracle-ap", "password")];
    config
}

pub fn millis(count: u64) -> Duration {
    Duration::from_millis(count)
}

impl Host {
    /// A chip that has booted and not joined.
    pub fn booted(config: Config) -> Self {
        let net = Net::default();
        let chip = Chip::new(config, Box::new(net.stack()));
        let mut host = Self { chip, now: Instant::START, net };
        host.wait(millis(300));
        assert!(!host.busy(), "the chip has booted");
        host
    }

    /// A chip in the network of the golden vectors.
    pub fn joined() -> Self {
        Self::joined_with(config())
    }

    pub fn joined_with(config: Config) -> Self {
        let mut host = Self::booted(config);
        host.join();
        host
    }

    pub fn join(&mut self) {
        assert_eq!(self.ask("11 02 09 6f7261636c652d6170 08 70617373776f7264"), "01 01");
        self.wait(millis(500));
        assert_eq!(self.ask("20 00"), "01 03");
    }

    pub fn lines(&mut self) -> Lines {
        self.chip.lines(self.now)
    }

    pub fn busy(&mut self) -> bool {
        self.lines().busy
    }

    pub fn data_ready(&mut self) -> bool {
        self.lines().data_ready
    }

    /// Lets time pass in small steps, as a chip on a polled bus sees it.
    pub fn wait(&mut self, length: Duration) {
        let end = self.now + length;
        while self.now < end {
            self.now = end.min(self.now + Duration::from_micros(500));
            self.lines();
        }
    }

    /// Waits for READY, and says how long it took; `None` after `limit`.
    pub fn wait_ready(&mut self, limit: Duration) -> Option<Duration> {
        let start = self.now;
        while self.busy() {
            if self.now.saturating_since(start) >= limit {
                return None;
            }
            self.now = self.now + Duration::from_micros(10);
        }
        Some(self.now.saturating_since(start))
    }

    /// One chip-select cycle, whatever READY says.
    pub fn cycle(&mut self, mosi: &[u8]) -> Vec<u8> {
        let mut miso = vec![0; mosi.len()];
        self.chip.select(self.now);
        self.now = self.now + Duration::from_micros(1);
        if !mosi.is_empty() {
            self.chip.transfer(mosi, &mut miso, self.now);
        }
        self.now = self.now + Duration::from_micros(mosi.len() as u64);
        self.chip.deselect(self.now);
        miso
    }

    /// Sends a command and leaves its reply where it is.
    pub fn send(&mut self, command: &[u8]) {
        self.wait_ready(millis(1000)).expect("ready for a command");
        self.cycle(command);
    }

    /// Reads the reply up to its armed length.
    pub fn reply(&mut self) -> Vec<u8> {
        self.wait_ready(millis(40_000)).expect("a reply");
        let mut reply = self.cycle(&[0xFF; 4100]);
        // Every reply ends in END or zeros; behind it comes filler.
        let length = reply.iter().rposition(|byte| *byte != 0xFF).map_or(0, |at| at + 1);
        reply.truncate(length);
        reply
    }

    pub fn call(&mut self, command: &[u8]) -> Vec<u8> {
        self.send(command);
        self.reply()
    }

    /// `command` in hex from the opcode to the last param; the params of the reply in hex.
    pub fn ask(&mut self, command: &str) -> String {
        let reply = self.call(&framed(command));
        params(&reply)
    }

    /// As `ask`, for replies with two-byte lengths; the first param only.
    pub fn ask_wide(&mut self, command: &str) -> Vec<u8> {
        let reply = self.call(&framed(command));
        assert_eq!(reply[0], 0xE0, "{}", hex(&reply));
        let length = usize::from(u16::from_be_bytes([reply[3], reply[4]]));
        reply[5..5 + length].to_vec()
    }

    /// SEND_DATA_TCP; how many bytes were taken.
    pub fn send_tcp(&mut self, slot: u8, data: &[u8]) -> usize {
        self.call(&data_command(0x44, slot, data));
        0
    }

    /// The counters' offences, by name.
    pub fn offences(&self) -> Vec<(&'static str, u64)> {
        let list = self.chip.counters().offence_list();
        list.into_iter().filter(|(_, count)| *count > 0).collect()
    }
}

/// A command with a one-byte param (slot or descriptor) and payload, 16-bit lengths.
pub fn data_command(opcode: u8, slot: u8, data: &[u8]) -> Vec<u8> {
    let mut out = vec![0xE0, opcode, 2, 0, 1, slot];
    out.extend_from_slice(&(data.len() as u16).to_be_bytes());
    out.extend_from_slice(data);
    out.push(0xEE);
    out.resize(out.len().next_multiple_of(4), 0);
    out
}

/// Bytes from hex, blanks ignored.
pub fn bytes(hex: &str) -> Vec<u8> {
    let digits: Vec<u8> = hex.bytes().filter(u8::is_ascii_hexdigit).collect();
    digits
        .chunks(2)
        .map(|pair| u8::from_str_radix(core::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

pub fn hex(bytes: &[u8]) -> String {
    let text: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    text.join(" ")
}

/// Start byte, END and padding with zeros around `command`.
pub fn framed(command: &str) -> Vec<u8> {
    let mut out = vec![0xE0];
    out.extend(bytes(command));
    out.push(0xEE);
    out.resize(out.len().next_multiple_of(4), 0);
    out
}

/// What stands between the count of params and END: lengths and params.
fn params(reply: &[u8]) -> String {
    if reply.first() == Some(&0xEF) {
        return "error".into();
    }
    let end = reply.iter().rposition(|byte| *byte == 0xEE).expect("an END byte");
    hex(&reply[3..end])
}
