//! Bytes from the module into tokens: lines, the heads of counted data, the prompt.
//!
//! Pure, and indifferent to how the bytes are cut: the same bytes give the same tokens. Counted data
//! never pass through here, so nothing inside them can look like a line.

use crate::reply::{self, Header};

/// What arrives, one token at a time.
pub(crate) struct Tokenizer {
    line: [u8; LINE_MAX],
    len: usize,
    /// The line is at its end, and stays readable until the next byte.
    complete: bool,
    /// What is being skipped up to the end of its line.
    skipping: bool,
    /// A `>` at the start of a line is the prompt.
    pub(crate) prompt_awaited: bool,
    /// What comes now stands behind counted data.
    tail: Tail,
    /// CIPDINFO is on: CIPRECVDATA names the sender before the data.
    pub(crate) senders_told: bool,
}

/// Behind counted data: a line end, or a line that begins there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tail {
    No,
    Begins,
    /// The first half of the line end has come.
    Ends,
}

/// One of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Token {
    /// A line, to be had from [`Tokenizer::line`] until the next byte.
    Line,
    /// A line without anything in it.
    Blank,
    /// The module waits for payload.
    Prompt,
    /// So many bytes follow that are not lines.
    Data(Header),
    /// A line that was damaged, or longer than any that matters.
    Dropped,
    /// The head of counted data that makes no sense: nobody knows where lines begin again.
    Garbled,
}

impl Tokenizer {
    pub(crate) const fn new() -> Self {
        Self {
            line: [0; LINE_MAX],
            len: 0,
            complete: false,
            skipping: false,
            prompt_awaited: false,
            tail: Tail::No,
            senders_told: false,
        }
    }

    /// Takes bytes up to the end of the next token, and tells how many.
    pub(crate) fn push(&mut self, bytes: &[u8]) -> (usize, Option<Token>) {
        for (used, &byte) in (1..).zip(bytes) {
            if let Some(token) = self.push_byte(byte) {
                return (used, Some(token));
            }
        }
        (bytes.len(), None)
    }

    /// The line of the last [`Token::Line`], without its end.
    pub(crate) fn line(&self) -> &[u8] {
        self.line.get(..self.len).unwrap_or_default()
    }

    /// The same, to keep.
    pub(crate) fn copy(&self) -> ([u8; LINE_MAX], usize) {
        (self.line, self.len)
    }

    /// Bytes are missing here: what has come of the current line is worth nothing, and neither is
    /// its rest.
    pub(crate) fn damage(&mut self) {
        (self.len, self.complete) = (0, false);
        self.skipping = true;
    }

    /// Counted data have ended, and their own line end follows. Half of one means that a byte of the
    /// data is missing.
    pub(crate) fn expect_tail(&mut self) {
        self.tail = Tail::Begins;
    }

    /// Forgets what has come of the current line; the next byte begins a new one.
    pub(crate) fn restart(&mut self) {
        (self.len, self.complete) = (0, false);
        self.skipping = false;
        self.prompt_awaited = false;
        self.tail = Tail::No;
    }

    /// Whether the start of a line has come and not its end.
    pub(crate) fn is_inside_line(&self) -> bool {
        self.len > 0 && !self.complete || self.skipping
    }

    fn push_byte(&mut self, byte: u8) -> Option<Token> {
        if core::mem::take(&mut self.complete) {
            self.len = 0;
        }
        match (core::mem::replace(&mut self.tail, Tail::No), byte) {
            (Tail::Begins, b'\r') => {
                self.tail = Tail::Ends;
                return None;
            }
            (Tail::Ends, b'\n') => return Some(Token::Blank),
            (Tail::Begins, b'\n') => return Some(Token::Dropped),
            (Tail::Ends, _) => self.damage(),
            (Tail::No | Tail::Begins, _) => {}
        }
        match byte {
            b'\n' => Some(self.end_line()),
            // NonOS 1.7 puts a blank behind its prompt.
            b'\r' | b' ' | 0 if self.len == 0 => None,
            b'>' if self.len == 0 && self.prompt_awaited && !self.skipping => {
                self.prompt_awaited = false;
                Some(Token::Prompt)
            }
            _ if self.skipping => None,
            _ => self.push_text(byte),
        }
    }

    fn end_line(&mut self) -> Token {
        if core::mem::take(&mut self.skipping) {
            self.len = 0;
            return Token::Dropped;
        }
        while self.line().last() == Some(&b'\r') {
            self.len -= 1;
        }
        if self.len == 0 {
            return Token::Blank;
        }
        self.complete = true;
        Token::Line
    }

    fn push_text(&mut self, byte: u8) -> Option<Token> {
        let Some(place) = self.line.get_mut(self.len) else {
            self.damage();
            return None;
        };
        *place = byte;
        self.len += 1;
        if byte != b',' && byte != b':' {
            return None;
        }
        let head = reply::data_head(self.line(), self.senders_told)?;
        self.len = 0;
        Some(head.map_or(Token::Garbled, Token::Data))
    }
}

/// Room for any line that is looked at.
const LINE_MAX: usize = 160;

#[cfg(test)]
#[path = "token/tests.rs"]
mod tests;
