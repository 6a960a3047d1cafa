//! The methods of `wifi_mdns`: names, and nothing of services.

use core::net::Ipv4Addr;
use core::time::Duration;

use netdev::Instant;

use crate::codec::{Args, Out};
use crate::firmware::Firmware;
use crate::wait::{Step, Wait};

const NO_MEMORY: i32 = 0x101;
const INVALID_STATE: i32 = 0x103;
const NOT_FOUND: i32 = 0x105;
const TIMEOUT: i32 = 0x107;

/// Services that the responder has room for.
const SERVICES: usize = 16;

#[derive(Debug, Default)]
pub(crate) struct Mdns {
    running: bool,
    /// The name that the chip's own responder answers to.
    host: String,
    services: Vec<(String, String)>,
}

/// A query, which takes its whole time if nobody answers.
#[derive(Debug)]
pub(crate) struct Query {
    /// Of a host; a query for services finds none.
    host: Option<String>,
    pub(crate) until: Instant,
}

impl Firmware {
    pub(crate) fn mdns(&mut self, id: u8, args: &Args, now: Instant) -> Step {
        if id == 1 {
            self.mdns.running = true;
            return Out::from(0).into();
        }
        if !self.mdns.running {
            return match id {
                9 => Out::default().bin(&[0; 4]).i32(INVALID_STATE).into(),
                10 => Out::default().i32(0).i32(INVALID_STATE).into(),
                11 => Out::default().bin(&[0; 138]).i32(INVALID_STATE).into(),
                12 | 13 => Step::Silence,
                _ => Out::from(INVALID_STATE).into(),
            };
        }
        let pair = (args.text(0), args.text(1));
        match id {
            2 => {
                self.mdns = Mdns::default();
                Out::from(0).into()
            }
            3 if self.mdns.services.len() >= SERVICES => Out::from(NO_MEMORY).into(),
            3 => {
                self.mdns.services.push((args.text(1), args.text(2)));
                Out::from(0).into()
            }
            4..=6 => {
                let known = self.mdns.services.contains(&pair);
                if id == 4 {
                    self.mdns.services.retain(|service| *service != pair);
                }
                Out::from(if known { 0 } else { NOT_FOUND }).into()
            }
            8 => {
                self.mdns.host = pair.0;
                Out::from(0).into()
            }
            9 => self.query(Some(pair.0), args.number(1), now),
            10 => self.query(None, args.number(2), now),
            11 => Out::default().bin(&[0; 138]).i32(NOT_FOUND).into(),
            // The wrapper leaves its output null, and the codec refuses it.
            12 | 13 => Step::Silence,
            _ => Out::from(0).into(),
        }
    }

    fn query(&mut self, host: Option<String>, millis: u32, now: Instant) -> Step {
        let until = now + Duration::from_millis(millis.into());
        self.resume_mdns(Query { host, until }, now)
    }

    pub(crate) fn resume_mdns(&mut self, query: Query, now: Instant) -> Step {
        let found = query.host.as_deref().and_then(|host| self.local_name(host, now));
        match (found, &query.host) {
            (Some(addr), _) => Out::default().bin(&addr.octets()).i32(0).into(),
            _ if now < query.until => Step::Wait(Wait::Mdns(query)),
            (None, Some(_)) => Out::default().bin(&[0; 4]).i32(TIMEOUT).into(),
            (None, None) => Out::default().i32(0).i32(0).into(),
        }
    }

    fn local_name(&mut self, host: &str, now: Instant) -> Option<Ipv4Addr> {
        if !self.mdns.host.is_empty() && host == self.mdns.host {
            return Some(self.lwip.addr());
        }
        self.lwip.lookup(&format!("{host}.local"), now).ok()
    }
}
