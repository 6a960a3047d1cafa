//! The document's quirks (section 8), each as a test that names it.

mod common;

use common::{Host, data_command, framed, hex, millis};

#[test]
fn q1_the_accept_flag_comes_from_padding_in_the_one_param_form() {
    let mut host = Host::joined();
    host.listen(0, 80);
    host.net.dial(80, 4000).unwrap();
    // Padded with 0x00: the mode that waits for data.
    let reply = host.call(&common::bytes("e0 2b 01 01 00 ee 00 00"));
    assert_eq!(reply[4], 255);
    host.net.dial(80, 4001).unwrap();
    // Padded with 0xFF: the mode that accepts.
    let reply = host.call(&common::bytes("e0 2b 01 01 00 ee ff ff"));
    assert_eq!(reply[4], 1);
    assert_eq!(host.chip.counters().accept_by_padding, 2);
}

#[test]
fn q1_a_peer_taken_by_one_mode_is_invisible_to_the_other() {
    let mut host = Host::joined();
    host.listen(0, 80);
    let peer = host.net.dial(80, 4000).unwrap();
    assert_eq!(host.available_with(0, 0), 255);
    assert_eq!(host.accept(0), 255);
    host.net.push(peer, b"GET");
    assert_eq!(host.accept(0), 255);
    assert_eq!(host.available_with(0, 0), 1);
    assert_eq!(host.available_with(0, 0), 1, "the same until drained");
    assert_eq!(host.read_tcp(1, 100), b"GET");
    assert_eq!(host.available_with(0, 0), 255);
}

#[test]
fn q2_the_mac_is_reversed_and_so_is_the_bssid() {
    let mut host = Host::joined();
    assert_eq!(host.ask("22 00"), "06 03 02 01 c4 0a 24");
    assert_eq!(host.ask("24 00"), "06 30 20 10 5e 00 02");
}

#[test]
fn q3_a_stopped_listener_keeps_its_port_and_spoils_its_slot() {
    let mut host = Host::joined();
    host.listen(0, 80);
    host.stop(0);
    assert_eq!(host.free_slot(), 0);
    assert_eq!(host.ask("29 01 01 00"), "01 01", "it still listens");
    assert_eq!(host.try_listen(1, 80), "01 00", "its port is taken");
    // The slot as a client: only reading works.
    let peer = host.connect(0, 7000);
    host.net.push(peer, b"hello");
    assert_eq!(host.available(0), 255);
    assert_eq!(host.send_tcp(0, b"x"), 0);
    assert_eq!(host.read_tcp(0, 100), b"hello");
    assert_eq!(host.chip.counters().listeners_stopped, 1);
}

#[test]
fn q3_listening_again_in_the_slot_leaks_the_old_socket() {
    let mut host = Host::joined();
    host.listen(0, 80);
    assert_eq!(host.try_listen(0, 80), "01 00");
    assert_eq!(host.ask("29 01 01 00"), "01 00", "the slot forgot its listener");
    host.listen(0, 81);
    // 54 leaked, 55 is the new listener.
    assert_eq!(host.ask("70 02 01 01 01 00"), "01 38");
}

#[test]
fn q4_the_state_query_frees_listeners_and_udp_slots() {
    let mut host = Host::joined();
    host.listen(0, 80);
    assert_eq!(host.ask("28 03 02 0100 01 01 01 01"), "01 01");
    assert_eq!(host.free_slot(), 2);
    assert_eq!((host.state(0), host.state(1)), (0, 0));
    assert_eq!(host.free_slot(), 0);
    assert_eq!(host.chip.counters().state_of_non_streams, 2);
}

#[test]
fn q5_unread_tcp_data_in_a_lower_slot_starves_udp_in_a_higher() {
    let mut host = Host::joined();
    let peer = host.connect(0, 7000);
    assert_eq!(host.ask("28 03 02 0100 01 01 01 01"), "01 01");
    host.net.push(peer, b"unread");
    host.wait(millis(50));
    host.net.datagram(0x0100, b"late", 9);
    host.wait(millis(500));
    assert_eq!(host.available(1), 0);
    assert_eq!(host.read_tcp(0, 100), b"unread");
    host.wait(millis(50));
    assert_eq!(host.available(1), 4);
}

#[test]
fn q6_starting_on_an_occupied_slot_leaks_until_the_pool_is_empty() {
    let mut host = Host::joined();
    for _ in 0..10 {
        host.connect(0, 7000);
    }
    assert_eq!(host.ask("2d 04 04 7f000001 02 1b58 01 00 01 00"), "", "no descriptor is left");
    assert_eq!(host.try_listen(1, 80), "01 00");
    assert_eq!(host.ask("70 02 01 01 01 00"), "01 ff");
    assert_eq!(host.errno(), 23);
    assert_eq!(host.chip.counters().starts_on_occupied, 10);
}

#[test]
fn q7_a_datagram_that_arrives_redirects_the_one_that_leaves() {
    let mut host = Host::joined();
    assert_eq!(host.ask("28 03 02 0100 01 00 01 01"), "01 01");
    assert_eq!(host.ask("2d 04 04 7f000001 02 0200 01 00 01 01"), "01 01");
    assert_eq!(host.ask("46 02 0001 00 0001 78"), "01 01");
    host.net.datagram(0x0100, b"hi", 0x0333);
    host.wait(millis(50));
    assert_eq!(host.ask("39 01 01 00"), "01 01");
    assert_eq!(host.net.sent(), [(b"x".to_vec(), 0x0333)]);
}

#[test]
fn q9_a_stalled_peer_of_an_accepted_socket_freezes_the_whole_chip() {
    let mut host = Host::joined();
    host.listen(0, 80);
    let peer = host.net.dial(80, 4000).unwrap();
    assert_eq!(host.accept(0), 1);
    host.net.set_room(peer, 0);
    let big = vec![7; 4000];
    assert_eq!(host.send_tcp(1, &big), 4000, "it fits the queue");
    host.send(&data_command(0x44, 1, &big));
    assert_eq!(host.wait_ready(millis(20_000)), None, "frozen");
    host.net.set_room(peer, usize::MAX);
    host.wait_ready(millis(1)).unwrap();
    assert_eq!(host.reply()[..6], [0xE0, 0xC4, 1, 2, 0xA0, 0x0F]);
    assert_eq!(host.net.take(peer).len(), 8000);
}

#[test]
fn q9_fionbio_on_the_descriptor_makes_the_write_answer_short() {
    let mut host = Host::joined();
    host.listen(0, 80);
    let peer = host.net.dial(80, 4000).unwrap();
    assert_eq!(host.accept(0), 1);
    host.net.set_room(peer, 0);
    // The listener is 54; the peer's address and port tell that 55 is the one.
    assert_eq!(host.ask("3a 01 01 01"), "04 7f 00 00 01 02 0f a0");
    assert_eq!(&host.ask("7f 01 01 36")[..5], "01 00", "a listener has no peer");
    assert_eq!(host.ask("7f 01 01 37"), "01 01 04 7f 00 00 01 02 a0 0f");
    assert_eq!(host.ask("7b 03 01 37 04 7e660480 04 01000000"), "04 01 00 00 00");
    let big = vec![7; 4000];
    assert_eq!(host.send_tcp(1, &big), 4000);
    assert_eq!(host.send_tcp(1, &big), 1744, "what was left of 5744");
    assert_eq!(host.send_tcp(1, &big), 0);
    assert_eq!(host.state(1), 4, "0 was: would block");
    assert_eq!(host.offences(), []);
}

#[test]
fn q10_losing_the_link_closes_sockets_and_keeps_the_slots() {
    let mut host = Host::joined();
    let peer = host.connect(0, 7000);
    host.listen(1, 80);
    host.chip.monitor().drop_link(200);
    assert_eq!(host.ask("20 00"), "01 06");
    assert_eq!(host.ask("1f 00"), "01 c8");
    assert!(host.net.is_closed(peer));
    assert_eq!(host.free_slot(), 2, "the table still holds it");
    assert_eq!(host.ask("29 01 01 01"), "01 01", "listeners stay");
    assert_eq!(host.state(0), 0);
    assert_eq!(host.free_slot(), 0);
    host.join();
    assert!(host.net.dial(80, 4000).is_some());
    assert_eq!(host.accept(1), 0);
}

#[test]
fn q10_a_stale_number_reaches_somebody_elses_connection() {
    let mut host = Host::joined();
    // What is readable in slot 0 keeps the updater from finding out about slot 1.
    assert_eq!(host.ask("28 03 02 0100 01 00 01 01"), "01 01");
    host.connect(1, 7000);
    host.net.datagram(0x0100, b"unread", 9);
    host.wait(millis(50));
    host.chip.monitor().drop_link(200);
    host.join();
    let other = host.connect(2, 7001);
    host.net.push(other, b"for slot 2");
    host.wait(millis(1));
    assert_eq!(host.read_tcp(1, 4), b"for ");
    assert_eq!(host.read_tcp(2, 100), b"slot 2");
}

#[test]
fn q11_a_new_peer_may_come_under_an_old_slot_number() {
    let mut host = Host::joined();
    host.listen(0, 80);
    let first = host.net.dial(80, 4000).unwrap();
    host.net.push(first, b"a");
    assert_eq!(host.available_with(0, 0), 1);
    assert_eq!(host.read_tcp(1, 10), b"a");
    host.net.close(first);
    // The server's walk closes 55 and takes 56; the next peer is given 55 again, and slot 1 goes
    // on holding that number.
    host.net.dial(80, 4001).unwrap();
    let third = host.net.dial(80, 4002).unwrap();
    host.net.push(third, b"c");
    assert_eq!(host.available_with(0, 0), 255);
    assert_eq!(host.available_with(0, 0), 1, "another peer, the same slot");
}

#[test]
fn q12_and_q22_oversize_requests_are_counted() {
    let mut host = Host::joined();
    let peer = host.connect(0, 7000);
    host.net.push(peer, &vec![1; 5744]);
    host.call(&framed("45 02 0001 00 0002 f70f"));
    assert_eq!(host.chip.counters().oversize_requests, 1);
    assert_eq!(host.ask("70 02 01 02 01 00"), "01 37");
    host.ask("7b 03 01 37 04 7e660480 04 01000000");
    host.call(&framed("7a 02 01 37 02 ed0f"));
    assert_eq!(host.chip.counters().oversize_requests, 2);
}

#[test]
fn q13_and_q14_memory_that_would_be_corrupted_is_counted() {
    let mut host = Host::joined();
    assert_eq!(host.ask("28 03 02 0100 01 00 01 01"), "01 01");
    host.ask("2d 04 04 7f000001 02 0200 01 00 01 01");
    host.call(&data_command(0x46, 0, &[1; 1400]));
    host.call(&data_command(0x46, 0, &[1; 200]));
    assert_eq!(host.chip.counters().datagram_overflows, 1);
    host.stop(255);
    assert_eq!(host.chip.counters().invalid_slots, 1);
}

#[test]
fn q15_no_data_reads_as_ff_and_a_free_slot_as_00() {
    let mut host = Host::joined();
    host.connect(0, 7000);
    assert_eq!(host.ask("2c 02 01 00 01 00"), "01 ff");
    assert_eq!(host.ask("2c 02 01 05 01 00"), "01 00");
}

#[test]
fn q19_bit_04_of_the_poll_is_garbage() {
    let mut host = Host::joined();
    assert_eq!(host.ask("70 02 01 02 01 00"), "01 36");
    let flags: Vec<_> = (0..40).map(|_| host.call(&framed("7c 01 01 36"))[4]).collect();
    assert!(flags.iter().all(|flags| flags & !4 == 2), "{flags:?}");
    assert!(flags.contains(&2) && flags.contains(&6), "{flags:?}");
    assert_eq!(host.ask("7c 01 01 3f"), "01 80");
}

#[test]
fn q21_and_q28_addresses_of_dead_sockets_are_garbage() {
    let mut host = Host::joined();
    let peer = host.connect(0, 7000);
    host.net.close(peer);
    host.wait(millis(50));
    let remote = host.ask("3a 01 01 00");
    assert_ne!(remote, "04 7f 00 00 01 02 1b 58");
    assert_ne!(remote, "04 00 00 00 00 02 00 00");
    assert_eq!(host.ask("3a 01 01 01"), "04 00 00 00 00 02 00 00", "a free slot gives zeros");
    assert!(host.ask("7f 01 01 3f").starts_with("01 00 04"));
}

#[test]
fn q25_a_scan_drops_the_link() {
    let mut host = Host::joined();
    let peer = host.connect(0, 7000);
    assert_eq!(host.ask("36 00"), "01 01");
    assert_eq!(host.ask("27 00"), "09 6f 72 61 63 6c 65 2d 61 70");
    assert_eq!(host.ask("20 00"), "01 02");
    assert!(host.net.is_closed(peer));
    assert_eq!(host.ask("32 01 01 00"), "04 d6 ff ff ff");
    assert_eq!(host.ask("33 01 01 00"), "01 04");
    assert_eq!(host.ask("3c 01 01 00"), "06 30 20 10 5e 00 02");
    assert_eq!(host.ask("3d 01 01 00"), "01 06");
    assert_eq!(host.offences(), []);
}

#[test]
fn q26_encryption_and_address_are_stale_when_disconnected() {
    let mut host = Host::joined();
    assert_eq!(host.ask("26 00"), "01 04");
    assert_eq!(host.ask("30 00"), "01 01");
    assert_eq!(host.ask("20 00"), "01 06");
    assert_eq!(host.ask("1f 00"), "01 08");
    assert_eq!(host.ask("26 00"), "01 07");
    assert_eq!(host.ask("23 00"), "00");
    assert!(host.ask("21 00").starts_with("04 7f 00 00 01"));
    host.wait(millis(120_000));
    assert!(host.ask("21 00").starts_with("04 00 00 00 00"));
    assert_eq!(host.ask("20 00"), "01 05");
}

#[test]
fn q26_a_static_address_is_sticky() {
    let mut host = Host::joined();
    host.ask("14 04 01 00 04 0a000005 04 0a000001 04 ffffff00");
    host.ask("30 00");
    host.join();
    assert_eq!(host.ask("21 00"), "04 0a 00 00 05 04 ff ff ff 00 04 0a 00 00 01");
    assert_eq!(host.ask("1e 00"), "04 00 00 00 00 04 00 00 00 00");
}

#[test]
fn q16_a_static_address_is_answered_with_0() {
    let mut host = Host::joined();
    assert_eq!(host.ask("14 04 01 00 04 0a000005 04 0a000001 04 ffffff00"), "01 00");
    assert!(host.ask("21 00").starts_with("04 0a 00 00 05"));
}

#[test]
fn q17_and_q18_replies_about_files_are_malformed() {
    let mut host = Host::joined();
    let write = "60 04 04 00000000 04 0a000000 05 2f66732f61 00 30313233343536373839";
    assert_eq!(hex(&host.call(&framed(write))), "e0 e0 00 00 00 00 00 00 00 ee 00 00");
    let exists = "63 03 04 00000000 04 00000000 05 2f66732f61";
    assert_eq!(hex(&host.call(&framed(exists))), "e0 e3 01 04 0a 00 00 00 00 ee 00 00");
    let read = "61 03 04 02000000 04 03000000 05 2f66732f61";
    assert_eq!(hex(&host.call(&framed(read))), "e0 e1 01 03 32 33 34 ee");
    assert_eq!(host.ask("62 03 04 00000000 04 00000000 05 2f66732f61"), "error");
    let exists = host.call(&framed(exists));
    assert_eq!(hex(&exists), "e0 e3 01 04 ff ff ff ff 00 ee 00 00");
    let read = host.call(&framed(read));
    assert!(read.is_empty(), "a reply without bytes");
    assert_eq!(host.offences(), []);
}

#[test]
fn q20_texts_beyond_the_firmwares_buffers_are_counted() {
    let mut host = Host::joined();
    let ssid = "78".repeat(33);
    host.ask(&format!("10 01 21 {ssid}"));
    let pass = "78".repeat(65);
    host.ask(&format!("11 02 01 78 41 {pass}"));
    assert_eq!(host.offences(), [("long_strings", 2)]);
}

#[test]
fn q33_a_frame_that_lacks_padding_works_and_is_counted() {
    let mut host = Host::joined();
    let unpadded = [0xE0, 0x50, 2, 1, 25, 1, 1, 0xEE, 0xFF];
    assert_eq!(host.call(&unpadded)[..5], [0xE0, 0xD0, 1, 1, 1]);
    let offences = host.offences();
    assert!(offences.contains(&("unaligned_commands", 1)), "{offences:?}");
}
