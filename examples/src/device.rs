//! Devices by name. The only place in the examples that knows which drivers there are.

mod espat;
mod host;
mod port;
mod rtl8720dn;
mod uart;
mod url;
mod watched;
mod wifinina;

use core::fmt;
use std::fs::File;
use std::path::Path;

use net::Netdev;
use net::link::{ConnectParams, NetlinkExt};

use crate::options::Common;
use crate::{Failure, logging};
use url::Url;

/// A device that is ready for use.
pub struct Device {
    /// The device itself.
    pub netdev: &'static dyn Netdev,
    counters: Box<dyn Fn() -> Vec<(&'static str, u64)> + Send + Sync>,
}

impl Device {
    /// What was counted so far, by name.
    #[must_use]
    pub fn counters(&self) -> Vec<(&'static str, u64)> {
        (self.counters)()
    }

    /// The address for a server: the device's own one, with this port.
    ///
    /// # Errors
    /// If the device has no address.
    pub fn listen_addr(&self, port: u16) -> Result<String, Failure> {
        let deadline = self.netdev.platform().now() + ADDRESS_TIME;
        let config = netdev::wait(self.netdev, || Some(deadline), || self.netdev.addr())?;
        Ok(core::net::SocketAddr::new(config.addr, port).to_string())
    }
}

impl fmt::Debug for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Device").field("counters", &self.counters()).finish_non_exhaustive()
    }
}

/// Makes the device that the options name, joins its network, and registers it as the one behind
/// the free functions of `net`. Devices live as long as the program.
///
/// # Errors
/// A name that leads nowhere, a device that does not work, a network that does not let it in.
pub fn open(options: &Common) -> Result<Device, Failure> {
    logging::start(options.verbose);
    let url = Url::parse(&options.device)?;
    let device = match url.name() {
        "host" => host::open(url, options)?,
        "wifinina" => wifinina::open(url, options)?,
        "espat" => espat::open(url, options)?,
        "rtl8720dn" => rtl8720dn::open(url, options)?,
        "smoltcp" => return Err(url.refuse("no driver for smoltcp yet")),
        _ => {
            let known = "host, wifinina, espat and rtl8720dn";
            return Err(url.refuse(format_args!("unknown device; there are {known}")));
        }
    };
    net::use_device(device.netdev);
    let ssid = options.ssid.as_deref().unwrap_or("test-ap");
    let passphrase = options.passphrase.as_deref().unwrap_or("test-pass");
    device
        .netdev
        .net_connect(&ConnectParams::new(ssid, passphrase))
        .map_err(|error| Failure::new(format_args!("network {ssid:?}: {error}")))?;
    Ok(device)
}

/// Options that look at a bus make no sense where there is none.
fn no_bus_here(options: &Common, why: &str) -> Result<(), Failure> {
    let wanted = [("--trace", options.trace), ("--vcd", options.vcd.is_some())];
    match wanted.into_iter().find(|(_, wanted)| *wanted) {
        Some((option, _)) => {
            Err(Failure::usage(format_args!("{option} looks at a simulated bus, and {why}")))
        }
        None => Ok(()),
    }
}

/// The file of a recording.
fn recording(path: &Path) -> Result<File, Failure> {
    File::create(path)
        .map_err(|error| Failure::new(format_args!("--vcd {}: {error}", path.display())))
}

/// How long a device that has joined may take to tell its address.
const ADDRESS_TIME: core::time::Duration = core::time::Duration::from_secs(5);

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Options {
        #[command(flatten)]
        common: Common,
    }

    fn refusal(url: &str) -> String {
        let options = Options::parse_from(["test", "--device", url]);
        open(&options.common).unwrap_err().to_string()
    }

    #[test]
    fn names_that_lead_nowhere_are_refused_in_one_line_that_says_why() {
        for (url, why) in [
            ("toaster", "unknown device"),
            ("wifinina?persona=9", "2.0.0"),
            ("wifinina?speed=9", "unknown setting"),
            ("wifinina:/dev/spidev0", "leave it out"),
            ("wifinina:tcp://127.0.0.1:1?persona=2.0.0", "chosen there"),
            ("espat?persona=9", "4.1"),
            ("espat:tcp://127.0.0.1:1?persona=4.1", "chosen there"),
            ("espat:/dev/ttyUSB0?baud=fast", "baud is a number"),
            ("espat:/dev/ttyUSB0?persona=4.1", "takes baud"),
            ("espat:/dev/no-such-port", "No such file"),
            ("rtl8720dn?persona=9", "2.1.3"),
            ("host?x=1", "no settings"),
            ("host:tcp://127.0.0.1:1", "leave it out"),
        ] {
            let told = refusal(url);
            assert!(told.contains(why) && told.lines().count() == 1, "{url}: {told}");
        }
    }
}
