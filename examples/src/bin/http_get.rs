//! Fetches a URL and prints what comes.

use core::time::Duration;
use std::io::{self, Write};
use std::process::ExitCode;

use clap::Parser;
use examples::options::Common;
use examples::{Failure, device, finish, say};
use net_http as http;

/// HTTP client: fetches a URL and prints what comes
#[derive(Parser)]
struct Options {
    /// What to fetch, http only
    #[arg(value_name = "URL")]
    url: String,
    /// Print the head of the answer, too
    #[arg(short, long)]
    include: bool,
    #[command(flatten)]
    common: Common,
}

fn main() -> ExitCode {
    finish("http_get", run(&Options::parse()))
}

fn run(options: &Options) -> Result<(), Failure> {
    device::open(&options.common)?;
    let url = &options.url;
    let status = get(options).map_err(|error| match error {
        http::Error::BadUrl | http::Error::UnsupportedScheme => {
            Failure::usage(format_args!("{url}: {error}"))
        }
        error => Failure::new(format_args!("{url}: {error}")),
    })?;
    log::info!("{url}: {status}");
    if status.code() < 400 { Ok(()) } else { Err(Failure::new(format_args!("{url}: {status}"))) }
}

fn get(options: &Options) -> Result<http::Status, http::Error> {
    // Public servers send large heads; 2 KiB would do on a board that asks its own.
    let client = http::Client::new().head_size::<16_384>().timeout(Duration::from_secs(30));
    let mut answer = client.get(&options.url)?;
    if options.include {
        let _ = head(&answer);
    }
    let mut out = io::stdout().lock();
    let mut buf = [0; 2048];
    loop {
        let count = answer.read(&mut buf)?;
        let data = buf.get(..count).unwrap_or(&buf);
        // Whoever reads stdout may have had enough.
        if count == 0 || out.write_all(data).and_then(|()| out.flush()).is_err() {
            return Ok(answer.status());
        }
    }
}

fn head<const N: usize>(answer: &http::Response<N>) -> Result<(), Failure> {
    let http::Version { major, minor } = answer.version();
    say(format_args!("HTTP/{major}.{minor} {}", answer.status()))?;
    for (name, value) in answer.fields() {
        say(format_args!("{name}: {}", String::from_utf8_lossy(value)))?;
    }
    say("")
}
