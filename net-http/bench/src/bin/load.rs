//! Asks a server for one page over and over: `load ADDR PATH CONNECTIONS SECONDS`, or with a count and
//! an `x` behind it in place of the seconds, that many requests. Prints how many were answered.

use std::io::{ErrorKind, Read, Write};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};

struct Client {
    stream: TcpStream,
    /// Bytes of the answer that have come, and how many it has, once that is known.
    come: usize,
    length: Option<usize>,
    head: Vec<u8>,
    asking: bool,
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [addr, path, connections, amount] = arguments.as_slice() else {
        panic!("load ADDR PATH CONNECTIONS SECONDS");
    };
    let addr: SocketAddr = addr.parse().expect("an address");
    let connections: usize = connections.parse().expect("a number of connections");
    let (most, seconds) = match amount.strip_suffix('x') {
        Some(count) => (count.parse().expect("a count"), 600.0),
        None => (u64::MAX, amount.parse().expect("seconds")),
    };
    let request = request(path);
    let mut poll = Poll::new().expect("a poll");
    let mut clients: Vec<Client> = (0..connections).map(|at| connect(&poll, addr, at)).collect();
    let (mut events, mut answered) = (Events::with_capacity(256), 0_u64);
    let (start, limit) = (Instant::now(), Duration::from_secs_f64(seconds));
    'asking: while start.elapsed() < limit {
        poll.poll(&mut events, Some(Duration::from_millis(100))).expect("events");
        for event in &events {
            let client = &mut clients[event.token().0];
            loop {
                if !client.asking {
                    if answered >= most || !client.ask(&request) {
                        break;
                    }
                }
                match client.hear() {
                    Some(true) => answered += 1,
                    Some(false) => break,
                    None if answered >= most => break 'asking,
                    None => panic!("the server has closed after {answered} answers"),
                }
                if answered >= most {
                    break 'asking;
                }
            }
        }
    }
    println!("{answered} {:.6}", start.elapsed().as_secs_f64());
}

/// What a browser sends, or with LEAN in the environment as little as can be.
fn request(path: &str) -> Vec<u8> {
    if std::env::var_os("LEAN").is_some() {
        return format!("GET {path} HTTP/1.1\r\nHost: h\r\n\r\n").into_bytes();
    }
    let fields = "Host: 127.0.0.1:8080\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0) \
        Gecko/20100101 Firefox/128.0\r\nAccept: text/html,application/xhtml+xml,application/xml;q=0.9,\
        image/avif,image/webp,*/*;q=0.8\r\nAccept-Language: en-US,en;q=0.5\r\nAccept-Encoding: gzip, \
        deflate, br, zstd\r\nConnection: keep-alive\r\nUpgrade-Insecure-Requests: 1\r\nSec-Fetch-Dest: \
        document\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-Site: none\r\nSec-Fetch-User: ?1\r\nPriority: \
        u=0, i\r\n";
    format!("GET {path} HTTP/1.1\r\n{fields}\r\n").into_bytes()
}

fn connect(poll: &Poll, addr: SocketAddr, at: usize) -> Client {
    let mut stream = TcpStream::connect(addr).expect("a connection");
    let _ = stream.set_nodelay(true);
    let interest = Interest::READABLE | Interest::WRITABLE;
    poll.registry().register(&mut stream, Token(at), interest).expect("to be told");
    Client { stream, come: 0, length: None, head: Vec::new(), asking: false }
}

impl Client {
    /// `false`: not yet connected.
    fn ask(&mut self, request: &[u8]) -> bool {
        match self.stream.write(request) {
            Ok(count) => assert_eq!(count, request.len()),
            Err(error)
                if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::NotConnected) =>
            {
                return false;
            }
            Err(error) => panic!("{error}"),
        }
        (self.asking, self.come) = (true, 0);
        self.head.clear();
        true
    }

    /// `true`: the answer is whole. `None`: the server has closed.
    fn hear(&mut self) -> Option<bool> {
        let mut piece = [0; 16 * 1024];
        loop {
            let count = match self.stream.read(&mut piece) {
                Ok(0) => return None,
                Ok(count) => count,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Some(false),
                Err(_) => return None,
            };
            self.come += count;
            if self.length.is_none() {
                self.head.extend_from_slice(&piece[..count]);
                self.length = length(&self.head);
            }
            if self.length == Some(self.come) {
                self.asking = false;
                return Some(true);
            }
        }
    }
}

/// How long an answer is, head included. All answers of a run are alike.
fn length(head: &[u8]) -> Option<usize> {
    let end = head.windows(4).position(|bytes| bytes == b"\r\n\r\n")? + 4;
    let text = std::str::from_utf8(&head[..end]).expect("a head is text").to_ascii_lowercase();
    assert!(text.starts_with("http/1.1 200 "), "{text}");
    let length = text.lines().find_map(|line| line.strip_prefix("content-length: "));
    Some(end + length.expect("a length").parse::<usize>().expect("a number"))
}
