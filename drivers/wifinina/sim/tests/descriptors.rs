//! The commands on raw descriptors (0x70 to 0x7F).

mod common;

use common::{Host, data_command, framed, hex, millis};

const NON_BLOCKING: &str = "04 7e660480 04 01000000";

#[test]
fn a_non_blocking_connect_is_in_progress_until_it_is_writable() {
    let mut host = Host::joined();
    host.net.silence(7000);
    let fd = host.stream();
    assert_eq!(fd, 54);
    let connect = "76 03 01 36 04 7f000001 02 1b58";
    assert_eq!(host.ask(connect), "01 00");
    assert_eq!(host.errno(), 119);
    assert_eq!(host.errno(), 119, "asking does not clear it");
    assert_eq!(host.ask(connect), "01 00");
    assert_eq!(host.errno(), 120);
    assert_eq!(host.call(&framed("7c 01 01 36"))[4] & !4, 0);
    host.net.answer(7000);
    host.wait(millis(1));
    assert_eq!(host.call(&framed("7c 01 01 36"))[4] & !4, 2);
    assert_eq!(host.ask(connect), "01 00");
    assert_eq!(host.errno(), 127);
    assert_eq!(host.send_fd(54, b"hello"), 5);
    let peer = host.net.peer(7000);
    assert_eq!(host.net.take(peer), b"hello");
    assert_eq!(host.ask("7f 01 01 36"), "01 01 04 7f 00 00 01 02 58 1b");
    assert_eq!(host.ask("71 01 01 36"), "01 01");
    assert!(host.net.is_closed(peer));
    assert_eq!(host.offences(), []);
}

#[test]
fn a_refused_connect_is_reset_and_tells_so_once() {
    let mut host = Host::joined();
    host.stream();
    host.ask("76 03 01 36 04 7f000001 02 0001");
    assert_eq!(host.errno(), 119);
    assert_eq!(host.call(&framed("7c 01 01 36"))[4] & !4, 3);
    assert_eq!(host.ask("7e 03 01 36 04 07100000 01 04"), "04 68 00 00 00");
    assert_eq!(host.ask("7e 03 01 36 04 07100000 01 04"), "04 00 00 00 00");
    assert_eq!(host.ask("7e 03 01 36 04 08100000 01 04"), "04 01 00 00 00");
}

#[test]
fn a_blocking_connect_keeps_the_chip_until_it_is_given_up() {
    let mut host = Host::joined();
    host.net.silence(7000);
    assert_eq!(host.ask("70 02 01 01 01 00"), "01 36");
    host.send(&framed("76 03 01 36 04 7f000001 02 1b58"));
    assert_eq!(host.wait_ready(millis(17_000)), None);
    assert_eq!(host.reply()[4], 0);
    assert_eq!(host.errno(), 113);
}

#[test]
fn reading_tells_nothing_yet_from_the_end() {
    let mut host = Host::joined();
    host.net.serve(7000);
    host.stream();
    host.ask("76 03 01 36 04 7f000001 02 1b58");
    assert_eq!(host.ask_wide("78 02 01 36 02 6400"), b"");
    assert_eq!(host.errno(), 11);
    let peer = host.net.peer(7000);
    host.net.push(peer, b"world!");
    host.net.close(peer);
    assert_eq!(host.ask("7b 03 01 36 04 7f660440 04 00000000"), "04 06 00 00 00");
    assert_eq!(host.ask_wide("78 02 01 36 02 0400"), b"worl");
    assert_eq!(host.ask_wide("78 02 01 36 02 6400"), b"d!");
    host.wait(millis(1));
    assert_eq!(host.ask_wide("78 02 01 36 02 6400"), b"");
    assert_eq!(host.errno(), 128);
}

#[test]
fn a_blocking_read_freezes_the_chip_until_there_is_something() {
    let mut host = Host::joined();
    let peer = host.connect(0, 7000);
    // The slot's descriptor, made blocking again.
    host.ask("7b 03 01 36 04 7e660480 04 00000000");
    host.send(&framed("78 02 01 36 02 6400"));
    assert_eq!(host.wait_ready(millis(10_000)), None);
    host.net.push(peer, b"x");
    host.wait_ready(millis(1)).unwrap();
    assert_eq!(hex(&host.reply()), "e0 f8 01 00 01 78 ee 00");
}

#[test]
fn a_receive_time_out_ends_a_blocking_read() {
    let mut host = Host::joined();
    host.connect(0, 7000);
    host.ask("7b 03 01 36 04 7e660480 04 00000000");
    assert_eq!(host.ask("7d 03 01 36 04 06100000 08 01000000 00000000"), "01 01");
    host.send(&framed("78 02 01 36 02 6400"));
    assert_eq!(host.wait_ready(millis(900)), None);
    assert!(host.wait_ready(millis(200)).is_some());
    host.reply();
    assert_eq!(host.errno(), 11);
}

#[test]
fn a_listener_of_descriptors_accepts() {
    let mut host = Host::joined();
    host.stream();
    assert_eq!(host.ask("73 02 01 36 02 0050"), "01 01");
    assert_eq!(host.ask("74 02 01 36 01 04"), "01 01");
    assert!(host.ask("75 01 01 36").starts_with("01 ff 04"));
    assert_eq!(host.errno(), 11);
    let peer = host.net.dial(80, 0x1234).unwrap();
    assert_eq!(host.call(&framed("7c 01 01 36"))[4] & !4, 1);
    assert_eq!(host.ask("75 01 01 36"), "01 37 04 7f 00 00 01 02 34 12");
    assert!(!host.data_ready(), "GPIO0 knows nothing of these");
    host.net.push(peer, b"hi");
    host.wait(millis(100));
    assert!(!host.data_ready());
    assert_eq!(host.ask_wide("78 02 01 37 02 6400"), b"hi");
    // A second socket on the same port.
    host.stream();
    assert_eq!(host.ask("73 02 01 38 02 0050"), "01 00");
    assert_eq!(host.errno(), 112);
}

#[test]
fn a_full_send_queue_cuts_non_blocking_writes() {
    let mut host = Host::joined();
    host.net.serve(7000);
    host.stream();
    host.ask("76 03 01 36 04 7f000001 02 1b58");
    host.wait(millis(1));
    let peer = host.net.peer(7000);
    host.net.set_room(peer, 0);
    for _ in 0..5 {
        assert_eq!(host.send_fd(54, &[1; 1000]), 1000);
    }
    assert_eq!(host.send_fd(54, &[1; 1000]), 744, "as was seen on the real code");
    assert_eq!(host.send_fd(54, &[1; 1000]), 0);
    assert_eq!(host.errno(), 11);
    host.net.set_room(peer, 1000);
    host.wait(millis(1));
    assert_eq!(host.send_fd(54, &[1; 2000]), 1000);
    // What was queued goes out after the close, too.
    host.ask("71 01 01 36");
    assert!(!host.net.is_closed(peer));
    host.net.set_room(peer, usize::MAX);
    host.wait(millis(1));
    assert_eq!(host.net.take(peer).len(), 6744);
    assert!(host.net.is_closed(peer));
}

#[test]
fn datagrams_of_descriptors() {
    let mut host = Host::joined();
    assert_eq!(host.ask("70 02 01 02 01 00"), "01 36");
    host.ask(&format!("7b 03 01 36 {NON_BLOCKING}"));
    assert_eq!(host.ask("73 02 01 36 02 0100"), "01 01");
    let reply = host.call(&framed("79 04 0001 36 0004 7f000001 0002 0200 0003 616263"));
    assert_eq!(hex(&reply), "e0 f9 01 02 00 03 ee 00");
    assert_eq!(host.net.sent(), [(b"abc".to_vec(), 0x0200)]);
    host.net.datagram(0x0100, b"hello", 0x1234);
    host.net.datagram(0x0100, b"", 0x1234);
    let reply = host.call(&framed("7a 02 01 36 02 0400"));
    assert_eq!(hex(&reply), "e0 fa 03 00 04 7f 00 00 01 00 02 34 12 00 04 68 65 6c 6c ee");
    let reply = host.call(&framed("7a 02 01 36 02 0400"));
    assert_eq!(hex(&reply), "e0 fa 03 00 04 7f 00 00 01 00 02 34 12 00 00 ee");
    host.call(&framed("7a 02 01 36 02 0400"));
    assert_eq!(host.errno(), 11);
    let reply = host.call(&framed(&format!(
        "79 04 0001 36 0004 7f000001 0002 0200 05c1 {}",
        "00".repeat(1473)
    )));
    assert_eq!(reply[4..6], [0, 0], "nothing fragments");
}

#[test]
fn a_bad_descriptor_is_ebadf_everywhere() {
    let mut host = Host::joined();
    for command in ["71 01 01 3f", "73 02 01 3f 02 0050", "74 02 01 3f 01 01"] {
        assert_eq!(host.ask(command), "01 00");
        assert_eq!(host.errno(), 9, "{command}");
    }
    host.call(&data_command(0x77, 63, b"x"));
    assert_eq!(host.errno(), 9);
    assert_eq!(host.ask("7b 03 01 3f 04 7e660480 04 01000000"), "00");
    assert_eq!(host.errno(), 9);
}

#[test]
fn errno_is_the_command_loops_own_whatever_the_gpio0_updater_does() {
    let mut config = common::config();
    config.persona = &wifinina_sim::Persona::ADAFRUIT_3_3_0;
    let mut host = Host::joined_with(config);
    // A listener that nobody calls: each look of the updater ends in "not yet".
    host.listen(0, 80);
    host.net.silence(7000);
    let fd = host.stream();
    host.ask(&format!("76 03 01 {fd:02x} 04 7f000001 02 1b58"));
    host.wait(millis(20));
    assert_eq!(host.errno(), 119);
}
