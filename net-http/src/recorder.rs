//! A handler without a server: what it answers to one request.

extern crate std;

use core::cell::RefCell;
use std::string::String;
use std::vec::Vec;

use net::netdev::Side;
use net::{Addr, Instant};

use crate::server::body::Body;
use crate::server::exchange::Exchange;
use crate::server::outgoing::Outgoing;
use crate::server::source::Source;
use crate::server::writer::ResponseWriter;
use crate::wire::head::{Fields, Finder, Found};
use crate::wire::request::RequestHead;
use crate::{Error, Failed, Handler, Request, Version};

/// An answer, taken apart.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) fields: Vec<(String, Vec<u8>)>,
    pub(crate) body: Vec<u8>,
}

/// Everything is there, and everything goes.
struct Recorded<'b> {
    body: RefCell<&'b [u8]>,
    sent: RefCell<Vec<u8>>,
}

impl Exchange for Recorded<'_> {
    fn read_body(&self, buf: &mut [u8]) -> Result<usize, Error> {
        let mut body = self.body.borrow_mut();
        let (now, later) = body.split_at(body.len().min(buf.len()));
        buf[..now.len()].copy_from_slice(now);
        *body = later;
        Ok(now.len())
    }

    fn limit_body(&self, _: u64) {}

    fn trailers(&self) -> &[u8] {
        &[]
    }

    fn send(&self, data: &[u8]) -> Result<(), Error> {
        self.sent.borrow_mut().extend_from_slice(data);
        Ok(())
    }

    fn settle_body(&self, closing: bool) -> bool {
        closing
    }

    fn read_behind(&self, _: &mut [u8]) -> Result<usize, Error> {
        Ok(0)
    }

    fn set_deadline(&self, _: Side, _: Option<Instant>) {}

    fn pause(&self, _: Instant) -> bool {
        true
    }

    fn now(&self) -> Instant {
        Instant::START
    }

    fn unix_time(&self) -> Option<u64> {
        None
    }

    fn addrs(&self) -> (Option<Addr>, Option<Addr>) {
        (None, None)
    }
}

/// What `handler` answers to a request; `None` if it gives up, or the request is malformed.
pub(crate) fn ask(raw: &[u8], handler: impl Handler) -> Option<Answer> {
    let Found::End(end) = Finder::default().find(raw) else { return None };
    let head = RequestHead::parse(&raw[..end], 500).ok()?;
    let mut region = raw[end..].to_vec();
    let mut body = Body::new(head.framing, region.len(), u64::MAX);
    let _ = body.decode(&mut region);
    let body = &region[..body.end_of_ready()];
    let exchange = Recorded { body: RefCell::new(body), sent: RefCell::default() };
    let mut request = Request::new(raw, &head, Some(body), &exchange);
    let mut out = std::vec![0; 16_384];
    let outgoing =
        Outgoing::new(request.method() == "HEAD", head.version >= Version::HTTP_11, true);
    let mut writer = ResponseWriter::new(&exchange, &mut out, outgoing);
    let rest = handler
        .serve(&mut writer, &mut request)
        .and_then(|()| writer.finish().map_err(|_| Failed))
        .ok()?;
    let source = core::mem::take(&mut writer.source);
    drop(writer);
    let mut sent = exchange.sent.into_inner();
    sent.extend_from_slice(&out[rest.0..rest.1]);
    if let Source::Static(data) = source {
        sent.extend_from_slice(data);
    }
    take_apart(&sent)
}

fn take_apart(sent: &[u8]) -> Option<Answer> {
    let Found::End(end) = Finder::default().find(sent) else { return None };
    let (line, _) = crate::wire::head::split_line(sent);
    let block = sent.get(line.len() + 2..end)?;
    Some(Answer {
        status: core::str::from_utf8(line.get(9..12)?).ok()?.parse().ok()?,
        fields: Fields::new(block).map(|(name, value)| (name.into(), value.to_vec())).collect(),
        body: sent[end..].to_vec(),
    })
}

#[cfg(test)]
pub(crate) mod tests;
