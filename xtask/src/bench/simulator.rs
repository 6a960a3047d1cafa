//! A simulated chip as a program of its own, for images that run in QEMU.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use crate::workspace::Workspace;
use crate::{Outcome, process};

/// A simulator that runs, and ends with this.
pub(crate) struct Simulator {
    child: Child,
    addr: String,
}

impl Simulator {
    /// Builds the simulator of that name and starts it on a port of the system's choice.
    pub(crate) fn start(workspace: &Workspace, package: &str) -> Outcome<Self> {
        let mut cargo = process::cargo();
        cargo.current_dir(&workspace.root);
        process::run(cargo.args(["build", "--quiet", "--package", package]))?;
        let mut command = Command::new(workspace.target.join("debug").join(package));
        command.args(["--listen", "127.0.0.1:0"]).stdout(Stdio::piped()).stderr(Stdio::null());
        let child = command.spawn().map_err(|error| format!("cannot start {package}: {error}"))?;
        let mut simulator = Self { child, addr: String::new() };
        let mut line = String::new();
        if let Some(stdout) = simulator.child.stdout.take() {
            BufReader::new(stdout).read_line(&mut line).map_err(|error| error.to_string())?;
        }
        let addr = line.trim_end().strip_prefix("LISTEN ");
        simulator.addr = addr.ok_or_else(|| format!("{package} said {line:?}"))?.to_owned();
        Ok(simulator)
    }

    /// Where its line is.
    pub(crate) fn addr(&self) -> &str {
        &self.addr
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        process::end(&mut self.child);
    }
}
