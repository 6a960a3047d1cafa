//! GPIO commands (0x50 to 0x54): pins that remember.

use crate::firmware::Firmware;
use crate::frame::{Command, Reply};

/// Levels of the chip's other pins.
#[derive(Debug, Default)]
pub(crate) struct Pins {
    /// By pin: its level and its duty.
    levels: Vec<(u8, u8)>,
}

/// They carry the protocol.
const PROTOCOL_PINS: [u8; 7] = [0, 5, 12, 14, 18, 23, 33];
const INPUT_PULL_UP: u8 = 2;

impl Pins {
    fn set(&mut self, pin: u8, level: u8) {
        self.levels.retain(|(known, _)| *known != pin);
        self.levels.push((pin, level));
    }

    fn level(&self, pin: u8) -> u8 {
        self.levels.iter().find(|(known, _)| *known == pin).map_or(0, |(_, level)| *level)
    }
}

impl Firmware {
    pub(crate) fn pin_command(&mut self, command: &Command) -> Reply {
        let (pin, value) = (command.byte(4), command.byte(6));
        if command.opcode() < 0x54 && PROTOCOL_PINS.contains(&pin) {
            self.monitor.count(|c| c.protocol_pins += 1);
        }
        match command.opcode() {
            0x50 => {
                self.pins.set(pin, u8::from(value == INPUT_PULL_UP));
                Reply::ok()
            }
            0x51 | 0x52 => {
                self.pins.set(pin, value);
                Reply::ok()
            }
            0x53 => Reply::flag(self.pins.level(pin) != 0),
            _ => self.analog(pin),
        }
    }

    /// What was written as a duty comes back as a voltage.
    fn analog(&self, pin: u8) -> Reply {
        let level = u16::from(self.pins.level(pin)) * 16;
        let width = usize::from(self.persona.analog_bytes);
        Reply::bytes(u32::from(level).to_le_bytes().get(..width).unwrap_or(&[]))
    }
}
