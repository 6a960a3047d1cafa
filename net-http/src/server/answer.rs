//! Runs one handler, and sees its answer off.

use net::Instant;

use super::core::{Core, Verdict};
use super::exchange::{Exchange, Live};
use super::outgoing::Outgoing;
use super::slot::{NEVER, Phase, Slots, Then, View};
use super::source::Source;
use super::waiter::Waiter;
use super::writer::{ResponseWriter, Taken};
use crate::{Failed, Handler, Request, Version};

/// What is left to do when a handler is done.
struct Done {
    /// Where the rest of the answer lies in the response buffer.
    rest: (usize, usize),
    source: Source,
    close: bool,
    taken: Taken,
}

/// Answers the request of a connection that is ready.
pub(crate) fn answer(
    core: &mut Core,
    view: View<'_>,
    others: &mut dyn Slots,
    handler: &dyn Handler,
    out: &mut [u8],
) -> Verdict {
    let View { conn, state, buffer } = view;
    let Some(head) = state.head.take() else { return Verdict::Close };
    core.enter(state, Phase::Head, NEVER);
    let outgoing = Outgoing::new(
        head.method.bytes(buffer) == b"HEAD",
        head.version >= Version::HTTP_11,
        head.keep_alive && !core.stopping && head.method.bytes(buffer) != b"CONNECT",
    );
    let strays = if head.method.bytes(buffer) == b"POST" { STRAYS } else { 0 };

    let (head_part, region) = buffer.split_at_mut(usize::from(head.length).min(buffer.len()));
    let waiter = Waiter::new(core, others);
    let live = Live::new(conn, waiter, state.body, region, head.expects_continue);
    let request = Request::new(head_part, &head, live.gathered(), &live);
    let writer = ResponseWriter::new(&live, out, outgoing);
    let done = run(&live, request, writer, handler);
    let inner = live.into_inner();
    let (mut waiter, body) = (inner.waiter, inner.body);
    state.ended |= inner.ended;
    let Ok(done) = done else { return Verdict::Close };

    let (clean, next, start) = (body.complete(), body.next_request(), usize::from(head.length));
    state.filled = next.len();
    state.strays = strays;
    buffer.copy_within(start + next.start..(start + next.end).min(buffer.len()), 0);
    match done.taken {
        Taken::No => {}
        Taken::Here => return Verdict::Close,
        Taken::Away => return Verdict::Detach,
    }
    state.then = match (clean && !done.close && !state.ended, clean && state.filled == 0) {
        (true, _) => Then::Next,
        (false, true) => Then::Close,
        (false, false) => Then::Linger,
    };
    state.source = done.source;
    let data = out.get(done.rest.0..done.rest.1).unwrap_or_default();
    see_off(&mut waiter, View { conn, state, buffer }, data)
}

/// Line ends that are skipped behind the body of a POST.
const STRAYS: u8 = 4;

fn run(
    live: &Live<'_, '_>,
    mut request: Request<'_>,
    mut writer: ResponseWriter<'_>,
    handler: &dyn Handler,
) -> Result<Done, Failed> {
    let begun = if LOGS { live.now() } else { NEVER };
    let result = if request.method == "OPTIONS" && request.target == "*" {
        writer.header().set("Content-Length", "0");
        Ok(())
    } else {
        guarded(handler, &mut writer, &mut request)
    };
    let rest = result.and_then(|()| writer.finish().map_err(|_| Failed));
    if LOGS {
        log(&request, &writer, rest.is_ok(), begun, live);
    }
    Ok(Done { rest: rest?, source: writer.source, close: writer.out.close, taken: writer.taken })
}

/// Whether anybody could read what is logged.
const LOGS: bool = cfg!(any(feature = "log", feature = "defmt"));

/// A handler that panics cuts its connection and nothing else.
#[cfg(feature = "std")]
fn guarded(
    handler: &dyn Handler,
    writer: &mut ResponseWriter<'_>,
    request: &mut Request<'_>,
) -> Result<(), Failed> {
    let call = core::panic::AssertUnwindSafe(|| handler.serve(writer, request));
    std::panic::catch_unwind(call).unwrap_or(Err(Failed))
}

#[cfg(not(feature = "std"))]
fn guarded(
    handler: &dyn Handler,
    writer: &mut ResponseWriter<'_>,
    request: &mut Request<'_>,
) -> Result<(), Failed> {
    handler.serve(writer, request)
}

fn log(
    request: &Request<'_>,
    writer: &ResponseWriter<'_>,
    whole: bool,
    begun: Instant,
    live: &Live<'_, '_>,
) {
    let micros = live.now().saturating_since(begun).as_micros();
    let micros = u32::try_from(micros).unwrap_or(u32::MAX);
    let (millis, tenths) = (micros / 1000, micros / 100 % 10);
    let status = writer.status().map_or(0, crate::Status::code);
    let how = if whole { "" } else { ", cut off" };
    let (method, target, written) = (request.method, request.target, writer.written());
    match live.addrs().1 {
        Some(peer) => net::netdev::info!(
            "{} {} {} {} bytes {}.{} ms from {}{}",
            method,
            target,
            status,
            written,
            millis,
            tenths,
            peer,
            how
        ),
        None => net::netdev::info!(
            "{} {} {} {} bytes {}.{} ms{}",
            method,
            target,
            status,
            written,
            millis,
            tenths,
            how
        ),
    }
}

/// Sends the rest of an answer. What the client does not take at once is moved into the
/// connection's own buffer and sent later, as soon as it fits there, so that the response buffer
/// and the next handler do not wait for the client.
fn see_off(waiter: &mut Waiter<'_>, view: View<'_>, mut data: &[u8]) -> Verdict {
    while !data.is_empty() {
        let sent = match view.conn.try_write(data) {
            Ok(count) => count,
            Err(nb::Error::Other(_)) => return Verdict::Close,
            Err(nb::Error::WouldBlock) => {
                if view.state.then != Then::Next {
                    // Nobody will look at what came behind this request.
                    view.state.filled = 0;
                }
                let from = view.state.filled;
                if let Some(place) = view.buffer.get_mut(from..from + data.len()) {
                    place.copy_from_slice(data);
                    return later(waiter, view, from, from + data.len());
                }
                match waiter.write(view.conn, data) {
                    Ok(count) => count,
                    Err(_) => return Verdict::Close,
                }
            }
        };
        data = data.get(sent..).unwrap_or_default();
    }
    if view.state.source.is_empty() {
        let now = waiter.core.now();
        return waiter.core.answered(view, now);
    }
    later(waiter, view, 0, 0)
}

/// The rest, in the buffer from here to there and then the source, is sent by the rounds.
fn later(waiter: &mut Waiter<'_>, view: View<'_>, from: usize, to: usize) -> Verdict {
    let core = &mut *waiter.core;
    view.state.moved = 0;
    view.state.touched = core.now();
    let small = |offset| u16::try_from(offset).unwrap_or(u16::MAX);
    let deadline = view.state.touched + core.limits.write_time;
    core.enter(view.state, Phase::Flush { from: small(from), to: small(to) }, deadline);
    Verdict::Keep
}
