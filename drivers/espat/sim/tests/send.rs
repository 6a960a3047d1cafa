//! Sending in all its forms, and the passthrough (protocol sections 5.1, 5.8 and 7.4).
#![allow(clippy::unwrap_used, reason = "helpers fail as tests do")]

mod common;

use common::Bench;
use espat_sim::{Config, Persona};
use netdev_sim::{Stack, UartChip};

const OK: &str = "\r\nOK\r\n";
const ERROR: &str = "\r\nERROR\r\n";
const PROMPT: &str = "\r\nOK\r\n\r\n>";

fn sent(count: usize) -> String {
    format!("\r\nRecv {count} bytes\r\n\r\nSEND OK\r\n")
}

#[test]
fn the_prompt_comes_as_the_release_has_it() {
    for (persona, prompt) in [
        (&Persona::V1_7, "\r\nOK\r\n> "),
        (&Persona::V2_1, "\r\nOK\r\n\r\n>"),
        (&Persona::V2_4, "\r\nOK\r\n\r\n>"),
        (&Persona::V4_1, "\r\nOK\r\n\r\n>"),
        (&Persona::V5_0, "\r\nOK\r\n\r\n>"),
    ] {
        let mut bench = Bench::online(persona);
        let peer = bench.link(0, 80);
        assert_eq!(bench.ask("AT+CIPSEND=0,5"), prompt, "{}", persona.name);
        assert_eq!(bench.chunk(b"hello"), sent(5));
        assert_eq!(bench.received(peer), b"hello");
    }
}

/// Sends as soon as `OK` is there, without waiting for the prompt.
fn hasty(persona: &'static Persona) -> String {
    let mut bench = Bench::online(persona);
    bench.link(0, 80);
    bench.put(b"AT+CIPSEND=0,5\r\n");
    let said = bench.run(1);
    said + &bench.chunk(b"hello")
}

#[test]
fn before_2_4_payload_between_ok_and_the_prompt_is_lost() {
    assert_eq!(hasty(&Persona::V2_1), "\r\nOK\r\n\r\nbusy p...\r\n\r\n>");
    assert_eq!(hasty(&Persona::V1_7), "\r\nOK\r\n\r\nbusy p...\r\n> ");
    assert_eq!(hasty(&Persona::V4_1), format!("{PROMPT}{}", sent(5)));
}

#[test]
fn lengths_have_limits() {
    for (persona, limit) in [
        (&Persona::V1_7, 2048),
        (&Persona::V2_1, 2048),
        (&Persona::V2_4, 8192),
        (&Persona::V4_1, 8192),
    ] {
        let mut bench = Bench::online(persona);
        let peer = bench.link(0, 80);
        for bad in ["0".into(), "-1".into(), (limit + 1).to_string(), "x".into(), String::new()] {
            assert_eq!(bench.ask(&format!("AT+CIPSEND=0,{bad}")), ERROR, "{bad}");
        }
        assert!(bench.ask(&format!("AT+CIPSEND=0,{limit}")).starts_with(OK));
        assert_eq!(bench.chunk(&vec![b'x'; limit]), sent(limit));
        assert_eq!(bench.received(peer).len(), limit);
    }
}

#[test]
fn sends_are_refused_without_a_link() {
    let mut bench = Bench::online(&Persona::V4_1);
    bench.link(0, 80);
    for line in ["=1,5", "=5,5", "=0", "=0,5,6", "=0,5,\"10.0.0.9\"", "=0,5,\"10.0.0.9\",1,2", ""] {
        assert_eq!(bench.ask(&format!("AT+CIPSEND{line}")), ERROR, "{line}");
    }
}

#[test]
fn a_send_to_a_peer_that_does_not_read_blocks_and_so_does_the_socket_task() {
    let mut bench = Bench::online(&Persona::V4_1);
    bench.peer.set_window(100);
    bench.set(&["AT+CIPSERVER=1,8080"]);
    let (slow, other) = (bench.link(4, 80), bench.link(3, 81));
    bench.ask("AT+CIPSEND=4,300");
    assert_eq!(bench.chunk(&[b'x'; 300]), "\r\nRecv 300 bytes\r\n");
    bench.send(other, b"hello");
    bench.call(8080);
    assert_eq!(bench.run(5000), "", "no data, no callers");
    assert_eq!(bench.chunk(b"AT\r\n"), "", "silently lost");
    let mut got = 0;
    let mut said = String::new();
    while got < 300 {
        got += bench.received(slow).len();
        said += &bench.run(1);
    }
    said += &bench.run(5);
    assert_eq!(said, "\r\nSEND OK\r\n\r\n+IPD,3,5:hello\r\n0,CONNECT\r\n");
    assert_eq!(bench.offences(), [("bytes_while_sending", 4)]);
}

#[test]
fn a_blocked_send_fails_after_its_timeout() {
    let mut bench = Bench::online(&Persona::V4_1);
    bench.peer.set_window(100);
    bench.link(4, 80);
    bench.set(&["AT+CIPTCPOPT=4,,,2000"]);
    bench.ask("AT+CIPSEND=4,300");
    assert_eq!(bench.chunk_for(&[b'x'; 300], 1995), "\r\nRecv 300 bytes\r\n");
    assert_eq!(bench.run(20), "\r\nSEND FAIL\r\n");
    assert_eq!(bench.ask("AT"), OK);
}

#[test]
fn a_send_on_a_broken_link_fails() {
    let mut bench = Bench::online(&Persona::V4_1);
    let peer = bench.link(4, 80);
    bench.ask("AT+CIPSEND=4,3");
    bench.peer.abort(peer);
    assert_eq!(bench.run(5), "4,CLOSED\r\n");
    assert_eq!(bench.chunk(b"abc"), "\r\nRecv 3 bytes\r\n\r\nSEND FAIL\r\n");
}

#[test]
fn a_link_that_was_swapped_under_a_payload_does_not_get_it() {
    let mut bench = Bench::online(&Persona::V4_1);
    bench.set(&["AT+CIPSERVER=1,8080"]);
    let first = bench.call(8080);
    bench.run(5);
    bench.ask("AT+CIPSEND=0,3");
    bench.peer.close(first);
    assert_eq!(bench.run(5), "0,CLOSED\r\n");
    let second = bench.call(8080);
    assert_eq!(bench.run(5), "0,CONNECT\r\n");
    assert_eq!(bench.chunk(b"abc"), "\r\nRecv 3 bytes\r\n\r\nSEND FAIL\r\n");
    assert_eq!(bench.received(second), b"");
}

#[test]
fn other_links_are_heard_between_prompt_and_payload() {
    let mut bench = Bench::online(&Persona::V4_1);
    let (_, other) = (bench.link(4, 80), bench.link(3, 81));
    assert_eq!(bench.ask("AT+CIPSEND=4,3"), PROMPT);
    bench.send(other, b"hello");
    assert_eq!(bench.run(5), "\r\n+IPD,3,5:hello\r\n");
    assert_eq!(bench.chunk(b"abc"), sent(3));
}

#[test]
fn a_fast_reply_may_come_before_send_ok() {
    let mut before = 0;
    for seed in 0..20 {
        let mut config = Config::new(&Persona::V4_1);
        config.races = Some(seed);
        let mut bench = Bench::online_with(config);
        let peer = bench.link(4, 80);
        bench.ask("AT+CIPSEND=4,3");
        let mut said = bench.chunk_for(b"abc", 2);
        bench.send(peer, b"def");
        said += &bench.run(20);
        assert!(said.starts_with("\r\nRecv 3 bytes\r\n"), "{said}");
        before += usize::from(said.ends_with("\r\n+IPD,4,3:def\r\n\r\nSEND OK\r\n"));
    }
    assert!((3..=17).contains(&before), "{before} of 20");
}

#[test]
fn a_datagram_is_one_send() {
    let mut bench = Bench::online(&Persona::V4_1);
    let sock = bench.peer.udp(1000).unwrap();
    bench.ask("AT+CIPSTART=4,\"UDP\",\"10.0.0.9\",1000,4000");
    assert_eq!(bench.ask("AT+CIPSEND=4,1400"), PROMPT);
    assert_eq!(bench.chunk(&[b'x'; 700]), "");
    assert_eq!(bench.chunk(&[b'y'; 700]), sent(1400));
    let mut buf = vec![0; 2000];
    let (count, from) = bench.peer.recv_from(sock, &mut buf, false).unwrap();
    assert_eq!((count, from.port(), buf[699], buf[700]), (1400, 4000, b'x', b'y'));
}

#[test]
fn an_escaped_send_ends_with_its_two_characters() {
    let mut bench = Bench::online(&Persona::V4_1);
    let peer = bench.link(0, 80);
    assert_eq!(bench.ask("AT+CIPSENDEX=0,100"), PROMPT);
    assert_eq!(bench.chunk(br"a\bc"), "");
    assert_eq!(bench.chunk(br"\\0\"), "");
    assert_eq!(bench.chunk(b"0"), sent(5));
    assert_eq!(bench.received(peer), br"abc\0");
    assert_eq!(bench.ask("AT+CIPSENDEX=0,3"), PROMPT);
    assert_eq!(bench.chunk(br"\xyz"), sent(3), "or with its length");
    assert_eq!(bench.ask("AT+CIPSENDEX=0,3"), PROMPT);
    assert_eq!(
        bench.chunk(br"a\0b"),
        format!("\r\nRecv 1 bytes\r\n\r\nbusy p...\r\n\r\nSEND OK\r\n")
    );
    assert_eq!(bench.ask("AT+CIPSENDEX=0,3"), PROMPT);
    assert_eq!(bench.chunk(b"+++"), "\r\nSEND Canceled\r\n");
}

#[test]
fn a_long_send_reports_as_it_goes() {
    let mut bench = Bench::online(&Persona::V4_1);
    let peer = bench.link(0, 80);
    bench.set(&["AT+CIPSENDLCFG=1000,500"]);
    assert_eq!(bench.ask("AT+CIPSENDLCFG?"), format!("+CIPSENDLCFG:1000,500\r\n{OK}"));
    assert_eq!(bench.ask("AT+CIPSENDL=0,2500"), PROMPT);
    assert_eq!(bench.chunk(&[b'x'; 1100]), "+CIPSENDL:1000,1100\r\n");
    assert_eq!(bench.chunk(&[b'x'; 1000]), "+CIPSENDL:2000,2100\r\n");
    assert_eq!(bench.chunk(&[b'x'; 400]), "+CIPSENDL:2500,2500\r\n\r\nSEND OK\r\n");
    assert_eq!(bench.received(peer).len(), 2500);
    assert_eq!(bench.ask("AT"), OK);
}

#[test]
fn a_long_send_can_be_cancelled() {
    let mut bench = Bench::online(&Persona::V4_1);
    bench.link(0, 80);
    bench.ask("AT+CIPSENDL=0,2500");
    bench.chunk(&[b'x'; 1100]);
    assert_eq!(bench.chunk(b"+++"), "\r\nSEND CANCELLED\r\n\r\nSEND FAIL\r\n");
    assert_eq!(bench.ask("AT"), OK);
}

#[test]
fn a_long_send_eats_its_bytes_although_the_link_is_gone() {
    let mut bench = Bench::online(&Persona::V4_1);
    let peer = bench.link(0, 80);
    bench.ask("AT+CIPSENDL=0,10000");
    bench.chunk(&[b'x'; 1000]);
    bench.peer.abort(peer);
    assert_eq!(bench.run(5), "0,CLOSED\r\n");
    for _ in 0..8 {
        assert_eq!(bench.chunk(&[b'x'; 1000]), "");
    }
    assert_eq!(bench.chunk(&[b'x'; 1000]), "\r\nSEND FAIL\r\n");
    assert_eq!(Bench::online(&Persona::V2_1).ask("AT+CIPSENDL=0,10"), ERROR, "since 2.4");
}

#[test]
fn a_long_send_needs_flow_control() {
    let mut bench = Bench::online(&Persona::V4_1);
    bench.peer.set_window(1000);
    bench.set(&["AT+UART_CUR=115200,8,1,0,1"]);
    let peer = bench.link(0, 80);
    bench.ask("AT+CIPSENDL=0,20000");
    let mut given = 0;
    while bench.modem.ready_to_receive() {
        bench.chunk_for(&[b'x'; 100], 1);
        given += 100;
    }
    assert!((4000..6500).contains(&given), "{given}");
    assert_eq!(bench.counters().overruns, 0);
    bench.chunk_for(&vec![b'x'; 8000], 1);
    assert!(bench.counters().overruns > 1000, "{}", bench.counters().overruns);
    bench.received(peer);
}

fn passing() -> (Bench, netdev_sim::Sock) {
    let mut bench = Bench::online(&Persona::V4_1);
    bench.set(&["AT+CIPMUX=0", "AT+CIPMODE=1"]);
    let listener = bench.serve(80);
    bench.ask("AT+CIPSTART=\"TCP\",\"10.0.0.9\",80");
    let peer = bench.caller(listener);
    bench.send(peer, b"early");
    assert_eq!(bench.run(5), "early", "raw even before the prompt");
    assert_eq!(bench.ask("AT+CIPSEND=5"), ERROR);
    assert_eq!(bench.ask("AT+CIPSEND"), PROMPT);
    (bench, peer)
}

#[test]
fn in_passthrough_the_line_is_the_connection() {
    let (mut bench, peer) = passing();
    assert_eq!(bench.chunk(b"AT\r\n"), "");
    assert_eq!(bench.chunk(b"\0+++ \r\n"), "");
    assert_eq!(bench.received(peer), b"AT\r\n\0+++ \r\n");
    bench.send(peer, b"\r\nOK\r\n");
    assert_eq!(bench.run(5), "\r\nOK\r\n");
}

#[test]
fn passthrough_ends_by_three_plus_signs_between_silences() {
    let (mut bench, peer) = passing();
    bench.put(b"x");
    assert_eq!(bench.chunk_for(b"+++", 100), "", "no silence before");
    assert_eq!(bench.chunk_for(b"+++", 5), "");
    assert_eq!(bench.chunk_for(b"y", 100), "", "no silence behind");
    assert_eq!(bench.received(peer), b"x++++++y");
    assert_eq!(bench.chunk_for(b"+++", 100), "");
    assert_eq!(bench.ask("AT"), OK);
    assert_eq!(bench.ask("AT+CIPMUX=1"), ERROR);
    bench.set(&["AT+CIPMODE=0"]);
    assert_eq!(bench.received(peer), b"");
    bench.send(peer, b"abc");
    assert_eq!(bench.run(5), "\r\n+IPD,3:abc\r\n");
}

#[test]
fn leaving_the_passthrough_is_told_if_that_is_wanted() {
    let mut bench = Bench::online(&Persona::V4_1);
    bench.set(&["AT+CIPMUX=0", "AT+CIPMODE=1", "AT+SYSMSG=1"]);
    bench.serve(80);
    bench.ask("AT+CIPSTART=\"TCP\",\"10.0.0.9\",80");
    bench.ask("AT+CIPSEND");
    bench.run(50);
    assert_eq!(bench.chunk_for(b"+++", 100), "\r\n+QUITT\r\n");
}

#[test]
fn passthrough_needs_one_connection() {
    let mut bench = Bench::online(&Persona::V4_1);
    assert_eq!(bench.ask("AT+CIPMODE=1"), ERROR, "several links");
    bench.set(&["AT+CIPMUX=0", "AT+CIPMODE=1"]);
    assert_eq!(bench.ask("AT+CIPSEND"), ERROR, "no link");
}

#[test]
fn in_passthrough_a_lost_connection_is_made_again() {
    let mut bench = Bench::online(&Persona::V4_1);
    bench.set(&["AT+CIPMUX=0", "AT+CIPMODE=1"]);
    let listener = bench.serve(80);
    bench.ask("AT+CIPSTART=\"TCP\",\"10.0.0.9\",80");
    let peer = bench.caller(listener);
    bench.ask("AT+CIPSEND");
    bench.peer.close(peer);
    assert_eq!(bench.run(300), "", "nothing is said of it");
    let peer = bench.caller(listener);
    bench.chunk(b"again");
    assert_eq!(bench.received(peer), b"again");
}
