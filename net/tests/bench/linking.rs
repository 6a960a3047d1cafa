//! Joining and leaving networks.

use core::time::Duration;
use std::sync::Mutex;

use net::link::{ConnectParams, NetlinkExt};
use net::netdev::{Error, Event, HardwareAddr, LinkStatus, Netlink, Network, Platform};
use net::{Cause, Netdev};

use crate::device::{Bench, ms};

/// A link that joins after so many calls.
pub(crate) struct Link {
    turns: Mutex<u32>,
    answer: Result<(), Error>,
}

impl Netlink for Link {
    fn join(&self, network: &Network<'_>) -> nb::Result<(), Error> {
        let Network::Wifi(wifi) = network else { return Err(Error::Unsupported.into()) };
        assert_eq!((wifi.ssid, wifi.passphrase), ("home", "correct horse"));
        self.turn()
    }
    fn leave(&self) -> nb::Result<(), Error> {
        self.turn()
    }
    fn status(&self) -> nb::Result<LinkStatus, Error> {
        Ok(LinkStatus::Down)
    }
    fn reset(&self) -> nb::Result<(), Error> {
        Ok(())
    }
    fn hardware_addr(&self) -> nb::Result<HardwareAddr, Error> {
        Ok(HardwareAddr([0; 6]))
    }
    fn next_event(&self) -> Option<Event> {
        None
    }
}

impl Link {
    fn turn(&self) -> nb::Result<(), Error> {
        let mut turns = self.turns.lock().unwrap();
        if *turns == 0 {
            return Ok(self.answer?);
        }
        *turns -= 1;
        Err(nb::Error::WouldBlock)
    }
}

fn bench(turns: u32, answer: Result<(), Error>) -> (&'static Bench, &'static dyn Netdev) {
    let bench = Bench::with_link(Link { turns: Mutex::new(turns), answer });
    (bench, bench)
}

#[test]
fn joining_repeats_the_call_until_the_link_is_up() {
    let (_, device) = bench(20, Ok(()));
    assert_eq!(device.net_connect(&ConnectParams::new("home", "correct horse")), Ok(()));
    assert_eq!(device.net_disconnect(), Ok(()));
}

#[test]
fn joining_ends_at_its_limit() {
    let (bench, device) = bench(u32::MAX, Ok(()));
    let params = ConnectParams::new("home", "correct horse");
    let error = device.net_connect(&params).unwrap_err();
    assert_eq!((error.cause, bench.now()), (Cause::DeadlineExceeded, ms(10_000)));
    assert_eq!(error.to_string(), "join: i/o timeout");
    let error = device.net_connect(&params.timeout(Duration::from_secs(1))).unwrap_err();
    assert_eq!((error.timeout(), bench.now()), (true, ms(11_000)));
    assert_eq!(device.net_disconnect().unwrap_err().to_string(), "leave: i/o timeout");
}

#[test]
fn a_refusal_is_told_as_the_device_tells_it() {
    let (_, device) = bench(3, Err(Error::AuthFailed));
    let error = device.net_connect(&ConnectParams::new("home", "correct horse")).unwrap_err();
    assert_eq!(error.to_string(), "join: authentication failed");
}

#[test]
fn a_device_without_a_link_has_nothing_to_join() {
    let device: &'static dyn Netdev = Bench::new();
    assert_eq!(device.net_connect(&ConnectParams::new("home", "")), Ok(()));
    assert_eq!(device.net_disconnect(), Ok(()));
}

#[test]
fn a_passphrase_is_not_printed() {
    let text = format!("{:?}", ConnectParams::new("home", "correct horse"));
    assert!(text.contains("home") && !text.contains("horse"), "{text}");
}
