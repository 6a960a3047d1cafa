//! The routes that `cargo xtask probe` asks for: a server to be compared with Go's, byte for byte.

#[path = "go_reference/bodies.rs"]
mod bodies;
#[path = "go_reference/echoes.rs"]
mod echoes;
#[path = "go_reference/helpers.rs"]
mod helpers;
#[path = "go_reference/plain.rs"]
mod plain;

use core::time::Duration;
use std::process::ExitCode;

use clap::Parser;
use examples::options::{Common, Port};
use examples::{Failure, announce, device, finish};
use net_http::{self as http, Limits, Request, ResponseWriter, Server, Stop};

/// Reference server: the routes that are compared with those of Go's net/http
#[derive(Parser)]
struct Options {
    #[command(flatten)]
    port: Port,
    #[command(flatten)]
    common: Common,
}

/// What handlers here return.
type Handled = Result<(), http::Error>;

fn main() -> ExitCode {
    finish("go_reference", run(&Options::parse()))
}

fn run(options: &Options) -> Result<(), Failure> {
    let device = device::open(&options.common)?;
    let listener = net::listen("tcp", &device.listen_addr(options.port.port)?)?;
    let mux = routes()?;
    announce(listener.addr().ok_or_else(|| Failure::new("the listener has no address"))?)?;
    // A chip has few sockets, which one server shares out best; this PC has threads.
    if device.netdev.capabilities().sockets > 0 {
        Server::<_, CONNS, HEAD>::new(listener, &mux).limits(limits()).serve()?;
    } else {
        let stop = Stop::new();
        http::serve_on_threads::<_, CONNS, HEAD>(THREADS, listener, &mux, limits(), &stop)?;
    }
    Ok(())
}

/// As the recorded server was set up: a second for a head, ten between requests.
fn limits() -> Limits {
    let mut limits = Limits::new();
    limits.head_time = Duration::from_secs(1);
    limits.idle_time = Duration::from_secs(10);
    limits
}

const CONNS: usize = 32;
/// Twice 4 KiB: what Go allows when it is told 4 KiB.
const HEAD: usize = 8192;
const THREADS: usize = 8;

fn routes() -> Result<http::GrowingMux<'static>, http::PatternError> {
    let mut mux = http::GrowingMux::new();
    plain::register(&mut mux)?;
    bodies::register(&mut mux)?;
    echoes::register(&mut mux)?;
    helpers::register(&mut mux)?;
    Ok(mux)
}

/// What the tables of routes hold.
type Route = (&'static str, fn(&mut ResponseWriter<'_>, &mut Request<'_>) -> Handled);

/// Registers a table of functions.
fn register(
    mux: &mut http::GrowingMux<'static>,
    routes: &[Route],
) -> Result<(), http::PatternError> {
    routes.iter().try_for_each(|&(pattern, handler)| {
        mux.handle(pattern, move |w: &mut ResponseWriter<'_>, r: &mut Request<'_>| handler(w, r))
    })
}

/// Says that the answer is plain text.
fn plain_text(w: &mut ResponseWriter<'_>) {
    w.header().set("Content-Type", "text/plain; charset=utf-8");
}

/// A number from the query; `default` if there is none between 0 and 10 MiB.
fn number(r: &Request<'_>, name: &str, default: usize) -> usize {
    let sent = r.query().get(name).and_then(|value| value.parse::<usize>());
    sent.filter(|number| *number <= 10 << 20).unwrap_or(default)
}

/// The alphabet over and over.
fn pattern(length: usize) -> Vec<u8> {
    (b'a'..=b'z').cycle().take(length).collect()
}
