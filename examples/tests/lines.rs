//! Chips at serial lines that lead out of the program: through a tunnel, and at a serial port.
#![allow(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use std::process::Command;

use espat_sim::Modem;
use netdev::StdPlatform;
use netdev_sim::tunnel::{UartBuilder, UartServer};
use netdev_sim::{Loopback, UartBench};
use rtl8720dn_sim::Chip;

/// Both chips, each with this PC's network behind it.
fn chips() -> [(&'static str, UartBench); 2] {
    let (stack, clock) = (|| Box::new(Loopback::new()), StdPlatform::new());
    let modem = Modem::new(espat_sim::Config::default(), stack());
    let chip = Chip::new(rtl8720dn_sim::Config::default(), stack());
    [
        ("espat", UartBench::new(modem, clock, 115_200)),
        ("rtl8720dn", UartBench::new(chip, clock, 614_400)),
    ]
}

/// What the program says on stdout and on stderr.
fn conforms(device: &str, options: &[&str]) -> String {
    let mut program = Command::new(env!("CARGO_BIN_EXE_conformance"));
    let args = ["--device", device, "--only", "tcp client", "--connects", "1"];
    let output = program.args(args).args(options).output().unwrap();
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    let shown = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{device}: {told}{shown}");
    assert!(told.starts_with("1 ok,") || told.contains("\n1 ok,"), "{device}: {told}");
    shown
}

fn serve(bench: &UartBench) -> UartBuilder {
    UartServer::builder(bench)
}

#[test]
fn a_chip_behind_a_tunnel_is_a_device_and_its_bytes_can_be_shown() {
    for (name, bench) in chips() {
        let server = serve(&bench).listen("127.0.0.1:0").unwrap();
        let shown = conforms(&format!("{name}:tcp://{}", server.place()), &["--trace"]);
        assert!(shown.contains(" > ") && shown.contains(" < "), "{shown}");
        // The next client finds the chip as this one left it.
        conforms(&format!("{name}:tcp://{}", server.place()), &[]);
    }
}

#[cfg(unix)]
#[test]
fn a_chip_at_a_serial_port_is_a_device() {
    for (name, bench) in chips() {
        let server = serve(&bench).pty().unwrap();
        conforms(&format!("{name}:{}", server.place()), &[]);
        conforms(&format!("{name}:{}?baud=460800", server.place()), &[]);
    }
}

#[test]
fn a_line_that_is_taken_is_one_line_and_code_1() {
    let [(name, bench), _] = chips();
    let server = serve(&bench).listen("127.0.0.1:0").unwrap();
    let _first = std::net::TcpStream::connect(server.place()).unwrap();
    let device = format!("{name}:tcp://{}", server.place());
    let mut program = Command::new(env!("CARGO_BIN_EXE_conformance"));
    let output = program.args(["--device", &device]).output().unwrap();
    let shown = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!((output.status.code(), shown.lines().count()), (Some(1), 1), "{shown}");
}
