//! Connections, threads and folders of the application's own.
#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that panics has failed, helpers included"
)]

use std::sync::Mutex;

use net::{Connection, Dialer, TcpConn};
use net_http::{self as http, OneConn, Request, ResponseWriter, Server};
use netdev_sim::{Internet, SimDevice, VirtualClock};

type Handled = Result<(), http::Error>;

fn hello(w: &mut ResponseWriter<'_>, r: &mut Request<'_>) -> Handled {
    if r.path() == "/away" {
        let mut conn = w.hijack()?;
        conn.write(b"yours now\n")?;
        conn.detach();
        return Ok(());
    }
    w.write(b"hello").map(drop)
}

/// Two devices on one network, and a connection between them: the server's end, and the client's.
fn pair() -> (TcpConn, TcpConn) {
    let internet = Internet::new(&VirtualClock::new());
    let server = SimDevice::on(&internet, [10, 0, 0, 1].into()).leak();
    let client = SimDevice::on(&internet, [10, 0, 0, 2].into()).leak();
    let listener = net::listen_on(server, "tcp", "10.0.0.1:80").unwrap();
    let Connection::Tcp(theirs) = Dialer::on(client).dial("tcp", "10.0.0.1:80").unwrap() else {
        panic!("not TCP");
    };
    (listener.accept().unwrap(), theirs)
}

fn read(conn: &TcpConn) -> String {
    let mut buf = [0; 2048];
    let mut text = String::new();
    while let count @ 1.. = conn.read(&mut buf).unwrap() {
        text.push_str(core::str::from_utf8(&buf[..count]).unwrap());
    }
    text
}

#[test]
fn one_connection_is_served_until_it_ends() {
    let (ours, theirs) = pair();
    theirs.write(&b"GET / HTTP/1.1\r\nHost: h\r\n\r\n".repeat(3)).unwrap();
    theirs.write(b"GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n").unwrap();
    assert_eq!(http::serve_conn(ours, &hello), Ok(()));
    assert_eq!(read(&theirs).matches("hello").count(), 4);
}

#[test]
fn a_connection_that_says_nothing_ends_in_time() {
    let (ours, theirs) = pair();
    assert_eq!(http::serve_conn(ours, &hello), Ok(()));
    assert_eq!(read(&theirs), "");
}

#[test]
fn a_detached_connection_goes_to_its_heir_with_what_came_behind() {
    let (ours, theirs) = pair();
    theirs.write(b"GET /away HTTP/1.1\r\nHost: h\r\n\r\nmore").unwrap();
    let heirs = Mutex::new(Vec::new());
    let heir = |conn: TcpConn, rest: &[u8]| heirs.lock().unwrap().push((conn, rest.to_vec()));
    let mut server = Server::<_, 1, 512>::new(OneConn::new(ours), &hello).hand_over(&heir);
    assert_eq!(server.serve_conn(), Ok(()));
    drop(server);
    let (conn, rest) = heirs.into_inner().unwrap().pop().unwrap();
    assert_eq!(rest, b"more");
    conn.write(b"and mine").unwrap();
    drop(conn);
    assert_eq!(read(&theirs), "yours now\nand mine");
}

#[cfg(feature = "std")]
mod with_std {
    use super::*;
    use core::sync::atomic::{AtomicUsize, Ordering};
    use core::time::Duration;
    use net_http::{Client, Limits, Stop};
    use netdev_host::HostDevice;

    #[test]
    fn several_threads_serve_side_by_side() {
        let device: &'static HostDevice = Box::leak(Box::new(HostDevice::new().unwrap()));
        let listener = net::listen_on(device, "tcp", "127.0.0.1:0").unwrap();
        let url = format!("http://{}/", listener.addr().unwrap());
        let (stop, inside, most) = (Stop::new(), AtomicUsize::new(0), AtomicUsize::new(0));
        let slow = |w: &mut ResponseWriter<'_>, _: &mut Request<'_>| {
            let now = inside.fetch_add(1, Ordering::SeqCst) + 1;
            most.fetch_max(now, Ordering::SeqCst);
            std::thread::sleep(Duration::from_millis(30));
            inside.fetch_sub(1, Ordering::SeqCst);
            w.write(b"slow").map(drop)
        };
        std::thread::scope(|scope| {
            let limits = Limits::new();
            let (slow, stop_here) = (&slow, &stop);
            let serving = scope.spawn(move || {
                http::serve_on_threads::<_, 8, 1024>(4, listener, slow, limits, stop_here)
            });
            let clients: Vec<_> = (0..8)
                .map(|_| {
                    scope.spawn(|| {
                        for _ in 0..5 {
                            let mut answer = Client::on(device).get(&url).unwrap();
                            assert_eq!(answer.read_to_end(&mut [0; 16]), Ok(&b"slow"[..]));
                        }
                    })
                })
                .collect();
            clients.into_iter().for_each(|client| client.join().unwrap());
            stop.request();
            assert_eq!(serving.join().unwrap(), Ok(()));
        });
        assert!(most.load(Ordering::SeqCst) > 1, "one at a time");
    }

    /// A folder that is gone afterwards.
    struct Folder(std::path::PathBuf);

    impl Folder {
        fn new() -> Self {
            let path = std::env::temp_dir().join(format!("net-http-{}", std::process::id()));
            std::fs::create_dir_all(path.join("root/sub")).unwrap();
            std::fs::write(path.join("secret.txt"), "secret").unwrap();
            std::fs::write(path.join("root/index.html"), "<p>index</p>").unwrap();
            let long: String = ('a'..='z').cycle().take(100_000).collect();
            std::fs::write(path.join("root/sub/long.txt"), long).unwrap();
            #[cfg(unix)]
            {
                let link = path.join("root/link.txt");
                let _ = std::os::unix::fs::symlink("../secret.txt", link);
            }
            Self(path)
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    /// What the file server answers to one request over HTTP/1.0.
    fn ask(files: &dyn http::Handler, target: &str, fields: &str) -> (String, String) {
        let device: &'static HostDevice = Box::leak(Box::new(HostDevice::new().unwrap()));
        let listener = net::listen_on(device, "tcp", "127.0.0.1:0").unwrap();
        let addr = listener.addr().unwrap().to_string();
        let Connection::Tcp(theirs) = Dialer::on(device).dial("tcp", &addr).unwrap() else {
            panic!("not TCP");
        };
        let ours = listener.accept().unwrap();
        theirs.write(format!("GET {target} HTTP/1.0\r\n{fields}\r\n").as_bytes()).unwrap();
        let reading = std::thread::spawn(move || read(&theirs));
        http::serve_conn(ours, &|w: &mut ResponseWriter<'_>, r: &mut Request<'_>| {
            files.serve(w, r)
        })
        .unwrap();
        let text = reading.join().unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        (head.to_owned(), body.to_owned())
    }

    #[test]
    fn a_folder_is_served_and_nothing_outside_it() {
        let folder = Folder::new();
        let files = http::FileServer::new(http::Dir::new(folder.0.join("root")));
        let (head, body) = ask(&files, "/", "");
        assert!(head.contains("\r\nLast-Modified: ") && body == "<p>index</p>", "{head}");
        let (head, body) = ask(&files, "/sub/long.txt", "");
        assert!(head.contains("\r\nContent-Length: 100000"), "{head}");
        assert!(body.len() == 100_000 && body.ends_with(&('a'..='d').collect::<String>()));
        let (head, body) = ask(&files, "/sub/long.txt", "Range: bytes=99998-\r\n");
        assert!(head.starts_with("HTTP/1.0 206") && body == "cd", "{head} {body}");
        for target in [
            "/../secret.txt",
            "/%2e%2e/secret.txt",
            "/sub/..%2f..%2fsecret.txt",
            "/link.txt",
            "/sub/",
            "/..%5csecret.txt",
            "//secret.txt",
            "/C:%5cwindows",
        ] {
            let (head, body) = ask(&files, target, "");
            assert!(head.starts_with("HTTP/1.0 404") && !body.contains("secret"), "{target}");
        }
    }
}
