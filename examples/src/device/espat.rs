//! The ESP-AT driver: a simulated modem, one behind a tunnel, one at a serial port.

use espat::{Espat, State};
use espat_sim::{Config, Modem, Persona};
use net::Netdev;
use netdev::StdPlatform;
use netdev_uart::UartLink;

use super::Device;
use super::uart::{self, Line};
use super::url::Url;
use crate::Failure;
use crate::options::Common;

pub(super) fn open(mut url: Url<'_>, options: &Common) -> Result<Device, Failure> {
    let netdev = match uart::line(&mut url, options, BAUD)? {
        Line::Simulated(persona) => return simulated(&url, persona, options),
        Line::Tunnel(link) => on(link, BAUD),
        Line::Port(link, baud) => on(link, baud),
    };
    Ok(Device { netdev, counters: Box::new(Vec::new) })
}

fn simulated(url: &Url<'_>, persona: Option<&str>, options: &Common) -> Result<Device, Failure> {
    let persona = match persona {
        None => &Persona::V4_1,
        Some(wanted) => Persona::ALL
            .into_iter()
            .find(|it| it.name == wanted || it.version == wanted)
            .ok_or_else(|| url.unknown_firmware(wanted, Persona::ALL.iter().map(|it| it.name)))?,
    };
    let mut config = Config::new(persona);
    if options.trace {
        config.trace = Some(Box::new(netdev_sim::on_stderr));
    }
    let modem = Modem::new(config, uart::network());
    let monitor = modem.monitor();
    let bench = uart::bench(modem, StdPlatform::new(), BAUD, options)?;
    let netdev = on(bench.link(uart::RING), BAUD);
    let counters = move || {
        let (line, counted) = (bench.counters(), monitor.counters());
        vec![
            ("chip commands", counted.commands),
            ("line bytes", line.written + line.read),
            ("chip resets", line.resets),
            ("offences against the firmware", counted.offences()),
        ]
    };
    Ok(Device { netdev, counters: Box::new(counters) })
}

/// The driver on a line of this rate, for as long as the program runs.
fn on(link: impl UartLink + 'static, baud: u32) -> &'static dyn Netdev {
    let state = Box::leak(Box::new(State::<_>::new(link).at_baud(baud)));
    Box::leak(Box::new(Espat::new(state, StdPlatform::new())))
}

/// What the firmware comes with.
const BAUD: u32 = 115_200;
