#![doc = include_str!("../README.md")]
#![no_std]

#[cfg(feature = "std")]
extern crate std;

mod addr;
mod conn;
mod dial;
mod error;
mod host_port;
mod io;
pub mod link;
mod listen;
mod listener;
mod methods;
mod ports;
mod resolve;
mod side;
mod socket;
mod tcp;
mod transfer;
mod udp;

pub use addr::{Addr, Network};
pub use conn::{Conn, Connection, Listener, PacketConn};
pub use dial::{Dialer, dial, dial_on, dial_timeout};
pub use error::{AddrError, AddrErrorKind, Cause, Error, LookupErrorKind, Op, WriteError};
pub use host_port::{HostPort, join_host_port, split_host_port};
pub use listen::{listen, listen_on, listen_packet, listen_packet_on};
pub use listener::TcpListener;
pub use netdev;
pub use netdev::{
    AddressFamily, Error as DeviceError, HardwareAddr, Instant, IpConfig, Netdev, Readiness,
    SockFd, use_device,
};
pub use ports::lookup_port;
pub use resolve::{resolve, resolve_on};
pub use tcp::TcpConn;
pub use udp::UdpConn;

use netdev::{Protocol, Remote, Side, SockFlags, SockOpt, SockType};
