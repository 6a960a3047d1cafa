//! A hello server on a WiFiNINA co-processor, to measure what it costs a chip.
#![no_std]
#![no_main]

#[cfg(feature = "scripted")]
mod chip;
mod page;
mod register;
#[cfg(feature = "scripted")]
mod verdict;
#[cfg(feature = "scripted")]
mod visit;
#[cfg_attr(feature = "scripted", path = "scripted.rs")]
mod wires;

use cortex_m::Peripherals;
use cortex_m_rt::entry;
use net::Netdev;
use net::link::{ConnectParams, NetlinkExt as _};
use panic_halt as _;
use static_cell::StaticCell;
use wifinina::{State, Wifinina};

use crate::wires::Link;

/// The core of the AN385 image runs at 25 MHz.
type Clock = systick_clock::Clock<25_000_000>;

/// Name of the network to join.
const SSID: &str = env!("SSID", "set SSID to the name of your network when building");
/// Its passphrase.
const PASS: &str = env!("PASS", "set PASS to the passphrase of your network when building");

static STATE: StaticCell<State<Link>> = StaticCell::new();
static DEVICE: StaticCell<Wifinina<'static, Link, Clock>> = StaticCell::new();

#[entry]
fn main() -> ! {
    if let Some(device) = start() {
        let joined = device.net_connect(&ConnectParams::new(SSID, PASS));
        let served = joined.map_err(Into::into).and_then(|()| page::serve());
        #[cfg(feature = "scripted")]
        if served.is_err() {
            verdict::failed("joining or listening");
        }
        let _ = served;
    }
    loop {
        cortex_m::asm::wfi();
    }
}

/// Makes the device, once. A function of its own, so that the stack has its frame only while it runs.
#[inline(never)]
fn start() -> Option<&'static dyn Netdev> {
    let clock = Clock::start(Peripherals::take()?.SYST);
    let state = STATE.init_with(|| State::new(wires::link()));
    let device: &'static dyn Netdev = DEVICE.init_with(|| Wifinina::new(state, clock));
    net::use_device(device);
    Some(device)
}
