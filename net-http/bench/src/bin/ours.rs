//! This server on this PC's sockets, in one thread.

use net_http::{self as http, Limits, Request, ResponseWriter, Server, Stop};
use net_http_bench::{Count, FILE, HELLO, announce};
use netdev_host::HostDevice;

fn main() {
    let device: &'static HostDevice = Box::leak(Box::new(HostDevice::new().expect("a device")));
    let listener = net::listen_on(device, "tcp", "127.0.0.1:0").expect("a listener");
    announce(listener.addr().expect("an address"));
    let (count, stop) = (Count::from_arguments(), Stop::new());
    let hello = |w: &mut ResponseWriter<'_>, _: &mut Request<'_>| {
        if count.is_last() {
            stop.request();
        }
        w.header().set("Content-Type", "text/plain");
        w.write(HELLO).map(drop)
    };
    let file = |w: &mut ResponseWriter<'_>, _: &mut Request<'_>| {
        if count.is_last() {
            stop.request();
        }
        w.header().set("Content-Type", "text/plain");
        w.write_static(&FILE).map(drop)
    };
    let mut mux = http::ServeMux::<2>::new();
    mux.handle("/hello", &hello).expect("a route");
    mux.handle("/file", &file).expect("a route");
    let mut server = Box::new(Server::<_, 128, 2048, { 12 * 1024 }>::new(listener, &mux));
    *server = server.limits(Limits::new()).stop_with(&stop);
    server.serve().expect("the listener lasts");
}
