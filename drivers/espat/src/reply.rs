//! What the lines say. Pure: bytes in, values out, and nothing in them can make this fail.

// Spelt out, so that the fuzzer can take this file by its path.
#[path = "reply/values.rs"]
mod values;

use core::net::SocketAddrV4;

use netdev::{AccessPoint, Auth, HardwareAddr};

pub(crate) use values::{Fields, addr, hex_number, mac, number, signed, time, unquoted, version};

/// One line, told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reply<'a> {
    Ok,
    /// `ERROR`, and `FAIL` of NonOS.
    Error,
    SendOk,
    SendFail,
    /// The payload that was begun is forgotten.
    Canceled,
    /// What was sent is lost: another command runs.
    Busy,
    /// The module has started.
    Ready,
    /// So many bytes of payload were counted.
    Received(u16),
    /// A link came up (`CONNECT`).
    Up(u8),
    /// The same with its particulars.
    LinkUp(LinkInfo),
    /// `CLOSED`, and `CONNECT FAIL` of NonOS.
    Closed(u8),
    /// Data wait in the module.
    Waiting(u8, u16),
    Wifi(Wifi),
    /// The module's clock was set.
    TimeUpdated,
    /// `+NAME:` and what follows.
    Info(&'a [u8], &'a [u8]),
    /// `STATUS:` and the like, texts that say nothing that is not told otherwise.
    Remark,
    Unknown,
}

/// What the radio did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wifi {
    Connected,
    GotIp,
    Disconnected,
}

/// A link as CIPSTATE, CIPSTATUS and `+LINK_CONN` describe it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LinkInfo {
    pub(crate) id: u8,
    pub(crate) udp: bool,
    pub(crate) peer: SocketAddrV4,
    pub(crate) local_port: u16,
    /// It came in through the server.
    pub(crate) server: bool,
}

/// The head of counted data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    /// `None`: the link that was asked about.
    pub(crate) link: Option<u8>,
    pub(crate) len: u16,
    pub(crate) from: Option<SocketAddrV4>,
}

/// Tells a line apart.
pub(crate) fn parse(line: &[u8]) -> Reply<'_> {
    match line {
        b"OK" => Reply::Ok,
        b"ERROR" | b"FAIL" => Reply::Error,
        b"SEND OK" => Reply::SendOk,
        b"SEND FAIL" => Reply::SendFail,
        b"SEND Canceled" | b"SEND CANCELLED" => Reply::Canceled,
        b"ready" => Reply::Ready,
        b"WIFI CONNECTED" => Reply::Wifi(Wifi::Connected),
        b"WIFI GOT IP" => Reply::Wifi(Wifi::GotIp),
        b"WIFI DISCONNECT" => Reply::Wifi(Wifi::Disconnected),
        b"+TIME_UPDATED" => Reply::TimeUpdated,
        b"UNLINK"
        | b"No AP"
        | b"no change"
        | b"no ip"
        | b"DNS Fail"
        | b"ALREADY CONNECTED"
        | b"link is not valid"
        | b"ID ERROR"
        | b"IP ERROR"
        | b"Link type ERROR"
        | b"WIFI GOT IPv6 LL"
        | b"WIFI GOT IPv6 GL"
        | b"Will force to restart!!!" => Reply::Remark,
        [b'b', b'u', b's', b'y', b' ', b'p' | b's', b'.', b'.', b'.'] => Reply::Busy,
        [b'+', rest @ ..] => info(rest),
        [id @ b'0'..=b'4', b',', what @ ..] => link_line(id - b'0', what),
        _ => loose(line),
    }
}

fn link_line(id: u8, what: &[u8]) -> Reply<'_> {
    match what {
        b"CONNECT" => Reply::Up(id),
        b"CLOSED" | b"CONNECT FAIL" => Reply::Closed(id),
        _ => Reply::Unknown,
    }
}

fn loose(line: &[u8]) -> Reply<'_> {
    if let Some(count) = line.strip_prefix(b"Recv ").and_then(|it| it.strip_suffix(b" bytes")) {
        return number(count)
            .and_then(|it| u16::try_from(it).ok())
            .map_or(Reply::Unknown, Reply::Received);
    }
    let remark = [&b"STATUS:"[..], b"ERR CODE:", b"AT version:", b"SDK version:", b"compile time"]
        .iter()
        .any(|it| line.starts_with(it));
    if let Some(version) = line.strip_prefix(b"AT version:") {
        return Reply::Info(b"AT", version);
    }
    if remark || line.starts_with(b"Bin version") { Reply::Remark } else { Reply::Unknown }
}

fn info(rest: &[u8]) -> Reply<'_> {
    if let Some(fields) = rest.strip_prefix(b"IPD,") {
        return waiting(fields).unwrap_or(Reply::Unknown);
    }
    if let Some(fields) = rest.strip_prefix(b"LINK_CONN:") {
        return link_conn(fields).map_or(Reply::Unknown, Reply::LinkUp);
    }
    match rest.iter().position(|&byte| byte == b':') {
        Some(at) => {
            let (name, value) = rest.split_at(at);
            Reply::Info(name, value.get(1..).unwrap_or_default())
        }
        // NonOS answers a ping with `+<ms>` or `+timeout`.
        None if rest == b"timeout" || number(rest).is_some() => Reply::Info(b"PING", rest),
        None => Reply::Unknown,
    }
}

/// `<id>,<len>` of a notice without data. NonOS may name the sender behind it.
fn waiting(fields: &[u8]) -> Option<Reply<'_>> {
    let mut fields = Fields(fields);
    let id = link_id(fields.next()?)?;
    let len = u16::try_from(number(fields.next()?)?).ok()?;
    Some(Reply::Waiting(id, len))
}

/// Whether a line that has come so far is the head of counted data, and which. `Some(Err)`: it should
/// be, and makes no sense. Asked after each `,` and `:` only.
pub(crate) fn data_head(line: &[u8], senders_told: bool) -> Option<Result<Header, ()>> {
    if let Some(fields) = line.strip_prefix(b"+IPD,") {
        let fields = fields.strip_suffix(b":")?;
        return Some(active_head(fields).ok_or(()));
    }
    // NonOS 1.7: a comma before the length, a colon behind it.
    if let Some(rest) = line.strip_prefix(b"+CIPRECVDATA,") {
        let len = rest.strip_suffix(b":")?;
        return Some(counted(len).map(|len| Header { link: None, len, from: None }).ok_or(()));
    }
    let fields = line.strip_prefix(b"+CIPRECVDATA:")?.strip_suffix(b",")?;
    if !senders_told {
        return Some(counted(fields).map(|len| Header { link: None, len, from: None }).ok_or(()));
    }
    if Fields(fields).count() < 3 {
        return None;
    }
    let mut fields = Fields(fields);
    let len = fields.next().and_then(counted);
    let from = socket_addr(&mut fields);
    Some(len.zip(from).map(|(len, from)| Header { link: None, len, from: Some(from) }).ok_or(()))
}

fn active_head(fields: &[u8]) -> Option<Header> {
    let mut fields = Fields(fields);
    let link = Some(link_id(fields.next()?)?);
    let len = counted(fields.next()?)?;
    let from = match fields.clone().next() {
        None => None,
        Some(_) => Some(socket_addr(&mut fields)?),
    };
    Some(Header { link, len, from })
}

fn counted(text: &[u8]) -> Option<u16> {
    number(text).and_then(|it| u16::try_from(it).ok()).filter(|&it| it <= DATA_MAX)
}

fn socket_addr(fields: &mut Fields<'_>) -> Option<SocketAddrV4> {
    let ip = addr(fields.next()?)?;
    Some(SocketAddrV4::new(ip, port(fields.next()?)?))
}

fn port(text: &[u8]) -> Option<u16> {
    number(text).and_then(|it| u16::try_from(it).ok())
}

/// `<status>,<id>,"<type>",<server>,"<remote ip>",<remote port>,<local port>`.
fn link_conn(fields: &[u8]) -> Option<LinkInfo> {
    let mut fields = Fields(fields);
    if fields.next()? != b"0" {
        return None;
    }
    let id = link_id(fields.next()?)?;
    let udp = unquoted(fields.next()?).starts_with(b"UDP");
    let server = fields.next()? == b"1";
    let peer = socket_addr(&mut fields)?;
    Some(LinkInfo { id, udp, server, peer, local_port: port(fields.next()?)? })
}

/// `<id>,"<type>","<remote ip>",<remote port>,<local port>,<server>` of CIPSTATE and CIPSTATUS.
pub(crate) fn link_info(value: &[u8]) -> Option<LinkInfo> {
    let mut fields = Fields(value);
    let id = link_id(fields.next()?)?;
    let udp = unquoted(fields.next()?).starts_with(b"UDP");
    let peer = socket_addr(&mut fields)?;
    let local_port = port(fields.next()?)?;
    Some(LinkInfo { id, udp, peer, local_port, server: fields.next()? == b"1" })
}

/// Lengths of CIPRECVLEN; a free link shows 0 or -1.
pub(crate) fn lengths(value: &[u8]) -> Option<[u16; 5]> {
    let mut lengths = [0; 5];
    let mut fields = Fields(value);
    for length in &mut lengths {
        let field = fields.next()?;
        *length = match field {
            b"-1" => 0,
            field => u16::try_from(number(field)?).ok()?,
        };
    }
    Some(lengths)
}

/// A network of a scan: `(<ecn>,"<ssid>",<rssi>,"<mac>",<channel>,...)`. The name is printed as it
/// is, quotes and commas and all, so the rest is found from the other end.
pub(crate) fn access_point(value: &[u8]) -> Option<AccessPoint> {
    let inner = value.strip_prefix(b"(")?;
    let comma = inner.iter().position(|&byte| byte == b',')?;
    let (ecn, rest) = inner.split_at(comma);
    let rest = rest.strip_prefix(b",\"")?;
    let (at, bssid) = last_mac(rest)?;
    let (head, tail) = (rest.get(..at)?, rest.get(at + MAC_FIELD..)?);
    // `<ssid>",<rssi>,` before the address, `,<channel>,...` behind it.
    let head = head.strip_suffix(b",")?;
    let comma = head.iter().rposition(|&byte| byte == b',')?;
    let (ssid, rssi) = (head.get(..comma)?.strip_suffix(b"\"")?, head.get(comma + 1..)?);
    let channel = Fields(tail.strip_prefix(b",")?).next()?;
    let channel = channel.split(|&byte| byte == b')').next()?;
    let mut found = AccessPoint::EMPTY;
    found.ssid.get_mut(..ssid.len())?.copy_from_slice(ssid);
    found.ssid_len = u8::try_from(ssid.len()).ok()?;
    found.bssid = bssid;
    found.channel = u8::try_from(number(channel)?).ok()?;
    found.rssi = signed(rssi)?;
    found.auth = auth(number(ecn)?);
    Some(found)
}

/// The strength in `"<ssid>","<bssid>",<channel>,<rssi>,...` of `CWJAP?`.
pub(crate) fn joined_rssi(value: &[u8]) -> Option<i16> {
    let (at, _) = last_mac(value)?;
    let mut fields = Fields(value.get(at + MAC_FIELD..)?.strip_prefix(b",")?);
    fields.next()?;
    signed(fields.next()?)
}

/// Where the last quoted link address begins.
fn last_mac(text: &[u8]) -> Option<(usize, HardwareAddr)> {
    let windows = text.windows(MAC_FIELD).enumerate().rev();
    windows
        .filter(|(_, it)| it.first() == Some(&b'"') && it.last() == Some(&b'"'))
        .find_map(|(at, it)| Some((at, mac(it)?)))
}

fn auth(ecn: u32) -> Auth {
    match ecn {
        0 => Auth::Open,
        1 => Auth::Wep,
        2 => Auth::Wpa,
        3 => Auth::Wpa2,
        4 => Auth::Wpa2Mixed,
        6 | 7 => Auth::Wpa3,
        _ => Auth::Other,
    }
}

/// Whether a line may be `name` with one byte lost, doubled or changed, and something around it: a
/// third of it at least is whole.
pub(crate) fn looks_like(line: &[u8], name: &[u8]) -> bool {
    let third = name.len().div_ceil(3).max(2);
    name.chunks(third)
        .filter(|it| it.len() > 1)
        .any(|part| line.windows(part.len()).any(|window| window == part))
}

fn link_id(text: &[u8]) -> Option<u8> {
    match text {
        [id @ b'0'..=b'4'] => Some(id - b'0'),
        _ => None,
    }
}

/// The most that any firmware announces in one piece: 2,920 in active mode, what was asked for in
/// passive mode. More is a damaged number.
const DATA_MAX: u16 = 8192;
/// `"24:0a:c4:01:02:03"`.
const MAC_FIELD: usize = 19;

#[cfg(test)]
#[path = "reply/tests.rs"]
mod tests;
