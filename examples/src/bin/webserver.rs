//! A web page with a form that switches an LED.

use core::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use core::time::Duration;
use std::process::ExitCode;

use clap::Parser;
use examples::device::{self, Device};
use examples::options::{Common, Port};
use examples::page::{self, Board};
use examples::{Failure, announce, finish, say};
use net_http::{self as http, Request, ResponseWriter};

/// Web server: a page with a form that switches a simulated LED, and what the device has counted
#[derive(Parser)]
struct Options {
    #[command(flatten)]
    port: Port,
    #[command(flatten)]
    common: Common,
}

fn main() -> ExitCode {
    finish("webserver", run(&Options::parse()))
}

fn run(options: &Options) -> Result<(), Failure> {
    let device = device::open(&options.common)?;
    let listener = net::listen("tcp", &device.listen_addr(options.port.port)?)?;
    let addr = listener.addr().ok_or_else(|| Failure::new("the listener has no address"))?;

    let board: &'static Pc = Box::leak(Box::new(Pc::new(device)));
    http::handle_func(page::SHOW, |w: &mut ResponseWriter<'_>, _: &mut Request<'_>| {
        page::show(board, w)
    })?;
    http::handle_func(page::SWITCH, |w: &mut ResponseWriter<'_>, r: &mut Request<'_>| {
        page::switch(board, w, r)
    })?;

    announce(addr)?;
    say(format_args!("Open http://{addr}/ in a browser, or try"))?;
    say(format_args!("  curl -i http://{addr}/"))?;
    say(format_args!("  curl -i -d led=on http://{addr}/led"))?;
    say("Ctrl-C ends it.")?;
    http::serve(listener)?;
    Ok(())
}

/// The board that the page shows: this PC, with a simulated LED.
struct Pc {
    device: Device,
    led: AtomicBool,
    pages: AtomicU32,
}

impl Pc {
    const fn new(device: Device) -> Self {
        Self { device, led: AtomicBool::new(false), pages: AtomicU32::new(0) }
    }
}

impl Board for Pc {
    fn led(&self) -> bool {
        self.led.load(Ordering::Relaxed)
    }

    fn switch_led(&self, on: bool) {
        self.led.store(on, Ordering::Relaxed);
    }

    fn uptime(&self) -> Duration {
        Duration::from_micros(self.device.netdev.platform().now().as_micros())
    }

    fn count_page(&self) -> u32 {
        self.pages.fetch_add(1, Ordering::Relaxed) + 1
    }

    fn rows(&self, w: &mut ResponseWriter<'_>) -> Result<(), http::Error> {
        self.device.counters().iter().try_for_each(|(name, count)| page::row(w, name, count))
    }
}
