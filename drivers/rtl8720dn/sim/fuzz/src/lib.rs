//! What the fuzzer does with a simulated chip: any bytes on its line, over a network with moods.
//! Nothing may panic or hang, what it says is whole frames and not too many, and the enable pin
//! always helps.

mod network;

use core::time::Duration;

use netdev::Instant;
use netdev_sim::UartChip;
use rtl8720dn_sim::{Chip, Config, Fault, Monitor, Persona, TlsPeer};

use network::Moody;

/// Reads `input` as a persona, a mood of the network, and things that happen on the line.
pub fn line(input: &[u8]) {
    let mut input = Input(input);
    let persona = Persona::ALL[usize::from(input.byte()) % Persona::ALL.len()];
    let flags = input.byte();
    let mut config = Config::new(persona);
    config.immortal = flags & 1 == 0;
    if flags & 2 == 0 {
        config = config.brisk(Duration::from_micros(100));
    }
    if flags & 4 != 0 {
        config.tls = TlsPeer::ClearText { issuer: "-----BEGIN".into(), name: "a".into() };
    }
    let chip = Chip::new(config, Box::new(Moody::new(input.byte().into())));
    let monitor = chip.monitor();
    let now = Instant::START + Duration::from_millis(310);
    let mut line = Line { chip, monitor, now, said: Vec::new(), strikes: 50 };
    if flags & 8 == 0 {
        line.join();
    }
    while !input.0.is_empty() {
        line.step(&mut input);
        line.hear(64);
    }
    line.recover(persona);
}

/// The bytes that are left.
struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    /// The next byte; 0 behind the end.
    fn byte(&mut self) -> u8 {
        self.take(1).first().copied().unwrap_or(0)
    }

    fn take(&mut self, count: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at(count.min(self.0.len()));
        self.0 = rest;
        taken
    }
}

struct Line {
    chip: Chip,
    monitor: Monitor,
    now: Instant,
    said: Vec<u8>,
    /// Faults that may still be asked for.
    strikes: u8,
}

impl Line {
    fn step(&mut self, input: &mut Input<'_>) {
        match input.byte() % 10 {
            0 => {
                let count = input.byte();
                self.chip.receive(input.take(count.into()), self.now);
            }
            1..=3 => self.call(input),
            4 => self.pass(Duration::from_millis(input.byte().into())),
            5 => self.pass(Duration::from_secs(input.byte().into())),
            6 => self.reset(input.byte()),
            7 => self.order(input.byte()),
            8 => self.flood(input.byte()),
            _ => self.hear(input.byte().into()),
        }
    }

    /// A sound frame of any kind, service, method and payload.
    fn call(&mut self, input: &mut Input<'_>) {
        let head = input.take(4);
        let [kind, method, service, count] =
            [0, 1, 2, 3].map(|at| head.get(at).copied().unwrap_or(0));
        let services = [1, 14, 15, 16, 16, 16, 17, 18, 19, service];
        let service = services[usize::from(service) % services.len()];
        let mut message = vec![if kind < 200 { 0 } else { kind & 3 }, method, service, 1];
        message.extend([kind, 0, 0, 0]);
        message.extend_from_slice(input.take(count.into()));
        self.chip.receive(&framed(&message), self.now);
        self.pass(Duration::from_millis(2));
    }

    fn flood(&mut self, times: u8) {
        self.chip.receive(&vec![0; 17 * usize::from(times)], self.now);
        self.pass(Duration::from_millis(1));
    }

    fn pass(&mut self, length: Duration) {
        self.now = self.now + length;
        self.hear(4096);
        if let Some(next) = self.chip.next_step() {
            self.now = self.now.max(next.min(self.now + length));
            self.hear(4096);
        }
    }

    fn reset(&mut self, how: u8) {
        self.chip.set_enabled(false, self.now);
        self.said.clear();
        self.chip.set_enabled(how & 1 == 0, self.now);
    }

    fn order(&mut self, what: u8) {
        let faults = [
            Fault::DropReply,
            Fault::CorruptReply,
            Fault::DelayReply(Duration::from_millis(what.into())),
            Fault::EventAmidCall,
            Fault::CallbackAmidCall,
            Fault::Halt,
        ];
        match what % 16 {
            0 => self.monitor.lose_access_points(),
            1 => self.monitor.restore_access_points(),
            2 => self.monitor.set_dhcp(what & 16 == 0),
            3 => self.monitor.send_event([what; 48]),
            4 => self.monitor.call_host(),
            5 => self.monitor.set_station(what & 16 == 0),
            6 => self.monitor.halt(),
            7 => self.monitor.set_truncate_addresses(true),
            at @ 8..=13 if self.strikes > 0 => {
                self.strikes -= 1;
                self.monitor.strike(faults[usize::from(at) - 8]);
            }
            8..=13 => {}
            _ => {
                self.hear(usize::MAX);
                self.said.clear();
                self.monitor.reboot();
            }
        }
    }

    /// Takes at most so many bytes; what comes must be frames.
    fn hear(&mut self, most: usize) {
        let mut left = most;
        let mut buf = [0; 512];
        while left > 0 {
            let piece = &mut buf[..left.min(512)];
            let count = self.chip.transmit(piece, self.now);
            if count == 0 {
                break;
            }
            self.said.extend_from_slice(&piece[..count]);
            left -= count;
        }
        assert!(self.said.len() < 1_000_000, "it never stops talking");
        while let Some(size) = self.said.get(..2).map(|it| u16::from_le_bytes([it[0], it[1]])) {
            assert!((8..=4096).contains(&size), "a frame of {size} bytes");
            if self.said.len() < 4 + usize::from(size) {
                break;
            }
            self.said.drain(..4 + usize::from(size));
        }
    }

    /// Off, on as a station, the default network, DHCP.
    fn join(&mut self) {
        let network = b"\x07\0\0\0test-ap\0\x09\0\0\0test-pass\x04\0\x40\0\xFF\xFF\xFF\xFF\0\0\0\0";
        let calls: [(u8, u8, &[u8]); 4] =
            [(14, 28, &[]), (14, 27, &[1, 0, 0, 0]), (14, 1, network), (15, 13, &[0; 4])];
        for (service, method, payload) in calls {
            let message = [&[0, method, service, 1, 0, 0, 0, 0], payload].concat();
            self.chip.receive(&framed(&message), self.now);
            for _ in 0..4 {
                self.pass(Duration::from_millis(100));
            }
        }
    }

    /// Whatever was before: switched off and on, the chip tells its version.
    fn recover(&mut self, persona: &Persona) {
        self.chip.set_enabled(false, self.now);
        assert_eq!(self.chip.transmit(&mut [0; 16], self.now), 0, "an idle line");
        self.said.clear();
        self.chip.set_enabled(true, self.now);
        self.now = self.now + Duration::from_millis(310);
        // Faults that were asked for and did not strike yet take a reply each.
        for sequence in 0..300_u32 {
            let mut message = vec![0, 1, 1, 1];
            message.extend(sequence.to_le_bytes());
            self.chip.receive(&framed(&message), self.now);
            let mut reply = [0; 512];
            self.now = self.now + Duration::from_millis(300);
            let count = self.chip.transmit(&mut reply, self.now);
            let version = persona.version.as_bytes();
            if reply[..count].ends_with(version) {
                return;
            }
            if count == 0 {
                // Perhaps it was told to halt.
                self.chip.set_enabled(false, self.now);
                self.chip.set_enabled(true, self.now);
                self.now = self.now + Duration::from_millis(310);
            }
        }
        panic!("the enable pin always helps");
    }
}

fn framed(message: &[u8]) -> Vec<u8> {
    let mut crc = 0xEF4A_u16;
    for byte in message {
        crc ^= u16::from(*byte) << 8;
        for _ in 0..8 {
            crc = if crc & 0x8000 == 0 { crc << 1 } else { crc << 1 ^ 0x1021 };
        }
    }
    let mut frame = (message.len() as u16).to_le_bytes().to_vec();
    frame.extend(crc.to_le_bytes());
    frame.extend_from_slice(message);
    frame
}
