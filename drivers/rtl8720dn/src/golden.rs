//! Calls and replies as firmware 2.1.3 was seen to take and to make them.

extern crate std;
use std::boxed::Box;
use std::vec;
use std::vec::Vec;

use crate::address::{from_sockaddr, to_sockaddr};
use crate::codec::Value::{Bin, Data, I32, Null, Present, U8, U32};
use crate::codec::{Answer, Request, Value};
use crate::frame::{HEAD, Head, Kind};
use crate::method::{Method, lwip, system, tcpip, value, wifi};
use crate::reader::{Awaited, Awaiting, Frame, Reader};

/// One line of the recording: whether the chip says it, and the bytes.
pub(crate) fn recording() -> Vec<(bool, Vec<u8>)> {
    let lines = include_str!("../testdata/golden.txt").lines();
    let spoken = lines.filter(|line| line.starts_with(['<', '>']));
    spoken
        .map(|line| {
            let bytes = line[2..].split(' ').map(|byte| u8::from_str_radix(byte, 16).unwrap());
            (line.starts_with('<'), bytes.collect())
        })
        .collect()
}

fn frame_of(method: &Method, sequence: u32, values: &[Value<'_>]) -> Vec<u8> {
    let mut request = Request::EMPTY;
    request.set_call(method, sequence, values).unwrap();
    let data = values.iter().find_map(|value| match value {
        Data(data) => Some(*data),
        _ => None,
    });
    let mut frame = Vec::new();
    while frame.len() < request.total() {
        let piece = request.rest(frame.len(), data.unwrap_or_default()).to_vec();
        assert!(!piece.is_empty());
        frame.extend(piece);
    }
    frame
}

#[test]
fn calls_are_written_as_recorded() {
    let to = to_sockaddr("127.0.0.1:7750".parse().unwrap());
    let set = [1, 0, 0, 0, 0, 0, 0, 0];
    let ten_ms = [0, 0, 0, 0, 0x10, 0x27, 0, 0];
    let dontwait = value::MSG_DONTWAIT;
    let calls: [(&Method, &[Value<'_>]); 20] = [
        (&system::VERSION, &[]),
        (&system::ACK, &[U8(0xA5)]),
        (&tcpip::INIT, &[]),
        (&wifi::ON, &[U32(1)]),
        (&wifi::CONNECT, &[Bin(b"ap"), Present(b"password"), U32(0x40_0004), I32(-1), U32(0)]),
        (&wifi::CONNECT, &[Bin(b"open"), Null, U32(0), I32(-1), U32(0)]),
        (&tcpip::DHCPC_START, &[U32(0)]),
        (&tcpip::GET_IP_INFO, &[U32(0)]),
        (&wifi::GET_MAC_ADDRESS, &[]),
        (&lwip::GETHOSTBYNAME, &[Data(b"a.test")]),
        (&lwip::SOCKET, &[I32(2), I32(1), I32(6)]),
        (&lwip::CONNECT, &[I32(0), Bin(&to), U32(16)]),
        (&lwip::SEND, &[I32(0), Data(b"hi"), I32(0)]),
        (&lwip::RECV, &[I32(0), U32(64), I32(0), U32(0)]),
        (&lwip::RECV, &[I32(0), U32(64), I32(dontwait), U32(0)]),
        (&lwip::ERRNO, &[]),
        (&lwip::SELECT, &[I32(1), Present(&set), Null, Null, Present(&ten_ms)]),
        (&lwip::GETPEERNAME, &[I32(0), U32(16)]),
        (
            &lwip::SETSOCKOPT,
            &[I32(0), I32(value::SOL_SOCKET), I32(0x1006), Bin(&[50, 0, 0, 0]), U32(4)],
        ),
        (&lwip::CLOSE, &[I32(0)]),
    ];
    let recorded: Vec<_> = recording().into_iter().filter(|(chip, _)| !chip).collect();
    assert_eq!(recorded.len(), calls.len());
    for ((_, frame), (method, values)) in recorded.iter().zip(calls) {
        let sequence = u32::from_le_bytes(frame[8..12].try_into().unwrap());
        assert_eq!(&frame_of(method, sequence, values), frame, "{method:?}");
    }
}

/// What a reader makes of these pieces: frames, their parameters without data, and their data.
fn read(pieces: &[&[u8]], awaiting: &Awaiting) -> Vec<(Frame, Vec<u8>, Vec<u8>)> {
    let (mut reader, mut data, mut found) = (Reader::NEW, [0; 128], Vec::new());
    for piece in pieces {
        let mut rest = *piece;
        while !rest.is_empty() {
            let read = |slice: &mut [u8]| {
                let count = slice.len().min(rest.len());
                slice[..count].copy_from_slice(&rest[..count]);
                rest = &rest[count..];
                Ok::<_, ()>(count)
            };
            let (_, frame) = reader.take(awaiting, &mut data, read).unwrap();
            if let Some(frame) = frame {
                let small = frame.head.params() - frame.data;
                found.push((frame, reader.params()[..small].to_vec(), data[..frame.data].to_vec()));
            }
        }
    }
    found
}

fn awaited(method: &'static Method, frame: &[u8]) -> Awaited {
    let sequence = u32::from_le_bytes(frame[8..12].try_into().unwrap());
    Awaited { method, sequence, room_at: 0, room: 64 }
}

/// As if this reply were awaited, and as a call without data.
fn awaiting(frame: &[u8]) -> Awaiting {
    let method = Box::leak(Box::new(Method::plain(frame[6], frame[5])));
    [None, Some(awaited(method, frame)), None]
}

#[test]
fn replies_are_read_however_they_are_cut() {
    for (_, bytes) in recording().iter().filter(|(chip, _)| *chip) {
        for cut in 0..=bytes.len() {
            let (first, second) = bytes.split_at(cut);
            let found = read(&[first, second], &awaiting(bytes));
            let [(frame, params, _)] = found.as_slice() else { panic!("{found:?}") };
            assert!(frame.intact);
            assert_eq!(frame.head.to_bytes(), bytes[..HEAD]);
            assert_eq!(params, &bytes[HEAD..]);
        }
        let single: Vec<&[u8]> = bytes.chunks(1).collect();
        assert_eq!(read(&single, &awaiting(bytes)).len(), 1);
    }
}

#[test]
fn every_flipped_bit_of_a_reply_is_refused() {
    for (_, bytes) in recording().iter().filter(|(chip, _)| *chip) {
        for bit in 0..bytes.len() * 8 {
            let mut damaged = bytes.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            let found = read(&[&damaged], &awaiting(bytes));
            assert!(!found.iter().any(|(frame, ..)| frame.intact), "bit {bit} of {bytes:02x?}");
        }
    }
}

#[test]
fn data_go_where_data_go_and_the_rest_beside() {
    let all = recording();
    let reply = &all[all.iter().position(|(_, it)| it.len() == 22 && it[5] == 12).unwrap()].1;
    for cut in 0..=reply.len() {
        let (first, second) = reply.split_at(cut);
        let found = read(&[first, second], &[Some(awaited(&lwip::RECV, reply)), None, None]);
        let [(frame, params, data)] = found.as_slice() else { panic!("{found:?}") };
        assert!(frame.intact && frame.awaited == Some(0));
        assert_eq!(
            (params.as_slice(), data.as_slice()),
            (&[2, 0, 0, 0, 2, 0, 0, 0][..], &b"hi"[..])
        );
        assert_eq!(Answer::new(params).result(), Some(2));
    }
}

#[test]
fn a_reply_with_more_data_than_were_asked_for_goes_nowhere() {
    let all = recording();
    let reply = &all[all.iter().position(|(_, it)| it.len() == 22 && it[5] == 12).unwrap()].1;
    let little = Awaited { room: 1, ..awaited(&lwip::RECV, reply) };
    let found = read(&[reply], &[Some(little), None, None]);
    assert_eq!(found[0].0.data, 0);
}

#[test]
fn quirk_15_an_event_comes_before_the_reply() {
    let all = recording();
    let event = all.iter().position(|(_, it)| it[4] == 1).unwrap();
    let (event, reply) = (&all[event].1, &all[event + 1].1);
    let found = read(&[event, reply], &[Some(awaited(&wifi::ON, reply)), None, None]);
    assert_eq!(found.len(), 2);
    assert_eq!(found[0].0.head.kind, Kind::Oneway);
    assert_eq!((found[0].0.awaited, found[1].0.awaited), (None, Some(0)));
    assert_eq!(
        found[0].1[4], 2,
        "the station was started; the three bytes behind that are garbage"
    );
}

#[test]
fn behind_garbage_the_awaited_reply_and_events_are_found() {
    let all = recording();
    let event = all.iter().position(|(_, it)| it[4] == 1).unwrap();
    let (event, reply) = (&all[event].1, &all[event + 1].1);
    let awaited = awaited(&wifi::ON, reply);
    for garbage in [&[0xFF; 40][..], &[0; 7], &[1, 0, 0, 2, 1, 1, 1], &reply[..9], &event[..6]] {
        for wanted in [event, reply] {
            let found = read(&[garbage, wanted], &[Some(awaited), None, None]);
            assert!(found.iter().any(|(frame, ..)| frame.intact), "{garbage:02x?}");
        }
    }
}

#[test]
fn answers_are_read_as_recorded() {
    let replies: Vec<_> = recording().into_iter().filter(|(chip, _)| *chip).collect();
    let answer = |method: &Method| {
        let is = |it: &&(bool, Vec<u8>)| {
            it.1[4] == 2 && [it.1[6], it.1[5]] == [method.service, method.id]
        };
        Answer::new(&replies.iter().find(is).unwrap().1[HEAD..])
    };
    assert_eq!(answer(&system::VERSION).blob(), Some(&b"2.1.3"[..]));
    assert_eq!(answer(&system::ACK).bytes(), [0xA5]);
    assert_eq!(
        answer(&tcpip::GET_IP_INFO).array(),
        Some([127, 0, 0, 1, 255, 0, 0, 0, 127, 0, 0, 1])
    );
    assert_eq!(&answer(&wifi::GET_MAC_ADDRESS).bytes()[..17], b"2c:f7:f1:00:00:01");
    assert_eq!(answer(&lwip::GETHOSTBYNAME).array(), Some([127, 0, 0, 1]));
    assert_eq!(answer(&lwip::ERRNO).result(), Some(11));
    let peer = answer(&lwip::GETPEERNAME);
    assert_eq!(from_sockaddr(peer.blob().unwrap()), Some("127.0.0.1:7750".parse().unwrap()));
    assert_eq!(peer.result(), Some(0));
}

#[test]
fn quirk_12_an_address_that_was_not_copied_back_is_none() {
    assert_eq!(from_sockaddr(&[0; 16]), None);
    assert_eq!(from_sockaddr(&[16]), None);
    let mut first_byte_only = [0; 16];
    first_byte_only[0] = 16;
    assert_eq!(from_sockaddr(&first_byte_only), None);
}

#[test]
fn a_call_that_would_cost_the_chip_its_place_is_not_written() {
    let mut request = Request::EMPTY;
    let data = vec![0; 4077];
    let fits = request.set_call(&lwip::SEND, 1, &[I32(0), Data(&data[..4076]), I32(0)]);
    assert_eq!(fits.map(|head| head.size), Some(4096));
    assert_eq!(request.set_call(&lwip::SEND, 1, &[I32(0), Data(&data), I32(0)]), None);
    assert_eq!(request.set_call(&wifi::CONNECT, 1, &[Bin(&data[..200])]), None);
}

#[test]
fn quirk_16_a_callback_is_answered_with_a_zero() {
    let head =
        Head { size: 8, crc: 0, kind: Kind::Invocation, method: 2, service: 19, sequence: 7 };
    let mut request = Request::EMPTY;
    request.set_reply(&head);
    assert_eq!(request.total(), 16);
    let frame = request.rest(0, &[]).to_vec();
    assert_eq!(&frame[4..], [2, 2, 19, 1, 7, 0, 0, 0, 0, 0, 0, 0]);
    let mut awaited = awaited(&lwip::RECV, &frame);
    awaited.sequence = 8;
    assert!(
        read(&[&frame], &[Some(awaited), None, None]).is_empty(),
        "an answer, and nobody asked"
    );
}
