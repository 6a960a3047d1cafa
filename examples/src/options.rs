//! Options that the programs share.

use std::path::PathBuf;

use clap::Args;

/// Which device, and how much to tell.
#[non_exhaustive]
#[derive(Args, Clone, Debug, Default)]
pub struct Common {
    /// What to run on: host (this PC's sockets), wifinina, espat or rtl8720dn (a simulated chip),
    /// wifinina?persona=1.4.8 (the same with another firmware),
    /// espat:tcp://127.0.0.1:7702 (a chip behind a tunnel, as espat-sim offers one),
    /// espat:/dev/ttyUSB0?baud=115200 (a real module at a serial port)
    #[arg(long, value_name = "URL", default_value = "wifinina")]
    pub device: String,

    /// Network to join; a simulated chip has test-ap around it
    #[arg(long, env = "SSID")]
    pub ssid: Option<String>,

    /// Its passphrase; that of test-ap is test-pass
    #[arg(long, env = "PASS", hide_env_values = true)]
    pub passphrase: Option<String>,

    /// Log what happens to stderr, a line for each request; twice for more
    #[arg(short, long, action = clap::ArgAction::Count)]
    pub verbose: u8,

    /// Show the chip's commands on stderr as they cross the bus; the bytes themselves where a serial
    /// line leads out of this program
    #[arg(long)]
    pub trace: bool,

    /// Record the simulated chip's bus or line for a logic analyser's viewer (GTKWave, PulseView)
    #[arg(long, value_name = "FILE")]
    pub vcd: Option<PathBuf>,
}

/// Where a server listens.
#[non_exhaustive]
#[derive(Args, Clone, Copy, Debug)]
pub struct Port {
    /// Port to listen on; with 0 the system chooses
    #[arg(long, default_value_t = 8080)]
    pub port: u16,
}
