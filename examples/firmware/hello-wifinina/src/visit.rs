//! The one visitor: what it asks, and what it wants to hear.

use crate::verdict;

/// A request, and how the answer must begin.
struct Question {
    text: &'static [u8],
    answer: &'static [u8],
}

const QUESTIONS: &[Question] = &[
    Question { text: b"GET / HTTP/1.1\r\nHost: 192.168.4.1\r\n\r\n", answer: b"HTTP/1.1 200 " },
    Question { text: include_bytes!("browser.txt"), answer: b"HTTP/1.1 200 " },
    Question {
        text: b"GET /missing HTTP/1.1\r\nHost: 192.168.4.1\r\n\r\n",
        answer: b"HTTP/1.1 404 ",
    },
    Question {
        text: b"POST / HTTP/1.1\r\nHost: 192.168.4.1\r\nTransfer-Encoding: chunked\r\n\r\n\
            5\r\nhello\r\n0\r\n\r\n",
        answer: b"HTTP/1.1 405 ",
    },
    Question {
        text: b"GET //twice HTTP/1.1\r\nHost: 192.168.4.1\r\n\r\n",
        answer: b"HTTP/1.1 307 ",
    },
    Question {
        text: b"GET / HTTP/1.1\r\nHost: 192.168.4.1\r\nConnection: close\r\n\r\n",
        answer: b"HTTP/1.1 200 ",
    },
];

/// How far the visitor is. It comes once.
pub struct Visit {
    arrived: bool,
    /// Questions answered.
    answered: usize,
    /// Bytes of the present question that were read.
    read: usize,
}

impl Visit {
    /// Nobody has come yet.
    pub const fn new() -> Self {
        Self { arrived: false, answered: 0, read: 0 }
    }

    /// Whether the visitor comes now.
    pub fn arrives(&mut self) -> bool {
        !core::mem::replace(&mut self.arrived, true)
    }

    /// Bytes that wait to be read.
    pub fn waiting(&self) -> usize {
        self.question().map_or(0, |question| question.text.len() - self.read)
    }

    /// Up to `most` bytes of the present question.
    pub fn says(&mut self, most: usize) -> &'static [u8] {
        let Some(question) = self.question() else { return &[] };
        let rest = &question.text[self.read..];
        let said = &rest[..rest.len().min(most)];
        self.read += said.len();
        said
    }

    /// Takes what the server sends. A piece that begins like an answer is held against the question.
    pub fn hears(&mut self, text: &[u8]) {
        if !text.starts_with(b"HTTP/1.1 ") {
            return;
        }
        match self.question() {
            Some(question) if !text.starts_with(question.answer) => verdict::failed("wrong answer"),
            Some(_) => {
                self.answered += 1;
                self.read = 0;
            }
            None => verdict::failed("an answer too many"),
        }
    }

    /// The server closed the connection.
    pub fn ends(&mut self) {
        match self.question() {
            None => verdict::done(),
            Some(_) => verdict::failed("closed early"),
        }
    }

    fn question(&self) -> Option<&'static Question> {
        QUESTIONS.get(self.answered)
    }
}
