//! Requests on the wire. Pure: no I/O.

use crate::Error;
use crate::header::Line;
use crate::server::outgoing::Digits;
use crate::wire::ascii::{is_token, is_value, trim};
use crate::wire::target::Target;

/// A request to be sent.
pub(crate) struct Outgoing<'a> {
    pub(crate) method: &'a str,
    pub(crate) url: &'a str,
    pub(crate) fields: &'a [(&'a str, &'a str)],
    pub(crate) body: Option<&'a [u8]>,
}

impl<'a> Outgoing<'a> {
    /// Takes the URL apart and checks everything that goes on the wire.
    pub(crate) fn check(&self) -> Result<Target<'a>, Error> {
        let url = self.url.split('#').next().unwrap_or_default();
        if url.bytes().any(|byte| byte <= b' ' || byte == 0x7F) {
            return Err(Error::BadUrl);
        }
        let target = Target::absolute(url).ok_or(Error::BadUrl)?;
        if !target.scheme.is_some_and(|scheme| scheme.eq_ignore_ascii_case("http")) {
            return Err(Error::UnsupportedScheme);
        }
        if target.has_user || host_of(target.authority).is_empty() {
            return Err(Error::BadUrl);
        }
        let sound = |(name, value): &(&str, &str)| {
            is_token(name.as_bytes()) && is_value(trim(value.as_bytes()))
        };
        if !is_token(self.method.as_bytes()) || !self.fields.iter().all(sound) {
            return Err(Error::InvalidField);
        }
        Ok(target)
    }

    /// Writes the head into `buffer` and, where it fits behind, the start of the body. Tells the
    /// length, and how much of the body is in there.
    pub(crate) fn write(
        &self,
        target: &Target<'_>,
        buffer: &mut [u8],
    ) -> Result<(usize, usize), Error> {
        let mut line = Line { room: buffer, at: 0, over: false };
        line.push(self.method.as_bytes());
        line.push(b" ");
        line.push(if target.path.is_empty() { b"/" } else { b"" });
        push_ascii(&mut line, target.path);
        if let Some(query) = target.query {
            line.push(b"?");
            push_ascii(&mut line, query);
        }
        line.push(b" HTTP/1.1\r\n");
        line.field(
            b"Host: ",
            target.authority.strip_suffix(':').unwrap_or(target.authority).as_bytes(),
        );
        if !self.fields.iter().any(|(name, _)| name.eq_ignore_ascii_case("user-agent")) {
            line.field(b"User-Agent: ", concat!("net-http/", env!("CARGO_PKG_VERSION")).as_bytes());
        }
        let wants_length = matches!(self.method, "POST" | "PUT" | "PATCH");
        let length = self.body.map(<[u8]>::len).or(wants_length.then_some(0));
        if let Some(length) = length {
            let length = u64::try_from(length).unwrap_or(u64::MAX);
            line.field(b"Content-Length: ", Digits::new(length).bytes());
        }
        for (name, value) in self.fields.iter().filter(|(name, _)| !is_ours(name)) {
            line.push(name.as_bytes());
            line.field(b": ", trim(value.as_bytes()));
        }
        line.push(b"Connection: close\r\n\r\n");
        if line.over {
            return Err(Error::HeaderTooLarge);
        }
        let body = self.body.unwrap_or_default();
        let part = body.len().min(line.room.len() - line.at);
        line.push(body.get(..part).unwrap_or_default());
        Ok((line.at, part))
    }
}

/// Fields that the client itself decides on.
fn is_ours(name: &str) -> bool {
    ["host", "content-length", "transfer-encoding", "connection", "trailer"]
        .iter()
        .any(|ours| name.eq_ignore_ascii_case(ours))
}

/// Bytes outside ASCII go as escapes.
fn push_ascii(line: &mut Line<'_>, text: &str) {
    for byte in text.bytes() {
        if byte.is_ascii() {
            line.push(&[byte]);
        } else {
            let digit = |value: u8| b"0123456789ABCDEF".get(usize::from(value & 15)).copied();
            let digits = [digit(byte >> 4), digit(byte)];
            line.push(&[b'%', digits[0].unwrap_or(b'0'), digits[1].unwrap_or(b'0')]);
        }
    }
}

/// Writes the address to dial: the authority, with port 80 unless it names one.
pub(crate) fn dial_address<'b>(authority: &str, buffer: &'b mut [u8]) -> Option<&'b str> {
    let host = host_of(authority);
    let port = authority.get(host.len()..).unwrap_or_default();
    let mut line = Line { room: buffer, at: 0, over: false };
    line.push(host.as_bytes());
    line.push(if port.len() > 1 { port.as_bytes() } else { b":80" });
    let (length, over) = (line.at, line.over);
    if over { None } else { core::str::from_utf8(buffer.get(..length)?).ok() }
}

/// The host of an authority that was checked, with its brackets.
fn host_of(authority: &str) -> &str {
    let end = match authority.find(']') {
        Some(bracket) => bracket + 1,
        None => authority.find(':').unwrap_or(authority.len()),
    };
    authority.get(..end).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use std::string::String;

    fn wire(request: &Outgoing<'_>, room: usize) -> Result<(String, usize), Error> {
        let target = request.check()?;
        let mut buffer = std::vec![0; room];
        let (length, part) = request.write(&target, &mut buffer)?;
        buffer.truncate(length);
        Ok((String::from_utf8(buffer).unwrap(), part))
    }

    fn get(url: &str) -> Result<String, Error> {
        wire(&Outgoing { method: "GET", url, fields: &[], body: None }, 512).map(|(text, _)| text)
    }

    #[test]
    fn requests_are_written_as_a_server_wants_them() {
        assert_eq!(
            get("HTTP://h.example:81/é?q=1#frag").unwrap(),
            "GET /%C3%A9?q=1 HTTP/1.1\r\nHost: h.example:81\r\nUser-Agent: net-http/0.1.0\r\n\
             Connection: close\r\n\r\n"
        );
        let fields = [("Content-Type", "text/plain"), ("user-agent", "x"), ("Host", "evil")];
        let request =
            Outgoing { method: "POST", url: "http://h", fields: &fields, body: Some(b"hello") };
        let (text, part) = wire(&request, 512).unwrap();
        assert_eq!(
            text,
            "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nContent-Type: text/plain\r\n\
             user-agent: x\r\nConnection: close\r\n\r\nhello"
        );
        assert_eq!(part, 5);
        assert_eq!(wire(&request, text.len() - 2).unwrap().1, 3);
        assert_eq!(wire(&request, 40), Err(Error::HeaderTooLarge));
    }

    #[test]
    fn what_must_not_go_out_is_refused_before_dialling() {
        assert_eq!(get("https://h/"), Err(Error::UnsupportedScheme));
        for url in [
            "",
            "h",
            "/p",
            "http://",
            "http://:80/",
            "http://h/a b",
            "http://h/\r\nX: y",
            "http://u@h/",
            "http://h:x/",
            "http://h/%",
        ] {
            assert_eq!(get(url), Err(Error::BadUrl), "{url}");
        }
        for field in [("bad name", "x"), ("", "x"), ("X", "a\r\nY: b")] {
            let request = Outgoing { method: "GET", url: "http://h", fields: &[field], body: None };
            assert_eq!(wire(&request, 512), Err(Error::InvalidField));
        }
    }

    #[test]
    fn the_address_to_dial_always_has_a_port() {
        let mut buffer = [0; 64];
        for (authority, dialled) in [
            ("h", "h:80"),
            ("h:", "h:80"),
            ("h:81", "h:81"),
            ("[::1]", "[::1]:80"),
            ("[::1]:8", "[::1]:8"),
        ] {
            assert_eq!(dial_address(authority, &mut buffer), Some(dialled));
        }
        assert_eq!(dial_address("a-long-name", &mut buffer[..8]), None);
    }
}
