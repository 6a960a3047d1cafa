//! Sends a request and reads its answer's head.

use core::time::Duration;

use net::netdev::Netdev;
use net::{Conn, Connection, Dialer, Instant, TcpConn};

use super::outgoing::{Outgoing, dial_address};
use crate::server::body::Body;
use crate::wire::head::{Finder, Found};
use crate::wire::response::{BadResponse, ResponseHead};
use crate::{Error, Status};

/// An answer whose head is there.
pub(crate) struct Incoming {
    pub(crate) conn: TcpConn,
    pub(crate) head: ResponseHead,
    pub(crate) body: Body,
    limit: Limit,
}

/// How long things may take.
#[derive(Clone, Copy)]
struct Limit {
    total: Option<Instant>,
}

impl Limit {
    fn next(self, device: &dyn Netdev) -> Instant {
        self.total.unwrap_or_else(|| device.platform().now() + STEP)
    }
}

/// How long connecting, the head, or a read of the body may take where no total was set.
const STEP: Duration = Duration::from_secs(30);
/// Interim answers that are skipped.
const INTERIM_MAX: u8 = 32;

pub(crate) fn exchange(
    device: &'static dyn Netdev,
    timeout: Option<Duration>,
    request: &Outgoing<'_>,
    buffer: &mut [u8],
) -> Result<Incoming, Error> {
    let target = request.check()?;
    let limit = Limit { total: timeout.map(|timeout| device.platform().now() + timeout) };
    let address = dial_address(target.authority, buffer).ok_or(Error::HeaderTooLarge)?;
    let dialer = Dialer::on(device).deadline(limit.next(device));
    let Connection::Tcp(conn) = dialer.dial("tcp", address)? else {
        return Err(Error::UnsupportedScheme);
    };
    conn.set_deadline(Some(limit.next(device)))?;
    let (length, part) = request.write(&target, buffer)?;
    let rest = request.body.unwrap_or_default().get(part..).unwrap_or_default();
    let sent = send(&conn, buffer.get(..length).unwrap_or_default(), rest);
    // A server may answer, and close, before it has read everything.
    let answer = read_head(&conn, request.method == "HEAD", buffer);
    let (head, filled) = match (sent, answer) {
        (_, Ok(answer)) => answer,
        (Err(error), Err(_)) | (Ok(()), Err(error)) => return Err(error),
    };
    let come = filled.saturating_sub(usize::from(head.length));
    let body = Body::new(head.framing, come, u64::MAX);
    let incoming = Incoming { conn, head, body, limit };
    incoming.close_at_end();
    Ok(incoming)
}

fn send(conn: &TcpConn, head: &[u8], rest: &[u8]) -> Result<(), Error> {
    conn.write(head).map_err(net::Error::from)?;
    if !rest.is_empty() {
        conn.write(rest).map_err(net::Error::from)?;
    }
    Ok(())
}

/// Reads heads until one is final. Tells how many bytes of the buffer are in use.
fn read_head(
    conn: &dyn Conn,
    to_head: bool,
    buffer: &mut [u8],
) -> Result<(ResponseHead, usize), Error> {
    let (mut filled, mut interim) = (0, 0);
    let mut finder = Finder::new();
    loop {
        if let Found::End(end) = finder.find(buffer.get(..filled).unwrap_or_default()) {
            let head = ResponseHead::parse(buffer.get(..end).unwrap_or_default(), to_head)?;
            let last =
                !head.status.is_informational() || head.status == Status::SWITCHING_PROTOCOLS;
            if last {
                return Ok((head, filled));
            }
            interim += 1;
            if interim > INTERIM_MAX {
                return Err(BadResponse::TooLarge.into());
            }
            buffer.copy_within(end..filled, 0);
            filled -= end;
            finder = Finder::new();
            continue;
        }
        let room = buffer.len().min(usize::from(u16::MAX));
        let free = buffer.get_mut(filled..room).unwrap_or_default();
        if free.is_empty() {
            return Err(BadResponse::TooLarge.into());
        }
        match conn.read(free)? {
            0 => return Err(Error::UnexpectedEnd),
            count => filled += count,
        }
    }
}

impl Incoming {
    /// Reads from the body; `region` is the buffer behind the head.
    pub(crate) fn read(&mut self, region: &mut [u8], buf: &mut [u8]) -> Result<usize, Error> {
        if buf.is_empty() {
            return Ok(0);
        }
        if let Some(error) = self.body.broken() {
            return Err(error);
        }
        let result = self.read_on(region, buf);
        if let Err(error) = result {
            self.body.give_up(error);
            let _ = self.conn.close();
        }
        self.close_at_end();
        result
    }

    fn read_on(&mut self, region: &mut [u8], buf: &mut [u8]) -> Result<usize, Error> {
        loop {
            self.body.decode(region)?;
            let count = self.body.take(region, buf);
            if count > 0 || self.body.complete() {
                return Ok(count);
            }
            let until = self.limit.next(self.conn.device());
            self.conn.set_read_deadline(Some(until))?;
            let Some(left) = self.body.left() else {
                let free = self.body.free(region);
                if free.is_empty() {
                    return Err(BadResponse::TooLarge.into());
                }
                match self.conn.read(free)? {
                    0 => return Err(Error::UnexpectedEnd),
                    count => self.body.came(count),
                }
                continue;
            };
            let most = usize::try_from(left).unwrap_or(usize::MAX).min(buf.len());
            let count = self.conn.read(buf.get_mut(..most).unwrap_or_default())?;
            if count == 0 {
                return if self.body.ends_with_connection() {
                    Ok(0)
                } else {
                    Err(Error::UnexpectedEnd)
                };
            }
            self.body.passed_by(count)?;
            return Ok(count);
        }
    }

    /// The connection serves one answer: it is given back as soon as that is read.
    fn close_at_end(&self) {
        if self.body.complete() && self.body.is_taken() {
            let _ = self.conn.close();
        }
    }
}
