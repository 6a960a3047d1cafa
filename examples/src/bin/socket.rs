//! Raw sockets, straight on the device: what `tcpclient` does, without the `net` crate.

use core::net::SocketAddr;
use core::time::Duration;
use std::process::ExitCode;

use clap::Parser;
use examples::options::Common;
use examples::{Failure, device, finish, say};
use netdev::{AddressFamily, Netdev, Protocol, Remote, SockFd, SockFlags, SockType, Stopped, wait};

/// Raw sockets: connects and writes lines, straight on the device
#[derive(Parser)]
struct Options {
    /// Server to write to; an address, since names are looked up by net
    #[arg(value_name = "IP:PORT")]
    addr: String,
    /// Lines to write
    #[arg(long, default_value_t = 1000)]
    lines: u32,
    #[command(flatten)]
    common: Common,
}

fn main() -> ExitCode {
    finish("socket", run(&Options::parse()))
}

fn run(options: &Options) -> Result<(), Failure> {
    let addr: SocketAddr = options
        .addr
        .parse()
        .map_err(|_| Failure::usage(format_args!("{}: not an IP:PORT", options.addr)))?;
    let device = device::open(&options.common)?.netdev;
    let fd = within(device, || {
        device.socket(AddressFamily::of(&addr), SockType::Stream, Protocol::Tcp)
    })?;
    let written = write_lines(device, fd, addr, options.lines);
    // Whatever happened: nobody else closes it.
    device.close(fd);
    let bytes = written.map_err(|stopped| Failure::new(format_args!("{addr}: {stopped}")))?;
    say(format_args!("{bytes} bytes"))
}

fn write_lines(
    device: &dyn Netdev,
    fd: SockFd,
    addr: SocketAddr,
    lines: u32,
) -> Result<usize, Stopped> {
    within(device, || device.connect(fd, Remote::Addr(addr)))?;
    let mut bytes = 0;
    for number in 1..=lines {
        let line = format!("line {number} of {lines}, written without the net crate\n");
        bytes += send_all(device, fd, line.as_bytes())?;
    }
    Ok(bytes)
}

/// One send takes a part, at least a byte.
fn send_all(device: &dyn Netdev, fd: SockFd, data: &[u8]) -> Result<usize, Stopped> {
    let mut rest = data;
    while !rest.is_empty() {
        let sent = within(device, || device.send(fd, rest, SockFlags::NONE))?;
        rest = rest.get(sent..).unwrap_or_default();
    }
    Ok(data.len())
}

/// Repeats a call until it is done, for at most ten seconds.
fn within<T>(
    device: &dyn Netdev,
    call: impl FnMut() -> nb::Result<T, netdev::Error>,
) -> Result<T, Stopped> {
    let deadline = device.platform().now() + Duration::from_secs(10);
    wait(device, || Some(deadline), call)
}
