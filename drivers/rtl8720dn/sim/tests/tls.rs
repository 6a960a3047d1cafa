//! TLS calls, sections 7.5 and 11 of the document, with a stand-in for TLS.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "helpers fail as tests do")]

mod common;

use common::calls::{Payload, payload};
use common::{Host, LWIP, TLS, millis};
use netdev_sim::{Sock, Stack};
use rtl8720dn_sim::{Config, Persona, TlsPeer};

const CA: &str = "-----BEGIN CERTIFICATE-----\nthe one\n";

fn clear_text() -> Config {
    let mut config = Config::default();
    config.tls = peer();
    config
}

fn peer() -> TlsPeer {
    TlsPeer::ClearText { issuer: CA.to_owned(), name: "www.test".to_owned() }
}

fn joined(config: Config) -> Host {
    let mut host = Host::joined_with(config);
    host.internet.name("www.test", common::PEER.into());
    host.internet.name("other.test", common::PEER.into());
    host.peer.listen(443, 4).unwrap();
    host
}

struct Client(u32);

impl Client {
    fn new(host: &mut Host, ca: Option<&str>) -> Self {
        let handle = u32::from_le_bytes(host.call(TLS, 1, &[]).try_into().unwrap());
        assert_ne!(handle, 0);
        let client = Self(handle);
        assert!(host.call(TLS, 3, &client.with().0).is_empty());
        host.call(TLS, 5, &client.with().u32(3000).0);
        if let Some(ca) = ca {
            host.call(TLS, 8, &client.with().bin(ca.as_bytes()).0);
        }
        client
    }

    fn with(&self) -> Payload {
        payload().u32(self.0)
    }

    fn start(&self, host: &mut Host, name: &str, port: u32) -> i32 {
        let call = self.with().u8(0).bin(name.as_bytes()).u32(port).i32(0).0;
        host.status(TLS, 18, &call)
    }

    fn socket(&self, host: &mut Host) -> i32 {
        host.status(TLS, 6, &self.with().0)
    }
}

/// The peer's end of the last connection.
fn accepted(host: &mut Host, port: u16) -> (i32, Sock, Client) {
    let listener = host.peer.listen(port, 4).unwrap();
    let client = Client::new(host, None);
    let s = client.start(host, "www.test", port.into());
    host.pass(millis(5));
    let (peer, _) = host.peer.accept(listener).unwrap();
    (s, peer, client)
}

#[test]
fn a_session_carries_bytes_both_ways() {
    let mut host = joined(clear_text());
    let (s, peer, client) = accepted(&mut host, 444);
    assert_eq!((s, client.socket(&mut host)), (0, 0));
    let nothing = host.call(TLS, 22, &client.with().i32(64).0);
    assert_eq!(nothing, [[1, 0, 0, 0, 0].as_slice(), &(-26_880_i32).to_le_bytes()].concat());
    assert_eq!(host.status(TLS, 20, &client.with().0), -26_880);
    let mut send = client.with().bin(b"hello").0;
    send.extend([5, 0]);
    assert_eq!(host.status(TLS, 21, &send), 5);
    host.pass(millis(5));
    let mut heard = [0; 8];
    assert_eq!(host.peer.recv(peer, &mut heard, false), Ok(5));
    host.peer.send(peer, b"hi").unwrap();
    host.pass(millis(5));
    assert_eq!(host.status(TLS, 20, &client.with().0), 0);
    let got = host.call(TLS, 22, &client.with().i32(64).0);
    assert_eq!(got, b"\x02\0\0\0hi\x02\0\0\0");
    host.peer.close(peer);
    host.pass(millis(5));
    let end = host.call(TLS, 22, &client.with().i32(64).0);
    assert_eq!(end, [1, 0, 0, 0, 0, 0, 0, 0, 0]);
    host.call(TLS, 19, &client.with().0);
    assert_eq!(client.socket(&mut host), -1);
    host.call(TLS, 2, &client.with().0);
    assert_eq!(host.socket(1), 0);
    assert_eq!(host.counters().offences(), 0);
}

#[test]
fn quirk_24_what_set_calls_return_means_nothing() {
    let mut host = joined(clear_text());
    let client = Client::new(&mut host, None);
    for method in [8, 10, 12, 14, 16] {
        let reply = host.call(TLS, method, &client.with().bin(b"x").0);
        assert!(reply.len() == 4 && reply != [0; 4] && reply != [1, 0, 0, 0]);
    }
}

#[test]
fn quirk_25_without_a_ca_the_server_is_not_named() {
    let mut host = joined(clear_text());
    let client = Client::new(&mut host, None);
    assert_eq!(client.start(&mut host, "www.test", 443), 0);
    assert_eq!(host.monitor.server_name(), None);
    let client = Client::new(&mut host, Some(CA));
    assert_eq!(client.start(&mut host, "www.test", 443), 1);
    assert_eq!(host.monitor.server_name().as_deref(), Some("www.test"));

    let mut config = Config::new(&Persona::SEEED_2_0_4);
    config.tls = peer();
    let mut host = joined(config);
    Client::new(&mut host, None).start(&mut host, "www.test", 443);
    assert_eq!(host.monitor.server_name().as_deref(), Some("www.test"), "before 2.1.1");
}

#[test]
fn quirk_26_a_failed_handshake_comes_late_and_a_refused_certificate_looks_like_success() {
    for (tls, code) in [(TlsPeer::NoCommonCipher, -29_312), (TlsPeer::Silent, -26_880)] {
        let mut config = Config::default();
        config.tls = tls;
        let mut host = joined(config);
        let client = Client::new(&mut host, None);
        let (result, took) = host.timed(|host| client.start(host, "www.test", 443));
        assert_eq!((result, took.as_secs()), (code, 3));
        assert_eq!(client.socket(&mut host), 0, "the socket is still there");
        host.call(TLS, 19, &client.with().0);
        assert_eq!(host.status(LWIP, 8, &[0; 4]), -1, "until it is stopped");
    }
    let mut host = joined(clear_text());
    let wrong = "-----BEGIN CERTIFICATE-----\nanother\n";
    for (ca, name) in [(wrong, "www.test"), (CA, "other.test")] {
        let client = Client::new(&mut host, Some(ca));
        let (result, took) = host.timed(|host| client.start(host, name, 443));
        assert_eq!((result, client.socket(&mut host)), (0, -1), "{name}");
        assert!(took < millis(100));
    }
    assert_eq!(host.socket(1), 0, "their sockets are closed");
}

#[test]
fn what_is_wrong_before_the_handshake_is_told_at_once() {
    let mut host = joined(clear_text());
    let client = Client::new(&mut host, Some("nonsense"));
    assert_eq!(client.start(&mut host, "www.test", 443), -8576);
    let client = Client::new(&mut host, None);
    assert_eq!(client.start(&mut host, "www.test", 9), -1);
    assert_eq!(client.start(&mut host, "nowhere.test", 443), -1);
    assert_eq!(host.socket(1), 3, "each start leaves its socket behind");
}

#[test]
fn two_keys_in_advance_mean_no_handshake_at_all() {
    let mut host = joined(clear_text());
    let client = Client::new(&mut host, None);
    host.call(TLS, 14, &client.with().bin(b"me").0);
    host.call(TLS, 16, &client.with().bin(b"00ff").0);
    assert_eq!(client.start(&mut host, "www.test", 443), 0);
}

#[test]
fn an_unknown_handle_kills() {
    let mut host = joined(clear_text());
    assert!(host.call_within(TLS, 6, &[1, 2, 3, 4], millis(100)).is_none());
    assert_eq!(host.offences(), [("wild_pointers", 1)]);
    assert!(!host.is_alive());
}

#[test]
fn a_time_out_that_was_never_set_is_garbage() {
    let mut host = joined(Config::default());
    let handle = host.call(TLS, 1, &[]);
    let client = Client(u32::from_le_bytes(handle.try_into().unwrap()));
    assert!(host.status(TLS, 7, &client.with().0) > 1_000_000);
    let call = client.with().u8(0).bin(b"www.test").u32(443).i32(0).0;
    let limit = core::time::Duration::from_secs(1000);
    assert!(host.call_within(TLS, 18, &call, limit).is_none());
    assert_eq!(host.counters().unbounded_calls, 1);
}

#[test]
fn the_text_of_an_error_is_as_long_as_was_asked_for() {
    let mut host = joined(Config::default());
    let text = host.call(TLS, 25, &payload().i32(-76).u32(32).0);
    assert_eq!((text.len(), &text[4..13]), (36, &b"error -76"[..]));
}
