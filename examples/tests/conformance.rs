//! The program conformance: a line for each row, a summary, and an exit code.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::process::{Command, Output};

fn conformance(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_conformance")).args(args).output().unwrap()
}

#[test]
fn every_row_is_a_line_and_the_last_one_sums_up() {
    let devices = [
        "host",
        "wifinina",
        "wifinina?persona=1.4.8",
        "espat",
        "espat?persona=1.7",
        "rtl8720dn",
        "rtl8720dn?persona=2.0.1",
    ];
    for device in devices {
        let output = conformance(&["--device", device, "--only", "udp"]);
        let text = String::from_utf8_lossy(&output.stdout);
        let lines: Vec<&str> = text.lines().collect();
        let (summary, rows) = lines.split_last().unwrap();
        assert_eq!(rows.len(), 6, "{text}");
        assert!(rows.iter().all(|row| row.starts_with("udp ")), "{text}");
        assert!(summary.ends_with(" 0 FAILED"), "{summary}");
        assert!(output.status.success(), "{device}");
    }
}

#[test]
fn a_peer_that_is_not_there_fails_the_rows_and_the_program() {
    // TEST-NET-1: nothing of this PC has that address.
    let args = ["--device", "host", "--peer", "192.0.2.1", "--only", "tcp server"];
    let output = conformance(&args);
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.contains("tcp server: FAILED: the address of who was accepted"), "{text}");
    assert_eq!(output.status.code(), Some(1), "{text}");
}

#[test]
fn a_row_that_does_not_exist_is_a_mistake_of_the_caller() {
    let output = conformance(&["--device", "host", "--only", "tpc"]);
    assert_eq!((output.status.code(), output.stdout), (Some(2), Vec::new()));
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(told.contains("tpc") && told.lines().count() == 1, "{told}");
}
