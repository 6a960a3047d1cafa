//! The grammar of commands and parameters (protocol sections 2.2 and 2.3).

mod common;

use common::Bench;
use espat_sim::{AccessPoint, Config, Persona};

const OK: &str = "\r\nOK\r\n";
const ERROR: &str = "\r\nERROR\r\n";

fn numbered() -> Bench {
    let mut bench = Bench::online(&Persona::V4_1);
    bench.set(&["AT+SYSLOG=1"]);
    bench
}

fn error(code: u32) -> String {
    format!("ERR CODE:0x{code:08x}\r\n{ERROR}")
}

#[test]
fn names_are_the_same_in_any_case() {
    let mut bench = numbered();
    assert_eq!(bench.ask("at+cipmux?"), format!("+CIPMUX:1\r\n{OK}"));
    assert_eq!(bench.ask("aT+CiPmUx?"), format!("+CIPMUX:1\r\n{OK}"));
    assert_eq!(bench.ask("ate0"), OK);
}

#[test]
fn unknown_names_are_errors_and_offences() {
    let mut bench = numbered();
    for line in ["AT+FROBNICATE", "ATX", "AT+", "ATE", "ATE2", "AT+CIPMUX ?", "AT GMR", "ATGMR"] {
        assert_eq!(bench.ask(line), error(0x0109_0000), "{line}");
    }
    assert_eq!(bench.offences(), [("unknown_commands", 8)]);
}

#[test]
fn commands_of_other_releases_are_missing_and_no_offence() {
    let mut bench = Bench::online(&Persona::V2_4);
    for line in ["AT+CIPRECVTYPE=5,1", "AT+CWMODE_CUR=1", "AT+CIPCONNPERSIST?", "AT+CWINIT?"] {
        assert_eq!(bench.ask(line), ERROR, "{line}");
    }
    assert_eq!((bench.offences(), bench.counters().missing_commands), (vec![], 4));
}

#[test]
fn a_form_without_a_handler_is_an_error() {
    let mut bench = numbered();
    for line in ["AT+GMR?", "AT+GMR=1", "AT+CIPSTART?", "AT+CIPMUX", "AT+CWQAP?"] {
        assert_eq!(bench.ask(line), error(0x010C_0000), "{line}");
    }
    for line in ["AT+CIPMUX=?", "AT+CWMODE=?", "AT+UART_CUR=?"] {
        assert_eq!(bench.ask(line), error(0x010A_0000), "{line}");
    }
}

#[test]
fn nothing_may_follow_the_question_mark() {
    let mut bench = numbered();
    for line in ["AT+CIPMUX? ", "AT+CIPMUX?1", "AT+CIPMUX??"] {
        assert_eq!(bench.ask(line), error(0x0109_0000), "{line}");
    }
}

#[test]
fn numbers_are_decimal_or_hexadecimal() {
    let mut bench = numbered();
    assert_eq!(bench.ask("AT+CIPSTO=0x1E"), OK);
    assert_eq!(bench.ask("AT+CIPSTO?"), format!("+CIPSTO:30\r\n{OK}"));
    assert_eq!(bench.ask("AT+CIPSTO=0X10"), OK);
    assert_eq!(bench.ask("AT+CIPSTO?"), format!("+CIPSTO:16\r\n{OK}"));
    for (value, code) in [
        ("1E", 0x0108_0000),
        ("\"30\"", 0x0108_0000),
        ("+30", 0x0108_0000),
        (" 30", 0x0108_0000),
        ("99999999999999999999", 0x0108_0000),
        ("-1", 0x0107_0000),
        ("7201", 0x0107_0000),
        ("", 0x0106_0101),
    ] {
        assert_eq!(bench.ask(&format!("AT+CIPSTO={value}")), error(code), "{value}");
    }
}

#[test]
fn a_bad_parameter_is_told_by_its_place() {
    let mut bench = numbered();
    assert_eq!(bench.ask("AT+CIPSERVER=x"), error(0x0108_0000));
    assert_eq!(bench.ask("AT+CIPSERVER=1,x"), error(0x0108_0001));
    assert_eq!(bench.ask("AT+CIPSERVER=1,80,TCP"), error(0x0108_0002));
    assert_eq!(bench.ask("AT+CIPSERVER=1,80,\"TCP\",0,0"), error(0x0106_0405), "too many");
}

#[test]
fn parameters_in_the_middle_can_be_left_out() {
    let mut bench = numbered();
    assert_eq!(bench.ask("AT+CIPSERVER=1,,\"TCP\""), OK);
    assert_eq!(bench.ask("AT+CIPSERVER?"), format!("+CIPSERVER:1,333,\"TCP\",0,0\r\n{OK}"));
    assert_eq!(bench.ask("AT+CIPTCPOPT=1,,1,5000"), OK);
    let all = bench.ask("AT+CIPTCPOPT?");
    assert!(all.starts_with("+CIPTCPOPT:0,-1,0,0,0\r\n+CIPTCPOPT:1,-1,1,5000,0\r\n"), "{all}");
}

#[test]
fn strings_need_their_quotes_and_their_backslashes() {
    let mut bench = numbered();
    for bad in ["name", "\"name", "name\"", "\"na\"me\"", "\"name\\\"", "\"na,me\"", "\""] {
        let said = bench.ask(&format!("AT+CWHOSTNAME={bad}"));
        assert!(said.starts_with("ERR CODE:0x010"), "{bad}: {said}");
    }
    assert_eq!(bench.ask(r#"AT+CWHOSTNAME="a\,b\"c\\d\e""#), OK);
    assert_eq!(bench.ask("AT+CWHOSTNAME?"), format!("+CWHOSTNAME:a,b\"c\\de\r\n{OK}"));
}

#[test]
fn the_documented_name_and_passphrase_join() {
    let mut config = Config::new(&Persona::V4_1);
    config.access_points = vec![AccessPoint::new(r"ab\,c", r#"0123456789"\"#)];
    let mut bench = Bench::with(config);
    bench.set(&["AT+CWMODE=1"]);
    let said = bench.ask_for(r#"AT+CWJAP="ab\\\,c","0123456789\"\\""#, 300);
    assert_eq!(said, format!("WIFI CONNECTED\r\nWIFI GOT IP\r\n{OK}"));
    // What comes back is not escaped.
    assert!(bench.ask("AT+CWJAP?").starts_with(r#"+CWJAP:"ab\,c","02:00"#));
    assert_eq!(bench.ask("AT+CWSTATE?"), format!("+CWSTATE:2,\"ab\\,c\"\r\n{OK}"));
}

#[test]
fn the_old_release_answers_some_test_forms() {
    let mut bench = Bench::new(&Persona::V1_7);
    assert_eq!(bench.ask("AT+CWMODE=?"), format!("+CWMODE:(1-3)\r\n{OK}"));
    assert_eq!(bench.ask("AT+CIPMUX=?"), ERROR);
    assert_eq!(bench.offences(), []);
}
