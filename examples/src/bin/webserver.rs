//! A web page with a form that switches an LED.

use core::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::process::ExitCode;

use clap::Parser;
use examples::device::{self, Device};
use examples::options::{Common, Port};
use examples::{Failure, announce, finish, say};
use net_http::{self as http, Request, ResponseWriter, Status};

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

    let board: &'static Board = Box::leak(Box::new(Board::new(device)));
    http::handle_func("GET /{$}", |w: &mut ResponseWriter<'_>, _: &mut Request<'_>| board.page(w))?;
    http::handle_func("POST /led", |w: &mut ResponseWriter<'_>, r: &mut Request<'_>| {
        board.switch(w, r)
    })?;

    announce(addr)?;
    say(format_args!("Open http://{addr}/ in a browser, or try"))?;
    say(format_args!("  curl -i http://{addr}/"))?;
    say(format_args!("  curl -i -d led=on http://{addr}/led"))?;
    say("Ctrl-C ends it.")?;
    http::serve(listener)?;
    Ok(())
}

/// The board that the page shows.
struct Board {
    device: Device,
    led: AtomicBool,
    pages: AtomicU64,
}

impl Board {
    const fn new(device: Device) -> Self {
        Self { device, led: AtomicBool::new(false), pages: AtomicU64::new(0) }
    }

    fn page(&self, w: &mut ResponseWriter<'_>) -> Result<(), http::Error> {
        let (led, other) = if self.led.load(Ordering::Relaxed) { ON_OFF } else { OFF_ON };
        let pages = self.pages.fetch_add(1, Ordering::Relaxed) + 1;
        let up = self.device.netdev.platform().now().as_micros() / 1_000_000;
        w.header().set("Content-Type", "text/html; charset=utf-8");
        w.header().set("Cache-Control", "no-store");
        w.write(HEAD.as_bytes())?;
        write!(
            w,
            "<p><span class=\"led {led}\"></span> The LED is {led}.</p>\n\
             <form method=post action=/led><button name=led value={other}>Switch it {other}\
             </button></form>\n\
             <table>\n<tr><td>up<td>{} h {:02} min {:02} s\n<tr><td>pages<td>{pages}\n",
            up / 3600,
            up / 60 % 60,
            up % 60,
        )?;
        for (name, count) in self.device.counters() {
            writeln!(w, "<tr><td>{name}<td>{count}")?;
        }
        w.write(b"</table>\n").map(drop)
    }

    fn switch(&self, w: &mut ResponseWriter<'_>, r: &Request<'_>) -> Result<(), http::Error> {
        let on = match r.form_value("led") {
            Some(value) if value == "on" => true,
            Some(value) if value == "off" => false,
            _ => return http::error(w, "led is on or off", Status::BAD_REQUEST),
        };
        self.led.store(on, Ordering::Relaxed);
        // The browser fetches the page anew, so that a reload does not switch again.
        http::redirect(w, r, "/", Status::SEE_OTHER)
    }
}

const ON_OFF: (&str, &str) = ("on", "off");
const OFF_ON: (&str, &str) = ("off", "on");

const HEAD: &str = "<!doctype html>\n<html lang=en>\n<meta charset=utf-8>\n\
<meta name=viewport content=\"width=device-width\">\n<title>LED</title>\n<style>\n\
body { font: 1.1em sans-serif; margin: 2em }\n\
.led { display: inline-block; width: 1em; height: 1em; border-radius: 50%; background: #444 }\n\
.on { background: #e33; box-shadow: 0 0 .5em #e33 }\n\
td { padding: .1em 1em .1em 0 }\n</style>\n<h1>A board on the network</h1>\n";
