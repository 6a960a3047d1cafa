//! The socket task: what comes in, actively and passively, and the commands that read.

use core::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use core::time::Duration;

use netdev::Instant;

use crate::commands::{Answer, Call, Reply};
use crate::firmware::Firmware;
use crate::links::{Kind, LINKS, WINDOW};
use crate::literals;
use crate::params::{Args, Refusal};
use crate::worker::Job;

impl Firmware {
    /// One round of the socket task; whether something was said.
    pub(crate) fn poll_sockets(&mut self) -> bool {
        // A connect blocks the task itself.
        if matches!(self.job, Some(Job::Dial(_))) {
            return self.poll_long();
        }
        let mut moved = self.poll_long();
        for id in 0..LINKS {
            moved |= self.serve_link(id);
        }
        if !self.is_sending() {
            moved |= self.accept() | self.close_idle();
        }
        moved
    }

    /// Whether a link's bytes wait to be asked for.
    pub(crate) fn is_passive(&self, id: usize) -> bool {
        let kind = self.links.get(id).and_then(Option::as_ref).map(|link| link.kind);
        let fits = kind != Some(Kind::Udp) || self.persona.passive_datagrams;
        fits && self.slots.get(id).is_some_and(|slot| slot.passive)
    }

    /// Takes in what has come for a link, and tells of it.
    pub(crate) fn serve_link(&mut self, id: usize) -> bool {
        if !self.is_open(id) {
            return false;
        }
        let passive = self.is_passive(id) && !self.ram.passthrough;
        if self.may_look(id) && (passive || self.out.room() >= BLOCK_ROOM) {
            self.fill(id);
        }
        let mut moved = false;
        if passive {
            moved |= self.tell(id);
        } else if !self.is_sending() {
            while self.out.room() >= BLOCK_ROOM && self.deliver(id) {
                moved = true;
                self.fill(id);
            }
        }
        moved | self.notice_end(id)
    }

    /// The peer has closed: that is said when everything is read (in 1.x at once).
    fn notice_end(&mut self, id: usize) -> bool {
        let early = self.persona.closes_early;
        let sending = self.is_sending();
        let Some(link) = self.open_link(id).filter(|link| link.ended && !sending) else {
            return false;
        };
        let unread = link.available();
        if unread == 0 {
            if self.passes_to(id) {
                return self.redial(id);
            }
            self.close_link(id);
        } else if early {
            link.closed = true;
            self.say_closed(id);
            self.server_resumes();
        } else {
            return false;
        }
        true
    }

    /// Whether it is time to look at the network again: on a busy line there are calls all the time.
    fn may_look(&self, id: usize) -> bool {
        let link = self.links.get(id).and_then(Option::as_ref);
        link.is_some_and(|link| link.looked.is_none_or(|at| at + PAUSE <= self.now))
    }

    /// Reads from the network what fits the link's buffer.
    fn fill(&mut self, id: usize) {
        let now = self.now;
        let mut buffer = core::mem::take(&mut self.scratch);
        buffer.resize(WINDOW, 0);
        let dropped = self.fill_by(id, &mut buffer, now);
        self.scratch = buffer;
        if dropped > 0 {
            self.monitor.count(|c| c.datagrams_dropped += dropped);
        }
    }

    /// How many datagrams were dropped.
    fn fill_by(&mut self, id: usize, buffer: &mut [u8], now: Instant) -> u64 {
        let mut dropped = 0;
        let Some(link) = self.links.get_mut(id).and_then(Option::as_mut) else { return dropped };
        link.looked = Some(now);
        let Some(sock) = link.sock else { return dropped };
        match link.kind {
            Kind::Tcp => {
                while !link.ended && link.unread.len() < WINDOW {
                    let room = WINDOW - link.unread.len();
                    match self.stack.recv(sock, buffer.get_mut(..room).unwrap_or(&mut []), false) {
                        Ok(0) => link.ended = true,
                        Ok(count) => {
                            link.unread.extend(buffer.iter().take(count));
                            link.last_traffic = now;
                        }
                        Err(nb::Error::WouldBlock) => break,
                        Err(nb::Error::Other(_)) => link.ended = true,
                    }
                }
            }
            Kind::Udp => {
                // Bounded: a sender on this PC may be faster than this loop.
                for _ in 0..DATAGRAMS {
                    let Ok((count, from)) = self.stack.recv_from(sock, buffer, false) else {
                        break;
                    };
                    if count > LARGEST || link.available() + count > WINDOW || count == 0 {
                        dropped += u64::from(count > 0);
                        continue;
                    }
                    let bytes = buffer.iter().take(count).copied().collect();
                    link.datagrams.push_back((bytes, v4(from)));
                }
            }
        }
        dropped
    }

    /// `+IPD` without data, once for each draining.
    fn tell(&mut self, id: usize) -> bool {
        let length = self.told_length(id);
        let Some(link) = self.open_link(id).filter(|link| !link.told && length > 0) else {
            return false;
        };
        link.told = true;
        let id = if self.ram.multiple { format!("{id},") } else { "".into() };
        self.say_block(format!("\r\n+IPD,{id}{length}\r\n").as_bytes());
        true
    }

    /// What `+IPD` and `CIPRECVLEN` say is there.
    fn told_length(&self, id: usize) -> usize {
        let per_datagram = self.slots.get(id).is_some_and(|slot| slot.per_datagram);
        let Some(link) = self.links.get(id).and_then(Option::as_ref) else { return 0 };
        match link.datagrams.front() {
            Some((first, _)) if per_datagram => first.len(),
            _ => link.available(),
        }
    }

    /// `+IPD` with data, or raw data in passthrough; whether there was any.
    fn deliver(&mut self, id: usize) -> bool {
        let limit = self.persona.block;
        let Some(link) = self.open_link(id) else { return false };
        link.told = false;
        let (data, from) = match link.kind {
            Kind::Tcp => {
                let count = link.unread.len().min(limit);
                (link.unread.drain(..count).collect::<Vec<u8>>(), link.remote)
            }
            Kind::Udp => match link.datagrams.pop_front() {
                Some((bytes, from)) => (Vec::from(bytes), from),
                None => return false,
            },
        };
        if data.is_empty() {
            return false;
        }
        self.follow_peer(id, from);
        self.monitor.count(|c| c.payload_out += u64::try_from(data.len()).unwrap_or(0));
        if self.ram.passthrough {
            self.say_block(&data);
            return true;
        }
        let mut block = b"\r\n+IPD,".to_vec();
        if self.ram.multiple {
            block.extend_from_slice(format!("{id},").as_bytes());
        }
        block.extend_from_slice(data.len().to_string().as_bytes());
        block.extend_from_slice(self.peer_text(from, self.persona.quotes_peer).as_bytes());
        block.push(b':');
        block.extend_from_slice(&data);
        if self.persona.tail {
            block.extend_from_slice(b"\r\n");
        }
        self.say_block(&block);
        true
    }

    /// `,"1.2.3.4",80`, if details are wanted.
    fn peer_text(&self, peer: SocketAddrV4, quoted: bool) -> String {
        let quote = if quoted { "\"" } else { "" };
        match self.ram.details {
            true => format!(",{quote}{}{quote},{}", peer.ip(), peer.port()),
            false => String::new(),
        }
    }

    /// A datagram is read: its sender may become the peer.
    fn follow_peer(&mut self, id: usize, from: SocketAddrV4) {
        let Some(link) = self.open_link(id).filter(|link| link.kind == Kind::Udp) else { return };
        if link.udp_mode != 0 {
            link.remote = from;
        }
        if link.udp_mode == 1 {
            link.udp_mode = 0;
        }
    }

    pub(crate) fn ciprecvdata(&mut self, call: &mut Call<'_>) -> Answer {
        let args = &mut call.args;
        let id = self.link_id(args)?;
        let want: usize = args.number(1..=0x7FFF_FFFF)?;
        let whole = match self.persona.whole_datagrams {
            true => args.opt::<u8>(0..=1)?.unwrap_or(0) == 1,
            false => false,
        };
        args.end()?;
        if !self.is_passive(id) || want > HEAP {
            return Err(Refusal::STATE);
        }
        self.fill(id);
        let (data, from) = self.take_unread(id, want, whole).ok_or(Refusal::STATE)?;
        self.follow_peer(id, from);
        self.monitor.count(|c| c.payload_out += u64::try_from(data.len()).unwrap_or(0));
        let (length, peer) = (data.len(), self.peer_text(from, true));
        let mut block = if self.persona.old_receive_layout {
            format!("\r\n+CIPRECVDATA,{length}:").into_bytes()
        } else {
            format!("+CIPRECVDATA:{length}{peer},").into_bytes()
        };
        block.extend_from_slice(&data);
        self.say(&block);
        self.say(literals::OK);
        self.after_read(id);
        Ok(Reply::Said)
    }

    /// What is left is told right after the result, and so is the end.
    fn after_read(&mut self, id: usize) {
        let tells_rest = self.persona.tells_rest;
        let rest = self.told_length(id);
        let Some(link) = self.links.get_mut(id).and_then(Option::as_mut) else { return };
        link.told = rest > 0 && !tells_rest;
        if link.closed && rest == 0 {
            self.drop_link(id);
        } else {
            self.serve_link(id);
        }
    }

    fn take_unread(
        &mut self,
        id: usize,
        want: usize,
        whole: bool,
    ) -> Option<(Vec<u8>, SocketAddrV4)> {
        let cuts = whole || self.persona.cuts_datagrams;
        let link = self.links.get_mut(id).and_then(Option::as_mut)?;
        link.last_traffic = self.now;
        if link.kind == Kind::Tcp {
            let count = link.unread.len().min(want);
            let data: Vec<u8> = link.unread.drain(..count).collect();
            return (count > 0).then_some((data, link.remote));
        }
        let mut data = Vec::new();
        let mut lost = 0;
        let (_, from) = link.datagrams.front()?;
        let from = *from;
        while let Some((mut bytes, sender)) = link.datagrams.pop_front() {
            let count = bytes.len().min(want - data.len());
            data.extend(bytes.drain(..count));
            if !bytes.is_empty() && cuts {
                lost += bytes.len();
            } else if !bytes.is_empty() {
                link.datagrams.push_front((bytes, sender));
            }
            if whole || data.len() >= want {
                break;
            }
        }
        self.monitor.count(|c| c.datagram_bytes_cut += u64::try_from(lost).unwrap_or(0));
        Some((data, from))
    }

    pub(crate) fn ciprecvlen_query(&mut self, _: &mut Call<'_>) -> Answer {
        let mut lengths = Vec::new();
        for id in 0..LINKS {
            self.fill(id);
            let there = self.links.get(id).is_some_and(Option::is_some);
            let length = if there {
                self.told_length(id).to_string()
            } else {
                self.persona.free_length.to_string()
            };
            lengths.push(length);
        }
        if !self.ram.multiple {
            lengths.truncate(1);
        }
        self.say_line(&format!("+CIPRECVLEN:{}", lengths.join(",")));
        Ok(Reply::Ok)
    }

    pub(crate) fn ciprecvmode_query(&mut self, _: &mut Call<'_>) -> Answer {
        let passive = self.slots.first().is_some_and(|slot| slot.passive);
        self.say_line(&format!("+CIPRECVMODE:{}", u8::from(passive)));
        Ok(Reply::Ok)
    }

    pub(crate) fn ciprecvmode(&mut self, call: &mut Call<'_>) -> Answer {
        let passive = call.args.flag()?;
        call.args.end()?;
        if self.ram.passthrough {
            return Err(Refusal::STATE);
        }
        self.slots.iter_mut().for_each(|slot| slot.passive = passive);
        Ok(Reply::Ok)
    }

    pub(crate) fn ciprecvtype_query(&mut self, _: &mut Call<'_>) -> Answer {
        let count = if self.ram.multiple { LINKS } else { 1 };
        let slots: Vec<_> =
            self.slots.iter().take(count).map(|it| (it.passive, it.per_datagram)).collect();
        for (id, (passive, report)) in slots.into_iter().enumerate() {
            self.say_line(&format!("+CIPRECVTYPE:{id},{},{}", u8::from(passive), u8::from(report)));
        }
        Ok(Reply::Ok)
    }

    pub(crate) fn ciprecvtype(&mut self, call: &mut Call<'_>) -> Answer {
        let args: &mut Args<'_> = &mut call.args;
        let id: usize = if self.ram.multiple { args.number(0..=5)? } else { 0 };
        let passive = args.flag()?;
        let report = args.opt::<u8>(0..=1)?;
        args.end()?;
        if self.ram.passthrough {
            return Err(Refusal::STATE);
        }
        for (place, slot) in self.slots.iter_mut().enumerate() {
            if id == place || id == LINKS {
                slot.passive = passive;
                // With id 5 the real core writes this past its table.
                slot.per_datagram = match report {
                    Some(report) if id < LINKS => report == 1,
                    _ => slot.per_datagram,
                };
            }
        }
        Ok(Reply::Ok)
    }
}

fn v4(addr: SocketAddr) -> SocketAddrV4 {
    match addr {
        SocketAddr::V4(addr) => addr,
        SocketAddr::V6(addr) => SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, addr.port()),
    }
}

/// A block and its header fit the transmit ring.
const BLOCK_ROOM: usize = 3000;
/// The largest datagram that fits a packet.
const LARGEST: usize = 1472;
const DATAGRAMS: usize = 64;
/// Between two looks at a link.
const PAUSE: Duration = Duration::from_micros(20);
/// What the heap has for one read.
const HEAP: usize = 65_536;
