//! mDNS calls, section 7.6 of the document: names, and no services.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "helpers fail as tests do")]

mod common;

use common::calls::payload;
use common::{Host, MDNS, millis};

fn init() -> Host {
    let mut host = Host::joined();
    assert_eq!(host.status(MDNS, 9, &payload().bin(b"a").u32(10).0), 0x103);
    assert_eq!(host.status(MDNS, 1, &[]), 0);
    host
}

#[test]
fn a_name_is_found_or_the_whole_time_is_taken() {
    let mut host = init();
    host.internet.name("printer.local", [10, 0, 0, 7].into());
    let ask = |name: &str| payload().bin(name.as_bytes()).u32(500).0;
    assert_eq!(host.call(MDNS, 9, &ask("printer")), [4, 0, 0, 0, 10, 0, 0, 7, 0, 0, 0, 0]);
    let (result, took) = host.timed(|host| host.status(MDNS, 9, &ask("nobody")));
    assert_eq!(result, 0x107);
    assert!((500..=510).contains(&took.as_millis()), "{took:?}");
    assert_eq!(host.status(MDNS, 8, &payload().bin(b"wio").0), 0);
    assert_eq!(host.call(MDNS, 9, &ask("wio"))[4..8], common::CHIP);
}

#[test]
fn services_are_kept_and_never_found() {
    let mut host = init();
    let mut add = payload().bin(b"NULL").bin(b"_http").bin(b"_tcp").0;
    add.extend(80_u16.to_le_bytes());
    assert_eq!(host.status(MDNS, 3, &add), 0);
    let pair = || payload().bin(b"_http").bin(b"_tcp");
    assert_eq!(host.status(MDNS, 5, &pair().bin(b"k").bin(b"v").0), 0);
    let query = pair().u32(100).i32(8).0;
    assert_eq!(host.call(MDNS, 10, &query), [0; 8]);
    assert_eq!(host.call(MDNS, 11, &[0; 4]).len(), 4 + 138 + 4);
    assert_eq!(host.status(MDNS, 4, &pair().0), 0);
    assert_eq!(host.status(MDNS, 4, &pair().0), 0x105);
}

#[test]
fn a_result_that_is_not_there_is_not_answered() {
    let mut host = init();
    for method in [12, 13] {
        assert!(host.call_within(MDNS, method, &[0; 8], millis(100)).is_none());
    }
    assert!(host.is_alive());
    assert_eq!(host.counters().offences(), 0);
}
