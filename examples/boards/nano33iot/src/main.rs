//! A web server on the Arduino Nano 33 IoT: a page with a form that switches the LED.
#![no_std]
#![no_main]

mod board;
#[path = "../../../src/page.rs"]
mod page;
mod server;

use cortex_m_rt::entry;
use net::Netdev;
use net::link::{ConnectParams, NetlinkExt as _};
use panic_halt as _;
use static_cell::StaticCell;
use wifinina::{State, Wifinina};

use crate::board::{Clock, Link, Parts};
use crate::server::Visible;

/// Name of the network to join.
const SSID: &str = env!("SSID", "set SSID to the name of your network when building");
/// Its passphrase.
const PASS: &str = env!("PASS", "set PASS to the passphrase of your network when building");

static STATE: StaticCell<State<Link>> = StaticCell::new();
static DEVICE: StaticCell<Wifinina<'static, Link, Clock>> = StaticCell::new();

#[entry]
fn main() -> ! {
    if let Some(board) = start() {
        loop {
            // Whatever fails here, a lost network for instance, may work the next time.
            let joined = board.device.net_connect(&ConnectParams::new(SSID, PASS));
            let _ = joined.map_err(Into::into).and_then(|()| server::serve(&board));
        }
    }
    loop {
        cortex_m::asm::wfi();
    }
}

/// Makes the device, once. A function of its own, so that the stack has its frame only while it runs.
#[inline(never)]
fn start() -> Option<Visible> {
    let Parts { clock, link, led } = board::start()?;
    let state = STATE.init_with(|| State::new(link));
    let device: &'static dyn Netdev = DEVICE.init_with(|| Wifinina::new(state, clock));
    net::use_device(device);
    Some(Visible::new(device, led))
}
