//! Names, ping, name servers, time, mDNS (protocol section 7.3).

mod common;

use core::time::Duration;

use common::{Bench, PEER};
use espat_sim::{Config, Persona};

const OK: &str = "\r\nOK\r\n";
const ERROR: &str = "\r\nERROR\r\n";

#[test]
fn addresses_of_names_have_quotes_from_2_2_on() {
    for (persona, answer) in [
        (&Persona::V1_7, "+CIPDOMAIN:10.0.0.9\r\n"),
        (&Persona::V2_1, "+CIPDOMAIN:10.0.0.9\r\n"),
        (&Persona::V2_4, "+CIPDOMAIN:\"10.0.0.9\"\r\n"),
        (&Persona::V5_0, "+CIPDOMAIN:\"10.0.0.9\"\r\n"),
    ] {
        let mut bench = Bench::online(persona);
        assert_eq!(bench.ask("AT+CIPDOMAIN=\"peer.test\""), format!("{answer}{OK}"));
        let why = if persona.name == "1.7" { "DNS Fail\r\n" } else { "" };
        assert_eq!(bench.ask("AT+CIPDOMAIN=\"nobody.test\""), format!("{why}{ERROR}"));
    }
}

#[test]
fn all_addresses_can_be_asked_for() {
    let mut bench = Bench::online(&Persona::V4_1);
    bench.internet.name("peer.test", [10, 0, 0, 10].into());
    let first = "+CIPDOMAIN:\"10.0.0.9\"\r\n";
    assert_eq!(bench.ask("AT+CIPDOMAIN=\"peer.test\",1,1000"), format!("{first}{OK}"));
    let both = format!("{first}+CIPDOMAIN:\"10.0.0.10\"\r\n{OK}");
    assert_eq!(bench.ask("AT+CIPDOMAIN=\"peer.test\",1,1000,1"), both);
}

#[test]
fn a_lookup_blocks_the_command_and_ends() {
    let mut bench = Bench::online(&Persona::V4_1);
    bench.internet.set_delay(Duration::from_secs(60));
    assert_eq!(bench.ask_for("AT+CIPDOMAIN=\"peer.test\",1,800", 790), "");
    assert_eq!(bench.run(20), ERROR);
    assert_eq!(bench.ask_for("AT+CIPDOMAIN=\"peer.test\"", 6900), "");
    assert_eq!(bench.run(200), ERROR);
}

#[test]
fn pings_tell_milliseconds() {
    for (persona, answer, timeout) in [
        (&Persona::V4_1, "+PING:12\r\n", "+PING:TIMEOUT\r\n"),
        (&Persona::V1_7, "+12\r\n", "+timeout\r\n"),
    ] {
        let mut config = Config::new(persona);
        config.pingable = vec![(PEER, Duration::from_millis(12))];
        let mut bench = Bench::online_with(config);
        assert_eq!(bench.ask_for("AT+PING=\"peer.test\"", 30), format!("{answer}{OK}"));
        assert_eq!(bench.ask_for("AT+PING=\"10.0.0.77\"", 1500), format!("{timeout}{ERROR}"));
        assert_eq!(bench.ask_for("AT+PING=\"nobody.test\"", 1500), format!("{timeout}{ERROR}"));
    }
}

#[test]
fn name_servers_are_set_and_told() {
    let mut bench = Bench::online(&Persona::V4_1);
    assert_eq!(bench.ask("AT+CIPDNS?"), format!("+CIPDNS:0,\"10.0.0.1\"\r\n{OK}"));
    bench.set(&["AT+CIPDNS=1,\"10.0.0.5\",\"10.0.0.6\""]);
    assert_eq!(bench.ask("AT+CIPDNS?"), format!("+CIPDNS:1,\"10.0.0.5\",\"10.0.0.6\"\r\n{OK}"));
    assert_eq!(bench.ask("AT+CIPDNS=1,\"10.0.0.5\",\"10.0.0.5\""), ERROR, "equal ones");
    bench.set(&["AT+CIPDNS=1"]);
    let defaults = "+CIPDNS:1,\"208.67.222.222\",\"114.114.114.114\",\"8.8.8.8\"\r\n";
    assert_eq!(bench.ask("AT+CIPDNS?"), format!("{defaults}{OK}"));
    bench.set(&["AT+CIPDNS=0"]);
    assert_eq!(bench.ask("AT+CIPDNS?"), format!("+CIPDNS:0,\"10.0.0.1\"\r\n{OK}"));
    let mut old = Bench::online(&Persona::V1_7);
    old.set(&["AT+CIPDNS_CUR=1,\"10.0.0.5\""]);
    assert_eq!(old.ask("AT+CIPDNS_CUR?"), format!("+CIPDNS_CUR:10.0.0.5\r\n{OK}"));
}

#[test]
fn the_time_comes_from_a_server() {
    let mut config = Config::new(&Persona::V4_1);
    config.unix_time = Some(1_634_665_676);
    let mut bench = Bench::online_with(config);
    assert_eq!(bench.ask("AT+CIPSNTPTIME?"), format!("+CIPSNTPTIME:Thu Jan  1 08:00:00 1970{OK}"));
    assert_eq!(bench.ask("AT+CIPSNTPCFG?"), format!("+CIPSNTPCFG:0,8\r\n{OK}"));
    let said = bench.ask_for("AT+CIPSNTPCFG=1,0,\"time.test\"", 300);
    assert_eq!(said, format!("{OK}+TIME_UPDATED\r\n"));
    assert_eq!(bench.ask("AT+CIPSNTPCFG?"), format!("+CIPSNTPCFG:1,0,\"time.test\"\r\n{OK}"));
    assert_eq!(bench.ask("AT+CIPSNTPTIME?"), format!("+CIPSNTPTIME:Tue Oct 19 17:47:56 2021{OK}"));
    assert_eq!(bench.ask("AT+SYSTIMESTAMP?"), format!("+SYSTIMESTAMP:1634665676{OK}"));
    bench.ask("AT+CIPSNTPCFG=1,-5");
    assert_eq!(bench.run(300), "+TIME_UPDATED\r\n");
    assert!(bench.ask("AT+CIPSNTPTIME?").starts_with("+CIPSNTPTIME:Tue Oct 19 12:47:5"));
    bench.set(&["AT+CIPSNTPINTV=15"]);
    assert_eq!(bench.ask("AT+CIPSNTPINTV?"), format!("+CIPSNTPINTV:15\r\n{OK}"));
    assert_eq!(bench.ask("AT+CIPSNTPINTV=14"), ERROR);
}

#[test]
fn without_a_server_the_time_is_that_of_the_epoch() {
    let mut bench = Bench::online(&Persona::V4_1);
    assert_eq!(bench.ask_for("AT+CIPSNTPCFG=1,0", 3000), OK);
    assert!(bench.ask("AT+CIPSNTPTIME?").starts_with("+CIPSNTPTIME:Thu Jan  1 00:00:0"));
}

#[test]
fn zones_are_hours_or_quarters() {
    let mut bench = Bench::online(&Persona::V4_1);
    for good in ["-12", "14", "800", "545", "-930"] {
        bench.set(&[&format!("AT+CIPSNTPCFG=1,{good}")]);
    }
    for bad in ["15", "-13", "1401", "817"] {
        assert_eq!(bench.ask(&format!("AT+CIPSNTPCFG=1,{bad}")), ERROR, "{bad}");
    }
}

#[test]
fn mdns_is_switched_and_not_queried() {
    let mut bench = Bench::online(&Persona::V4_1);
    bench.set(&["AT+MDNS=1,\"lamp\",\"_http\",80", "AT+MDNS=0"]);
    bench.set(&["AT+MDNS=1,\"lamp\",\"_http\",80,\"a\",\"_tcp\",1,\"k\",\"v\""]);
    assert_eq!(bench.ask("AT+MDNS=1,\"lamp\""), ERROR);
    assert_eq!(bench.ask("AT+MDNS=2,0,\"_http._tcp\""), ERROR);
    assert_eq!(bench.counters().not_modelled, 1);
}
