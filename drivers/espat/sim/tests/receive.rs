//! Receiving, active and passive (protocol sections 5.2 and 5.3).
#![allow(clippy::unwrap_used, reason = "helpers fail as tests do")]

mod common;

use common::{Bench, HERE, text};
use espat_sim::{Config, Persona};
use netdev_sim::Stack;

const OK: &str = "\r\nOK\r\n";
const ERROR: &str = "\r\nERROR\r\n";

fn passive(persona: &'static Persona) -> Bench {
    let mut bench = Bench::online(persona);
    bench.set(&[if persona.receive_type { "AT+CIPRECVTYPE=5,1" } else { "AT+CIPRECVMODE=1" }]);
    bench
}

#[test]
fn active_data_look_as_the_release_has_it() {
    for (persona, details, expected) in [
        (&Persona::V1_7, false, "\r\n+IPD,0,5:hello"),
        (&Persona::V1_7, true, "\r\n+IPD,0,5,10.0.0.9,80:hello"),
        (&Persona::V2_1, false, "\r\n+IPD,0,5:hello"),
        (&Persona::V2_1, true, "\r\n+IPD,0,5,\"10.0.0.9\",80:hello"),
        (&Persona::V2_4, false, "\r\n+IPD,0,5:hello\r\n"),
        (&Persona::V4_1, false, "\r\n+IPD,0,5:hello\r\n"),
        (&Persona::V4_1, true, "\r\n+IPD,0,5,\"10.0.0.9\",80:hello\r\n"),
        (&Persona::V5_0, true, "\r\n+IPD,0,5,\"10.0.0.9\",80:hello\r\n"),
    ] {
        let mut bench = Bench::online(persona);
        let peer = bench.link(0, 80);
        bench.set(&[if details { "AT+CIPDINFO=1" } else { "AT+CIPDINFO=0" }]);
        bench.send(peer, b"hello");
        assert_eq!(bench.run(5), expected, "{} {details}", persona.name);
    }
}

#[test]
fn active_data_are_any_bytes() {
    let mut bench = Bench::online(&Persona::V4_1);
    let peer = bench.link(0, 80);
    let data: Vec<u8> = (0..=255).chain(*b"\r\nOK\r\n>+IPD,0,9:\r\nERROR\r\n").collect();
    bench.send(peer, &data);
    let expected = [format!("\r\n+IPD,0,{}:", data.len()).as_bytes(), &data, b"\r\n"].concat();
    assert_eq!(bench.run(5), text(&expected));
}

#[test]
fn active_data_come_in_blocks_and_closed_after_the_last() {
    for (persona, sizes) in
        [(&Persona::V4_1, &[2920, 1080][..]), (&Persona::V1_7, &[1460, 1460, 1080])]
    {
        let mut bench = Bench::online(persona);
        let peer = bench.link(2, 80);
        bench.send(peer, &vec![b'x'; 4000]);
        bench.peer.close(peer);
        let tail = if persona.tail { "\r\n" } else { "" };
        let blocks =
            sizes.iter().map(|size| format!("\r\n+IPD,2,{size}:{}{tail}", "x".repeat(*size)));
        assert_eq!(bench.run(10), blocks.collect::<String>() + "2,CLOSED\r\n");
    }
}

#[test]
fn a_full_transmit_ring_stops_the_reading() {
    let mut bench = Bench::online(&Persona::V4_1);
    let peer = bench.link(0, 80);
    let mut sent = 0;
    // Nobody takes what the modem says.
    for _ in 0..200 {
        sent += bench.peer.send(peer, &[b'x'; 1000]).unwrap_or(0);
        bench.clock.spend(core::time::Duration::from_millis(1));
        let now = netdev::Platform::now(&bench.clock);
        netdev_sim::UartChip::transmit(&mut bench.modem, &mut [], now);
    }
    assert!((65_535..90_000).contains(&sent), "{sent}: a window and what the ring takes");
    let said = bench.run(200);
    assert_eq!(said.bytes().filter(|byte| *byte == b'x').count(), sent);
}

#[test]
fn passive_data_are_told_once_for_each_draining() {
    let mut bench = passive(&Persona::V4_1);
    let peer = bench.link(0, 80);
    bench.send(peer, b"hello");
    assert_eq!(bench.run(5), "\r\n+IPD,0,5\r\n");
    bench.send(peer, b" world");
    assert_eq!(bench.run(50), "", "the flag is set");
    assert_eq!(bench.ask("AT+CIPRECVDATA=0,4"), format!("+CIPRECVDATA:4,hell{OK}\r\n+IPD,0,7\r\n"));
    assert_eq!(bench.ask("AT+CIPRECVDATA=0,100"), format!("+CIPRECVDATA:7,o world{OK}"));
    assert_eq!(bench.ask("AT+CIPRECVDATA=0,100"), ERROR);
    bench.send(peer, b"!");
    assert_eq!(bench.run(5), "\r\n+IPD,0,1\r\n");
}

#[test]
fn what_arrives_while_it_is_read_is_told_with_the_rest() {
    let mut bench = passive(&Persona::V4_1);
    let peer = bench.link(0, 80);
    bench.send(peer, b"abc");
    bench.run(5);
    bench.send(peer, b"de");
    assert_eq!(bench.ask("AT+CIPRECVDATA=0,1"), format!("+CIPRECVDATA:1,a{OK}\r\n+IPD,0,4\r\n"));
}

#[test]
fn reads_look_as_the_release_has_it() {
    for (persona, details, expected) in [
        (&Persona::V1_7, false, "\r\n+CIPRECVDATA,3:abc\r\nOK\r\n"),
        (&Persona::V2_1, false, "+CIPRECVDATA:3,abc\r\nOK\r\n"),
        (&Persona::V2_4, true, "+CIPRECVDATA:3,\"10.0.0.9\",80,abc\r\nOK\r\n"),
        (&Persona::V4_1, false, "+CIPRECVDATA:3,abc\r\nOK\r\n"),
        (&Persona::V5_0, true, "+CIPRECVDATA:3,\"10.0.0.9\",80,abc\r\nOK\r\n"),
    ] {
        let mut bench = passive(persona);
        let peer = bench.link(0, 80);
        bench.set(&[if details { "AT+CIPDINFO=1" } else { "AT+CIPDINFO=0" }]);
        bench.send(peer, b"abc");
        assert_eq!(bench.run(5), "\r\n+IPD,0,3\r\n");
        assert_eq!(bench.ask("AT+CIPRECVDATA=0,3"), expected, "{} {details}", persona.name);
    }
}

#[test]
fn reads_begin_and_end_with_any_bytes() {
    let mut bench = passive(&Persona::V4_1);
    let peer = bench.link(0, 80);
    bench.send(peer, b"\r\nOK\r\n");
    bench.run(5);
    assert_eq!(bench.ask("AT+CIPRECVDATA=0,9"), "+CIPRECVDATA:6,\r\nOK\r\n\r\nOK\r\n");
}

#[test]
fn without_several_links_reads_have_no_number() {
    let mut bench = Bench::online(&Persona::V4_1);
    bench.set(&["AT+CIPMUX=0", "AT+CIPRECVTYPE=1"]);
    let listener = bench.serve(80);
    bench.ask("AT+CIPSTART=\"TCP\",\"10.0.0.9\",80");
    let peer = bench.caller(listener);
    bench.send(peer, b"abc");
    assert_eq!(bench.run(5), "\r\n+IPD,3\r\n");
    assert_eq!(bench.ask("AT+CIPRECVLEN?"), format!("+CIPRECVLEN:3\r\n{OK}"));
    assert_eq!(bench.ask("AT+CIPRECVDATA=2"), format!("+CIPRECVDATA:2,ab{OK}\r\n+IPD,1\r\n"));
    assert_eq!(bench.ask("AT+CIPRECVTYPE?"), format!("+CIPRECVTYPE:0,1,0\r\n{OK}"));
}

#[test]
fn lengths_are_told_for_every_number() {
    for (persona, free) in [
        (&Persona::V1_7, "0"),
        (&Persona::V2_1, "-1"),
        (&Persona::V2_4, "-1"),
        (&Persona::V4_1, "0"),
        (&Persona::V5_0, "0"),
    ] {
        let mut bench = passive(persona);
        let peer = bench.link(1, 80);
        bench.send(peer, b"abc");
        bench.run(5);
        let said = bench.ask("AT+CIPRECVLEN?");
        assert_eq!(said, format!("+CIPRECVLEN:{free},3,{free},{free},{free}\r\n{OK}"));
    }
}

#[test]
fn reads_that_cannot_be_fail_and_keep_the_data() {
    let mut bench = passive(&Persona::V4_1);
    let peer = bench.link(0, 80);
    bench.send(peer, b"abc");
    bench.run(5);
    for line in ["=0,1000000", "=0,0", "=0", "=1,10", "=5,10", "=0,-1", "=0,3,2", "=0,3,0,0"] {
        assert_eq!(bench.ask(&format!("AT+CIPRECVDATA{line}")), ERROR, "{line}");
    }
    assert_eq!(bench.ask("AT+CIPRECVDATA=0,10"), format!("+CIPRECVDATA:3,abc{OK}"));
    bench.set(&["AT+CIPRECVTYPE=0,0"]);
    bench.send(peer, b"d");
    assert_eq!(bench.run(5), "\r\n+IPD,0,1:d\r\n");
    assert_eq!(bench.ask("AT+CIPRECVDATA=0,10"), ERROR, "not passive");
}

#[test]
fn a_close_waits_until_everything_is_read() {
    for persona in [&Persona::V2_1, &Persona::V2_4, &Persona::V4_1, &Persona::V5_0] {
        let mut bench = passive(persona);
        let peer = bench.link(0, 80);
        bench.send(peer, b"abc");
        bench.peer.close(peer);
        assert_eq!(bench.run(50), "\r\n+IPD,0,3\r\n");
        assert_eq!(
            bench.ask("AT+CIPRECVDATA=0,2"),
            format!("+CIPRECVDATA:2,ab{OK}\r\n+IPD,0,1\r\n")
        );
        assert_eq!(bench.ask("AT+CIPRECVDATA=0,2"), format!("+CIPRECVDATA:1,c{OK}0,CLOSED\r\n"));
        assert_eq!(bench.ask("AT+CIPCLOSE=0"), ERROR);
    }
}

#[test]
fn in_1_7_a_close_is_told_at_once_and_the_data_can_still_be_read() {
    let mut bench = passive(&Persona::V1_7);
    let peer = bench.link(0, 80);
    bench.send(peer, b"abc");
    bench.peer.close(peer);
    assert_eq!(bench.run(50), "\r\n+IPD,0,3\r\n0,CLOSED\r\n");
    assert_eq!(bench.ask("AT+CIPRECVLEN?"), format!("+CIPRECVLEN:3,0,0,0,0\r\n{OK}"));
    assert_eq!(bench.ask("AT+CIPRECVDATA=0,2"), format!("\r\n+CIPRECVDATA,2:ab{OK}"));
    assert_eq!(bench.ask("AT+CIPRECVDATA=0,2"), format!("\r\n+CIPRECVDATA,1:c{OK}"));
    assert_eq!(bench.ask("AT+CIPRECVDATA=0,2"), ERROR);
}

#[test]
fn closing_with_unread_bytes_throws_them_away_and_resets() {
    let mut bench = passive(&Persona::V4_1);
    let peer = bench.link(0, 80);
    bench.send(peer, b"abc");
    bench.run(5);
    assert_eq!(bench.ask("AT+CIPCLOSE=0"), format!("0,CLOSED\r\n{OK}"));
    assert_eq!(bench.ask("AT+CIPRECVDATA=0,2"), ERROR);
    let result = bench.peer.recv(peer, &mut [0; 4], false);
    assert_eq!(result, Err(nb::Error::Other(netdev::Error::ConnectionReset)));
}

#[test]
fn a_half_closed_link_with_unread_bytes_still_sends() {
    let mut bench = passive(&Persona::V4_1);
    let peer = bench.link(0, 80);
    bench.send(peer, b"abc");
    bench.peer.shutdown(peer, netdev::Side::Write).unwrap();
    bench.run(5);
    assert_eq!(bench.ask("AT+CIPSEND=0,2"), "\r\nOK\r\n\r\n>");
    assert_eq!(bench.chunk(b"hi"), "\r\nRecv 2 bytes\r\n\r\nSEND OK\r\n");
    assert_eq!(bench.received(peer), b"hi");
}

#[test]
fn the_buffer_holds_5760_bytes_and_then_the_peer_waits() {
    let mut bench = passive(&Persona::V4_1);
    bench.internet.node(HERE).set_window(100);
    let peer = bench.link(0, 80);
    let mut sent = 0;
    for _ in 0..300 {
        sent += bench.peer.send(peer, &[b'x'; 100]).unwrap_or(0);
        bench.run(1);
    }
    assert_eq!(sent, 5860, "the buffer, and the window behind it");
    let said = bench.ask("AT+CIPRECVLEN?");
    assert!(said.ends_with(&format!("+CIPRECVLEN:5760,0,0,0,0\r\n{OK}")), "{said}");
    assert!(bench.ask("AT+CIPRECVDATA=0,8000").starts_with("+CIPRECVDATA:5760,xxx"));
}

#[test]
fn the_legacy_mode_is_for_all_links() {
    let mut bench = Bench::online(&Persona::V2_4);
    bench.set(&["AT+CIPRECVMODE=1"]);
    assert_eq!(bench.ask("AT+CIPRECVMODE?"), format!("+CIPRECVMODE:1\r\n{OK}"));
    let (one, two) = (bench.link(0, 80), bench.link(4, 81));
    bench.send(one, b"a");
    bench.send(two, b"b");
    assert_eq!(bench.run(5), "\r\n+IPD,0,1\r\n\r\n+IPD,4,1\r\n");
    assert_eq!(Bench::online(&Persona::V5_0).ask("AT+CIPRECVMODE=1"), ERROR);
}

#[test]
fn the_type_is_kept_for_each_number_beyond_its_links() {
    let mut bench = Bench::online(&Persona::V4_1);
    bench.set(&["AT+CIPRECVTYPE=3,1,1"]);
    let said = bench.ask("AT+CIPRECVTYPE?");
    let lines: Vec<String> = (0..5)
        .map(|id| format!("+CIPRECVTYPE:{id},{},{}\r\n", u8::from(id == 3), u8::from(id == 3)))
        .collect();
    assert_eq!(said, lines.concat() + OK);
    bench.link(3, 80);
    bench.ask("AT+CIPCLOSE=3");
    let peer = bench.link(3, 81);
    bench.send(peer, b"abc");
    assert_eq!(bench.run(5), "\r\n+IPD,3,3\r\n");
    // Data that waited is delivered then.
    assert_eq!(bench.ask("AT+CIPRECVTYPE=5,0,1"), format!("{OK}\r\n+IPD,3,3:abc\r\n"));
    let said = bench.ask("AT+CIPRECVTYPE?");
    assert!(said.starts_with("+CIPRECVTYPE:0,0,0\r\n") && said.contains("3,0,1"), "{said}");
}

#[test]
fn datagrams_run_together_unless_whole_ones_are_asked_for() {
    let mut bench = passive(&Persona::V4_1);
    bench.set(&["AT+CIPDINFO=1"]);
    bench.ask("AT+CIPSTART=4,\"UDP\",\"10.0.0.9\",1000,4000");
    let sock = bench.peer.udp(1000).unwrap();
    let send = |bench: &mut Bench, data: &[u8]| {
        bench.peer.send_to(sock, data, (HERE, 4000).into()).unwrap();
        bench.run(5)
    };
    assert_eq!(send(&mut bench, b"one"), "\r\n+IPD,4,3\r\n");
    assert_eq!(send(&mut bench, b"three"), "");
    let from = "\"10.0.0.9\",1000";
    let said = bench.ask("AT+CIPRECVDATA=4,5");
    assert_eq!(said, format!("+CIPRECVDATA:5,{from},oneth{OK}\r\n+IPD,4,3\r\n"));
    bench.ask("AT+CIPRECVDATA=4,5");
    bench.set(&["AT+CIPRECVTYPE=4,1,1"]);
    assert_eq!(send(&mut bench, b"one"), "\r\n+IPD,4,3\r\n");
    assert_eq!(send(&mut bench, b"three"), "");
    assert_eq!(bench.ask("AT+CIPRECVLEN?"), format!("+CIPRECVLEN:0,0,0,0,3\r\n{OK}"));
    let said = bench.ask("AT+CIPRECVDATA=4,1000,1");
    assert_eq!(said, format!("+CIPRECVDATA:3,{from},one{OK}\r\n+IPD,4,5\r\n"));
    assert_eq!(bench.ask("AT+CIPRECVDATA=4,1000,1"), format!("+CIPRECVDATA:5,{from},three{OK}"));
}

#[test]
fn before_4_the_rest_of_a_datagram_read_in_part_is_lost() {
    let mut bench = passive(&Persona::V2_4);
    bench.ask("AT+CIPSTART=4,\"UDP\",\"10.0.0.9\",1000,4000");
    let sock = bench.peer.udp(1000).unwrap();
    bench.peer.send_to(sock, b"hello", (HERE, 4000).into()).unwrap();
    assert_eq!(bench.run(5), "\r\n+IPD,4,5\r\n");
    assert_eq!(bench.ask("AT+CIPRECVDATA=4,2"), format!("+CIPRECVDATA:2,he{OK}"));
    assert_eq!(bench.ask("AT+CIPRECVDATA=4,2"), ERROR);
    assert_eq!(bench.counters().datagram_bytes_cut, 3);
}

#[test]
fn in_1_7_datagrams_stay_active() {
    let mut bench = passive(&Persona::V1_7);
    bench.ask("AT+CIPSTART=4,\"UDP\",\"10.0.0.9\",1000,4000");
    let sock = bench.peer.udp(1000).unwrap();
    bench.peer.send_to(sock, b"hello", (HERE, 4000).into()).unwrap();
    assert_eq!(bench.run(5), "\r\n+IPD,4,5:hello");
}

#[test]
fn unread_bytes_survive_the_loss_of_the_network_in_5_0_only() {
    for (persona, survives) in [(&Persona::V5_0, true), (&Persona::V4_1, false)] {
        let mut bench = passive(persona);
        let peer = bench.link(0, 80);
        bench.send(peer, b"abc");
        bench.run(5);
        bench.monitor.vanish();
        let said = bench.run(10);
        if survives {
            assert_eq!(said, "WIFI DISCONNECT\r\n");
            let said = bench.ask("AT+CIPRECVDATA=0,9");
            assert_eq!(said, format!("+CIPRECVDATA:3,abc{OK}0,CLOSED\r\n"));
        } else {
            assert_eq!(said, "WIFI DISCONNECT\r\n0,CLOSED\r\n");
        }
    }
}

#[test]
fn data_may_be_told_before_the_result_of_the_connect() {
    let mut before = 0;
    for seed in 0..20 {
        let mut config = Config::new(&Persona::V4_1);
        config.races = Some(seed);
        let mut bench = Bench::online_with(config);
        bench.set(&["AT+CIPRECVTYPE=5,1", "AT+CIPSERVER=1,8080"]);
        let listener = bench.serve(80);
        bench.put(b"AT+CIPSTART=4,\"TCP\",\"10.0.0.9\",80\r\n");
        assert_eq!(bench.run(1), "");
        // The modem looks again only when both the connection and its first bytes are there.
        bench.clock.spend(core::time::Duration::from_micros(150));
        let peer = bench.caller(listener);
        bench.send(peer, b"hi");
        bench.clock.spend(core::time::Duration::from_micros(150));
        let said = bench.run(5);
        let ipd = said.find("+IPD,4,2").unwrap();
        before += usize::from(ipd < said.find("OK").unwrap());
        assert!(said.starts_with("4,CONNECT\r\n"), "{said}");
    }
    assert!((3..=17).contains(&before), "{before} of 20");
}
