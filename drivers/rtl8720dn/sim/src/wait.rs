//! What becomes of a call: an answer at once or later, a wait, silence, the end.

use core::net::SocketAddrV4;

use netdev::Instant;

use crate::codec::Out;
use crate::lwip::{Form, Lookup, Sets};
use crate::mbedtls::{TlsSend, TlsStart};
use crate::mdns::Query;
use crate::wifi::Credentials;

/// What a handler says.
#[derive(Debug)]
pub(crate) enum Step {
    Done(Out),
    /// The work takes until then.
    At(Instant, Out),
    /// The work takes until the network or the radio lets go.
    Wait(Wait),
    /// The codec refuses what the wrapper made: nothing is said.
    Silence,
    /// The firmware stops for ever.
    Dead,
}

impl From<Out> for Step {
    fn from(out: Out) -> Self {
        Self::Done(out)
    }
}

/// What the server task is blocked in, and everything else with it.
#[derive(Debug)]
pub(crate) enum Wait {
    /// `wifi_connect`.
    Join {
        credentials: Credentials,
        until: Instant,
    },
    /// `tcpip_adapter_dhcpc_start`.
    Dhcp {
        until: Instant,
        answers: bool,
    },
    /// `netconn_gethostbyname`.
    Lookup(Lookup),
    Connect(i32),
    Accept(Accept),
    Receive(Receive),
    Send(Send),
    Select(Sets),
    Available {
        s: i32,
        until: Instant,
    },
    /// `wifi_start_ssl_client`.
    Tls(TlsStart),
    /// `wifi_send_ssl_data`.
    TlsSend(TlsSend),
    /// `mdns_query_a`, `mdns_query_ptr`.
    Mdns(Query),
    /// The IP task waits for the host, and this call for the IP task.
    IpTask,
}

#[derive(Debug)]
pub(crate) struct Accept {
    pub(crate) s: i32,
    /// Echoed.
    pub(crate) length: u32,
    pub(crate) waits: bool,
    pub(crate) until: Option<Instant>,
}

#[derive(Debug)]
pub(crate) struct Receive {
    pub(crate) s: i32,
    pub(crate) limit: usize,
    pub(crate) flags: i32,
    pub(crate) form: Form,
    pub(crate) waits: bool,
    pub(crate) until: Option<Instant>,
}

#[derive(Debug)]
pub(crate) struct Send {
    pub(crate) s: i32,
    pub(crate) data: Vec<u8>,
    pub(crate) sent: usize,
    pub(crate) to: Option<SocketAddrV4>,
    pub(crate) waits: bool,
    pub(crate) until: Option<Instant>,
}

impl Wait {
    /// When the wait ends for want of anything else, and whether the sockets may end it before.
    pub(crate) fn until(&self) -> (Option<Instant>, bool) {
        match self {
            Self::Join { until, .. } | Self::Dhcp { until, .. } => (Some(*until), false),
            Self::Lookup(lookup) => (Some(lookup.until), true),
            Self::Connect(_) => (None, true),
            Self::Accept(call) => (call.until, true),
            Self::Receive(call) => (call.until, true),
            Self::Send(call) => (call.until, true),
            Self::Select(sets) => (sets.until(), true),
            Self::Available { until, .. } => (Some(*until), true),
            Self::Tls(start) => (start.until(), true),
            Self::TlsSend(_) => (None, true),
            Self::Mdns(query) => (Some(query.until), true),
            Self::IpTask => (None, false),
        }
    }
}

/// About what the firmware's heap has left, in bytes; a request for more stops the chip.
pub(crate) const HEAP: usize = 100_000;
