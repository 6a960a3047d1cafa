//! Commands, byte by byte as the module wants them. All names stand here and nowhere else.

use core::net::{Ipv4Addr, SocketAddrV4};

pub(crate) const AT: &[u8] = b"";
pub(crate) const ECHO_OFF: &[u8] = b"E0";
pub(crate) const GMR: &[u8] = b"+GMR";
pub(crate) const RST: &[u8] = b"+RST";
pub(crate) const SYSSTORE: &[u8] = b"+SYSSTORE";
pub(crate) const SYSLOG: &[u8] = b"+SYSLOG";
pub(crate) const SYSMSG: &[u8] = b"+SYSMSG";
pub(crate) const SLEEP: &[u8] = b"+SLEEP";
pub(crate) const UART_CUR: &[u8] = b"+UART_CUR";
pub(crate) const CWMODE: &[u8] = b"+CWMODE";
pub(crate) const CWJAP: &[u8] = b"+CWJAP";
pub(crate) const CWQAP: &[u8] = b"+CWQAP";
pub(crate) const CWLAP: &[u8] = b"+CWLAP";
pub(crate) const CWSAP: &[u8] = b"+CWSAP";
pub(crate) const CWLIF: &[u8] = b"+CWLIF";
pub(crate) const CWDHCP: &[u8] = b"+CWDHCP";
pub(crate) const CWHOSTNAME: &[u8] = b"+CWHOSTNAME";
pub(crate) const CIPSTAMAC: &[u8] = b"+CIPSTAMAC";
pub(crate) const CIPSTA: &[u8] = b"+CIPSTA";
pub(crate) const CIPAP: &[u8] = b"+CIPAP";
pub(crate) const CIPDNS: &[u8] = b"+CIPDNS";
pub(crate) const CIPMUX: &[u8] = b"+CIPMUX";
pub(crate) const CIPDINFO: &[u8] = b"+CIPDINFO";
pub(crate) const CIPRECVTYPE: &[u8] = b"+CIPRECVTYPE";
pub(crate) const CIPRECVMODE: &[u8] = b"+CIPRECVMODE";
pub(crate) const CIPRECVDATA: &[u8] = b"+CIPRECVDATA";
pub(crate) const CIPRECVLEN: &[u8] = b"+CIPRECVLEN";
pub(crate) const CIPTCPOPT: &[u8] = b"+CIPTCPOPT";
pub(crate) const CIPSTART: &[u8] = b"+CIPSTART";
pub(crate) const CIPSTATE: &[u8] = b"+CIPSTATE";
pub(crate) const CIPSTATUS: &[u8] = b"+CIPSTATUS";
pub(crate) const CIPSEND: &[u8] = b"+CIPSEND";
pub(crate) const CIPCLOSE: &[u8] = b"+CIPCLOSE";
pub(crate) const CIPSERVER: &[u8] = b"+CIPSERVER";
pub(crate) const CIPSTO: &[u8] = b"+CIPSTO";
pub(crate) const CIPDOMAIN: &[u8] = b"+CIPDOMAIN";
pub(crate) const CIPSNTPCFG: &[u8] = b"+CIPSNTPCFG";
pub(crate) const CIPSNTPTIME: &[u8] = b"+CIPSNTPTIME";
pub(crate) const PING: &[u8] = b"+PING";

/// Ends a payload that the module waits for in vain, if it comes alone.
pub(crate) const CANCEL: &[u8] = b"+++";
/// All links, where a link is asked for.
pub(crate) const ALL: u32 = 5;

/// One command line.
pub(crate) struct Command {
    bytes: [u8; COMMAND_MAX],
    len: usize,
    /// Something did not fit.
    overflown: bool,
    /// Whether `=` stands already.
    valued: bool,
}

impl Command {
    pub(crate) const fn new() -> Self {
        Self { bytes: [0; COMMAND_MAX], len: 0, overflown: false, valued: false }
    }

    /// Begins a command: `AT` and its name.
    pub(crate) fn start(&mut self, name: &[u8]) -> &mut Self {
        (self.len, self.overflown, self.valued) = (0, false, false);
        self.push(b"AT");
        self.push(name);
        self
    }

    /// The suffix with which NonOS 1.x is asked not to store a setting.
    pub(crate) fn current(&mut self, wanted: bool) -> &mut Self {
        if wanted {
            self.push(b"_CUR");
        }
        self
    }

    pub(crate) fn query(&mut self) -> &mut Self {
        self.push(b"?");
        self
    }

    pub(crate) fn number(&mut self, value: u32) -> &mut Self {
        self.separate();
        let mut digits = [0; 10];
        let mut rest = value;
        let mut first = digits.len();
        for place in digits.iter_mut().rev() {
            *place = b'0' + u8::try_from(rest % 10).unwrap_or(0);
            rest /= 10;
            first -= 1;
            if rest == 0 {
                break;
            }
        }
        self.push(digits.get(first..).unwrap_or_default());
        self
    }

    /// A parameter that is left out.
    pub(crate) fn omitted(&mut self) -> &mut Self {
        self.separate();
        self
    }

    /// A string: quoted, and escaped as the firmware wants it.
    pub(crate) fn text(&mut self, text: &str) -> &mut Self {
        self.separate();
        self.push(b"\"");
        for byte in text.bytes() {
            if matches!(byte, b',' | b'"' | b'\\') {
                self.push(b"\\");
            }
            self.push(&[byte]);
        }
        self.push(b"\"");
        self
    }

    pub(crate) fn addr(&mut self, addr: Ipv4Addr) -> &mut Self {
        self.separate();
        for (at, octet) in addr.octets().into_iter().enumerate() {
            self.push(if at == 0 { b"\"" } else { b"." });
            self.digits(octet);
        }
        self.push(b"\"");
        self
    }

    pub(crate) fn remote(&mut self, to: SocketAddrV4) -> &mut Self {
        self.addr(*to.ip()).number(u32::from(to.port()))
    }

    /// The bytes that go out; `None` if something did not fit or cannot stand in a line.
    pub(crate) fn line(&self) -> Option<&[u8]> {
        self.bytes.get(..self.len).filter(|_| !self.overflown)
    }

    /// Ends the line.
    pub(crate) fn end(&mut self) {
        self.push(b"\r\n");
    }

    /// Bytes as they are, for what is no command.
    pub(crate) fn raw(&mut self, bytes: &[u8]) {
        (self.len, self.overflown) = (0, false);
        self.push(bytes);
    }

    /// Whether a line that came in is the echo of this one.
    pub(crate) fn is_echo(&self, line: &[u8]) -> bool {
        let sent = self.bytes.get(..self.len.saturating_sub(2)).unwrap_or_default();
        !sent.is_empty() && line == sent
    }

    fn digits(&mut self, value: u8) {
        if value >= 100 {
            self.push(&[b'0' + value / 100]);
        }
        if value >= 10 {
            self.push(&[b'0' + value / 10 % 10]);
        }
        self.push(&[b'0' + value % 10]);
    }

    fn separate(&mut self) {
        self.push(if self.valued { b"," } else { b"=" });
        self.valued = true;
    }

    fn push(&mut self, bytes: &[u8]) {
        match self.bytes.get_mut(self.len..self.len + bytes.len()) {
            Some(room) => {
                room.copy_from_slice(bytes);
                self.len += bytes.len();
            }
            None => self.overflown = true,
        }
    }
}

/// What the firmware takes, the end of the line included.
pub(crate) const COMMAND_MAX: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;

    fn line(build: impl FnOnce(&mut Command)) -> Option<std::vec::Vec<u8>> {
        let mut command = Command::new();
        build(&mut command);
        command.end();
        command.line().map(<[u8]>::to_vec)
    }

    extern crate std;

    #[test]
    fn the_commands_of_the_reference_transcript() {
        let peer = SocketAddrV4::new(Ipv4Addr::LOCALHOST, 7);
        let start = line(|it| {
            it.start(CIPSTART).number(4).text("TCP").remote(peer);
        });
        assert_eq!(start.unwrap(), b"AT+CIPSTART=4,\"TCP\",\"127.0.0.1\",7\r\n");
        let send = line(|it| {
            it.start(CIPSEND).number(4).number(3);
        });
        assert_eq!(send.unwrap(), b"AT+CIPSEND=4,3\r\n");
        let read = line(|it| {
            it.start(CIPRECVDATA).number(4).number(2048);
        });
        assert_eq!(read.unwrap(), b"AT+CIPRECVDATA=4,2048\r\n");
        let close = line(|it| {
            it.start(CIPCLOSE).number(4);
        });
        assert_eq!(close.unwrap(), b"AT+CIPCLOSE=4\r\n");
    }

    #[test]
    fn trap_23_strings_are_escaped_as_the_manual_shows() {
        let join = line(|it| {
            it.start(CWJAP).text("ab\\,c").text("0123456789\"\\");
        });
        assert_eq!(join.unwrap(), br#"AT+CWJAP="ab\\\,c","0123456789\"\\""#.iter().chain(b"\r\n").copied().collect::<std::vec::Vec<u8>>());
    }

    #[test]
    fn what_does_not_fit_is_not_sent_cut() {
        let name = "\"".repeat(130);
        assert_eq!(
            line(|it| {
                it.start(CIPDOMAIN).text(&name);
            }),
            None
        );
    }

    #[test]
    fn omitted_parameters_and_numbers() {
        let options = line(|it| {
            it.start(CIPTCPOPT).number(ALL).omitted().number(1).number(4_294_967_295);
        });
        assert_eq!(options.unwrap(), b"AT+CIPTCPOPT=5,,1,4294967295\r\n");
        assert_eq!(
            line(|it| {
                it.start(AT);
            })
            .unwrap(),
            b"AT\r\n"
        );
        assert_eq!(
            line(|it| {
                it.start(CIPMUX).query();
            })
            .unwrap(),
            b"AT+CIPMUX?\r\n"
        );
        assert_eq!(
            line(|it| {
                it.start(CWMODE).current(true).number(0);
            })
            .unwrap(),
            b"AT+CWMODE_CUR=0\r\n"
        );
    }
}
