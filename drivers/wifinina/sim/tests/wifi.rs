//! Joining, losing, leaving, and being an access point.

mod common;

use common::{Host, config, framed, millis};
use wifinina_sim::{AccessPoint, Config};

#[test]
fn a_join_is_in_progress_as_1_and_then_3() {
    let mut host = Host::booted(config());
    assert_eq!(host.ask("20 00"), "01 00");
    host.send(&framed("11 02 09 6f7261636c652d6170 08 70617373776f7264"));
    let restart = host.wait_ready(millis(1000)).unwrap();
    assert_eq!(restart, millis(40));
    host.reply();
    assert_eq!(host.ask("20 00"), "01 01");
    host.wait(millis(200));
    assert_eq!(host.ask("20 00"), "01 03");
    assert_eq!(host.ask("1f 00"), "01 00");
}

#[test]
fn a_wrong_passphrase_ends_as_6_with_reason_15() {
    let mut host = Host::booted(config());
    host.ask("11 02 09 6f7261636c652d6170 08 77726f6e67212121");
    host.wait(millis(500));
    assert_eq!(host.ask("20 00"), "01 06");
    assert_eq!(host.ask("1f 00"), "01 0f");
    host.join();
}

#[test]
fn an_unknown_network_ends_as_4_with_reason_201() {
    let mut host = Host::booted(config());
    host.ask("11 02 04 6e6f6e65 08 70617373776f7264");
    host.wait(millis(500));
    assert_eq!(host.ask("20 00"), "01 04");
    assert_eq!(host.ask("1f 00"), "01 c9");
}

#[test]
fn the_default_network_is_test_ap() {
    let mut host = Host::booted(Config::default());
    host.ask("11 02 07 746573742d6170 09 746573742d70617373");
    host.wait(millis(500));
    assert_eq!(host.ask("20 00"), "01 03");
    assert_eq!(host.ask("23 00"), "07 74 65 73 74 2d 61 70");
}

#[test]
fn an_open_network_needs_no_passphrase() {
    let mut config = config();
    config.access_points.push(AccessPoint::new("open", ""));
    let mut host = Host::booted(config);
    host.ask("10 01 04 6f70656e");
    host.wait(millis(500));
    assert_eq!(host.ask("20 00"), "01 03");
    assert_eq!(host.ask("26 00"), "01 07");
}

#[test]
fn joining_again_while_connected_passes_through_6() {
    let mut host = Host::joined();
    let peer = host.connect(0, 7000);
    host.ask("11 02 09 6f7261636c652d6170 08 70617373776f7264");
    assert_eq!(host.ask("20 00"), "01 06");
    assert!(host.net.is_closed(peer));
    host.wait(millis(200));
    assert_eq!(host.ask("20 00"), "01 03");
}

#[test]
fn reason_203_joins_again_by_itself() {
    let mut host = Host::joined();
    host.chip.monitor().drop_link(203);
    assert_eq!(host.ask("20 00"), "01 06");
    host.wait(millis(300));
    assert_eq!(host.ask("20 00"), "01 03");
    host.chip.monitor().drop_link(200);
    host.wait(millis(3000));
    assert_eq!(host.ask("20 00"), "01 06");
}

#[test]
fn nothing_connects_without_a_network() {
    let mut host = Host::booted(config());
    host.net.serve(7000);
    assert_eq!(host.ask("2d 04 04 7f000001 02 1b58 01 00 01 00"), "");
    assert_eq!(host.ask("34 01 06 612e74657374"), "01 00");
    assert_eq!(host.ask("28 03 02 0050 01 00 01 00"), "01 01", "listening needs none");
}

#[test]
fn an_access_point_of_its_own() {
    let mut host = Host::joined();
    assert_eq!(host.ask("19 03 02 6170 05 7368727431 01 06"), "01 00", "too short");
    assert_eq!(host.ask("20 00"), "01 09");
    assert_eq!(host.ask("19 03 02 6170 08 6c6f6e6765723132 01 06"), "01 01");
    assert_eq!(host.ask("20 00"), "01 07");
    assert_eq!(host.ask("21 00"), "04 c0 a8 04 01 04 ff ff ff 00 04 c0 a8 04 01");
    assert_eq!(host.ask("23 00"), "02 61 70");
    assert_eq!(host.ask("24 00"), "06 03 02 01 c4 0a 24");
    assert_eq!(host.ask("25 00"), "04 00 00 00 00");
    host.listen(0, 80);
    host.net.dial(80, 4000).unwrap();
    assert_eq!(host.accept(0), 1);
    host.ask("30 00");
    assert_eq!(host.ask("20 00"), "01 00");
    assert_eq!(host.offences(), []);
}

#[test]
fn a_ping_that_nobody_answers_takes_five_seconds() {
    let mut config = config();
    config.pingable.push(([10, 0, 0, 9].into(), millis(25)));
    let mut host = Host::joined_with(config);
    assert_eq!(host.ask("3e 02 04 0a000009 01 40"), "02 14 00", "in ticks of 10 ms");
    host.send(&framed("3e 02 04 0a000063 01 40"));
    assert_eq!(host.wait_ready(millis(4_900)), None);
    assert_eq!(host.reply()[4..6], [0xFF, 0xFF]);
}

#[test]
fn small_things_about_the_chip() {
    let mut config = config();
    config.unix_time = 1_700_000_000;
    let mut host = Host::booted(config);
    assert_eq!(host.ask("1b 00"), "04 00 00 56 42");
    assert_eq!(host.ask("3b 00"), "04 00 f1 53 65");
    assert_eq!(host.ask("16 01 03 626f78"), "01 01");
    assert_eq!(host.ask("17 01 01 01"), "01 01");
    assert_eq!(host.offences(), []);
}
