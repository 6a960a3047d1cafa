//! The RTL8720DN driver: a simulated chip, one behind a tunnel, one at a serial port.

use net::Netdev;
use netdev::StdPlatform;
use netdev_uart::UartLink;
use rtl8720dn::{Rtl8720dn, State};
use rtl8720dn_sim::{Chip, Config, Persona};

use super::Device;
use super::uart::{self, Line};
use super::url::Url;
use crate::Failure;
use crate::options::Common;

pub(super) fn open(mut url: Url<'_>, options: &Common) -> Result<Device, Failure> {
    let netdev = match uart::line(&mut url, options, Persona::SEEED_2_1_3.baud)? {
        Line::Simulated(persona) => return simulated(&url, persona, options),
        Line::Tunnel(link) => on(link),
        Line::Port(link, _) => on(link),
    };
    Ok(Device { netdev, counters: Box::new(Vec::new) })
}

fn simulated(url: &Url<'_>, persona: Option<&str>, options: &Common) -> Result<Device, Failure> {
    let persona = match persona {
        None => &Persona::SEEED_2_1_3,
        Some(wanted) => Persona::by_name(wanted).ok_or_else(|| {
            url.unknown_firmware(wanted, Persona::ALL.iter().map(|it| it.version))
        })?,
    };
    let mut config = Config::new(persona);
    if options.trace {
        config.trace = Some(Box::new(netdev_sim::on_stderr));
    }
    let chip = Chip::new(config, uart::network());
    let monitor = chip.monitor();
    let bench = uart::bench(chip, StdPlatform::new(), persona.baud, options)?;
    let netdev = on(bench.link(uart::RING));
    let counters = move || {
        let (line, counted) = (bench.counters(), monitor.counters());
        vec![
            ("chip calls", counted.calls),
            ("line bytes", line.written + line.read),
            ("chip resets", line.resets),
            ("offences against the firmware", counted.offences()),
        ]
    };
    Ok(Device { netdev, counters: Box::new(counters) })
}

/// The driver on this line, for as long as the program runs.
fn on(link: impl UartLink + 'static) -> &'static dyn Netdev {
    let state = Box::leak(Box::new(State::<_>::new(link)));
    Box::leak(Box::new(Rtl8720dn::new(state, StdPlatform::new())))
}
