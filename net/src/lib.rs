#![doc = include_str!("../README.md")]
#![no_std]

#[cfg(feature = "std")]
extern crate std;

mod about;
mod addr;
mod buffers;
mod conn;
mod dial;
mod end_point;
mod error;
mod host_port;
mod interfaces;
mod io;
mod ip;
pub mod link;
mod listen;
mod listener;
mod lookup;
mod mac;
mod mask;
mod methods;
pub mod netip;
mod pipe;
mod ports;
mod resolve;
mod side;
mod socket;
mod tcp;
mod transfer;
mod udp;

pub use about::About;
pub use addr::{Addr, Network};
pub use buffers::Buffers;
pub use conn::{Conn, Connection, Listener, PacketConn};
pub use dial::{Dialer, dial, dial_on, dial_tcp, dial_timeout, dial_udp};
pub use end_point::{TcpAddr, UdpAddr, ZonedIp};
pub use error::{
    AddrError, AddrErrorKind, Cause, DnsError, Error, LookupErrorKind, Op, ParseError, WriteError,
};
pub use host_port::{HostPort, join_host_port, split_host_port};
pub use interfaces::{Flags, Interface, interface_addrs, interface_by_index, interfaces};
pub use ip::{IpBytes, IpExt, parse_ip, well_known};
pub use listen::{
    ListenConfig, listen, listen_on, listen_packet, listen_packet_on, listen_tcp, listen_udp,
};
pub use listener::TcpListener;
pub use lookup::{lookup_host, lookup_host_on};
pub use mac::{MacAddr, parse_mac};
pub use mask::{IpNet, Mask, parse_cidr};
pub use netdev;
pub use netdev::{
    AddressFamily, Error as DeviceError, HardwareAddr, Instant, IpConfig, Netdev, Readiness,
    SockFd, use_device,
};
pub use pipe::{Pipe, PipeEnd};
pub use ports::lookup_port;
pub use resolve::{
    resolve, resolve_ip_addr, resolve_ip_addr_on, resolve_on, resolve_tcp_addr,
    resolve_tcp_addr_on, resolve_udp_addr, resolve_udp_addr_on,
};
pub use tcp::TcpConn;
pub use udp::UdpConn;

use netdev::{Protocol, Remote, Side, SockFlags, SockOpt, SockType};
