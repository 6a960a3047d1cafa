//! What connections do, step by step, on the PC's own sockets.

use core::time::Duration;
use std::thread;

use net::{
    Buffers, Cause, Connection, Dialer, Error, Instant, Netdev, TcpConn, TcpListener, UdpConn,
};
use netdev_host::HostDevice;
use serde_json::{Value, json};

use crate::harness::{run, text};
use crate::pipes;

#[test]
fn connections_do_what_was_recorded() {
    let device: &'static dyn Netdev = Box::leak(Box::new(HostDevice::new().unwrap()));
    run("net_semantics", &[], |input, wanted| {
        let script = text(input, "script");
        let seen = perform(device, script).ok_or(format!("this test does not know {script}"))?;
        if wanted["obs"] == Value::Array(seen.clone()) {
            return Ok(());
        }
        Err(format!("observed {}", Value::Array(seen)))
    });
}

fn perform(device: &'static dyn Netdev, script: &str) -> Option<Vec<Value>> {
    Some(match script {
        "tcp_read_after_peer_close" => read_after_peer_close(device),
        "tcp_half_close" => half_close(device),
        "tcp_read_zero_length" => read_zero_length(device),
        "tcp_read_deadline" => read_deadline(device),
        "tcp_write_deadline_past" => write_deadline_past(device),
        "tcp_write_deadline_partial" => write_deadline_partial(device),
        "tcp_set_deadline_both" => set_deadline_both(device),
        "tcp_close_unblocks_read" => close_unblocks_read(device),
        "tcp_close_unblocks_write" => close_unblocks_write(device),
        "listener_backlog_before_accept" => backlog_before_accept(device),
        "listen_port_zero" => listen_port_zero(device),
        "listen_address_in_use" => address_in_use(device),
        "dial_unspecified_host" => unspecified_host(device),
        "tcp_write_to_reset_peer" => write_to_reset_peer(device),
        "tcp_concurrent_writers" => concurrent_writers(device),
        "udp_connected" => udp_connected(device),
        "udp_close_unblocks_read" => udp_close_unblocks_read(device),
        "buffers_write_to" => buffers_write_to(device),
        "pipe_close" => pipes::close(device),
        "pipe_zero_length" => pipes::zero_length(device),
        _ => return None,
    })
}

/// What a call returned, told as the recording tells it.
pub(crate) fn step(name: &str, outcome: Result<usize, Error>) -> Value {
    match outcome {
        Ok(n) => json!({"err": null, "n": n, "step": name}),
        Err(error) => json!({"err": told(error), "n": 0, "step": name}),
    }
}

/// A read of a stream, where 0 is the end.
pub(crate) fn read_step(name: &str, outcome: Result<usize, Error>) -> Value {
    match outcome {
        Ok(0) => json!({"err": {"eof": true, "text": "EOF"}, "n": 0, "step": name}),
        outcome => step(name, outcome),
    }
}

fn value(name: &str, value: impl Into<Value>) -> Value {
    json!({"step": name, "value": value.into()})
}

fn told(error: Error) -> Value {
    if error.cause == Cause::ClosedPipe {
        return json!({"closed_pipe": true, "text": error.to_string()});
    }
    let network = error.network.map_or("", net::Network::name);
    let inner = inner(&error);
    let mut told = json!({
        "inner": inner, "net": network, "op": error.op.name(), "timeout": error.timeout(),
    });
    if error.is_closed() {
        told["closed"] = true.into();
    }
    if error.cause == Cause::DeadlineExceeded {
        told["deadline_exceeded"] = true.into();
    }
    told
}

/// The text of the cause, with the socket call before it: what stands behind the addresses.
fn inner(error: &Error) -> String {
    let bare = Error { network: None, source: None, addr: None, ..*error };
    bare.to_string().strip_prefix(&format!("{}: ", error.op.name())).unwrap_or_default().to_owned()
}

fn within(device: &dyn Netdev, millis: u64) -> Option<Instant> {
    Some(device.platform().now() + Duration::from_millis(millis))
}

const PAST: Option<Instant> = Some(Instant::START);

fn listener(device: &'static dyn Netdev) -> (TcpListener, String) {
    let listener = net::listen_on(device, "tcp4", "127.0.0.1:0").unwrap();
    listener.set_deadline(within(device, 20_000)).unwrap();
    let addr = listener.addr().unwrap().to_string();
    (listener, addr)
}

/// Both ends of a connection, dialled by its name as it was when Go was recorded.
fn pair(device: &'static dyn Netdev) -> (TcpConn, TcpConn) {
    let (listener, addr) = listener(device);
    let Ok(Connection::Tcp(ours)) = net::dial_on(device, "tcp4", &addr) else { panic!("no TCP") };
    let peers = listener.accept().unwrap();
    for conn in [&ours, &peers] {
        conn.set_deadline(within(device, 20_000)).unwrap();
    }
    (ours, peers)
}

fn write(conn: &TcpConn, data: &[u8]) -> Result<usize, Error> {
    Ok(conn.write(data)?)
}

fn read_full(conn: &TcpConn, count: usize) -> Result<usize, Error> {
    let mut buf = vec![0; count];
    let mut have = 0;
    while have < count {
        match conn.read(&mut buf[have..])? {
            0 => break,
            more => have += more,
        }
    }
    Ok(have)
}

fn read_all(conn: &TcpConn) -> Result<Vec<u8>, Error> {
    let (mut all, mut buf) = (Vec::new(), [0; 2048]);
    loop {
        match conn.read(&mut buf)? {
            0 => return Ok(all),
            count => all.extend(&buf[..count]),
        }
    }
}

fn read_after_peer_close(device: &'static dyn Netdev) -> Vec<Value> {
    let (ours, peers) = pair(device);
    write(&peers, b"hello").unwrap();
    peers.close().unwrap();
    vec![
        step("read full 5", read_full(&ours, 5)),
        read_step("read", ours.read(&mut [0; 8])),
        read_step("read again", ours.read(&mut [0; 8])),
    ]
}

fn half_close(device: &'static dyn Netdev) -> Vec<Value> {
    let (ours, peers) = pair(device);
    write(&ours, b"ask").unwrap();
    let closed = ours.close_write().map(|()| 0);
    let asked = read_all(&peers).map(|all| all.len());
    let answered = write(&peers, b"answer");
    peers.close().unwrap();
    vec![
        step("close write", closed),
        step("peer read all", asked),
        step("peer write", answered),
        step("client read all", read_all(&ours).map(|all| all.len())),
        json!({"fails": ours.write(b"x").is_err(), "step": "client write after CloseWrite"}),
    ]
}

fn read_zero_length(device: &'static dyn Netdev) -> Vec<Value> {
    let (ours, peers) = pair(device);
    let nothing = step("read len 0, no data", ours.read(&mut []));
    write(&peers, b"x").unwrap();
    let waiting = step("read len 0, data waiting", ours.read(&mut []));
    read_full(&ours, 1).unwrap();
    peers.close().unwrap();
    vec![
        nothing,
        waiting,
        step("read len 0, after peer closed", ours.read(&mut [])),
        read_step("read", ours.read(&mut [0; 8])),
    ]
}

fn read_deadline(device: &'static dyn Netdev) -> Vec<Value> {
    let (ours, peers) = pair(device);
    ours.set_read_deadline(within(device, 30)).unwrap();
    let first = read_step("read", ours.read(&mut [0; 8]));
    let second = read_step("read again, deadline still past", ours.read(&mut [0; 8]));
    let written = step("write is not touched by the read deadline", write(&ours, b"x"));
    ours.set_read_deadline(within(device, 20_000)).unwrap();
    write(&peers, b"ok").unwrap();
    vec![first, second, written, step("read after reset", read_full(&ours, 2))]
}

fn write_deadline_past(device: &'static dyn Netdev) -> Vec<Value> {
    let (ours, _peers) = pair(device);
    ours.set_write_deadline(PAST).unwrap();
    let late = step("write", write(&ours, b"x"));
    ours.set_write_deadline(None).unwrap();
    vec![late, step("write after reset", write(&ours, b"x"))]
}

fn write_deadline_partial(device: &'static dyn Netdev) -> Vec<Value> {
    let (ours, _peers) = pair(device);
    let much = vec![0; 64 << 20];
    ours.set_write_deadline(within(device, 100)).unwrap();
    let error = ours.write(&much).unwrap_err();
    let partial = error.written > 0 && error.written < much.len();
    vec![value("partial", partial), value("timeout", error.timeout())]
}

fn set_deadline_both(device: &'static dyn Netdev) -> Vec<Value> {
    let (ours, _peers) = pair(device);
    ours.set_deadline(PAST).unwrap();
    let read = read_step("read", ours.read(&mut [0; 8]));
    let written = step("write", write(&ours, b"x"));
    ours.set_deadline(None).unwrap();
    vec![read, written, step("write after reset", write(&ours, b"x"))]
}

fn close_unblocks_read(device: &'static dyn Netdev) -> Vec<Value> {
    let (ours, _peers) = pair(device);
    thread::scope(|scope| {
        let reader = scope.spawn(|| ours.read(&mut [0; 8]));
        scope.spawn(|| ours.close().unwrap());
        vec![step("blocked read", reader.join().unwrap())]
    })
}

fn close_unblocks_write(device: &'static dyn Netdev) -> Vec<Value> {
    let (ours, _peers) = pair(device);
    let much = vec![0; 64 << 20];
    thread::scope(|scope| {
        let writer = scope.spawn(|| write(&ours, &much));
        scope.spawn(|| ours.close().unwrap());
        vec![step("blocked write", writer.join().unwrap())]
    })
}

fn backlog_before_accept(device: &'static dyn Netdev) -> Vec<Value> {
    let (listener, addr) = listener(device);
    let client = net::dial_on(device, "tcp4", &addr).unwrap();
    let written = step("write", Ok(client.write(b"early").unwrap()));
    let conn = listener.accept().unwrap();
    vec![
        step("dial", Ok(0)),
        written,
        step("accept", Ok(0)),
        step("read", read_full(&conn, 5)),
        value("accepted.remote equals client.local", conn.remote_addr() == client.local_addr()),
        value("accepted.local equals listener.addr", conn.local_addr() == listener.addr()),
    ]
}

fn listen_port_zero(device: &'static dyn Netdev) -> Vec<Value> {
    let addr = listener(device).0.addr().unwrap();
    let port = addr.socket_addr().unwrap().port();
    vec![value("port is not 0", port != 0), value("network", addr.network())]
}

fn address_in_use(device: &'static dyn Netdev) -> Vec<Value> {
    let (_listener, addr) = listener(device);
    vec![step("second listen", net::listen_on(device, "tcp4", &addr).map(|_| 0))]
}

fn unspecified_host(device: &'static dyn Netdev) -> Vec<Value> {
    let (listener, addr) = listener(device);
    let port = addr.rsplit_once(':').unwrap().1;
    let dialled = ["", "0.0.0.0"].map(|host| {
        let conn = net::dial_on(device, "tcp4", &format!("{host}:{port}"));
        listener.accept().unwrap();
        let remote = conn.as_ref().ok().and_then(Connection::remote_addr);
        let ip = remote.and_then(|addr| addr.socket_addr()).map(|addr| addr.ip());
        let name = format!("dial {host}");
        [
            step(&name, conn.map(|_| 0)),
            value("remote is loopback", ip.is_some_and(|ip| ip.is_loopback())),
        ]
    });
    dialled.concat()
}

fn write_to_reset_peer(device: &'static dyn Netdev) -> Vec<Value> {
    let (ours, peers) = pair(device);
    peers.set_linger(Some(Duration::ZERO)).unwrap();
    peers.close().unwrap();
    vec![
        read_step("read", ours.read(&mut [0; 8])),
        json!({"fails": ours.write(b"x").is_err(), "step": "write"}),
    ]
}

fn concurrent_writers(device: &'static dyn Netdev) -> Vec<Value> {
    let (ours, peers) = pair(device);
    let ours = &ours;
    let all = thread::scope(|scope| {
        let writers = [b'a', b'b'].map(|letter| {
            scope.spawn(move || {
                let mut line = vec![letter; 100];
                line[99] = b'\n';
                (0..200).for_each(|_| assert_eq!(ours.write(&line), Ok(100)));
            })
        });
        let reader = scope.spawn(|| read_all(&peers).unwrap());
        writers.into_iter().for_each(|writer| writer.join().unwrap());
        ours.close_write().unwrap();
        reader.join().unwrap()
    });
    let torn = all.chunks(100).filter(|line| line[..99].iter().any(|byte| *byte != line[0]));
    vec![value("bytes", all.len()), value("torn lines", torn.count())]
}

fn server(device: &'static dyn Netdev) -> (UdpConn, String) {
    let server = net::listen_packet_on(device, "udp4", "127.0.0.1:0").unwrap();
    server.set_deadline(within(device, 20_000)).unwrap();
    let addr = server.local_addr().unwrap().to_string();
    (server, addr)
}

fn udp_connected(device: &'static dyn Netdev) -> Vec<Value> {
    let (server, addr) = server(device);
    let Ok(Connection::Udp(client)) = net::dial_on(device, "udp4", &addr) else { panic!("no UDP") };
    client.set_deadline(within(device, 20_000)).unwrap();
    let mut buf = [0; 64];
    let written = client.write(b"0123456789").map_err(Error::from);
    let (count, from) = server.read_from(&mut buf).unwrap();
    let known = client.local_addr().and_then(|addr| addr.socket_addr()) == Some(from);
    let echoed = server.write_to(&buf[..count], from);
    server.write_to(b"next", from).unwrap();
    vec![
        step("dial", Ok(0)),
        step("write", written),
        step("server read", Ok(count)),
        value("from equals client local", known),
        step("server write", echoed),
        step("read into 4 bytes", client.read(&mut buf[..4])),
        step("read next (the cut rest is gone)", client.read(&mut buf)),
        step("write empty", client.write(b"").map_err(Error::from)),
        step("server read empty", server.read_from(&mut buf).map(|(count, _)| count)),
        step("WriteTo on a connected socket", client.write_to(b"x", from)),
    ]
}

fn udp_close_unblocks_read(device: &'static dyn Netdev) -> Vec<Value> {
    let (server, _) = server(device);
    thread::scope(|scope| {
        let reader = scope.spawn(|| server.read_from(&mut [0; 8]).map(|(count, _)| count));
        scope.spawn(|| server.close().unwrap());
        vec![step("blocked read", reader.join().unwrap())]
    })
}

fn buffers_write_to(device: &'static dyn Netdev) -> Vec<Value> {
    let (listener, addr) = listener(device);
    let ours = Dialer::on(device).dial_tcp(addr.parse().unwrap()).unwrap();
    let peers = listener.accept().unwrap();
    let mut parts: [&[u8]; 4] = [b"ab", b"", b"cd", b"e"];
    let mut buffers = Buffers::new(&mut parts);
    let written = buffers.write_to(&ours).map_err(Error::from);
    let left = buffers.len();
    let read = buffers.read(&mut [0; 8]);
    ours.close().unwrap();
    let out = String::from_utf8(read_all(&peers).unwrap()).unwrap();
    vec![
        step("write to", written),
        value("out", out),
        value("left", left),
        read_step("read", Ok(read)),
    ]
}
