//! What the fuzzer does with a simulated chip: any traffic on its bus, over a network with moods.
//! Nothing may panic or hang, and a reset always helps.

mod network;

use core::time::Duration;

use netdev::Instant;
use netdev_sim::SpiChip;
use wifinina_sim::{Chip, Config, Persona};

use network::Moody;

/// Reads `input` as a persona, a mood of the network, and things that happen on the bus.
pub fn traffic(input: &[u8]) {
    let mut input = Input(input);
    let persona = Persona::ALL[usize::from(input.byte()) % Persona::ALL.len()];
    let network = Moody::new(u64::from(input.byte()));
    let mut bus = Bus {
        chip: Chip::new(Config::new(persona), Box::new(network)),
        now: Instant::START + BOOT,
    };
    while !input.0.is_empty() {
        bus.step(&mut input);
    }
    bus.recover(persona);
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

struct Bus {
    chip: Chip,
    now: Instant,
}

impl Bus {
    fn step(&mut self, input: &mut Input<'_>) {
        match input.byte() % 9 {
            0 => self.command(input),
            1 => {
                let count = usize::from(input.byte());
                self.cycle(input.take(count));
            }
            2 => self.cycle(&vec![0xFF; 16 * usize::from(input.byte())]),
            3 => self.pass(Duration::from_millis(input.byte().into()) * 8),
            4 => self.reset(input.byte()),
            5 => self.chip.select(self.now),
            6 => {
                let count = usize::from(input.byte());
                self.clock(input.take(count));
                self.pass(Duration::from_micros(input.byte().into()));
            }
            7 => self.chip.deselect(self.now),
            _ => self.chip.monitor().drop_link(input.byte()),
        }
    }

    /// A whole command with parameters of any lengths, and the reading of its reply.
    fn command(&mut self, input: &mut Input<'_>) {
        let (code, shape) = (input.byte(), input.byte());
        let wide = shape & 0x80 != 0;
        let mut frame = vec![0xE0, code & 0x7F, shape & 7];
        for _ in 0..shape & 7 {
            let count = input.byte();
            let param = input.take(count.into());
            if wide {
                frame.push(0);
            }
            frame.push(count);
            frame.extend_from_slice(param);
        }
        frame.push(0xEE);
        frame.resize(frame.len().next_multiple_of(4), 0);
        self.cycle(&frame);
        self.pass(Duration::from_micros(200));
        self.cycle(&[0xFF; 64]);
        self.pass(Duration::from_micros(200));
    }

    fn cycle(&mut self, mosi: &[u8]) {
        self.chip.select(self.now);
        self.clock(mosi);
        self.chip.deselect(self.now);
    }

    fn clock(&mut self, mosi: &[u8]) {
        let mut miso = vec![0; mosi.len()];
        self.chip.transfer(mosi, &mut miso, self.now);
    }

    fn pass(&mut self, length: Duration) {
        self.now = self.now + length;
        self.chip.lines(self.now);
    }

    /// With the boot strap high, low or released.
    fn reset(&mut self, how: u8) {
        let strap = [None, Some(true), Some(false)][usize::from(how) % 3];
        self.chip.set_gpio0(strap, self.now);
        self.chip.set_reset(true, self.now);
        self.chip.set_reset(how & 0x80 != 0, self.now);
    }

    /// Whatever was before: after a reset with its lines at rest the chip tells its version.
    fn recover(&mut self, persona: &Persona) {
        self.chip.deselect(self.now);
        self.chip.set_gpio0(None, self.now);
        self.chip.set_reset(true, self.now);
        self.chip.set_reset(false, self.now);
        self.pass(BOOT);
        assert!(!self.chip.lines(self.now).busy, "a reset always helps");
        self.cycle(&[0xE0, 0x37, 0x00, 0xEE]);
        self.pass(Duration::from_millis(1));
        let mut reply = [0; 12];
        self.chip.select(self.now);
        self.chip.transfer(&[0xFF; 12], &mut reply, self.now);
        self.chip.deselect(self.now);
        assert_eq!(&reply[4..9], persona.version.as_bytes());
    }
}

/// As long as the chip takes to boot, by default.
const BOOT: Duration = Duration::from_millis(300);
