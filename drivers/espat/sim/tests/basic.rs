//! Basic commands, boot, restart, UART, persistence (protocol sections 1, 4 and 7.1).
#![allow(clippy::unwrap_used, reason = "helpers fail as tests do")]

mod common;

use common::Bench;
use espat_sim::{Config, Persona};
use netdev_sim::UartChip;

const OK: &str = "\r\nOK\r\n";
const ERROR: &str = "\r\nERROR\r\n";

#[test]
fn every_persona_tells_its_version() {
    for (persona, first) in [
        (&Persona::V1_7, "AT version:1.7.6.0(Jan 24 2022 08:56:02)\r\n"),
        (&Persona::V2_1, "AT version:2.1.0.0(883f7f2 - ESP32 - Sep 15 2020 06:20:15)\r\n"),
        (&Persona::V2_4, "AT version:2.4.0.0(4c6eb5e - ESP32 - May 20 2022 11:15:19)\r\n"),
        (&Persona::V4_1, "AT version:4.1.1.0(f8e9d39 - ESP32C3 - Jul 10 2025 08:12:14)\r\n"),
        (&Persona::V5_0, "AT version:5.0.0.0(3b7c2de - ESP32C5 - Nov 20 2025 09:41:33)\r\n"),
    ] {
        let mut bench = Bench::new(persona);
        let said = bench.ask("AT+GMR");
        assert!(said.starts_with(first) && said.ends_with(OK), "{said}");
        let lines: Vec<&str> = said.lines().collect();
        assert!(lines[1].starts_with("SDK version:"), "{said}");
        assert!(lines[2].starts_with("compile time"), "{said}");
        assert!(lines[3].starts_with("Bin version"), "{said}");
    }
}

#[test]
fn the_factory_settings_are_as_documented() {
    let mut bench = Bench::new(&Persona::V4_1);
    for (question, answer) in [
        ("AT+CIPMUX?", "+CIPMUX:0\r\n"),
        ("AT+CIPMODE?", "+CIPMODE:0\r\n"),
        ("AT+CIPDINFO?", "+CIPDINFO:false"),
        ("AT+SYSLOG?", "+SYSLOG:0\r\n"),
        ("AT+SYSMSG?", "+SYSMSG:0"),
        ("AT+SYSSTORE?", "+SYSSTORE:1\r\n"),
        ("AT+CWMODE?", "+CWMODE:0\r\n"),
        ("AT+CIPRECVTYPE?", "+CIPRECVTYPE:0,0,0\r\n"),
        ("AT+CIPRECVMODE?", "+CIPRECVMODE:0\r\n"),
        ("AT+CIPSERVERMAXCONN?", "+CIPSERVERMAXCONN:5\r\n"),
        ("AT+CIPSENDLCFG?", "+CIPSENDLCFG:1024,2920\r\n"),
        ("AT+SLEEP?", "+SLEEP:0\r\n"),
        ("AT+CWAUTOCONN?", "+CWAUTOCONN:1"),
        ("AT+UART_CUR?", "+UART_CUR:115200,8,1,0,0\r\n"),
        ("AT+UART?", "+UART_CUR:115200,8,1,0,0\r\n"),
        ("AT+UART_DEF?", "+UART_DEF:115200,8,1,0,0\r\n"),
        ("AT+CIPSERVER?", "+CIPSERVER:0\r\n"),
        ("AT+CWSTATE?", "+CWSTATE:0,\"\"\r\n"),
        ("AT+CIPSTATE?", ""),
    ] {
        assert_eq!(bench.ask(question), format!("{answer}{OK}"), "{question}");
    }
    assert_eq!(bench.offences(), []);
}

#[test]
fn settings_are_told_as_they_were_set() {
    let mut bench = Bench::new(&Persona::V4_1);
    for (setting, question, answer) in [
        ("AT+SYSLOG=1", "AT+SYSLOG?", "+SYSLOG:1\r\n"),
        ("AT+SYSMSG=7", "AT+SYSMSG?", "+SYSMSG:7"),
        ("AT+SYSSTORE=0", "AT+SYSSTORE?", "+SYSSTORE:0\r\n"),
        ("AT+SLEEP=2", "AT+SLEEP?", "+SLEEP:2\r\n"),
        ("AT+CIPDINFO=1", "AT+CIPDINFO?", "+CIPDINFO:true"),
        ("AT+CWAUTOCONN=0", "AT+CWAUTOCONN?", "+CWAUTOCONN:0"),
        ("AT+CWINIT=1", "AT+CWINIT?", "+CWINIT:1\r\n"),
    ] {
        bench.set(&[setting]);
        assert_eq!(bench.ask(question), format!("{answer}{OK}"), "{question}");
    }
}

#[test]
fn the_list_of_commands_tells_their_forms() {
    let mut bench = Bench::new(&Persona::V4_1);
    let said = bench.ask("AT+CMD?");
    assert!(said.starts_with("+CMD:0,\"AT\",0,0,0,1\r\n+CMD:1,\"ATE0\",0,0,0,1\r\n"), "{said}");
    assert!(said.contains(",\"AT+CIPMUX\",0,1,1,0\r\n") && said.ends_with(OK), "{said}");
    assert!(said.contains(",\"AT+CIPRECVTYPE\",0,1,1,0\r\n") && !said.contains("CIPSSLSIZE"));
    assert!(!Bench::new(&Persona::V5_0).ask("AT+CMD?").contains("CIPSTATUS"));
    assert_eq!(Bench::new(&Persona::V2_1).ask("AT+CMD?"), ERROR, "since 2.2");
}

#[test]
fn a_restart_forgets_what_is_not_stored() {
    let mut bench = Bench::online(&Persona::V4_1);
    bench.set(&["AT+CIPDINFO=1", "AT+SYSLOG=1", "AT+CIPRECVTYPE=5,1", "AT+CIPSERVER=1,80"]);
    assert_eq!(bench.ask("AT+RST"), OK);
    assert_eq!(bench.run(1000), "\r\nready\r\nWIFI CONNECTED\r\nWIFI GOT IP\r\n");
    assert_eq!(bench.ask("AT"), format!("AT\r\n{OK}"), "echo is on again");
    bench.ask("ATE0");
    for (question, answer) in [
        ("AT+CIPMUX?", "+CIPMUX:0\r\n"),
        ("AT+CIPDINFO?", "+CIPDINFO:false"),
        ("AT+SYSLOG?", "+SYSLOG:0\r\n"),
        ("AT+CIPRECVTYPE?", "+CIPRECVTYPE:0,0,0\r\n"),
        ("AT+CIPSERVER?", "+CIPSERVER:0\r\n"),
        ("AT+CWMODE?", "+CWMODE:1\r\n"),
    ] {
        assert_eq!(bench.ask(question), format!("{answer}{OK}"), "{question}");
    }
}

#[test]
fn without_storing_nothing_outlives_a_restart() {
    let mut bench = Bench::new(&Persona::V4_1);
    bench.set(&["AT+SYSSTORE=0", "AT+CWMODE=1", "AT+RST"]);
    assert_eq!(bench.run(1000), "\r\nready\r\n");
    bench.ask("ATE0");
    assert_eq!(bench.ask("AT+CWMODE?"), format!("+CWMODE:0\r\n{OK}"));
    assert_eq!(bench.ask("AT+SYSSTORE?"), format!("+SYSSTORE:1\r\n{OK}"));
}

#[test]
fn suffixes_decide_about_storing_in_1_7() {
    let mut bench = Bench::new(&Persona::V1_7);
    bench.set(&["AT+CWMODE_CUR=1"]);
    assert_eq!(bench.ask("AT+CWMODE_CUR?"), format!("+CWMODE_CUR:1\r\n{OK}"));
    bench.set(&["AT+RST"]);
    assert!(bench.run(1000).ends_with("\r\nready\r\n"));
    bench.ask("ATE0");
    assert_eq!(bench.ask("AT+CWMODE?"), format!("+CWMODE:2\r\n{OK}"));
    bench.set(&["AT+CWMODE_DEF=3", "AT+RST"]);
    bench.run(1000);
    bench.ask("ATE0");
    assert_eq!(bench.ask("AT+CWMODE?"), format!("+CWMODE:3\r\n{OK}"));
}

#[test]
fn restore_wipes_the_flash() {
    let mut bench = Bench::online(&Persona::V4_1);
    bench.set(&["AT+UART_DEF=9600,8,1,0,0"]);
    assert_eq!(bench.modem.baud(), 9600);
    bench.set(&["AT+RESTORE"]);
    assert_eq!(bench.run(1000), "\r\nready\r\n");
    assert_eq!(bench.modem.baud(), 115_200);
    bench.ask("ATE0");
    assert_eq!(bench.ask("AT+CWMODE?"), format!("+CWMODE:0\r\n{OK}"));
}

#[test]
fn the_answer_to_a_new_rate_goes_out_at_the_old_one() {
    let mut bench = Bench::new(&Persona::V4_1);
    bench.put(b"AT+UART_CUR=921600,8,1,0,0\r\n");
    let answer_at = netdev::Platform::now(&bench.clock) + core::time::Duration::from_millis(2);
    let mut byte = [0];
    for expected in OK.bytes() {
        assert_eq!(bench.modem.baud(), 115_200);
        assert_eq!(bench.modem.transmit(&mut byte, answer_at), 1);
        assert_eq!(byte[0], expected);
    }
    assert_eq!(bench.modem.baud(), 921_600);
    assert_eq!(bench.modem.transmit(&mut byte, answer_at), 0, "nothing is said at the new rate");
    bench.clock.spend(core::time::Duration::from_millis(5));
    assert_eq!(bench.ask("AT+UART_CUR?"), format!("+UART_CUR:921600,8,1,0,0\r\n{OK}"));
    assert_eq!(bench.ask("AT+UART_DEF?"), format!("+UART_DEF:115200,8,1,0,0\r\n{OK}"));
    bench.set(&["AT+RST"]);
    bench.run(1000);
    assert_eq!(bench.modem.baud(), 115_200, "a restart takes the stored one");
}

#[test]
fn a_stored_rate_is_in_force_now_and_after_a_restart() {
    let mut bench = Bench::new(&Persona::V4_1);
    bench.set(&["AT+UART=57600,8,1,0,3"]);
    assert_eq!(bench.modem.baud(), 57_600);
    assert_eq!(bench.ask("AT+UART_DEF?"), format!("+UART_DEF:57600,8,1,0,3\r\n{OK}"));
    bench.set(&["AT+RST"]);
    bench.run(1000);
    assert_eq!(bench.modem.baud(), 57_600);
}

#[test]
fn impossible_uart_settings_are_errors() {
    let mut bench = Bench::new(&Persona::V4_1);
    for setting in [
        "79,8,1,0,0",
        "5000001,8,1,0,0",
        "115200,4,1,0,0",
        "115200,9,1,0,0",
        "115200,8,0,0,0",
        "115200,8,4,0,0",
        "115200,8,1,3,0",
        "115200,8,1,0,4",
        "115200,8,1,0",
        "115200,8,1,0,",
        "115200,8,1,0,0,0",
        "115200",
    ] {
        assert_eq!(bench.ask(&format!("AT+UART_CUR={setting}")), ERROR, "{setting}");
    }
    assert_eq!(bench.modem.baud(), 115_200);
}

#[test]
fn with_flow_control_the_host_can_stop_the_modem() {
    let mut bench = Bench::new(&Persona::V4_1);
    bench.set(&["AT+UART_CUR=115200,8,1,0,3"]);
    let now = netdev::Platform::now(&bench.clock);
    bench.modem.set_clear_to_send(false, now);
    assert_eq!(bench.ask("AT"), "");
    let now = netdev::Platform::now(&bench.clock);
    bench.modem.set_clear_to_send(true, now);
    assert_eq!(bench.run(5), OK);
    bench.set(&["AT+UART_CUR=115200,8,1,0,0"]);
    let now = netdev::Platform::now(&bench.clock);
    bench.modem.set_clear_to_send(false, now);
    assert_eq!(bench.ask("AT"), OK, "it was told not to look");
}

#[test]
fn the_enable_pin_forgets_everything() {
    let mut bench = Bench::online(&Persona::V4_1);
    let peer = bench.link(0, 80);
    let now = netdev::Platform::now(&bench.clock);
    bench.modem.set_enabled(false, now);
    assert_eq!(bench.run(1000), "");
    assert_eq!(bench.ask("AT"), "");
    let now = netdev::Platform::now(&bench.clock);
    bench.modem.set_enabled(true, now);
    assert_eq!(bench.run(1000), "\r\nready\r\nWIFI CONNECTED\r\nWIFI GOT IP\r\n");
    assert_eq!(bench.ask("AT"), format!("AT\r\n{OK}"));
    assert_eq!(netdev_sim::Stack::recv(&mut bench.peer, peer, &mut [0; 4], false), Ok(0));
}

#[test]
fn deep_sleep_ends_with_a_start() {
    let mut bench = Bench::new(&Persona::V4_1);
    assert_eq!(bench.ask("AT+GSLP=2000"), format!("2000\r\n{OK}"));
    assert_eq!(bench.run(2000), "");
    assert_eq!(bench.run(500), "\r\nready\r\n");
}

#[test]
fn a_stored_network_is_joined_at_start() {
    let mut config = Config::new(&Persona::V4_1);
    config.stored = Some(("test-ap".into(), "test-pass".into()));
    let mut bench = Bench::cold(config);
    assert_eq!(bench.run(1000), "\r\nready\r\nWIFI CONNECTED\r\nWIFI GOT IP\r\n");
    bench.ask("ATE0");
    assert!(bench.ask("AT+CWJAP?").starts_with("+CWJAP:\"test-ap\","));
    bench.set(&["AT+CWAUTOCONN=0", "AT+RST"]);
    assert_eq!(bench.run(1000), "\r\nready\r\n");
}

#[test]
fn on_the_old_chip_the_roms_log_comes_before_ready() {
    let mut bench = Bench::cold(Config::new(&Persona::V1_7));
    let said = bench.run(400);
    let noise = said.strip_suffix("\r\nready\r\n").expect("ready at the end");
    assert!(noise.len() > 20 && !noise.contains("ets Jan"), "{noise:?}");
}

#[test]
fn spontaneous_restarts_forget_everything() {
    let mut bench = Bench::online(&Persona::V4_1);
    bench.link(3, 80);
    bench.monitor.reboot();
    assert_eq!(bench.run(1000), "\r\nready\r\nWIFI CONNECTED\r\nWIFI GOT IP\r\n");
    assert_eq!(bench.ask("AT+CIPMUX?"), format!("AT+CIPMUX?\r\n+CIPMUX:0\r\n{OK}"));
    assert_eq!(bench.counters().boots, 2);
}
