//! What becomes of request bodies, of failures, and of time.

use core::time::Duration;

use net_http::{self as http, GrowingMux, PatternError, Request, ResponseWriter, Status};

use crate::{Handled, number, pattern, plain_text};

pub(crate) fn register(mux: &mut GrowingMux<'static>) -> Result<(), PatternError> {
    crate::register(
        mux,
        &[
            ("/trailer", trailer),
            ("/noread", |w, _| {
                plain_text(w);
                w.write(b"noread").map(drop)
            }),
            ("/noread-big", |w, _| {
                plain_text(w);
                w.write(&pattern(6000)).map(drop)
            }),
            ("/read-some", read_some),
            ("/read-after", read_after),
            ("/maxbytes", max_bytes),
            ("/panic", |_, _| Err(http::Error::BodyClosed)),
            ("/panic-text", |w, _| {
                w.write(b"lost")?;
                std::panic::resume_unwind(Box::new("a bug"))
            }),
            ("/panic-late", |w, _| {
                plain_text(w);
                w.write(b"partial")?;
                w.flush()?;
                Err(http::Error::BodyClosed)
            }),
            ("/slow", slow),
        ],
    )
}

/// The whole body, or as much of it as came, and whether it ended well.
pub(crate) fn read_all(r: &mut Request<'_>) -> (Vec<u8>, bool) {
    let (mut body, mut piece) = (Vec::new(), vec![0; 4096]);
    loop {
        match r.read(&mut piece) {
            Ok(0) => return (body, true),
            Ok(count) => body.extend_from_slice(piece.get(..count).unwrap_or_default()),
            Err(_) => return (body, false),
        }
    }
}

fn trailer(w: &mut ResponseWriter<'_>, r: &mut Request<'_>) -> Handled {
    let (body, whole) = read_all(r);
    plain_text(w);
    w.header().set("Trailer", "X-Sum");
    writeln!(w, "body={} err={}", body.len(), !whole)?;
    let mut pairs = crate::echoes::Pairs::default();
    let chunked = r.content_length().is_none();
    for declared in r.fields().values("Trailer").filter(|_| chunked) {
        let names = declared.split(|byte| *byte == b',').map(<[u8]>::trim_ascii);
        names.for_each(|name| pairs.declare(name));
    }
    r.trailers().for_each(|(name, value)| pairs.add_field(name, value));
    pairs.write(w)?;
    w.trailer("X-Sum", &body.len().to_string())?;
    w.trailer("X-Late", "yes")
}

fn read_some(w: &mut ResponseWriter<'_>, r: &mut Request<'_>) -> Handled {
    let mut body = vec![0; number(r, "n", 3)];
    let mut length = 0;
    while let Some(room) = body.get_mut(length..).filter(|room| !room.is_empty()) {
        match r.read(room) {
            Ok(0) | Err(_) => break,
            Ok(count) => length += count,
        }
    }
    plain_text(w);
    write!(w, "n={length} err={}", length < body.len())
}

fn read_after(w: &mut ResponseWriter<'_>, r: &mut Request<'_>) -> Handled {
    plain_text(w);
    w.write(b"first|")?;
    w.flush()?;
    let (body, whole) = read_all(r);
    write!(w, "n={} err={}", body.len(), !whole)
}

fn max_bytes(w: &mut ResponseWriter<'_>, r: &mut Request<'_>) -> Handled {
    r.limit_body(10);
    let (body, whole) = read_all(r);
    plain_text(w);
    if whole {
        return write!(w, "n={}", body.len());
    }
    w.write_header(Status::REQUEST_ENTITY_TOO_LARGE);
    write!(w, "too large after {}", body.len())
}

fn slow(w: &mut ResponseWriter<'_>, r: &mut Request<'_>) -> Handled {
    let millis = u64::try_from(number(r, "ms", 100)).unwrap_or(100);
    plain_text(w);
    let there = r.pause(Duration::from_millis(millis));
    w.write(if there { b"slow" } else { b"slow, client gone" }).map(drop)
}
