//! The page, served by hand: one request at a time, until the HTTP server takes over.

use net::{Error, TcpConn};

const FOUND: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\n\
    Content-Length: 12\r\n\r\nHello World\n";
const NOT_FOUND: &[u8] = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n";

/// Serves one visitor after another; ends when listening fails.
pub fn serve() -> Result<(), Error> {
    let listener = net::listen("tcp", ":80")?;
    loop {
        let visitor = listener.accept()?;
        // A visitor who breaks off is no reason to stop.
        let _ = answer_all(&visitor);
        let _ = visitor.close();
    }
}

/// Answers until the visitor closes, asks to close, or sends a head that does not fit.
fn answer_all(visitor: &TcpConn) -> Result<(), Error> {
    let mut head = [0; 1024];
    let mut length = 0;
    while let Some(free) = head.get_mut(length..).filter(|free| !free.is_empty()) {
        let read = visitor.read(free)?;
        if read == 0 {
            break;
        }
        length += read;
        let text = head.get(..length).unwrap_or_default();
        if text.ends_with(b"\r\n\r\n") {
            visitor.write(if text.starts_with(b"GET / ") { FOUND } else { NOT_FOUND })?;
            if text.windows(17).any(|part| part.eq_ignore_ascii_case(b"connection: close")) {
                break;
            }
            length = 0;
        }
    }
    Ok(())
}
