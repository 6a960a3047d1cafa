//! Any bytes at all to the tokenizer and to every parser, in any pieces: the same bytes give the same
//! tokens, and none of them panics.
#![no_main]
#![allow(dead_code, reason = "the driver uses the rest")]

#[path = "../../src/reply.rs"]
mod reply;
#[path = "../../src/token.rs"]
mod token;

use token::{Token, Tokenizer};

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    let [mode, cut, bytes @ ..] = input else { return };
    let whole = tokens(*mode, &[bytes]);
    let (head, tail) = bytes.split_at(usize::from(*cut).min(bytes.len()));
    assert_eq!(tokens(*mode, &[head, tail]), whole);
    let each: Vec<&[u8]> = bytes.chunks(1).collect();
    assert_eq!(tokens(*mode, &each), whole);
    for line in bytes.split(|&byte| byte == b'\n') {
        parse(line);
    }
});

/// What comes out, with the line of each, and counted data left out.
fn tokens(mode: u8, pieces: &[&[u8]]) -> Vec<(Token, Vec<u8>)> {
    let mut tokens = Tokenizer::new();
    tokens.prompt_awaited = mode & 1 != 0;
    tokens.senders_told = mode & 2 != 0;
    if mode & 4 != 0 {
        tokens.expect_tail();
    }
    let (mut seen, mut counted) = (Vec::new(), 0);
    for piece in pieces {
        let mut rest = *piece;
        while !rest.is_empty() {
            if counted > 0 {
                let take = rest.len().min(counted);
                counted -= take;
                rest = &rest[take..];
                continue;
            }
            let (used, token) = tokens.push(rest);
            rest = &rest[used..];
            let Some(token) = token else { continue };
            if let Token::Data(head) = token {
                counted = usize::from(head.len);
            }
            let line = if token == Token::Line { tokens.line().to_vec() } else { Vec::new() };
            seen.push((token, line));
        }
    }
    seen
}

fn parse(line: &[u8]) {
    reply::parse(line);
    let _ = (reply::link_info(line), reply::lengths(line), reply::access_point(line));
    let _ = (reply::joined_rssi(line), reply::time(line), reply::version(line));
    let _ = (reply::addr(line), reply::mac(line), reply::signed(line), reply::hex_number(line));
    let _ = reply::looks_like(line, b"+CIPRECVDATA");
    for told in [false, true] {
        let _ = reply::data_head(line, told);
    }
}
