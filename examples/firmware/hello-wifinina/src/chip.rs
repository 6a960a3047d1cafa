//! The scripted chip: frames in, frames out, and one visitor.
//!
//! It answers as firmware 2.0.0 does, as far as a server that joins, listens, accepts, reads and
//! writes gets to see it, and answers everything else as the firmware answers unknown commands.

use crate::visit::Visit;

const START: u8 = 0xE0;
const END: u8 = 0xEE;
const REPLY: u8 = 0x80;
const NONE: u8 = 255;

/// Longest command and reply that the script needs.
const BUFFER: usize = 2560;

/// Address of the visitor, and its port.
const VISITOR: [u8; 4] = [192, 168, 4, 2];
const VISITOR_PORT: u16 = 40_000;
/// The visitor's descriptor.
const VISITOR_FD: u8 = 55;

const MAC: [u8; 6] = [0x02, 0, 0, 0, 0, 0x01];
const GATEWAY: [u8; 4] = [192, 168, 4, 254];
/// Address, mask, gateway.
const ADDRESSES: [[u8; 4]; 3] = [[192, 168, 4, 1], [255, 255, 255, 0], GATEWAY];

/// A chip with a listener at most and one visitor.
pub struct Chip {
    selected: bool,
    frame: Frame,
    /// The frame is a reply that has not been fetched.
    replying: bool,
    /// Bytes clocked since chip-select fell.
    clocked: usize,
    listener: u8,
    client: u8,
    visit: Visit,
}

/// A command as it comes in, or a reply as it goes out.
struct Frame {
    bytes: [u8; BUFFER],
    length: usize,
}

impl Chip {
    /// A chip that has started and joined nothing.
    pub const fn new() -> Self {
        let frame = Frame { bytes: [0; BUFFER], length: 0 };
        Self {
            selected: false,
            frame,
            replying: false,
            clocked: 0,
            listener: NONE,
            client: NONE,
            visit: Visit::new(),
        }
    }

    /// Chip-select falls.
    pub fn select(&mut self) {
        self.selected = true;
        self.clocked = 0;
        if !self.replying {
            self.frame.length = 0;
        }
    }

    /// Chip-select rises: a fetched reply is gone, a command is carried out.
    pub fn deselect(&mut self) {
        if !core::mem::take(&mut self.selected) {
            return;
        }
        if core::mem::take(&mut self.replying) {
            return;
        }
        if self.clocked > 0 {
            self.execute();
            self.replying = true;
        }
    }

    /// Whether chip-select is low.
    pub fn is_selected(&self) -> bool {
        self.selected
    }

    /// One byte each way.
    pub fn exchange(&mut self, byte: u8) -> u8 {
        let place = self.clocked;
        self.clocked += 1;
        if self.replying {
            return self
                .frame
                .bytes
                .get(place)
                .copied()
                .filter(|_| place < self.frame.length)
                .unwrap_or(0);
        }
        self.frame.push(byte);
        0xFF
    }

    fn execute(&mut self) {
        let command = &self.frame.bytes[..self.frame.length];
        let [START, opcode, ..] = *command else { return self.frame.refuse() };
        let wide = matches!(opcode, 0x44 | 0x45 | 0x46);
        let (first, second) = (parameter(command, 0, wide), parameter(command, 1, wide));
        let slot = first.first().copied().unwrap_or(NONE);
        match opcode {
            0x10 | 0x11 | 0x16 | 0x17 | 0x1A | 0x2A | 0x30 => self.frame.answer(opcode, &[&[1]]),
            0x1E => self.frame.answer(opcode, &[&GATEWAY, &GATEWAY]),
            0x1F => self.frame.answer(opcode, &[&[0]]),
            0x20 => self.frame.answer(opcode, &[&[3]]),
            0x21 => self.frame.answer(opcode, &ADDRESSES.each_ref().map(|one| &one[..])),
            0x22 => self.frame.answer(opcode, &[&MAC]),
            0x37 => self.frame.answer(opcode, &[b"2.0.0\0"]),
            0x3B => self.frame.answer(opcode, &[&[0; 4]]),
            0x3F => {
                let free = self.free_slot();
                self.frame.answer(opcode, &[&[free]]);
            }
            0x28 => {
                self.listener = second.first().copied().unwrap_or(NONE);
                self.frame.answer(opcode, &[&[1]]);
            }
            0x29 => {
                let state = u8::from(slot == self.listener);
                self.frame.answer(opcode, &[&[state]]);
            }
            0x2B => self.available(slot),
            0x2E => self.stop(slot),
            0x2F => {
                let state = if slot == self.client { 4 } else { 0 };
                self.frame.answer(opcode, &[&[state]]);
            }
            0x3A => self.frame.answer(opcode, &[&VISITOR, &VISITOR_PORT.to_be_bytes()]),
            0x44 => {
                self.visit.hears(second);
                let taken = (second.len() as u16).to_le_bytes();
                self.frame.answer(opcode, &[&taken]);
            }
            0x45 => {
                let most = second.first_chunk::<2>().map_or(0, |most| u16::from_le_bytes(*most));
                let said = if slot == self.client { self.visit.says(most.into()) } else { &[] };
                self.frame.answer(opcode, &[said]);
            }
            0x72 => self.frame.answer(opcode, &[&[0]]),
            0x7B => self.frame.answer(opcode, &[&[1, 0, 0, 0]]),
            0x7F => {
                let known = u8::from(slot == VISITOR_FD && self.client != NONE);
                self.frame.answer(opcode, &[&[known], &VISITOR, &VISITOR_PORT.to_le_bytes()]);
            }
            _ => self.frame.refuse(),
        }
    }

    /// AVAIL_DATA_TCP: accepts on a listener, counts bytes on a connection.
    fn available(&mut self, slot: u8) {
        let count = if slot == self.listener {
            if self.client == NONE && self.visit.arrives() {
                self.client = self.free_slot();
                self.client.into()
            } else {
                NONE.into()
            }
        } else if slot == self.client {
            self.visit.waiting() as u16
        } else {
            0
        };
        self.frame.answer(0x2B, &[&count.to_le_bytes()]);
    }

    /// STOP_CLIENT_TCP.
    fn stop(&mut self, slot: u8) {
        if slot == self.client && slot != NONE {
            self.client = NONE;
            self.visit.ends();
        }
        self.frame.answer(0x2E, &[&[1]]);
    }

    fn free_slot(&self) -> u8 {
        (0..10).find(|slot| *slot != self.listener && *slot != self.client).unwrap_or(NONE)
    }
}

/// A parameter of a command; empty where there is none.
fn parameter(command: &[u8], index: usize, wide: bool) -> &[u8] {
    let mut rest = command.get(3..).unwrap_or_default();
    for skipped in 0..=index {
        let (length, after) = match *rest {
            [high, low, ref after @ ..] if wide => {
                (usize::from(high) << 8 | usize::from(low), after)
            }
            [length, ref after @ ..] if !wide => (usize::from(length), after),
            _ => return &[],
        };
        let Some((data, next)) = after.split_at_checked(length) else { return &[] };
        if skipped == index {
            return data;
        }
        rest = next;
    }
    &[]
}

impl Frame {
    /// Replaces the frame by a reply with these parameters.
    fn answer(&mut self, opcode: u8, parameters: &[&[u8]]) {
        self.length = 0;
        self.push(START);
        self.push(opcode | REPLY);
        self.push(parameters.len() as u8);
        for parameter in parameters {
            let [high, low] = (parameter.len() as u16).to_be_bytes();
            if opcode == 0x45 {
                self.push(high);
            }
            self.push(low);
            parameter.iter().for_each(|byte| self.push(*byte));
        }
        self.push(END);
        self.pad();
    }

    /// Replaces the frame by the reply to what nobody knows.
    fn refuse(&mut self) {
        self.length = 0;
        [0xEF, 0x00, END].iter().for_each(|byte| self.push(*byte));
        self.pad();
    }

    fn pad(&mut self) {
        while !self.length.is_multiple_of(4) {
            self.push(0);
        }
    }

    fn push(&mut self, byte: u8) {
        if let Some(place) = self.bytes.get_mut(self.length) {
            *place = byte;
            self.length += 1;
        }
    }
}
