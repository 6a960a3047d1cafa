//! Mischief: each kind, ordered and by chance (protocol section 10).
#![allow(clippy::unwrap_used, reason = "helpers fail as tests do")]

mod common;

use common::{Bench, text};
use espat_sim::{Config, Fault, FaultRates, Persona};
use netdev_sim::UartChip;

const OK: &str = "\r\nOK\r\n";
const ERROR: &str = "\r\nERROR\r\n";
const PROMPT: &str = "\r\nOK\r\n\r\n>";

#[test]
fn a_storm_puts_lines_before_literals() {
    let mut bench = Bench::online(&Persona::V4_1);
    bench.monitor.arm(Fault::Storm);
    let said = bench.ask("AT+CIPMUX?");
    let line = said.strip_suffix(&format!("+CIPMUX:1\r\n{OK}")).unwrap();
    assert!(line.ends_with("\r\n") && line.len() > 10, "{said}");
    let mut config = Config::new(&Persona::V4_1);
    config.faults = FaultRates::default().with(Fault::Storm, 1.0);
    let mut bench = Bench::cold(config);
    bench.run(400);
    let said = bench.ask("AT+CIPMUX?");
    assert_eq!(said.matches("\r\n").count(), 7, "{said}");
    assert!(bench.counters().faults >= 4);
}

#[test]
fn a_slow_prompt_comes_all_the_same() {
    let mut bench = Bench::online(&Persona::V4_1);
    let peer = bench.link(0, 80);
    bench.monitor.arm(Fault::SlowPrompt);
    assert_eq!(bench.ask_for("AT+CIPSEND=0,3", 490), "");
    assert_eq!(bench.run(20), PROMPT);
    bench.chunk(b"abc");
    assert_eq!(bench.received(peer), b"abc");
}

#[test]
fn a_blank_may_follow_the_prompt() {
    let mut bench = Bench::online(&Persona::V4_1);
    bench.link(0, 80);
    bench.monitor.arm(Fault::BlankPrompt);
    assert_eq!(bench.ask("AT+CIPSEND=0,3"), format!("{PROMPT} "));
}

#[test]
fn a_forced_busy_loses_the_command() {
    let mut bench = Bench::online(&Persona::V4_1);
    bench.monitor.arm(Fault::Busy);
    bench.monitor.arm(Fault::Busy);
    for _ in 0..2 {
        assert_eq!(bench.ask("AT+CIPMUX?"), "\r\nbusy p...\r\n");
    }
    assert_eq!(bench.ask("AT+CIPMUX?"), format!("+CIPMUX:1\r\n{OK}"));
    assert_eq!(bench.counters().faults, 2);
}

#[test]
fn a_send_fails_on_order() {
    let mut bench = Bench::online(&Persona::V4_1);
    let peer = bench.link(0, 80);
    bench.monitor.arm(Fault::SendFail);
    bench.ask("AT+CIPSEND=0,3");
    assert_eq!(bench.chunk(b"abc"), "\r\nRecv 3 bytes\r\n\r\nSEND FAIL\r\n");
    assert_eq!(bench.received(peer), b"");
}

#[test]
fn a_link_closes_when_its_payload_is_awaited() {
    let mut bench = Bench::online(&Persona::V4_1);
    bench.link(0, 80);
    bench.monitor.arm(Fault::ClosedInPayload);
    assert_eq!(bench.ask("AT+CIPSEND=0,3"), format!("{PROMPT}0,CLOSED\r\n"));
    assert_eq!(bench.chunk(b"abc"), "\r\nRecv 3 bytes\r\n\r\nSEND FAIL\r\n");
}

#[test]
fn a_silent_module_answers_nothing_and_comes_back() {
    let mut bench = Bench::online(&Persona::V4_1);
    let peer = bench.link(0, 80);
    bench.monitor.arm(Fault::Silence);
    assert_eq!(bench.ask("AT"), "");
    bench.send(peer, b"abc");
    assert_eq!(bench.ask("AT"), "");
    assert_eq!(bench.run(470), "");
    assert_eq!(bench.run(30), "\r\n+IPD,0,3:abc\r\n");
    assert_eq!(bench.ask("AT"), OK);
}

#[test]
fn a_crash_ends_in_ready() {
    let mut bench = Bench::online(&Persona::V4_1);
    bench.monitor.arm(Fault::Ready);
    assert_eq!(bench.ask("AT"), "");
    assert_eq!(bench.run(1000), "\r\nready\r\nWIFI CONNECTED\r\nWIFI GOT IP\r\n");
    assert_eq!(bench.ask("AT"), format!("AT\r\n{OK}"));
}

#[test]
fn garbage_comes_before_a_literal() {
    let mut bench = Bench::online(&Persona::V4_1);
    bench.monitor.arm(Fault::Garbage);
    let said = bench.ask("AT");
    assert_eq!(said.strip_suffix(OK).map(|noise| noise.chars().count()), Some(4), "{said:?}");
}

#[test]
fn a_block_may_stop_half_way() {
    let mut bench = Bench::online(&Persona::V4_1);
    let peer = bench.link(0, 80);
    bench.monitor.arm(Fault::PartialIpd);
    bench.send(peer, b"hello");
    assert_eq!(bench.run(400), "\r\n+IPD,0,");
    assert_eq!(bench.run(200), "5:hello\r\n");
}

#[test]
fn a_caller_takes_the_number_of_a_dial() {
    let mut bench = Bench::online(&Persona::V4_1);
    bench.set(&["AT+CIPSERVER=1,8080"]);
    bench.serve(80);
    bench.monitor.arm(Fault::GrabId);
    let caller = bench.call(8080);
    assert_eq!(bench.run(50), "", "it waits");
    let said = bench.ask("AT+CIPSTART=4,\"TCP\",\"10.0.0.9\",80");
    assert_eq!(said, format!("4,CONNECT\r\n{ERROR}"));
    bench.send(caller, b"hi");
    assert_eq!(bench.run(5), "\r\n+IPD,4,2:hi\r\n");
    assert_eq!(bench.monitor.armed(Fault::GrabId), 0);
}

#[test]
fn a_caller_that_waits_by_chance_comes_in_after_a_while() {
    let mut config = Config::new(&Persona::V4_1);
    config.faults = FaultRates::default().with(Fault::GrabId, 1.0);
    let mut bench = Bench::online_with(config);
    bench.set(&["AT+CIPSERVER=1,8080"]);
    bench.call(8080);
    assert_eq!(bench.run(490), "");
    assert_eq!(bench.run(20), "0,CONNECT\r\n");
}

#[test]
fn anything_may_be_said_at_any_time() {
    let mut bench = Bench::online(&Persona::V4_1);
    bench.monitor.say(b"to read 75 bytes\r\n");
    assert_eq!(bench.run(1), "to read 75 bytes\r\n");
}

#[test]
fn literals_can_be_had_in_small_pieces() {
    let mut config = Config::new(&Persona::V4_1);
    config.pieces = Some(1);
    let mut bench = Bench::cold(config);
    bench.run(300);
    let mut buf = [0; 64];
    let mut said = Vec::new();
    for _ in 0..9 {
        bench.clock.spend(core::time::Duration::from_millis(1));
        let now = netdev::Platform::now(&bench.clock);
        let count = bench.modem.transmit(&mut buf, now);
        assert!(count <= 1);
        said.extend_from_slice(&buf[..count]);
    }
    assert!(text(b"\r\nready\r\n").ends_with(&text(&said)) && !said.is_empty(), "{said:?}");
}

#[test]
fn rates_are_read_from_text() {
    let rates: FaultRates = "storm=0.5,busy,grab-id=1".parse().unwrap();
    let expected = FaultRates::default()
        .with(Fault::Storm, 0.5)
        .with(Fault::Busy, 0.01)
        .with(Fault::GrabId, 1.0);
    assert_eq!(rates, expected);
    for bad in ["burn", "storm=2", "storm=x", "storm=-1", "storm=NaN"] {
        let error = bad.parse::<FaultRates>().unwrap_err().to_string();
        assert!(error.contains("closed-in-payload"), "{error}");
    }
}

#[test]
fn the_same_seed_makes_the_same_mischief() {
    let run = |seed| {
        let mut config = Config::new(&Persona::V4_1);
        config.faults = "storm=0.2,garbage=0.1,busy=0.1".parse().unwrap();
        config.fault_seed = seed;
        let mut bench = Bench::cold(config);
        let mut said = bench.run(400);
        for _ in 0..50 {
            said += &bench.ask("AT+CIPMUX?");
        }
        said
    };
    assert_eq!(run(1), run(1));
    assert_ne!(run(1), run(2));
}

#[test]
fn whatever_strikes_a_restart_helps() {
    for (name, fault) in Fault::ALL {
        let mut config = Config::new(&Persona::V4_1);
        config.faults = FaultRates::default().with(fault, 0.3);
        let mut bench = Bench::cold(config);
        bench.run(2000);
        for line in ["ATE0", "AT+CWMODE=1", "AT+CIPMUX=1", "AT+CIPSERVER=1,80", "AT+CIPSEND=0,3"] {
            bench.ask_for(line, 50);
        }
        let now = netdev::Platform::now(&bench.clock);
        bench.modem.set_enabled(false, now);
        bench.modem.set_enabled(true, now);
        assert!(bench.run(1000).contains("\r\nready\r\n"), "{name}");
    }
}
