//! Sends back what it gets, to many clients at once, from one loop without threads.

use std::process::ExitCode;

use clap::Parser;
use examples::options::{Common, Port};
use examples::{Failure, announce, device, finish};
use net::netdev::{self, Stopped};
use net::{DeviceError, TcpConn, TcpListener};

/// TCP echo server: sends back what it gets, to many clients at once
#[derive(Parser)]
struct Options {
    #[command(flatten)]
    port: Port,
    #[command(flatten)]
    common: Common,
}

fn main() -> ExitCode {
    finish("tcpecho", run(&Options::parse()))
}

fn run(options: &Options) -> Result<(), Failure> {
    let device = device::open(&options.common)?;
    let listener = net::listen("tcp", &device.listen_addr(options.port.port)?)?;
    announce(listener.addr().ok_or_else(|| Failure::new("the listener has no address"))?)?;
    let mut clients = Vec::new();
    loop {
        // Naps until something was done; the device is driven meanwhile.
        netdev::wait(
            device.netdev,
            || None,
            || match turn(&listener, &mut clients) {
                Ok(true) => Ok(()),
                Ok(false) => Err(nb::Error::WouldBlock),
                Err(error) => Err(nb::Error::Other(error)),
            },
        )
        .map_err(|stopped| match stopped {
            Stopped::Failed(error) => Failure::new(error),
            Stopped::Deadline => Failure::new("a deadline that nobody set has passed"),
        })?;
    }
}

/// One round over everybody: takes who is waiting, moves what can be moved. `false` if there was
/// nothing to do.
fn turn(listener: &TcpListener, clients: &mut Vec<Client>) -> Result<bool, DeviceError> {
    let mut busy = false;
    match listener.try_accept() {
        Ok(conn) => {
            busy = true;
            clients.push(Client::new(conn));
        }
        Err(nb::Error::WouldBlock) => {}
        // The connection still waits; it gets in when somebody has gone.
        Err(nb::Error::Other(error)) if error.cause() == DeviceError::NoSockets.into() => {}
        Err(nb::Error::Other(error)) => log::warn!("{error}"),
    }
    clients.retain_mut(|client| match client.step() {
        Ok(moved) => {
            busy |= moved;
            true
        }
        Err(Gone) => false,
    });
    Ok(busy)
}

/// A client and what it has not got back yet.
struct Client {
    conn: TcpConn,
    buf: [u8; 1024],
    /// What is still to be sent: from here to there.
    from: usize,
    to: usize,
}

struct Gone;

impl Client {
    fn new(conn: TcpConn) -> Self {
        log::info!("{} came", name(&conn));
        Self { conn, buf: [0; 1024], from: 0, to: 0 }
    }

    /// Moves some bytes; `false` if none can be moved now.
    fn step(&mut self) -> Result<bool, Gone> {
        let moved = match self.buf.get(self.from..self.to) {
            Some(rest) if !rest.is_empty() => self.conn.try_write(rest).map(|sent| {
                self.from += sent;
            }),
            _ => self.conn.try_read(&mut self.buf).map(|got| {
                (self.from, self.to) = (0, got);
            }),
        };
        match moved {
            Ok(()) if self.to == 0 => {
                log::info!("{} left", name(&self.conn));
                Err(Gone)
            }
            Ok(()) => Ok(true),
            Err(nb::Error::WouldBlock) => Ok(false),
            Err(nb::Error::Other(error)) => {
                log::info!("{error}");
                Err(Gone)
            }
        }
    }
}

fn name(conn: &TcpConn) -> String {
    conn.remote_addr().map_or_else(|| "a client".to_owned(), |addr| addr.to_string())
}
