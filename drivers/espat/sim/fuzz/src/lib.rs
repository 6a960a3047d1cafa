//! What the fuzzer does with a simulated modem: any traffic on its line, over a network with moods.
//! Nothing may panic or hang, what is said is bounded, and a reset always helps.

mod network;

use core::time::Duration;

use espat_sim::{Chunks, Config, Fault, FaultRates, Modem, Persona};
use netdev::Instant;
use netdev_sim::UartChip;

use network::Moody;

/// Reads `input` as a persona, a mood of the network, habits, and things that happen.
pub fn traffic(input: &[u8]) {
    let mut input = Input(input);
    let persona = Persona::ALL[usize::from(input.byte()) % Persona::ALL.len()];
    let network = Moody::new(u64::from(input.byte()));
    let habits = input.byte();
    let mut config = Config::new(persona);
    config.stored = Some(("test-ap".into(), "test-pass".into()));
    config.chunks = [Chunks::Auto, Chunks::Calls, Chunks::Line][usize::from(habits & 3) % 3];
    config.races = (habits & 4 != 0).then_some(u64::from(habits));
    if habits & 8 != 0 {
        let all = Fault::ALL.into_iter();
        config.faults = all.fold(FaultRates::default(), |rates, (_, it)| rates.with(it, 0.05));
    }
    config.poll = Duration::from_millis(20);
    config.unix_time = (habits & 16 != 0).then_some(1_700_000_000);
    config.latency = Duration::from_millis(u64::from(habits >> 7));
    let mut line = Line { modem: Modem::new(config, Box::new(network)), now: Instant::START };
    line.pass(Duration::from_secs(1));
    if habits & 32 != 0 {
        for command in [&b"ATE0\r\n"[..], b"AT+CIPMUX=1\r\n", b"AT+CIPSERVER=1,80\r\n"] {
            line.chunk(command);
            line.pass(Duration::from_millis(5));
        }
    }
    while !input.0.is_empty() {
        line.step(&mut input);
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

    /// Up to and without the next line feed.
    fn line(&mut self) -> &'a [u8] {
        let length = self.0.iter().position(|byte| *byte == b'\n').unwrap_or(self.0.len());
        let line = self.take(length);
        self.take(1);
        line
    }
}

struct Line {
    modem: Modem,
    now: Instant,
}

impl Line {
    /// Most input is text: a line is a command, unless it begins with a byte from 1 to 9.
    fn step(&mut self, input: &mut Input<'_>) {
        match input.0.first().copied().unwrap_or(0) {
            kind @ 1..=9 => {
                input.byte();
                self.act(kind, input);
            }
            _ => {
                let mut command = b"AT".to_vec();
                command.extend_from_slice(input.line());
                command.extend_from_slice(b"\r\n");
                self.chunk(&command);
                self.pass(Duration::from_millis(2));
            }
        }
    }

    fn act(&mut self, kind: u8, input: &mut Input<'_>) {
        let many = usize::from(input.byte());
        let monitor = self.modem.monitor();
        match kind {
            1 => self.chunk(input.take(many)),
            2 => self.chunk(&vec![b'x'; many * 64]),
            3 => self.pass(Duration::from_millis(8) * u32::try_from(many).unwrap_or(0)),
            4 => {
                self.modem.set_enabled(many & 1 != 0, self.now);
                self.modem.set_enabled(many & 2 != 0, self.now);
            }
            5 => self.modem.set_clear_to_send(many & 1 != 0, self.now),
            6 => monitor.arm(Fault::ALL[many % Fault::ALL.len()].1),
            7 => match many % 8 {
                0 => monitor.vanish(),
                1 => monitor.come_back(),
                2 => monitor.set_leases(false),
                3 => monitor.set_leases(true),
                4 => monitor.reboot(),
                5 => monitor.station_joins([2, 0, 0, 0, 0, 1], [192, 168, 4, 2].into()),
                6 => monitor.station_leaves([2, 0, 0, 0, 0, 1]),
                _ => monitor.say(b"something\r\n"),
            },
            8 => {
                for byte in input.take(many) {
                    self.chunk(&[*byte]);
                }
            }
            // Nobody reads for a while.
            _ => {
                for _ in 0..many {
                    self.modem.receive(b"AT+GMR\r\n", self.now);
                }
            }
        }
    }

    fn chunk(&mut self, bytes: &[u8]) {
        self.modem.receive(bytes, self.now);
    }

    /// Lets time pass, in the steps that the modem asks for.
    fn pass(&mut self, length: Duration) {
        let end = self.now + length;
        let mut buf = [0; 1024];
        for _ in 0..STEPS {
            let mut said = 0;
            loop {
                let count = self.modem.transmit(&mut buf, self.now);
                said += count;
                assert!(said <= LOUDEST, "so much at one moment");
                if count == 0 {
                    break;
                }
            }
            let next = self.modem.next_step().unwrap_or(end);
            self.now = next.max(self.now + Duration::from_micros(200)).min(end);
            if self.now >= end {
                break;
            }
        }
        self.now = end;
    }

    /// Whatever was before: after a reset the modem tells its version.
    fn recover(&mut self, persona: &Persona) {
        self.modem.set_clear_to_send(true, self.now);
        self.modem.set_enabled(false, self.now);
        self.modem.set_enabled(true, self.now);
        let version = persona.version.as_bytes();
        let mut said = Vec::new();
        let mut buf = vec![0; 16_384];
        // Mischief may strike here, too, but not for ever.
        for _ in 0..60 {
            self.pass(Duration::from_millis(500));
            self.chunk(b"\r\n");
            self.pass(Duration::from_secs(2));
            self.chunk(b"AT+GMR\r\n");
            // At 80 baud the silence after a chunk is long.
            for _ in 0..3 {
                self.now = self.now + Duration::from_secs(1);
                let count = self.modem.transmit(&mut buf, self.now);
                said.extend_from_slice(&buf[..count]);
            }
            if said.windows(version.len()).any(|part| part == version) {
                return;
            }
        }
        assert!(version.is_empty(), "a reset always helps");
    }
}

/// Steps of one pause.
const STEPS: usize = 60;
/// What may be said at one moment: the ring, and what waited for room in it.
const LOUDEST: usize = 1 << 17;
