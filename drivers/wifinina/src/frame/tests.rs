//! Byte vectors recorded from firmware 2.0.0.

extern crate std;

use std::vec::Vec;

use super::*;
use crate::command::*;

fn frame(command: &Command, params: &[&[u8]]) -> Vec<u8> {
    let mut bytes = Vec::new();
    Writer::frame(command, params, |piece: &[u8]| {
        bytes.extend_from_slice(piece);
        Ok::<(), ()>(())
    })
    .unwrap();
    bytes
}

fn parse(command: &Command, reply: &[u8]) -> Result<Answer, Malformed> {
    let (head, mut rest) = reply.split_first_chunk().ok_or(Malformed::Frame)?;
    let mut reader = Reader::new(command, *head)?;
    while let Some(wanted) = reader.wants() {
        let (piece, tail) = rest.split_at_checked(wanted).ok_or(Malformed::Frame)?;
        reader.take(piece)?;
        rest = tail;
    }
    reader.finish(command)
}

#[test]
fn commands_without_parameters_are_four_bytes() {
    assert_eq!(frame(&GET_FW_VERSION, &[]), [0xe0, 0x37, 0x00, 0xee]);
}

#[test]
fn a_listener_is_asked_with_its_accept_flag_and_needs_no_padding() {
    assert_eq!(frame(&AVAIL_DATA_TCP, &[&[0], &[1]]), [0xe0, 0x2b, 2, 1, 0, 1, 1, 0xee]);
}

#[test]
fn wide_lengths_are_big_endian_and_padding_is_zero() {
    assert_eq!(
        frame(&SEND_DATA_TCP, &[&[0], b"hello"]),
        [0xe0, 0x44, 2, 0, 1, 0, 0, 5, b'h', b'e', b'l', b'l', b'o', 0xee, 0, 0]
    );
    let long = [7; 300];
    let bytes = frame(&SEND_DATA_TCP, &[&[0], &long]);
    assert_eq!(bytes.len(), 312);
    assert_eq!(bytes[6..9], [1, 44, 7]);
    assert_eq!(bytes[308..], [0xee, 0, 0, 0]);
}

#[test]
fn a_large_parameter_goes_to_the_bus_from_its_own_slice_in_one_piece() {
    let long = [7; 1024];
    let mut pieces = Vec::new();
    let note = |piece: &[u8]| {
        pieces.push((piece.len(), piece.as_ptr()));
        Ok::<(), ()>(())
    };
    Writer::frame(&SEND_DATA_TCP, &[&[0], &long], note).unwrap();
    assert_eq!(pieces.iter().map(|(len, _)| *len).collect::<Vec<_>>(), [8, 1024, 4]);
    assert_eq!(pieces[1].1, long.as_ptr());
}

#[test]
fn replies_give_their_parameters() {
    let version = [0xe0, 0xb7, 1, 6, b'2', b'.', b'0', b'.', b'0', 0, 0xee, 0];
    let answer = parse(&GET_FW_VERSION, &version).unwrap();
    assert_eq!(answer.bytes(), b"2.0.0\0");
    let failed = parse(&START_CLIENT_TCP, &[0xe0, 0xad, 0, 0xee, 0xff, 0xff]).unwrap();
    assert_eq!((failed.byte(), failed.is_zero()), (None, true));
    let written = parse(&SEND_DATA_TCP, &[0xe0, 0xc4, 1, 2, 5, 0, 0xee]).unwrap();
    assert_eq!(written.array().map(u16::from_le_bytes), Some(5));
}

#[test]
fn every_kind_of_damage_to_a_frame_is_noticed() {
    let good = [0xe0, 0xc4, 1, 2, 5, 0, 0xee];
    for (place, value) in [(0, 0xe1), (1, 0xc5), (2, 2), (2, 0), (3, 66), (3, 1), (6, 0xef)] {
        let mut bad = good;
        bad[place] = value;
        assert_eq!(parse(&SEND_DATA_TCP, &bad), Err(Malformed::Frame), "{bad:02x?}");
    }
    assert_eq!(parse(&SEND_DATA_TCP, &good[..6]), Err(Malformed::Frame));
    assert_eq!(parse(&SEND_DATA_TCP, &[]), Err(Malformed::Frame));
    assert_eq!(parse(&SEND_DATA_TCP, &[0xef, 0, 0xee, 0]), Err(Malformed::Rejected));
    let long = [&[0xe0, 0xb7, 1, 17][..], &[1; 17], &[0xee]].concat();
    assert_eq!(parse(&GET_FW_VERSION, &long), Err(Malformed::Frame));
}

#[test]
fn an_answer_of_another_length_is_no_answer() {
    let short = [0xe0, 0xab, 1, 1, 0, 0xee];
    assert_eq!(parse(&AVAIL_DATA_TCP, &short), Err(Malformed::Frame));
    let time = [&[0xe0, 0xbb, 1, 8][..], &[0; 8], &[0xee]].concat();
    assert!(parse(&GET_TIME, &time).is_ok());
}

#[test]
fn a_data_reply_begins_with_a_wide_length() {
    let len = |head| data_len(&GET_DATABUF_TCP, head);
    assert_eq!(len([0xe0, 0xc5, 1, 0x01, 0x64]), Ok(356));
    for bad in [[0xe0, 0xc4, 1, 0, 1], [0xe0, 0xc5, 2, 0, 1], [0xe1, 0xc5, 1, 0, 1]] {
        assert_eq!(len(bad), Err(Malformed::Frame));
    }
    assert_eq!(len([0xef, 0, 0xee, 0, 0]), Err(Malformed::Rejected));
}

#[test]
fn a_datagram_tells_its_sender_with_the_port_little_endian() {
    assert_eq!(data_len(&RECVFROM, [0xe0, 0xfa, 3, 0, 4]), Ok(4));
    let (from, len) = sender([127, 0, 0, 1, 0, 2, 0x3f, 0x5a, 0, 3]).unwrap();
    assert_eq!((from.bytes(), len), (&[127, 0, 0, 1, 0x3f, 0x5a][..], 3));
    assert_eq!(sender([127, 0, 0, 1, 0, 3, 0x3f, 0x5a, 0, 3]), Err(Malformed::Frame));
}
