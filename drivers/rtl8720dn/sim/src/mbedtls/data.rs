//! What crosses a connection once it stands.

use core::time::Duration;

use netdev::Instant;

use crate::codec::{Args, Out};
use crate::errno::EAGAIN;
use crate::firmware::Firmware;
use crate::lwip::Got;
use crate::wait::{HEAP, Step, Wait};

const WANT_READ: i32 = -26_880;
const RECEIVE_FAILED: i32 = -76;
const SEND_FAILED: i32 = -78;
const RESET: i32 = -80;
/// The most that fits a reply, and a record.
const RECEIVE_MAX: usize = 4080;
const RECORD: usize = 8192;

/// Bytes that a record could not take yet: the firmware loops until it can.
#[derive(Debug)]
pub(crate) struct TlsSend {
    handle: u32,
    data: Vec<u8>,
}

impl Firmware {
    fn tls_socket(&mut self, handle: u32) -> Option<i32> {
        self.tls.get(handle).filter(|client| client.connected).map(|client| client.socket)
    }

    /// Whether reading would tell something; it takes a while to say.
    pub(super) fn data_to_read(&mut self, handle: u32, now: Instant) -> Step {
        let ready = match self.tls_socket(handle) {
            Some(socket) => match self.lwip.take(socket, 1, true, now) {
                Ok(_) => 0,
                Err(EAGAIN) => WANT_READ,
                Err(_) => RESET,
            },
            None => RECEIVE_FAILED,
        };
        Step::At(now + LOOK, Out::from(ready))
    }

    pub(super) fn start_tls_send(&mut self, args: &Args, now: Instant) -> Step {
        let (data, length) = (args.bytes(1), usize::from(args.short(2)));
        if length > data.len() {
            self.monitor.count(|c| c.missing_arguments += 1);
        }
        let mut data = data.to_vec();
        data.truncate(length);
        self.resume_tls_send(TlsSend { handle: args.number(0), data }, now)
    }

    pub(crate) fn resume_tls_send(&mut self, send: TlsSend, _: Instant) -> Step {
        let Some(socket) = self.tls_socket(send.handle) else {
            return Out::from(SEND_FAILED).into();
        };
        let result = match self.lwip.write(socket, &send.data) {
            Ok(count) => i32::try_from(count).unwrap_or(i32::MAX),
            Err(EAGAIN) if !send.data.is_empty() => return Step::Wait(Wait::TlsSend(send)),
            Err(_) => RESET,
        };
        Out::from(result).into()
    }

    /// At most a record at a time; one byte of filler where there is nothing.
    pub(super) fn tls_receive(&mut self, handle: u32, length: usize) -> Step {
        if length > RECEIVE_MAX {
            self.monitor.count(|c| c.oversize_requests += 1);
        }
        if length > HEAP {
            return self.exhausted();
        }
        let got = match self.tls_socket(handle) {
            Some(socket) => self.lwip.take(socket, length.min(RECORD), false, Instant::START),
            None => return Out::default().bin(&[0]).i32(RECEIVE_FAILED).into(),
        };
        let out = Out::default();
        match got {
            Ok(Got::Data(data, _)) if !data.is_empty() => {
                let count = i32::try_from(data.len()).unwrap_or(i32::MAX);
                out.bin(&data).i32(count)
            }
            Ok(_) => out.bin(&[0]).i32(0),
            Err(EAGAIN) => out.bin(&[0]).i32(WANT_READ),
            Err(_) => out.bin(&[0]).i32(RESET),
        }
        .into()
    }
}

const LOOK: Duration = Duration::from_millis(10);
