//! A chip of moods: it answers in the right shape, or with anything.

use core::time::Duration;

use wifinina::{BusError, SpiLink};

use super::World;

pub(crate) struct Chip {
    world: World,
    mood: Mood,
    selected: bool,
    command: Vec<u8>,
    /// The command that is to be answered next.
    asked: Option<u8>,
    reply: Vec<u8>,
    /// How many looks READY stays high.
    busy: u32,
    /// Answers that still come in the right shape, whatever the input says.
    well_behaved: u8,
}

/// What the first byte decides.
struct Mood {
    gpio0: bool,
    /// Commands of the BSD kind are unknown.
    old: bool,
    version: &'static [u8],
}

impl Chip {
    pub(crate) fn new(world: World) -> Self {
        let first = world.byte();
        let versions = [b"2.0.0", b"1.4.8", b"3.3.0", b"1.7.7"];
        Self {
            mood: Mood {
                gpio0: first & 1 != 0,
                old: first & 2 != 0,
                version: versions[usize::from(first >> 2 & 3)],
            },
            selected: false,
            command: Vec::new(),
            asked: None,
            reply: Vec::new(),
            busy: 0,
            well_behaved: first >> 4,
            world,
        }
    }

    /// Decides, byte by byte of the input, what the host is going to read.
    fn answer(&mut self, code: u8) {
        let good = self.well_behaved > 0;
        self.well_behaved = self.well_behaved.saturating_sub(1);
        if self.mood.old && (0x70..0x80).contains(&code) {
            self.reply = vec![0xEF, 0, 0xEE, 0];
            return;
        }
        if good && code == 0x37 {
            self.reply = [&b"\xE0\xB7\x01\x06"[..], self.mood.version, b"\0\xEE\0"].concat();
            return;
        }
        match if good { 0 } else { self.world.byte() } {
            0..=199 => self.shaped(code),
            200..=219 => self.headed(code),
            220..=229 => self.reply = vec![0xEF, 0, 0xEE, 0],
            _ => self.garbage(),
        }
    }

    /// A sound reply; only the values are the input's.
    fn shaped(&mut self, code: u8) {
        let world = self.world.clone();
        let wide = matches!(code, 0x45 | 0x78 | 0x7A);
        let shape: Vec<usize> = match code {
            0x1E => vec![4, 4],
            0x21 => vec![4, 4, 4],
            0x22 | 0x3C => vec![6],
            0x25 | 0x32 | 0x35 | 0x3B | 0x7B | 0x7E => vec![4],
            0x27 => vec![usize::from(world.byte() & 0x1F); usize::from(world.byte() & 0xF)],
            0x2B | 0x3E | 0x44 | 0x77 | 0x79 => vec![2],
            0x37 => vec![6],
            0x3A => vec![4, 2],
            0x45 | 0x78 => vec![world.byte().into()],
            0x7A => vec![4, 2, world.byte().into()],
            0x7F => vec![1, 4, 2],
            _ => vec![1],
        };
        self.reply = vec![0xE0, code | 0x80, shape.len() as u8];
        for length in shape {
            if wide {
                self.reply.push(0);
            }
            self.reply.push(length as u8);
            self.reply.extend((0..length).map(|_| world.byte()));
        }
        self.reply.push(0xEE);
    }

    /// The right beginning, and then anything.
    fn headed(&mut self, code: u8) {
        self.garbage();
        self.reply.splice(..0, [0xE0, code | 0x80]);
    }

    fn garbage(&mut self) {
        let length = self.world.byte() & 0x3F;
        self.reply = (0..length).map(|_| self.world.byte()).collect();
    }

    fn mishap(&mut self) -> Result<(), BusError> {
        if self.well_behaved == 0 && self.world.byte() == 0xFB { Err(BusError) } else { Ok(()) }
    }
}

impl SpiLink for Chip {
    fn select(&mut self) -> Result<(), BusError> {
        self.mishap()?;
        self.selected = true;
        self.command.clear();
        Ok(())
    }

    fn deselect(&mut self) -> Result<(), BusError> {
        self.selected = false;
        if self.command.is_empty() {
            return Ok(());
        }
        self.asked = self.command.get(1).copied();
        self.reply.clear();
        self.busy = match if self.well_behaved > 0 { 0 } else { self.world.byte() } {
            late @ 200..=249 => 20 * u32::from(late - 199),
            250.. => u32::MAX,
            _ => 1,
        };
        Ok(())
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), BusError> {
        self.command.extend_from_slice(bytes);
        Ok(())
    }

    fn read(&mut self, bytes: &mut [u8]) -> Result<(), BusError> {
        if let Some(code) = self.asked.take() {
            self.answer(code);
        }
        bytes.fill(0xFF);
        let count = bytes.len().min(self.reply.len());
        for (byte, told) in bytes.iter_mut().zip(self.reply.drain(..count)) {
            *byte = told;
        }
        Ok(())
    }

    fn busy(&mut self) -> Result<bool, BusError> {
        self.world.pass(LOOK);
        if self.selected {
            return Ok(self.busy != u32::MAX);
        }
        let busy = self.busy > 0;
        self.busy = if self.busy == u32::MAX { self.busy } else { self.busy.saturating_sub(1) };
        Ok(busy)
    }

    fn data_ready(&mut self) -> Result<Option<bool>, BusError> {
        Ok(self.mood.gpio0.then(|| self.world.byte() & 1 != 0))
    }

    fn set_reset(&mut self, asserted: bool) -> Result<(), BusError> {
        if asserted {
            self.asked = None;
            self.busy = 0;
        }
        Ok(())
    }

    fn set_boot_strap(&mut self, _: bool) -> Result<(), BusError> {
        Ok(())
    }
}

/// What a look at READY takes. Long, so that waiting ends soon.
const LOOK: Duration = Duration::from_micros(100);
