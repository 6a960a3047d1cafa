//! Slots, queues, datagrams and the GPIO0 line.

mod common;

use common::{Host, data_command, framed, millis};

#[test]
fn asking_for_a_slot_reserves_none() {
    let mut host = Host::joined();
    assert_eq!((host.free_slot(), host.free_slot()), (0, 0));
    host.connect(0, 7000);
    assert_eq!(host.free_slot(), 1);
    host.stop(0);
    assert_eq!(host.free_slot(), 0);
}

#[test]
fn a_failed_connect_leaves_the_slot_and_the_pool_alone() {
    let mut host = Host::joined();
    for _ in 0..20 {
        assert_eq!(host.ask("2d 04 04 7f000001 02 0001 01 00 01 00"), "");
    }
    assert_eq!(host.free_slot(), 0);
    host.connect(0, 7000);
    assert_eq!(host.offences(), []);
}

#[test]
fn the_six_param_form_of_a_connect_is_accepted() {
    let mut host = Host::joined();
    host.net.serve(7000);
    assert_eq!(host.ask("2d 06 00 04 7f000001 02 1b58 01 00 01 00 02 03e8"), "01 01");
    assert_eq!(host.offences(), []);
}

#[test]
fn a_dead_host_keeps_the_chip_for_eighteen_seconds() {
    let mut host = Host::joined();
    host.net.silence(7000);
    host.send(&framed("2d 04 04 7f000001 02 1b58 01 00 01 00"));
    let took = host.wait_ready(millis(30_000)).unwrap();
    assert!((17_900..18_100).contains(&took.as_millis()), "{took:?}");
    assert_eq!(host.reply(), [0xE0, 0xAD, 0, 0xEE]);
    assert_eq!(host.chip.counters().blocked_commands, 1);
}

#[test]
fn a_peer_that_closed_stays_connected_until_its_data_is_drained() {
    let mut host = Host::joined();
    let peer = host.connect(0, 7000);
    host.net.push(peer, b"last words");
    host.net.close(peer);
    host.wait(millis(50));
    assert_eq!(host.state(0), 4);
    assert_eq!(host.read_tcp(0, 5), b"last ");
    assert_eq!(host.state(0), 4);
    assert_eq!(host.read_tcp(0, 100), b"words");
    assert_eq!(host.state(0), 0);
    assert_eq!(host.free_slot(), 0);
    assert_eq!(host.offences(), []);
}

#[test]
fn a_reset_discards_what_was_queued() {
    let mut host = Host::joined();
    let peer = host.connect(0, 7000);
    host.net.push(peer, b"lost");
    host.net.reset(peer);
    assert_eq!(host.state(0), 0);
    assert_eq!(host.read_tcp(0, 100), b"");
}

#[test]
fn partial_writes_are_counted_to_the_byte() {
    let mut host = Host::joined();
    let peer = host.connect(0, 7000);
    host.net.set_room(peer, 0);
    assert_eq!(host.send_tcp(0, &vec![1; 4083]), 4083);
    assert_eq!(host.send_tcp(0, &vec![1; 4083]), 1661);
    assert_eq!(host.send_tcp(0, &vec![1; 4083]), 0);
    assert_eq!(host.state(0), 4);
    host.stop(0);
    host.net.set_room(peer, usize::MAX);
    host.wait(millis(1));
    assert_eq!(host.net.take(peer).len(), 5744);
    assert!(host.net.is_closed(peer));
}

#[test]
fn reads_are_bounded_by_the_window_and_the_request() {
    let mut host = Host::joined();
    let peer = host.connect(0, 7000);
    host.net.push(peer, &vec![9; 20_000]);
    assert_eq!(host.available(0), 5744);
    assert_eq!(host.read_tcp(0, 4086).len(), 4086);
    let mut rest = 0;
    while rest < 20_000 - 4086 {
        let got = host.read_tcp(0, 1436).len();
        assert!(got > 0);
        rest += got;
    }
    assert_eq!(host.read_tcp(0, 1436), b"");
    assert_eq!(host.offences(), []);
}

#[test]
fn ten_sockets_are_all_there_are() {
    let mut host = Host::joined();
    host.listen(0, 80);
    for slot in 1..10 {
        let peer = host.net.dial(80, 4000 + u16::from(slot)).unwrap();
        assert_eq!(host.accept(0), slot);
        host.net.push(peer, b"x");
    }
    assert_eq!(host.free_slot(), 255);
    let waiting = host.net.dial(80, 5000).unwrap();
    assert_eq!(host.accept(0), 255);
    // No slot and no descriptor: the updater drops the peer.
    host.wait(millis(50));
    assert!(host.net.is_closed(waiting));
    assert_eq!(host.chip.counters().peers_dropped, 1);
    host.stop(3);
    host.net.dial(80, 5001).unwrap();
    assert_eq!(host.accept(0), 3);
    assert_eq!(host.offences(), []);
}

#[test]
fn writing_to_a_listener_reaches_every_peer_of_the_data_mode() {
    let mut host = Host::joined();
    host.listen(0, 80);
    let peers: Vec<_> = (0..3)
        .map(|index| {
            let peer = host.net.dial(80, 4000 + index).unwrap();
            assert_eq!(host.available_with(0, 0), 255);
            peer
        })
        .collect();
    assert_eq!(host.send_tcp(0, b"all"), 9);
    assert!(peers.iter().all(|peer| host.net.take(*peer) == b"all"));
}

#[test]
fn gpio0_rises_at_once_and_falls_within_a_tick() {
    let mut host = Host::joined();
    let peer = host.connect(0, 7000);
    host.wait(millis(50));
    assert!(!host.data_ready());
    host.net.push(peer, b"x");
    assert!(host.data_ready());
    host.wait(millis(100));
    assert!(host.data_ready(), "a level");
    host.read_tcp(0, 10);
    host.wait(millis(11));
    assert!(!host.data_ready());
    host.net.close(peer);
    host.wait(millis(100));
    assert!(!host.data_ready(), "an end of stream does not raise it");
    assert_eq!(host.state(0), 0);
}

#[test]
fn gpio0_rises_for_a_waiting_peer() {
    let mut host = Host::joined();
    host.listen(0, 80);
    host.wait(millis(50));
    assert!(!host.data_ready());
    host.net.dial(80, 4000).unwrap();
    assert!(host.data_ready());
    host.wait(millis(100));
    assert_eq!(host.accept(0), 1);
    host.wait(millis(11));
    assert!(!host.data_ready());
    assert_eq!(host.offences(), []);
}

#[test]
fn datagrams_come_one_at_a_time_and_two_ticks_apart() {
    let mut host = Host::joined();
    assert_eq!(host.ask("28 03 02 0100 01 00 01 01"), "01 01");
    host.wait(millis(50));
    for index in 0..8 {
        host.net.datagram(0x0100, &[index; 3], 0x0200);
    }
    let (start, mut got) = (host.now, Vec::new());
    while got.len() < 6 && host.now < start + millis(1000) {
        if host.available(0) > 0 {
            assert_eq!(host.ask("3a 01 01 00"), "04 7f 00 00 01 02 02 00");
            got.push(host.read_tcp(0, 100)[0]);
        }
    }
    assert_eq!(got, [0, 1, 2, 3, 4, 5]);
    let took = host.now.saturating_since(start).as_millis();
    assert!((90..130).contains(&took), "{took} ms for six");
    assert_eq!(host.chip.counters().datagrams_dropped, 2, "six fit the mailbox");
}

#[test]
fn a_short_read_leaves_the_rest_of_a_datagram() {
    let mut host = Host::joined();
    assert_eq!(host.ask("28 03 02 0100 01 00 01 01"), "01 01");
    host.net.datagram(0x0100, b"", 0x0200);
    host.net.datagram(0x0100, b"hello", 0x0200);
    host.net.datagram(0x0100, b"next", 0x0200);
    host.wait(millis(100));
    assert_eq!(host.available(0), 5, "the empty one was swallowed");
    assert_eq!(host.read_tcp(0, 2), b"he");
    assert_eq!(host.available(0), 3);
    assert_eq!(host.read_tcp(0, 100), b"llo");
    host.wait(millis(50));
    assert_eq!(host.read_tcp(0, 100), b"next");
}

#[test]
fn the_transmit_buffer_is_sent_again_when_asked_again() {
    let mut host = Host::joined();
    assert_eq!(host.ask("2d 04 04 7f000001 02 0200 01 00 01 01"), "01 01");
    host.call(&data_command(0x46, 0, b"ab"));
    assert_eq!(host.ask("39 01 01 00"), "01 00", "no socket without a bind");
    host.stop(0);
    assert_eq!(host.ask("28 03 02 0100 01 00 01 01"), "01 01");
    host.ask("2d 04 04 7f000001 02 0200 01 00 01 01");
    host.call(&data_command(0x46, 0, b"ab"));
    host.call(&data_command(0x46, 0, b"cd"));
    assert_eq!(host.ask("39 01 01 00"), "01 01");
    assert_eq!(host.ask("39 01 01 00"), "01 01");
    assert_eq!(host.net.sent(), [(b"abcd".to_vec(), 0x0200), (b"abcd".to_vec(), 0x0200)]);
}

#[test]
fn a_bind_keeps_the_destination_that_was_set_before_it() {
    let mut host = Host::joined();
    assert_eq!(host.ask("2d 04 04 7f000001 02 0200 01 00 01 01"), "01 01");
    assert_eq!(host.ask("28 03 02 0100 01 00 01 01"), "01 01");
    host.call(&data_command(0x46, 0, b"ab"));
    assert_eq!(host.ask("39 01 01 00"), "01 01");
    assert_eq!(host.net.sent(), [(b"ab".to_vec(), 0x0200)]);
}

#[test]
fn what_is_left_of_a_datagram_outlives_its_socket() {
    let mut host = Host::joined();
    assert_eq!(host.ask("28 03 02 0100 01 00 01 01"), "01 01");
    host.net.datagram(0x0100, b"hello", 0x0200);
    host.wait(millis(50));
    assert_eq!(host.read_tcp(0, 2), b"he");
    host.stop(0);
    assert_eq!(host.read_tcp(0, 100), b"", "a free slot has nothing");
    assert_eq!(host.ask("28 03 02 0101 01 00 01 01"), "01 01");
    assert_eq!(host.available(0), 3);
    assert_eq!(host.read_tcp(0, 100), b"llo");
    assert_eq!(host.offences(), []);
}

#[test]
fn a_name_without_an_answer_stores_all_ones() {
    let mut host = Host::joined();
    assert_eq!(host.ask("34 01 04 31302e39"), "01 00");
    assert_eq!(host.ask("35 00"), "04 ff ff ff ff");
    assert_eq!(host.ask("34 01 07 31302e302e302e39".replace(" 07", " 08").as_str()), "01 01");
    assert_eq!(host.ask("35 00"), "04 0a 00 00 09");
    assert_eq!(host.ask("34 01 00"), "01 00");
    host.net.silence_names();
    host.send(&framed("34 01 01 61"));
    assert_eq!(host.wait_ready(millis(6_900)), None);
    assert_eq!(host.reply()[4], 0);
}

#[test]
fn pins_remember_and_protocol_pins_are_counted() {
    let mut host = Host::booted(common::config());
    assert_eq!(host.ask("50 02 01 19 01 01"), "01 01");
    assert_eq!(host.ask("51 02 01 19 01 01"), "01 01");
    assert_eq!(host.ask("53 01 01 19"), "01 01");
    assert_eq!(host.ask("52 02 01 1a 01 80"), "01 01");
    assert_eq!(host.ask("54 01 01 1a"), "02 00 08");
    assert_eq!(host.offences(), []);
    host.ask("51 02 01 21 01 00");
    assert_eq!(host.chip.counters().protocol_pins, 1);
}
