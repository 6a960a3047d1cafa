//! A module of moods: it answers what was asked, in the right shape, or says anything.

use core::time::Duration;
use std::collections::VecDeque;

use espat::{LineError, UartLink};

use super::World;

pub(crate) struct Module {
    world: World,
    old: bool,
    line: Vec<u8>,
    to_host: VecDeque<u8>,
    /// Payload bytes that are still awaited, of so many.
    awaited: usize,
    payload: usize,
    /// Answers that still come as they should, whatever the input says.
    well_behaved: u8,
}

impl Module {
    pub(crate) fn new(world: World, mode: u8) -> Self {
        Self {
            world,
            old: mode & 8 != 0,
            line: Vec::new(),
            to_host: VecDeque::new(),
            awaited: 0,
            payload: 0,
            well_behaved: 12 + (mode >> 4) * 2,
        }
    }

    fn say(&mut self, text: &str) {
        self.to_host.extend(text.as_bytes());
    }

    fn hear(&mut self, byte: u8) {
        if self.awaited > 0 {
            self.awaited -= 1;
            if self.awaited == 0 {
                let count = self.payload;
                self.say(&format!("\r\nRecv {count} bytes\r\n"));
                self.mischief();
                self.say("\r\nSEND OK\r\n");
            }
            return;
        }
        self.line.push(byte);
        if self.line.ends_with(b"\r\n") || self.line.len() > 300 {
            let line = String::from_utf8_lossy(&self.line).trim_end().to_owned();
            self.line.clear();
            self.obey(&line);
        }
    }

    fn obey(&mut self, line: &str) {
        let good = self.well_behaved > 0;
        self.well_behaved = self.well_behaved.saturating_sub(1);
        if !good {
            match self.world.byte() {
                0..=15 => return,
                16..=31 => return self.say("\r\nERROR\r\n"),
                32..=39 => return self.say("\r\nbusy p...\r\n"),
                40..=63 => return self.garbage(),
                64..=95 => self.mischief(),
                _ => {}
            }
        }
        self.answer(line);
    }

    /// What a firmware says; only the values are the input's.
    fn answer(&mut self, line: &str) {
        let id = line.split(['=', ',']).nth(1).unwrap_or("4").to_owned();
        let name = line.split(['=', '?']).next().unwrap_or_default();
        let count = line.split(',').nth(1).and_then(|it| it.parse().ok()).unwrap_or(0);
        match name.trim_end_matches("_CUR") {
            "AT+GMR" if self.old => self.say("AT version:1.7.5.0(x)\r\n"),
            "AT+GMR" => self.say("AT version:4.1.0.0(x)\r\n"),
            "AT+CIPMUX" if line.ends_with('?') => self.say("+CIPMUX:1\r\n"),
            "AT+CWJAP" => self.say("WIFI CONNECTED\r\nWIFI GOT IP\r\n"),
            "AT+CIPSTA" | "AT+CIPAP" => {
                let name = &name[2..];
                self.say(&format!("{name}:ip:\"10.0.0.2\"\r\n{name}:netmask:\"255.0.0.0\"\r\n"));
            }
            "AT+CIPSTART" => self.say(&format!("{id},CONNECT\r\n")),
            "AT+CIPCLOSE" => self.say(&format!("{id},CLOSED\r\n")),
            "AT+CIPDOMAIN" => self.say("+CIPDOMAIN:\"10.0.0.9\"\r\n"),
            "AT+CIPRECVLEN" => {
                let lengths = [(); 5].map(|()| self.world.byte().to_string()).join(",");
                self.say(&format!("+CIPRECVLEN:{lengths}\r\n"));
            }
            "AT+CIPRECVDATA" => {
                let got = usize::from(self.world.byte()).min(count).max(1);
                let head = if self.old { "\r\n+CIPRECVDATA," } else { "+CIPRECVDATA:" };
                let mark = if self.old { ':' } else { ',' };
                self.say(&format!("{head}{got}{mark}"));
                self.to_host.extend((0..got).map(|_| self.world.byte()));
            }
            "AT+CWLAP" => self.say("+CWLAP:(3,\"home\",-57,\"24:0a:c4:01:02:03\",11,-1,-1)\r\n"),
            "AT+CIPSEND" => {
                (self.awaited, self.payload) = (count, count);
                return self.say("\r\nOK\r\n\r\n>");
            }
            _ => {}
        }
        self.say("\r\nOK\r\n");
    }

    /// Something that nobody asked for.
    fn mischief(&mut self) {
        if self.well_behaved > 0 {
            return;
        }
        let id = self.world.byte() % 6;
        let count = self.world.byte();
        let text = match self.world.byte() % 12 {
            0 => format!("{id},CLOSED\r\n"),
            1 => format!("{id},CONNECT\r\n"),
            2 => format!("+LINK_CONN:0,{id},\"TCP\",1,\"10.0.0.9\",{count}00,80\r\n"),
            3 => format!("\r\n+IPD,{id},{count}\r\n"),
            4 => format!("\r\n+IPD,{id},{count}:"),
            5 => format!("\r\n+IPD,{id},3,\"10.0.0.9\",{count}:abc\r\n"),
            6 => "WIFI DISCONNECT\r\n".into(),
            7 => "WIFI GOT IP\r\n".into(),
            8 => "\r\nready\r\n".into(),
            9 => ">".into(),
            10 => "+TIME_UPDATED\r\n".into(),
            _ => return self.garbage(),
        };
        self.say(&text);
    }

    fn garbage(&mut self) {
        let length = self.world.byte() & 0x3F;
        self.to_host.extend((0..length).map(|_| self.world.byte()));
    }
}

impl UartLink for Module {
    fn read(&mut self, buf: &mut [u8]) -> Result<usize, LineError> {
        self.world.pass(LOOK);
        if self.well_behaved == 0 && self.to_host.is_empty() {
            match self.world.byte() {
                0..=3 => return Err(LineError::Lost),
                4 => return Err(LineError::Bus),
                5..=20 => self.mischief(),
                _ => {}
            }
        }
        let count = buf.len().min(self.to_host.len());
        for place in &mut buf[..count] {
            *place = self.to_host.pop_front().unwrap_or(0);
        }
        Ok(count)
    }

    fn write(&mut self, bytes: &[u8]) -> Result<usize, LineError> {
        self.world.pass(LOOK);
        if bytes == b"+++" && self.awaited > 0 {
            self.awaited = 0;
            self.say("\r\nSEND Canceled\r\n");
            return Ok(3);
        }
        let most = match if self.well_behaved > 0 { 255 } else { self.world.byte() } {
            0 => return Err(LineError::Bus),
            few @ 1..=31 => usize::from(few - 1),
            _ => bytes.len(),
        };
        let count = bytes.len().min(most);
        bytes[..count].iter().for_each(|&byte| self.hear(byte));
        Ok(count)
    }

    fn flush(&mut self) -> nb::Result<(), LineError> {
        Ok(())
    }

    fn capacity(&self) -> usize {
        300
    }

    fn set_baud(&mut self, _: u32) -> Result<(), LineError> {
        Ok(())
    }

    fn set_enabled(&mut self, enabled: bool) -> Result<(), LineError> {
        self.line.clear();
        self.to_host.clear();
        self.awaited = 0;
        if enabled {
            self.say("\r\nready\r\n");
        }
        Ok(())
    }
}

/// What a look at the line takes.
const LOOK: Duration = Duration::from_micros(10);
