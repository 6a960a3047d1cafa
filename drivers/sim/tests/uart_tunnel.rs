//! A serial line over TCP and on a pseudo-terminal.
#![allow(clippy::unwrap_used, reason = "helpers fail as tests do")]

mod uart_toy;

use core::time::Duration;
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::Instant as Stopwatch;

use netdev::{Instant, StdPlatform};
use netdev_sim::UartBench;
use netdev_sim::tunnel::{UartBuilder, UartClient, UartServer};
use netdev_uart::{LineError, UartLink};
use uart_toy::Toy;

const LIMIT: Duration = Duration::from_secs(10);

fn rig(with: impl FnOnce(UartBuilder) -> UartBuilder) -> (Toy, UartBench, UartServer) {
    let toy = Toy::new(115_200);
    let bench = UartBench::new(toy.clone(), StdPlatform::new(), 115_200);
    let server = with(UartServer::builder(&bench)).listen("127.0.0.1:0").unwrap();
    (toy, bench, server)
}

fn client(server: &UartServer) -> TcpStream {
    let stream = TcpStream::connect(server.place()).unwrap();
    stream.set_nodelay(true).unwrap();
    stream.set_read_timeout(Some(LIMIT)).unwrap();
    stream
}

fn read<const N: usize>(from: &mut impl Read) -> [u8; N] {
    let mut bytes = [0; N];
    from.read_exact(&mut bytes).unwrap();
    bytes
}

/// Looks until it is so.
fn until(mut so: impl FnMut() -> bool) {
    let begun = Stopwatch::now();
    while !so() {
        assert!(begun.elapsed() < LIMIT, "it did not come");
        std::thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn raw_bytes_go_both_ways() {
    let (toy, _, server) = rig(|it| it);
    toy.echo();
    let mut stream = client(&server);
    let all: Vec<u8> = (0..=255).collect();
    stream.write_all(&all).unwrap();
    assert_eq!(read::<256>(&mut stream).as_slice(), all);
}

#[test]
fn what_is_read_at_once_is_one_piece() {
    let (toy, _, server) = rig(|it| it);
    let mut stream = client(&server);
    stream.write_all(&[b'x'; 1_000]).unwrap();
    let mut pieces = Vec::new();
    until(|| {
        pieces.extend(toy.pieces());
        !pieces.is_empty()
    });
    stream.write_all(b"+++").unwrap();
    until(|| {
        pieces.extend(toy.pieces());
        pieces.len() > 1
    });
    let lengths: Vec<_> = pieces.iter().map(|(_, bytes)| bytes.len()).collect();
    assert_eq!(lengths, [1_000, 3]);
}

#[test]
fn a_second_client_is_sent_away_and_may_come_when_the_first_has_left() {
    let (toy, _, server) = rig(|it| it);
    toy.echo();
    let mut first = client(&server);
    first.write_all(b"1").unwrap();
    assert_eq!(read(&mut first), *b"1");
    let mut second = client(&server);
    assert_eq!(second.read(&mut [0; 1]).unwrap(), 0);
    first.write_all(b"2").unwrap();
    assert_eq!(read(&mut first), *b"2");
    drop(first);
    let mut third = client(&server);
    third.write_all(b"3").unwrap();
    assert_eq!(read(&mut third), *b"3");
    assert_eq!(toy.events(), [""; 0], "the chip is as the last client left it");
}

#[test]
fn clients_one_after_the_other_are_all_served() {
    let (toy, _, server) = rig(|it| it);
    toy.echo();
    for byte in 0..50 {
        let mut stream = client(&server);
        stream.write_all(&[byte]).unwrap();
        assert_eq!(read(&mut stream), [byte]);
    }
}

#[test]
fn a_new_client_resets_the_chip_where_that_is_wanted() {
    let (toy, bench, server) = rig(UartBuilder::reset_on_connect);
    let first = client(&server);
    until(|| bench.counters().resets == 1);
    drop(first);
    let _second = client(&server);
    until(|| bench.counters().resets == 2);
    assert_eq!(toy.events(), ["off", "on", "off", "on"]);
}

#[test]
fn what_the_chip_says_to_nobody_is_lost() {
    let (toy, bench, server) = rig(|it| it);
    toy.say(Instant::START, b"WIFI CONNECTED\r\n");
    until(|| bench.counters().read == 16);
    let mut stream = client(&server);
    toy.echo();
    stream.write_all(b"?").unwrap();
    assert_eq!(read(&mut stream), *b"?");
}

#[test]
fn a_megabyte_comes_whole_to_a_client_that_reads_late() {
    let (toy, _, server) = rig(|it| it);
    let mut stream = client(&server);
    stream.write_all(b"!").unwrap();
    until(|| !toy.pieces().is_empty());
    let said: Vec<u8> = (0..1_000_000_u32).map(|nth| nth.to_le_bytes()[1]).collect();
    toy.say(Instant::START, &said);
    std::thread::sleep(Duration::from_millis(50));
    let mut heard = vec![0; said.len()];
    stream.read_exact(&mut heard).unwrap();
    assert!(heard == said);
}

#[test]
fn a_paced_line_takes_its_time() {
    let (toy, bench, server) = rig(|it| it);
    bench.set_paced(true);
    toy.echo();
    let mut stream = client(&server);
    let begun = Stopwatch::now();
    stream.write_all(&[0; 576]).unwrap();
    read::<576>(&mut stream);
    // 50 ms each way; the first bytes come back after 120.
    assert!(begun.elapsed() >= Duration::from_millis(60), "{:?}", begun.elapsed());
    assert_eq!(bench.counters().overruns, 0);
}

#[test]
fn rates_mean_nothing_here() {
    let (toy, _, server) = rig(|it| it);
    toy.echo();
    toy.set_baud(9_600);
    let mut stream = client(&server);
    stream.write_all(b"AT").unwrap();
    assert_eq!(read(&mut stream), *b"AT");
}

#[test]
fn only_loopback_unless_allowed() {
    let (toy, clock) = (Toy::new(9_600), StdPlatform::new());
    let bench = UartBench::new(toy, clock, 9_600);
    let refused = UartServer::builder(&bench).listen("0.0.0.0:0");
    assert_eq!(refused.unwrap_err().kind(), ErrorKind::PermissionDenied);
}

#[test]
fn a_driver_has_the_line_as_a_link() {
    let (toy, _, server) = rig(|it| it);
    toy.echo();
    let mut link = UartClient::connect(server.place()).unwrap();
    let mut buf = [0; 8];
    assert_eq!(link.read(&mut buf), Ok(0));
    assert_eq!(link.write(b"hello"), Ok(5));
    assert_eq!(link.flush(), Ok(()));
    let mut heard = Vec::new();
    until(|| {
        let length = link.read(&mut buf).unwrap();
        heard.extend_from_slice(&buf[..length]);
        heard == b"hello"
    });
    assert_eq!(link.set_baud(9_600), Err(LineError::Unsupported));
    drop(server);
    until(|| link.read(&mut buf) == Err(LineError::Bus));
}

#[cfg(all(unix, feature = "pty"))]
mod terminal {
    use super::*;
    use serial2::SerialPort;

    fn rig() -> (Toy, UartServer) {
        let toy = Toy::new(115_200);
        let bench = UartBench::new(toy.clone(), StdPlatform::new(), 115_200);
        (toy, UartServer::builder(&bench).pty().unwrap())
    }

    #[test]
    fn is_raw_for_whoever_opens_it() {
        let (toy, server) = rig();
        toy.echo();
        let mut file =
            std::fs::OpenOptions::new().read(true).write(true).open(server.place()).unwrap();
        let all: Vec<u8> = (0..=255).collect();
        file.write_all(&all).unwrap();
        assert_eq!(read::<256>(&mut file).as_slice(), all);
    }

    #[test]
    fn serves_one_client_after_the_other() {
        let (toy, server) = rig();
        toy.echo();
        for byte in 0..10 {
            let mut port = SerialPort::open(server.place(), 9_600).unwrap();
            port.write_all(&[byte; 100]).unwrap();
            assert_eq!(read::<100>(&mut port), [byte; 100]);
        }
    }

    #[test]
    fn what_the_chip_says_to_nobody_is_lost() {
        let (toy, server) = rig();
        toy.say(Instant::START, b"ready\r\n");
        std::thread::sleep(Duration::from_millis(50));
        toy.echo();
        let mut port = SerialPort::open(server.place(), 9_600).unwrap();
        port.write_all(b"?").unwrap();
        assert_eq!(read(&mut port), *b"?");
    }
}
