//! Devices, networks and ports that are not there; what the switches show.

mod common;

use std::io::{Read, Write};
use std::net::TcpListener;

use common::{Running, connect, run};

const SERVERS: [&str; 2] = [env!("CARGO_BIN_EXE_tcpecho"), env!("CARGO_BIN_EXE_udp_echo")];
const TCPECHO: &str = env!("CARGO_BIN_EXE_tcpecho");

#[test]
fn a_device_that_is_not_there_is_one_line_and_code_2() {
    let unknown = [
        ("toaster", "unknown device"),
        ("", "unknown device"),
        ("espat:/dev/ttyUSB9?speed=115200", "unknown setting"),
        ("rtl8720dn?persona=1", "unknown firmware"),
        ("wifinina:tcp://127.0.0.1:1?persona=1.4.8", "chosen there"),
        ("wifinina?persona=0.0.1", "unknown firmware"),
        ("wifinina?colour=red", "unknown setting"),
        ("host?x=y", "no settings"),
    ];
    for (device, why) in unknown {
        for program in SERVERS {
            run(program, &["--device", device, "--port", "0"]).refused(2, why);
        }
    }
    run(TCPECHO, &["--device", "host", "--trace"]).refused(2, "--trace");
    run(TCPECHO, &["--device", "host", "--vcd", "x"]).refused(2, "--vcd");
    // A tunnel that nobody listens at.
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let device = format!("wifinina:tcp://{closed}");
    run(TCPECHO, &["--device", &device]).refused(1, &device);
    let device = "espat:/dev/no-such-port";
    run(TCPECHO, &["--device", device]).refused(1, device);
}

#[test]
fn a_network_that_does_not_let_us_in_is_one_line_and_code_1() {
    run(TCPECHO, &["--ssid", "elsewhere"]).refused(1, "\"elsewhere\"");
    run(TCPECHO, &["--passphrase", "not-the-one"]).refused(1, "\"test-ap\"");
}

#[test]
fn a_taken_port_is_one_line_and_code_1() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    for device in common::DEVICES {
        run(TCPECHO, &["--device", device, "--port", &port]).refused(1, "already in use");
    }
}

#[test]
fn the_switches_show_clients_and_chip_commands() {
    let (server, addr) = Running::server(TCPECHO, &["-v", "--trace"]);
    let mut stream = connect(addr);
    stream.write_all(b"x").unwrap();
    stream.read_exact(&mut [0]).unwrap();
    server.told("GET_FW_VERSION");
    server.told("START_SERVER_TCP");
    server.told(&stream.local_addr().unwrap().to_string());
}
