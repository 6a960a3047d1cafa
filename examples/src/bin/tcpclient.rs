//! Connects to a server and writes lines to it.

use core::time::Duration;
use std::process::ExitCode;

use clap::Parser;
use examples::options::Common;
use examples::{Failure, device, finish, say};
use net::Netdev;
use net::netdev::{self, Stopped};

/// TCP client: connects, writes lines, tells how fast that was
///
/// Something to write to: `nc -lk 8081`, or the example tcpecho.
#[derive(Parser)]
struct Options {
    /// Server to write to
    #[arg(value_name = "HOST:PORT")]
    addr: String,
    /// Lines to write on each connection
    #[arg(long, default_value_t = 1000)]
    lines: u32,
    /// Connections to make, half a second apart
    #[arg(long, default_value_t = 1)]
    count: u32,
    #[command(flatten)]
    common: Common,
}

fn main() -> ExitCode {
    finish("tcpclient", run(&Options::parse()))
}

fn run(options: &Options) -> Result<(), Failure> {
    let device = device::open(&options.common)?.netdev;
    for round in 0..options.count {
        if round > 0 {
            pause(device, Duration::from_millis(500));
        }
        write_lines(device, options)
            .map_err(|error| Failure::new(format_args!("{}: {error}", options.addr)))?;
    }
    Ok(())
}

fn write_lines(device: &dyn Netdev, options: &Options) -> Result<(), Failure> {
    let conn = net::dial_timeout("tcp", &options.addr, Duration::from_secs(10))?;
    let start = device.platform().now();
    let mut bytes = 0;
    for number in 1..=options.lines {
        // A server that stops reading is given up, not waited for.
        conn.set_write_deadline(Some(device.platform().now() + Duration::from_secs(10)))?;
        let line = format!("{number:6} of {} lines that tell {LETTERS}\n", options.lines);
        bytes += conn.write(line.as_bytes())?;
    }
    conn.close()?;
    let took = device.platform().now().saturating_since(start);
    say(format_args!("{bytes} bytes in {took:?}"))
}

fn pause(device: &dyn Netdev, time: Duration) {
    let end = device.platform().now() + time;
    let never = || Err(nb::Error::WouldBlock);
    // It can only end by its deadline.
    let _: Result<(), Stopped> = netdev::wait(device, || Some(end), never);
}

const LETTERS: &str = "abcdefghijklmnopqrstuvwxyz ABCDEFGHIJKLMNOPQRSTUVWXYZ 0123456789 \
                       nothing else, over and over";
