//! A hello server over the driver `rtl8720dn`.
#![no_std]
#![no_main]

use cortex_m::Peripherals;
use cortex_m_rt::entry;
use hello_uart::{Clock, Link, clock, link, run};
use net::Netdev;
use panic_halt as _;
use rtl8720dn::{Rtl8720dn, State};
use static_cell::StaticCell;

static STATE: StaticCell<State<Link>> = StaticCell::new();
static DEVICE: StaticCell<Rtl8720dn<'static, Link, Clock>> = StaticCell::new();

#[entry]
fn main() -> ! {
    run(start())
}

/// Makes the device, once. A function of its own, so that the stack has its frame only while it runs.
#[inline(never)]
fn start() -> Option<&'static dyn Netdev> {
    let clock = clock(Peripherals::take()?.SYST);
    let state = STATE.init_with(|| State::new(link()));
    Some(DEVICE.init_with(|| Rtl8720dn::new(state, clock)))
}
