//! Handlers that use what there is.

use core::cell::{Cell, RefCell};

use net_http::{self as http, OneConn, Request, ResponseWriter, Server, Status};

use super::conn::{Device, Scripted};

type Handled = Result<(), http::Error>;

static FILES: &[(&str, &[u8])] =
    &[("a.txt", b"0123456789abcdefghijklmnopqrstuvwxyz"), ("sub/index.html", b"<p>sub</p>")];

static TREE: http::StripPrefix<'static, http::FileServer<http::Assets<'static>>> =
    http::strip_prefix(
        "/s/",
        http::FileServer::new(http::Assets::new(FILES).modified(1_704_164_645)),
    );

pub(crate) fn mux() -> http::ServeMux<'static, 9> {
    let mut mux = http::ServeMux::new();
    let routes: [(&str, &'static dyn http::Handler); 9] = [
        ("/{$}", &root),
        ("/e", &echo),
        ("/f", &form),
        ("/c", &cookies),
        ("/l", &limited),
        ("/r", &redirect),
        ("/t/{name}/{rest...}", &trailers),
        ("/b", &big),
        ("/s/", &TREE),
    ];
    for (pattern, handler) in routes {
        assert_eq!(mux.handle(pattern, handler), Ok(()));
    }
    mux
}

fn root(w: &mut ResponseWriter<'_>, _: &mut Request<'_>) -> Handled {
    w.write(b"root").map(drop)
}

fn big(w: &mut ResponseWriter<'_>, _: &mut Request<'_>) -> Handled {
    w.write(&vec![b'x'; 3000]).map(drop)
}

/// Everything that can be read of a body, and whether it ended well.
fn read(r: &mut Request<'_>) -> (Vec<u8>, bool) {
    let (mut body, mut piece) = (Vec::new(), [0; 100]);
    loop {
        match r.read(&mut piece) {
            Ok(0) => return (body, true),
            Ok(count) => body.extend_from_slice(&piece[..count]),
            Err(_) => return (body, false),
        }
    }
}

fn echo(w: &mut ResponseWriter<'_>, r: &mut Request<'_>) -> Handled {
    let (body, whole) = read(r);
    if let Some(declared) = r.content_length().filter(|_| whole) {
        assert_eq!(declared, body.len() as u64);
    }
    w.header().set("Content-Type", r.header("Content-Type").unwrap_or("a/b"));
    w.write(&body)?;
    write!(w, " {whole}")
}

fn form(w: &mut ResponseWriter<'_>, r: &mut Request<'_>) -> Handled {
    let query = r.query();
    let mut room = [0; 300];
    let post = r.read_form(&mut room)?;
    for (name, value) in post.pairs().chain(query.pairs()) {
        write!(w, "{name}={value};")?;
    }
    Ok(())
}

fn cookies(w: &mut ResponseWriter<'_>, r: &mut Request<'_>) -> Handled {
    for cookie in r.cookies() {
        http::set_cookie(w, &cookie);
    }
    write!(w, "{:?}", r.basic_auth(&mut [0; 50]))
}

fn limited(w: &mut ResponseWriter<'_>, r: &mut Request<'_>) -> Handled {
    r.limit_body(10);
    let (body, whole) = read(r);
    assert!(body.len() <= 10);
    if !whole {
        w.write_header(Status::REQUEST_ENTITY_TOO_LARGE);
    }
    w.write(&body).map(drop)
}

fn redirect(w: &mut ResponseWriter<'_>, r: &mut Request<'_>) -> Handled {
    let to = r.query().get("to").map(|to| to.to_string()).unwrap_or_default();
    http::redirect(w, r, &to, Status::FOUND)
}

fn trailers(w: &mut ResponseWriter<'_>, r: &mut Request<'_>) -> Handled {
    let (_, whole) = read(r);
    write!(w, "{:?} {:?} {whole}", r.path_value("name"), r.path_value("rest"))?;
    for (name, value) in r.trailers().filter(|_| whole) {
        assert!(!name.is_empty());
        let _ = w.trailer(name, core::str::from_utf8(value).unwrap_or_default());
    }
    Ok(())
}

/// Asks a router for a path; what answers is one of those that are registered.
pub(crate) fn route(mux: &http::ServeMux<'_, 12>, path: &str, registered: &[&str]) {
    let raw = format!("GET {path} HTTP/1.0\r\nHost: h\r\n\r\n");
    let sent = RefCell::new(Vec::new());
    let conn =
        Scripted { input: raw.as_bytes(), read: Cell::new(0), piece: usize::MAX, sent: &sent };
    {
        let mut server = Server::<_, 1, 1024>::new(OneConn::new(conn), mux);
        while server.poll().is_ok() || server.connections() > 0 {
            Device::here().pass(core::time::Duration::from_secs(1));
        }
    }
    let sent = sent.into_inner();
    let text = String::from_utf8_lossy(&sent);
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("{text}"));
    if head.starts_with("HTTP/1.0 200 ") {
        assert!(registered.contains(&body), "{path}: {body}");
    }
}
