//! A first walk through what a driver needs, on 4.1.

mod common;

use common::{Bench, text};
use espat_sim::{Config, Persona};

#[test]
fn it_starts_and_tells_its_version() {
    let mut bench = Bench::cold(Config::new(&Persona::V4_1));
    assert_eq!(bench.run(400), "\r\nready\r\n");
    assert_eq!(bench.ask("AT"), "AT\r\n\r\nOK\r\n");
    assert_eq!(bench.ask("ATE0"), "ATE0\r\n\r\nOK\r\n");
    assert_eq!(
        bench.ask("AT+GMR"),
        "AT version:4.1.1.0(f8e9d39 - ESP32C3 - Jul 10 2025 08:12:14)\r\n\
         SDK version:v5.0.9-dirty\r\n\
         compile time(c9a7f5b1):Jul 10 2025 08:12:14\r\n\
         Bin version:v4.1.1.0(MINI-1)\r\n\r\nOK\r\n"
    );
}

#[test]
fn a_server_takes_callers_under_the_lowest_free_number() {
    let mut bench = Bench::online(&Persona::V4_1);
    bench.set(&["AT+CIPRECVTYPE=5,1", "AT+CIPSERVER=1,8080"]);
    let first = bench.call(8080);
    assert_eq!(bench.run(5), "0,CONNECT\r\n");
    bench.call(8080);
    assert_eq!(bench.run(5), "1,CONNECT\r\n");
    bench.send(first, b"hello");
    assert_eq!(bench.run(5), "\r\n+IPD,0,5\r\n");
    assert_eq!(bench.ask("AT+CIPRECVDATA=0,3"), "+CIPRECVDATA:3,hel\r\nOK\r\n\r\n+IPD,0,2\r\n");
    assert_eq!(bench.ask("AT+CIPRECVDATA=0,3"), "+CIPRECVDATA:2,lo\r\nOK\r\n");
    assert_eq!(bench.ask("AT+CIPRECVDATA=0,3"), "\r\nERROR\r\n");
    assert_eq!(bench.ask("AT+CIPSERVER=0,1"), "0,CLOSED\r\n1,CLOSED\r\n\r\nOK\r\n");
}

#[test]
fn names_are_found_or_not() {
    let mut bench = Bench::online(&Persona::V4_1);
    assert_eq!(bench.ask("AT+CIPDOMAIN=\"peer.test\""), "+CIPDOMAIN:\"10.0.0.9\"\r\n\r\nOK\r\n");
    assert_eq!(bench.ask("AT+CIPDOMAIN=\"nobody.test\""), "\r\nERROR\r\n");
}

#[test]
fn active_data_come_in_blocks() {
    let mut bench = Bench::online(&Persona::V4_1);
    let peer = bench.link(2, 80);
    bench.send(peer, &vec![b'x'; 4000]);
    let expected = [
        b"\r\n+IPD,2,2920:".to_vec(),
        vec![b'x'; 2920],
        b"\r\n\r\n+IPD,2,1080:".to_vec(),
        vec![b'x'; 1080],
        b"\r\n".to_vec(),
    ];
    assert_eq!(bench.run(10), text(&expected.concat()));
}
