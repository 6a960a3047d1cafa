extern crate std;

use super::*;
use crate::vectors::{self, Value};
use std::format;
use std::string::String;
use std::vec::Vec;

/// Decodes with `step` bytes at a time; stops after the line of the zero chunk, as the recording.
fn decode(raw: &[u8], step: usize) -> Result<(Vec<u8>, usize), Vec<u8>> {
    let mut decoder = Decoder::new();
    let (mut body, mut at) = (Vec::new(), 0);
    while at < raw.len() {
        let piece = &raw[at..raw.len().min(at + step)];
        let Ok((skipped, found)) = decoder.advance(piece) else { return Err(body) };
        at += skipped;
        if let Step::Data(length) = found {
            body.extend_from_slice(&raw[at..at + length]);
            decoder.take(length);
            at += length;
        }
        if decoder.in_trailer() {
            return Ok((body, at));
        }
    }
    Err(body)
}

pub(crate) fn decode_difference(case: &Value) -> Option<String> {
    let raw = vectors::raw(&case["in"], "raw_b64");
    let ok = case["out"]["ok"].as_bool().unwrap();
    let body = vectors::bytes(&case["out"]["body"]);
    // One byte at a time: the decoder must stop where the recording does.
    let result = decode(&raw, 1);
    let rest = vectors::bytes(&case["out"]["rest"]);
    let same = match &result {
        Ok((found, at)) => ok && *found == body && raw[*at..] == rest,
        Err(found) => !ok && *found == body,
    };
    let whole = decode(&raw, usize::MAX / 2);
    let same_when_whole = match (&result, &whole) {
        (Ok((one, _)), Ok((all, _))) | (Err(one), Err(all)) => one == all,
        _ => ok,
    };
    (!same || !same_when_whole)
        .then(|| format!("{:?}", String::from_utf8_lossy(&raw[..raw.len().min(60)])))
}

pub(crate) fn encode_difference(case: &Value) -> Option<String> {
    let mut wire = Vec::new();
    for write in case["in"]["writes"].as_array().unwrap() {
        let data = vectors::bytes(write);
        if !data.is_empty() {
            wire.extend_from_slice(SizeLine::new(data.len()).bytes());
            wire.extend_from_slice(&data);
            wire.extend_from_slice(b"\r\n");
        }
    }
    wire.extend_from_slice(SizeLine::new(0).bytes());
    (wire != vectors::bytes(&case["out"]["wire"])).then(|| format!("{wire:?}"))
}

#[test]
fn trailers_are_gone_over() {
    let mut decoder = Decoder::new();
    let input = b"0\r\nX-A: b\r\nY:\r\n\r\nGET";
    assert_eq!(decoder.advance(input), Ok((input.len() - 3, Step::End)));
    for bad in [&b"0\r\n X: y\r\n\r\n"[..], b"0\r\nX y\r\n\r\n", b"0\r\nX: \0\r\n\r\n", b"0\r\n\rx"]
    {
        assert_eq!(Decoder::new().advance(bad), Err(BadChunk), "{bad:?}");
    }
    let mut long = Decoder::new();
    let mut input = b"0\r\nX: ".to_vec();
    input.resize(5000, b'y');
    assert_eq!(long.advance(&input), Err(BadChunk));
}

#[test]
fn no_bytes_panic() {
    let mut seed = 1_u32;
    for _ in 0..20_000 {
        let mut decoder = Decoder::new();
        let bytes: Vec<u8> = (0..24)
            .map(|_| {
                seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                b"0aF\r\n;x:\0"[(seed >> 24) as usize % 9]
            })
            .collect();
        let mut at = 0;
        while at < bytes.len() {
            match decoder.advance(&bytes[at..]) {
                Ok((skipped, Step::Data(length))) => {
                    decoder.take(length);
                    at += skipped + length;
                }
                _ => break,
            }
        }
    }
}
