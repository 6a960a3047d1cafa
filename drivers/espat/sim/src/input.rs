//! What the firmware does with received bytes (protocol section 2.1).

use netdev::Instant;

use crate::faults::Fault;
use crate::firmware::{Firmware, quoted};
use crate::literals;
use crate::passthrough::Pass;
use crate::persona::WhileSending;
use crate::send::Payload;
use crate::sendl::Long;
use crate::worker::Job;

/// What received bytes mean.
#[derive(Debug)]
pub(crate) enum Mode {
    /// Commands, while the worker is free; else they are rejected.
    Line,
    Payload(Payload),
    Long(Long),
    Pass(Pass),
}

impl Firmware {
    /// A chunk has come in.
    pub(crate) fn take_chunk(&mut self, chunk: &[u8], now: Instant) {
        self.now = self.now.max(now);
        self.monitor.count(|c| c.chunks += 1);
        if self.is_deaf() {
            return;
        }
        if self.out.room() == 0 || !self.held.is_empty() {
            return self.hold_chunk(chunk);
        }
        self.use_chunk(chunk);
    }

    /// The task that reads is stuck in a write: bytes wait in the receive ring, as far as it goes.
    fn hold_chunk(&mut self, chunk: &[u8]) {
        let waiting: usize = self.held.iter().map(Vec::len).sum();
        let count = chunk.len().min(RECEIVE_RING.saturating_sub(waiting));
        let (kept, lost) = chunk.split_at_checked(count).unwrap_or((chunk, &[]));
        self.monitor.count(|c| c.overruns += u64::try_from(lost.len()).unwrap_or(0));
        if !kept.is_empty() {
            self.held.push_back(kept.to_vec());
        }
    }

    /// There is room to write again.
    pub(crate) fn poll_held(&mut self) -> bool {
        let mut moved = false;
        while self.out.room() > 0
            && let Some(chunk) = self.held.pop_front()
        {
            self.use_chunk(&chunk);
            moved = true;
        }
        moved
    }

    fn use_chunk(&mut self, chunk: &[u8]) {
        match core::mem::replace(&mut self.mode, Mode::Line) {
            Mode::Line if self.job.is_none() => self.idle_chunk(chunk),
            Mode::Line => self.busy_chunk(chunk),
            Mode::Payload(payload) => self.payload_chunk(payload, chunk),
            Mode::Long(long) => self.long_chunk(long, chunk),
            Mode::Pass(pass) => self.pass_chunk(pass, chunk),
        }
    }

    /// Echo, and the search for the end of the line.
    fn idle_chunk(&mut self, chunk: &[u8]) {
        let before = self.line.len();
        self.line.extend_from_slice(chunk);
        let Some(end) = self.find_end() else {
            if self.ram.echo {
                self.say(chunk);
            }
            if self.line.len() >= LINE_LIMIT {
                self.monitor.count(|c| c.long_lines += 1);
                self.line.drain(..self.line.len() - usize::from(self.line.ends_with(b"\r")));
            }
            return;
        };
        // What a NUL threw away was echoed all the same.
        let thrown = before + chunk.len() - self.line.len();
        let used = (end + 2 + thrown).saturating_sub(before).min(chunk.len());
        let (mine, rest) = chunk.split_at_checked(used).unwrap_or((chunk, &[]));
        if self.ram.echo {
            self.say(mine);
        }
        let mut line = core::mem::take(&mut self.line);
        line.truncate(end);
        self.take_line(line);
        if !rest.is_empty() {
            self.monitor.count(|c| c.bursts += 1);
            self.reject(rest);
        }
    }

    /// The place of `\r\n` in the buffer, after a NUL has thrown away what stood before it.
    fn find_end(&mut self) -> Option<usize> {
        loop {
            let end = self.line.windows(2).position(|pair| pair == b"\r\n");
            let nul = self.line.iter().position(|byte| *byte == 0);
            match nul {
                Some(nul) if end.is_none_or(|end| nul < end) => {
                    self.monitor.count(|c| c.nul_bytes += 1);
                    self.line.drain(..=nul);
                }
                _ => return end,
            }
        }
    }

    /// A line is complete: the worker takes it up.
    fn take_line(&mut self, line: Vec<u8>) {
        self.trace(|| format!("> {}", quoted(&line)));
        self.monitor.count(|c| c.commands += 1);
        if self.strikes(Fault::Silence) {
            return self.fall_silent();
        }
        if self.strikes(Fault::Ready) {
            self.restart =
                Some(crate::firmware::Restart { sleep: Some(core::time::Duration::ZERO) });
            return;
        }
        if self.strikes(Fault::Busy) {
            return self.reject(&line);
        }
        self.job = Some(Job::Command { line, at: self.now + self.setup.latency });
    }

    /// A command runs: bytes are lost, and each chunk is answered.
    fn busy_chunk(&mut self, chunk: &[u8]) {
        if let Some(Job::Send(_)) = self.job {
            let count = u64::try_from(chunk.len()).unwrap_or(0);
            self.monitor.count(|c| c.bytes_while_sending += count);
            match self.persona.while_sending {
                WhileSending::Silent => {}
                WhileSending::BusySending => self.say(literals::BUSY_SENDING),
                WhileSending::BusyProcessing => self.say(literals::BUSY),
            }
            return;
        }
        if chunk.windows(RESET.len()).any(|part| part == RESET) {
            self.say(literals::FORCED_RESTART);
            self.say(literals::OK);
            if let Some(job) = self.job.take() {
                self.abandon(job);
            }
            self.job = Some(self.restart_job());
            return;
        }
        self.monitor.count(|c| c.busy_chunks += 1);
        self.reject(chunk);
    }

    pub(crate) fn reject(&mut self, lost: &[u8]) {
        self.trace(|| format!("> {} (lost)", quoted(lost)));
        if self.ram.syslog {
            self.say(b"ERR CODE:0x010b0000\r\n");
        }
        self.say(literals::BUSY);
    }
}

/// So many bytes without an end are no line.
pub(crate) const LINE_LIMIT: usize = 256;
/// The firmware's receive ring.
const RECEIVE_RING: usize = 2048;
const RESET: &[u8] = b"AT+RST\r\n";
