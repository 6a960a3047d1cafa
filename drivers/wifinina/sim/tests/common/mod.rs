//! A host that knows the protocol document and nothing of the model, and a network by hand.

#![allow(dead_code, unused_imports, reason = "each test file uses its part")]
#![allow(
    clippy::cast_possible_truncation,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test that is wrong may panic"
)]

mod net;

use core::time::Duration;

use netdev::Instant;
use netdev_sim::{Lines, SpiChip};
use wifinina_sim::{AccessPoint, Chip, Config};

pub(crate) use net::{Net, Peer};

/// Drives the bus in virtual time.
pub(crate) struct Host {
    pub(crate) chip: Chip,
    pub(crate) now: Instant,
    pub(crate) net: Net,
}

/// The session's network in the golden vectors.
pub(crate) fn config() -> Config {
    let mut config = Config::default();
    config.access_points = vec![AccessPoint::new("oracle-ap", "password")];
    config
}

pub(crate) fn millis(count: u64) -> Duration {
    Duration::from_millis(count)
}

impl Host {
    /// A chip that has booted and not joined.
    pub(crate) fn booted(config: Config) -> Self {
        let net = Net::default();
        let chip = Chip::new(config, Box::new(net.stack()));
        let mut host = Self { chip, now: Instant::START, net };
        host.wait(millis(300));
        assert!(!host.busy(), "the chip has booted");
        host
    }

    /// A chip in the network of the golden vectors.
    pub(crate) fn joined() -> Self {
        Self::joined_with(config())
    }

    pub(crate) fn joined_with(config: Config) -> Self {
        let mut host = Self::booted(config);
        host.join();
        host
    }

    pub(crate) fn join(&mut self) {
        assert_eq!(self.ask("11 02 09 6f7261636c652d6170 08 70617373776f7264"), "01 01");
        self.wait(millis(500));
        assert_eq!(self.ask("20 00"), "01 03");
    }

    pub(crate) fn lines(&mut self) -> Lines {
        self.chip.lines(self.now)
    }

    pub(crate) fn busy(&mut self) -> bool {
        self.lines().busy
    }

    pub(crate) fn data_ready(&mut self) -> bool {
        self.lines().data_ready
    }

    /// Lets time pass in small steps, as a chip on a polled bus sees it.
    pub(crate) fn wait(&mut self, length: Duration) {
        let end = self.now + length;
        while self.now < end {
            self.now = end.min(self.now + Duration::from_micros(500));
            self.lines();
        }
    }

    /// Waits for READY, and says how long it took; `None` after `limit`.
    pub(crate) fn wait_ready(&mut self, limit: Duration) -> Option<Duration> {
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
    pub(crate) fn cycle(&mut self, mosi: &[u8]) -> Vec<u8> {
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
    pub(crate) fn send(&mut self, command: &[u8]) {
        self.wait_ready(millis(1000)).expect("ready for a command");
        self.cycle(command);
    }

    /// Reads the reply up to its armed length.
    pub(crate) fn reply(&mut self) -> Vec<u8> {
        self.wait_ready(millis(40_000)).expect("a reply");
        let mut reply = self.cycle(&vec![0xFF; 4100]);
        // Every reply ends in END or zeros; behind it comes filler.
        let length = reply.iter().rposition(|byte| *byte != 0xFF).map_or(0, |at| at + 1);
        reply.truncate(length);
        reply
    }

    pub(crate) fn call(&mut self, command: &[u8]) -> Vec<u8> {
        self.send(command);
        self.reply()
    }

    /// `command` in hex from the opcode to the last param; the params of the reply in hex.
    pub(crate) fn ask(&mut self, command: &str) -> String {
        let reply = self.call(&framed(command));
        params(&reply)
    }

    /// As `ask`, for replies with two-byte lengths; the first param only.
    pub(crate) fn ask_wide(&mut self, command: &str) -> Vec<u8> {
        let reply = self.call(&framed(command));
        assert_eq!(reply[0], 0xE0, "{}", hex(&reply));
        let length = usize::from(u16::from_be_bytes([reply[3], reply[4]]));
        reply[5..5 + length].to_vec()
    }

    /// SEND_DATA_TCP; how many bytes were taken.
    pub(crate) fn send_tcp(&mut self, slot: u8, data: &[u8]) -> u16 {
        let reply = self.call(&data_command(0x44, slot, data));
        u16::from_le_bytes([reply[4], reply[5]])
    }

    /// SOCKET_SEND; how many bytes were taken.
    pub(crate) fn send_fd(&mut self, fd: u8, data: &[u8]) -> u16 {
        let reply = self.call(&data_command(0x77, fd, data));
        u16::from_be_bytes([reply[4], reply[5]])
    }

    /// A stream descriptor, non-blocking: 54 if it is the first.
    pub(crate) fn stream(&mut self) -> u8 {
        let fd = self.call(&framed("70 02 01 01 01 00"))[4];
        self.ask(&format!("7b 03 01 {fd:02x} 04 7e660480 04 01000000"));
        fd
    }

    /// GET_DATABUF_TCP.
    pub(crate) fn read_tcp(&mut self, slot: u8, limit: u16) -> Vec<u8> {
        let [low, high] = limit.to_le_bytes();
        self.ask_wide(&format!("45 02 00 01 {slot:02x} 00 02 {low:02x} {high:02x}"))
    }

    /// Opens slot `slot` to a served port.
    pub(crate) fn connect(&mut self, slot: u8, port: u16) -> Peer {
        self.net.serve(port);
        let [high, low] = port.to_be_bytes();
        let command = format!("2d 04 04 7f000001 02 {high:02x}{low:02x} 01 {slot:02x} 01 00");
        assert_eq!(self.ask(&command), "01 01");
        self.net.peer(port)
    }

    /// Listens on `slot`.
    pub(crate) fn listen(&mut self, slot: u8, port: u16) {
        assert_eq!(self.try_listen(slot, port), "01 01");
    }

    pub(crate) fn try_listen(&mut self, slot: u8, port: u16) -> String {
        let [high, low] = port.to_be_bytes();
        self.ask(&format!("28 03 02 {high:02x}{low:02x} 01 {slot:02x} 01 00"))
    }

    /// AVAIL_DATA_TCP with the accept flag.
    pub(crate) fn accept(&mut self, listener: u8) -> u8 {
        self.available_with(listener, 1)
    }

    /// AVAIL_DATA_TCP with that flag.
    pub(crate) fn available_with(&mut self, listener: u8, flag: u8) -> u8 {
        let reply = self.call(&framed(&format!("2b 02 01 {listener:02x} 01 {flag:02x}")));
        reply[4]
    }

    /// AVAIL_DATA_TCP on a client or UDP slot.
    pub(crate) fn available(&mut self, slot: u8) -> u16 {
        let reply = self.call(&framed(&format!("2b 01 01 {slot:02x}")));
        u16::from_le_bytes([reply[4], reply[5]])
    }

    /// GET_CLIENT_STATE_TCP.
    pub(crate) fn state(&mut self, slot: u8) -> u8 {
        self.call(&framed(&format!("2f 01 01 {slot:02x}")))[4]
    }

    /// STOP_CLIENT_TCP.
    pub(crate) fn stop(&mut self, slot: u8) {
        assert_eq!(self.ask(&format!("2e 01 01 {slot:02x}")), "01 01");
    }

    /// GET_SOCKET.
    pub(crate) fn free_slot(&mut self) -> u8 {
        self.call(&framed("3f 00"))[4]
    }

    /// SOCKET_ERRNO.
    pub(crate) fn errno(&mut self) -> u8 {
        self.call(&framed("72 00"))[4]
    }

    /// The counters' offences, by name.
    pub(crate) fn offences(&self) -> Vec<(&'static str, u64)> {
        let list = self.chip.counters().offence_list();
        list.into_iter().filter(|(_, count)| *count > 0).collect()
    }
}

/// A command with a one-byte param (slot or descriptor) and payload, 16-bit lengths.
pub(crate) fn data_command(opcode: u8, slot: u8, data: &[u8]) -> Vec<u8> {
    let mut out = vec![0xE0, opcode, 2, 0, 1, slot];
    out.extend_from_slice(&(data.len() as u16).to_be_bytes());
    out.extend_from_slice(data);
    out.push(0xEE);
    out.resize(out.len().next_multiple_of(4), 0);
    out
}

/// Bytes from hex, blanks ignored.
pub(crate) fn bytes(hex: &str) -> Vec<u8> {
    let digits: Vec<u8> = hex.bytes().filter(u8::is_ascii_hexdigit).collect();
    digits
        .chunks(2)
        .map(|pair| u8::from_str_radix(core::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    let text: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    text.join(" ")
}

/// Start byte, END and padding with zeros around `command`.
pub(crate) fn framed(command: &str) -> Vec<u8> {
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
