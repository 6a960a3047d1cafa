//! What chips on a serial line have in common.

use netdev::StdPlatform;
use netdev_sim::tunnel::UartClient;
use netdev_sim::{Loopback, UartBench, UartChip, UartVcd};

use super::port::Port;
use super::url::{Place, Url};
use super::watched::Watched;
use super::{no_bus_here, recording};
use crate::Failure;
use crate::options::Common;

/// Where the line goes.
pub(super) enum Line<'u> {
    /// To a simulated chip, with this firmware.
    Simulated(Option<&'u str>),
    /// Out of this program, through a tunnel.
    Tunnel(Watched<UartClient>),
    /// Out of this PC, at this rate.
    Port(Watched<Port>, u32),
}

/// Opens the line that a name tells of; `baud` is the rate of a port unless the name has one.
pub(super) fn line<'u>(
    url: &mut Url<'u>,
    options: &Common,
    baud: u32,
) -> Result<Line<'u>, Failure> {
    match url.place() {
        Place::Inside => {
            let persona = url.setting("persona");
            url.end("a simulated chip takes persona=VERSION")?;
            Ok(Line::Simulated(persona))
        }
        Place::Tunnel(addr) => {
            url.end("the firmware behind a tunnel is chosen there")?;
            no_recording(options)?;
            let client = UartClient::connect(addr).map_err(|error| url.fail(error))?;
            Ok(Line::Tunnel(Watched::new(client, options.trace)))
        }
        Place::Port(path) => {
            let baud = match url.setting("baud") {
                Some(text) => text.parse().ok().filter(|baud| *baud > 0),
                None => Some(baud),
            };
            let baud = baud.ok_or_else(|| url.refuse("baud is a number of bits a second"))?;
            url.end("a serial port takes baud=RATE")?;
            no_recording(options)?;
            let port = Port::open(path, baud).map_err(|error| url.fail(error))?;
            Ok(Line::Port(Watched::new(port, options.trace), baud))
        }
    }
}

/// The line to a simulated chip.
pub(super) fn bench(
    chip: impl UartChip + 'static,
    clock: StdPlatform,
    baud: u32,
    options: &Common,
) -> Result<UartBench, Failure> {
    let bench = UartBench::new(chip, clock, baud);
    if let Some(path) = &options.vcd {
        bench.observe(Box::new(UartVcd::new(recording(path)?)?));
    }
    Ok(bench)
}

/// What a simulated chip has behind it: this PC's network.
pub(super) fn network() -> Box<Loopback> {
    Box::new(Loopback::new().allow_outside())
}

fn no_recording(options: &Common) -> Result<(), Failure> {
    let only_vcd = Common { trace: false, ..options.clone() };
    no_bus_here(&only_vcd, "this chip is somewhere else")
}

/// What the host's end of a simulated line keeps until it is read.
pub(super) const RING: usize = 4096;
