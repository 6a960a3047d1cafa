//! Holds a command against its shape. The firmware does not, and takes what it finds.

use crate::command::{self, Field};
use crate::counters::Monitor;
use crate::frame::{BUFFER, Command, END, START};
use crate::persona::Persona;

/// Counts what is wrong with the form of `command`, of which `clocked` bytes came.
pub(crate) fn check(command: &Command, clocked: usize, persona: &Persona, monitor: &Monitor) {
    if clocked > BUFFER {
        monitor.count(|c| c.long_commands += 1);
    }
    if !clocked.is_multiple_of(4) {
        monitor.count(|c| c.unaligned_commands += 1);
    }
    if command.byte(0) != START || command.opcode() >= 0x80 {
        monitor.count(|c| c.bad_starts += 1);
        return;
    }
    let opcode = command.opcode();
    if !persona.has(opcode) {
        monitor.count(|c| c.unknown_opcodes += 1);
        return;
    }
    let Some(info) = command::info(opcode) else { return };
    if info.shapes.is_empty() {
        return;
    }
    match params(command.received(), info.wide) {
        None => monitor.count(|c| c.malformed_commands += 1),
        Some((params, end)) => {
            shape(&params, info.shapes, persona, monitor);
            if clocked >= end.next_multiple_of(4) + 4 {
                monitor.count(|c| c.excess_padding += 1);
            }
        }
    }
}

/// The params of a command and the offset behind END; `None` if they do not add up.
pub(crate) fn params(bytes: &[u8], wide: bool) -> Option<(Vec<&[u8]>, usize)> {
    let count = *bytes.get(2)?;
    let (mut at, mut params) = (3, Vec::new());
    for _ in 0..count {
        let length = if wide {
            let length = usize::from(u16::from_be_bytes([*bytes.get(at)?, *bytes.get(at + 1)?]));
            at += 2;
            length
        } else {
            at += 1;
            usize::from(*bytes.get(at - 1)?)
        };
        params.push(bytes.get(at..at + length)?);
        at += length;
    }
    (*bytes.get(at)? == END).then_some((params, at + 1))
}

fn shape(params: &[&[u8]], shapes: &[&[Field]], persona: &Persona, monitor: &Monitor) {
    let Some(shape) = shapes.iter().find(|shape| shape.len() == params.len()) else {
        return monitor.count(|c| c.malformed_commands += 1);
    };
    let mut sound = true;
    for (field, param) in shape.iter().zip(params) {
        if !field.takes(param.len()) {
            if field.is_text() {
                monitor.count(|c| c.long_strings += 1);
            } else {
                sound = false;
            }
        }
        if *field == Field::Slot && param.first().is_some_and(|slot| *slot >= persona.sockets) {
            monitor.count(|c| c.invalid_slots += 1);
        }
    }
    if !sound {
        monitor.count(|c| c.malformed_commands += 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Counters;

    fn counted(bytes: &[u8]) -> Counters {
        let monitor = Monitor::default();
        check(&Command::new(bytes), bytes.len(), &Persona::ARDUINO_2_0_0, &monitor);
        monitor.counters()
    }

    #[test]
    fn a_sound_command_is_no_offence() {
        let connect = [0xE0, 0x2D, 4, 4, 127, 0, 0, 1, 2, 0x5A, 0x3C, 1, 0, 1, 0, 0xEE];
        assert_eq!(counted(&connect).offences(), 0);
        assert_eq!(counted(&[0xE0, 0x37, 0, 0xEE]).offences(), 0);
        assert_eq!(counted(&[0xE0, 0x21, 1, 1, 0xFF, 0xEE, 0xFF, 0xFF]).offences(), 0);
    }

    #[test]
    fn each_fault_of_form_has_its_counter() {
        assert_eq!(counted(&[0xE0, 0x37, 0, 0]).malformed_commands, 1);
        assert_eq!(counted(&[0xE0, 0x2E, 0, 0xEE]).malformed_commands, 1);
        assert_eq!(counted(&[0xE0, 0x2E, 1, 2, 0, 0, 0xEE, 0]).malformed_commands, 1);
        assert_eq!(counted(&[0xE0, 0x2E, 1, 1, 10, 0xEE, 0, 0]).invalid_slots, 1);
        assert_eq!(counted(&[0xE0, 0x2E, 1, 1, 0, 0xEE]).unaligned_commands, 1);
        assert_eq!(counted(&[0xE0, 0x37, 0, 0xEE, 0, 0, 0, 0]).excess_padding, 1);
        assert_eq!(counted(&[0xE0, 0x38, 0, 0xEE]).unknown_opcodes, 1);
        assert_eq!(counted(&[0xE1, 0x37, 0, 0xEE]).bad_starts, 1);
        let mut join = vec![0xE0, 0x10, 1, 33];
        join.extend_from_slice(&[b'x'; 33]);
        join.extend_from_slice(&[0xEE, 0, 0]);
        assert_eq!(counted(&join).long_strings, 1);
    }
}
