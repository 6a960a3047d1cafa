//! The methods of the firmware's interface that this driver calls, by the names of its IDL without
//! the common `rpc_`.
//!
//! Left out on purpose: what halts the chip or writes through wild pointers there (sendmsg, hostname,
//! custom IE), what waits for ever, and what only callbacks answer.

use core::time::Duration;

/// One method.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Method {
    pub(crate) service: u8,
    pub(crate) id: u8,
    /// How long the chip may be at it, in milliseconds, before something must be wrong.
    limit_ms: u32,
    /// What -1 means is asked for at once: the next call that fails overwrites it.
    pub(crate) errno: bool,
    /// The answer begins with bytes for a caller.
    pub(crate) data: bool,
}

impl Method {
    const fn new(service: u8, id: u8, limit_ms: u32) -> Self {
        Self { service, id, limit_ms, errno: false, data: false }
    }

    /// One that is not in the tables.
    #[cfg(test)]
    pub(crate) const fn plain(service: u8, id: u8) -> Self {
        Self::new(service, id, SHORT)
    }

    const fn errno(mut self) -> Self {
        self.errno = true;
        self
    }

    const fn data(mut self) -> Self {
        self.data = true;
        self
    }

    /// The same, where the reason of a failure can wait.
    const fn quick(mut self) -> Self {
        self.errno = false;
        self
    }

    pub(crate) fn limit(&self) -> Duration {
        Duration::from_millis(u64::from(self.limit_ms))
    }

    /// Whether nothing in the chip waits for this one, so that an answer is near.
    pub(crate) fn is_short(&self) -> bool {
        self.limit_ms <= SHORT
    }
}

/// Answered from the chip's own memory: 50 ms at worst.
const SHORT: u32 = 150;
/// The radio is switched, or a network joined: 20 s at worst.
const RADIO: u32 = 22_000;
/// DHCP gives up after 2 + 4 + 8 + 16 + 32 s.
const DHCP: u32 = 65_000;
/// Two name servers, 7 s each.
const NAMES: u32 = 16_000;

macro_rules! service {
    ($name:ident = $service:literal { $($(#[$doc:meta])* $method:ident = $id:literal, $limit:expr $(, $flag:ident)*;)+ }) => {
        pub(crate) mod $name {
            use super::*;
            $($(#[$doc])* pub(crate) const $method: Method = Method::new($service, $id, $limit)$(.$flag())*;)+
        }
    };
}

service! { system = 1 {
    VERSION = 1, SHORT;
    ACK = 2, SHORT;
}}

service! { wifi = 14 {
    CONNECT = 1, RADIO;
    DISCONNECT = 3, RADIO;
    IS_CONNECTED_TO_AP = 4, SHORT;
    GET_MAC_ADDRESS = 8, SHORT;
    ENABLE_POWERSAVE = 9, SHORT;
    DISABLE_POWERSAVE = 11, SHORT;
    GET_RSSI = 19, SHORT;
    ON = 27, RADIO;
    OFF = 28, RADIO;
    START_AP = 38, RADIO;
    GET_LAST_ERROR = 49, SHORT;
    SCAN_START = 64, SHORT;
    IS_SCANING = 65, SHORT;
    SCAN_GET_AP_RECORDS = 66, SHORT, data;
    SCAN_GET_AP_NUM = 67, SHORT;
}}

service! { tcpip = 15 {
    INIT = 1, SHORT;
    GET_IP_INFO = 7, SHORT;
    SET_IP_INFO = 8, SHORT;
    SET_DNS_INFO = 9, SHORT;
    GET_DNS_INFO = 10, SHORT;
    DHCPS_START = 11, SHORT;
    DHCPC_START = 13, DHCP;
    DHCPC_STOP = 14, SHORT;
}}

service! { lwip = 16 {
    ACCEPT = 1, SHORT, errno;
    BIND = 2, SHORT, errno;
    SHUTDOWN = 3, SHORT, errno;
    GETPEERNAME = 4, SHORT, errno;
    GETSOCKNAME = 5, SHORT, errno;
    GETSOCKOPT = 6, SHORT, errno;
    SETSOCKOPT = 7, SHORT, errno;
    /// Waits only while there is no memory for the last segment.
    CLOSE = 8, RADIO;
    CONNECT = 9, SHORT, errno;
    LISTEN = 10, SHORT, errno;
    RECV = 12, SHORT, errno, data;
    RECVFROM = 14, SHORT, errno, data;
    SEND = 15, SHORT, errno;
    SENDTO = 17, SHORT, errno;
    SOCKET = 18, SHORT, errno;
    /// Told how long it may wait by its caller, which is never long.
    SELECT = 21, SHORT, errno;
    FCNTL = 23, SHORT, errno;
    ERRNO = 24, SHORT;
    GETHOSTBYNAME = 25, NAMES;
}}

/// The same three for whoever may have something: most often there is nothing, and only then is it
/// worth asking why.
pub(crate) const QUICK_ACCEPT: Method = lwip::ACCEPT.quick();
pub(crate) const QUICK_RECV: Method = lwip::RECV.quick();
pub(crate) const QUICK_RECVFROM: Method = lwip::RECVFROM.quick();

/// What the chip calls of its own.
pub(crate) mod callback {
    /// Its service; before 2.0.3 it had another number.
    pub(crate) const SERVICES: [u8; 2] = [19, 18];
    pub(crate) const WIFI_EVENT: u8 = 1;
    /// Bytes of an event, and of what else is in the message.
    pub(crate) const EVENT: usize = 48;
    pub(crate) const EVENT_MESSAGE: u16 = 60;
}

/// Constants of the calls, by the names of lwIP and of the SDK.
pub(crate) mod value {
    pub(crate) const AF_INET: i32 = 2;
    pub(crate) const SOCK_STREAM: i32 = 1;
    pub(crate) const SOCK_DGRAM: i32 = 2;
    pub(crate) const IPPROTO_TCP: i32 = 6;
    pub(crate) const IPPROTO_UDP: i32 = 17;
    pub(crate) const MSG_PEEK: i32 = 0x01;
    pub(crate) const MSG_DONTWAIT: i32 = 0x08;
    pub(crate) const SHUT_RD: i32 = 0;
    pub(crate) const SHUT_WR: i32 = 1;
    pub(crate) const F_SETFL: i32 = 4;
    pub(crate) const O_NONBLOCK: i32 = 1;
    pub(crate) const SOL_SOCKET: i32 = 0xFFF;
    pub(crate) const SO_REUSEADDR: i32 = 0x0004;
    pub(crate) const SO_KEEPALIVE: i32 = 0x0008;
    pub(crate) const SO_BROADCAST: i32 = 0x0020;
    pub(crate) const SO_ERROR: i32 = 0x1007;
    pub(crate) const TCP_NODELAY: i32 = 1;
    pub(crate) const TCP_KEEPIDLE: i32 = 3;
    pub(crate) const TCP_KEEPINTVL: i32 = 4;
    /// Numbers of sockets: 0 to this, excluded.
    pub(crate) const SOCKETS: u8 = 8;
    /// The interface of the station, and that of the access point.
    pub(crate) const STATION: u32 = 0;
    pub(crate) const ACCESS_POINT: u32 = 1;
    pub(crate) const MODE_STA: u32 = 1;
    pub(crate) const MODE_AP: u32 = 2;
}

/// Reasons, `errno` of the firmware's lwIP.
pub(crate) mod errno {
    /// A number that nobody was given: the chip was reset behind our back.
    pub(crate) const EBADF: i32 = 9;
    pub(crate) const EAGAIN: i32 = 11;
    pub(crate) const ENOMEM: i32 = 12;
    pub(crate) const ENFILE: i32 = 23;
    pub(crate) const EADDRINUSE: i32 = 98;
    pub(crate) const ECONNABORTED: i32 = 103;
    pub(crate) const ECONNRESET: i32 = 104;
    pub(crate) const ENOBUFS: i32 = 105;
    pub(crate) const EISCONN: i32 = 106;
    pub(crate) const ENOTCONN: i32 = 107;
    pub(crate) const EHOSTUNREACH: i32 = 113;
    pub(crate) const EALREADY: i32 = 114;
    pub(crate) const EINPROGRESS: i32 = 115;
}

/// Most payload of a call, from the longest message that the chip takes or makes.
pub(crate) mod most {
    pub(crate) const SEND: usize = 4076;
    pub(crate) const RECV: usize = 4080;
    pub(crate) const RECVFROM: usize = 4056;
    /// A datagram in one Ethernet frame. More would be sent in fragments.
    pub(crate) const DATAGRAM: u16 = 1472;
    pub(crate) const SCAN_RECORDS: usize = 60;
    pub(crate) const HOST_NAME: usize = 255;
    pub(crate) const SSID: usize = 32;
    pub(crate) const PASSPHRASE: usize = 64;
}
