//! `AT+CIPSENDL`: a payload of any length, sent while it comes in.

use crate::commands::{Answer, Call, Reply};
use crate::firmware::Firmware;
use crate::input::Mode;
use crate::links::Kind;
use crate::literals;

#[derive(Debug)]
pub(crate) struct Long {
    id: usize,
    generation: u64,
    want: usize,
    received: usize,
    sent: usize,
    reported: usize,
    buffer: Vec<u8>,
    /// The link is gone: bytes are eaten.
    failed: bool,
}

impl Long {
    pub(crate) fn has_room(&self) -> bool {
        self.buffer.len() < BUFFER / 2
    }

    pub(crate) fn waits_for_network(&self) -> bool {
        !self.buffer.is_empty()
    }
}

impl Firmware {
    pub(crate) fn long_mode(&self, id: usize, want: usize, generation: u64) -> Mode {
        Mode::Long(Long {
            id,
            generation,
            want,
            received: 0,
            sent: 0,
            reported: 0,
            buffer: Vec::new(),
            failed: false,
        })
    }

    pub(crate) fn long_chunk(&mut self, mut long: Long, chunk: &[u8]) {
        if chunk == b"+++" {
            self.monitor.count(|c| c.canceled_sends += 1);
            self.say(literals::SEND_CANCELLED);
            if long.sent < long.want {
                self.say(literals::SEND_FAIL);
            }
            return;
        }
        let wanted = chunk.len().min(long.want - long.received);
        let (mine, surplus) = chunk.split_at_checked(wanted).unwrap_or((chunk, &[]));
        let room = if long.failed { wanted } else { BUFFER.saturating_sub(long.buffer.len()) };
        let taken = wanted.min(room);
        let lost = u64::try_from(wanted - taken).unwrap_or(0);
        self.monitor.count(|c| {
            c.overruns += lost;
            c.payload_in += u64::try_from(taken).unwrap_or(0);
        });
        long.received += taken;
        if !long.failed {
            long.buffer.extend(mine.iter().take(taken));
        }
        self.mode = Mode::Long(long);
        self.poll_long();
        if !surplus.is_empty() {
            let count = u64::try_from(surplus.len()).unwrap_or(0);
            self.monitor.count(|c| c.surplus_payload += count);
            self.reject(surplus);
        }
    }

    /// Sends on what has come; whether something was said.
    pub(crate) fn poll_long(&mut self) -> bool {
        if let Mode::Pass(_) = self.mode {
            return self.poll_pass();
        }
        let Mode::Long(_) = self.mode else { return false };
        let Mode::Long(mut long) = core::mem::replace(&mut self.mode, Mode::Line) else {
            return false;
        };
        let mut said = false;
        self.send_long(&mut long);
        while long.sent - long.reported >= self.ram.long_report {
            long.reported += self.ram.long_report;
            said = true;
            self.say_line(&format!("+CIPSENDL:{},{}", long.reported, long.received));
        }
        if long.received < long.want || !long.buffer.is_empty() {
            self.mode = Mode::Long(long);
            return said;
        }
        if long.reported < long.sent {
            self.say_line(&format!("+CIPSENDL:{},{}", long.sent, long.received));
        }
        self.say(if long.failed { literals::SEND_FAIL } else { literals::SEND_OK });
        true
    }

    fn send_long(&mut self, long: &mut Long) {
        let packet = self.ram.long_packet;
        // Less than a packet waits for more, unless there is no more.
        while !long.buffer.is_empty() && !long.failed {
            if long.buffer.len() < packet && long.received < long.want {
                return;
            }
            let link = self.links.get(long.id).and_then(Option::as_ref);
            let link = link.filter(|link| !link.closed && link.generation == long.generation);
            let bytes = long.buffer.get(..packet).unwrap_or(&long.buffer);
            let sent =
                link.and_then(|link| Some((link, link.sock?))).map(|(link, sock)| {
                    match link.kind {
                        Kind::Tcp => self.stack.send(sock, bytes),
                        Kind::Udp => self.stack.send_to(sock, bytes, link.remote.into()),
                    }
                });
            match sent {
                Some(Ok(count)) if count > 0 => {
                    long.buffer.drain(..count.min(long.buffer.len()));
                    long.sent += count;
                }
                Some(Ok(_) | Err(nb::Error::WouldBlock)) => return,
                Some(Err(nb::Error::Other(_))) | None => {
                    long.failed = true;
                    long.buffer.clear();
                }
            }
        }
    }

    pub(crate) fn cipsendlcfg_query(&mut self, _: &mut Call<'_>) -> Answer {
        self.say_line(&format!("+CIPSENDLCFG:{},{}", self.ram.long_report, self.ram.long_packet));
        Ok(Reply::Ok)
    }

    pub(crate) fn cipsendlcfg(&mut self, call: &mut Call<'_>) -> Answer {
        let report = call.args.number(100..=1 << 20)?;
        let packet = call.args.opt(100..=2920)?.unwrap_or(2920);
        call.args.end()?;
        self.ram.long_report = report;
        self.ram.long_packet = packet;
        Ok(Reply::Ok)
    }
}

const BUFFER: usize = 8192;
