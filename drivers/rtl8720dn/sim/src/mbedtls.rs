//! The methods of `wifi_mbedtls`. There is no TLS in the model: what a handshake leads to is
//! [`Config::tls`](crate::Config::tls), and data crosses the network in clear text.

mod data;
mod start;

use netdev::Instant;

use crate::codec::{Args, Out};
use crate::firmware::Firmware;
use crate::wait::{HEAP, Step};

pub(crate) use data::TlsSend;
pub(crate) use start::TlsStart;

/// What a TLS client of the chip meets, whomever it connects to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum TlsPeer {
    /// A server that has no cipher suite in common with the firmware. Most of today's are like
    /// that.
    #[default]
    NoCommonCipher,
    /// A server that never answers.
    Silent,
    /// A stand-in without any encryption, to try a driver's calls with: the handshake sends
    /// nothing, and the peer gets and sends plain bytes.
    ClearText {
        /// The text of the only certificate authority that vouches for the peer.
        issuer: String,
        /// The name in the peer's certificate.
        name: String,
    },
}

/// The clients that the host has created.
#[derive(Debug, Default)]
pub(crate) struct Tls {
    clients: Vec<(u32, Client)>,
    created: u32,
}

/// What a client's context holds. Strings that nobody set are garbage on the chip; here they are
/// not set.
#[derive(Clone, Debug)]
struct Client {
    socket: i32,
    /// Of the handshake, in milliseconds; garbage before it is set.
    timeout: Option<u32>,
    root_ca: Option<Vec<u8>>,
    psk: [bool; 2],
    connected: bool,
}

impl Tls {
    /// A new client, under an address in the chip's heap; 0 when that is full.
    fn create(&mut self) -> u32 {
        if self.clients.len() >= CLIENTS {
            return 0;
        }
        self.created = self.created.wrapping_add(1);
        let handle = FIRST_CONTEXT + self.created % 0x0400 * CONTEXT;
        let fresh =
            Client { socket: -1, timeout: None, root_ca: None, psk: [false; 2], connected: false };
        self.clients.retain(|(known, _)| *known != handle);
        self.clients.push((handle, fresh));
        handle
    }

    fn get(&mut self, handle: u32) -> Option<&mut Client> {
        self.clients.iter_mut().find(|(known, _)| *known == handle).map(|(_, client)| client)
    }
}

impl Firmware {
    pub(crate) fn mbedtls(&mut self, id: u8, args: &Args, now: Instant) -> Step {
        match id {
            1 => return Out::default().u32(self.tls.create()).into(),
            25 => return self.strerror(args),
            _ => {}
        }
        let handle = args.number(0);
        if self.tls.get(handle).is_none() {
            // Whatever stands at that address is taken for a client.
            return self.wild();
        }
        match id {
            18 => self.start_tls(args, now),
            20 => self.data_to_read(handle, now),
            21 => self.start_tls_send(args, now),
            22 => self.tls_receive(handle, args.size(1)),
            19 => {
                self.stop_tls(handle);
                Out::default().into()
            }
            2 => {
                self.tls.clients.retain(|(known, _)| *known != handle);
                Out::default().into()
            }
            // The firmware compares the wrong way round for names; neither can be true here.
            23 | 24 => {
                self.monitor.count(|c| c.not_modelled += 1);
                Out::default().u8(u8::from(id == 24)).into()
            }
            _ => self.context(id, handle, args),
        }
    }

    /// Reads and writes a client's context.
    fn context(&mut self, id: u8, handle: u32, args: &Args) -> Step {
        let Some(client) = self.tls.get(handle) else { return Step::Silence };
        let out = Out::default();
        match id {
            3 => {
                client.socket = -1;
                client.connected = false;
                out
            }
            4 => {
                client.socket = args.signed(1);
                out
            }
            5 => {
                client.timeout = Some(args.number(1));
                out
            }
            6 => out.i32(client.socket),
            7 => out.u32(client.timeout.unwrap_or(GARBAGE)),
            8 => {
                client.root_ca = Some(args.bytes(1).to_vec());
                out.u32(GARBAGE)
            }
            14 | 16 => {
                let [identity, key] = &mut client.psk;
                *(if id == 14 { identity } else { key }) = true;
                out.u32(GARBAGE)
            }
            9 if args.byte(1) == 0 => match &client.root_ca {
                Some(text) => out.bin(text).u32(GARBAGE),
                None => return Step::Silence,
            },
            _ => out.u32(GARBAGE),
        }
        .into()
    }

    /// Closes the socket; the client stays.
    fn stop_tls(&mut self, handle: u32) {
        let Some(client) = self.tls.get(handle) else { return };
        let socket = core::mem::replace(&mut client.socket, -1);
        client.connected = false;
        if socket >= 0 {
            let _ = self.lwip.close(socket);
        }
    }

    pub(super) fn exhausted(&mut self) -> Step {
        self.monitor.count(|c| c.heap_exhaustions += 1);
        Step::Dead
    }

    fn strerror(&mut self, args: &Args) -> Step {
        let length = args.size(1);
        if length == 0 {
            self.monitor.count(|c| c.empty_bins += 1);
            return Step::Dead;
        }
        if length > HEAP {
            return self.exhausted();
        }
        let text = format!("error {}", args.signed(0));
        let mut buffer = text.into_bytes();
        buffer.resize(length.min(crate::frame::MESSAGE_MAX), 0);
        Out::default().bin(&buffer).into()
    }
}

/// Clients that the heap has room for.
const CLIENTS: usize = 8;
/// Where clients live, and how far apart.
const FIRST_CONTEXT: u32 = 0x1003_0000;
const CONTEXT: u32 = 0x0000_0420;
/// What stands where nobody has written.
const GARBAGE: u32 = 0x1004_5A10;
