//! A line on which one byte goes wrong.

use std::sync::{Arc, Mutex};

use netdev_sim::SimLink;
use netdev_uart::{LineError, UartLink};

/// What happens to one byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Noise {
    /// Bits are changed.
    Flip(u8),
    /// It is not there.
    Drop,
    /// It is there twice.
    Double,
    /// From here on nothing comes, or goes.
    Silence,
}

/// Something that is done at a moment.
type Deed = Box<dyn FnMut() + Send>;

/// Where, and what came and went so far.
#[derive(Default)]
pub(crate) struct Plan {
    /// Done once so many bytes have come.
    pub(crate) at_read: Option<(usize, Deed)>,
    /// Done once so many bytes have gone.
    pub(crate) at_write: Option<(usize, Deed)>,
    /// Done before every fourth byte that is written.
    pub(crate) at_each_write: Option<Deed>,
    pub(crate) in_read: Option<(usize, Noise)>,
    pub(crate) in_write: Option<(usize, Noise)>,
    pub(crate) read: Vec<u8>,
    pub(crate) written: Vec<u8>,
    next_deed: usize,
    dead: bool,
    /// The second of a doubled byte.
    again: Option<u8>,
}

impl Plan {
    /// Counts from here.
    pub(crate) fn restart(&mut self) {
        *self = Self::default();
    }
}

/// The line.
pub(crate) struct Noisy {
    link: SimLink,
    pub(crate) plan: Arc<Mutex<Plan>>,
}

impl Noisy {
    pub(crate) fn new(link: SimLink, plan: Arc<Mutex<Plan>>) -> Self {
        Self { link, plan }
    }
}

impl UartLink for Noisy {
    fn read(&mut self, buf: &mut [u8]) -> Result<usize, LineError> {
        let mut plan = self.plan.lock().unwrap();
        if let (Some(byte), Some(place)) = (plan.again, buf.first_mut()) {
            *place = byte;
            plan.again = None;
            return Ok(1);
        }
        let before = plan.read.len();
        if let Some((_, mut deed)) = plan.at_read.take_if(|(at, _)| before >= *at) {
            deed();
        }
        let to_deed = plan.at_read.as_ref().map_or(usize::MAX, |(at, _)| at - before);
        let most = match plan.in_read {
            Some((at, _)) if at > before => buf.len().min(at - before),
            Some((at, _)) if at == before => buf.len().min(1),
            _ => buf.len(),
        };
        let most = most.min(to_deed);
        let count = self.link.read(&mut buf[..most])?;
        if plan.dead {
            return Ok(0);
        }
        plan.read.extend(&buf[..count]);
        match plan.in_read {
            Some((at, noise)) if count == 1 && at == before => match noise {
                Noise::Flip(bits) => buf[0] ^= bits,
                Noise::Drop => return Ok(0),
                Noise::Double => plan.again = Some(buf[0]),
                Noise::Silence => {
                    plan.dead = true;
                    return Ok(0);
                }
            },
            _ => {}
        }
        Ok(count)
    }

    fn write(&mut self, bytes: &[u8]) -> Result<usize, LineError> {
        let mut plan = self.plan.lock().unwrap();
        if bytes.is_empty() {
            return Ok(0);
        }
        if plan.dead {
            return Ok(bytes.len());
        }
        let before = plan.written.len();
        if before >= plan.next_deed
            && let Some(mut deed) = plan.at_each_write.take()
        {
            deed();
            plan.next_deed = before + 4;
            plan.at_each_write = Some(deed);
        }
        if let Some((_, mut deed)) = plan.at_write.take_if(|(at, _)| before >= *at) {
            deed();
        }
        let noise = plan.in_write.filter(|(at, _)| *at >= before);
        let to_deed = plan.at_write.as_ref().map_or(usize::MAX, |(at, _)| at - before);
        let to_noise = noise.map_or(usize::MAX, |(at, _)| at - before);
        let Some((_, noise)) = noise.filter(|_| to_noise == 0) else {
            let count = self.link.write(&bytes[..bytes.len().min(to_noise).min(to_deed)])?;
            plan.written.extend(&bytes[..count]);
            return Ok(count);
        };
        let byte = bytes[0];
        let done = match noise {
            Noise::Flip(bits) => self.link.write(&[byte ^ bits])? == 1,
            Noise::Drop => true,
            Noise::Double => {
                let count = self.link.write(&[byte, byte])?;
                if count == 1 {
                    while self.link.write(&[byte])? == 0 {}
                }
                count > 0
            }
            Noise::Silence => {
                plan.dead = true;
                true
            }
        };
        if done {
            plan.written.push(byte);
        }
        Ok(usize::from(done))
    }

    fn flush(&mut self) -> nb::Result<(), LineError> {
        self.link.flush()
    }

    fn capacity(&self) -> usize {
        self.link.capacity()
    }

    fn set_baud(&mut self, baud: u32) -> Result<(), LineError> {
        self.link.set_baud(baud)
    }

    fn set_enabled(&mut self, enabled: bool) -> Result<(), LineError> {
        // The pin is not on the line.
        self.plan.lock().unwrap().dead = false;
        self.link.set_enabled(enabled)
    }
}
