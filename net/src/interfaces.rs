//! The interfaces of a device, as far as it knows them.

use core::fmt;
use core::net::IpAddr;
use core::time::Duration;

use crate::socket::until;
use crate::{Cause, DeviceError, Error, HardwareAddr, IpNet, Mask, Netdev, Op};

/// What is known about an interface: Go's `Interface`.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Interface {
    /// Its number, from 1.
    pub index: u32,
    /// Largest packet in bytes, as far as the device tells; 0 if it does not.
    pub mtu: u32,
    /// `lo` where the device knows only itself, otherwise `net0`.
    pub name: &'static str,
    /// Its link address.
    pub hardware_addr: Option<HardwareAddr>,
    /// What it is and can.
    pub flags: Flags,
    /// Its address and network; `None` while it has none.
    pub addr: Option<(IpAddr, IpNet)>,
}

/// What an interface is and can: Go's `Flags`. Prints as `up|broadcast|multicast`, or `0`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Flags(u8);

impl Flags {
    /// It has an address.
    pub const UP: Self = Self(1);
    /// It can reach everybody on its link at once.
    pub const BROADCAST: Self = Self(1 << 1);
    /// It leads to this machine only.
    pub const LOOPBACK: Self = Self(1 << 2);
    /// It leads to one other machine.
    pub const POINT_TO_POINT: Self = Self(1 << 3);
    /// It can reach groups.
    pub const MULTICAST: Self = Self(1 << 4);
    /// Its link stands.
    pub const RUNNING: Self = Self(1 << 5);

    /// Both sets together.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether all of `other` is in here.
    #[must_use]
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

impl fmt::Display for Flags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = ["up", "broadcast", "loopback", "pointtopoint", "multicast", "running"];
        let mut between = "";
        for (bit, name) in names.into_iter().enumerate() {
            if self.0 & (1 << bit) != 0 {
                write!(f, "{between}{name}")?;
                between = "|";
            }
        }
        if between.is_empty() { f.write_str("0") } else { Ok(()) }
    }
}

/// The interfaces of a device: Go's `Interfaces`. A device with sockets on board has one.
///
/// # Errors
/// The device's, when it cannot be asked within 10 seconds.
pub fn interfaces(device: &'static dyn Netdev) -> Result<impl Iterator<Item = Interface>, Error> {
    find(device).map(Some).map(Option::into_iter).map_err(|cause| Error::new(Op::Route, cause))
}

/// The interface of this number: Go's `InterfaceByIndex`.
///
/// # Errors
/// As [`interfaces`]; [`Cause::NoSuchInterface`].
pub fn interface_by_index(device: &'static dyn Netdev, index: u32) -> Result<Interface, Error> {
    let mut all = interfaces(device)?;
    let found = all.find(|interface| interface.index == index);
    found.ok_or(Error::new(Op::Route, Cause::NoSuchInterface))
}

/// The addresses of a device, each with its network: Go's `InterfaceAddrs`.
///
/// # Errors
/// As [`interfaces`].
pub fn interface_addrs(
    device: &'static dyn Netdev,
) -> Result<impl Iterator<Item = (IpAddr, IpNet)>, Error> {
    Ok(interfaces(device)?.filter_map(|interface| interface.addr))
}

fn find(device: &'static dyn Netdev) -> Result<Interface, Cause> {
    let deadline = Some(device.platform().now() + PATIENCE);
    let link = device.netlink();
    let mut flags = Flags::default();
    let addr = match until(device, deadline, || device.addr()) {
        Ok(config) => {
            flags = flags.with(Flags::UP).with(Flags::RUNNING);
            let bits = if config.addr.is_ipv4() { 32 } else { 128 };
            let mask = Mask::cidr(config.prefix, bits);
            mask.and_then(|mask| Some((config.addr, IpNet::new(config.addr, mask)?)))
        }
        Err(Cause::Device(DeviceError::LinkDown)) => None,
        Err(cause) => return Err(cause),
    };
    let hardware_addr = match link.map(|link| until(device, deadline, || link.hardware_addr())) {
        Some(Ok(addr)) => Some(addr),
        None | Some(Err(Cause::Device(DeviceError::Unsupported))) => None,
        Some(Err(cause)) => return Err(cause),
    };
    let loopback = addr.is_some_and(|(ip, _)| ip.is_loopback());
    flags = flags.with(if loopback { Flags::LOOPBACK } else { Flags::BROADCAST });
    // A datagram's headers take 28 bytes (RFC 791, RFC 768).
    let mtu = u32::from(device.capabilities().datagram);
    Ok(Interface {
        index: 1,
        mtu: if mtu == 0 { 0 } else { mtu + 28 },
        name: if loopback { "lo" } else { "net0" },
        hardware_addr,
        flags,
        addr,
    })
}

const PATIENCE: Duration = Duration::from_secs(10);
