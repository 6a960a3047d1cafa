//! The one visitor of an image that serves through a simulated chip. What it asks is what the
//! scripted chip's visitor asks.

use core::time::Duration;
use std::io::{Read, Write};
use std::net::TcpStream;

use crate::Outcome;

/// A request, and how the answer must begin.
struct Question {
    text: &'static [u8],
    answer: &'static str,
}

const QUESTIONS: &[Question] = &[
    Question { text: b"GET / HTTP/1.1\r\nHost: 192.168.4.1\r\n\r\n", answer: "HTTP/1.1 200 " },
    Question {
        text: include_bytes!("../../../examples/firmware/hello-wifinina/src/browser.txt"),
        answer: "HTTP/1.1 200 ",
    },
    Question {
        text: b"GET /missing HTTP/1.1\r\nHost: 192.168.4.1\r\n\r\n",
        answer: "HTTP/1.1 404 ",
    },
    Question {
        text: b"POST / HTTP/1.1\r\nHost: 192.168.4.1\r\nTransfer-Encoding: chunked\r\n\r\n\
            5\r\nhello\r\n0\r\n\r\n",
        answer: "HTTP/1.1 405 ",
    },
    Question {
        text: b"GET //twice HTTP/1.1\r\nHost: 192.168.4.1\r\n\r\n",
        answer: "HTTP/1.1 307 ",
    },
    Question {
        text: b"GET / HTTP/1.1\r\nHost: 192.168.4.1\r\nConnection: close\r\n\r\n",
        answer: "HTTP/1.1 200 ",
    },
];

/// Visits the server on that port of this PC; everything has to be answered as it should be.
pub(crate) fn visit(port: &str) -> Outcome {
    let failed = |error: std::io::Error| format!("the visit failed: {error}");
    let mut stream = TcpStream::connect(format!("127.0.0.1:{port}")).map_err(failed)?;
    stream.set_read_timeout(Some(PATIENCE)).map_err(failed)?;
    for Question { text, answer } in QUESTIONS {
        stream.write_all(text).map_err(failed)?;
        let mut heard = Vec::new();
        while !is_whole(&heard) {
            let mut piece = [0; 1024];
            let length = stream.read(&mut piece).map_err(failed)?;
            heard.extend_from_slice(piece.get(..length).unwrap_or_default());
            if length == 0 {
                return Err("the server closed early".into());
            }
        }
        let heard = String::from_utf8_lossy(&heard);
        if !heard.starts_with(answer) {
            return Err(format!("the server answered {heard:?}, not {answer}"));
        }
    }
    match stream.read(&mut [0]).map_err(failed)? {
        0 => Ok(()),
        _ => Err("an answer too many".into()),
    }
}

/// Whether a head and the body that it promises are there.
fn is_whole(heard: &[u8]) -> bool {
    let text = String::from_utf8_lossy(heard);
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length = head.lines().find_map(|line| line.strip_prefix("Content-Length: "));
    length.and_then(|length| length.parse().ok()).is_none_or(|length: usize| body.len() >= length)
}

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_whole_with_its_body() {
        assert!(!is_whole(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n"));
        assert!(!is_whole(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\na"));
        assert!(is_whole(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nab"));
        assert!(is_whole(b"HTTP/1.1 307 Temporary Redirect\r\nLocation: /\r\n\r\n"));
    }
}
