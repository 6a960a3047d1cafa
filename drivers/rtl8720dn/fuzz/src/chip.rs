//! A chip of moods behind its line: it answers in the right shape, or with anything.

use std::collections::VecDeque;
use std::time::Duration;

use netdev_uart::{LineError, UartLink};

use super::World;

pub(crate) struct Chip {
    world: World,
    /// Whether what it says is framed.
    framed: bool,
    /// What the first byte decides.
    wired: bool,
    fixed_baud: bool,
    fifo: usize,
    capacity: usize,
    /// Answers that still come in the right shape, whatever the input says.
    well_behaved: u8,
    heard: Vec<u8>,
    says: VecDeque<u8>,
}

impl Chip {
    pub(crate) fn new(world: World, framed: bool) -> Self {
        let first = world.byte();
        Self {
            framed,
            wired: first & 1 == 0,
            fixed_baud: first & 2 != 0,
            fifo: [1, 16, 64, 4096][usize::from(first >> 2 & 3)],
            capacity: [1, 64, 512, 4096][usize::from(first >> 4 & 3)],
            well_behaved: 2 + (first >> 6) * 12,
            heard: Vec::new(),
            says: VecDeque::new(),
            world,
        }
    }

    /// Answers every call that has come in whole.
    fn think(&mut self) {
        while let [low, high, ..] = *self.heard {
            let size = usize::from(u16::from_le_bytes([low, high]));
            if size > 4096 {
                self.heard.drain(..4.min(self.heard.len()));
                continue;
            }
            if self.heard.len() < 4 + size {
                return;
            }
            let frame: Vec<u8> = self.heard.drain(..4 + size).collect();
            if let [_, _, c, d, message @ ..] = frame.as_slice()
                && message.len() >= 8
                && u16::from_le_bytes([*c, *d]) == crc(message)
            {
                self.answer(message);
            }
        }
    }

    fn answer(&mut self, call: &[u8]) {
        let good = self.well_behaved > 0;
        self.well_behaved = self.well_behaved.saturating_sub(1);
        if call[0] != 0 {
            return;
        }
        if good {
            return self.reply(call, 0);
        }
        if !self.framed {
            return self.garbage();
        }
        match self.world.byte() {
            mood @ 0..=199 => self.reply(call, mood),
            200..=209 => {}
            210..=219 => self.event(),
            220..=229 => self.call_back(),
            230..=239 => {
                self.event();
                self.reply(call, 1);
            }
            _ => self.garbage(),
        }
    }

    /// A frame with the right head; the values are the input's, or zeros in the right shape.
    fn reply(&mut self, call: &[u8], mood: u8) {
        let mut message = call[..8].to_vec();
        message[0] = 2;
        let blob = |len: u32| len.to_le_bytes().into_iter().chain((0..len).map(|_| 7));
        match (call[6], call[5]) {
            (1, 1) => message.extend(blob(5)),
            (1, _) => message.push(0),
            (15, 7) => message.extend(blob(12)),
            (15, 10) | (16, 25) => message.extend(blob(4)),
            (16, 4 | 5) => message.extend(blob(16).chain([16, 0, 0, 0])),
            (16, 6) => message.extend(blob(4).chain([4, 0, 0, 0])),
            (16, 12) if mood == 0 => message.extend(blob(1)),
            (16, 12) => message.extend(blob(u32::from(mood))),
            (16, 14) => message.extend(blob(u32::from(mood)).chain(blob(16)).chain([16, 0, 0, 0])),
            (14, 66) => message.extend(blob(62)),
            _ => {}
        }
        match (call[6], call[5], mood) {
            (16, 25, 0) => message.push(0),
            (16, 12 | 14, 1..=150) => message.extend([mood, 0, 0, 0]),
            (_, _, 0..=20) => message.extend([0; 4]),
            (_, _, 21..=80) => message.extend([mood & 7, 0, 0, 0]),
            (_, _, 81..=120) => message.extend([0xFF; 4]),
            _ => {
                let more = self.world.byte() & 0x3F;
                message.extend((0..more).map(|_| self.world.byte()));
            }
        }
        self.say(&message);
    }

    fn event(&mut self) {
        let id = self.world.byte();
        let mut message = vec![1, 1, 19, 1, 1, 0, 0, 0, 48, 0, 0, 0, id];
        message.extend((0..47).map(|_| self.world.byte()));
        self.say(&message);
    }

    fn call_back(&mut self) {
        let method = self.world.byte();
        let mut message = vec![0, method, 19, 1, 9, 0, 0, 0];
        let more = self.world.byte() & 0x7F;
        message.extend((0..more).map(|_| self.world.byte()));
        self.say(&message);
    }

    fn say(&mut self, message: &[u8]) {
        let size = message.len() as u16;
        self.says.extend(size.to_le_bytes());
        self.says.extend(crc(message).to_le_bytes());
        self.says.extend(message);
    }

    fn garbage(&mut self) {
        let length = self.world.byte();
        let bytes: Vec<u8> = (0..length).map(|_| self.world.byte()).collect();
        self.says.extend(bytes);
    }
}

/// Bit by bit, as the protocol says it.
fn crc(bytes: &[u8]) -> u16 {
    let mut crc = 0xEF4A_u16;
    for byte in bytes {
        crc ^= u16::from(*byte) << 8;
        for _ in 0..8 {
            crc = (crc << 1) ^ if crc & 0x8000 == 0 { 0 } else { 0x1021 };
        }
    }
    crc
}

impl UartLink for Chip {
    fn read(&mut self, buf: &mut [u8]) -> Result<usize, LineError> {
        self.world.pass(LOOK);
        if self.well_behaved == 0 {
            match self.world.peek() {
                0xFA => {
                    self.world.byte();
                    return Err(LineError::Lost);
                }
                0xFB => {
                    self.world.byte();
                    return Err(LineError::Bus);
                }
                0xFC if !self.framed => self.garbage(),
                _ => {}
            }
        }
        let count = buf.len().min(self.says.len()).min(self.capacity);
        for (place, byte) in buf.iter_mut().zip(self.says.drain(..count)) {
            *place = byte;
        }
        Ok(count)
    }

    fn write(&mut self, bytes: &[u8]) -> Result<usize, LineError> {
        self.world.pass(LOOK);
        let count = bytes.len().min(self.fifo);
        self.heard.extend_from_slice(&bytes[..count]);
        self.think();
        Ok(count)
    }

    fn flush(&mut self) -> nb::Result<(), LineError> {
        Ok(())
    }

    fn capacity(&self) -> usize {
        self.capacity
    }

    fn set_baud(&mut self, _: u32) -> Result<(), LineError> {
        if self.fixed_baud { Err(LineError::Unsupported) } else { Ok(()) }
    }

    fn set_enabled(&mut self, enabled: bool) -> Result<(), LineError> {
        if !self.wired {
            return Err(LineError::Unsupported);
        }
        if !enabled {
            self.heard.clear();
            self.says.clear();
        }
        Ok(())
    }
}

/// What a look at the line takes.
const LOOK: Duration = Duration::from_micros(20);
