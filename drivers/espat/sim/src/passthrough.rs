//! `AT+CIPMODE=1`: the line is the connection.

use core::net::SocketAddrV4;
use core::time::Duration;

use netdev::Instant;
use netdev_sim::Sock;

use crate::commands::{Answer, Call, Reply};
use crate::firmware::Firmware;
use crate::input::Mode;
use crate::links::{Kind, Link};
use crate::literals;
use crate::params::Refusal;

/// Bytes on their way into the one connection.
#[derive(Debug, Default)]
pub(crate) struct Pass {
    bytes: Vec<u8>,
    /// When the last chunk came.
    last: Option<Instant>,
    /// `+++` came after a silence: it counts if a silence follows.
    leaving: Option<Instant>,
    redial: Option<Redial>,
}

impl Pass {
    pub(crate) fn is_on(mode: &Mode) -> bool {
        matches!(mode, Mode::Pass(_))
    }

    pub(crate) fn due(&self) -> Option<Instant> {
        self.leaving.map(|at| at + SILENCE)
    }

    /// Whether the network has to be looked at for its sake.
    pub(crate) fn waits_for_network(&self) -> bool {
        !self.bytes.is_empty() || self.redial.is_some()
    }

    pub(crate) fn has_room(&self) -> bool {
        self.bytes.len() < BUFFER / 2
    }
}

impl Firmware {
    pub(crate) fn cipmode_query(&mut self, _: &mut Call<'_>) -> Answer {
        self.say_line(&format!("+CIPMODE:{}", u8::from(self.ram.passthrough)));
        Ok(Reply::Ok)
    }

    pub(crate) fn cipmode(&mut self, call: &mut Call<'_>) -> Answer {
        let on = call.args.flag()?;
        call.args.end()?;
        if on && !self.has_single_link() {
            return Err(Refusal::STATE);
        }
        self.ram.passthrough = on;
        Ok(Reply::Ok)
    }

    /// One connection only: no several links, or a server that takes one.
    fn has_single_link(&self) -> bool {
        !self.ram.multiple || (self.server.is_some() && self.ram.server_limit == 1)
    }

    pub(crate) fn cipsend_passthrough(&mut self, _: &mut Call<'_>) -> Answer {
        if !self.ram.passthrough || self.open_ids().len() != 1 {
            return Err(Refusal::STATE);
        }
        self.mode = Mode::Pass(Pass::default());
        self.say(match self.persona.prompt {
            crate::persona::Prompt::Blank => b"\r\nOK\r\n> ",
            _ => literals::OK_PROMPT,
        });
        Ok(Reply::Said)
    }

    pub(crate) fn pass_chunk(&mut self, mut pass: Pass, chunk: &[u8]) {
        let quiet = pass.last.is_none_or(|last| self.now.saturating_since(last) >= SILENCE);
        pass.last = Some(self.now);
        if core::mem::take(&mut pass.leaving).is_some() {
            // No silence followed: it was data.
            pass.bytes.extend_from_slice(b"+++");
        }
        if quiet && chunk == b"+++" && pass.bytes.is_empty() {
            pass.leaving = Some(self.now);
        } else {
            let room = BUFFER.saturating_sub(pass.bytes.len()).min(chunk.len());
            let lost = u64::try_from(chunk.len() - room).unwrap_or(0);
            self.monitor.count(|c| c.overruns += lost);
            pass.bytes.extend(chunk.iter().take(room));
        }
        self.mode = Mode::Pass(pass);
        self.poll_pass();
    }

    /// Passes on what has come; whether the passthrough ended.
    pub(crate) fn poll_pass(&mut self) -> bool {
        self.poll_redial();
        let Mode::Pass(pass) = &mut self.mode else { return false };
        if pass.leaving.is_some_and(|at| at + SILENCE <= self.now) {
            if let Some(sock) = pass.redial.take().and_then(|redial| redial.sock) {
                self.stack.close(sock);
            }
            self.mode = Mode::Line;
            if self.ram.stored.sysmsg & 1 != 0 {
                self.say(literals::QUIT_PASSTHROUGH);
            }
            return true;
        }
        let link = self.links.iter_mut().flatten().find(|link| !link.closed);
        let Some((link, sock)) = link.and_then(|link| link.sock.map(|sock| (link, sock))) else {
            return false;
        };
        link.last_traffic = self.now;
        while !pass.bytes.is_empty() {
            let packet = pass.bytes.get(..PACKET).unwrap_or(&pass.bytes);
            let sent = match link.kind {
                Kind::Tcp => self.stack.send(sock, packet),
                Kind::Udp => self.stack.send_to(sock, packet, link.remote.into()),
            };
            match sent {
                Ok(count) if count > 0 => drop(pass.bytes.drain(..count.min(pass.bytes.len()))),
                Ok(_) | Err(nb::Error::WouldBlock) => break,
                Err(nb::Error::Other(_)) => pass.bytes.clear(),
            }
        }
        false
    }

    /// Whether the passthrough goes over that link.
    pub(crate) fn passes_to(&self, id: usize) -> bool {
        Pass::is_on(&self.mode) && self.is_open(id)
    }

    /// During the passthrough a connection that is lost is made again, without end.
    pub(crate) fn redial(&mut self, id: usize) -> bool {
        let Some(link) = self.open_link(id) else { return false };
        let (remote, again) = (link.remote, !link.server && link.kind == Kind::Tcp);
        self.close_link(id);
        if let Mode::Pass(pass) = &mut self.mode
            && again
        {
            pass.redial = Some(Redial { id, remote, at: self.now, sock: None });
        }
        true
    }

    fn poll_redial(&mut self) {
        let interval = REDIAL_UNIT * self.ram.reconnect_interval;
        let Mode::Pass(pass) = &mut self.mode else { return };
        let Some(redial) = &mut pass.redial else { return };
        let Some(sock) = redial.sock else {
            if redial.at <= self.now {
                redial.sock = self.stack.connect(redial.remote.into()).ok();
                redial.at = self.now + interval;
            }
            return;
        };
        match self.stack.connected(sock) {
            Err(nb::Error::WouldBlock) => {}
            Err(nb::Error::Other(_)) => {
                self.stack.close(sock);
                redial.sock = None;
                redial.at = self.now + interval;
            }
            Ok(()) => {
                let (id, remote) = (redial.id, redial.remote);
                pass.redial = None;
                let link = Link::new(Kind::Tcp, sock, remote, self.now);
                self.install(id, link);
            }
        }
    }
}

/// A connection that is made again.
#[derive(Debug)]
struct Redial {
    id: usize,
    remote: SocketAddrV4,
    /// When the next attempt begins.
    at: Instant,
    sock: Option<Sock>,
}

/// Silence before and after `+++`.
const SILENCE: Duration = Duration::from_millis(20);
/// Bytes in one packet.
const PACKET: usize = 2920;
/// What `AT+CIPRECONNINTV` counts in.
const REDIAL_UNIT: Duration = Duration::from_millis(100);
/// What the firmware holds of what the network does not take.
const BUFFER: usize = 8192;
