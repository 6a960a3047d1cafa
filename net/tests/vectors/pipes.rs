//! What pipes do, step by step.

use std::thread;

use net::{Error, Netdev, Pipe, PipeEnd};
use serde_json::{Value, json};

use crate::scripts::{read_step, step};

fn write(end: &PipeEnd<'_>, data: &[u8]) -> Result<usize, Error> {
    Ok(end.write(data)?)
}

pub(crate) fn close(device: &'static dyn Netdev) -> Vec<Value> {
    let mut pipe = Pipe::new(device);
    let (ours, peers) = pipe.ends();
    vec![
        step("close", ours.close().map(|()| 0)),
        read_step("peer read", peers.read(&mut [0; 1])),
        step("peer write", write(&peers, b"x")),
        step("own read", ours.read(&mut [0; 1])),
        step("own write", write(&ours, b"x")),
        step("close again", ours.close().map(|()| 0)),
        step("peer close", peers.close().map(|()| 0)),
    ]
}

pub(crate) fn zero_length(device: &'static dyn Netdev) -> Vec<Value> {
    let mut pipe = Pipe::new(device);
    let (ours, peers) = pipe.ends();
    let (read, written) = thread::scope(|scope| {
        let writer = scope.spawn(|| write(&ours, b""));
        (peers.read(&mut [0; 8]), writer.join().unwrap())
    });
    let err = written.err().map_or_else(|| "<nil>".to_owned(), |error| error.to_string());
    let addrs = [ours.local_addr(), ours.remote_addr()].map(|addr| addr.unwrap().to_string());
    vec![
        step("read", read),
        json!({"step": "write", "value": {"err": err, "n": written.unwrap_or(0)}}),
        json!({"step": "addr", "value": addrs.join(" ")}),
    ]
}
