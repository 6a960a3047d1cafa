//! Whatever the bus brings, the chip goes on, and a reset always helps.

mod common;

use std::sync::{Arc, Mutex};

use common::{Host, config, framed, hex, millis};
use netdev_sim::SpiChip;
use wifinina_sim::Persona;

/// Numbers without a pattern, the same in each run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u32) -> u32 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        u32::try_from(self.0 >> 33).unwrap_or(0) % sides
    }

    fn below(&mut self, sides: u8) -> u8 {
        self.roll(sides.into()).to_le_bytes()[0]
    }

    fn byte(&mut self) -> u8 {
        self.roll(256).to_le_bytes()[0]
    }
}

/// Small numbers are slots, lengths and modes; 54 to 63 are descriptors.
fn plausible(dice: &mut Dice) -> u8 {
    match dice.roll(4) {
        0 => dice.byte(),
        1 => 54 + dice.below(10),
        _ => dice.below(5),
    }
}

fn reset(host: &mut Host) {
    host.chip.set_reset(true, host.now);
    host.chip.set_reset(false, host.now);
    host.now = host.now + millis(300);
    assert!(!host.busy(), "a reset always helps");
}

#[test]
fn commands_of_garbage_never_stop_the_chip_for_good() {
    for (seed, persona) in Persona::ALL.into_iter().enumerate() {
        let mut dice = Dice(seed as u64);
        let mut config = config();
        config.persona = persona;
        let mut host = Host::joined_with(config);
        host.net.serve(0x0101);
        for _ in 0..20_000 {
            let length = usize::from(dice.below(32));
            let mut command: Vec<u8> = (0..length).map(|_| plausible(&mut dice)).collect();
            for (byte, fixed) in command.iter_mut().zip([0xE0, 0x10 + dice.below(0x70)]) {
                *byte = fixed;
            }
            host.cycle(&command);
            host.now = host.now + millis(dice.roll(3).into());
            host.cycle(&[0xFF; 16]);
            host.now = host.now + millis(dice.roll(3).into());
            if host.busy() {
                reset(&mut host);
            }
            if dice.roll(50) == 0 {
                host.net.dial(0x0101, 4000);
                host.chip.monitor().drop_link(dice.byte());
            }
        }
        assert!(host.chip.counters().commands > 10_000, "{:?}", host.chip.counters());
        reset(&mut host);
        assert!(host.ask("37 00").starts_with("06"));
    }
}

#[test]
fn every_bit_of_a_connect_may_flip() {
    let command = framed("2d 04 04 7f000001 02 1b58 01 00 01 00");
    for bit in 0..command.len() * 8 {
        let mut host = Host::joined();
        host.net.serve(7000);
        let mut flipped = command.clone();
        flipped[bit / 8] ^= 0x80 >> (bit % 8);
        host.call(&flipped);
        assert_eq!(host.ask("20 00"), "01 03", "bit {bit}");
    }
}

#[test]
fn the_trace_tells_commands_and_replies() {
    let lines = Arc::new(Mutex::new(Vec::new()));
    let mut config = config();
    let sink = Arc::clone(&lines);
    config.trace = Some(Box::new(move |_, line| sink.lock().unwrap().push(line.to_string())));
    let mut host = Host::joined_with(config);
    lines.lock().unwrap().clear();
    let peer = host.connect(0, 7000);
    host.net.push(peer, b"world!");
    host.send_tcp(0, b"hello");
    host.read_tcp(0, 100);
    host.ask("38 01 01 00");
    host.send(&framed("20 00"));
    host.wait_ready(millis(1)).unwrap();
    host.cycle(&[]);
    host.ask("3a 01 01 00");
    let expected = [
        "START_CLIENT_TCP 127.0.0.1:7000 slot 0 TCP -> 1",
        "SEND_DATA_TCP slot 0 5 bytes \"hello\" -> 5",
        "GET_DATABUF_TCP slot 0 100 -> 6 bytes \"world!\"",
        "STOP_SERVER_TCP slot 0 -> error",
        "GET_CONN_STATUS -> 3 (lost: nothing was clocked)",
        "GET_REMOTE_DATA slot 0 -> 127.0.0.1:7000",
    ];
    assert_eq!(*lines.lock().unwrap(), expected);
}

#[test]
fn a_run_in_virtual_time_is_the_same_each_time() {
    let run = || {
        let mut host = Host::joined();
        host.listen(0, 80);
        let mut seen = Vec::new();
        for index in 0..20 {
            let peer = host.net.dial(80, 4000 + index).unwrap();
            host.net.push(peer, &[1; 100]);
            let slot = host.accept(0);
            seen.push(hex(&host.read_tcp(slot, 100)));
            seen.push(host.ask("7f 01 01 3f"));
            host.stop(slot);
            seen.push(host.now.to_string());
        }
        seen
    };
    assert_eq!(run(), run());
}
