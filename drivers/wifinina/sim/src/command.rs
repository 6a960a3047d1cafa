//! Opcodes: their names as in the firmware's sources, and the shapes of their params.
//!
//! The firmware checks next to nothing; the shapes serve the strict counters and the trace.

use Field::{
    Address, Data, Descriptor, F32, I16, I32, Mac, Mode, Port, PortLe, Secret, Size, Slot, Text,
    U8, U16, U16Be, U32,
};

/// One param, by what it means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Field {
    Slot,
    Descriptor,
    Mode,
    U8,
    U16,
    U16Be,
    I16,
    I32,
    U32,
    F32,
    /// A little-endian count of bytes that are asked for.
    Size,
    Port,
    PortLe,
    Address,
    Mac,
    /// Printable, at most so many bytes.
    Text(usize),
    /// As text, and not to be shown.
    Secret(usize),
    /// Payload, at most so many bytes.
    Data(usize),
}

impl Field {
    /// Whether `length` bytes can be this.
    pub(crate) fn takes(self, length: usize) -> bool {
        match self {
            Slot | Descriptor | Mode | U8 => length == 1,
            U16 | U16Be | I16 | Size | Port | PortLe => length == 2,
            I32 | U32 | F32 | Address => length == 4,
            Mac => length == 6,
            Text(limit) | Secret(limit) | Data(limit) => length <= limit,
        }
    }

    pub(crate) fn is_text(self) -> bool {
        matches!(self, Text(_) | Secret(_) | Data(_))
    }
}

/// What is known of one opcode.
#[derive(Debug)]
pub(crate) struct Info {
    pub(crate) name: &'static str,
    /// Lengths in the command are two bytes.
    pub(crate) wide: bool,
    /// The shapes it may come in.
    pub(crate) shapes: &'static [&'static [Field]],
    pub(crate) reply: &'static [Field],
}

/// A query: without params, or with the one dummy that hosts send by custom.
const QUERY: &[&[Field]] = &[&[], &[U8]];
const SLOT: &[&[Field]] = &[&[Slot]];
const FD: &[&[Field]] = &[&[Descriptor]];
const INDEX: &[&[Field]] = &[&[U8]];
const OK: &[Field] = &[U8];
const SSID: Field = Text(32);
const PATH: Field = Text(32);

const fn narrow(
    name: &'static str,
    shapes: &'static [&'static [Field]],
    reply: &'static [Field],
) -> Info {
    Info { name, wide: false, shapes, reply }
}

const fn wide(
    name: &'static str,
    shapes: &'static [&'static [Field]],
    reply: &'static [Field],
) -> Info {
    Info { name, wide: true, shapes, reply }
}

/// What is known of `opcode`; `None` where no persona has a handler.
pub(crate) fn info(opcode: u8) -> Option<Info> {
    match opcode {
        0x10..=0x1F => system(opcode),
        0x20..=0x27 | 0x30..=0x33 | 0x36..=0x38 | 0x3B..=0x3E => status(opcode),
        0x28..=0x3F | 0x44..=0x46 => socket(opcode),
        0x40..=0x4F => enterprise(opcode),
        0x50..=0x67 => device(opcode),
        0x70..=0x7F => bsd(opcode),
        _ => None,
    }
}

fn system(opcode: u8) -> Option<Info> {
    Some(match opcode {
        0x10 => narrow("SET_NET", &[&[SSID]], OK),
        0x11 => narrow("SET_PASSPHRASE", &[&[SSID, Secret(64)]], OK),
        0x12 => narrow("SET_KEY", &[&[SSID, U8, Secret(26)]], OK),
        0x14 => narrow("SET_IP_CONFIG", &[&[U8, Address, Address, Address]], OK),
        0x15 => narrow("SET_DNS_CONFIG", &[&[U8, Address, Address]], OK),
        0x16 => narrow("SET_HOSTNAME", &[&[Text(255)]], OK),
        0x17 => narrow("SET_POWER_MODE", &[&[U8]], OK),
        0x18 => narrow("SET_AP_NET", &[&[SSID, U8]], OK),
        0x19 => narrow("SET_AP_PASSPHRASE", &[&[SSID, Secret(64), U8]], OK),
        0x1A => narrow("SET_DEBUG", &[&[U8]], OK),
        0x1B => narrow("GET_TEMPERATURE", QUERY, &[F32]),
        0x1E => narrow("GET_DNS_CONFIG", QUERY, &[Address, Address]),
        0x1F => narrow("GET_REASON_CODE", QUERY, OK),
        _ => return None,
    })
}

fn status(opcode: u8) -> Option<Info> {
    Some(match opcode {
        0x20 => narrow("GET_CONN_STATUS", QUERY, OK),
        0x21 => narrow("GET_IPADDR", QUERY, &[Address, Address, Address]),
        0x22 => narrow("GET_MACADDR", QUERY, &[Mac]),
        0x23 => narrow("GET_CURR_SSID", QUERY, &[Text(32)]),
        0x24 => narrow("GET_CURR_BSSID", QUERY, &[Mac]),
        0x25 => narrow("GET_CURR_RSSI", QUERY, &[I32]),
        0x26 => narrow("GET_CURR_ENCT", QUERY, OK),
        0x27 => narrow("SCAN_NETWORKS", QUERY, &[]),
        0x30 => narrow("DISCONNECT", QUERY, OK),
        0x32 => narrow("GET_IDX_RSSI", INDEX, &[I32]),
        0x33 => narrow("GET_IDX_ENCT", INDEX, OK),
        0x36 => narrow("START_SCAN_NETWORKS", QUERY, OK),
        0x37 => narrow("GET_FW_VERSION", QUERY, &[Text(32)]),
        0x38 => narrow("STOP_SERVER_TCP", SLOT, OK),
        0x3B => narrow("GET_TIME", QUERY, &[U32]),
        0x3C => narrow("GET_IDX_BSSID", INDEX, &[Mac]),
        0x3D => narrow("GET_IDX_CHANNEL", INDEX, OK),
        0x3E => narrow("PING", &[&[Address, U8]], &[I16]),
        _ => return None,
    })
}

fn socket(opcode: u8) -> Option<Info> {
    const SERVER: &[&[Field]] = &[&[Port, Slot, Mode], &[Address, Port, Slot, Mode]];
    const CLIENT: &[&[Field]] = &[
        &[Address, Port, Slot, Mode],
        &[Text(255), Address, Port, Slot, Mode],
        &[Text(255), Address, Port, Slot, Mode, U16Be],
    ];
    Some(match opcode {
        0x28 => narrow("START_SERVER_TCP", SERVER, OK),
        0x29 => narrow("GET_STATE_TCP", SLOT, OK),
        0x2A => narrow("DATA_SENT_TCP", SLOT, OK),
        0x2B => narrow("AVAIL_DATA_TCP", &[&[Slot], &[Slot, U8]], &[U16]),
        0x2C => narrow("GET_DATA_TCP", &[&[Slot, U8]], OK),
        0x2D => narrow("START_CLIENT_TCP", CLIENT, OK),
        0x2E => narrow("STOP_CLIENT_TCP", SLOT, OK),
        0x2F => narrow("GET_CLIENT_STATE_TCP", SLOT, OK),
        0x34 => narrow("REQ_HOST_BY_NAME", &[&[Text(255)]], OK),
        0x35 => narrow("GET_HOST_BY_NAME", QUERY, &[Address]),
        0x39 => narrow("SEND_DATA_UDP", SLOT, OK),
        0x3A => narrow("GET_REMOTE_DATA", SLOT, &[Address, Port]),
        0x3F => narrow("GET_SOCKET", QUERY, OK),
        0x44 => wide("SEND_DATA_TCP", &[&[Slot, Data(4083)]], &[U16]),
        0x45 => wide("GET_DATABUF_TCP", &[&[Slot, Size]], &[Data(4086)]),
        0x46 => wide("INSERT_DATABUF", &[&[Slot, Data(1472)]], OK),
        _ => return None,
    })
}

fn enterprise(opcode: u8) -> Option<Info> {
    Some(match opcode {
        0x40 => wide("SET_ENT", &[], OK),
        0x41 => narrow("SET_CERT_KEY", &[], OK),
        0x4A => narrow("SET_ENT_IDENT", &[&[Text(32)]], OK),
        0x4B => narrow("SET_ENT_UNAME", &[&[Text(32)]], OK),
        0x4C => narrow("SET_ENT_PASSWD", &[&[Secret(32)]], OK),
        0x4F => narrow("SET_ENT_ENABLE", QUERY, OK),
        _ => return None,
    })
}

fn device(opcode: u8) -> Option<Info> {
    Some(match opcode {
        0x50 => narrow("SET_PIN_MODE", &[&[U8, U8]], OK),
        0x51 => narrow("SET_DIGITAL_WRITE", &[&[U8, U8]], OK),
        0x52 => narrow("SET_ANALOG_WRITE", &[&[U8, U8]], OK),
        0x53 => narrow("GET_DIGITAL_READ", &[&[U8]], OK),
        0x54 => narrow("GET_ANALOG_READ", &[&[U8], &[U8, U8]], &[U16]),
        0x60 => narrow("WRITE_FILE", &[], &[]),
        0x61 => narrow("READ_FILE", &[&[U32, U32, PATH]], &[Data(255)]),
        0x62 => narrow("DELETE_FILE", &[&[U32, U32, PATH]], &[]),
        0x63 => narrow("EXISTS_FILE", &[&[U32, U32, PATH]], &[I32]),
        0x64 => narrow("DOWNLOAD_FILE", &[&[Text(64), Text(60)]], &[]),
        0x65 => narrow("APPLY_OTA", QUERY, &[]),
        0x66 => narrow("RENAME_FILE", &[&[Text(64), Text(64)]], OK),
        0x67 => narrow("DOWNLOAD_OTA", &[&[Text(128)]], OK),
        _ => return None,
    })
}

fn bsd(opcode: u8) -> Option<Info> {
    const DATAGRAM: &[Field] = &[Address, PortLe, Data(4076)];
    Some(match opcode {
        0x70 => narrow("SOCKET_SOCKET", &[&[U8, U8]], OK),
        0x71 => narrow("SOCKET_CLOSE", FD, OK),
        0x72 => narrow("SOCKET_ERRNO", QUERY, OK),
        0x73 => narrow("SOCKET_BIND", &[&[Descriptor, Port]], OK),
        0x74 => narrow("SOCKET_LISTEN", &[&[Descriptor, U8]], OK),
        0x75 => narrow("SOCKET_ACCEPT", FD, &[Descriptor, Address, PortLe]),
        0x76 => narrow("SOCKET_CONNECT", &[&[Descriptor, Address, Port]], OK),
        0x77 => wide("SOCKET_SEND", &[&[Descriptor, Data(4083)]], &[U16Be]),
        0x78 => narrow("SOCKET_RECV", &[&[Descriptor, Size]], &[Data(4076)]),
        0x79 => wide("SOCKET_SENDTO", &[&[Descriptor, Address, Port, Data(4073)]], &[U16Be]),
        0x7A => narrow("SOCKET_RECVFROM", &[&[Descriptor, Size]], DATAGRAM),
        0x7B => narrow("SOCKET_IOCTL", &[&[Descriptor, U32, Data(127)]], &[Data(127)]),
        0x7C => narrow("SOCKET_POLL", FD, OK),
        0x7D => narrow("SOCKET_SETSOCKOPT", &[&[Descriptor, U32, Data(16)]], OK),
        0x7E => narrow("SOCKET_GETSOCKOPT", &[&[Descriptor, U32, U8]], &[Data(255)]),
        0x7F => narrow("SOCKET_GETPEERNAME", FD, &[U8, Address, PortLe]),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Persona;

    #[test]
    fn every_handler_of_every_persona_has_a_name() {
        for persona in Persona::ALL {
            for opcode in 0..=0x7F {
                assert!(!persona.has(opcode) || info(opcode).is_some(), "{opcode:#x}");
            }
        }
    }
}
