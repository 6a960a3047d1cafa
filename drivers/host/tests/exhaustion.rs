//! What happens when the system has no more sockets. Run in a process of its own, whose limit a
//! shell sets.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "helpers of tests")]

mod common;

use std::net::TcpStream;
use std::process::Command;

use common::{Sock, device};
use netdev::{AddressFamily, Error, Netdev, Protocol, SockType};

/// Set for the process with the limit.
const LIMITED: &str = "NETDEV_TEST_FORTY_FILES";

#[test]
fn out_of_sockets_leaves_connections_in_the_queue() {
    if std::env::var_os(LIMITED).is_some() {
        return with_forty_files();
    }
    let own = std::env::current_exe().unwrap();
    let this = "out_of_sockets_leaves_connections_in_the_queue";
    let output = Command::new("sh")
        .args(["-c", "ulimit -n 40 && exec \"$0\" --exact \"$1\""])
        .args([own.as_os_str(), this.as_ref()])
        .env(LIMITED, "1")
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success() && text.contains("1 passed"), "{text}");
}

fn with_forty_files() {
    let none_left = nb::Error::Other(Error::NoSockets);
    let device = device();
    let listener = Sock::listener(device);
    let _client = TcpStream::connect(listener.addr()).unwrap();
    let mut held = Vec::new();
    loop {
        match device.socket(AddressFamily::Inet, SockType::Stream, Protocol::Tcp) {
            Ok(fd) => held.push(Sock { device, fd }),
            Err(error) => break assert_eq!(error, none_left),
        }
        assert!(held.len() < 40);
    }
    // The connection may be noticed a moment after it was made.
    let refused = loop {
        match device.accept(listener.fd) {
            Err(nb::Error::WouldBlock) => {}
            answer => break answer,
        }
    };
    assert_eq!(refused, Err(none_left));
    assert_eq!(device.accept(listener.fd), Err(none_left));
    assert_eq!(device.next_ready(None), netdev::Readiness::Socket(listener.fd));
    held.pop();
    drop(listener.accept());
}
