//! Calls by name, as the document has them.

use core::time::Duration;

use netdev_sim::{Sock, Stack};

use super::wire::last_i32;
use super::{DRV, Host, LWIP, PEER, TCPIP, millis};

/// What a receiving call told.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Received {
    pub(crate) result: i32,
    pub(crate) blob: Vec<u8>,
}

pub(crate) const DONTWAIT: i32 = 8;

/// A payload, piece by piece.
#[derive(Default)]
pub(crate) struct Payload(pub(crate) Vec<u8>);

impl Payload {
    pub(crate) fn i32(mut self, value: i32) -> Self {
        self.0.extend(value.to_le_bytes());
        self
    }

    pub(crate) fn u8(mut self, value: u8) -> Self {
        self.0.push(value);
        self
    }

    pub(crate) fn u32(mut self, value: u32) -> Self {
        self.0.extend(value.to_le_bytes());
        self
    }

    pub(crate) fn bin(mut self, bytes: &[u8]) -> Self {
        self.0.extend((bytes.len() as u32).to_le_bytes());
        self.0.extend_from_slice(bytes);
        self
    }
}

pub(crate) fn payload() -> Payload {
    Payload::default()
}

pub(crate) fn sockaddr(ip: [u8; 4], port: u16) -> Vec<u8> {
    let mut all = vec![16, 2];
    all.extend(port.to_be_bytes());
    all.extend(ip);
    all.resize(16, 0);
    all
}

impl Host {
    /// Off, on in station mode, join, DHCP.
    pub(crate) fn join(&mut self) {
        self.radio_on(1);
        assert_eq!(self.connect_wifi("test-ap", Some("test-pass"), 0x40_0004), 0);
        assert_eq!(self.status(TCPIP, 13, &[0; 4]), 0);
        self.messages();
    }

    pub(crate) fn radio_on(&mut self, mode: u32) {
        assert_eq!(self.status(DRV, 28, &[]), 0);
        assert_eq!(self.status(DRV, 27, &mode.to_le_bytes()), 0);
    }

    pub(crate) fn connect_wifi(&mut self, ssid: &str, key: Option<&str>, security: u32) -> i32 {
        let start = payload().bin(ssid.as_bytes());
        let with = match key {
            Some(key) => start.u8(0).bin(key.as_bytes()),
            None => start.u8(1),
        };
        self.status(DRV, 1, &with.u32(security).i32(-1).u32(0).0)
    }

    pub(crate) fn socket(&mut self, kind: i32) -> i32 {
        self.status(LWIP, 18, &payload().i32(2).i32(kind).i32(0).0)
    }

    /// A stream that does not block.
    pub(crate) fn stream(&mut self) -> i32 {
        let s = self.socket(1);
        assert!(s >= 0);
        self.set_non_blocking(s);
        s
    }

    pub(crate) fn set_non_blocking(&mut self, s: i32) {
        assert_eq!(self.status(LWIP, 23, &payload().i32(s).i32(4).i32(1).0), 0);
    }

    pub(crate) fn errno(&mut self) -> i32 {
        self.status(LWIP, 24, &[])
    }

    pub(crate) fn bind(&mut self, s: i32, port: u16) -> i32 {
        self.status(LWIP, 2, &payload().i32(s).bin(&sockaddr([0; 4], port)).u32(16).0)
    }

    pub(crate) fn listen(&mut self, port: u16) -> i32 {
        let s = self.stream();
        assert_eq!(self.bind(s, port), 0);
        assert_eq!(self.status(LWIP, 10, &payload().i32(s).i32(4).0), 0);
        s
    }

    pub(crate) fn accept(&mut self, s: i32) -> i32 {
        self.status(LWIP, 1, &payload().i32(s).bin(&[0; 16]).u32(16).0)
    }

    pub(crate) fn connect(&mut self, s: i32, port: u16) -> i32 {
        self.status(LWIP, 9, &payload().i32(s).bin(&sockaddr(PEER, port)).u32(16).0)
    }

    /// A non-blocking stream that is connected to a peer of ours.
    pub(crate) fn connected(&mut self, port: u16) -> (i32, Sock) {
        let listener = self.peer.listen(port, 4).expect("a listener");
        let s = self.stream();
        assert_eq!(self.connect(s, port), -1);
        assert_eq!(self.errno(), 115);
        self.pass(millis(2));
        let (peer, _) = self.peer.accept(listener).expect("a connection");
        assert_eq!(self.so_error(s), 0);
        (s, peer)
    }

    pub(crate) fn so_error(&mut self, s: i32) -> i32 {
        let reply = self.option(s, 0xFFF, 0x1007);
        i32::from_le_bytes(reply[4..8].try_into().unwrap())
    }

    /// The whole reply to `getsockopt` with four bytes.
    pub(crate) fn option(&mut self, s: i32, level: i32, name: i32) -> Vec<u8> {
        self.call(LWIP, 6, &payload().i32(s).i32(level).i32(name).bin(&[0; 4]).u32(4).0)
    }

    pub(crate) fn set_option(&mut self, s: i32, level: i32, name: i32, value: i32) -> i32 {
        let value = value.to_le_bytes();
        self.status(LWIP, 7, &payload().i32(s).i32(level).i32(name).bin(&value).u32(4).0)
    }

    pub(crate) fn write(&mut self, s: i32, data: &[u8], flags: i32) -> i32 {
        self.status(LWIP, 15, &payload().i32(s).bin(data).i32(flags).0)
    }

    pub(crate) fn recv(&mut self, s: i32, length: u32, flags: i32) -> Received {
        let reply = self.call(LWIP, 12, &payload().i32(s).u32(length).i32(flags).u32(0).0);
        let size = u32::from_le_bytes(reply[..4].try_into().unwrap()) as usize;
        Received { result: last_i32(&reply), blob: reply[4..4 + size].to_vec() }
    }

    /// `recvfrom`: result, data, the 16 bytes of the address.
    pub(crate) fn recv_from(&mut self, s: i32, length: u32, flags: i32) -> (i32, Vec<u8>, Vec<u8>) {
        let request = payload().i32(s).u32(length).i32(flags).u32(16).u32(0).0;
        let reply = self.call(LWIP, 14, &request);
        let size = u32::from_le_bytes(reply[..4].try_into().unwrap()) as usize;
        let address = reply[8 + size..24 + size].to_vec();
        (last_i32(&reply), reply[4..4 + size].to_vec(), address)
    }

    pub(crate) fn send_to(&mut self, s: i32, data: &[u8], port: u16) -> i32 {
        let request = payload().i32(s).bin(data).i32(DONTWAIT).bin(&sockaddr(PEER, port)).u32(16);
        self.status(LWIP, 17, &request.0)
    }

    pub(crate) fn close(&mut self, s: i32) -> i32 {
        self.status(LWIP, 8, &payload().i32(s).0)
    }

    /// `select` for reading and for writing, each a bit mask, with a time-out in microseconds.
    pub(crate) fn select(&mut self, read: u8, write: u8, micros: u32) -> i32 {
        let set = |p: Payload, mask: u8| match mask {
            0 => p.u8(1),
            mask => p.u8(0).bin(&[mask, 0, 0, 0, 0, 0, 0, 0]),
        };
        let mut timeval = 0_u32.to_le_bytes().to_vec();
        timeval.extend(micros.to_le_bytes());
        let request = set(set(payload().i32(8), read), write).u8(1).u8(0).bin(&timeval);
        self.status(LWIP, 21, &request.0)
    }

    /// How long a call takes from its last byte to its whole reply.
    pub(crate) fn timed<T>(&mut self, act: impl FnOnce(&mut Self) -> T) -> (T, Duration) {
        let start = self.now();
        let done = act(self);
        (done, self.now().saturating_since(start))
    }
}
