//! Commands of nina-fw by their names in the firmware's sources (`CommandHandler.cpp`), and the
//! numbers that go with them.

/// One command: its number, and the shape that its frames have.
#[derive(Debug)]
pub(crate) struct Command {
    /// Number on the wire; the reply has bit 7 set.
    pub(crate) code: u8,
    /// Fewest and most bytes of its answer, unless that is data: a garbled reply may look sound.
    pub(crate) answer: (u8, u8),
    /// Bytes of each parameter of its answer, where there are several: a wrong length may make a
    /// frame that looks sound.
    pub(crate) shape: &'static [u8],
    /// Lengths of the command's parameters are two bytes, big endian.
    pub(crate) wide: bool,
    /// The reply is data of any length, with a wide length.
    pub(crate) data: bool,
    /// Before that data stand the sender's address and port, with wide lengths too.
    pub(crate) sender: bool,
    /// The reply is a list of names, which only the caller has room for.
    pub(crate) names: bool,
    /// How long the firmware may take, in milliseconds. Beyond that it is taken for dead.
    pub(crate) limit_ms: u16,
    /// The firmware makes itself wait for the network: nobody spins for the reply.
    pub(crate) blocks: bool,
    /// An answer of 0 has a reason, which only the very next command can fetch (ERRNO).
    pub(crate) errno: bool,
}

impl Command {
    /// A command whose answer has this many bytes, all parameters together.
    const fn new(code: u8, answer: u8) -> Self {
        Self {
            code,
            answer: (answer, answer),
            shape: &[],
            wide: false,
            data: false,
            sender: false,
            names: false,
            limit_ms: QUERY_MS,
            blocks: false,
            errno: false,
        }
    }

    /// A command whose answer has several parameters, of so many bytes each.
    const fn several(code: u8, answer: u8, shape: &'static [u8]) -> Self {
        let mut command = Self::new(code, answer);
        command.shape = shape;
        command
    }

    /// The answer may be as short as this.
    const fn or(mut self, shortest: u8) -> Self {
        self.answer.0 = shortest;
        self
    }

    const fn data(mut self) -> Self {
        self.data = true;
        self
    }

    const fn sender(mut self) -> Self {
        self.sender = true;
        self.data()
    }

    const fn names(mut self) -> Self {
        self.names = true;
        self
    }

    const fn wide(mut self) -> Self {
        self.wide = true;
        self
    }

    const fn blocks(mut self, limit_ms: u16) -> Self {
        self.blocks = true;
        self.limit_ms = limit_ms;
        self
    }

    const fn errno(mut self) -> Self {
        self.errno = true;
        self
    }
}

/// Limit of commands that the firmware answers from its own memory.
const QUERY_MS: u16 = 1_000;

pub(crate) const SET_NET: Command = Command::new(0x10, 1).blocks(10_000);
pub(crate) const SET_PASSPHRASE: Command = Command::new(0x11, 1).blocks(10_000);
pub(crate) const SET_IP_CONFIG: Command = Command::new(0x14, 1);
pub(crate) const SET_DNS_CONFIG: Command = Command::new(0x15, 1);
pub(crate) const SET_HOSTNAME: Command = Command::new(0x16, 1);
pub(crate) const SET_POWER_MODE: Command = Command::new(0x17, 1);
pub(crate) const SET_AP_NET: Command = Command::new(0x18, 1).blocks(10_000);
pub(crate) const SET_AP_PASSPHRASE: Command = Command::new(0x19, 1).blocks(10_000);
pub(crate) const GET_DNS_CONFIG: Command = Command::several(0x1E, 8, &[4, 4]);
pub(crate) const GET_REASON_CODE: Command = Command::new(0x1F, 1);
pub(crate) const GET_CONN_STATUS: Command = Command::new(0x20, 1);
pub(crate) const GET_IPADDR: Command = Command::several(0x21, 12, &[4, 4, 4]);
pub(crate) const GET_MACADDR: Command = Command::new(0x22, 6);
pub(crate) const GET_CURR_RSSI: Command = Command::new(0x25, 4);
/// Scans, and answers the names.
pub(crate) const SCAN_NETWORKS: Command = Command::new(0x27, 1).blocks(10_000).names();
pub(crate) const START_SERVER_TCP: Command = Command::new(0x28, 1);
pub(crate) const GET_STATE_TCP: Command = Command::new(0x29, 1);
pub(crate) const AVAIL_DATA_TCP: Command = Command::new(0x2B, 2);
/// Waits for the peer: an unreachable one costs 18 s (SYN retries of lwIP).
pub(crate) const START_CLIENT_TCP: Command = Command::new(0x2D, 1).or(0).blocks(30_000);
/// With UDP_MODE it only sets a destination, and is answered at once.
pub(crate) const START_CLIENT_TCP_UDP: Command = Command::new(0x2D, 1).or(0);
pub(crate) const STOP_CLIENT_TCP: Command = Command::new(0x2E, 1);
pub(crate) const GET_CLIENT_STATE_TCP: Command = Command::new(0x2F, 1);
pub(crate) const DISCONNECT: Command = Command::new(0x30, 1).blocks(10_000);
pub(crate) const GET_IDX_RSSI: Command = Command::new(0x32, 4);
pub(crate) const GET_IDX_ENCT: Command = Command::new(0x33, 1);
/// About 7 s for each name server that does not answer.
pub(crate) const REQ_HOST_BY_NAME: Command = Command::new(0x34, 1).blocks(30_000);
pub(crate) const GET_HOST_BY_NAME: Command = Command::new(0x35, 4);
/// Answers a text with a NUL at its end.
pub(crate) const GET_FW_VERSION: Command = Command::new(0x37, 16).or(1);
pub(crate) const SEND_DATA_UDP: Command = Command::new(0x39, 1);
pub(crate) const GET_REMOTE_DATA: Command = Command::several(0x3A, 6, &[4, 2]);
/// Four bytes, or eight from firmware built on arduino-esp32.
pub(crate) const GET_TIME: Command = Command::new(0x3B, 8).or(4);
pub(crate) const GET_IDX_BSSID: Command = Command::new(0x3C, 6);
pub(crate) const GET_IDX_CHANNEL: Command = Command::new(0x3D, 1);
/// Up to 5 s after the last echo reply that is somebody else's.
pub(crate) const PING: Command = Command::new(0x3E, 2).blocks(10_000);
pub(crate) const GET_SOCKET: Command = Command::new(0x3F, 1);
pub(crate) const SEND_DATA_TCP: Command = Command::new(0x44, 2).wide();
/// On an accepted socket that could not be made non-blocking, a peer that does not read stops the
/// chip. Ten seconds of that are enough.
pub(crate) const SEND_DATA_TCP_BLOCKING: Command = SEND_DATA_TCP.blocks(10_000);
/// Adafruit 3 waits ten times one second for such a peer, and then tells what was taken.
pub(crate) const SEND_DATA_TCP_PATIENT: Command = SEND_DATA_TCP.blocks(15_000);
pub(crate) const GET_DATABUF_TCP: Command = Command::new(0x45, 1).wide().data();
pub(crate) const INSERT_DATABUF: Command = Command::new(0x46, 1).wide();
pub(crate) const SOCKET: Command = Command::new(0x70, 1);
pub(crate) const CLOSE: Command = Command::new(0x71, 1);
pub(crate) const ERRNO: Command = Command::new(0x72, 1);
pub(crate) const BIND: Command = Command::new(0x73, 1).errno();
pub(crate) const CONNECT: Command = Command::new(0x76, 1).errno();
pub(crate) const SEND: Command = Command::new(0x77, 2).wide().errno();
pub(crate) const RECV: Command = Command::new(0x78, 1).data().errno();
pub(crate) const SENDTO: Command = Command::new(0x79, 2).wide().errno();
pub(crate) const RECVFROM: Command = Command::new(0x7A, 1).sender().errno();
pub(crate) const IOCTL: Command = Command::new(0x7B, 4).or(0);
pub(crate) const POLL: Command = Command::new(0x7C, 1);
pub(crate) const GETSOCKOPT: Command = Command::new(0x7E, 4).or(0);
pub(crate) const GETPEERNAME: Command = Command::several(0x7F, 7, &[1, 4, 2]);

/// Connection modes of START_SERVER_TCP and START_CLIENT_TCP.
pub(crate) const TCP_MODE: u8 = 0;
pub(crate) const UDP_MODE: u8 = 1;

/// A slot or descriptor number that stands for "none".
pub(crate) const NO_SOCKET: u8 = 255;

/// Wi-Fi status, GET_CONN_STATUS.
pub(crate) mod status {
    pub(crate) const IDLE: u8 = 0;
    /// Set when a join starts, so it means "under way" too.
    pub(crate) const NO_SSID_AVAIL: u8 = 1;
    pub(crate) const CONNECTED: u8 = 3;
    pub(crate) const CONNECT_FAILED: u8 = 4;
    pub(crate) const AP_LISTENING: u8 = 7;
    pub(crate) const AP_CONNECTED: u8 = 8;
    /// Adafruit 3 before the first join.
    pub(crate) const STOPPED: u8 = 254;
}

/// Encryption of a network that a scan found, GET_IDX_ENCT.
pub(crate) mod encryption {
    pub(crate) const WPA: u8 = 2;
    /// Also WPA and WPA2 side by side.
    pub(crate) const WPA2: u8 = 4;
    pub(crate) const WEP: u8 = 5;
    pub(crate) const OPEN: u8 = 7;
}

/// Reasons of a disconnect, GET_REASON_CODE (`wifi_err_reason_t` of ESP-IDF).
pub(crate) mod reason {
    pub(crate) const AUTH_EXPIRE: u8 = 2;
    pub(crate) const HANDSHAKE_TIMEOUT_4WAY: u8 = 15;
    pub(crate) const NO_AP_FOUND: u8 = 201;
    pub(crate) const AUTH_FAIL: u8 = 202;
    pub(crate) const HANDSHAKE_TIMEOUT: u8 = 204;
}

/// Answer of GET_CLIENT_STATE_TCP for a connection that stands; every other one is 0.
pub(crate) const STATE_CONNECTED: u8 = 4;

/// Error numbers of newlib, ERRNO.
pub(crate) mod errno {
    pub(crate) const NONE: u8 = 0;
    pub(crate) const EBADF: u8 = 9;
    pub(crate) const EAGAIN: u8 = 11;
    pub(crate) const ENFILE: u8 = 23;
    pub(crate) const ECONNRESET: u8 = 104;
    pub(crate) const ENOBUFS: u8 = 105;
    pub(crate) const EADDRINUSE: u8 = 112;
    pub(crate) const ECONNABORTED: u8 = 113;
    pub(crate) const ETIMEDOUT: u8 = 116;
    pub(crate) const EHOSTUNREACH: u8 = 118;
    pub(crate) const EINPROGRESS: u8 = 119;
    pub(crate) const EALREADY: u8 = 120;
    pub(crate) const EISCONN: u8 = 127;
    /// Also the orderly end of a stream.
    pub(crate) const ENOTCONN: u8 = 128;
}

/// First parameter of SOCKET.
pub(crate) const SOCK_STREAM: u8 = 1;
pub(crate) const SOCK_DGRAM: u8 = 2;
/// IOCTL: blocking off (argument 1) or on (0).
pub(crate) const FIONBIO: u32 = 0x8004_667E;
/// GETSOCKOPT: the error of a connect that ran in the background.
pub(crate) const SO_ERROR: u32 = 0x1007;
/// POLL: a receive would not wait, or a send.
pub(crate) const POLL_READABLE: u8 = 0x01;
pub(crate) const POLL_WRITABLE: u8 = 0x02;
/// POLL: select itself failed; worth a retry. Bit 0x04 is never initialised by the firmware.
pub(crate) const POLL_FAILED: u8 = 0x80;

/// Descriptors that lwIP hands out in this firmware.
pub(crate) const DESCRIPTORS: core::ops::RangeInclusive<u8> = 54..=63;

/// Most bytes of one SEND_DATA_TCP or SEND: 4,092 of a DMA buffer less nine of framing.
pub(crate) const SEND_MAX: usize = 4_083;
/// Most bytes of one write that may stop the chip: one segment.
pub(crate) const SEND_BLOCKING_MAX: usize = 1_436;
/// Most bytes to ask of GET_DATABUF_TCP; the firmware does not check, and would overrun its buffer.
pub(crate) const GET_DATABUF_MAX: usize = 4_086;
/// Most bytes that RECV answers.
pub(crate) const RECV_MAX: usize = 4_076;

/// Most bytes in a datagram: this firmware's lwIP does not fragment.
pub(crate) const DATAGRAM_MAX: u16 = 1_472;

/// Longest texts that the firmware's buffers hold; longer ones would overrun its stack.
pub(crate) const SSID_MAX: usize = 32;
pub(crate) const PASSPHRASE_MAX: usize = 63;
pub(crate) const HOST_NAME_MAX: usize = 255;
/// The firmware would cut a longer one.
pub(crate) const OWN_NAME_MAX: usize = 32;
/// Shortest passphrase of a network of our own (WPA2).
pub(crate) const PASSPHRASE_MIN: usize = 8;
