//! READY, chip-select and reset, and what becomes of cycles that break the rules.

mod common;

use core::time::Duration;

use common::{Host, bytes, config, framed, hex, millis};
use netdev_sim::SpiChip;

const VERSION: &str = "e0 b7 01 06 32 2e 30 2e 30 00 ee 00";

fn version(host: &mut Host) -> String {
    hex(&host.call(&framed("37 00")))
}

#[test]
fn ready_is_high_from_the_fall_of_chip_select_until_the_reply_is_armed() {
    let mut host = Host::joined();
    host.wait_ready(millis(10)).unwrap();
    host.chip.select(host.now);
    assert!(host.busy());
    host.chip.transfer(&framed("37 00"), &mut [0; 4], host.now);
    host.chip.deselect(host.now);
    assert!(host.busy());
    let took = host.wait_ready(millis(10)).unwrap();
    assert_eq!(took, Duration::from_micros(140));
    assert_eq!(hex(&host.reply()), VERSION);
    assert_eq!(host.wait_ready(millis(10)), Some(Duration::from_micros(140)));
}

#[test]
fn the_turnaround_can_be_anything() {
    for turnaround in [Duration::ZERO, Duration::from_micros(1200)] {
        let mut config = config();
        config.turnaround = turnaround;
        let mut host = Host::joined_with(config);
        host.wait(millis(5));
        host.cycle(&framed("37 00"));
        assert_eq!(host.wait_ready(millis(10)), Some(turnaround));
    }
}

#[test]
fn an_empty_cycle_re_arms_a_receive() {
    let mut host = Host::joined();
    host.wait_ready(millis(10)).unwrap();
    host.cycle(&[]);
    assert!(host.busy());
    host.wait_ready(millis(10)).unwrap();
    assert_eq!(version(&mut host), VERSION);
    assert_eq!(host.chip.counters().empty_cycles, 1);
    assert_eq!(host.offences(), []);
}

#[test]
fn an_empty_cycle_loses_a_pending_reply() {
    let mut host = Host::joined();
    host.send(&framed("20 00"));
    host.wait_ready(millis(10)).unwrap();
    host.cycle(&[]);
    assert_eq!(version(&mut host), VERSION);
    assert_eq!(host.offences(), [("replies_lost", 1)]);
}

#[test]
fn a_reply_read_in_part_is_gone() {
    let mut host = Host::joined();
    host.send(&framed("37 00"));
    host.wait_ready(millis(10)).unwrap();
    assert_eq!(hex(&host.cycle(&[0xFF; 4])), "e0 b7 01 06");
    assert_eq!(version(&mut host), VERSION);
    assert_eq!(host.offences(), [("replies_cut", 1)]);
}

#[test]
fn q24_a_command_while_a_reply_is_pending_reads_that_reply_and_is_lost() {
    let mut host = Host::joined();
    host.send(&framed("20 00"));
    host.wait(millis(60_000));
    assert_eq!(hex(&host.cycle(&framed("37 00"))), "e0 a0 01 01");
    assert_eq!(version(&mut host), VERSION);
    assert_eq!(host.chip.counters().commands_swallowed, 1);
}

#[test]
fn resynchronisation_works_from_both_phases() {
    let mut host = Host::joined();
    // In phase: the read begins with the reply to 0x37.
    assert!(version(&mut host).starts_with("e0 b7"));
    // A stale reply swallows the 0x37, the read cycle is taken for a command, one more read.
    host.send(&framed("20 00"));
    host.wait_ready(millis(10)).unwrap();
    host.cycle(&framed("37 00"));
    host.wait_ready(millis(10)).unwrap();
    let filler = host.cycle(&[0xFF; 12]);
    assert!(!filler.starts_with(&[0xE0, 0xB7]));
    host.wait_ready(millis(10)).unwrap();
    assert!(host.cycle(&[0xFF; 12]).starts_with(&[0xEF, 0x00, 0xEE]));
    assert_eq!(version(&mut host), VERSION);
}

#[test]
fn reading_past_the_end_gives_filler_and_breaks_nothing() {
    let mut host = Host::joined();
    host.send(&framed("20 00"));
    host.wait_ready(millis(10)).unwrap();
    assert_eq!(hex(&host.cycle(&[0; 10])), "e0 a0 01 01 03 ee 00 00 ff ff");
    assert_eq!(version(&mut host), VERSION);
    assert_eq!(host.offences(), []);
}

#[test]
fn a_busy_chip_hears_nothing() {
    let mut host = Host::joined();
    host.send(&framed("37 00"));
    assert!(host.busy());
    // Still within the 140 us.
    assert_eq!(hex(&host.cycle(&framed("20 00"))), "ff ff ff ff");
    assert_eq!(hex(&host.reply()), VERSION);
    assert_eq!(host.offences(), [("cs_low_while_busy", 1)]);
}

#[test]
fn a_slave_armed_in_the_middle_of_a_cycle_is_misaligned() {
    let mut host = Host::joined();
    host.send(&framed("37 00"));
    host.chip.select(host.now);
    let mut miso = [0; 4];
    host.chip.transfer(&[0xFF; 4], &mut miso, host.now);
    assert_eq!(miso, [0xFF; 4]);
    host.now = host.now + millis(1);
    host.chip.transfer(&[0xFF; 4], &mut miso, host.now);
    assert_eq!(hex(&miso), "e0 b7 01 06");
    host.chip.deselect(host.now);
    assert_eq!(version(&mut host), VERSION);
}

#[test]
fn a_partial_word_at_the_end_is_lost_if_the_slave_loses_it() {
    for (lose, first) in [(true, 0xEF), (false, 0xE0)] {
        let mut config = config();
        config.lose_partial_word = lose;
        let mut host = Host::joined_with(config);
        host.send(&bytes("e0 37 00"));
        assert_eq!(host.reply()[0], first);
        assert_eq!(host.chip.counters().unaligned_commands, 1);
    }
}

#[test]
fn chip_select_may_stay_low_over_several_transfers() {
    let mut host = Host::joined();
    host.wait_ready(millis(10)).unwrap();
    host.chip.select(host.now);
    for byte in framed("37 00") {
        host.now = host.now + Duration::from_micros(1);
        host.chip.transfer(&[byte], &mut [0], host.now);
    }
    host.chip.deselect(host.now);
    assert_eq!(hex(&host.reply()), VERSION);
}

#[test]
fn a_reset_boots_again_and_forgets_everything() {
    let mut host = Host::joined();
    let peer = host.connect(0, 7000);
    host.chip.set_gpio0(Some(true), host.now);
    host.chip.set_reset(true, host.now);
    host.wait(millis(10));
    assert!(host.busy());
    host.chip.set_reset(false, host.now);
    assert_eq!(host.wait_ready(millis(750)), Some(millis(300)));
    host.chip.set_gpio0(None, host.now);
    assert!(host.net.is_closed(peer));
    assert_eq!(host.ask("20 00"), "01 00");
    assert_eq!(host.free_slot(), 0);
    assert_eq!(host.chip.counters().resets, 1);
    assert_eq!(host.offences(), []);
}

#[test]
fn chip_select_low_at_boot_is_bluetooth_until_the_next_reset() {
    let mut host = Host::booted(config());
    host.chip.set_reset(true, host.now);
    host.chip.select(host.now);
    host.chip.set_reset(false, host.now);
    assert_eq!(host.wait_ready(millis(1000)), None);
    host.chip.deselect(host.now);
    assert_eq!(host.wait_ready(millis(1000)), None);
    assert_eq!(host.chip.counters().cs_low_at_boot, 1);
    host.chip.set_reset(true, host.now);
    host.chip.set_reset(false, host.now);
    assert_eq!(host.wait_ready(millis(1000)), Some(millis(300)));
}

#[test]
fn gpio0_low_at_boot_is_the_rom_downloader() {
    let mut host = Host::booted(config());
    host.chip.set_reset(true, host.now);
    host.chip.set_gpio0(Some(false), host.now);
    host.chip.set_reset(false, host.now);
    host.chip.set_gpio0(Some(true), host.now);
    assert_eq!(host.wait_ready(millis(1000)), None);
}

#[test]
fn debug_output_slows_every_byte_down() {
    let mut host = Host::joined();
    assert_eq!(host.ask("1a 01 01 01"), "01 01");
    host.send(&framed("37 00"));
    let took = host.wait_ready(millis(20)).unwrap();
    // Four bytes and twelve, looked for every ten microseconds.
    let printed = Duration::from_micros(140 + 16 * 174);
    assert!(took >= printed && took < printed + Duration::from_micros(10), "{took:?}");
}
