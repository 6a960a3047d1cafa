//! The server that is asked.

use core::net::SocketAddr;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};

use crate::workspace::Workspace;
use crate::{Outcome, process};

/// A server, and what has to be ended with it.
pub(crate) struct Server {
    pub(crate) addr: SocketAddr,
    child: Option<Child>,
}

impl Server {
    /// One that is running already, on this machine.
    pub(crate) fn elsewhere(addr: &str) -> Outcome<Self> {
        let addr: SocketAddr = addr.parse().map_err(|_| format!("{addr} is no address"))?;
        if !addr.ip().is_loopback() {
            return Err(format!("{addr} is not on this machine"));
        }
        Ok(Self { addr, child: None })
    }

    /// Builds and starts the reference server on a device.
    pub(crate) fn start(workspace: &Workspace, device: &str) -> Outcome<Self> {
        let build = ["build", "--quiet", "--package", "examples", "--bin", "go_reference"];
        process::run(process::cargo().args(build).current_dir(&workspace.root))?;
        let program = workspace.target.join("debug/go_reference");
        let port = if device == "host" { 0 } else { free_port()? };
        let mut command = Command::new(program);
        command.args(["--device", device, "--port", &port.to_string()]).stdout(Stdio::piped());
        let mut child = command.spawn().map_err(|error| error.to_string())?;
        let mut line = String::new();
        if let Some(output) = child.stdout.take() {
            let _ = BufReader::new(output).read_line(&mut line);
        }
        let mut server =
            Self { addr: SocketAddr::from(([127, 0, 0, 1], port)), child: Some(child) };
        let told: Option<SocketAddr> =
            line.strip_prefix("LISTEN ").and_then(|addr| addr.trim().parse().ok());
        let told = told.ok_or_else(|| format!("the server did not start: {line:?}"))?;
        // A simulated chip has an address of its own; behind it is this machine's loopback.
        server.addr.set_port(told.port());
        Ok(server)
    }
}

/// A port that nobody has. Somebody may take it before it is used; then the server says so.
fn free_port() -> Outcome<u16> {
    let addr = TcpListener::bind(("127.0.0.1", 0)).and_then(|listener| listener.local_addr());
    addr.map(|addr| addr.port()).map_err(|error| error.to_string())
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            process::end(&mut child);
        }
    }
}
