//! Lines as firmwares print them; sources in docs/firmware/espat.md.

extern crate std;
use core::net::Ipv4Addr;
use std::vec::Vec;

use super::*;

fn peer() -> SocketAddrV4 {
    SocketAddrV4::new(Ipv4Addr::new(192, 168, 4, 2), 50_000)
}

#[test]
fn results_and_remarks_are_told_apart() {
    let cases: &[(&[u8], Reply<'_>)] = &[
        (b"OK", Reply::Ok),
        (b"ERROR", Reply::Error),
        (b"FAIL", Reply::Error),
        (b"SEND OK", Reply::SendOk),
        (b"SEND FAIL", Reply::SendFail),
        (b"SEND Canceled", Reply::Canceled),
        (b"SEND CANCELLED", Reply::Canceled),
        (b"busy p...", Reply::Busy),
        (b"busy s...", Reply::Busy),
        (b"ready", Reply::Ready),
        (b"Recv 1024 bytes", Reply::Received(1024)),
        (b"Recv x bytes", Reply::Unknown),
        (b"4,CONNECT", Reply::Up(4)),
        (b"0,CLOSED", Reply::Closed(0)),
        (b"3,CONNECT FAIL", Reply::Closed(3)),
        (b"5,CONNECT", Reply::Unknown),
        (b"+IPD,4,3", Reply::Waiting(4, 3)),
        (b"+IPD,4,", Reply::Unknown),
        (b"+IPD,7,3", Reply::Unknown),
        (b"WIFI GOT IP", Reply::Wifi(Wifi::GotIp)),
        (b"UNLINK", Reply::Remark),
        (b"STATUS:2", Reply::Remark),
        (b"+CWMODE:1", Reply::Info(b"CWMODE", b"1")),
        (b"+24", Reply::Info(b"PING", b"24")),
        (b"+timeout", Reply::Info(b"PING", b"timeout")),
        (b"AT version:2.4.0.0(s-4c6eb5e)", Reply::Info(b"AT", b"2.4.0.0(s-4c6eb5e)")),
        (b"to read 75 bytes", Reply::Unknown),
        (b"OKAY", Reply::Unknown),
    ];
    for (line, expected) in cases {
        assert_eq!(parse(line), *expected, "{:?}", core::str::from_utf8(line));
    }
}

#[test]
fn trap_26_lines_that_match_nothing_are_unknown() {
    for line in [&b"I (325) wifi: state 0"[..], b"ets Jan  8 2013", b"\x80\xfe", b"+", b","] {
        assert_eq!(parse(line), Reply::Unknown);
    }
}

#[test]
fn links_are_described_in_three_ways() {
    let info = LinkInfo { id: 1, udp: false, peer: peer(), local_port: 333, server: true };
    let long = b"+LINK_CONN:0,1,\"TCP\",1,\"192.168.4.2\",50000,333";
    assert_eq!(parse(long), Reply::LinkUp(info));
    let state = b"1,\"TCP\",\"192.168.4.2\",50000,333,1";
    assert_eq!(link_info(state), Some(info));
    let udp = link_info(b"4,\"UDP\",\"192.168.4.2\",50000,4000,0").unwrap();
    assert!(udp.udp && !udp.server && udp.local_port == 4000);
    assert_eq!(link_info(b"1,\"TCP\",\"192.168.4.2\""), None);
    assert_eq!(parse(b"+LINK_CONN:1,1,\"TCP\",1,\"192.168.4.2\",50000,333"), Reply::Unknown);
}

#[test]
fn heads_of_counted_data_in_every_layout() {
    let head = |link, len, from| Some(Ok(Header { link, len, from }));
    assert_eq!(data_head(b"+IPD,4,3:", false), head(Some(4), 3, None));
    assert_eq!(data_head(b"+IPD,4,", false), None);
    assert_eq!(data_head(b"+IPD,4,3,\"192.168.4.2\",", false), None);
    let sender = b"+IPD,4,3,\"192.168.4.2\",50000:";
    assert_eq!(data_head(sender, true), head(Some(4), 3, Some(peer())));
    let bare = b"+IPD,4,3,192.168.4.2,50000:";
    assert_eq!(data_head(bare, true), head(Some(4), 3, Some(peer())), "NonOS does not quote");
    assert_eq!(data_head(b"+CIPRECVDATA:3,", false), head(None, 3, None));
    assert_eq!(data_head(b"+CIPRECVDATA:", false), None);
    assert_eq!(data_head(b"+CIPRECVDATA,3:", false), head(None, 3, None), "NonOS 1.7");
    assert_eq!(data_head(b"+CIPRECVDATA,", false), None);
    assert_eq!(data_head(b"+CIPRECVDATA:3,", true), None, "the sender comes first");
    let told = b"+CIPRECVDATA:3,\"192.168.4.2\",50000,";
    assert_eq!(data_head(told, true), head(None, 3, Some(peer())));
    for bad in [&b"+IPD,9,3:"[..], b"+IPD,4,99999:", b"+IPD,4:", b"+CIPRECVDATA:x,"] {
        assert_eq!(data_head(bad, false), Some(Err(())));
    }
}

#[test]
fn lengths_with_free_links_of_every_line() {
    assert_eq!(lengths(b"0,5,0,0,1460"), Some([0, 5, 0, 0, 1460]));
    assert_eq!(lengths(b"-1,5,-1,-1,-1"), Some([0, 5, 0, 0, 0]), "2.0 to 2.4");
    assert_eq!(lengths(b"0,5,0"), None);
}

#[test]
fn versions_of_every_line() {
    assert_eq!(version(b"1.7.5.0(Oct  9 2021 09:26:04)"), [1, 7, 5]);
    assert_eq!(version(b"2.4.0.0(s-4c6eb5e - ESP32 - May 20 2022 03:11:58)"), [2, 4, 0]);
    assert_eq!(version(b"5.0.0.0-dev(32ff6e1 - ESP32C5)"), [5, 0, 0]);
    assert_eq!(version(b"?"), [0, 0, 0]);
}

#[test]
fn addresses_quoted_or_not() {
    let home = Some(Ipv4Addr::new(192, 168, 1, 9));
    assert_eq!(addr(b"\"192.168.1.9\""), home);
    assert_eq!(addr(b"192.168.1.9"), home);
    for bad in [&b"192.168.1"[..], b"192.168.1.9.1", b"192.168.1.256", b"", b"\"", b"a.b.c.d"] {
        assert_eq!(addr(bad), None);
    }
    let told = mac(b"\"24:0a:c4:01:02:ff\"");
    assert_eq!(told, Some(HardwareAddr([0x24, 0x0a, 0xc4, 1, 2, 0xff])));
    assert_eq!(mac(b"24:0a:c4:01:02"), None);
    assert_eq!(mac(b"24:0a:c4:01:02:1"), None);
}

#[test]
fn trap_23_a_name_with_quotes_and_commas_is_found_from_both_ends() {
    let line = b"(3,\"a\",b\"24:0a:c4:00:00:00\",-57,\"24:0a:c4:01:02:03\",11,-1,-1,4,4,7,0)";
    let found = access_point(line).unwrap();
    assert_eq!(found.ssid(), b"a\",b\"24:0a:c4:00:00:00");
    assert_eq!((found.channel, found.rssi, found.auth), (11, -57, Auth::Wpa2));
    let short = b"(0,\"home\",-90,\"24:0a:c4:01:02:03\",1,-6,0)";
    assert_eq!(access_point(short).unwrap().auth, Auth::Open);
    let shortest = b"(0,\"home\",-90,\"24:0a:c4:01:02:03\",6)";
    assert_eq!(access_point(shortest).unwrap().channel, 6);
    for end in 0..short.len() - 9 {
        assert!(access_point(&short[..end]).is_none(), "{end}");
    }
    let joined = b"\"a\",b\",\"24:0a:c4:01:02:03\",6,-63,0,1,3,0,1";
    assert_eq!(joined_rssi(joined), Some(-63));
    assert_eq!(joined_rssi(b"\"home\",\"24:0a:c4:01:02:03\",6,-63"), Some(-63), "1.2: four fields");
}

#[test]
fn the_modules_time_counts_from_1970_and_not_before_it_is_set() {
    assert_eq!(time(b"Tue Oct 19 17:47:56 2021"), Some(1_634_665_676));
    assert_eq!(time(b"Sat Jan  1 00:00:00 2000"), Some(946_684_800));
    assert_eq!(time(b"Thu Feb 29 12:00:00 2024"), Some(1_709_208_000));
    assert_eq!(time(b"Fri Mar  1 00:00:00 2024"), Some(1_709_251_200));
    assert_eq!(time(b"Thu Jan  1 00:00:07 1970"), None);
    for bad in [&b"Tue Oct 19"[..], b"", b"Tue Foo 19 17:47:56 2021", b"Tue Oct 19 25:00:00 2021"] {
        assert_eq!(time(bad), None);
    }
}

#[test]
fn no_bytes_make_a_parser_panic() {
    let mut state = 7_u64;
    let mut noise = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        u8::try_from(state >> 56).unwrap()
    };
    let alphabet = b"+CIPRECVDATA:,\"-0123456789.()LINK_ONWPx OKabcdef\xff";
    for _ in 0..20_000 {
        let line: Vec<u8> =
            (0..noise() % 60).map(|_| alphabet[usize::from(noise()) % alphabet.len()]).collect();
        parse(&line);
        for told in [false, true] {
            let _ = data_head(&line, told);
        }
        let _ = (link_info(&line), lengths(&line), version(&line), addr(&line), mac(&line));
        let _ = (
            access_point(&line),
            joined_rssi(&line),
            time(&line),
            signed(&line),
            hex_number(&line),
        );
    }
}
