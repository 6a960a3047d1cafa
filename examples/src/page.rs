//! A page with a form that switches an LED, the same on a PC and on a board: it takes a [`Board`] and
//! needs no heap. Images for boards include this file by its path.

use core::fmt;
use core::time::Duration;

use net_http::{self as http, Request, ResponseWriter, Status};

/// What the page shows and switches.
pub trait Board {
    /// Whether the LED is on.
    fn led(&self) -> bool;
    /// Switches the LED.
    fn switch_led(&self, on: bool);
    /// For how long the board has been up.
    fn uptime(&self) -> Duration;
    /// Counts one page more, and tells how many there were.
    fn count_page(&self) -> u32;
    /// Writes a [`row`] for each thing that the device has counted or measured.
    ///
    /// # Errors
    /// As [`row`].
    fn rows(&self, w: &mut ResponseWriter<'_>) -> Result<(), http::Error>;
}

/// Where the page is.
pub const SHOW: &str = "GET /{$}";
/// Where its form goes.
pub const SWITCH: &str = "POST /led";

/// Answers with the page.
///
/// # Errors
/// As [`ResponseWriter::write`].
pub fn show(board: &impl Board, w: &mut ResponseWriter<'_>) -> Result<(), http::Error> {
    let (led, other) = if board.led() { ("on", "off") } else { ("off", "on") };
    w.header().set("Content-Type", "text/html; charset=utf-8");
    w.header().set("Cache-Control", "no-store");
    w.write(HEAD.as_bytes())?;
    write!(
        w,
        "<p><span class=\"led {led}\"></span> The LED is {led}.</p>\n\
         <form method=post action=/led><button name=led value={other}>Switch it {other}\
         </button></form>\n<table>\n"
    )?;
    let up = board.uptime().as_secs();
    let (hours, minutes, seconds) = (up / 3600, up / 60 % 60, up % 60);
    row(w, "up", format_args!("{hours} h {minutes:02} min {seconds:02} s"))?;
    row(w, "pages", board.count_page())?;
    board.rows(w)?;
    w.write(b"</table>\n").map(drop)
}

/// Writes one row of the page's table.
///
/// # Errors
/// As [`ResponseWriter::write`].
pub fn row(
    w: &mut ResponseWriter<'_>,
    name: &str,
    value: impl fmt::Display,
) -> Result<(), http::Error> {
    writeln!(w, "<tr><td>{name}<td>{value}")
}

/// Answers the form: switches the LED and sends the browser back to the page.
///
/// # Errors
/// As [`ResponseWriter::write`].
pub fn switch(
    board: &impl Board,
    w: &mut ResponseWriter<'_>,
    r: &Request<'_>,
) -> Result<(), http::Error> {
    let on = match r.form_value("led") {
        Some(value) if value == "on" => true,
        Some(value) if value == "off" => false,
        _ => return http::error(w, "led is on or off", Status::BAD_REQUEST),
    };
    board.switch_led(on);
    // The browser fetches the page anew, so that a reload does not switch again.
    http::redirect(w, r, "/", Status::SEE_OTHER)
}

const HEAD: &str = "<!doctype html>\n<html lang=en>\n<meta charset=utf-8>\n\
<meta name=viewport content=\"width=device-width\">\n<title>LED</title>\n<style>\n\
body { font: 1.1em sans-serif; margin: 2em }\n\
.led { display: inline-block; width: 1em; height: 1em; border-radius: 50%; background: #444 }\n\
.on { background: #e33; box-shadow: 0 0 .5em #e33 }\n\
td { padding: .1em 1em .1em 0 }\n</style>\n<h1>A board on the network</h1>\n";
