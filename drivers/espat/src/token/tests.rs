//! The tokenizer on byte vectors; sources in docs/firmware/espat.md.

extern crate std;
use std::string::String;
use std::vec::Vec;

use super::*;

/// What came out, counted data included.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Seen {
    Line(String),
    Blank,
    Prompt,
    Data(Option<u8>, Vec<u8>),
    Dropped,
    Garbled,
}

struct Reader {
    tokens: Tokenizer,
    data: Option<(Header, Vec<u8>)>,
    seen: Vec<Seen>,
}

impl Reader {
    fn new() -> Self {
        Self { tokens: Tokenizer::new(), data: None, seen: Vec::new() }
    }

    fn feed(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            if let Some((head, data)) = &mut self.data {
                let take = bytes.len().min(usize::from(head.len) - data.len());
                data.extend(&bytes[..take]);
                bytes = &bytes[take..];
            } else {
                let (used, token) = self.tokens.push(bytes);
                bytes = &bytes[used..];
                match token {
                    None => {}
                    Some(Token::Line) => {
                        let line = String::from_utf8_lossy(self.tokens.line()).into_owned();
                        self.seen.push(Seen::Line(line));
                    }
                    Some(Token::Blank) => self.seen.push(Seen::Blank),
                    Some(Token::Prompt) => self.seen.push(Seen::Prompt),
                    Some(Token::Dropped) => self.seen.push(Seen::Dropped),
                    Some(Token::Garbled) => self.seen.push(Seen::Garbled),
                    Some(Token::Data(head)) => self.data = Some((head, Vec::new())),
                }
            }
            if let Some((head, data)) =
                self.data.take_if(|(head, data)| data.len() == usize::from(head.len))
            {
                self.seen.push(Seen::Data(head.link, data));
            }
        }
    }
}

fn read(bytes: &[u8], prompt: bool) -> Vec<Seen> {
    let mut reader = Reader::new();
    reader.tokens.prompt_awaited = prompt;
    reader.feed(bytes);
    reader.seen
}

fn line(text: &str) -> Seen {
    Seen::Line(text.into())
}

/// Everything that the module says in the reference transcript, with one prompt awaited.
const TRANSCRIPT: &[u8] = b"4,CONNECT\r\n\r\nOK\r\n\r\nOK\r\n\r\n>\r\nRecv 3 bytes\r\n\r\nSEND OK\r\n\r\n+IPD,4,3\r\n+CIPRECVDATA:3,abc\r\nOK\r\n4,CLOSED\r\n\r\nOK\r\n";

#[test]
fn the_reference_transcript() {
    let without_blanks: Vec<Seen> =
        read(TRANSCRIPT, true).into_iter().filter(|it| *it != Seen::Blank).collect();
    let expected = [
        line("4,CONNECT"),
        line("OK"),
        line("OK"),
        Seen::Prompt,
        line("Recv 3 bytes"),
        line("SEND OK"),
        line("+IPD,4,3"),
        Seen::Data(None, b"abc".to_vec()),
        line("OK"),
        line("4,CLOSED"),
        line("OK"),
    ];
    assert_eq!(without_blanks, expected);
}

#[test]
fn any_cut_gives_the_same_tokens() {
    let old = b"\r\nOK\r\n> \r\n+CIPRECVDATA,5:\r\nOK\r\r\nOK\r\n0,CONNECT\r\n\r\n+IPD,0,4:>OK\n4,CLOSED\r\n";
    for bytes in [TRANSCRIPT, old] {
        let whole = read(bytes, true);
        for first in 0..bytes.len() {
            for second in [first, (first + 1).min(bytes.len()), bytes.len()] {
                let mut reader = Reader::new();
                reader.tokens.prompt_awaited = true;
                reader.feed(&bytes[..first]);
                reader.feed(&bytes[first..second]);
                reader.feed(&bytes[second..]);
                assert_eq!(reader.seen, whole, "cut at {first} and {second}");
            }
        }
        let mut reader = Reader::new();
        reader.tokens.prompt_awaited = true;
        bytes.chunks(1).for_each(|byte| reader.feed(byte));
        assert_eq!(reader.seen, whole);
    }
}

#[test]
fn trap_04_a_prompt_is_one_only_when_it_is_awaited_and_at_the_start_of_a_line() {
    assert_eq!(read(b">\r\n", false), [line(">")]);
    assert_eq!(read(b"a>\r\n", true), [line("a>")]);
    assert_eq!(
        read(b"\r\nOK\r\n\r\n>", true),
        [Seen::Blank, line("OK"), Seen::Blank, Seen::Prompt]
    );
    assert_eq!(
        read(b"> \r\nOK\r\n", true),
        [Seen::Prompt, Seen::Blank, line("OK")],
        "NonOS: a blank"
    );
    assert_eq!(read(b">>\r\n", true), [Seen::Prompt, line(">")], "only one");
}

#[test]
fn what_is_counted_is_never_read_as_lines() {
    let bytes = b"+IPD,1,12:\r\nOK\r\n>+IPD,2\r\n";
    assert_eq!(
        read(bytes, true),
        [Seen::Data(Some(1), b"\r\nOK\r\n>+IPD,2"[..12].to_vec()), line("2")]
    );
}

#[test]
fn line_ends_that_lost_a_byte_still_end_lines() {
    assert_eq!(read(b"\nOK\r\n", false), [Seen::Blank, line("OK")]);
    assert_eq!(read(b"\r\nOK\n", false), [Seen::Blank, line("OK")]);
    assert_eq!(read(b"\rOK\r\n", false), [line("OK")]);
    assert_eq!(read(b"OK\r\r\nERROR\r\n", false), [line("OK"), line("ERROR")]);
}

#[test]
fn a_line_that_is_too_long_is_dropped_whole() {
    let mut bytes = std::vec![b'x'; 500];
    bytes.extend(b"\r\nOK\r\n");
    assert_eq!(read(&bytes, false), [Seen::Dropped, line("OK")]);
    let mut longest = std::vec![b'x'; LINE_MAX - 1];
    longest.extend(b"\r\n");
    assert_eq!(read(&longest, false).len(), 1);
    assert_ne!(read(&longest, false), [Seen::Dropped]);
}

#[test]
fn a_damaged_line_counts_for_nothing() {
    let mut reader = Reader::new();
    reader.feed(b"4,CL");
    assert!(reader.tokens.is_inside_line());
    reader.tokens.damage();
    reader.feed(b"OK\r\nOK\r\n");
    assert_eq!(reader.seen, [Seen::Dropped, line("OK")]);
}

#[test]
fn trap_03_a_message_in_the_middle_of_an_echo_is_no_answer() {
    // Echo written piecewise, a notice between two pieces.
    assert_eq!(
        read(b"AT+CIP\r\n+IPD,4,3\r\nMUX=1\r\n", false),
        [line("AT+CIP"), line("+IPD,4,3"), line("MUX=1")]
    );
}

#[test]
fn half_a_line_end_behind_counted_data_is_noticed() {
    let tail = |bytes: &[u8]| {
        let mut reader = Reader::new();
        reader.tokens.expect_tail();
        reader.feed(bytes);
        reader.seen
    };
    assert_eq!(tail(b"\r\nOK\r\n"), [Seen::Blank, line("OK")]);
    assert_eq!(tail(b"\nOK\r\n"), [Seen::Dropped, line("OK")], "the data took the other half");
    assert_eq!(tail(b"\rOK\r\n"), [Seen::Dropped]);
    assert_eq!(tail(b"c\r\nOK\r\n"), [line("c"), line("OK")]);
    assert_eq!(tail(b"4,CLOSED\r\n"), [line("4,CLOSED")], "a message may come first");
}
