//! `AT+CIPSTART`: a link from a name and a port.

use core::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use core::time::Duration;

use netdev::{Error, Instant};
use netdev_sim::Sock;

use crate::commands::{Answer, Call, Reply};
use crate::firmware::Firmware;
use crate::links::{Kind, Link};
use crate::literals;
use crate::params::{Args, Refusal};
use crate::worker::Job;

/// A link that is being made.
#[derive(Debug)]
pub(crate) struct Dial {
    id: usize,
    kind: Kind,
    port: u16,
    local_port: u16,
    udp_mode: u8,
    stage: Stage,
    pub(crate) deadline: Instant,
}

#[derive(Debug)]
enum Stage {
    Resolve(String),
    Connect(Sock, SocketAddrV4),
}

impl Firmware {
    pub(crate) fn cipstart(&mut self, call: &mut Call<'_>) -> Answer {
        let id = match self.ram.multiple {
            // Without an id the type comes first: the form does not fit the mode.
            true if call.args.text_is_next() => return Err(Refusal::STATE),
            true => match call.args.number(0..=4) {
                Err(Refusal::VALUE) => return Err(self.refuse_in_words("ID ERROR")),
                id => id?,
            },
            false if !call.args.text_is_next() => {
                return Err(self.refuse_in_words("Link type ERROR"));
            }
            false => 0,
        };
        self.start_link(id, &mut call.args)
    }

    pub(crate) fn cipstartex(&mut self, call: &mut Call<'_>) -> Answer {
        if !self.ram.multiple {
            return Err(Refusal::STATE);
        }
        let id = self.lowest_free().ok_or(Refusal::STATE)?;
        self.start_link(id, &mut call.args)
    }

    fn start_link(&mut self, id: usize, args: &mut Args<'_>) -> Answer {
        let kind = args.text(1..=8)?.to_ascii_uppercase();
        let host = args.text(1..=64)?;
        let host = String::from_utf8(host).map_err(|_| Refusal::VALUE)?;
        let kind = match kind.as_slice() {
            b"TCP" => Kind::Tcp,
            b"UDP" => Kind::Udp,
            b"SSL" | b"SSLV6" | b"TCPV6" | b"UDPV6" => {
                self.monitor.count(|c| c.not_modelled += 1);
                return Err(Refusal::STATE);
            }
            _ => return Err(self.refuse_in_words("Link type ERROR")),
        };
        let port: u16 = args.number(1..=65_535)?;
        let mut dial = Dial {
            id,
            kind,
            port,
            local_port: 0,
            udp_mode: 0,
            stage: Stage::Resolve(host),
            deadline: self.now + self.setup.connect_limit,
        };
        if kind == Kind::Udp {
            dial.local_port = args.opt(1..=65_535)?.unwrap_or(0);
            dial.udp_mode = args.opt(0..=2)?.unwrap_or(0);
        } else {
            let _: Option<u16> = args.opt(0..=7200)?;
        }
        if !self.persona.is_old() {
            let _local: Option<Ipv4Addr> = args.opt_addr()?;
        }
        let timeout = if self.persona.timeouts { args.opt::<u64>(0..=60_000)? } else { None };
        args.end()?;
        if let Some(millis) = timeout.filter(|millis| *millis > 0) {
            dial.deadline = self.now + Duration::from_millis(millis);
        }
        self.may_dial(id)?;
        Ok(Reply::Wait(Job::Dial(Box::new(dial))))
    }

    fn may_dial(&mut self, id: usize) -> Result<(), Refusal> {
        if self.ram.multiple {
            self.grab(id);
        }
        if self.is_open(id) {
            return Err(self.refuse_in_words("ALREADY CONNECTED"));
        }
        if !self.is_online() {
            return Err(self.refuse_in_words("no ip"));
        }
        Ok(())
    }

    /// 1.x says in words why; later ones on another port.
    pub(crate) fn refuse_in_words(&mut self, why: &str) -> Refusal {
        if self.persona.says_why {
            self.say_line(why);
        }
        Refusal::STATE
    }

    /// Goes on with a link that is being made; what is left of it.
    pub(crate) fn dial(&mut self, mut dial: Box<Dial>) -> Option<Box<Dial>> {
        loop {
            if dial.deadline <= self.now {
                self.hang_up(&dial);
                self.dial_failed(&dial, Error::TimedOut);
                return None;
            }
            match &dial.stage {
                Stage::Resolve(host) => match self.resolve(host) {
                    Ok(addrs) => {
                        let addr = addrs.first().copied().unwrap_or(Ipv4Addr::UNSPECIFIED);
                        match self.begin(&dial, SocketAddrV4::new(addr, dial.port)) {
                            Some(stage) => dial.stage = stage,
                            None => return None,
                        }
                    }
                    Err(nb::Error::WouldBlock) => return Some(dial),
                    Err(nb::Error::Other(error)) => {
                        if self.persona.says_why {
                            self.say(b"DNS Fail\r\n");
                        }
                        self.refuse_dial(error);
                        return None;
                    }
                },
                Stage::Connect(sock, remote) => {
                    let (sock, remote) = (*sock, *remote);
                    match self.stack.connected(sock) {
                        Ok(()) => self.dialled(&dial, sock, remote),
                        Err(nb::Error::WouldBlock) => return Some(dial),
                        Err(nb::Error::Other(error)) => {
                            self.stack.close(sock);
                            self.dial_failed(&dial, error);
                        }
                    }
                    return None;
                }
            }
        }
    }

    /// The name is known: a socket is made. `None`: that was the end of it.
    fn begin(&mut self, dial: &Dial, remote: SocketAddrV4) -> Option<Stage> {
        match dial.kind {
            Kind::Tcp => match self.stack.connect(SocketAddr::V4(remote)) {
                Ok(sock) => return Some(Stage::Connect(sock, remote)),
                Err(error) => self.dial_failed(dial, error),
            },
            Kind::Udp => match self.stack.udp(dial.local_port) {
                Ok(sock) => self.dialled(dial, sock, remote),
                Err(error) => self.refuse_dial(error),
            },
        }
        None
    }

    fn dialled(&mut self, dial: &Dial, sock: Sock, remote: SocketAddrV4) {
        let mut link = Link::new(dial.kind, sock, remote, self.now);
        link.udp_mode = dial.udp_mode;
        self.install(dial.id, link);
        if self.race() {
            // What the peer has sent meanwhile is told before the result.
            self.serve_link(dial.id);
        }
        self.say(literals::OK);
    }

    /// No connection came of it.
    fn dial_failed(&mut self, dial: &Dial, error: Error) {
        if self.persona.is_old() {
            let id = dial.id;
            let line =
                if self.ram.multiple { format!("{id},CONNECT FAIL") } else { "CLOSED".into() };
            self.say_line(&line);
        }
        self.refuse_dial(error);
    }

    fn refuse_dial(&mut self, error: Error) {
        self.say_errno(error);
        self.refuse(Refusal::STATE);
    }

    pub(crate) fn say_errno(&mut self, error: Error) {
        if self.ram.syslog && self.persona.timeouts {
            self.say_line(&format!("+ERRNO:0x{:x}", errno(error)));
        }
    }

    /// Drops what an attempt holds.
    pub(crate) fn hang_up(&mut self, dial: &Dial) {
        if let Stage::Connect(sock, _) = dial.stage {
            self.stack.close(sock);
        }
    }
}

/// lwIP's number of an error.
fn errno(error: Error) -> u32 {
    match error {
        Error::ConnectionRefused | Error::ConnectionReset => 104,
        Error::TimedOut => 116,
        Error::AddrInUse => 112,
        Error::Unreachable | Error::LinkDown => 118,
        Error::HostUnknown => 202,
        _ => 5,
    }
}
