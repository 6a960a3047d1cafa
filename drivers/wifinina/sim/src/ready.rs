//! The SPI slave: what is armed, what is clocked, and the READY line that follows from it.

use crate::frame::{BUFFER, END, REPLY_FLAG, START};

/// What the host reads where the slave sends nothing.
pub(crate) const FILLER: u8 = 0xFF;

/// The slave peripheral. It alternates strictly between receiving and transmitting; the firmware
/// arms it each time.
#[derive(Debug, Default)]
pub(crate) struct Slave {
    armed: Armed,
    selected: bool,
    /// Chip-select fell after the arming; the interrupt on that edge raises READY.
    fell: bool,
    /// Bytes clocked since the arming, the lost ones included.
    clocked: usize,
    /// First bytes that the host sent while the slave transmitted.
    ignored: Vec<u8>,
}

#[derive(Debug, Default)]
enum Armed {
    #[default]
    Nothing,
    Receive(Vec<u8>),
    Transmit(Vec<u8>),
}

/// What a chip-select cycle came to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Cycle {
    /// The slave was not armed: it heard nothing.
    Deaf,
    /// No clock while a command was expected; the firmware goes round its loop.
    Empty,
    /// A command; `clocked` may be more than was kept.
    Command { bytes: Vec<u8>, clocked: usize },
    /// The reply is gone, read or not.
    Reply { clocked: usize, length: usize, cut: bool, swallowed: bool },
}

impl Slave {
    /// As after a reset: nothing armed. Chip-select stays where it is.
    pub(crate) fn disarm(&mut self) {
        self.armed = Armed::Nothing;
        self.fell = false;
    }

    pub(crate) fn arm_receive(&mut self) {
        self.arm(Armed::Receive(Vec::new()));
    }

    pub(crate) fn arm_transmit(&mut self, reply: Vec<u8>) {
        self.arm(Armed::Transmit(reply));
    }

    fn arm(&mut self, armed: Armed) {
        self.armed = armed;
        self.fell = false;
        self.clocked = 0;
        self.ignored.clear();
    }

    /// Chip-select falls; says whether the slave was armed.
    pub(crate) fn select(&mut self) -> bool {
        self.selected = true;
        self.fell = self.is_armed();
        self.fell
    }

    /// Clocks bytes. If the slave was armed while chip-select was low already, they count from its
    /// first byte on: a misaligned message.
    pub(crate) fn transfer(&mut self, mosi: &[u8], miso: &mut [u8]) {
        miso.fill(FILLER);
        if !self.selected {
            return;
        }
        match &mut self.armed {
            Armed::Nothing => return,
            Armed::Receive(buffer) => {
                let room = BUFFER - buffer.len();
                buffer.extend_from_slice(mosi.get(..room).unwrap_or(mosi));
            }
            Armed::Transmit(reply) => {
                let rest = reply.get(self.clocked..).unwrap_or(&[]);
                for (to, from) in miso.iter_mut().zip(rest) {
                    *to = *from;
                }
                let wanted = 4_usize.saturating_sub(self.ignored.len());
                self.ignored.extend_from_slice(mosi.get(..wanted).unwrap_or(mosi));
            }
        }
        self.clocked += mosi.len();
    }

    /// Chip-select rises: the transaction is over, and with `lose_partial` the last partial word
    /// of a command is missing.
    pub(crate) fn deselect(&mut self, lose_partial: bool) -> Cycle {
        self.selected = false;
        let clocked = self.clocked;
        match core::mem::take(&mut self.armed) {
            Armed::Nothing => Cycle::Deaf,
            Armed::Receive(_) if clocked == 0 => Cycle::Empty,
            Armed::Receive(mut bytes) => {
                if lose_partial {
                    bytes.truncate(bytes.len() / 4 * 4);
                }
                Cycle::Command { bytes, clocked }
            }
            Armed::Transmit(reply) => {
                let end = reply.iter().rposition(|byte| *byte == END).unwrap_or(0);
                let opcode = self.ignored.get(1).copied().unwrap_or(REPLY_FLAG);
                let swallowed = self.ignored.len() == 4
                    && self.ignored.first() == Some(&START)
                    && opcode < REPLY_FLAG;
                Cycle::Reply { clocked, length: reply.len(), cut: clocked <= end, swallowed }
            }
        }
    }

    /// READY: high unless armed and not yet selected.
    pub(crate) fn is_busy(&self) -> bool {
        !self.is_armed() || self.fell
    }

    pub(crate) fn is_selected(&self) -> bool {
        self.selected
    }

    fn is_armed(&self) -> bool {
        !matches!(self.armed, Armed::Nothing)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clock(slave: &mut Slave, mosi: &[u8]) -> Vec<u8> {
        let mut miso = vec![0; mosi.len()];
        slave.transfer(mosi, &mut miso);
        miso
    }

    #[test]
    fn ready_is_low_only_while_armed_and_not_selected() {
        let mut slave = Slave::default();
        assert!(slave.is_busy());
        slave.arm_receive();
        assert!(!slave.is_busy());
        assert!(slave.select());
        assert!(slave.is_busy());
        assert_eq!(slave.deselect(true), Cycle::Empty);
        assert!(slave.is_busy());
    }

    #[test]
    fn a_slave_armed_while_selected_starts_with_the_next_byte() {
        let mut slave = Slave::default();
        assert!(!slave.select());
        assert_eq!(clock(&mut slave, &[1, 2]), [FILLER; 2]);
        slave.arm_receive();
        clock(&mut slave, &[3, 4, 5, 6]);
        assert_eq!(slave.deselect(true), Cycle::Command { bytes: vec![3, 4, 5, 6], clocked: 4 });
    }

    #[test]
    fn reading_past_the_reply_gives_filler() {
        let mut slave = Slave::default();
        slave.arm_transmit(vec![0xEF, 0, 0xEE, 0]);
        slave.select();
        assert_eq!(clock(&mut slave, &[0; 3]), [0xEF, 0, 0xEE]);
        assert_eq!(clock(&mut slave, &[0; 3]), [0, FILLER, FILLER]);
        let cycle = Cycle::Reply { clocked: 6, length: 4, cut: false, swallowed: false };
        assert_eq!(slave.deselect(true), cycle);
    }

    #[test]
    fn commands_are_cut_at_the_buffer_and_may_lose_their_last_word() {
        let mut slave = Slave::default();
        slave.arm_receive();
        slave.select();
        clock(&mut slave, &vec![7; 5000]);
        let Cycle::Command { bytes, clocked } = slave.deselect(true) else { panic!() };
        assert_eq!((bytes.len(), clocked), (BUFFER, 5000));
        slave.arm_receive();
        slave.select();
        clock(&mut slave, &[1, 2, 3, 4, 5, 6]);
        assert_eq!(slave.deselect(true), Cycle::Command { bytes: vec![1, 2, 3, 4], clocked: 6 });
    }
}
