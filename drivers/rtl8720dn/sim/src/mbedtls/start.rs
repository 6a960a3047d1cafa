//! `wifi_start_ssl_client`: resolves, connects, shakes hands, and freezes the chip meanwhile.

use core::net::{Ipv4Addr, SocketAddrV4};
use core::time::Duration;

use netdev::Instant;

use super::{Client, GARBAGE, TlsPeer};
use crate::codec::{Args, Out};
use crate::firmware::Firmware;
use crate::wait::{Step, Wait};

const FAILED: i32 = -1;
const UNREADABLE_CERTIFICATE: i32 = -8576;
const INVALID_RECORD_OR_EOF: i32 = -29_312;
const WANT_READ: i32 = -26_880;

/// A start that is under way.
#[derive(Debug)]
pub(crate) struct TlsStart {
    handle: u32,
    host: String,
    port: u16,
    stage: Stage,
}

#[derive(Clone, Copy, Debug)]
enum Stage {
    Resolve(Instant),
    Connect,
    Handshake(Instant),
}

impl TlsStart {
    pub(crate) fn until(&self) -> Option<Instant> {
        match self.stage {
            Stage::Resolve(until) | Stage::Handshake(until) => Some(until),
            Stage::Connect => None,
        }
    }
}

impl Firmware {
    pub(super) fn start_tls(&mut self, args: &Args, now: Instant) -> Step {
        let handle = args.number(0);
        let port = args.short(2);
        let Ok(socket) = self.lwip.socket(1) else { return Out::from(FAILED).into() };
        if let Some(client) = self.tls.get(handle) {
            client.socket = socket;
            client.connected = false;
            if client.timeout.is_none() {
                self.monitor.count(|c| c.unbounded_calls += 1);
            }
        }
        let stage = Stage::Resolve(now + self.setup.lookup_limit);
        self.resume_tls(TlsStart { handle, host: args.text(1), port, stage }, now)
    }

    pub(crate) fn resume_tls(&mut self, start: TlsStart, now: Instant) -> Step {
        let Some(client) = self.tls.get(start.handle).cloned() else { return Step::Silence };
        match start.stage {
            Stage::Resolve(until) => match self.lwip.lookup(&start.host, now) {
                Ok(addr) => self.connect_tls(start, &client, addr, now),
                Err(nb::Error::WouldBlock) if now < until => Step::Wait(Wait::Tls(start)),
                Err(_) => Out::from(FAILED).into(),
            },
            Stage::Connect => match self.lwip.connection(client.socket) {
                None => Step::Wait(Wait::Tls(start)),
                Some(Ok(())) => self.shake_hands(start, &client, now),
                Some(Err(errno)) => {
                    self.lwip.errno = errno.0;
                    Out::from(FAILED).into()
                }
            },
            Stage::Handshake(until) if now < until => Step::Wait(Wait::Tls(start)),
            Stage::Handshake(_) => Out::from(self.outcome(&start, &client)).into(),
        }
    }

    fn connect_tls(
        &mut self,
        start: TlsStart,
        client: &Client,
        addr: Ipv4Addr,
        now: Instant,
    ) -> Step {
        let to = SocketAddrV4::new(addr, start.port);
        match self.lwip.connect(client.socket, to, now) {
            Ok(_) => Step::Wait(Wait::Tls(TlsStart { stage: Stage::Connect, ..start })),
            Err(errno) => {
                self.lwip.errno = errno.0;
                Out::from(FAILED).into()
            }
        }
    }

    /// The connection stands. What is wrong before the first byte is told at once.
    fn shake_hands(&mut self, start: TlsStart, client: &Client, now: Instant) -> Step {
        self.lwip.make_non_blocking(client.socket);
        let readable = |text: &Vec<u8>| text.starts_with(b"-----BEGIN CERTIFICATE-----");
        if client.root_ca.as_ref().is_some_and(|text| !readable(text)) {
            return Out::from(UNREADABLE_CERTIFICATE).into();
        }
        if client.psk == [true; 2] {
            return Out::from(0).into();
        }
        let named = client.root_ca.is_some() || self.persona.always_names_server;
        self.monitor.set_server_name(named.then(|| start.host.clone()));
        let length = match &self.setup.tls {
            TlsPeer::ClearText { .. } => HANDSHAKE,
            _ => Duration::from_millis(client.timeout.unwrap_or(GARBAGE).into()),
        };
        Step::Wait(Wait::Tls(TlsStart { stage: Stage::Handshake(now + length), ..start }))
    }

    /// How the handshake ended. A certificate that is refused closes the socket, and looks like
    /// success; any other failure comes at the end of the time for it, and keeps the socket.
    fn outcome(&mut self, start: &TlsStart, client: &Client) -> i32 {
        let accepted = match &self.setup.tls {
            TlsPeer::NoCommonCipher => return INVALID_RECORD_OR_EOF,
            TlsPeer::Silent => return WANT_READ,
            TlsPeer::ClearText { issuer, name } => match &client.root_ca {
                Some(text) => text == issuer.as_bytes() && *name == start.host,
                None => true,
            },
        };
        if !accepted {
            self.stop_tls(start.handle);
            return 0;
        }
        if let Some(client) = self.tls.get(start.handle) {
            client.connected = true;
        }
        client.socket
    }
}

/// What a handshake takes that works.
const HANDSHAKE: Duration = Duration::from_millis(30);
