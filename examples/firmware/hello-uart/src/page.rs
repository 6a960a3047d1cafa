//! The page.

use net::TcpListener;
use net_http::{self as http, Request, ResponseWriter};

/// One visitor, 1 KiB for its request, 1 KiB for the answer.
type Server<'a> = http::Server<'a, TcpListener, 1, 1024, 1024>;

/// Where it listens.
const ADDR: &str = if cfg!(feature = "measured") { ":0" } else { ":80" };

/// Serves one visitor after another; ends when listening fails.
pub(crate) fn serve() -> Result<(), http::Error> {
    let mut mux = http::ServeMux::<1>::new();
    mux.handle("GET /{$}", &hello)?;
    let listener = net::listen("tcp", ADDR)?;
    #[cfg(feature = "measured")]
    let addr = listener.addr().and_then(|addr| addr.socket_addr());
    #[cfg(feature = "measured")]
    crate::verdict::listening(addr.map_or(0, |addr| addr.port()));
    Server::new(listener, &mux).serve()
}

fn hello(w: &mut ResponseWriter<'_>, _: &mut Request<'_>) -> Result<(), http::Error> {
    w.header().set("Content-Type", "text/plain; charset=utf-8");
    w.write(b"Hello World\n").map(drop)
}
