//! What a command is for, and how long its answer may take.

use core::time::Duration;

/// Whom the command that is out is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Op {
    /// Is anybody there? (`AT`)
    Probe,
    /// `+++`, alone: ends a payload that the module waits for in vain.
    Cancel,
    Reset,
    Setup(Step),
    /// Whether answers belong to questions again, and whether the module was reset meanwhile.
    Sync,
    /// Which links stand.
    Links,
    /// What waits on them.
    Lengths,
    /// Whether CIPDINFO is wanted.
    Senders(bool),
    /// Whether this link's data are asked for (`true`), or come by themselves; 5: all.
    Passive(u8, bool),
    /// A socket's CIPSTART, for TCP or UDP.
    Start(u8, u8),
    Options(u8, u8),
    Close(u8),
    Serve(u8),
    ServeTimeout,
    StopServing,
    Send(u8),
    /// A socket's read, from a link.
    Receive(u8, u8),
    Lookup,
    Scan,
    Link(LinkStep),
    Query(Query),
    /// The module's clock is set by SNTP from now on.
    TimeServer,
    Time,
}

/// The commands after a reset, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Echo,
    Version,
    Store,
    Rate,
    /// Whether the module understands us at the new rate.
    CheckRate,
    Mode,
    Mux,
    Receive,
    ReceiveOtherwise,
    Messages,
    Options,
    Log,
}

/// The commands around joining and leaving.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LinkStep {
    StationMode,
    Join,
    Address,
    NameServers,
    Leave,
    AccessPointMode,
    AccessPoint,
    AccessPointAddress,
}

/// Questions with one answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Query {
    Mac,
    Rssi,
    Stations,
    SetAddress,
    SetDhcp,
    SetHostName,
    SetNameServers,
    SetPower,
    Ping,
}

impl Op {
    /// Whether the module answers with a prompt, and wants payload then.
    pub(crate) fn has_payload(self) -> bool {
        matches!(self, Self::Send(_))
    }

    /// How long the answer may take (docs/firmware/espat.md, times).
    pub(crate) fn limit(self) -> Duration {
        Duration::from_millis(match self {
            Self::Probe => 150,
            Self::Cancel => 250,
            Self::Start(..) => 22_000,
            Self::Link(LinkStep::Join) => 25_000,
            Self::Lookup => 20_000,
            Self::Scan => 15_000,
            Self::Query(Query::Ping) => 10_000,
            Self::Sync => 500,
            Self::Setup(Step::CheckRate) => 300,
            _ => 2_000,
        })
    }
}
