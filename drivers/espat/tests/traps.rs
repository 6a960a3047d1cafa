//! The traps of docs/firmware/espat.md, one by one, with a module that says exactly what it takes.
//! Those that are matters of lines alone are tested beside the tokenizer (3, 4), the parsers (23, 26),
//! the commands (23) and the sender (27).
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "helpers of tests fail as tests do"
)]

#[path = "common/puppet.rs"]
mod puppet;

use core::net::{Ipv4Addr, SocketAddr};
use core::time::Duration;

use netdev::{
    AddressFamily, Error, Event, Fault, LinkStatus, Netdev, Protocol, Side, SockFlags, SockType,
    Stopped,
};
use puppet::{ERROR, OK, PROMPT, Show};

const NEW: &str = "4.1.0.0";

fn failed<T: PartialEq + core::fmt::Debug>(answer: Result<T, Stopped>) -> Error {
    match answer {
        Err(Stopped::Failed(error)) => error,
        other => panic!("expected an error, seen {other:?}"),
    }
}

#[test]
fn trap_01_messages_inside_answers_belong_to_whom_they_name() {
    let show = Show::new(NEW);
    show.puppet().on("AT+CIPSTART", "WIFI CONNECTED\r\n4,CONNECT\r\n\r\n+IPD,4,3\r\n\r\nOK\r\n");
    let fd = show.connected();
    show.puppet().on(
        "AT+CIPRECVDATA=4,3",
        "+STA_CONNECTED:\"24:0a:c4:01:02:03\"\r\n+CIPRECVDATA:3,abc\r\nOK\r\n",
    );
    assert_eq!(show.recv(fd).unwrap(), b"abc");
    show.puppet().on("AT+CIPSTART", "3,CONNECT\r\n3,CLOSED\r\n\r\nOK\r\n");
    let short = show.connected();
    assert_eq!(show.recv(short).unwrap(), b"", "it was over before it was told to stand");
    show.puppet().on("AT+CIPSEND", "4,CLOSED\r\n\r\nERROR\r\n");
    assert_eq!(failed(show.send(fd, b"x")), Error::BrokenPipe);
}

#[test]
fn trap_02_an_answer_of_the_peer_before_send_ok_is_not_lost() {
    let show = Show::new(NEW);
    let fd = show.connected();
    show.puppet().on_payload("\r\n+IPD,4,2\r\n\r\nRecv 3 bytes\r\n\r\n+IPD,4,5\r\n\r\nSEND OK\r\n");
    assert_eq!(show.send(fd, b"abc"), Ok(3));
    show.puppet().on("AT+CIPRECVDATA=4,5", "+CIPRECVDATA:5,hello\r\nOK\r\n");
    assert_eq!(show.recv(fd).unwrap(), b"hello");
}

#[test]
fn trap_03_an_echo_that_is_still_on_is_noticed_and_switched_off_again() {
    let show = Show::dark(NEW, 2_304, |state| state);
    show.puppet().on("AT+GMR", "AT+GMR\r\r\nAT version:4.1.0.0(x)\r\n\r\nOK\r\n");
    show.join();
    let sent = show.commands();
    assert_eq!(sent.iter().filter(|it| *it == "ATE0").count(), 2, "{sent:?}");
}

#[test]
fn trap_04_without_a_prompt_no_payload_is_sent() {
    let show = Show::new(NEW);
    let fd = show.connected();
    show.puppet().on("AT+CIPSTATE?", "+CIPSTATE:4,\"TCP\",\"10.0.0.9\",7,50000,0\r\n\r\nOK\r\n");
    show.puppet().on("AT+CIPSEND=4,3", ERROR);
    assert_eq!(show.send(fd, b"a>b"), Ok(3), "asked again after the links were listed");
    assert_eq!(show.puppet().payloads, [b"a>b"]);
}

#[test]
fn trap_05_a_prompt_that_is_lost_costs_silence_and_three_plusses_and_nothing_reaches_the_peer() {
    let show = Show::new(NEW);
    let fd = show.connected();
    let state = "+CIPSTATE:4,\"TCP\",\"10.0.0.9\",7,50000,0\r\n\r\nOK\r\n";
    show.puppet().on("AT+CIPSTATE?", state);
    show.puppet().on("AT+CIPSEND=4,40", "\r\nOK\r\n\r\n(prompt lost)");
    let data = [b'x'; 40];
    assert_eq!(show.send(fd, &data), Ok(40));
    let puppet = show.puppet();
    assert_eq!(puppet.payloads, [data], "once, and nothing else");
    assert!(puppet.pieces.contains(&b"+++".to_vec()), "{:?}", puppet.pieces);
    assert!(!puppet.commands.contains(&"(reset)".into()));
}

#[test]
fn trap_05_a_writer_who_gives_up_in_the_middle_leaves_nothing_with_the_peer() {
    let show = Show::new(NEW);
    let fd = show.connected();
    let state = "+CIPSTATE:4,\"TCP\",\"10.0.0.9\",7,50000,0\r\n\r\nOK\r\n";
    show.puppet().on("AT+CIPSTATE?", state);
    // Asked, and never seen again.
    let begun = show.device.send(fd, b"never sent", SockFlags::NONE);
    assert_eq!(begun, Err(nb::Error::WouldBlock));
    assert!(show.device.in_flight(fd, Side::Write));
    show.pause(3_000);
    assert!(!show.device.in_flight(fd, Side::Write));
    assert_eq!(show.send(fd, b"sent"), Ok(4));
    assert_eq!(show.puppet().payloads, [b"sent"]);
}

#[test]
fn trap_06_busy_means_lost_and_the_command_is_repeated_when_the_earlier_one_is_over() {
    let show = Show::new(NEW);
    let fd = show.connected();
    show.puppet().on("AT+CIPSEND", "\r\nbusy p...\r\n");
    show.puppet().say_later(Duration::from_millis(5), OK);
    assert_eq!(show.send(fd, b"abc"), Ok(3));
    let sent = show.commands();
    assert_eq!(sent.iter().filter(|it| it.starts_with("AT+CIPSEND")).count(), 2, "{sent:?}");
    assert_eq!(show.puppet().payloads, [b"abc"]);
}

#[test]
fn trap_07_nothing_follows_a_command_until_its_result_is_there() {
    let show = Show::new(NEW);
    let fd = show.connected();
    // A result that takes its time: other callers ask meanwhile, and nothing goes out.
    show.puppet().on("AT+CIPSEND", "");
    let begun = show.device.send(fd, b"abc", SockFlags::NONE);
    assert_eq!(begun, Err(nb::Error::WouldBlock));
    show.commands();
    let link = show.device.netlink().unwrap();
    for _ in 0..50 {
        let _ = link.rssi();
        let _ = link.hardware_addr();
        show.pause(1);
    }
    assert_eq!(show.commands(), Vec::<String>::new());
}

#[test]
fn trap_08_a_close_that_comes_after_the_last_read_is_the_end() {
    let show = Show::new(NEW);
    let fd = show.connected();
    show.puppet().say("\r\n+IPD,4,3\r\n");
    show.puppet().on("AT+CIPRECVDATA=4,3", "+CIPRECVDATA:3,bye\r\nOK\r\n4,CLOSED\r\n");
    assert_eq!(show.recv(fd).unwrap(), b"bye");
    assert_eq!(show.recv(fd).unwrap(), b"");
    assert_eq!(show.recv(fd).unwrap(), b"");
}

#[test]
fn trap_09_what_is_left_of_a_closed_link_is_read_first_with_nonos() {
    let show = Show::new("1.7.5.0");
    let fd = show.connected();
    show.puppet().on("AT+CIPRECVLEN?", "+CIPRECVLEN:0,0,0,0,3\r\n\r\nOK\r\n");
    show.puppet().say("\r\n+IPD,4,3\r\n4,CLOSED\r\n");
    show.puppet().on("AT+CIPRECVDATA=4,3", "\r\n+CIPRECVDATA,3:bye\r\nOK\r\n");
    assert_eq!(show.recv(fd).unwrap(), b"bye");
    assert_eq!(show.recv(fd).unwrap(), b"");
    assert_eq!(failed(show.send(fd, b"x")), Error::BrokenPipe);
}

#[test]
fn trap_09_unread_data_of_a_link_whose_id_is_given_away_are_an_error_and_not_an_end() {
    let show = Show::new("1.7.5.0");
    let _door = show.listening();
    let fd = show.connected();
    show.puppet().say("\r\n+IPD,4,3\r\n");
    show.pause(5);
    show.puppet().say("4,CLOSED\r\n4,CONNECT\r\n");
    show.pause(5);
    assert_eq!(failed(show.recv(fd)), Error::ConnectionReset);
}

#[test]
fn trap_10_a_notice_that_is_garbled_is_asked_for() {
    for garbled in ["\r\n+ID,4,3\r\n", "\r\n+IPD,4\r\n", "\r\n+IPD,\x01,3\r\n", "\r\n+IPD,2,3\r\n"]
    {
        let show = Show::new(NEW);
        let fd = show.connected();
        let state = "+CIPSTATE:4,\"TCP\",\"10.0.0.9\",7,50000,0\r\n\r\nOK\r\n";
        show.puppet().on("AT+CIPSTATE?", state);
        show.puppet().on("AT+CIPRECVLEN?", "+CIPRECVLEN:0,0,0,0,3\r\n\r\nOK\r\n");
        show.puppet().on("AT+CIPRECVDATA=4,3", "+CIPRECVDATA:3,abc\r\nOK\r\n");
        show.puppet().say(garbled);
        assert_eq!(show.recv_in(fd, 2).unwrap(), b"abc", "{garbled:?}");
    }
}

#[test]
fn trap_11_a_fresh_notice_replaces_the_count() {
    let show = Show::new(NEW);
    let fd = show.connected();
    show.puppet().say("\r\n+IPD,4,3\r\n");
    show.puppet().on("AT+CIPRECVDATA=4,3", "+CIPRECVDATA:3,abc\r\nOK\r\n\r\n+IPD,4,4\r\n");
    show.puppet().on("AT+CIPRECVDATA=4,4", "+CIPRECVDATA:4,defg\r\nOK\r\n");
    assert_eq!(show.recv(fd).unwrap(), b"abc");
    assert_eq!(show.recv(fd).unwrap(), b"defg");
    assert_eq!(show.recv_in(fd, 1), Err(Stopped::Deadline));
}

#[test]
fn trap_12_a_read_that_is_too_large_is_made_smaller() {
    let show = Show::new(NEW);
    let fd = show.connected();
    show.puppet().say("\r\n+IPD,4,2000\r\n");
    show.puppet().on("AT+CIPRECVDATA=4,2000", ERROR);
    let state = "+CIPSTATE:4,\"TCP\",\"10.0.0.9\",7,50000,0\r\n\r\nOK\r\n";
    show.puppet().on("AT+CIPSTATE?", state);
    show.puppet().on("AT+CIPRECVLEN?", "+CIPRECVLEN:0,0,0,0,2000\r\n\r\nOK\r\n");
    let half = format!("+CIPRECVDATA:1024,{}\r\nOK\r\n", "y".repeat(1024));
    show.puppet().on("AT+CIPRECVDATA=4,1024", &half);
    assert_eq!(show.recv(fd).unwrap(), [b'y'; 1024]);
}

#[test]
fn trap_13_an_id_that_the_server_takes_first_costs_another_try_and_nobody() {
    let show = Show::new(NEW);
    let door = show.listening();
    let guest = "+LINK_CONN:0,4,\"TCP\",1,\"10.0.0.9\",50001,80\r\n\r\nERROR\r\n";
    show.puppet().on("AT+CIPSTART=4", guest);
    let ours = show.connected();
    let sent = show.commands();
    assert!(sent.iter().any(|it| it.starts_with("AT+CIPSTART=3")), "{sent:?}");
    let (guest, from) = show.until(5, || show.device.accept(door)).unwrap();
    assert_eq!(from, SocketAddr::from((Ipv4Addr::new(10, 0, 0, 9), 50_001)));
    show.puppet().say("\r\n+IPD,4,1\r\n\r\n+IPD,3,1\r\n");
    show.puppet().on("AT+CIPRECVDATA=4", "+CIPRECVDATA:1,g\r\nOK\r\n");
    show.puppet().on("AT+CIPRECVDATA=3", "+CIPRECVDATA:1,o\r\nOK\r\n");
    assert_eq!(show.recv(guest).unwrap(), b"g");
    assert_eq!(show.recv(ours).unwrap(), b"o");
}

#[test]
fn trap_13_the_same_without_particulars() {
    let show = Show::new("1.7.5.0");
    let door = show.listening();
    show.puppet().on("AT+CIPSTART=4", "4,CONNECT\r\nALREADY CONNECTED\r\n\r\nERROR\r\n");
    let listed = "STATUS:3\r\n+CIPSTATUS:4,\"TCP\",\"10.0.0.9\",50001,80,1\r\n\r\nOK\r\n";
    show.puppet().on("AT+CIPSTATUS", listed);
    show.connected();
    let (_, from) = show.until(5, || show.device.accept(door)).unwrap();
    assert_eq!(from.port(), 50_001);
}

#[test]
fn trap_13_an_id_that_comes_back_at_once_is_another_connection() {
    let show = Show::new(NEW);
    let door = show.listening();
    show.puppet().say("+LINK_CONN:0,0,\"TCP\",1,\"10.0.0.9\",50001,80\r\n");
    let (first, _) = show.until(5, || show.device.accept(door)).unwrap();
    show.puppet()
        .say("0,CLOSED\r\n+LINK_CONN:0,0,\"TCP\",1,\"10.0.0.9\",50002,80\r\n\r\n+IPD,0,3\r\n");
    show.puppet().on("AT+CIPRECVDATA=0,3", "+CIPRECVDATA:3,new\r\nOK\r\n");
    assert_eq!(show.recv(first).unwrap(), b"");
    assert_eq!(failed(show.send(first, b"x")), Error::BrokenPipe);
    let (second, from) = show.until(5, || show.device.accept(door)).unwrap();
    assert_eq!(from.port(), 50_002);
    assert_eq!(show.recv(second).unwrap(), b"new");
}

#[test]
fn trap_14_a_link_that_is_swapped_while_payload_goes_out_fails_the_old_one_only() {
    let show = Show::new(NEW);
    let door = show.listening();
    show.puppet().say("+LINK_CONN:0,0,\"TCP\",1,\"10.0.0.9\",50001,80\r\n");
    let (old, _) = show.until(5, || show.device.accept(door)).unwrap();
    show.puppet().on_payload("0,CLOSED\r\n+LINK_CONN:0,0,\"TCP\",1,\"10.0.0.9\",50002,80\r\n\r\nRecv 3 bytes\r\n\r\nSEND FAIL\r\n");
    assert_eq!(failed(show.send(old, b"abc")), Error::BrokenPipe);
    let (new, _) = show.until(5, || show.device.accept(door)).unwrap();
    assert_eq!(show.send(new, b"fine"), Ok(4));
}

#[test]
fn trap_15_with_all_links_taken_a_connect_is_refused_and_the_server_waits() {
    let show = Show::new(NEW);
    let held: Vec<_> = (0..5).map(|_| show.connected()).collect();
    assert_eq!(failed(show.try_connect()), Error::NoSockets);
    show.device.close(held[0]);
    show.connected();
}

#[test]
fn trap_16_a_connect_is_given_a_limit_where_the_firmware_takes_one() {
    let show = Show::new(NEW);
    show.connected();
    assert!(show.commands().contains(&"AT+CIPSTART=4,\"TCP\",\"10.0.0.9\",7,,,15000".into()));
    let show = Show::new("2.4.0.0");
    show.connected();
    assert!(show.commands().contains(&"AT+CIPSTART=4,\"TCP\",\"10.0.0.9\",7".into()));
}

#[test]
fn trap_17_a_peer_that_does_not_read_stops_nobody_for_ever() {
    let show = Show::dark(NEW, 2_304, |state| state);
    show.join();
    assert!(show.commands().contains(&"AT+CIPTCPOPT=5,,1,10000".into()));
    let fd = show.connected();
    show.puppet().on_payload("\r\nRecv 3 bytes\r\n");
    show.puppet().say_later(Duration::from_secs(10), "\r\nSEND FAIL\r\n");
    assert_eq!(failed(show.send(fd, b"abc")), Error::ConnectionReset);
    // And one that the module itself does not end.
    let fd = show.connected();
    show.puppet().on_payload("\r\nRecv 3 bytes\r\n");
    assert_eq!(failed(show.send(fd, b"abc")), Error::TimedOut);
    show.connected();
}

#[test]
fn trap_18_a_join_ends_with_its_ok_and_leaving_may_tell_before_or_after() {
    for leaving in ["WIFI DISCONNECT\r\n\r\nOK\r\n", "\r\nOK\r\nWIFI DISCONNECT\r\n"] {
        let show = Show::new(NEW);
        let link = show.device.netlink().unwrap();
        show.puppet().on("AT+CWQAP", leaving);
        show.until(5, || link.leave()).unwrap();
        show.pause(50);
        assert_eq!(link.status(), Ok(LinkStatus::Down));
        show.puppet().on("AT+CWJAP", "WIFI CONNECTED\r\nWIFI GOT IP\r\n");
        show.puppet().say_later(Duration::from_millis(300), OK);
        show.join();
        assert_eq!(link.status(), Ok(LinkStatus::Up));
    }
}

#[test]
fn trap_19_a_link_that_comes_back_by_itself_is_told_and_its_connections_are_not_alive() {
    let show = Show::new(NEW);
    let link = show.device.netlink().unwrap();
    while link.next_event().is_some() {}
    let fd = show.connected();
    show.puppet().say("4,CLOSED\r\nWIFI DISCONNECT\r\n");
    show.pause(5);
    assert_eq!(link.next_event(), Some(Event::Down(Error::LinkDown)));
    assert_eq!(failed(show.recv(fd)), Error::LinkDown, "a lost link is no end of a stream");
    show.puppet().say("WIFI CONNECTED\r\nWIFI GOT IP\r\n");
    show.pause(50);
    assert!(matches!(link.next_event(), Some(Event::Up(_))));
    assert_eq!(link.status(), Ok(LinkStatus::Up));
}

#[test]
fn trap_20_a_module_that_starts_anew_is_set_up_again_and_everybody_is_told() {
    let show = Show::new(NEW);
    let fd = show.connected();
    show.commands();
    show.puppet().say("\r\nready\r\n");
    assert_eq!(failed(show.recv(fd)), Error::Fault(Fault::Restarted));
    show.pause(200);
    let sent = show.commands();
    for command in ["ATE0", "AT+CIPMUX=1", "AT+CIPRECVTYPE=5,1"] {
        assert!(sent.contains(&command.into()), "{sent:?}");
    }
    let link = show.device.netlink().unwrap();
    assert_eq!(link.status(), Ok(LinkStatus::Down));
    show.join();
    show.connected();
}

#[test]
fn trap_20_a_reset_that_nobody_heard_of_is_noticed_by_the_next_question() {
    let show = Show::new(NEW);
    let fd = show.connected();
    // The answer does not come, and then the module says that it is as after a reset.
    show.puppet().on("AT+CIPSEND", "");
    show.puppet().on("AT+CIPMUX?", "AT+CIPMUX?\r\r\n+CIPMUX:0\r\n\r\nOK\r\n");
    assert_eq!(failed(show.send(fd, b"x")), Error::Fault(Fault::Restarted));
    show.join();
    show.connected();
}

#[test]
fn trap_21_garbage_before_and_after_a_start_harms_nothing() {
    let show = Show::dark(NEW, 2_304, |state| state);
    show.puppet().say("\u{0}\u{1}\r\n\u{7f}ets Jan\n\r");
    show.puppet().on("ATE0", "\u{1}\u{2}\r\n\r\nOK\r\n");
    show.join();
    show.connected();
}

#[test]
fn trap_22_bytes_that_the_line_lost_end_the_stream_with_an_error_and_nothing_else() {
    let show = Show::new(NEW);
    let (fd, other) = (show.connected(), show.connected());
    let state = "+CIPSTATE:4,\"TCP\",\"10.0.0.9\",7,50000,0\r\n\
        +CIPSTATE:3,\"TCP\",\"10.0.0.9\",7,50001,0\r\n\r\nOK\r\n";
    show.puppet().on("AT+CIPSTATE?", state);
    show.puppet().say("\r\n+IPD,4,9\r\n");
    show.puppet().on("AT+CIPRECVDATA=4,9", "+CIPRECVDATA:9,abc");
    show.pause(5);
    let mut buf = [0; 16];
    let begun = show.device.recv(fd, &mut buf, SockFlags::NONE);
    assert_eq!(begun, Err(nb::Error::WouldBlock));
    show.puppet().lost = true;
    assert_eq!(failed(show.recv(fd)), Error::Fault(Fault::Frame));
    assert_eq!(show.send(other, b"still works"), Ok(11));
    assert!(!show.commands().contains(&"(reset)".into()));
}

#[test]
fn trap_22_no_read_asks_for_more_than_the_ring_holds() {
    let show = Show::with(NEW, 128, |state| state);
    let fd = show.connected();
    show.puppet().say("\r\n+IPD,4,5760\r\n");
    let some = format!("+CIPRECVDATA:64,{}\r\nOK\r\n", "z".repeat(64));
    show.puppet().on("AT+CIPRECVDATA=4,64", &some);
    assert_eq!(show.recv(fd).unwrap().len(), 64);
}

#[test]
fn trap_24_several_connections_are_allowed_before_anything_is_opened() {
    let show = Show::dark(NEW, 2_304, |state| state);
    show.join();
    let sent = show.commands();
    assert!(sent.contains(&"AT+CIPMUX=1".into()), "{sent:?}");
    assert_eq!(sent[0], "(reset)", "so that no link of another program's is open");
}

#[test]
fn trap_25_a_read_that_fails_once_the_link_is_closed_is_the_end() {
    let show = Show::new("1.7.5.0");
    let fd = show.connected();
    show.puppet().on("AT+CIPRECVLEN?", "+CIPRECVLEN:0,0,0,0,9\r\n\r\nOK\r\n");
    show.puppet().say("\r\n+IPD,4,9\r\n4,CLOSED\r\n");
    show.puppet().on("AT+CIPRECVDATA=4,9", ERROR);
    assert_eq!(show.recv(fd).unwrap(), b"");
}

#[test]
fn trap_26_log_lines_everywhere_harm_nothing() {
    let show = Show::new(NEW);
    let log = "to read 75 bytes\r\nI (325) wifi: state 0\r\n";
    show.puppet().on("AT+CIPSTART=4", &format!("{log}4,CONNECT\r\n{log}{OK}"));
    let fd = show.connected();
    show.puppet().on("AT+CIPSEND", &format!("{log}{PROMPT}"));
    show.puppet().on_payload(&format!("{log}\r\nRecv 3 bytes\r\n{log}\r\nSEND OK\r\n{log}"));
    assert_eq!(show.send(fd, b"abc"), Ok(3));
    show.puppet().say(&format!("{log}\r\n+IPD,4,3\r\n{log}"));
    show.puppet().on("AT+CIPRECVDATA=4,3", &format!("{log}+CIPRECVDATA:3,xyz\r\nOK\r\n{log}"));
    assert_eq!(show.recv(fd).unwrap(), b"xyz");
}

#[test]
fn trap_27_three_plusses_in_a_stream_go_out_in_two_payloads() {
    let show = Show::new(NEW);
    let fd = show.connected();
    let mut rest: &[u8] = b"a+++b";
    while !rest.is_empty() {
        let count = show.send(fd, rest).unwrap();
        rest = &rest[count..];
    }
    assert_eq!(show.puppet().payloads, [b"a++".to_vec(), b"+b".to_vec()]);
}

#[test]
fn trap_27_three_plusses_as_a_datagram_go_out_with_a_pause_between() {
    let show = Show::new(NEW);
    let open = || show.device.socket(AddressFamily::Inet, SockType::Dgram, Protocol::Udp);
    let fd = show.until(5, open).unwrap();
    let to = SocketAddr::from((Ipv4Addr::new(10, 0, 0, 9), 7));
    let sent = show.until(5, || show.device.send_to(fd, b"+++", to, SockFlags::NONE));
    assert_eq!(sent, Ok(3));
    let puppet = show.puppet();
    assert_eq!(puppet.payloads, [b"+++"]);
    assert!(!puppet.pieces.contains(&b"+++".to_vec()), "{:?}", puppet.pieces);
}
