//! The one server: its listener, and the links that come of it.

use core::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use core::time::Duration;

use netdev::Instant;
use netdev_sim::Sock;

use crate::commands::{Answer, Call, Reply};
use crate::faults::Fault;
use crate::firmware::Firmware;
use crate::links::{Kind, LINKS, Link};
use crate::params::Refusal;

type Caller = (Sock, SocketAddr);

#[derive(Debug)]
pub(crate) struct Server {
    port: u16,
    netif: u8,
    /// `None`: all places are taken, and callers are refused.
    pub(crate) sock: Option<Sock>,
    /// A caller that waits for the dial whose id it is to take, and how long it does.
    held: Option<(Caller, Instant)>,
}

impl Firmware {
    pub(crate) fn cipserver_query(&mut self, _: &mut Call<'_>) -> Answer {
        let line = match &self.server {
            None => "+CIPSERVER:0".to_owned(),
            Some(server) => {
                let netif =
                    if self.persona.timeouts { format!(",{}", server.netif) } else { "".into() };
                format!("+CIPSERVER:1,{},\"TCP\",0{netif}", server.port)
            }
        };
        self.say_line(&line);
        Ok(Reply::Ok)
    }

    pub(crate) fn cipserver(&mut self, call: &mut Call<'_>) -> Answer {
        if call.args.flag()? {
            return self.begin_server(call);
        }
        let close_all = call.args.opt::<u8>(0..=1)?.unwrap_or(0) == 1;
        call.args.end()?;
        self.drop_server();
        for id in 0..LINKS {
            if close_all && self.open_link(id).is_some_and(|link| link.server) {
                self.close_link(id);
            }
        }
        Ok(Reply::Ok)
    }

    pub(crate) fn drop_server(&mut self) {
        let Some(server) = self.server.take() else { return };
        let held = server.held.map(|((sock, _), _)| sock);
        for sock in server.sock.into_iter().chain(held) {
            self.stack.close(sock);
        }
    }

    fn begin_server(&mut self, call: &mut Call<'_>) -> Answer {
        let port: u16 = call.args.opt(1..=65_535)?.unwrap_or(333);
        let kind = call.args.opt_text(1..=8)?.unwrap_or_else(|| b"TCP".to_vec());
        match kind.to_ascii_uppercase().as_slice() {
            b"TCP" => {}
            b"SSL" | b"SSLV6" | b"TCPV6" => {
                self.monitor.count(|c| c.not_modelled += 1);
                return Err(Refusal::STATE);
            }
            _ => return Err(Refusal::VALUE),
        }
        let netif: u8 = call.args.opt(0..=3)?.unwrap_or(0);
        call.args.end()?;
        if !self.ram.multiple {
            return Err(Refusal::STATE);
        }
        if let Some(server) = &self.server {
            let same = (server.port, server.netif) == (port, netif);
            if same && self.persona.says_why {
                self.say(b"no change\r\n");
            }
            return if same { Ok(Reply::Ok) } else { Err(Refusal::STATE) };
        }
        let interface_up = match netif {
            0 => true,
            1 => self.wifi.is_up(),
            2 => self.ram.stored.wifi_mode & 2 != 0,
            _ => false,
        };
        if !interface_up {
            return Err(Refusal::STATE);
        }
        match self.stack.listen(port, BACKLOG) {
            Ok(sock) => {
                self.server = Some(Server { port, netif, sock: Some(sock), held: None });
            }
            Err(error) => {
                self.say_errno(error);
                return Err(Refusal::STATE);
            }
        }
        self.server_pauses();
        Ok(Reply::Ok)
    }

    fn server_links(&self) -> usize {
        self.links.iter().flatten().filter(|link| link.server && !link.closed).count()
    }

    fn has_place(&self) -> bool {
        self.server_links() < self.ram.server_limit && self.lowest_free().is_some()
    }

    /// Callers are refused while there is no place for them.
    pub(crate) fn server_pauses(&mut self) {
        if self.has_place() {
            return;
        }
        if let Some(server) = &mut self.server
            && let Some(sock) = server.sock.take()
        {
            self.stack.close(sock);
        }
    }

    pub(crate) fn server_resumes(&mut self) {
        if !self.has_place() {
            return;
        }
        if let Some(server) = &mut self.server
            && server.sock.is_none()
        {
            server.sock = self.stack.listen(server.port, 1).ok();
        }
    }

    /// Takes in who waits; whether somebody did.
    pub(crate) fn accept(&mut self) -> bool {
        self.server_pauses();
        self.server_resumes();
        let mut moved = false;
        while let Some(id) = self.lowest_free()
            && let Some(caller) = self.next_caller()
        {
            self.take_in(id, caller);
            moved = true;
        }
        moved
    }

    /// Who waits, unless it is to wait for a dial.
    fn next_caller(&mut self) -> Option<Caller> {
        let now = self.now;
        let server = self.server.as_mut()?;
        if let Some((_, until)) = server.held {
            return if until > now { None } else { server.held.take().map(|(caller, _)| caller) };
        }
        let caller = self.stack.accept(server.sock?).ok()?;
        let armed = self.monitor.armed(Fault::GrabId) > 0;
        if !armed && !self.rate_strikes(Fault::GrabId) {
            return Some(caller);
        }
        let until = now + if armed { FOR_EVER } else { self.setup.fault_time };
        self.server.as_mut()?.held = Some((caller, until));
        None
    }

    /// A held caller takes the id that a dial is about to use.
    pub(crate) fn grab(&mut self, id: usize) {
        let held = self.server.as_mut().and_then(|server| server.held.take());
        let Some((caller, until)) = held else { return };
        if self.is_open(id) {
            if let Some(server) = &mut self.server {
                server.held = Some((caller, until));
            }
            return;
        }
        self.monitor.disarm(Fault::GrabId);
        self.monitor.count(|c| c.faults += 1);
        self.take_in(id, caller);
    }

    fn take_in(&mut self, id: usize, (peer, addr): Caller) {
        let remote = match addr {
            SocketAddr::V4(addr) => addr,
            SocketAddr::V6(addr) => SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, addr.port()),
        };
        let mut link = Link::new(Kind::Tcp, peer, remote, self.now);
        link.server = true;
        link.local_port = self.server.as_ref().map_or(0, |server| server.port);
        self.install(id, link);
        self.server_pauses();
    }

    /// Links of the server that were silent for too long close.
    pub(crate) fn close_idle(&mut self) -> bool {
        let limit = Duration::from_secs(self.ram.server_timeout.into());
        let mut moved = false;
        for id in 0..LINKS {
            let now = self.now;
            let idle = self.open_link(id).is_some_and(|link| {
                link.server && now.saturating_since(link.last_traffic) >= limit
            });
            if idle && !limit.is_zero() {
                self.close_link(id);
                moved = true;
            }
        }
        moved
    }

    pub(crate) fn cipservermaxconn_query(&mut self, _: &mut Call<'_>) -> Answer {
        self.say_line(&format!("+CIPSERVERMAXCONN:{}", self.ram.server_limit));
        Ok(Reply::Ok)
    }

    pub(crate) fn cipservermaxconn(&mut self, call: &mut Call<'_>) -> Answer {
        let limit: usize = call.args.number(1..=5)?;
        call.args.end()?;
        let count = self.server_links();
        if limit < count {
            self.say_line(&format!("Have {count} Connections"));
            return Err(Refusal::STATE);
        }
        if self.server.is_some() {
            return Err(Refusal::STATE);
        }
        self.ram.server_limit = limit;
        Ok(Reply::Ok)
    }

    pub(crate) fn cipsto_query(&mut self, _: &mut Call<'_>) -> Answer {
        self.say_line(&format!("+CIPSTO:{}", self.ram.server_timeout));
        Ok(Reply::Ok)
    }

    pub(crate) fn cipsto(&mut self, call: &mut Call<'_>) -> Answer {
        let seconds = call.args.number(0..=7200)?;
        call.args.end()?;
        self.ram.server_timeout = seconds;
        Ok(Reply::Ok)
    }
}

const BACKLOG: u16 = 5;
/// A test that orders a clash brings it about.
const FOR_EVER: Duration = Duration::from_secs(3600);
