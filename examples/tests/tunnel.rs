//! The conformance program on a simulated WiFiNINA chip in another process's place: behind a TCP port,
//! with every firmware, and no row FAILED.
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail as tests do")]

use core::time::Duration;
use std::io::Read;
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use netdev::StdPlatform;
use netdev_sim::tunnel::Server;
use netdev_sim::{Loopback, SpiBench};
use wifinina_sim::{Chip, Config, Monitor, Persona};

/// A chip with that firmware behind a port of the system's choice.
fn chip(persona: &'static Persona) -> (Server, Monitor) {
    let chip = Chip::new(Config::new(persona), Box::new(Loopback::new()));
    let monitor = chip.monitor();
    let bench = SpiBench::new(chip, StdPlatform::new(), 8_000_000);
    (Server::builder(bench).listen("127.0.0.1:0").unwrap(), monitor)
}

/// The program, ended when a test is.
struct Program(Child);

impl Program {
    fn start(server: &Server, connects: u32) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_conformance"));
        command.args(["--device", &format!("wifinina:tcp://{}", server.addr())]);
        command.args(["--connects", &connects.to_string()]);
        Self(command.stdout(Stdio::piped()).stderr(Stdio::inherit()).spawn().unwrap())
    }

    /// What it said, if it ends in time.
    fn output(&mut self, limit: Duration) -> (bool, String) {
        let begun = Instant::now();
        let status = loop {
            if let Some(status) = self.0.try_wait().unwrap() {
                break status;
            }
            assert!(begun.elapsed() < limit, "it still runs after {limit:?}");
            std::thread::sleep(Duration::from_millis(50));
        };
        let mut text = String::new();
        self.0.stdout.take().unwrap().read_to_string(&mut text).unwrap();
        (status.success(), text)
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn conforms(persona: &'static Persona) {
    let (server, monitor) = chip(persona);
    let (ended_well, text) = Program::start(&server, 200).output(Duration::from_secs(180));
    let rows = text.lines().count().saturating_sub(1);
    assert_eq!(rows, netdev_sim::conformance::BEHAVIOURS.len(), "{text}");
    assert!(ended_well && text.ends_with(" 0 FAILED\n"), "{}:\n{text}", persona.name);
    // What an older firmware is asked to find out what it is, it may not know.
    let mut offences = monitor.counters().offence_list().to_vec();
    offences.retain(|(name, count)| *count > 0 && *name != "unknown_opcodes");
    assert!(offences.is_empty(), "{}: {offences:?}", persona.name);
}

#[test]
fn arduino_2_0_0_conforms_through_a_tunnel() {
    conforms(&Persona::ARDUINO_2_0_0);
}

#[test]
fn arduino_1_4_8_conforms_through_a_tunnel() {
    conforms(&Persona::ARDUINO_1_4_8);
}

#[test]
fn adafruit_1_7_7_conforms_through_a_tunnel() {
    conforms(&Persona::ADAFRUIT_1_7_7);
}

#[test]
fn adafruit_3_3_0_conforms_through_a_tunnel() {
    conforms(&Persona::ADAFRUIT_3_3_0);
}
