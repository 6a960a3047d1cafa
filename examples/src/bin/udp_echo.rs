//! Sends each datagram back to where it came from.

use std::process::ExitCode;

use clap::Parser;
use examples::options::{Common, Port};
use examples::{Failure, announce, device, finish};

/// UDP echo server: sends each datagram back to where it came from
#[derive(Parser)]
struct Options {
    #[command(flatten)]
    port: Port,
    #[command(flatten)]
    common: Common,
}

fn main() -> ExitCode {
    finish("udp_echo", run(&Options::parse()))
}

fn run(options: &Options) -> Result<(), Failure> {
    let device = device::open(&options.common)?;
    let socket = net::listen_packet("udp", &device.listen_addr(options.port.port)?)?;
    announce(socket.local_addr().ok_or_else(|| Failure::new("the socket has no address"))?)?;
    let mut buf = [0; 1500];
    loop {
        // What does not fit is lost, as with any socket; an empty datagram is a datagram.
        let (length, from) = match socket.read_from(&mut buf) {
            Ok(datagram) => datagram,
            Err(error) if error.is_closed() => return Err(error.into()),
            Err(error) => {
                log::warn!("{error}");
                continue;
            }
        };
        let data = buf.get(..length).unwrap_or(&buf);
        match socket.write_to(data, from) {
            Ok(sent) => log::info!("{from}: {sent} bytes"),
            Err(error) => log::warn!("{error}"),
        }
    }
}
