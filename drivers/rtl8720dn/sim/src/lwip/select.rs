//! `lwip_select`: tells how many sockets are ready, and never which.

use core::time::Duration;

use netdev::Instant;

use super::{Body, Lwip, SOCKETS};
use crate::codec::{Args, Out};
use crate::errno::EBADF;
use crate::wait::{Step, Wait};

/// The sockets asked for, and the moment up to which to wait; `None` is for ever.
#[derive(Clone, Debug)]
pub(crate) struct Sets {
    read: Vec<i32>,
    write: Vec<i32>,
    except: Vec<i32>,
    until: Option<Instant>,
}

impl Sets {
    pub(crate) fn until(&self) -> Option<Instant> {
        self.until
    }
}

impl Lwip {
    pub(super) fn select(&mut self, args: &Args, now: Instant) -> Step {
        let limit = args.signed(0);
        let until = args.nullable(4).map(|timeval| now + duration(timeval));
        if until.is_none() {
            self.monitor.count(|c| c.unbounded_calls += 1);
        }
        let set = |index| members(args.nullable(index), limit);
        let sets = Sets { read: set(1), write: set(2), except: set(3), until };
        self.resume_select(sets, now)
    }

    pub(crate) fn resume_select(&mut self, sets: Sets, now: Instant) -> Step {
        let asked = [sets.read.iter(), sets.write.iter(), sets.except.iter()];
        let known = asked.into_iter().flatten().all(|s| self.exists(*s));
        let ready = self.ready(&sets, now);
        if ready == 0 && !known {
            self.monitor.count(|c| c.bad_sockets += 1);
            return Out::from(self.fail(EBADF)).into();
        }
        if ready > 0 || sets.until.is_some_and(|until| until <= now) {
            return Out::from(ready).into();
        }
        Step::Wait(Wait::Select(sets))
    }

    fn ready(&self, sets: &Sets, now: Instant) -> i32 {
        let count = |set: &[i32], is_ready: &dyn Fn(&Body) -> bool| {
            set.iter().filter(|s| self.body(**s).is_some_and(is_ready)).count()
        };
        let readable = count(&sets.read, &|body| match body {
            Body::Stream(stream) => stream.is_readable(),
            Body::Datagram(datagram) => datagram.is_readable(),
            Body::Raw(raw) => raw.is_readable(now),
        });
        let writable = count(&sets.write, &|body| match body {
            Body::Stream(stream) => stream.is_writable(),
            Body::Datagram(_) | Body::Raw(_) => true,
        });
        let failed = count(
            &sets.except,
            &|body| matches!(body, Body::Stream(stream) if stream.has_failed()),
        );
        i32::try_from(readable + writable + failed).unwrap_or(0)
    }

    fn exists(&self, s: i32) -> bool {
        self.body(s).is_some()
    }

    fn body(&self, s: i32) -> Option<&Body> {
        let index = usize::try_from(s).ok()?;
        self.sockets.get(index)?.as_ref().map(|socket| &socket.body)
    }
}

/// The sockets in an `fd_set`, whatever its length.
fn members(set: Option<&[u8]>, limit: i32) -> Vec<i32> {
    let Some(set) = set else { return Vec::new() };
    let highest = limit.min(i32::try_from(SOCKETS).unwrap_or(0));
    (0..highest)
        .filter(|s| {
            let index = usize::try_from(s / 8).unwrap_or(usize::MAX);
            set.get(index).is_some_and(|byte| byte >> (s % 8) & 1 == 1)
        })
        .collect()
}

fn duration(timeval: &[u8]) -> Duration {
    let mut words = timeval.chunks_exact(4).map(|word| match *word {
        [a, b, c, d] => u64::try_from(i32::from_le_bytes([a, b, c, d])).unwrap_or(0),
        _ => 0,
    });
    let seconds = words.next().unwrap_or(0);
    let micros = words.next().unwrap_or(0);
    Duration::from_secs(seconds) + Duration::from_micros(micros)
}
