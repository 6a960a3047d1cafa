//! Every golden vector of the document, byte for byte.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "helpers fail as tests do")]

mod common;

use common::{Host, bytes, hex, millis};
use netdev_sim::Stack;
use rtl8720dn_sim::{AccessPoint, Config};

struct Exchange {
    name: String,
    request: Vec<u8>,
    event: Option<Vec<u8>>,
    reply: Option<Vec<u8>>,
}

fn exchanges() -> Vec<Exchange> {
    let text = include_str!("../testdata/golden.txt");
    let mut all: Vec<Exchange> = Vec::new();
    let mut name = "";
    for line in text.lines() {
        match line.split_once(' ') {
            Some(("#", words)) => name = words,
            Some((">", hex)) => all.push(Exchange {
                name: name.to_owned(),
                request: bytes(hex),
                event: None,
                reply: None,
            }),
            Some(("!", hex)) => all.last_mut().unwrap().event = Some(bytes(hex)),
            Some(("<", hex)) => all.last_mut().unwrap().reply = Some(bytes(hex)),
            _ => {}
        }
    }
    all
}

/// The surroundings in which the vectors were recorded.
fn host() -> Host {
    let mut config = Config::default();
    config.access_points = vec![AccessPoint::new("ap", "password"), AccessPoint::new("open", "")];
    let mut host = Host::powered_at(config, [127, 0, 0, 1].into());
    host.internet.name("a.test", [127, 0, 0, 1].into());
    host.pass(millis(310));
    // The vectors leave out the call before the sixth.
    assert_eq!(host.status(common::DRV, 28, &[]), 0);
    host
}

#[test]
fn every_vector_comes_out_byte_for_byte() {
    let mut host = host();
    let mut echo = host.internet.node([127, 0, 0, 1].into());
    let listener = echo.listen(7750, 1).unwrap();
    let mut peer = None;
    let all = exchanges();
    assert_eq!(all.len(), 20);
    for exchange in all {
        let Exchange { name, request, event, reply } = exchange;
        host.send(&request);
        let sequence = u32::from_le_bytes(request[8..12].try_into().unwrap());
        let got = host.reply(sequence, millis(2000)).unwrap_or_else(|| panic!("{name}"));
        if let Some(reply) = reply {
            assert_eq!(hex(&got.frame), hex(&reply), "{name}");
        }
        if let Some(event) = event {
            assert_eq!(hex(&host.others[0].frame), hex(&event), "{name}");
        }
        if name.starts_with("connect(") {
            peer = Some(echo.accept(listener).unwrap().0);
        }
        if name.starts_with("send(") {
            host.pass(millis(1));
            let mut heard = [0; 8];
            assert_eq!(echo.recv(peer.unwrap(), &mut heard, false), Ok(2));
            assert_eq!(echo.send(peer.unwrap(), &heard[..2]), Ok(2));
        }
    }
    // connect and the first recv block: the golden host asks for that.
    assert!(host.offences().iter().all(|(name, _)| *name == "unbounded_calls"));
}
