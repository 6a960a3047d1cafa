//! What the personas do differently.

mod common;

use common::{Host, config, framed, millis};
use wifinina_sim::{AccessPoint, Persona};

fn host(persona: &'static Persona) -> Host {
    let mut config = config();
    config.persona = persona;
    let mut host = Host::booted(config);
    host.ask("11 02 09 6f7261636c652d6170 08 70617373776f7264");
    host.wait(millis(500));
    assert_eq!(host.ask("20 00"), "01 03", "{}", persona.name);
    host
}

#[test]
fn arduino_1_4_8_has_neither_accept_flag_nor_descriptors() {
    let mut host = host(&Persona::ARDUINO_1_4_8);
    assert_eq!(host.ask("37 00"), "06 31 2e 34 2e 38 00");
    assert_eq!(host.ask("1e 00"), "error");
    assert_eq!(host.ask("70 02 01 01 01 00"), "error");
    host.listen(0, 80);
    let peer = host.net.dial(80, 4000).unwrap();
    assert_eq!(host.accept(0), 255, "not before it has data");
    host.net.push(peer, b"x");
    assert_eq!(host.accept(0), 1);
    host.net.dial(80, 4001).unwrap();
    assert_eq!(host.try_listen(2, 80), "01 01", "says so although the port is taken");
}

#[test]
fn the_probes_of_the_document_tell_the_lines_apart() {
    for (persona, time, dns) in [
        (&Persona::ARDUINO_2_0_0, 4, false),
        (&Persona::ARDUINO_1_4_8, 4, true),
        (&Persona::ADAFRUIT_1_7_7, 4, true),
        (&Persona::ADAFRUIT_3_3_0, 8, false),
    ] {
        let mut host = host(persona);
        assert_eq!(host.call(&framed("3b 00"))[3], time, "{}", persona.name);
        assert_eq!(host.ask("1e 00") == "error", dns, "{}", persona.name);
    }
}

#[test]
fn adafruit_3_has_six_sockets_from_58_and_natural_addresses() {
    let mut host = host(&Persona::ADAFRUIT_3_3_0);
    assert_eq!(host.ask("22 00"), "06 24 0a c4 01 02 03");
    assert_eq!(host.ask("24 00"), "06 02 00 5e 10 20 30");
    assert_eq!(host.ask("70 02 01 01 01 00"), "01 3a");
    for slot in 0..5 {
        host.connect(slot, 7000);
    }
    assert_eq!(host.ask("2d 04 04 7f000001 02 1b58 01 05 01 00"), "");
}

#[test]
fn adafruit_3_frees_only_slots_of_its_own_connects() {
    let mut host = host(&Persona::ADAFRUIT_3_3_0);
    host.listen(0, 80);
    assert_eq!(host.state(0), 0);
    assert_eq!(host.free_slot(), 1, "the listener's slot is still taken");
    let peer = host.connect(1, 7000);
    host.net.close(peer);
    host.wait(millis(10));
    assert_eq!(host.state(1), 0);
    assert_eq!(host.free_slot(), 1);
}

#[test]
fn q30_adafruit_3_has_no_cap_and_takes_an_error_for_a_count() {
    for (fails, count) in [(false, 20), (true, 254)] {
        let mut config = config();
        config.persona = &Persona::ADAFRUIT_3_3_0;
        config.access_points = (0..20).map(|n| AccessPoint::new(&format!("ap{n}"), "")).collect();
        config.scan_fails = fails;
        let mut host = Host::booted(config);
        let reply = host.call(&framed("27 00"));
        assert_eq!(reply[..3], [0xE0, 0xA7, count]);
        assert_eq!(reply.len() == 4 && reply[3] == 0xEE, fails, "nothing behind an error's count");
    }
}

#[test]
fn q30_arduino_reports_ten_networks_at_most_and_none_after_an_error() {
    for (fails, count) in [(false, 10), (true, 0)] {
        let mut config = config();
        config.access_points = (0..20).map(|n| AccessPoint::new(&format!("ap{n}"), "")).collect();
        config.scan_fails = fails;
        let mut host = Host::booted(config);
        assert_eq!(host.call(&framed("27 00"))[2], count);
    }
}

#[test]
fn q31_adafruit_3_says_yes_to_another_port_and_goes_on_with_the_old_one() {
    let mut host = host(&Persona::ADAFRUIT_3_3_0);
    host.listen(0, 80);
    assert_eq!(host.try_listen(0, 81), "01 01");
    assert!(host.net.dial(81, 4000).is_none());
    assert!(host.net.dial(80, 4000).is_some());
}

#[test]
fn q32_every_join_counts() {
    let mut host = host(&Persona::ADAFRUIT_3_3_0);
    assert_eq!(host.chip.counters().joins, 1);
    host.ask("11 02 09 6f7261636c652d6170 08 70617373776f7264");
    assert_eq!(host.chip.counters().joins, 2);
}

#[test]
fn adafruit_3_gives_up_on_a_stalled_peer_after_ten_seconds() {
    let mut host = host(&Persona::ADAFRUIT_3_3_0);
    host.listen(0, 80);
    let peer = host.net.dial(80, 4000).unwrap();
    assert_eq!(host.available_with(0, 0), 1, "both modes accept at once");
    host.net.set_room(peer, 0);
    assert_eq!(host.send_tcp(1, &vec![1; 4000]), 4000);
    host.send(&common::data_command(0x44, 1, &vec![1; 4000]));
    assert_eq!(host.wait_ready(millis(9_900)), None);
    assert_eq!(host.reply()[4..6], 1744_u16.to_le_bytes());
}

#[test]
fn q29_adafruit_3_keeps_the_last_address_after_a_failure() {
    let mut host = host(&Persona::ADAFRUIT_3_3_0);
    host.net.name("a.test", [10, 1, 2, 3].into());
    assert_eq!(host.ask("34 01 06 612e74657374"), "01 01");
    assert_eq!(host.ask("34 01 06 622e74657374"), "01 00");
    assert_eq!(host.ask("35 00"), "04 0a 01 02 03");
}

#[test]
fn adafruit_3_makes_a_socket_for_a_destination() {
    let mut host = host(&Persona::ADAFRUIT_3_3_0);
    assert_eq!(host.ask("2d 04 04 7f000001 02 0200 01 00 01 01"), "01 01");
    host.call(&common::data_command(0x46, 0, b"hi"));
    assert_eq!(host.ask("39 01 01 00"), "01 01");
    assert_eq!(host.net.sent(), [(b"hi".to_vec(), 0x0200)]);
}

#[test]
fn adafruit_3_stops_before_a_bind_and_keeps_the_destination() {
    let mut host = host(&Persona::ADAFRUIT_3_3_0);
    for _ in 0..10 {
        assert_eq!(host.ask("2d 04 04 7f000001 02 0200 01 00 01 01"), "01 01");
        assert_eq!(host.ask("28 03 02 0100 01 00 01 01"), "01 01", "no socket leaks");
    }
    host.net.datagram(0x0100, b"hello", 0x0200);
    host.wait(millis(50));
    assert_eq!(host.available(0), 5);
    assert_eq!(host.ask("28 03 02 0100 01 00 01 01"), "01 01");
    assert_eq!(host.available(0), 0);
    host.call(&common::data_command(0x46, 0, b"hi"));
    assert_eq!(host.ask("39 01 01 00"), "01 01");
    assert_eq!(host.net.sent(), [(b"hi".to_vec(), 0x0200)]);
}
