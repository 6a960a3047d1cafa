//! The receive state machine (protocol section 2.1): one test for each of its rules.

mod common;

use common::Bench;
use espat_sim::{Chunks, Config, Persona};

const BUSY: &str = "\r\nbusy p...\r\n";
const OK: &str = "\r\nOK\r\n";
const ERROR: &str = "\r\nERROR\r\n";

fn quiet() -> Bench {
    Bench::new(&Persona::V4_1)
}

fn echoing() -> Bench {
    let mut bench = Bench::cold(Config::new(&Persona::V4_1));
    bench.run(400);
    bench
}

#[test]
fn chunks_are_echoed_as_they_arrive_up_to_the_end_of_the_line() {
    let mut bench = echoing();
    assert_eq!(bench.chunk(b"A"), "A");
    assert_eq!(bench.chunk(b"T\r"), "T\r");
    assert_eq!(bench.chunk(b"\n"), format!("\n{OK}"));
    assert_eq!(bench.chunk(b"AT\r\nrest"), format!("AT\r\n{BUSY}{OK}"));
}

#[test]
fn the_command_that_switches_echo_off_is_still_echoed() {
    let mut bench = echoing();
    assert_eq!(bench.ask("ATE0"), format!("ATE0\r\n{OK}"));
    assert_eq!(bench.ask("ATE1"), OK);
    assert_eq!(bench.ask("AT"), format!("AT\r\n{OK}"));
}

#[test]
fn neither_half_of_the_terminator_ends_a_line() {
    let mut bench = quiet();
    assert_eq!(bench.chunk(b"AT\r"), "");
    assert_eq!(bench.chunk(b"\r\n"), ERROR, "AT CR is no command");
    assert_eq!(bench.chunk(b"AT\n"), "");
    assert_eq!(bench.chunk(b"\r\n"), ERROR);
    assert_eq!(bench.chunk(b"AT\r"), "");
    assert_eq!(bench.chunk(b"\n"), OK);
}

#[test]
fn a_nul_throws_away_what_stands_before_it() {
    let mut bench = echoing();
    assert_eq!(bench.chunk(b"garbage\0AT\r\n"), format!("garbage\0AT\r\n{OK}"));
    assert_eq!(bench.chunk(b"AT+"), "AT+");
    assert_eq!(bench.chunk(b"X\0A\0AT\r\nA"), format!("X\0A\0AT\r\n{BUSY}{OK}"));
    assert_eq!(
        bench.chunk(b"AT\r\n\0"),
        format!("AT\r\n{BUSY}{OK}"),
        "behind the end it is too late"
    );
    assert_eq!(bench.counters().nul_bytes, 3);
}

#[test]
fn two_hundred_and_fifty_six_bytes_without_an_end_are_forgotten() {
    let mut bench = quiet();
    assert_eq!(bench.chunk(&[b'x'; 255]), "");
    assert_eq!(bench.chunk(b"\r\n"), ERROR, "that was a long line, and no command");
    assert_eq!(bench.chunk(&[b'x'; 256]), "", "no error");
    assert_eq!(bench.chunk(b"AT\r\n"), OK);
    assert_eq!(bench.chunk(&[b'x'; 200]), "");
    assert_eq!(bench.chunk(&[b'x'; 100]), "");
    assert_eq!(bench.chunk(b"AT\r\n"), OK);
    assert_eq!(bench.counters().long_lines, 2);
}

#[test]
fn of_a_forgotten_line_the_last_carriage_return_stays() {
    let mut bench = quiet();
    let mut long = vec![b'x'; 256];
    long.push(b'\r');
    assert_eq!(bench.chunk(&long), "");
    assert_eq!(bench.chunk(b"\n"), ERROR, "an empty line");
    assert_eq!(bench.counters().empty_lines, 1);
}

#[test]
fn a_command_may_have_256_bytes_with_its_end() {
    let mut bench = quiet();
    let name = |length: usize| format!("AT+CIPDOMAIN=\"{}\"", "a".repeat(length - 17));
    assert_eq!(name(256).len(), 254);
    bench.set(&["AT+SYSLOG=1"]);
    assert_eq!(bench.ask(&name(256)), format!("ERR CODE:0x010a0000\r\n{ERROR}"), "no such name");
    assert_eq!(bench.ask(&name(257)), format!("ERR CODE:0x01040000\r\n{ERROR}"), "too long");
}

#[test]
fn a_line_begins_with_at_in_either_case_and_with_nothing_before() {
    let mut bench = quiet();
    for line in ["AT", "at", "aT", "At"] {
        assert_eq!(bench.ask(line), OK, "{line}");
    }
    for line in ["", "A", " AT", "BT", "T"] {
        assert_eq!(bench.ask(line), ERROR, "{line:?}");
    }
    bench.set(&["AT+SYSLOG=1"]);
    assert_eq!(bench.ask("QT"), format!("ERR CODE:0x01030000\r\n{ERROR}"));
    assert_eq!(bench.ask(""), format!("ERR CODE:0x01030000\r\n{ERROR}"));
}

#[test]
fn bytes_behind_the_end_in_one_chunk_are_lost_with_one_answer() {
    let mut bench = quiet();
    for burst in [&b"AT\r\nAT\r\n"[..], b"AT\r\n\r", b"AT\r\n ", b"AT\r\n\n", b"AT\r\nAT\r\nAT\r\n"]
    {
        assert_eq!(bench.chunk(burst), format!("{BUSY}{OK}"), "{}", burst.escape_ascii());
    }
    assert_eq!(bench.offences(), [("bursts", 5)]);
}

#[test]
fn each_chunk_that_comes_while_a_command_runs_is_answered_and_lost() {
    let mut bench = Bench::online(&Persona::V4_1);
    bench.put(b"AT+CWLAP\r\n");
    for chunk in [&b"A"[..], b"T\r\n", b"AT\r\nAT\r\n"] {
        assert_eq!(bench.chunk(chunk), BUSY);
    }
    assert!(bench.run(1500).ends_with(OK));
    assert_eq!(bench.ask("AT"), OK);
    assert_eq!(bench.offences(), [("busy_chunks", 3)]);
}

#[test]
fn with_syslog_the_number_comes_before_busy() {
    let mut bench = quiet();
    bench.set(&["AT+SYSLOG=1"]);
    let said = bench.chunk(b"AT\r\nAT\r\n");
    assert_eq!(said, format!("ERR CODE:0x010b0000\r\n{BUSY}{OK}"));
}

#[test]
fn a_reset_gets_through_while_a_command_runs_if_it_comes_in_one_piece() {
    let mut bench = Bench::online(&Persona::V4_1);
    assert_eq!(bench.ask("AT+CWLAP"), "");
    assert_eq!(bench.chunk(b"AT+RS"), BUSY);
    assert_eq!(bench.chunk(b"T\r\n"), BUSY);
    assert_eq!(bench.chunk(b"AT+RST\r\n"), format!("\r\nWill force to restart!!!\r\n{OK}"));
    assert_eq!(bench.run(500), "\r\nready\r\nWIFI CONNECTED\r\nWIFI GOT IP\r\n");
}

#[test]
fn payload_is_any_bytes_without_echo_in_any_chunks() {
    let mut bench = Bench::online(&Persona::V4_1);
    let peer = bench.link(0, 80);
    assert_eq!(bench.ask("ATE1"), OK);
    assert_eq!(bench.ask("AT+CIPSEND=0,12"), "AT+CIPSEND=0,12\r\n\r\nOK\r\n\r\n>");
    for chunk in [&b"AT\r\n"[..], b"\0", b"+++\xFF", b"ab"] {
        assert_eq!(bench.chunk(chunk), "", "it waits for ever");
    }
    bench.run(10_000);
    assert_eq!(bench.chunk(b"\\"), "\r\nRecv 12 bytes\r\n\r\nSEND OK\r\n");
    assert_eq!(bench.received(peer), b"AT\r\n\0+++\xFFab\\");
}

#[test]
fn a_lone_chunk_of_three_plus_signs_cancels() {
    let mut bench = Bench::online(&Persona::V4_1);
    let peer = bench.link(0, 80);
    assert_eq!(bench.ask("AT+CIPSEND=0,5"), "\r\nOK\r\n\r\n>");
    assert_eq!(bench.chunk(b"ab"), "");
    assert_eq!(bench.chunk(b"+++"), "\r\nSEND Canceled\r\n");
    assert_eq!(bench.ask("AT"), OK);
    assert_eq!(bench.received(peer), b"");
    assert_eq!(bench.ask("AT+CIPSEND=0,3"), "\r\nOK\r\n\r\n>");
    assert_eq!(bench.chunk(b"+++"), "\r\nSEND Canceled\r\n", "even where they would be all");
    assert_eq!(bench.counters().canceled_sends, 2);
}

#[test]
fn payload_beyond_its_length_is_dropped_with_busy() {
    let mut bench = Bench::online(&Persona::V4_1);
    let peer = bench.link(0, 80);
    bench.ask("AT+CIPSEND=0,3");
    let said = bench.chunk(b"abcdef");
    assert_eq!(said, format!("\r\nRecv 3 bytes\r\n{BUSY}\r\nSEND OK\r\n"));
    assert_eq!(bench.received(peer), b"abc");
    assert_eq!(bench.offences(), [("surplus_payload", 3)]);
}

#[test]
fn bytes_while_a_payload_is_handed_over_are_lost_without_a_word() {
    for (persona, word) in [
        (&Persona::V4_1, ""),
        (&Persona::V2_4, ""),
        (&Persona::V2_1, BUSY),
        (&Persona::V1_7, "\r\nbusy s...\r\n"),
    ] {
        let mut bench = Bench::online(persona);
        bench.link(0, 80);
        bench.ask("AT+CIPSEND=0,3");
        bench.put(b"abc");
        let said = bench.chunk(b"AT\r\n");
        assert_eq!(said, format!("\r\nRecv 3 bytes\r\n{word}\r\nSEND OK\r\n"), "{}", persona.name);
        assert_eq!(bench.offences(), [("bytes_while_sending", 4)]);
    }
}

#[test]
fn a_link_that_closes_under_a_payload_does_not_end_it() {
    let mut bench = Bench::online(&Persona::V4_1);
    let peer = bench.link(0, 80);
    bench.ask("AT+CIPSEND=0,4");
    netdev_sim::Stack::close(&mut bench.peer, peer);
    assert_eq!(bench.run(5), "0,CLOSED\r\n");
    assert_eq!(bench.chunk(b"abc"), "");
    assert_eq!(bench.chunk(b"d"), "\r\nRecv 4 bytes\r\n\r\nSEND FAIL\r\n");
}

#[test]
fn single_bytes_are_one_chunk_until_the_line_is_silent() {
    let mut bench = Bench::online(&Persona::V4_1);
    let peer = bench.link(0, 80);
    for byte in *b"AT+CIPSEND=0,8\r\n" {
        bench.put(&[byte]);
    }
    assert_eq!(bench.run(10), "\r\nOK\r\n\r\n>");
    for byte in *b"a+++bcde" {
        bench.put(&[byte]);
    }
    assert_eq!(bench.run(10), "\r\nRecv 8 bytes\r\n\r\nSEND OK\r\n");
    bench.ask("AT+CIPSEND=0,8");
    for byte in *b"+++" {
        bench.put(&[byte]);
    }
    assert_eq!(bench.run(10), "\r\nSEND Canceled\r\n");
    assert_eq!(bench.received(peer), b"a+++bcde");
}

#[test]
fn gathered_chunks_end_at_120_bytes_as_the_uart_has_it() {
    let mut config = Config::new(&Persona::V4_1);
    config.chunks = Chunks::Line;
    let mut bench = Bench::online_with(config);
    let peer = bench.link(0, 80);
    bench.ask("AT+CIPSEND=0,123");
    // The last three bytes are a chunk of their own: the trap of section 9.27.
    let said = bench.chunk(&[&[b'x'; 120][..], b"+++"].concat());
    assert_eq!(said, "\r\nSEND Canceled\r\n");
    assert_eq!(bench.received(peer), b"");
}

#[test]
fn bytes_that_come_before_ready_are_lost() {
    let mut bench = Bench::cold(Config::new(&Persona::V4_1));
    assert_eq!(bench.chunk(b"AT\r\n"), "");
    assert_eq!(bench.run(400), "\r\nready\r\n");
    assert_eq!(bench.offences(), [("bytes_while_down", 4)]);
}
