//! A hello server on co-processors at a serial line, to measure what it costs a chip: what its two
//! programs have in common.
#![no_std]

mod line;
mod page;
mod register;
#[cfg(feature = "measured")]
mod verdict;

use cortex_m::peripheral::SYST;
use net::Netdev;
use net::link::{ConnectParams, NetlinkExt as _};

pub use line::{Link, link};

/// The core of the AN385 image runs at 25 MHz.
pub type Clock = systick_clock::Clock<25_000_000>;

/// Name of the network to join.
const SSID: &str = env!("SSID", "set SSID to the name of your network when building");
/// Its passphrase.
const PASS: &str = env!("PASS", "set PASS to the passphrase of your network when building");

/// Starts the clock.
pub fn clock(timer: SYST) -> Clock {
    Clock::start(timer)
}

/// Joins and serves, for ever.
pub fn run(device: Option<&'static dyn Netdev>) -> ! {
    if let Some(device) = device {
        net::use_device(device);
        let joined = device.net_connect(&ConnectParams::new(SSID, PASS));
        let served = joined.map_err(Into::into).and_then(|()| page::serve());
        #[cfg(feature = "measured")]
        if served.is_err() {
            verdict::failed("joining or listening");
        }
        let _ = served;
    }
    loop {
        cortex_m::asm::wfi();
    }
}
