//! What the fuzzer does with the server: any bytes, in any pieces. Nothing may panic or hang, and how
//! the bytes are cut may not change what is answered.

mod conn;
mod handlers;

use core::cell::{Cell, RefCell};
use core::time::Duration;

use net_http::{self as http, Cookie, OneConn, Server, chunked};

use conn::{Device, Scripted};

/// The input as what a client sends.
pub fn request(input: &[u8]) {
    let whole = serve(input, usize::MAX);
    for piece in [1, 7] {
        let again = serve(input, piece);
        assert_eq!(shown(&again), shown(&whole), "in pieces of {piece}");
    }
    assert!(whole.is_empty() || whole.starts_with(b"HTTP/1."), "{}", shown(&whole));
}

/// What a server answers to these bytes, when at most so many cross at a time.
fn serve(input: &[u8], piece: usize) -> Vec<u8> {
    let sent = RefCell::new(Vec::new());
    let conn = Scripted { input, read: Cell::new(0), piece, sent: &sent };
    let handler = handlers::mux();
    {
        let mut server = Server::<_, 1, 512, 1024>::new(OneConn::new(conn), &handler);
        for turn in 0_u32.. {
            assert!(turn < 100_000, "the server does not come to an end");
            match server.poll() {
                Err(nb::Error::WouldBlock) if server.connections() == 0 => break,
                Err(nb::Error::WouldBlock) => Device::here().pass(Duration::from_millis(100)),
                Ok(()) => {}
                Err(nb::Error::Other(error)) => panic!("{error}"),
            }
        }
    }
    sent.into_inner()
}

fn shown(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The input as a chunked body: however it is cut, the same data comes out.
pub fn chunked(input: &[u8]) {
    let whole = decode(input, usize::MAX);
    for piece in [1, 3] {
        assert_eq!(decode(input, piece), whole, "in pieces of {piece}");
    }
}

/// The data, how many bytes the body takes, and whether it is sound so far.
fn decode(input: &[u8], piece: usize) -> (Vec<u8>, usize, bool) {
    let (mut decoder, mut data, mut at) = (chunked::Decoder::new(), Vec::new(), 0);
    while !decoder.ended() && at < input.len() {
        let end = input.len().min(at.saturating_add(piece));
        let Ok((skipped, step)) = decoder.advance(&input[at..end]) else { break };
        at += skipped;
        assert!(at <= end);
        if let chunked::Step::Data(count) = step {
            assert!(count > 0 && at + count <= end);
            data.extend_from_slice(&input[at..at + count]);
            decoder.take(count);
            at += count;
        }
    }
    let sound = decoder.clone().advance(&[]).is_ok();
    // Where exactly a bad byte was noticed depends on the cut, what came before it does not.
    (data, if decoder.ended() { at } else { 0 }, sound)
}

/// The input as cookies: what is read prints as something that is read as the same.
pub fn cookies(input: &[u8]) {
    let Ok(text) = core::str::from_utf8(input) else { return };
    if let Ok(all) = Cookie::parse_all(text) {
        all.for_each(|cookie| assert_eq!(cookie.validate(), Ok(()), "{cookie:?}"));
    }
    let Ok(cookie) = Cookie::parse_set_cookie(text) else { return };
    cookie.unparsed().for_each(|attribute| assert!(text.contains(attribute)));
    let printed = cookie.to_string();
    assert!(printed.bytes().all(|byte| (b' '..0x7F).contains(&byte)), "{printed:?}");
    let again = Cookie::parse_set_cookie(&printed).unwrap_or_else(|bad| panic!("{printed}: {bad}"));
    assert_eq!((again.name, again.value), (cookie.name, cookie.value), "{printed}");
    assert_eq!((again.secure, again.http_only), (cookie.secure, cookie.http_only));
    assert_eq!(again.to_string(), printed);
}

/// The input as a Range field: the answer is as long as it says.
pub fn range(input: &[u8]) {
    let Ok(text) = core::str::from_utf8(input) else { return };
    if text.bytes().any(|byte| byte < b' ' || byte == 0x7F) || text.len() > 200 {
        return;
    }
    let raw = format!("GET /s/a.txt HTTP/1.0\r\nRange: {text}\r\n\r\n");
    let sent = shown(&serve(raw.as_bytes(), usize::MAX));
    let (head, body) = sent.split_once("\r\n\r\n").unwrap_or_else(|| panic!("{sent}"));
    let status = head.get(9..12).unwrap_or_default();
    assert!(matches!(status, "200" | "206" | "416"), "{head}");
    let length = format!("\r\nContent-Length: {}\r\n", body.len());
    assert!((head.to_owned() + "\r\n").contains(&length), "{head}\n{body}");
    assert!(body.len() < 100_000);
}

/// The input as patterns, the last line as a request's path: registering and routing agree.
pub fn patterns(input: &[u8]) {
    let Ok(text) = core::str::from_utf8(input) else { return };
    let mut lines: Vec<&str> = text.lines().take(12).collect();
    let path = lines.pop().unwrap_or_default();
    let handler =
        |w: &mut http::ResponseWriter<'_>, r: &mut http::Request<'_>| write!(w, "{}", r.pattern());
    let mut mux = http::ServeMux::<12>::new();
    let registered: Vec<&str> =
        lines.into_iter().filter(|line| mux.handle(line, &handler).is_ok()).collect();
    for line in &registered {
        let again = mux.handle(line, &handler);
        assert_eq!(again, Err(http::PatternError::Conflict), "{line}");
    }
    handlers::route(&mux, path, &registered);
}
