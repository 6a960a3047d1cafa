//! The server, and the board as the page sees it.

use core::cell::{Cell, RefCell};
use core::time::Duration;

use arduino_nano33iot::hal::ehal::digital::{OutputPin as _, StatefulOutputPin as _};
use net::{Netdev, TcpListener, netdev};
use net_http::{self as http, Request, ResponseWriter};

use crate::board::Led;
use crate::page::{self, Board};

/// Two visitors, 1 KiB for the request of each, 2.5 KiB for the answer.
type Server<'a> = http::Server<'a, TcpListener, 2, 1024, 2568>;

/// Serves the page; ends when listening fails.
pub fn serve(board: &Visible) -> Result<(), http::Error> {
    let show = |w: &mut ResponseWriter<'_>, _: &mut Request<'_>| page::show(board, w);
    let switch = |w: &mut ResponseWriter<'_>, r: &mut Request<'_>| page::switch(board, w, r);
    let mut mux = http::ServeMux::<2>::new();
    mux.handle(page::SHOW, &show)?;
    mux.handle(page::SWITCH, &switch)?;
    Server::new(net::listen("tcp", ":80")?, &mux).serve()
}

/// The board as the page sees it.
pub struct Visible {
    /// What joins the network.
    pub device: &'static dyn Netdev,
    led: RefCell<Led>,
    pages: Cell<u32>,
}

impl Visible {
    /// A board that has shown no page.
    pub fn new(device: &'static dyn Netdev, led: Led) -> Self {
        Self { device, led: RefCell::new(led), pages: Cell::new(0) }
    }

    /// How well the network is heard; `None` if the module does not say so soon.
    fn signal(&self) -> Option<i16> {
        let link = self.device.netlink()?;
        let deadline = self.device.platform().now() + SIGNAL_TIME;
        netdev::wait(self.device, || Some(deadline), || link.rssi()).ok()
    }
}

impl Board for Visible {
    fn led(&self) -> bool {
        // The pins of this chip cannot fail.
        self.led.borrow_mut().is_set_high().unwrap_or_default()
    }

    fn switch_led(&self, on: bool) {
        let _ = self.led.borrow_mut().set_state(on.into());
    }

    fn uptime(&self) -> Duration {
        Duration::from_micros(self.device.platform().now().as_micros())
    }

    fn count_page(&self) -> u32 {
        self.pages.set(self.pages.get().wrapping_add(1));
        self.pages.get()
    }

    fn rows(&self, w: &mut ResponseWriter<'_>) -> Result<(), http::Error> {
        match self.signal() {
            Some(signal) => page::row(w, "signal", format_args!("{signal} dBm")),
            None => Ok(()),
        }
    }
}

/// The page waits no longer for the signal.
const SIGNAL_TIME: Duration = Duration::from_millis(50);
