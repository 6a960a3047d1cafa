//! What the library helps with: redirects, cookies, credentials, upgrades, files.

use core::time::Duration;

use net_http::{self as http, GrowingMux, Hijacked, PatternError, Request, ResponseWriter, Status};

use crate::{Handled, number, plain_text};

pub(crate) fn register(mux: &mut GrowingMux<'static>) -> Result<(), PatternError> {
    crate::register(
        mux,
        &[("/redirect", redirect), ("/cookie", cookie), ("/auth", auth), ("/hijack", hijack)],
    )?;
    let files = http::FileServer::new(http::Assets::new(FILES).modified(MODIFIED));
    mux.handle("/static/", http::strip_prefix("/static/", files))
}

static FILES: &[(&str, &[u8])] = &[
    ("index.html", b"<!doctype html><p>index</p>\n"),
    ("a.txt", b"0123456789abcdefghijklmnopqrstuvwxyz"),
    ("sub/index.html", b"<p>sub</p>\n"),
    ("sub/b.json", b"{}\n"),
];
/// 2024-01-02 03:04:05 UTC.
const MODIFIED: u64 = 1_704_164_645;

fn redirect(w: &mut ResponseWriter<'_>, r: &mut Request<'_>) -> Handled {
    let to = r.query().get("to").map(|to| to.to_string()).unwrap_or_default();
    let code = u16::try_from(number(r, "code", 302)).ok().and_then(Status::new);
    http::redirect(w, r, &to, code.ok_or(http::Error::InvalidField)?)
}

fn cookie(w: &mut ResponseWriter<'_>, r: &mut Request<'_>) -> Handled {
    let mut count = 0_i64;
    if let Some(cookie) = r.cookie("access") {
        let Ok(sent) = cookie.value.parse() else {
            let text = format!("invalid cookie.Value : {}", cookie.value);
            return http::error(w, &text, Status::BAD_REQUEST);
        };
        count = sent;
    }
    let value = count.wrapping_add(1).to_string();
    let mut cookie = http::Cookie::new("access", &value);
    cookie.path = "/cookie";
    cookie.http_only = true;
    cookie.max_age = Some(60);
    http::set_cookie(w, &cookie);
    plain_text(w);
    writeln!(w, "access: {value}")
}

fn auth(w: &mut ResponseWriter<'_>, r: &mut Request<'_>) -> Handled {
    if r.basic_auth(&mut [0; 256]) != Some(("u", "p")) {
        w.header().set("WWW-Authenticate", "Basic realm=\"r\"");
        return http::error(w, "no", Status::UNAUTHORIZED);
    }
    plain_text(w);
    w.write(b"yes").map(drop)
}

fn hijack(w: &mut ResponseWriter<'_>, r: &mut Request<'_>) -> Handled {
    if !r.header("Upgrade").is_some_and(|to| to.eq_ignore_ascii_case("echo")) {
        w.header().set("Upgrade", "echo");
        w.header().set("Connection", "Upgrade");
        return http::error(w, "upgrade to echo", Status::UPGRADE_REQUIRED);
    }
    shout(w.hijack()?)
}

/// Sends each line back in capitals, until `quit`, the end, or five seconds of silence.
fn shout(mut conn: Hijacked<'_, '_>) -> Handled {
    conn.write(
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: echo\r\nConnection: Upgrade\r\n\r\n",
    )?;
    let (mut line, mut piece) = (Vec::new(), [0; 512]);
    loop {
        conn.set_read_deadline(Some(conn.now() + Duration::from_secs(5)));
        let count = conn.read(&mut piece).unwrap_or(0);
        for byte in piece.iter().take(count) {
            line.push(*byte);
            if *byte == b'\n' {
                conn.write(&line.to_ascii_uppercase())?;
                if line == b"quit\n" {
                    return Ok(());
                }
                line.clear();
            }
        }
        if count == 0 {
            return conn.write(&line.to_ascii_uppercase()).map(drop);
        }
    }
}
