//! The table of differences (protocol section 8), row by row, where no other test has it.

mod common;

use common::Bench;
use espat_sim::Persona;

const OK: &str = "\r\nOK\r\n";
const ERROR: &str = "\r\nERROR\r\n";

#[test]
fn the_probing_order_of_the_document_works_everywhere() {
    for (persona, kind, mode, state) in [
        (&Persona::V1_7, false, true, false),
        (&Persona::V2_1, false, true, false),
        (&Persona::V2_4, false, true, true),
        (&Persona::V4_1, true, true, true),
        (&Persona::V5_0, true, false, true),
    ] {
        let mut bench = Bench::online(persona);
        let answer = |yes| if yes { OK } else { ERROR };
        assert_eq!(bench.ask("AT+CIPRECVTYPE=5,1"), answer(kind), "{}", persona.name);
        assert_eq!(bench.ask("AT+CIPRECVMODE=1"), answer(mode), "{}", persona.name);
        assert_eq!(bench.ask("AT+CIPSTATE?"), answer(state), "{}", persona.name);
        assert_eq!(bench.ask("AT+CIPSTATUS").ends_with(OK), mode, "{}", persona.name);
        assert_eq!(bench.offences(), [], "probing is no offence");
    }
}

#[test]
fn the_old_release_says_why() {
    let mut bench = Bench::online(&Persona::V1_7);
    bench.link(0, 80);
    for (line, why) in [
        ("AT+CIPSTART=0,\"TCP\",\"10.0.0.9\",80", "ALREADY CONNECTED\r\n"),
        ("AT+CIPSTART=5,\"TCP\",\"10.0.0.9\",80", "ID ERROR\r\n"),
        ("AT+CIPSTART=1,\"QIC\",\"10.0.0.9\",80", "Link type ERROR\r\n"),
        ("AT+CIPSTART=1,\"TCP\",\"10.0.0.9\",81", "1,CONNECT FAIL\r\n"),
        ("AT+CIPSTART=1,\"TCP\",\"nobody.test\",81", "DNS Fail\r\n"),
        ("AT+CIPSEND=1,5", "link is not valid\r\n"),
        ("AT+CIPCLOSE=1", "UNLINK\r\n"),
    ] {
        assert_eq!(bench.ask(line), format!("{why}{ERROR}"), "{line}");
    }
    bench.set(&["AT+CIPSERVER=1,8080"]);
    assert_eq!(bench.ask("AT+CIPSERVER=1,8080"), format!("no change\r\n{OK}"));
    let mut offline = Bench::new(&Persona::V1_7);
    offline.set(&["AT+CWMODE=1"]);
    let said = offline.ask("AT+CIPSTART=\"TCP\",\"10.0.0.9\",80");
    assert_eq!(said, format!("no ip\r\n{ERROR}"));
}

#[test]
fn stores_are_chosen_as_the_release_has_it() {
    for (persona, store, suffix) in [
        (&Persona::V1_7, false, true),
        (&Persona::V2_1, true, false),
        (&Persona::V2_4, true, false),
        (&Persona::V5_0, true, false),
    ] {
        let mut bench = Bench::new(persona);
        assert_eq!(bench.ask("AT+SYSSTORE=0") == OK, store, "{}", persona.name);
        assert_eq!(bench.ask("AT+CWMODE_CUR=1") == OK, suffix, "{}", persona.name);
        assert_eq!(bench.offences(), []);
    }
}

#[test]
fn in_1_7_a_partial_read_is_not_told_and_new_data_are() {
    let mut bench = Bench::online(&Persona::V1_7);
    bench.set(&["AT+CIPRECVMODE=1"]);
    let peer = bench.link(0, 80);
    bench.send(peer, b"abcdef");
    assert_eq!(bench.run(5), "\r\n+IPD,0,6\r\n");
    assert_eq!(bench.ask("AT+CIPRECVDATA=0,2"), format!("\r\n+CIPRECVDATA,2:ab{OK}"));
    assert_eq!(bench.run(50), "");
    assert_eq!(bench.ask("AT+CIPRECVLEN?"), format!("+CIPRECVLEN:4,0,0,0,0\r\n{OK}"));
    assert_eq!(bench.ask("AT+CIPRECVDATA=0,9"), format!("\r\n+CIPRECVDATA,4:cdef{OK}"));
    bench.send(peer, b"g");
    assert_eq!(bench.run(5), "\r\n+IPD,0,1\r\n");
}

#[test]
fn personas_go_by_names_that_are_all_different() {
    let mut names: Vec<&str> = Persona::ALL.iter().flat_map(|it| [it.name, it.version]).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), 10);
}

#[test]
fn an_old_client_finds_what_it_expects_of_1_7() {
    // The commands of a well-known Arduino library, in its order.
    let mut bench = Bench::cold(espat_sim::Config::new(&Persona::V1_7));
    assert!(bench.run(400).ends_with("\r\nready\r\n"));
    bench.ask("ATE0");
    bench.set(&["AT+CIPMUX=1", "AT+CIPRECVMODE=1"]);
    assert_eq!(bench.ask("AT+CWMODE?"), format!("+CWMODE:2\r\n{OK}"));
    bench.set(&["AT+CWMODE=3"]);
    let said = bench.ask_for("AT+CWJAP=\"test-ap\",\"test-pass\"", 300);
    assert_eq!(said, format!("WIFI CONNECTED\r\nWIFI GOT IP\r\n{OK}"));
    bench.set(&["AT+CIPSERVERMAXCONN=1", "AT+CIPSERVER=1,8080", "AT+CIPSTO=30"]);
    let caller = bench.call(8080);
    assert_eq!(bench.run(5), "0,CONNECT\r\n");
    bench.send(caller, b"GET");
    assert_eq!(bench.run(5), "\r\n+IPD,0,3\r\n");
    assert_eq!(bench.ask("AT+CIPRECVDATA=0,64"), format!("\r\n+CIPRECVDATA,3:GET{OK}"));
    assert_eq!(bench.ask("AT+CIPSEND=0,2"), "\r\nOK\r\n> ");
    assert_eq!(bench.chunk(b"ok"), "\r\nRecv 2 bytes\r\n\r\nSEND OK\r\n");
    assert!(
        bench.ask("AT+CIPSTATUS").starts_with("STATUS:3\r\n+CIPSTATUS:0,\"TCP\",\"10.0.0.9\",")
    );
    assert_eq!(bench.ask("AT+CIPCLOSE=0"), format!("0,CLOSED\r\n{OK}"));
    assert_eq!(bench.received(caller), b"ok");
    assert_eq!(bench.offences(), []);
}
