//! Runs the conformance suite on a device; its peers are this PC's own sockets.

use core::net::{IpAddr, Ipv4Addr};
use std::process::ExitCode;

use clap::Parser;
use examples::options::Common;
use examples::{Failure, device, finish, say};
use netdev_host::HostDevice;
use netdev_sim::conformance::{self, Bench};

/// Conformance: tries what every device has to do, one line each
///
/// The device and this PC have to reach each other. Exit code 1 if anything FAILED.
#[derive(Parser)]
struct Options {
    /// This PC's address, as the device sees it
    #[arg(long, value_name = "ADDR", default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    peer: IpAddr,
    /// A name that the device can look up
    #[arg(long, default_value = "localhost")]
    name: String,
    /// Connects in the row of the thousand; fewer for a device that is slow
    #[arg(long, value_name = "COUNT", default_value_t = 1000)]
    connects: u32,
    /// Only the rows whose name contains this
    #[arg(long, value_name = "TEXT")]
    only: Option<String>,
    #[command(flatten)]
    common: Common,
}

fn main() -> ExitCode {
    finish("conformance", run(&Options::parse()))
}

fn run(options: &Options) -> Result<(), Failure> {
    let only = options.only.as_deref().unwrap_or_default();
    if !conformance::BEHAVIOURS.iter().any(|row| row.name.contains(only)) {
        return Err(Failure::usage(format_args!("--only {only}: no row is called that")));
    }
    let device = device::open(&options.common)?.netdev;
    let peer: &'static HostDevice = Box::leak(Box::new(HostDevice::new()?));
    let deadline = device.platform().now() + ADDRESS_TIME;
    let own = netdev::wait(device, || Some(deadline), || device.addr())?.addr;
    let bench = Bench::new(device, own, peer, options.peer)
        .with_name(&options.name, None)
        .with_connects(options.connects);
    let mut told = Ok(());
    let summary =
        conformance::run_some(&bench, |name| name.contains(only), &mut |name, outcome| {
            if told.is_ok() {
                told = say(format_args!("{name}: {outcome}"));
            }
        });
    told?;
    say(summary)?;
    match summary.failed {
        0 => Ok(()),
        count => Err(Failure::new(format_args!("{count} rows FAILED"))),
    }
}

/// How long a device that has joined may take to tell its address.
const ADDRESS_TIME: core::time::Duration = core::time::Duration::from_secs(5);
