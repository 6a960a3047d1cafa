//! Listeners.

use net::{Cause, DeviceError, Op};

use crate::device::{Bench, US};

#[test]
fn port_zero_becomes_the_port_that_the_device_chose() {
    let bench = Bench::new();
    let listener = net::listen_on(bench, "tcp", ":0").unwrap();
    let port = 50_000 + listener.socket().unwrap().slot();
    assert_eq!(listener.addr().unwrap().to_string(), format!("0.0.0.0:{port}"));
    assert_eq!(listener.addr().unwrap().network(), "tcp");
    listener.close().unwrap();
    assert!(listener.addr().is_some(), "stays readable");
    let listener = net::listen_on(bench, "tcp6", ":0").unwrap();
    assert!(listener.addr().unwrap().to_string().starts_with("[::]:"));
}

#[test]
fn an_accepted_connection_knows_both_ends() {
    let bench = Bench::new();
    let listener = net::listen_on(bench, "tcp4", "127.0.0.1:8080").unwrap();
    let peer = "10.0.0.7:1234".parse().unwrap();
    let fd = listener.socket().unwrap();
    bench.at(10, move || bench.edit(fd, |sock| sock.waiting.push_back(Ok(peer))));
    let conn = listener.accept().unwrap();
    assert_eq!(conn.local_addr().and_then(|addr| addr.socket_addr()), Some(US));
    assert_eq!(conn.remote_addr().and_then(|addr| addr.socket_addr()), Some(peer));
    let error = conn.try_read(&mut [0; 1]);
    assert_eq!(error, Err(nb::Error::WouldBlock));
}

#[test]
fn a_device_that_cannot_tell_local_addresses_gives_the_one_listened_on() {
    let bench = Bench::new();
    bench.state().no_local_addr = true;
    let listener = net::listen_on(bench, "tcp", "127.0.0.1:8080").unwrap();
    assert_eq!(listener.addr().unwrap().to_string(), "127.0.0.1:8080");
    let fd = listener.socket().unwrap();
    bench.edit(fd, |sock| sock.waiting.push_back(Ok(US)));
    let conn = listener.try_accept().unwrap();
    assert_eq!(conn.local_addr().unwrap().to_string(), "127.0.0.1:8080");
}

#[test]
fn running_out_of_sockets_is_told_and_the_listener_goes_on() {
    let bench = Bench::new();
    let listener = net::listen_on(bench, "tcp", "127.0.0.1:8080").unwrap();
    let fd = listener.socket().unwrap();
    bench.edit(fd, |sock| sock.waiting.extend([Err(DeviceError::NoSockets), Ok(US)]));
    let error = listener.accept().unwrap_err();
    assert_eq!((error.op, error.cause), (Op::Accept, Cause::Device(DeviceError::NoSockets)));
    assert_eq!(error.to_string(), "accept tcp 127.0.0.1:8080: accept: no more sockets");
    assert!(listener.accept().is_ok());
    assert_eq!(listener.try_accept().map(drop), Err(nb::Error::WouldBlock));
}

#[test]
fn a_failed_listen_closes_its_socket() {
    let bench = Bench::new();
    bench.state().bind = Some(DeviceError::AddrInUse);
    let error = net::listen_on(bench, "tcp4", "127.0.0.1:8080").unwrap_err();
    assert_eq!(error.to_string(), "listen tcp4 127.0.0.1:8080: bind: address already in use");
    assert_eq!(bench.open_sockets(), 0);
    bench.state().bind = None;
    bench.state().listen = Some(DeviceError::Unsupported);
    let error = net::listen_on(bench, "tcp", "127.0.0.1:8080").unwrap_err();
    assert_eq!(error.cause, Cause::Device(DeviceError::Unsupported));
    assert_eq!(bench.open_sockets(), 0);
}

#[test]
fn nothing_at_all_is_every_address_and_any_port() {
    let listener = net::listen_on(Bench::new(), "tcp", "").unwrap();
    let addr = listener.addr().unwrap().socket_addr().unwrap();
    assert!(addr.ip().is_unspecified() && addr.port() != 0, "{addr}");
}

#[test]
fn a_listener_serves_through_the_trait() {
    fn first<L: net::Listener>(listener: &L) -> L::Conn {
        listener.accept().unwrap()
    }
    let bench = Bench::new();
    let listener = net::listen_on(bench, "tcp", ":0").unwrap();
    bench.edit(listener.socket().unwrap(), |sock| sock.waiting.push_back(Ok(US)));
    assert_eq!(first(&listener).write(b"hi"), Ok(2));
}
