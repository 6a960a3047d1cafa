//! Server and client over the PC's own sockets.
#![allow(
    clippy::cast_possible_truncation,
    clippy::indexing_slicing,
    clippy::large_stack_arrays,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that panics has failed, helpers included"
)]

use net_http::{self as http, Client, Limits, Request, ResponseWriter, Server, Stop};
use netdev_host::HostDevice;

fn echo(w: &mut ResponseWriter<'_>, r: &mut Request<'_>) -> Result<(), http::Error> {
    let mut body = vec![0; 2 << 20];
    let length = r.read_to_end(&mut body)?.len();
    w.header().set("Content-Type", "application/octet-stream");
    w.write(&body[..length]).map(|_| ())
}

/// Serves on loopback while `work`, which is given the address, runs.
fn serving(work: impl FnOnce(&'static HostDevice, &str)) {
    let device: &'static HostDevice = Box::leak(Box::new(HostDevice::new().unwrap()));
    let listener = net::listen_on(device, "tcp", "127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.addr().unwrap());
    let stop = Stop::new();
    std::thread::scope(|scope| {
        let serving = scope.spawn(|| {
            Server::<_, 8, 1024>::new(listener, &echo)
                .limits(Limits::new())
                .stop_with(&stop)
                .serve()
        });
        work(device, &url);
        stop.request();
        assert_eq!(serving.join().unwrap(), Ok(()));
    });
}

#[test]
fn a_mebibyte_goes_there_and_back() {
    serving(|device, url| {
        let body: Vec<u8> = (0..1_u32 << 20).map(|at| ((at * 7) >> 3).to_le_bytes()[0]).collect();
        let mut answer = Client::on(device).post(url, "text/plain", &body).unwrap();
        let mut back = vec![0; 2 << 20];
        assert!(answer.read_to_end(&mut back).unwrap() == body);
    });
}

#[test]
fn eight_clients_at_once_get_their_own_answers() {
    serving(|device, url| {
        std::thread::scope(|scope| {
            for client in 0..8 {
                scope.spawn(move || {
                    for turn in 0..20 {
                        let body = format!("{client} {turn}");
                        let mut answer =
                            Client::on(device).post(url, "text/plain", body.as_bytes()).unwrap();
                        assert_eq!(answer.read_to_end(&mut [0; 64]), Ok(body.as_bytes()));
                    }
                });
            }
        });
    });
}

#[test]
fn clients_that_go_at_any_stage_leave_no_socket_behind() {
    use std::io::{Read, Write};
    use std::net::TcpStream;

    let requests = b"GET / HTTP/1.1\r\nHost: h\r\n\r\nPOST / HTTP/1.1\r\nHost: h\r\n\
        Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n";
    serving(|device, url| {
        let addr = url.trim_start_matches("http://").trim_end_matches('/');
        let before = device.stats().open;
        for turn in 0..2000 {
            let mut conn = TcpStream::connect(addr).unwrap();
            conn.write_all(&requests[..turn % (requests.len() + 1)]).unwrap();
            if turn % 3 == 0 {
                // Goes while its answer is on the way, or waits for a part of it.
                let _ = conn.set_read_timeout(Some(core::time::Duration::from_millis(1)));
                let _ = conn.read(&mut [0; 16]);
            }
        }
        let begun = std::time::Instant::now();
        while device.stats().open > before && begun.elapsed().as_secs() < 20 {
            std::thread::sleep(core::time::Duration::from_millis(20));
        }
        assert_eq!(device.stats().open, before);
        let mut answer = Client::on(device).post(url, "text/plain", b"still here").unwrap();
        assert_eq!(answer.read_to_end(&mut [0; 64]), Ok(&b"still here"[..]));
    });
}

#[cfg(feature = "alloc")]
#[test]
fn the_default_mux_serves_what_was_registered() {
    fn root(w: &mut ResponseWriter<'_>, _r: &mut Request<'_>) {
        let _ = w.write(b"root");
    }
    assert_eq!(http::handle_func("/default", root), Ok(()));
    let count = core::sync::atomic::AtomicU32::new(0);
    let counter = move |w: &mut ResponseWriter<'_>, _r: &mut Request<'_>| {
        write!(w, "{}", count.fetch_add(1, core::sync::atomic::Ordering::Relaxed))
    };
    assert_eq!(http::handle_func("GET /default/{count}", counter), Ok(()));
    assert_eq!(http::handle_func("/default", root), Err(http::PatternError::Conflict));

    let device: &'static HostDevice = Box::leak(Box::new(HostDevice::new().unwrap()));
    let listener = net::listen_on(device, "tcp", "127.0.0.1:0").unwrap();
    let url = format!("http://{}/default", listener.addr().unwrap());
    std::thread::spawn(move || http::serve(listener));
    let client = Client::on(device);
    let text = |url: &str| client.get(url).unwrap().read_to_vec(64).unwrap();
    assert_eq!(text(&url), b"root");
    assert_eq!(text(&format!("{url}/x")), b"0");
    assert_eq!(text(&format!("{url}/y")), b"1");
}
