//! A megabyte each way through `dial` and `listen`, between the PC and every simulated firmware.
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail as tests do")]

use std::thread;

use clap::Parser;
use examples::device;
use examples::options::Common;
use net::{Connection, Netdev, TcpConn};

#[derive(Parser)]
struct Options {
    #[command(flatten)]
    common: Common,
}

fn open(url: &str) -> &'static dyn Netdev {
    device::open(&Options::parse_from(["test", "--device", url]).common).unwrap().netdev
}

/// Both ends of a connection. The first byte is there because old firmware tells of a connection only
/// once it has sent something.
fn pair(dialler: &'static dyn Netdev, server: &'static dyn Netdev) -> (TcpConn, TcpConn) {
    let listener = net::listen_on(server, "tcp", "127.0.0.1:0").unwrap();
    let addr = listener.addr().unwrap().to_string();
    let Connection::Tcp(here) = net::dial_on(dialler, "tcp", &addr).unwrap() else {
        panic!("{addr}")
    };
    here.write(b"x").unwrap();
    let there = listener.accept().unwrap();
    assert_eq!(there.read(&mut [0]).unwrap(), 1);
    (here, there)
}

fn goes_intact(from: &TcpConn, to: &TcpConn) {
    let data: Vec<u8> =
        (0..1_u32 << 20).map(|n| n.wrapping_mul(2_654_435_761).to_be_bytes()[1]).collect();
    let (mut got, mut piece) = (Vec::<u8>::new(), vec![0; 8192]);
    thread::scope(|scope| {
        scope.spawn(|| from.write(&data).unwrap());
        while got.len() < data.len() {
            let count = to.read(&mut piece).unwrap();
            assert!(count > 0, "the stream ended after {} bytes", got.len());
            got.extend(piece.iter().take(count));
        }
    });
    assert!(got == data, "what came differs");
}

#[test]
fn a_megabyte_goes_each_way_intact_on_every_device() {
    let host = open("host");
    let chips = [
        "wifinina?persona=2.0.0",
        "wifinina?persona=1.4.8",
        "wifinina?persona=1.7.7",
        "wifinina?persona=3.3.0",
        "espat?persona=4.1",
        "espat?persona=1.7",
        "rtl8720dn?persona=2.1.3",
    ];
    for device in [host].into_iter().chain(chips.map(open)) {
        for (dialler, server) in [(device, host), (host, device)] {
            let (here, there) = pair(dialler, server);
            goes_intact(&here, &there);
            goes_intact(&there, &here);
        }
    }
}
