//! The document's byte vectors, as sessions over the bus.

mod common;

use common::{Host, bytes, config, hex, millis};

/// Sends the bytes as they stand, and compares the reply up to its armed length.
#[track_caller]
fn golden(host: &mut Host, command: &str, reply: &str) {
    let got = host.call(&bytes(command));
    assert_eq!(hex(&got), reply, "reply to {command}");
}

#[test]
fn version_and_station_queries() {
    let mut host = Host::joined();
    golden(&mut host, "e0 37 00 ee", "e0 b7 01 06 32 2e 30 2e 30 00 ee 00");
    golden(&mut host, "e0 20 00 ee", "e0 a0 01 01 03 ee 00 00");
    golden(
        &mut host,
        "e0 21 01 01 ff ee ff ff",
        "e0 a1 03 04 7f 00 00 01 04 ff 00 00 00 04 7f 00 00 01 ee 00",
    );
    golden(&mut host, "e0 22 01 01 ff ee ff ff", "e0 a2 01 06 03 02 01 c4 0a 24 ee 00");
    golden(&mut host, "e0 23 01 01 ff ee ff ff", "e0 a3 01 09 6f 72 61 63 6c 65 2d 61 70 ee 00 00");
    golden(&mut host, "e0 25 01 01 ff ee ff ff", "e0 a5 01 04 d6 ff ff ff ee 00 00 00");
    assert_eq!(host.offences(), []);
}

#[test]
fn a_join_with_a_passphrase() {
    let mut host = Host::booted(config());
    golden(
        &mut host,
        "e0 11 02 09 6f 72 61 63 6c 65 2d 61 70 08 70 61 73 73 77 6f 72 64 ee ff",
        "e0 91 01 01 01 ee 00 00",
    );
    host.wait(millis(200));
    golden(&mut host, "e0 20 00 ee", "e0 a0 01 01 03 ee 00 00");
}

#[test]
fn a_client_session() {
    let mut host = Host::joined();
    host.net.serve(0x5A3C);
    host.net.name("a.test", [127, 0, 0, 1].into());
    golden(&mut host, "e0 3f 00 ee", "e0 bf 01 01 00 ee 00 00");
    golden(&mut host, "e0 2d 04 04 7f 00 00 01 02 5a 3c 01 00 01 00 ee", "e0 ad 01 01 01 ee 00 00");
    golden(&mut host, "e0 2d 04 04 7f 00 00 01 02 00 01 01 01 01 00 ee", "e0 ad 00 ee");
    golden(
        &mut host,
        "e0 2d 05 06 61 2e 74 65 73 74 04 00 00 00 00 02 5a 3c 01 01 01 00 ee ff",
        "e0 ad 01 01 01 ee 00 00",
    );
    golden(&mut host, "e0 2f 01 01 00 ee ff ff", "e0 af 01 01 04 ee 00 00");
    golden(&mut host, "e0 2e 01 01 01 ee ff ff", "e0 ae 01 01 01 ee 00 00");
    golden(&mut host, "e0 44 02 00 01 00 00 05 68 65 6c 6c 6f ee ff ff", "e0 c4 01 02 05 00 ee 00");
    golden(&mut host, "e0 2a 01 01 00 ee ff ff", "e0 aa 01 01 01 ee 00 00");
    assert_eq!(host.offences(), []);
}

#[test]
fn a_client_reads() {
    let mut host = Host::joined();
    host.net.serve(0x5A3C);
    golden(&mut host, "e0 2d 04 04 7f 00 00 01 02 5a 3c 01 00 01 00 ee", "e0 ad 01 01 01 ee 00 00");
    let peer = host.net.peer(0x5A3C);
    host.net.push(peer, b"world!");
    golden(&mut host, "e0 2b 01 01 00 ee ff ff", "e0 ab 01 02 06 00 ee 00");
    golden(&mut host, "e0 2c 02 01 00 01 01 ee", "e0 ac 01 01 77 ee 00 00");
    golden(&mut host, "e0 45 02 00 01 00 00 02 64 00 ee ff", "e0 c5 01 00 06 77 6f 72 6c 64 21 ee");
    golden(&mut host, "e0 45 02 00 01 00 00 02 64 00 ee ff", "e0 c5 01 00 00 ee 00 00");
    golden(&mut host, "e0 3a 01 01 00 ee ff ff", "e0 ba 02 04 7f 00 00 01 02 5a 3c ee");
    golden(&mut host, "e0 2e 01 01 00 ee ff ff", "e0 ae 01 01 01 ee 00 00");
    assert!(host.net.is_closed(peer));
    assert_eq!(host.offences(), []);
}

#[test]
fn a_listener_and_its_peer() {
    let mut host = Host::joined();
    host.net.serve(0x5A3C);
    golden(&mut host, "e0 2d 04 04 7f 00 00 01 02 5a 3c 01 01 01 00 ee", "e0 ad 01 01 01 ee 00 00");
    golden(&mut host, "e0 28 03 02 5a 3d 01 00 01 00 ee ff", "e0 a8 01 01 01 ee 00 00");
    golden(&mut host, "e0 29 01 01 00 ee ff ff", "e0 a9 01 01 01 ee 00 00");
    golden(&mut host, "e0 2b 02 01 00 01 01 ee", "e0 ab 01 02 ff 00 ee 00");
    host.net.dial(0x5A3D, 4000).unwrap();
    golden(&mut host, "e0 2b 02 01 00 01 01 ee", "e0 ab 01 02 02 00 ee 00");
    assert_eq!(host.offences(), []);
}

#[test]
fn a_datagram_out() {
    let mut host = Host::joined();
    golden(&mut host, "e0 28 03 02 5a 3f 01 03 01 01 ee ff", "e0 a8 01 01 01 ee 00 00");
    golden(&mut host, "e0 2d 04 04 7f 00 00 01 02 5a 3e 01 03 01 01 ee", "e0 ad 01 01 01 ee 00 00");
    golden(&mut host, "e0 46 02 00 01 03 00 03 61 62 63 ee", "e0 c6 01 01 01 ee 00 00");
    golden(&mut host, "e0 39 01 01 03 ee ff ff", "e0 b9 01 01 01 ee 00 00");
    assert_eq!(host.net.sent(), [(b"abc".to_vec(), 0x5A3E)]);
    assert_eq!(host.offences(), []);
}

#[test]
fn names_ping_and_addresses() {
    let mut host = Host::joined();
    host.net.name("a.test", [127, 0, 0, 1].into());
    golden(&mut host, "e0 34 01 06 61 2e 74 65 73 74 ee ff", "e0 b4 01 01 01 ee 00 00");
    golden(&mut host, "e0 35 00 ee", "e0 b5 01 04 7f 00 00 01 ee 00 00 00");
    golden(&mut host, "e0 3e 02 04 7f 00 00 01 01 40 ee ff", "e0 be 01 02 00 00 ee 00");
    golden(&mut host, "e0 15 03 01 01 04 08 08 08 08 04 01 01 01 01 ee", "e0 95 01 01 01 ee 00 00");
    golden(&mut host, "e0 1e 01 01 ff ee ff ff", "e0 9e 02 04 08 08 08 08 04 01 01 01 01 ee 00 00");
    golden(
        &mut host,
        "e0 14 04 01 00 04 7f 00 00 01 04 7f 00 00 01 04 ff 00 00 00 ee ff ff ff",
        "e0 94 01 01 00 ee 00 00",
    );
    assert_eq!(host.offences(), []);
}

#[test]
fn what_is_no_command() {
    let mut host = Host::joined();
    golden(&mut host, "e0 38 01 01 00 ee ff ff", "ef 00 ee 00");
    golden(&mut host, "e1 37 00 ee", "ef 00 ee 00");
    golden(&mut host, "e0 37 00 00", "e0 b7 01 06 32 2e 30 2e 30 00 ee 00");
    let expected = [("unknown_opcodes", 1), ("bad_starts", 1), ("malformed_commands", 1)];
    assert_eq!(host.offences(), expected);
}

#[test]
fn descriptors_count_from_54() {
    let mut host = Host::joined();
    golden(&mut host, "e0 70 02 01 01 01 00 ee", "e0 f0 01 01 36 ee 00 00");
    golden(&mut host, "e0 70 02 01 01 01 00 ee", "e0 f0 01 01 37 ee 00 00");
    golden(&mut host, "e0 72 00 ee", "e0 f2 01 01 00 ee 00 00");
    assert_eq!(host.offences(), []);
}
