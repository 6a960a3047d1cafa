//! Links: how they begin and end, servers, UDP (protocol sections 5.4 to 5.6 and 7.4).
#![allow(clippy::unwrap_used, reason = "helpers fail as tests do")]

mod common;

use common::{Bench, HERE, PEER};
use espat_sim::{Config, Persona};
use netdev_sim::Stack;

const OK: &str = "\r\nOK\r\n";
const ERROR: &str = "\r\nERROR\r\n";

#[test]
fn a_link_without_numbers_has_no_number() {
    let mut bench = Bench::online(&Persona::V4_1);
    bench.set(&["AT+CIPMUX=0"]);
    let listener = bench.serve(80);
    let said = bench.ask("AT+CIPSTART=\"TCP\",\"10.0.0.9\",80");
    assert_eq!(said, format!("CONNECT\r\n{OK}"));
    let peer = bench.caller(listener);
    assert_eq!(bench.ask("AT+CIPSEND=2"), "\r\nOK\r\n\r\n>");
    assert_eq!(bench.chunk(b"hi"), "\r\nRecv 2 bytes\r\n\r\nSEND OK\r\n");
    bench.send(peer, b"ho");
    assert_eq!(bench.run(5), "\r\n+IPD,2:ho\r\n");
    let state = bench.ask("AT+CIPSTATE?");
    assert!(state.starts_with("+CIPSTATE:0,\"TCP\",\"10.0.0.9\",80,"), "{state}");
    assert_eq!(bench.ask("AT+CIPCLOSE"), format!("CLOSED\r\n{OK}"));
    assert_eq!(bench.ask("AT+CIPCLOSE"), ERROR);
}

#[test]
fn the_number_is_there_if_and_only_if_there_are_several() {
    let mut bench = Bench::online(&Persona::V4_1);
    bench.serve(80);
    assert_eq!(bench.ask("AT+CIPSTART=\"TCP\",\"10.0.0.9\",80"), ERROR);
    assert_eq!(bench.ask("AT+CIPCLOSE"), ERROR);
    bench.set(&["AT+CIPMUX=0"]);
    assert_eq!(bench.ask("AT+CIPSTART=0,\"TCP\",\"10.0.0.9\",80"), ERROR);
    assert_eq!(bench.ask("AT+CIPCLOSE=0"), ERROR);
}

#[test]
fn connects_fail_with_a_plain_error() {
    let mut bench = Bench::online(&Persona::V4_1);
    bench.link(0, 80);
    for (line, why) in [
        ("AT+CIPSTART=0,\"TCP\",\"10.0.0.9\",80", "taken"),
        ("AT+CIPSTART=5,\"TCP\",\"10.0.0.9\",80", "no such number"),
        ("AT+CIPSTART=1,\"TCP\",\"10.0.0.9\",81", "refused"),
        ("AT+CIPSTART=1,\"TCP\",\"nobody.test\",80", "no such name"),
        ("AT+CIPSTART=1,\"TCP\",\"10.0.0.9\",0", "no such port"),
        ("AT+CIPSTART=1,\"QIC\",\"10.0.0.9\",80", "no such type"),
        ("AT+CIPSTART=1,\"TCP\",\"10.0.0.9\"", "no port"),
        ("AT+CIPSTART=1,\"TCP\",\"10.0.0.9\",80,7201", "keep-alive"),
    ] {
        assert_eq!(bench.ask(line), ERROR, "{why}");
    }
    let mut offline = Bench::new(&Persona::V4_1);
    offline.set(&["AT+CWMODE=1"]);
    assert_eq!(offline.ask("AT+CIPSTART=\"TCP\",\"10.0.0.9\",80"), ERROR, "no address");
}

#[test]
fn with_syslog_the_sockets_error_is_told() {
    let mut bench = Bench::online(&Persona::V4_1);
    bench.set(&["AT+SYSLOG=1"]);
    let said = bench.ask("AT+CIPSTART=1,\"TCP\",\"10.0.0.9\",81");
    assert_eq!(said, format!("+ERRNO:0x68\r\nERR CODE:0x010a0000\r\n{ERROR}"));
}

#[test]
fn a_host_has_at_most_64_bytes() {
    let mut bench = Bench::online(&Persona::V4_1);
    bench.serve(80);
    let name = format!("{}.test", "a".repeat(59));
    bench.internet.name(&name, PEER);
    let said = bench.ask(&format!("AT+CIPSTART=1,\"TCP\",\"{name}\",80"));
    assert_eq!(said, format!("1,CONNECT\r\n{OK}"));
    assert_eq!(bench.ask(&format!("AT+CIPSTART=2,\"TCP\",\"a{name}\",80")), ERROR);
}

#[test]
fn a_timeout_bounds_the_connect_from_4_1_on() {
    let mut bench = Bench::online(&Persona::V4_1);
    assert_eq!(bench.ask_for("AT+CIPSTART=1,\"TCP\",\"10.0.0.77\",80,,,500", 490), "");
    assert_eq!(bench.run(20), ERROR);
    assert_eq!(bench.ask("AT"), OK);
    assert_eq!(bench.ask_for("AT+CIPSTART=1,\"TCP\",\"10.0.0.77\",80", 17_900), "");
    assert_eq!(bench.run(200), ERROR);
    let mut older = Bench::online(&Persona::V2_4);
    assert_eq!(older.ask("AT+CIPSTART=1,\"TCP\",\"10.0.0.77\",80,,,500"), ERROR);
}

#[test]
fn a_connect_freezes_the_other_links() {
    let mut bench = Bench::online(&Persona::V4_1);
    let peer = bench.link(0, 80);
    bench.ask("AT+CIPSTART=1,\"TCP\",\"10.0.0.77\",80,,,500");
    bench.send(peer, b"hello");
    bench.peer.close(peer);
    assert_eq!(bench.run(480), "");
    assert_eq!(bench.run(50), format!("{ERROR}\r\n+IPD,0,5:hello\r\n0,CLOSED\r\n"));
}

#[test]
fn the_lowest_number_is_taken_if_none_is_asked_for() {
    let mut bench = Bench::online(&Persona::V4_1);
    bench.link(0, 80);
    bench.serve(81);
    let said = bench.ask("AT+CIPSTARTEX=\"TCP\",\"10.0.0.9\",81");
    assert_eq!(said, format!("1,CONNECT\r\n{OK}"));
    for id in 2..5 {
        let said = bench.ask("AT+CIPSTARTEX=\"TCP\",\"10.0.0.9\",81");
        assert_eq!(said, format!("{id},CONNECT\r\n{OK}"));
    }
    assert_eq!(bench.ask("AT+CIPSTARTEX=\"TCP\",\"10.0.0.9\",81"), ERROR);
    let said = bench.ask("AT+CIPCLOSE=5");
    let all: String = (0..5).map(|id| format!("{id},CLOSED\r\n")).collect();
    assert_eq!(said, format!("{all}{OK}"));
    assert_eq!(bench.ask("AT+CIPCLOSE=5"), OK, "none is open");
}

#[test]
fn details_can_be_told_with_the_link() {
    let mut bench = Bench::online(&Persona::V4_1);
    bench.set(&["AT+SYSMSG=2", "AT+CIPSERVER=1,8080"]);
    bench.serve(80);
    let said = bench.ask("AT+CIPSTART=3,\"TCP\",\"10.0.0.9\",80");
    let local = local_port(&said);
    assert_eq!(said, format!("+LINK_CONN:0,3,\"TCP\",0,\"10.0.0.9\",80,{local}\r\n{OK}"));
    let caller = bench.call(8080);
    let port = bench.peer.local_addr(caller).unwrap().port();
    assert_eq!(bench.run(5), format!("+LINK_CONN:0,0,\"TCP\",1,\"10.0.0.9\",{port},8080\r\n"));
}

fn local_port(said: &str) -> u16 {
    let line = said.lines().next().unwrap();
    line.rsplit(',').next().unwrap().parse().unwrap()
}

#[test]
fn open_links_are_listed_in_the_order_of_their_numbers() {
    let mut bench = Bench::online(&Persona::V4_1);
    bench.set(&["AT+CIPSERVER=1,8080"]);
    bench.link(2, 80);
    let caller = bench.call(8080);
    let port = bench.peer.local_addr(caller).unwrap().port();
    bench.run(5);
    assert!(bench.ask("AT+CIPSTART=4,\"UDP\",\"10.0.0.9\",53,5353").ends_with(OK));
    let said = bench.ask("AT+CIPSTATE?");
    let lines: Vec<&str> = said.lines().collect();
    assert_eq!(lines[0], format!("+CIPSTATE:0,\"TCP\",\"10.0.0.9\",{port},8080,1"));
    assert!(lines[1].starts_with("+CIPSTATE:2,\"TCP\",\"10.0.0.9\",80,"), "{said}");
    assert!(lines[1].ends_with(",0"), "{said}");
    assert_eq!(lines[2], "+CIPSTATE:4,\"UDP\",\"10.0.0.9\",53,5353,0");
    assert!(said.ends_with(OK));
    let status = bench.ask("AT+CIPSTATUS");
    assert_eq!(status, format!("STATUS:3\r\n{}", said.replace("CIPSTATE", "CIPSTATUS")));
}

#[test]
fn the_status_number_follows_station_and_links() {
    let mut bench = Bench::new(&Persona::V4_1);
    let status = |bench: &mut Bench| bench.ask("AT+CIPSTATUS").lines().next().unwrap().to_owned();
    assert_eq!(status(&mut bench), "STATUS:0");
    bench.set(&["AT+CWMODE=1"]);
    assert_eq!(status(&mut bench), "STATUS:1");
    bench.ask_for("AT+CWJAP=\"test-ap\",\"test-pass\"", 300);
    bench.set(&["AT+CIPMUX=1"]);
    assert_eq!(status(&mut bench), "STATUS:2");
    bench.link(0, 80);
    assert_eq!(status(&mut bench), "STATUS:3");
    bench.ask("AT+CIPCLOSE=0");
    assert_eq!(status(&mut bench), "STATUS:4");
    bench.ask("AT+CWQAP");
    assert_eq!(status(&mut bench), "STATUS:5");
}

#[test]
fn a_server_needs_several_links_and_there_is_one() {
    let mut bench = Bench::online(&Persona::V4_1);
    bench.set(&["AT+CIPMUX=0"]);
    assert_eq!(bench.ask("AT+CIPSERVER=1,80"), ERROR);
    assert_eq!(bench.ask("AT+CIPSERVER=0"), OK, "there is none, and that is fine");
    bench.set(&["AT+CIPMUX=1", "AT+CIPSERVER=1,80", "AT+CIPSERVER=1,80"]);
    assert_eq!(bench.ask("AT+CIPSERVER=1,81"), ERROR);
    assert_eq!(bench.ask("AT+CIPSERVER?"), format!("+CIPSERVER:1,80,\"TCP\",0,0\r\n{OK}"));
    assert_eq!(bench.ask("AT+CIPMUX=0"), ERROR, "a server runs");
    assert_eq!(bench.ask("AT+CIPSERVERMAXCONN=2"), ERROR, "before it starts");
}

#[test]
fn a_server_on_an_interface_that_is_down_is_an_error() {
    let mut bench = Bench::online(&Persona::V4_1);
    assert_eq!(bench.ask("AT+CIPSERVER=1,80,\"TCP\",2"), ERROR, "no access point");
    assert_eq!(bench.ask("AT+CIPSERVER=1,80,\"TCP\",3"), ERROR, "no Ethernet");
    assert_eq!(bench.ask("AT+CIPSERVER=1,80,\"TCP\",1"), OK);
    assert_eq!(bench.ask("AT+CIPSERVER?"), format!("+CIPSERVER:1,80,\"TCP\",0,1\r\n{OK}"));
    let mut older = Bench::online(&Persona::V2_4);
    older.set(&["AT+CIPSERVER=1,80"]);
    assert_eq!(older.ask("AT+CIPSERVER?"), format!("+CIPSERVER:1,80,\"TCP\",0\r\n{OK}"));
}

#[test]
fn a_full_server_refuses_and_says_nothing() {
    let mut bench = Bench::online(&Persona::V4_1);
    bench.set(&["AT+CIPSERVERMAXCONN=2", "AT+CIPSERVER=1,80"]);
    let first = bench.call(80);
    bench.call(80);
    assert_eq!(bench.run(5), "0,CONNECT\r\n1,CONNECT\r\n");
    let third = bench.call(80);
    assert_eq!(bench.run(5), "");
    assert_eq!(
        bench.peer.connected(third),
        Err(nb::Error::Other(netdev::Error::ConnectionRefused))
    );
    bench.peer.close(first);
    assert_eq!(bench.run(5), "0,CLOSED\r\n");
    bench.call(80);
    assert_eq!(bench.run(5), "0,CONNECT\r\n", "it listens again");
}

#[test]
fn a_server_without_a_free_link_refuses() {
    let mut bench = Bench::online(&Persona::V4_1);
    bench.set(&["AT+CIPSERVER=1,80"]);
    for _ in 0..5 {
        bench.call(80);
        bench.run(5);
    }
    let sixth = bench.call(80);
    bench.run(5);
    assert_eq!(
        bench.peer.connected(sixth),
        Err(nb::Error::Other(netdev::Error::ConnectionRefused))
    );
    assert_eq!(bench.ask("AT+CIPCLOSE=3"), format!("3,CLOSED\r\n{OK}"));
    bench.call(80);
    assert_eq!(bench.run(5), "3,CONNECT\r\n");
}

#[test]
fn a_server_that_ends_keeps_its_links_unless_told_otherwise() {
    let mut bench = Bench::online(&Persona::V4_1);
    bench.set(&["AT+CIPSERVER=1,80"]);
    bench.call(80);
    bench.run(5);
    bench.set(&["AT+CIPSERVER=0"]);
    let late = bench.call(80);
    assert_eq!(bench.run(5), "");
    assert_eq!(bench.peer.connected(late), Err(nb::Error::Other(netdev::Error::ConnectionRefused)));
    bench.link(1, 81);
    assert_eq!(bench.ask("AT+CIPSERVER=0,1"), format!("0,CLOSED\r\n{OK}"), "the client link stays");
}

#[test]
fn silent_server_links_close_after_a_while() {
    let mut bench = Bench::online(&Persona::V4_1);
    bench.set(&["AT+CIPSERVER=1,80", "AT+CIPSTO=10"]);
    assert_eq!(bench.ask("AT+CIPSTO?"), format!("+CIPSTO:10\r\n{OK}"));
    let caller = bench.call(80);
    assert_eq!(bench.run(5), "0,CONNECT\r\n");
    bench.link(1, 81);
    assert_eq!(bench.run(6000), "");
    bench.send(caller, b"x");
    assert_eq!(bench.run(9000), "\r\n+IPD,0,1:x\r\n");
    assert_eq!(bench.run(2000), "0,CLOSED\r\n");
    bench.set(&["AT+CIPSTO=0"]);
    bench.call(80);
    assert_eq!(bench.run(20_000), "0,CONNECT\r\n");
}

#[test]
fn the_number_of_links_cannot_be_changed_under_them() {
    let mut bench = Bench::online(&Persona::V4_1);
    bench.link(0, 80);
    assert_eq!(bench.ask("AT+CIPMUX=1"), ERROR, "even to the same value");
    assert_eq!(bench.ask("AT+CIPMUX=0"), ERROR);
    bench.ask("AT+CIPCLOSE=0");
    bench.ask("AT+CIPSTART=0,\"UDP\",\"10.0.0.9\",53");
    assert_eq!(bench.ask("AT+CIPMUX=0"), ERROR, "an open UDP link");
    assert_eq!(bench.ask("AT+CIPMUX=1"), OK);
}

#[test]
fn datagrams_keep_their_borders_and_come_from_anybody() {
    let mut bench = Bench::online(&Persona::V4_1);
    bench.set(&["AT+CIPDINFO=1"]);
    let said = bench.ask("AT+CIPSTART=4,\"UDP\",\"10.0.0.9\",1000,4000");
    assert_eq!(said, format!("4,CONNECT\r\n{OK}"));
    let sock = bench.peer.udp(2000).unwrap();
    for datagram in [&b"one"[..], b"two", b"\r\nOK\r\n"] {
        bench.peer.send_to(sock, datagram, (HERE, 4000).into()).unwrap();
    }
    let said = bench.run(5);
    let from = "\"10.0.0.9\",2000";
    assert_eq!(
        said,
        format!(
            "\r\n+IPD,4,3,{from}:one\r\n\r\n+IPD,4,3,{from}:two\r\n\r\n+IPD,4,6,{from}:\r\nOK\r\n\r\n"
        )
    );
}

/// The port that a datagram from link 4 arrives at, out of 1000 and 2000.
fn goes_to(bench: &mut Bench, socks: [netdev_sim::Sock; 2]) -> u16 {
    assert_eq!(bench.ask("AT+CIPSEND=4,1"), "\r\nOK\r\n\r\n>");
    assert!(bench.chunk(b"x").ends_with("SEND OK\r\n"));
    for (sock, port) in socks.into_iter().zip([1000, 2000]) {
        if bench.peer.recv_from(sock, &mut [0; 8], false).is_ok() {
            return port;
        }
    }
    0
}

#[test]
fn a_datagram_links_peer_follows_by_its_mode() {
    for (mode, after_first, after_second) in [(0, 1000, 1000), (1, 2000, 2000), (2, 2000, 1000)] {
        let mut bench = Bench::online(&Persona::V4_1);
        bench.ask(&format!("AT+CIPSTART=4,\"UDP\",\"10.0.0.9\",1000,4000,{mode}"));
        let socks = [bench.peer.udp(1000).unwrap(), bench.peer.udp(2000).unwrap()];
        assert_eq!(goes_to(&mut bench, socks), 1000);
        bench.peer.send_to(socks[1], b"a", (HERE, 4000).into()).unwrap();
        bench.run(5);
        assert_eq!(goes_to(&mut bench, socks), after_first, "mode {mode}");
        bench.peer.send_to(socks[0], b"b", (HERE, 4000).into()).unwrap();
        bench.run(5);
        assert_eq!(goes_to(&mut bench, socks), after_second, "mode {mode}");
    }
}

#[test]
fn passively_the_peer_follows_when_the_datagram_is_read() {
    let mut bench = Bench::online(&Persona::V4_1);
    bench.set(&["AT+CIPRECVTYPE=4,1"]);
    bench.ask("AT+CIPSTART=4,\"UDP\",\"10.0.0.9\",1000,4000,2");
    let socks = [bench.peer.udp(1000).unwrap(), bench.peer.udp(2000).unwrap()];
    bench.peer.send_to(socks[1], b"a", (HERE, 4000).into()).unwrap();
    assert_eq!(bench.run(5), "\r\n+IPD,4,1\r\n");
    assert_eq!(goes_to(&mut bench, socks), 1000);
    assert_eq!(bench.ask("AT+CIPRECVDATA=4,10"), "+CIPRECVDATA:1,a\r\nOK\r\n");
    assert_eq!(goes_to(&mut bench, socks), 2000);
}

#[test]
fn a_destination_in_the_command_sticks() {
    let mut bench = Bench::online(&Persona::V4_1);
    bench.ask("AT+CIPSTART=4,\"UDP\",\"10.0.0.9\",1000,4000");
    let socks = [bench.peer.udp(1000).unwrap(), bench.peer.udp(2000).unwrap()];
    assert_eq!(bench.ask("AT+CIPSEND=4,1,\"peer.test\",2000"), "\r\nOK\r\n\r\n>");
    bench.chunk(b"x");
    assert!(bench.peer.recv_from(socks[1], &mut [0; 8], false).is_ok());
    assert_eq!(goes_to(&mut bench, socks), 2000);
    assert_eq!(bench.ask("AT+CIPSEND=4,1,\"nobody.test\",2000"), ERROR);
    assert!(bench.ask("AT+CIPSTATE?").starts_with("+CIPSTATE:4,\"UDP\",\"10.0.0.9\",2000,4000,0"));
    bench.link(0, 80);
    assert_eq!(bench.ask("AT+CIPSEND=0,1,\"10.0.0.9\",2000"), ERROR, "not for TCP");
}

#[test]
fn local_ports_are_given_or_chosen_and_never_zero() {
    let mut bench = Bench::online(&Persona::V4_1);
    assert_eq!(bench.ask("AT+CIPSTART=0,\"UDP\",\"10.0.0.9\",1000,0"), ERROR);
    assert_eq!(bench.ask("AT+CIPSTART=0,\"UDP\",\"10.0.0.9\",1000,65536"), ERROR);
    bench.ask("AT+CIPSTART=0,\"UDP\",\"10.0.0.9\",1000");
    let said = bench.ask("AT+CIPSTATE?");
    let port: u16 = said.lines().next().unwrap().split(',').nth(4).unwrap().parse().unwrap();
    assert!(port >= 49_152, "{said}");
    bench.ask("AT+CIPSTART=1,\"UDP\",\"10.0.0.9\",1000,4000");
    assert_eq!(bench.ask("AT+CIPSTART=2,\"UDP\",\"10.0.0.9\",1000,4000"), ERROR, "taken");
}

#[test]
fn datagram_links_survive_the_loss_of_the_network() {
    let mut bench = Bench::online(&Persona::V4_1);
    bench.ask("AT+CIPSTART=4,\"UDP\",\"10.0.0.9\",1000,4000");
    bench.monitor.vanish();
    assert_eq!(bench.run(10), "WIFI DISCONNECT\r\n");
    bench.monitor.come_back();
    bench.run(2000);
    let sock = bench.peer.udp(1000).unwrap();
    bench.peer.send_to(sock, b"a", (HERE, 4000).into()).unwrap();
    assert_eq!(bench.run(5), "\r\n+IPD,4,1:a\r\n");
    assert_eq!(bench.ask("AT+CIPCLOSE=4"), format!("4,CLOSED\r\n{OK}"));
}

#[test]
fn datagrams_beyond_the_buffer_are_dropped() {
    let mut bench = Bench::online(&Persona::V4_1);
    bench.set(&["AT+CIPRECVTYPE=5,1"]);
    bench.ask("AT+CIPSTART=4,\"UDP\",\"10.0.0.9\",1000,4000");
    let sock = bench.peer.udp(1000).unwrap();
    for _ in 0..6 {
        bench.peer.send_to(sock, &[b'x'; 1000], (HERE, 4000).into()).unwrap();
    }
    bench.peer.send_to(sock, &[b'x'; 1500], (HERE, 4000).into()).unwrap();
    assert_eq!(bench.run(5), "\r\n+IPD,4,5000\r\n");
    assert_eq!(bench.counters().datagrams_dropped, 2);
}

#[test]
fn tls_links_are_not_modelled_and_say_so() {
    let mut bench = Bench::online(&Persona::V4_1);
    bench.serve(443);
    assert_eq!(bench.ask("AT+CIPSTART=0,\"SSL\",\"10.0.0.9\",443"), ERROR);
    assert_eq!(bench.ask("AT+CIPSERVER=1,443,\"SSL\""), ERROR);
    assert_eq!(bench.offences(), [("not_modelled", 2)]);
}

#[test]
fn tls_settings_are_kept_and_told() {
    let mut bench = Bench::online(&Persona::V4_1);
    bench.set(&[
        "AT+CIPSSLCCONF=1,2,0,0",
        "AT+CIPSSLCSNI=1,\"peer.test\"",
        "AT+CIPSSLCCN=2,\"other.test\"",
        "AT+CIPSSLCALPN=1,2,\"h2\",\"http/1.1\"",
        "AT+CIPSSLCCIPHER=0,1,0xC02B",
        "AT+CIPSSLCPSK=0,\"key\",\"hint\"",
    ]);
    let said = bench.ask("AT+CIPSSLCCONF?");
    assert!(said.starts_with("+CIPSSLCCONF:0,0,0,0\r\n+CIPSSLCCONF:1,2,0,0\r\n"), "{said}");
    assert_eq!(bench.ask("AT+CIPSSLCSNI?"), format!("+CIPSSLCSNI:1,peer.test\r\n{OK}"));
    assert_eq!(bench.ask("AT+CIPSSLCCN?"), format!("+CIPSSLCCN:2,other.test\r\n{OK}"));
    assert_eq!(bench.ask("AT+CIPSSLCALPN?"), format!("+CIPSSLCALPN:1,h2,http/1.1\r\n{OK}"));
    assert_eq!(bench.ask("AT+CIPSSLCCIPHER?"), format!("+CIPSSLCCIPHER:0,0xC02B\r\n{OK}"));
    assert_eq!(bench.ask("AT+CIPSSLSIZE=4096"), ERROR, "1.x only");
    assert_eq!(Bench::new(&Persona::V1_7).ask("AT+CIPSSLSIZE=4096"), OK);
}

#[test]
fn races_end_both_ways_and_the_same_from_the_same_seed() {
    let mut endings = [0, 0];
    for seed in 0..20 {
        let run = || {
            let mut config = Config::new(&Persona::V4_1);
            config.races = Some(seed);
            let mut bench = Bench::online_with(config);
            bench.ask("AT+CWQAP")
        };
        let said = run();
        assert_eq!(said, run());
        let first = said == format!("WIFI DISCONNECT\r\n{OK}");
        assert!(first || said == format!("{OK}WIFI DISCONNECT\r\n"), "{said}");
        endings[usize::from(first)] += 1;
    }
    assert!(endings.iter().all(|count| *count > 3), "{endings:?}");
}
