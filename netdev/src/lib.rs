#![doc = include_str!("../README.md")]
#![no_std]

#[cfg(feature = "std")]
extern crate std;

mod capabilities;
mod device;
mod error;
mod events;
mod exclusive;
#[doc(hidden)]
pub mod fmt;
mod handles;
mod link;
#[cfg(feature = "std")]
mod os;
mod registry;
mod socket;
mod time;
mod turns;
mod wait;

pub use capabilities::{Capabilities, Features, Limits};
pub use device::{IpConfig, Netdev};
pub use error::{Error, Fault, TlsError};
pub use events::EventQueue;
pub use exclusive::Exclusive;
pub use handles::Handles;
pub use link::{
    AccessPoint, AccessPointSettings, Auth, Event, HardwareAddr, LinkStatus, Netlink, Network,
    PowerMode, Wifi,
};
#[cfg(feature = "std")]
pub use os::StdPlatform;
pub use registry::{device, use_device};
pub use socket::{
    AddressFamily, Lookup, Protocol, Readiness, Remote, Side, SockFd, SockFlags, SockOpt, SockType,
    TlsRoots,
};
pub use time::{Instant, Platform};
pub use turns::Turns;
pub use wait::{Background, Stopped, set_background, step_background, wait};
